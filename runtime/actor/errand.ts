// Mail that the runtime itself puts into a user lane, to keep its place in the order: notices of ends, ticks of timers, outcomes
// of promises. It runs in its turn if it is still due by then. Never refused, never dropped, never a dead letter.

import type { Cell } from './cell.ts'
import { Envelope } from './envelope.ts'
import type { Life } from './life.ts'
import type { Origin } from './origin.ts'
import type { AnyRef } from './ref.ts'
import type { StopReason } from './watch.ts'

export abstract class Errand extends Envelope {
  readonly life: Life

  constructor(life: Life, message: unknown) {
    super(message, 0)
    this.life = life
  }

  override get origin(): Origin {
    return this.life.origin
  }

  /** What the handler answered. Called only in the life that it belongs to. */
  abstract run(cell: Cell): unknown
}

/** What this actor does when the one it watches ends: `as` makes a message of it. */
export interface Watch {
  as: ((reason: StopReason) => unknown) | undefined
}

export class Notice extends Errand {
  readonly #ref: AnyRef
  readonly #reason: StopReason
  readonly #watch: Watch

  constructor(life: Life, watch: Watch, ref: AnyRef, reason: StopReason) {
    super(life, undefined)
    this.#watch = watch
    this.#ref = ref
    this.#reason = reason
  }

  override run(cell: Cell): unknown {
    // Taken back, or taken back and asked for again, since it was queued.
    if (!this.life.heard(this.#ref, this.#watch)) return cell.nothing
    const { as } = this.#watch
    if (as !== undefined) return cell.handle(as(this.#reason), this.origin)
    return this.life.handlers?.stopped?.(this.#ref, this.#reason) ?? cell.nothing
  }
}

export class Outcome extends Errand {
  readonly #make: (value: unknown) => unknown

  constructor(life: Life, value: unknown, make: (value: unknown) => unknown) {
    super(life, value)
    this.#make = make
  }

  override run(cell: Cell): unknown {
    return cell.handle(this.#make(this.message), this.origin)
  }
}
