// Figures of runs: memory after everything that can go has gone, percentiles, medians.

import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

export interface Memory {
  /** Bytes in use on the heap, and of the whole process. */
  readonly heap: number
  readonly rss: number
}

export async function memory(): Promise<Memory> {
  for (let pass = 0; pass < 3; pass++) {
    collect()
    // What finalizers and weak refs let go of, goes between two rounds of the event loop.
    await new Promise(resolve => setImmediate(resolve))
  }
  const { heapUsed, rss } = process.memoryUsage()
  return { heap: heapUsed, rss }
}

export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5
  )
}

export const megabytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1)
