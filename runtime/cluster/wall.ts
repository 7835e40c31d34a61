// Waiting for a moment of the wall clock, on either side of a credential (tenure.ts, renewal.ts).

import type { Clock } from '../actor/clock.ts'

/** A wall clock jumps, and a machine sleeps: what is left is looked at again after this, in milliseconds. */
const LOOK_EVERY = 60_000

/** Calls `over` once nothing is left, never at once. The answer cancels it. */
export function whenOver(clock: Clock, left: () => number, over: () => void): () => void {
  let cancel = (): void => {}
  const wait = (): void => {
    // A part of a millisecond may be too little for time to go on.
    cancel = clock.timer(Math.max(1, Math.min(left(), LOOK_EVERY)), () => (left() > 0 ? wait() : over()))
  }
  wait()
  return () => cancel()
}
