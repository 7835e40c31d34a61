// Time as a port. This file is the only one in runtime/ that takes time from the platform.

/** Time and turns, handed in at `createSystem`; tests and the simulator bring their own. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number
  /** Milliseconds since 1970, for people and the expiry of tokens only. */
  wall(): number
  /** Calls `fire` once, `delay` milliseconds from now at the earliest. The answer cancels it. */
  timer(delay: number, fire: () => void): () => void
  /** Calls `turn` before the event loop goes on (a microtask). */
  soon(turn: () => void): void
  /** Calls `turn` after the event loop had a chance (a macrotask). */
  later(turn: () => void): void
}

/** Longer delays fire at once in `setTimeout`: they overflow its 32 bits. */
export const MAX_DELAY = 2 ** 31 - 1

/** The platform's time. */
export function systemClock(): Clock {
  const resolved = Promise.resolve()
  return {
    now: () => performance.now(),
    wall: () => Date.now(),
    timer(delay, fire) {
      // The longest delay, taken from a sum of floats, comes out a hair longer.
      const timer = setTimeout(fire, Math.min(delay, MAX_DELAY))
      return () => clearTimeout(timer)
    },
    // A resolved promise's `then` costs a third of `queueMicrotask` in V8.
    soon: turn => void resolved.then(turn),
    later: macrotasks()
  }
}

/** `setImmediate` where it is (Node), else a message to oneself: browsers hold back timers of 0 to 4 ms. */
function macrotasks(): (turn: () => void) => void {
  if (typeof setImmediate === 'function') return turn => void setImmediate(turn)
  let channel: MessageChannel | undefined
  const turns: Array<() => void> = []
  return turn => {
    if (channel === undefined) {
      channel = new MessageChannel()
      channel.port1.onmessage = () => turns.shift()?.()
    }
    turns.push(turn)
    channel.port2.postMessage(undefined)
  }
}
