// npm run simulate -- --seeds 5000 [--from 1]    runs seeds of the simulator and prints what they covered
//                     --seed 42                  one of them, with its outcome
//                     --plant all | 'name'       with a fault of tools/plants.mjs in the sources: within how many seeds it is found
// A seed that breaks a promise is printed with what it saw.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Outcome, runSeed } from '../runtime/testing/scenario.ts'
import { plants } from './plants.mjs'

const flag = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}

const plant = process.argv[process.argv.indexOf('--plant') + 1]
if (process.argv.includes('--plant')) {
  const names = plants.map(({ name }) => name).filter(name => plant === 'all' || name === plant)
  if (names.length === 0) throw new Error(`no fault is called '${plant}'; tools/plants.mjs lists them`)
  let missed = 0
  for (const name of names) {
    const seeds = String(flag('seeds', 1_000))
    const { stdout } = spawnSync(
      process.execPath,
      [...process.execArgv, fileURLToPath(import.meta.url), '--seeds', seeds, '--failures', '1'],
      {
        env: { ...process.env, WHEREABOUTS_PLANT: name },
        encoding: 'utf8'
      }
    )
    const seed = /^seed (\d+)/m.exec(stdout)?.[1]
    if (seed === undefined) missed += 1
    console.log(`${name}: ${seed === undefined ? `NOT found in ${seeds} seeds` : `found by seed ${seed}`}`)
  }
  process.exit(missed === 0 ? 0 : 1)
}

const one = flag('seed', 0)
const from = one > 0 ? one : flag('from', 1)
const count = one > 0 ? 1 : flag('seeds', 1_000)
const stopAt = flag('failures', 5)

const delivered: number[] = []
const strikes = new Map<string, number>()
const failed: Outcome[] = []
const covered = new Map<string, number>()
let ended = 0
const began = performance.now()
for (let seed = from; seed < from + count && failed.length < stopAt; seed++) {
  const outcome = await runSeed(seed)
  delivered.push(outcome.delivered)
  for (const strike of outcome.strikes) strikes.set(strike, (strikes.get(strike) ?? 0) + 1)
  for (const [transition, n] of outcome.covered) covered.set(transition, (covered.get(transition) ?? 0) + n)
  if (outcome.unreachable > 0) ended += 1
  if (outcome.violations.length > 0) {
    failed.push(outcome)
    console.log(`seed ${seed} (${outcome.topology}; ${[...outcome.strikes].join(', ')})`)
    for (const violation of outcome.violations) console.log(`  ${violation}`)
  } else if (one > 0) console.log({ ...outcome, planned: outcome.planned.length })
}

const seconds = (performance.now() - began) / 1_000
delivered.sort((a, b) => a - b)
console.log(
  `${delivered.length} seeds in ${seconds.toFixed(1)} s; median ${delivered[delivered.length >> 1]} deliveries a seed; an epoch ended in ${ended}`
)
const share = (n: number): string => `${((100 * n) / delivered.length).toFixed(1)} %`
console.log(
  [...strikes]
    .sort()
    .map(([strike, n]) => `${strike} ${share(n)}`)
    .join(', ')
)
console.log(
  [...covered]
    .sort()
    .map(([transition, n]) => `${transition} ${n}`)
    .join('\n')
)
console.log(failed.length === 0 ? 'no promise was broken' : `${failed.length} seeds broke a promise`)
process.exitCode = failed.length === 0 ? 0 : 1
