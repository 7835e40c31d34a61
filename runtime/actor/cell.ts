// One actor. Its mailbox, one message at a time, its turn; what begins and ends its lives is in life-cycle.ts. A cell that idles is
// some twenty fields: everything that few actors need is in its `Rest` or in the kit of its life.

import { Adapted } from './adapter.ts'
import { Arrival } from './arrival.ts'
import { Receiving, type Setting } from './behavior.ts'
import type { SpawnOptions } from './context.ts'
import { copy } from './copy.ts'
import { Envelope } from './envelope.ts'
import { Errand } from './errand.ts'
import type { Family, Parent } from './family.ts'
import { Keyed } from './latest.ts'
import type { Life } from './life.ts'
import { attend, begin, fail } from './life-cycle.ts'
import type { LocalRef } from './local-ref.ts'
import type { LocalSystem } from './local-system.ts'
import type { Queue } from './mailbox.ts'
import type { Origin } from './origin.ts'
import { isThenable, Pending } from './pending.ts'
import { ATTENDING, BREAKING, FRESH, IDLE, LIVING, PARKED, type Phase, QUEUED, RUNNING, type Run } from './phase.ts'
import { type Asked, Question } from './question.ts'
import type { AnyRef } from './ref.ts'
import { BOUNDS, type Bounds, HIGH, Rest } from './rest.ts'
import type { Runnable, Scheduler } from './scheduler.ts'
import type { Signal } from './signal.ts'
import { Kept, STASHED } from './stash.ts'
import type { StopReason, Watcher } from './watch.ts'

/** Messages for one actor while others wait. */
const SLICE = 64

export class Cell implements Runnable, Asked, Parent, Watcher {
  ref!: LocalRef<never>
  readonly home: LocalSystem
  readonly parent: Parent
  readonly behavior: Receiving | Setting
  /** Neighbours among its parent's children. */
  older: Cell | undefined
  younger: Cell | undefined
  next: Runnable | undefined
  run: Run = IDLE
  phase: Phase = FRESH
  /** From so much mail on, `send` takes the long way: pressed, full, ended, copying. 0: always. */
  mark: number
  /** All mail, with the message in hand. */
  count = 0
  /** The message in hand, or else the first that waits. The others are in the queue. */
  slot: unknown = undefined
  queue: Queue | undefined
  /** How much of the mail is in envelopes: without any, nobody looks for them. */
  enveloped = 0
  life: Life | undefined
  rest: Rest | undefined
  /** The system lane; not there while it is empty. */
  signals: Signal[] | undefined
  questions: Question | undefined

  constructor(home: LocalSystem, parent: Parent, behavior: Receiving | Setting) {
    this.home = home
    this.parent = parent
    this.behavior = behavior
    this.mark = home.copying ? 0 : HIGH - 1
  }

  more(): Rest {
    this.rest ??= new Rest()
    return this.rest
  }
  get bounds(): Bounds {
    return this.rest?.bounds ?? BOUNDS
  }
  get family(): Family {
    return this.more()
  }

  configure(options: SpawnOptions<never>): void {
    const rest = this.more()
    rest.configure(options)
    this.mark = this.home.copying || rest.latest !== undefined ? 0 : rest.bounds.high - 1
  }

  // Mail comes in.

  /** The long way of `send`. */
  take(message: unknown): boolean {
    const { home } = this
    if (!home.copying || this.phase.is === 'stopped') return this.offer(message)
    let mail: unknown
    try {
      mail = copy(message)
    } catch (error) {
      home.sent++
      home.deadLetters.add(this.ref, message, 'unserialisable', error)
      return true
    }
    return this.offer(mail)
  }

  /** Mail of this system: counted, and published if refused. */
  offer(mail: unknown): boolean {
    const { home } = this
    if (this.admit(mail)) {
      home.sent++
      return true
    }
    home.refused++
    const now = home.clock.now()
    const rest = this.more()
    if (now - rest.refusedAt >= 1000) {
      rest.refusedAt = now
      home.deadLetters.publish(this.ref, mail, 'refused')
    }
    return false
  }

  /** Mail, bare or in an envelope, within the mailbox's bounds. `false`: no room, not taken. */
  admit(mail: unknown): boolean {
    const { rest, home } = this
    if (this.phase.is === 'stopped') {
      this.bury(mail, 'no-actor')
      return true
    }
    let slot = mail
    const latest = rest?.latest
    if (latest !== undefined) {
      try {
        slot = latest.wrap(mail)
      } catch (error) {
        this.bury(mail, 'dropped', error)
        return true
      }
      const older = latest.older(slot as Keyed)
      if (older !== undefined) {
        latest.supersede(older)
        this.bury(older.mail, 'dropped')
        if (latest.empty > 64 && latest.empty > this.count >> 1) this.#sift(() => true)
      }
    }
    const bytes = mail instanceof Envelope ? mail.bytes : 0
    const { capacity, overflow, bytes: most, high } = this.bounds
    while (
      this.waiting >= capacity ||
      (bytes > 0 && rest !== undefined && rest.bytes > 0 && rest.bytes + bytes > most)
    ) {
      if (overflow === 'reject') return false
      if (overflow === 'drop-newest' || !this.#dropOldest()) {
        this.bury(mail, 'dropped')
        return true
      }
    }
    if (latest !== undefined) latest.add(slot as Keyed)
    this.#push(slot)
    if (this.count >= high && rest?.pressed !== true) this.#press(true)
    if (home.copying || latest !== undefined) this.mark = 0
    return true
  }

  /** Mail of the runtime: never refused. */
  errand(errand: Errand): void {
    if (this.phase.is !== 'stopped') this.#push(errand)
  }

  enqueue(mail: unknown): void {
    this.queue ??= this.home.chunks.queue()
    this.queue.push(mail)
  }

  /** Mail that was put aside comes back, before all that waits. */
  putBack(mail: unknown[]): void {
    if (mail.length === 0) return
    const waiting = this.#takeWaiting()
    for (const each of mail) this.#push(each)
    for (const each of waiting) this.#push(each)
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
          if (this.queue !== undefined) this.#giveQueue()
          this.run = IDLE
        } else this.schedule()
        return
      }
    }
    if (this.count <= 1 && this.queue !== undefined) this.#giveQueue()
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

  #giveQueue(): void {
    this.home.chunks.giveQueue(this.queue as Queue)
    this.queue = undefined
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
  get waiting(): number {
    return this.count - (this.handling ? 1 : 0) - (this.rest?.latest?.empty ?? 0)
  }

  /** The message in hand as a stash keeps it. */
  get inHand(): { kept: unknown } | undefined {
    const mail = this.slot
    if (!this.handling || this.count === 0 || mail === STASHED || mail instanceof Errand) return undefined
    if (!(mail instanceof Envelope) || mail instanceof Kept) return { kept: mail }
    return { kept: new Kept(mail, this.#origin(mail)) }
  }

  /** The message in hand is done. */
  finish(): void {
    if (--this.count === 0) this.slot = undefined
    else this.slot = (this.queue as Queue).take()
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

  /** A dead letter of this actor's. */
  bury(mail: unknown, reason: 'no-actor' | 'dropped' | 'crashed', error?: unknown, handled = false): void {
    if (mail instanceof Errand || mail === STASHED) return
    if (mail instanceof Envelope) {
      if (!handled) mail.disposed()
      if (mail instanceof Question) mail.giveUp()
    }
    this.home.deadLetters.add(this.ref, mail, reason, error)
  }

  // Room.

  /** Tells those who wait that there is room again. */
  relax(): void {
    const rest = this.rest as Rest
    if (rest.pressed && this.count <= rest.bounds.low) this.#press(false)
    const { room } = rest
    if (room !== undefined && this.waiting < rest.bounds.capacity && rest.bytes < rest.bounds.bytes) {
      rest.room = undefined
      for (const then of room) then()
    }
  }

  onRoom(then: () => void): void {
    if (this.phase.is === 'stopped') then()
    else {
      const rest = this.more()
      rest.room ??= []
      rest.room.push(then)
    }
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

  /** The end: everything that waits, for the dead letters. */
  empty(): unknown[] {
    this.mark = 0
    if (this.count === 0) return []
    const mail = this.#takeWaiting()
    this.count = 0
    this.slot = undefined
    return mail.map(each => (each instanceof Keyed ? each.mail : each))
  }

  #push(mail: unknown): void {
    if (mail instanceof Envelope) {
      this.enveloped++
      if (mail.bytes > 0) this.more().bytes += mail.bytes
    }
    if (this.count++ === 0) {
      this.slot = mail
      if (this.run === IDLE) this.schedule()
    } else this.enqueue(mail)
  }

  #press(on: boolean): void {
    const rest = this.more()
    rest.pressed = on
    const special = this.home.copying || rest.latest !== undefined
    this.mark = special ? 0 : on ? rest.bounds.capacity : rest.bounds.high - 1
    rest.pressureChanged?.(on)
    if (!on && rest.waiters !== undefined) for (const waiter of [...rest.waiters]) waiter.wake()
  }

  /** Drops the oldest message that may be dropped; `false` if none may. */
  #dropOldest(): boolean {
    const oldest = this.handling ? this.queue?.first : this.slot
    if (!(oldest instanceof Errand)) {
      if (!this.handling) this.finish()
      else {
        this.queue?.take()
        this.count--
      }
      if (oldest instanceof Envelope) {
        this.enveloped--
        this.more().bytes -= oldest.bytes
      }
      this.bury(oldest, 'dropped')
      return true
    }
    // Notices come first: rare, so a look at all the mail will do.
    let dropped: { mail: unknown } | undefined
    this.#sift(mail => {
      if (dropped !== undefined || mail instanceof Errand) return true
      dropped = { mail }
      return false
    })
    if (dropped === undefined) return false
    this.bury((dropped as { mail: unknown }).mail, 'dropped')
    return true
  }

  /** Keeps of the waiting mail what `keep` says. */
  #sift(keep: (mail: unknown) => boolean): void {
    for (const each of this.#takeWaiting()) if (keep(each)) this.#push(each)
  }

  /** All the mail but the message in hand, which stays. */
  #takeWaiting(): unknown[] {
    const held = this.handling && this.count > 0
    const { slot, queue, rest } = this
    const mail: unknown[] = this.count > 1 && queue !== undefined ? queue.drain() : []
    if (!held && this.count > 0) mail.unshift(slot)
    this.count = held ? 1 : 0
    if (!held) this.slot = undefined
    this.enveloped = 0
    if (rest === undefined) return mail
    rest.bytes = 0
    if (rest.latest === undefined) return mail
    rest.latest.empty = 0
    return mail.filter(each => !(each instanceof Keyed && each.superseded))
  }
}
