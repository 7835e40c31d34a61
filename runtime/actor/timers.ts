// Messages to oneself, later. One timer per key; what a key stands for is its latest entry, so a stale fire finds another there.

import type { Cell } from './cell.ts'
import type { Timers } from './context.ts'
import { Errand } from './errand.ts'
import type { Life } from './life.ts'
import { duration } from './options.ts'

class Tick extends Errand {
  readonly #timers: LifeTimers
  readonly #key: string
  /** Of `every`: the time between ticks. */
  readonly #interval: number | undefined
  #due: number
  #cancel: () => void = () => {}
  #waiting = false

  constructor(timers: LifeTimers, key: string, delay: number, interval: number | undefined, message: unknown) {
    super(timers.life, message)
    this.#timers = timers
    this.#key = key
    this.#interval = interval
    this.#due = timers.clock.now() + delay
    this.#arm(delay)
  }

  cancel(): void {
    this.#cancel()
  }

  override run(cell: Cell): unknown {
    this.#waiting = false
    if (!this.#timers.due(this.#key, this, this.#interval === undefined)) return cell.nothing
    return cell.handle(this.message, this.origin)
  }

  #arm(delay: number): void {
    this.#cancel = this.#timers.clock.timer(delay, () => this.#fire())
  }

  #fire(): void {
    if (this.#interval !== undefined) {
      // From the time it was due, not from now, so that ticks do not drift; but those that were slept through are left out.
      const now = this.#timers.clock.now()
      this.#due += this.#interval
      if (this.#due <= now) this.#due = now + this.#interval
      this.#arm(this.#due - now)
      if (this.#waiting) return
    }
    this.#waiting = true
    this.life.errand(this)
  }
}

export class LifeTimers implements Timers<unknown> {
  readonly life: Life
  readonly #ticks = new Map<string, Tick>()

  constructor(life: Life) {
    this.life = life
  }

  get clock() {
    return this.life.home.clock
  }

  once(key: string, delay: number, message: unknown): void {
    this.#set(key, duration('delay', delay, 0), undefined, message)
  }

  every(key: string, interval: number, message: unknown): void {
    this.#set(key, duration('interval', interval), interval, message)
  }

  cancel(key: string): void {
    this.#ticks.get(key)?.cancel()
    this.#ticks.delete(key)
  }

  /** Whether this tick is still what its key stands for. The last one ends the entry. */
  due(key: string, tick: Tick, last: boolean): boolean {
    if (this.#ticks.get(key) !== tick) return false
    if (last) this.#ticks.delete(key)
    return true
  }

  close(): void {
    for (const tick of this.#ticks.values()) tick.cancel()
    this.#ticks.clear()
  }

  #set(key: string, delay: number, interval: number | undefined, message: unknown): void {
    if (this.life.ended) return
    this.cancel(key)
    this.#ticks.set(key, new Tick(this, key, delay, interval, message))
  }
}
