// npm run explore [-- --messages 3 --losses 2 --repeats 1 --reconnects 2 --apart 1 --crashes 1 --endings 0 --switches 1 --jams 1 --waits 3 --most 1000000]
// Everything that can happen to two real associations within these bounds: prints states, transitions, and what was wrong.

import { search } from '../test/exhaustive/search.ts'
import { flag } from './flags.ts'

const bounds = {
  messages: flag('messages', 3),
  losses: flag('losses', 2),
  repeats: flag('repeats', 1),
  reconnects: flag('reconnects', 2),
  apart: flag('apart', 1),
  crashes: flag('crashes', 1),
  endings: flag('endings', 0),
  switches: flag('switches', 1),
  jams: flag('jams', 1),
  waits: flag('waits', 3)
}
const began = performance.now()
const found = await search(bounds, {
  most: flag('most', 1_000_000),
  progress: (states, waiting) => console.log(`${states} states, ${waiting} of them new`)
})
console.log(
  Object.entries(bounds)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
)
for (const transition of [...found.transitions].sort()) console.log(`  ${transition}`)
for (const { what, events } of found.violations) console.log(`VIOLATION ${what}\n  ${events.join('\n  ')}`)
const seconds = ((performance.now() - began) / 1_000).toFixed(1)
console.log(
  `${found.states} states, ${found.steps} steps, ${found.ends} states of one side, ${found.transitions.size} transitions, ${found.violations.length} violations, ` +
    `${found.complete ? 'everything within the bounds' : `every way of ${found.depth} events`}, ${seconds} s`
)
process.exitCode = found.violations.length === 0 ? 0 : 1
