// What a run is going to do, and what is going to befall it: planned before it begins, each with randomness of its own. So one
// of them can be left out, and the others stay what they are: a seed that fails is shrunk that way (shrink.ts).

import { branch, type Random, seeded } from './random.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface Planned {
  readonly at: number
  readonly text: string
}

export class Schedule {
  /** In the order in which they were planned: the same for the same seed, whatever is left out. */
  readonly all: Planned[] = []
  /** The moment at which the faults stop, and nothing more is begun. */
  readonly end: number
  readonly #seed: number
  readonly #time: VirtualTime
  readonly #random: Random
  readonly #without: ReadonlySet<number>
  readonly #began: (text: string) => void

  constructor(
    seed: number,
    time: VirtualTime,
    random: Random,
    end: number,
    without: ReadonlySet<number>,
    began: (text: string) => void
  ) {
    this.#seed = seed
    this.#time = time
    this.#random = random
    this.end = end
    this.#without = without
    this.#began = began
  }

  /** Plans something for a moment, counted from now, from `from` on; the last ones are `before` milliseconds before the end. */
  plan(text: string, from: number, before: number, run: (random: Random) => void): void {
    this.planAt(this.#random.int(from, this.end - before), text, run)
  }

  planAt(at: number, text: string, run: (random: Random) => void): void {
    const number = this.all.push({ at: this.#time.now + at, text }) - 1
    if (this.#without.has(number)) return
    this.#time.after(at, () => {
      this.#began(text)
      run(seeded(branch(this.#seed, `${number}`)))
    })
  }
}
