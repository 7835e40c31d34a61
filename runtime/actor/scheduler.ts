// Gives ready cells their turns. A turn of the whole scheduler runs as a microtask, and after 8 ms lets the event loop go on, so
// that a tab paints and sockets are read.

import type { Clock } from './clock.ts'
import type { Deadlines } from './deadlines.ts'

/** Asked once at the end of a turn, and about every millisecond of a long one, to hand on what it has gathered. */
export interface Flushable {
  flush(): void
}

/** What has turns. Linked by the scheduler while it waits for one. */
export interface Runnable {
  next: Runnable | undefined
  turn(scheduler: Scheduler): void
}

/** Milliseconds until the event loop gets a chance: half a frame of a tab that paints 60 times a second. */
const TURN = 8
/** Milliseconds for one actor while others wait. */
const SLICE = 4
/** Messages between two looks at the clock. A look costs as much as three messages; a slow handler brings it back to 1. */
const STRIDE = 16

export class Scheduler {
  /** Messages until the next look at the clock. */
  left = 1
  /** When the clock was last looked at. */
  time = 0
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  #head: Runnable | undefined
  #tail: Runnable | undefined
  #state: 'idle' | 'planned' | 'running' | 'over' = 'idle'
  #stride = 1
  /** Since when the event loop waits; -1: it just had its chance. */
  #since = -1
  #flushed = 0
  readonly #flushables = new Set<Flushable>()
  readonly #soon = () => this.#drain()
  readonly #later = () => {
    this.#since = -1
    this.#drain()
  }

  constructor(clock: Clock, deadlines: Deadlines) {
    this.#clock = clock
    this.#deadlines = deadlines
  }

  add(cell: Runnable): void {
    if (this.#tail === undefined) this.#head = cell
    else this.#tail.next = cell
    this.#tail = cell
    if (this.#state === 'idle') this.#plan()
  }

  flushLater(f: Flushable): void {
    this.#flushables.add(f)
    if (this.#state === 'idle') this.#plan()
  }

  /** Runs ready cells now, within a turn's time. Does nothing inside a turn. Called when the event loop has just brought something. */
  run(): void {
    if (this.#state === 'running' || this.#state === 'over') return
    this.#since = -1
    this.#drain()
  }

  /** A look at the clock. `true`: the slice that began at `began` is over. */
  look(began: number): boolean {
    const now = this.#clock.now()
    const gap = now - this.time
    this.time = now
    if (gap > 1) this.#stride = 1
    else if (gap < 0.05 && this.#stride < STRIDE) this.#stride *= 2
    this.left = this.#stride
    if (now - this.#flushed >= 1) {
      this.#flushed = now
      this.#flush()
      // No sooner: most asks are answered before, and never need a time.
      if (this.#deadlines.fresh) this.#deadlines.stamp(now)
    }
    if (this.#since < 0) this.#since = now
    if (now - this.#since < TURN) return now - began >= SLICE
    this.#state = 'over'
    return true
  }

  #plan(): void {
    this.#state = 'planned'
    this.#clock.soon(this.#soon)
  }

  #drain(): void {
    if (this.#state === 'running' || this.#state === 'over') return
    this.#state = 'running'
    try {
      do {
        let cell = this.#head
        while (cell !== undefined) {
          const next = cell.next
          this.#head = next
          if (next === undefined) this.#tail = undefined
          else cell.next = undefined
          cell.turn(this)
          if ((this.#state as string) === 'over') break
          cell = this.#head
        }
        this.#flush()
      } while (this.#head !== undefined && this.#state === 'running')
    } finally {
      this.#state = 'idle'
      if (this.#head !== undefined || this.#flushables.size > 0) {
        this.#state = 'planned'
        this.#clock.later(this.#later)
      }
    }
  }

  #flush(): void {
    if (this.#flushables.size === 0) return
    const all = [...this.#flushables]
    this.#flushables.clear()
    for (const f of all) f.flush()
  }
}
