// The mail of one actor: what comes in, within bounds, and who waits for room. A cell extends it with what it does with its mail.

import type { SpawnOptions } from './context.ts'
import { copy } from './copy.ts'
import { Envelope } from './envelope.ts'
import { Errand } from './errand.ts'
import { Keyed } from './latest.ts'
import type { LocalRef } from './local-ref.ts'
import type { LocalSystem } from './local-system.ts'
import { FRESH, IDLE, type Phase, type Run } from './phase.ts'
import { Question } from './question.ts'
import type { Queue } from './queue.ts'
import { BOUNDS, type Bounds, HIGH, Rest } from './rest.ts'
import { STASHED } from './stash.ts'

export abstract class Mailbox {
  ref!: LocalRef<never>
  readonly home: LocalSystem
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
  rest: Rest | undefined

  constructor(home: LocalSystem) {
    this.home = home
    this.mark = home.copying ? 0 : HIGH - 1
  }

  /** Whether a message is in hand. */
  abstract readonly handling: boolean
  /** To the run queue. */
  abstract schedule(): void

  more(): Rest {
    this.rest ??= new Rest()
    return this.rest
  }
  get bounds(): Bounds {
    return this.rest?.bounds ?? BOUNDS
  }

  configure(options: SpawnOptions<never>): void {
    const rest = this.more()
    rest.configure(options)
    this.mark = this.home.copying || rest.latest !== undefined ? 0 : rest.bounds.high - 1
  }

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

  get waiting(): number {
    return this.count - (this.handling ? 1 : 0) - (this.rest?.latest?.empty ?? 0)
  }

  /** The message in hand is done. */
  finish(): void {
    if (--this.count === 0) this.slot = undefined
    else this.slot = (this.queue as Queue).take()
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

  giveQueue(): void {
    this.home.chunks.giveQueue(this.queue as Queue)
    this.queue = undefined
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
