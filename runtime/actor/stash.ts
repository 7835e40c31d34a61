// Mail put aside by its actor. It has left the mailbox, so its room there is free; its origin and whoever waits for an answer
// go with it.

import type { Cell } from './cell.ts'
import type { Stash } from './context.ts'
import type { DeadLetterReason } from './dead-letters.ts'
import { Envelope } from './envelope.ts'
import type { Origin } from './origin.ts'

/** Takes the place of a message that was put aside while it was in hand. */
export const STASHED = Symbol('stashed')

/** An envelope that was handed over once already: its room was given back then. */
export class Kept extends Envelope {
  readonly origin: Origin
  /** What it came in. */
  readonly envelope: Envelope
  readonly weight: number

  constructor(envelope: Envelope, origin: Origin) {
    super(envelope.message, 0)
    this.envelope = envelope
    this.origin = origin
    this.weight = envelope.bytes
  }

  override get wanted(): boolean {
    return this.envelope.wanted
  }
  override died(reason: DeadLetterReason, error?: unknown): void {
    this.envelope.died(reason, error)
  }
}

export class LifeStash implements Stash {
  readonly #cell: Cell
  #kept: unknown[] = []
  #bytes = 0

  constructor(cell: Cell) {
    this.#cell = cell
  }

  get size(): number {
    return this.#kept.length
  }

  /** All of it, oldest first; stays where it is. */
  get all(): readonly unknown[] {
    return this.#kept
  }

  add(): boolean {
    const mail = this.#cell.inHand
    if (mail === undefined) return false
    const kept = mail.kept
    const weight = kept instanceof Kept ? kept.weight : 0
    const { capacity, bytes } = this.#cell.bounds
    if (this.#kept.length >= capacity || (weight > 0 && this.#bytes + weight > bytes)) return false
    this.#bytes += weight
    this.#kept.push(kept)
    this.#cell.slot = STASHED
    return true
  }

  release(): void {
    this.#cell.putBack(this.drain())
  }

  /** All of it, oldest first, which ends its time here. */
  drain(): unknown[] {
    const all = this.#kept
    this.#kept = []
    this.#bytes = 0
    return all
  }

  /** The one in hand has failed after it was put aside: it must not come back. */
  pop(): unknown {
    return this.#kept.pop()
  }
}
