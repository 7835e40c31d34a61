// What could not be delivered is published where it failed, with a reason. Watchers hear at the end of the turn: they are
// programs' code and must not run inside a `send`.

import type { Clock } from './clock.ts'
import { Envelope } from './envelope.ts'
import type { Logger } from './logger.ts'
import type { Flushable } from './scheduler.ts'

/** Published where delivery failed, at most 100 a second and one per ref and second for `refused`; the counters are exact. */
export interface DeadLetter {
  /** The label of the actor it was for. */
  readonly to: string
  readonly message: unknown
  readonly reason: DeadLetterReason
  readonly error?: unknown
}

export type DeadLetterReason =
  | 'no-actor'
  | 'refused'
  | 'dropped'
  | 'unreachable'
  | 'unserialisable'
  | 'too-large'
  | 'invalid'
  | 'forbidden'
  | 'crashed'
  | 'late-answer'
  | 'expired'

export interface Subscription {
  unsubscribe(): void
}

/** Letters a second that watchers hear of. */
const PUBLISHED = 100

export class DeadLetters implements Flushable {
  /** Every dead letter of this system, published or not. */
  count = 0
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #flushLater: (f: Flushable) => void
  readonly #watchers = new Set<{ each: (letter: DeadLetter) => void }>()
  #waiting: DeadLetter[] = []
  #second = Number.NEGATIVE_INFINITY
  #left = 0

  constructor(clock: Clock, logger: Logger, flushLater: (f: Flushable) => void) {
    this.#clock = clock
    this.#logger = logger
    this.#flushLater = flushLater
  }

  watch(each: (letter: DeadLetter) => void): Subscription {
    const watcher = { each }
    this.#watchers.add(watcher)
    return { unsubscribe: () => void this.#watchers.delete(watcher) }
  }

  /** Counts it, publishes it within the rate, and tells an envelope that it died. `mail` is a message or its envelope. */
  add(to: { readonly label: string }, mail: unknown, reason: DeadLetterReason, error?: unknown): void {
    this.count++
    this.publish(to, mail, reason, error)
    if (mail instanceof Envelope) mail.died(reason, error)
  }

  /** Publishes without counting: refusals, which are counted on their own and published once a second per ref. */
  publish(to: { readonly label: string }, mail: unknown, reason: DeadLetterReason, error?: unknown): void {
    if (this.#watchers.size === 0) return
    const now = this.#clock.now()
    if (now - this.#second >= 1000) {
      this.#second = now
      this.#left = PUBLISHED
    }
    if (this.#left === 0) return
    this.#left--
    const message = mail instanceof Envelope ? mail.message : mail
    const letter = { to: to.label, message, reason }
    if (this.#waiting.push(error === undefined ? letter : { ...letter, error }) === 1) this.#flushLater(this)
  }

  flush(): void {
    const letters = this.#waiting
    this.#waiting = []
    for (const letter of letters) {
      for (const watcher of [...this.#watchers]) {
        try {
          watcher.each(letter)
        } catch (error) {
          this.#logger.error('a dead letter watcher threw', { error })
        }
      }
    }
  }
}
