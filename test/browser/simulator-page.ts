// Runs inside a page: seeds of the simulator, for their traces.

import { runSeed } from 'whereabouts/testing'

/** What the seeds from `from` on made of themselves: the hash of everything that was seen, and what was wrong with it. */
export async function hashes(from: number, count: number): Promise<Array<{ hash: number; violations: string[] }>> {
  const all: Array<{ hash: number; violations: string[] }> = []
  for (let seed = from; seed < from + count; seed++) {
    const { hash, violations } = await runSeed(seed)
    all.push({ hash, violations: [...violations] })
  }
  return all
}
