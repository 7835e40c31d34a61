// How long to wait before the next attempt. Pure: the randomness is an argument.

export interface Backoff {
  readonly min: number
  readonly max: number
}

export const DEFAULT_BACKOFF: Backoff = { min: 250, max: 30_000 }

/**
 * Full jitter: anything between 0 and the exponential bound, in milliseconds, so that the clients of a hub that came back
 * do not return in one wave (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
export function delayBefore(attempt: number, backoff: Backoff, random: number): number {
  const bound = Math.min(backoff.max, backoff.min * 2 ** Math.min(attempt, 30))
  return Math.floor(random * bound)
}
