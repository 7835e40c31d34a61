// Makes the schedule of a seed that breaks a promise short: what was planned is left out, in halves and then one by one, as
// long as the same promise stays broken.

import { type Outcome, runSeed } from './scenario.ts'

export interface Shrunk {
  /** The run of what is left. */
  readonly outcome: Outcome
  /** Numbers of what is left out. */
  readonly without: ReadonlySet<number>
  readonly runs: number
}

/** `undefined`: the seed breaks no promise. `most`: runs after which it is short enough. */
export async function shrink(seed: number, most = 400): Promise<Shrunk | undefined> {
  let outcome = await runSeed(seed)
  if (outcome.violations.length === 0) return undefined
  const kinds = new Set(outcome.violations.map(kindOf))
  let without: ReadonlySet<number> = new Set()
  let left = outcome.planned.map((_, number) => number)
  let runs = 1
  for (let size = left.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < left.length && runs < most; ) {
      const tried = new Set([...without, ...left.slice(at, at + size)])
      const next = await runSeed(seed, { without: tried })
      runs += 1
      if (!next.violations.some(violation => kinds.has(kindOf(violation)))) at += size
      else {
        outcome = next
        without = tried
        left = left.filter(number => !tried.has(number))
      }
    }
  }
  return { outcome: await runSeed(seed, { without, trace: true }), without, runs: runs + 1 }
}

/** What is wrong, without when and how often. */
function kindOf(violation: string): string {
  return violation
    .replace(/^\d+ ms: /, '')
    .replace(/[\d.]+/g, '')
    .slice(0, 32)
}
