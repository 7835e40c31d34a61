// Time that stands still until a test moves it. Turns (microtasks and macrotasks) are the platform's, so that awaiting works.

import { type Clock, systemClock } from '../actor/clock.ts'

interface Alarm {
  readonly at: number
  readonly fire: () => void
}

export class ManualClock implements Clock {
  readonly #platform = systemClock()
  readonly #alarms = new Set<Alarm>()
  #now = 0
  #turns = 0

  now(): number {
    return this.#now
  }

  /** 2020-01-01, and what has passed since. */
  wall(): number {
    return 1_577_836_800_000 + this.#now
  }

  timer(delay: number, fire: () => void): () => void {
    const alarm = { at: this.#now + Math.max(0, delay), fire }
    this.#alarms.add(alarm)
    return () => void this.#alarms.delete(alarm)
  }

  soon(turn: () => void): void {
    this.#turns++
    this.#platform.soon(() => {
      this.#turns--
      turn()
    })
  }

  later(turn: () => void): void {
    this.#turns++
    this.#platform.later(() => {
      this.#turns--
      turn()
    })
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#alarms.size
  }

  /** Resolves when nothing is left to do without time going on. */
  async settle(): Promise<void> {
    do {
      await new Promise<void>(resolve => this.#platform.later(resolve))
    } while (this.#turns > 0)
    // Promises of handlers that settled in the last turn have their say.
    await new Promise<void>(resolve => this.#platform.later(resolve))
    if (this.#turns > 0) await this.settle()
  }

  /** Lets time go on, firing every timer at its own moment, and settles after each. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds
    await this.settle()
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#alarms.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.fire()
      await this.settle()
    }
    this.#now = until
    await this.settle()
  }

  #next(until: number): Alarm | undefined {
    let next: Alarm | undefined
    for (const alarm of this.#alarms) {
      if (alarm.at <= until && (next === undefined || alarm.at < next.at)) next = alarm
    }
    return next
  }
}
