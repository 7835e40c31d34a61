// Randomness as ports. The only file in runtime/ that takes it from the platform.

/** Unguessable bytes: ids and secrets. */
export type Entropy = (bytes: number) => Uint8Array

export const systemEntropy: Entropy = bytes => crypto.getRandomValues(new Uint8Array(bytes))

/** Jitter and seeds, nothing secret: 0 <= x < 1. */
export const systemRandom = (): number => Math.random()
