// Time that passes only when the simulator says so. Every system gets a clock of its own on it, which can be frozen.

import { type Clock, systemClock } from '../actor/clock.ts'

interface Event {
  at: number
  /** Events of one moment run in the order in which they were made. */
  readonly order: number
  run: (() => void) | undefined
}

/** A clock that can stop for a while, as a laptop that sleeps, or for good, as a process that was killed. */
export interface VirtualClock extends Clock {
  /** Runs it now, or when the clock goes on: what reaches a process that sleeps waits before its door. */
  whenAwake(run: () => void): void
  /** `monotonic`: its `now` stands still meanwhile, as that of some platforms does while they sleep. */
  freeze(monotonic?: boolean): void
  thaw(): void
  /** Somebody sets the clock on the wall. */
  jump(milliseconds: number): void
}

/** Promises that follow from one event get so many turns before the next event; longer chains go on beside it. */
const HOPS = 16
/** After so many events the event loop goes on, for all that waits for it. */
const EVENTS = 64
/** Less than this, in milliseconds, is what sums of floats leave. */
const NOTHING = 1e-6

export class VirtualTime {
  now = 0
  #order = 0
  #events = 0
  readonly #heap: Event[] = []
  readonly #soon: Array<() => void> = []
  readonly #platform = systemClock()

  /** Runs `run` after `delay` milliseconds; the answer cancels it. */
  after(delay: number, run: () => void): () => void {
    const event: Event = { at: this.now + Math.max(0, delay), order: this.#order++, run }
    this.#push(event)
    return () => {
      event.run = undefined
    }
  }

  clock(): VirtualClock {
    let frozen = false
    let held: Array<() => void> = []
    let ahead = 0
    /** What `now` has lost, and since when it stands. */
    let behind = 0
    let stands: number | undefined
    const now = (): number => (stands ?? this.now) - behind
    const awake =
      (run: () => void): (() => void) =>
      () => {
        if (frozen) held.push(run)
        else run()
      }
    return {
      now,
      wall: () => 1_700_000_000_000 + this.now + ahead,
      timer: (delay, fire) => {
        let wanted = true
        const at = now() + delay
        const due = (): void => {
          if (!wanted) return
          const left = at - now()
          if (left > NOTHING) cancel = this.after(left, awake(due))
          else fire()
        }
        let cancel = this.after(delay, awake(due))
        // Due while the process slept, it may still be called off by what is done first when it awakes.
        return () => {
          wanted = false
          cancel()
        }
      },
      soon: turn => void this.#soon.push(awake(turn)),
      later: turn => void this.after(0, awake(turn)),
      whenAwake: run => awake(run)(),
      freeze: monotonic => {
        frozen = true
        if (monotonic === true) stands ??= this.now
      },
      jump: milliseconds => {
        ahead += milliseconds
      },
      thaw: () => {
        frozen = false
        if (stands !== undefined) behind += this.now - stands
        stands = undefined
        const due = held
        held = []
        for (const run of due) this.#soon.push(run)
      }
    }
  }

  /** Lets everything happen up to a moment. Promises get their turns between events. */
  async runTo(until: number): Promise<void> {
    await this.settle()
    for (;;) {
      const event = this.#heap[0]
      if (event === undefined || event.at > until) break
      this.#pop()
      if (event.run === undefined) continue
      this.now = Math.max(this.now, event.at)
      event.run()
      if (++this.#events % EVENTS === 0) await this.settle()
      else await this.#hop()
    }
    this.now = Math.max(this.now, until)
  }

  /** Lets all turns and promises of this moment run out. */
  async settle(): Promise<void> {
    do {
      while (this.#soon.length > 0) this.#soon.shift()?.()
      await new Promise<void>(resolve => this.#platform.later(resolve))
    } while (this.#soon.length > 0)
  }

  /** The same for what follows soon, which is nearly everything: the event loop would take longer than the run itself. */
  async #hop(): Promise<void> {
    do {
      while (this.#soon.length > 0) this.#soon.shift()?.()
      for (let hop = 0; hop < HOPS; hop++) await undefined
    } while (this.#soon.length > 0)
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(event, heap[parent] as Event)) break
      heap[at] = heap[parent] as Event
      at = parent
    }
    heap[at] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Event
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child += 1
      if (!before(heap[child] as Event, last)) break
      heap[at] = heap[child] as Event
      at = child
    }
    heap[at] = last
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
