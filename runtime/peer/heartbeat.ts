// What makes the wires of one system keep time: one timer for all of them, since one each would be a good part of what an
// idle guest costs (bench/guests.mjs).

import type { Clock } from '../actor/clock.ts'

/** Milliseconds between two looks at all wires. */
export const TICK = 1_000

/** What is looked after; each knows itself when its next ping is due. */
export interface Beating {
  beat(now: number): void
}

export class Heartbeat {
  readonly #clock: Clock
  readonly #wires = new Set<Beating>()
  #cancel: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(wire: Beating): void {
    this.#wires.add(wire)
    this.#cancel ??= this.#clock.timer(TICK, this.#tick)
  }

  /** Without wires there is no timer: nothing of this keeps a process alive. */
  delete(wire: Beating): void {
    if (!this.#wires.delete(wire) || this.#wires.size > 0) return
    this.#cancel?.()
    this.#cancel = undefined
  }

  readonly #tick = (): void => {
    this.#cancel = this.#clock.timer(TICK, this.#tick)
    const now = this.#clock.now()
    for (const wire of this.#wires) wire.beat(now)
  }
}
