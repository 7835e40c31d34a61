// npm run fuzz [-- --cases 1000000 --seed 1 --target values]
// Feeds mutated bytes to the readers of what guests send, and to a whole system; prints the first fault of each, in hex.

import { seeded } from '../runtime/testing/random.ts'
import { corpus } from '../test/fuzz/corpus.ts'
import { fuzz } from '../test/fuzz/fuzz.ts'
import { TARGETS, targetOf } from '../test/fuzz/targets.ts'
import { flag, word } from './flags.ts'

const cases = flag('cases', 1_000_000)
const seed = flag('seed', 1)
const only = word('target')
let faults = 0
for (const name of TARGETS) {
  if (only !== undefined && name !== only) continue
  const target = await targetOf(name, corpus())
  // A system takes some ten times as long for an input as a decoder.
  const share = name === 'values' ? cases : Math.ceil(cases / 10)
  const began = performance.now()
  const fault = fuzz(target, share, seeded(seed), { memory: () => process.memoryUsage().heapUsed })
  const seconds = (performance.now() - began) / 1_000
  console.log(`${name}: ${share} cases in ${seconds.toFixed(1)} s, ${fault === undefined ? 'no fault' : fault.what}`)
  if (fault === undefined) continue
  faults += 1
  console.log(Buffer.from(fault.bytes).toString('hex'))
}
process.exit(faults === 0 ? 0 : 1)
