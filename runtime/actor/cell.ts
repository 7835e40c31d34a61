// One actor: one message at a time, its turn. Its mail is in mailbox.ts, what begins and ends its lives in life-cycle.ts. A cell
// that idles is some twenty fields: everything that few actors need is in its `Rest` or in the kit of its life.

import { Adapted } from './adapter.ts'
import { Arrival } from './arrival.ts'
import { Receiving, type Setting } from './behavior.ts'
import { Envelope } from './envelope.ts'
import { Errand } from './errand.ts'
import type { Family, Parent } from './family.ts'
import { Keyed } from './latest.ts'
import type { Life } from './life.ts'
import { attend, begin, fail } from './life-cycle.ts'
import type { LocalSystem } from './local-system.ts'
import { Mailbox } from './mailbox.ts'
import type { Origin } from './origin.ts'
import { isThenable, Pending } from './pending.ts'
import { ATTENDING, BREAKING, FRESH, IDLE, LIVING, PARKED, QUEUED, RUNNING } from './phase.ts'
import { type Asked, Question } from './question.ts'
import type { Queue } from './queue.ts'
import type { AnyRef } from './ref.ts'
import type { Runnable, Scheduler } from './scheduler.ts'
import type { Signal } from './signal.ts'
import { Kept, STASHED } from './stash.ts'
import type { StopReason, Watcher } from './watch.ts'

/** Messages for one actor while others wait. */
const SLICE = 64

export class Cell extends Mailbox implements Runnable, Asked, Parent, Watcher {
  readonly parent: Parent
  readonly behavior: Receiving | Setting
  /** Neighbours among its parent's children. */
  older: Cell | undefined
  younger: Cell | undefined
  next: Runnable | undefined
  life: Life | undefined
  /** The system lane; not there while it is empty. */
  signals: Signal[] | undefined
  questions: Question | undefined

  constructor(home: LocalSystem, parent: Parent, behavior: Receiving | Setting) {
    super(home)
    this.parent = parent
    this.behavior = behavior
  }

  get family(): Family {
    return this.more()
  }

  /** Watch notices lie in the user lane, behind what the ended actor sent before. */
  stopped(ref: AnyRef, reason: StopReason): void {
    this.life?.ending(ref, reason)
  }

  /** The system lane. */
  signal(signal: Signal): void {
    if (this.phase.is === 'stopped') return
    if (this.signals === undefined) this.signals = [signal]
    else if (signal.type === 'stop') this.signals.unshift(signal)
    else this.signals.push(signal)
    if (this.run === RUNNING) this.run = BREAKING
    else if (this.run === IDLE || this.run === PARKED) this.schedule()
  }

  childFailed(child: Cell, error: unknown): void {
    this.signal({ type: 'child failed', child, error })
  }
  childEscalated(_child: Cell, error: unknown): void {
    this.signal({ type: 'escalated', error })
  }
  childEnded(): void {
    if (this.phase.is === 'stopping' || this.phase.is === 'restarting') this.signal({ type: 'proceed' })
  }

  // Its turn.

  schedule(): void {
    this.run = QUEUED
    this.home.scheduler.add(this)
  }

  turn(scheduler: Scheduler): void {
    if (this.phase === LIVING && this.signals === undefined) this.run = RUNNING
    else this.#attend(scheduler)
    const life = this.life
    if (this.run === RUNNING && this.count > 0 && life !== undefined && life.pending === undefined) {
      const began = scheduler.time
      let budget = SLICE
      do {
        const done = this.#work(life, Math.min(budget, scheduler.left))
        budget -= done
        scheduler.left -= done
        if (scheduler.left <= 0 && scheduler.look(began)) break
      } while (this.run === RUNNING && this.count > 0 && budget > 0)
      if (this.rest === undefined && this.run === RUNNING) {
        if (this.count === 0) {
          if (this.queue !== undefined) this.giveQueue()
          this.run = IDLE
        } else this.schedule()
        return
      }
    }
    if (this.signals !== undefined) {
      this.run = ATTENDING
      attend(this)
    }
    if (this.count <= 1 && this.queue !== undefined) this.giveQueue()
    if (this.rest !== undefined) this.relax()
    this.rejoin()
  }

  /** The system lane, and the start of a life. */
  #attend(scheduler: Scheduler): void {
    if (this.phase.is === 'stopped') return
    this.run = ATTENDING
    if (--scheduler.left <= 0) scheduler.look(scheduler.time)
    attend(this)
    if (this.phase === FRESH) {
      begin(this)
      attend(this)
    }
    if (this.phase === LIVING) this.run = RUNNING
  }

  /** After a turn, a pending handler, a new life: to the run queue if there is something to do. */
  rejoin(): void {
    const { phase } = this
    if (phase.is === 'stopped') this.run = PARKED
    else if (this.signals !== undefined) this.schedule()
    else if (phase === FRESH) {
      if (this.count > 0 || !(this.behavior instanceof Receiving) || this.behavior.eager) this.schedule()
      else this.run = IDLE
    } else if (!this.open) this.run = PARKED
    else if (this.count > 0) this.schedule()
    else this.run = IDLE
  }

  /** Whether the user lane moves. */
  get open(): boolean {
    return this.phase === LIVING && this.life?.pending === undefined
  }

  /** Hands over at most `limit` messages. The one in hand stays in its slot until it is done, so nobody else has to hold it. */
  #work(life: Life, limit: number): number {
    const { home } = this
    const { step, origin } = life
    let done = 0
    let bare = 0
    try {
      while (done < limit) {
        const mail = this.slot
        const { handlers } = life
        done++
        let answer: unknown
        if (this.enveloped !== 0 && mail instanceof Envelope) answer = this.#open(mail)
        else {
          bare++
          answer =
            handlers === undefined ? step?.(life.state, mail, life, origin) : handlers.receive(mail as never, origin)
        }
        if (handlers === undefined ? answer !== life.state : answer !== undefined) {
          if (isThenable(answer)) {
            if (this.life !== life) break
            life.pending = new Pending(this, life, answer)
            this.run = PARKED
            break
          }
          if (handlers === undefined) life.state = answer
        }
        if (this.run !== RUNNING && this.run !== BREAKING) break
        if (--this.count === 0) {
          this.slot = undefined
          break
        }
        this.slot = (this.queue as Queue).take()
        if (this.run !== RUNNING) break
      }
    } catch (error) {
      this.crash(error)
    }
    home.delivered += bare
    return done
  }

  /** The turn of mail in an envelope. Answers what its handler answered. */
  #open(envelope: Envelope): unknown {
    const { home } = this
    const life = this.life as Life
    let mail = envelope
    this.enveloped--
    if (mail instanceof Question) return this.#receive(mail, mail.origin)
    if (mail instanceof Keyed) {
      if (!this.rest?.latest?.take(mail)) return this.nothing
      this.slot = mail.mail
      if (!(mail.mail instanceof Envelope)) {
        home.delivered++
        return this.handle(mail.mail, life.origin)
      }
      mail = mail.mail
    }
    if (mail instanceof Errand) return mail.life === life ? mail.run(this) : this.nothing
    return this.#receive(mail, this.#origin(mail))
  }

  #receive(mail: Envelope, from: Origin): unknown {
    const { home } = this
    if (mail.bytes > 0) this.more().bytes -= mail.bytes
    mail.disposed()
    if (!mail.wanted) {
      home.deadLetters.add(this.ref, mail, 'expired')
      return this.nothing
    }
    const message = mail instanceof Adapted ? mail.map() : mail.message
    if (message === undefined && mail instanceof Adapted) return this.nothing
    home.delivered++
    return this.handle(message, from)
  }

  handle(message: unknown, from: Origin): unknown {
    const life = this.life as Life
    if (life.handlers !== undefined) return life.handlers.receive(message as never, from)
    return life.step?.(life.state, message, life, from)
  }

  /** What a handler answers that did nothing. */
  get nothing(): unknown {
    return this.life?.handlers === undefined ? this.life?.state : undefined
  }

  /** A question knows who gave up; of other mail only the signal of this life is of use. */
  #origin(mail: Envelope): Origin {
    const { origin } = mail
    const own = origin instanceof Arrival || mail instanceof Question || mail instanceof Kept || mail instanceof Adapted
    return own ? origin : new Arrival(this.life as Life, origin.trust, origin.principal)
  }

  /** Whether a message is in hand. */
  get handling(): boolean {
    return this.run === RUNNING || this.run === BREAKING || this.life?.pending !== undefined
  }
  /** The message in hand as a stash keeps it. */
  get inHand(): { kept: unknown } | undefined {
    const mail = this.slot
    if (!this.handling || this.count === 0 || mail === STASHED || mail instanceof Errand) return undefined
    if (!(mail instanceof Envelope) || mail instanceof Kept) return { kept: mail }
    return { kept: new Kept(mail, this.#origin(mail)) }
  }

  /** The handler of the message in hand has failed. */
  crash(error: unknown): void {
    if (this.phase.is === 'stopped') return
    const stashed = this.slot === STASHED
    const mail = stashed ? this.life?.stashed() : this.slot
    this.finish()
    if (!(mail instanceof Errand)) this.bury(mail, 'crashed', error, true)
    fail(this, error)
  }

  addWatcher(watcher: Watcher): void {
    if (this.phase.is === 'stopped') {
      watcher.stopped(this.ref, { kind: 'unknown' })
      return
    }
    const rest = this.more()
    rest.watchers ??= new Set()
    rest.watchers.add(watcher)
  }
}
