// npm run simulate -- --seeds 5000 [--from 1]    runs seeds of the simulator and prints what they covered
//                     --seed 42                  one of them, with what it did, suffered and saw
//                     --shrink --seed 42         as little of it as still breaks a promise
//                     --plant all | 'name'       with a fault of tools/plants.mjs in the sources: within how many seeds it is found
// A seed that breaks a promise is printed with what it saw. `--processes` says how many there are at once.

import { availableParallelism } from 'node:os'
import type { Outcome } from '../runtime/testing/scenario.ts'
import { runSeed } from '../runtime/testing/scenario.ts'
import { shrink } from '../runtime/testing/shrink.ts'
import { flag, given, word } from './flags.ts'
import { plants } from './plants.mjs'
import { runSeeds, type Told } from './seeds.ts'

/** Lines of a trace that are shown before the first promise that was broken. */
const SHOWN = 60

const processes = flag('processes', availableParallelism())
const seed = flag('seed', 0)

if (given('plant')) await plant(word('plant'))
else if (given('shrink')) await shorten()
else if (seed > 0) show(await runSeed(seed, { trace: true }))
else await many()

async function many(): Promise<void> {
  const began = performance.now()
  const broken = (told: Told): void => {
    if (told.violations.length === 0) return
    console.log(`seed ${told.seed} (${told.topology}; ${told.strikes.join(', ')})`)
    for (const violation of told.violations) console.log(`  ${violation}`)
  }
  const failures = flag('failures', 5)
  const all = await runSeeds({ from: flag('from', 1), count: flag('seeds', 1_000), processes, failures, each: broken })
  const seconds = (performance.now() - began) / 1_000
  const delivered = all.map(told => told.delivered).sort((a, b) => a - b)
  const ended = all.filter(({ unreachable }) => unreachable > 0).length
  console.log(
    `${all.length} seeds in ${seconds.toFixed(1)} s; median ${delivered[all.length >> 1]} deliveries a seed; an epoch ended in ${ended}`
  )
  const strikes = counted(all.flatMap(told => told.strikes.map(strike => [strike, 1] as const)))
  console.log(strikes.map(([strike, n]) => `${strike} ${((100 * n) / all.length).toFixed(1)} %`).join(', '))
  for (const [transition, n] of counted(all.flatMap(({ covered }) => covered))) console.log(`  ${transition}: ${n}`)
  const failed = all.filter(({ violations }) => violations.length > 0).length
  console.log(failed === 0 ? 'no promise was broken' : `${failed} seeds broke a promise`)
  process.exitCode = failed === 0 ? 0 : 1
}

function counted(pairs: ReadonlyArray<readonly [string, number]>): Array<[string, number]> {
  const sums = new Map<string, number>()
  for (const [what, n] of pairs) sums.set(what, (sums.get(what) ?? 0) + n)
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** What it was to do and to suffer, and the end of what was seen. */
function show({ trace, planned, strikes, covered, ...rest }: Outcome): void {
  const first = trace.findIndex(line => line.includes(' ** '))
  const from = first < 0 ? trace.length - SHOWN : first - SHOWN
  for (const [n, line] of trace.entries())
    if ((n >= from && (first < 0 || n <= first)) || / (?:--|\*\*) /.test(line)) console.log(line)
  console.log({
    ...rest,
    planned: planned.length,
    strikes: [...strikes].join(', '),
    covered: Object.fromEntries(covered)
  })
  process.exitCode = rest.violations.length === 0 ? 0 : 1
}

async function shorten(): Promise<void> {
  const shrunk = await shrink(seed)
  if (shrunk === undefined) {
    console.log(`seed ${seed} breaks no promise`)
    return
  }
  const { outcome, without, runs } = shrunk
  show(outcome)
  const left = outcome.planned.length - without.size
  console.log(`${left} of ${outcome.planned.length} things that were planned are left, after ${runs} runs:`)
  for (const [n, { at, text }] of outcome.planned.entries()) if (!without.has(n)) console.log(`  ${at} ms: ${text}`)
}

async function plant(wanted: string | undefined): Promise<void> {
  const names = plants.map(({ name }) => name).filter(name => wanted === 'all' || name === wanted)
  if (names.length === 0) throw new Error(`no fault is called '${wanted}'; tools/plants.mjs lists them`)
  const count = flag('seeds', 1_000)
  let missed = 0
  for (const name of names) {
    const all = await runSeeds({ from: 1, count, processes, plant: name, failures: 1 })
    const found = all.find(({ violations }) => violations.length > 0)
    if (found === undefined) missed += 1
    const what =
      found === undefined ? `NOT found in ${count} seeds` : `found by seed ${found.seed}: ${found.violations[0]}`
    console.log(`${name}: ${what}`)
  }
  console.log(`${names.length - missed} of ${names.length} found`)
  process.exitCode = missed === 0 ? 0 : 1
}
