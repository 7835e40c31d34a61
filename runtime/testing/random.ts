// Randomness from a seed: the same seed gives the same run, everywhere.

export interface Random {
  /** 0 <= x < 1 */
  next(): number
  /** An integer of `from` to `to`, both included. */
  int(from: number, to: number): number
  /** `true` with this probability. */
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  bytes(count: number): Uint8Array
}

/** A seed of its own for one part of a run: what is drawn there moves nothing elsewhere. */
export function branch(seed: number, text: string): number {
  let hash = seed ^ 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0
}

/** mulberry32 (T. Ettinger, public domain): 32 bits of state, good enough to choose schedules, nothing secret. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    int: (from, to) => from + Math.floor(next() * (to - from + 1)),
    chance: probability => next() < probability,
    pick: from => from[Math.floor(next() * from.length)] as (typeof from)[number],
    bytes: count => {
      const bytes = new Uint8Array(count)
      let word = 0
      for (let at = 0; at < count; at++) {
        if (at % 4 === 0) word = Math.floor(next() * 4_294_967_296)
        bytes[at] = word
        word >>>= 8
      }
      return bytes
    }
  }
}
