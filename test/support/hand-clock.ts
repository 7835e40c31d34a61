// Time by hand, turns by the event loop: nothing is due until the test says so, and handlers run as they do in earnest.

import type { Clock } from '../../runtime/index.ts'

export interface HandClock extends Clock {
  /** Lets time pass; what is due fires in its order. */
  advance(by: number): void
  /** Timers that have not fired. */
  readonly pending: number
}

export function handClock(): HandClock {
  let now = 0
  const timers = new Set<{ at: number; fire: () => void }>()
  return {
    now: () => now,
    wall: () => now,
    timer(delay, fire) {
      const timer = { at: now + delay, fire }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    soon: turn => queueMicrotask(turn),
    later: turn => void setImmediate(turn),
    get pending() {
      return timers.size
    },
    advance(by) {
      const end = now + by
      for (;;) {
        let next: { at: number; fire: () => void } | undefined
        for (const timer of timers) if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer
        if (next === undefined) break
        timers.delete(next)
        now = next.at
        next.fire()
      }
      now = end
    }
  }
}
