// npm run chaos [-- --rounds 100 --seed 1 --only line]
// Real faults on real sockets and processes, one round after the other; prints what was done and seen. A round's seed is that
// of the run and its number, so `--rounds 1 --seed S` runs one again. What is drawn is the same; what the machine does is not.

import process from 'node:process'
import { seeded } from '../runtime/testing/random.ts'
import { noNamespaces } from '../test/chaos/namespaces.ts'
import { rounds as plain } from '../test/chaos/rounds.ts'
import { FULL } from '../test/chaos/stage.ts'
import { tabs } from '../test/chaos/tabs.ts'
import { findChromium } from './chromium.mjs'
import { flag, word } from './flags.ts'

const count = flag('rounds', 20)
const seed = flag('seed', 1)
const only = word('only')
const rounds = { ...plain, tabs }
const missing: Partial<Record<string, string | undefined>> = {
  namespaces: noNamespaces(),
  tabs: findChromium() === undefined ? 'no Chromium found; install one, or name it in CHROMIUM' : undefined
}
const names = (Object.keys(rounds) as Array<keyof typeof rounds>).filter(name => {
  if (only !== undefined && name !== only) return false
  if (missing[name] !== undefined) console.log(`${name} left out: ${missing[name]}`)
  return missing[name] === undefined
})
if (names.length === 0) throw new Error(`no such round can be run: '${only}': ${Object.keys(rounds).join(', ')}`)

/** Longer than any round takes on a machine that is busy with others, in milliseconds. */
const PATIENCE = 240_000
const tooLong = (): Promise<never> =>
  new Promise((_, reject) => setTimeout(() => reject(new Error(`not done within ${PATIENCE} ms`)), PATIENCE).unref())

// Left by hand, it leaves nothing behind: what a round has made outside of this process goes when that exits.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

let faults = 0
for (let n = 0; n < count; n++) {
  const name = names[(seed + n) % names.length] as keyof typeof rounds
  const told: string[] = []
  const wrong: string[] = []
  const began = performance.now()
  try {
    const round = rounds[name]({
      random: seeded(seed + n),
      size: FULL,
      told: what => void told.push(what),
      wrong: what => void wrong.push(what)
    })
    await Promise.race([round, tooLong()])
  } catch (error) {
    wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const took = ((performance.now() - began) / 1_000).toFixed(1)
  console.log(`seed ${seed + n}, ${name}, ${took} s: ${told.join('; ')}`)
  for (const fault of wrong) console.log(`  FAULT ${fault}`)
  faults += wrong.length
}
console.log(`${count} rounds, ${faults} faults`)
process.exit(faults === 0 ? 0 : 1)
