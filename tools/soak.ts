// npm run soak [-- --minutes 30 --guests 50 --seed 1]
// Guests come and go for so long, in a second process. Memory is to be flat: the median of the last third within 10 % of that
// of the second. When all have left nothing of them is to be held.

import { setTimeout as sleep } from 'node:timers/promises'
import { createSystem } from '../runtime/index.ts'
import type { System } from '../runtime/system.ts'
import type { Churn } from '../test/load/churn.ts'
import { type Memory, median, megabytes, memory } from '../test/load/figures.ts'
import { books, Desk, keepHouse, OPEN, Room, seat } from '../test/load/house.ts'
import { child } from '../test/support/child.ts'
import { quiet } from '../test/support/quiet.ts'
import { webSocketServer } from '../transports/websocket-server.ts'
import { flag } from './flags.ts'

const minutes = flag('minutes', 30)
const guests = flag('guests', 50)
const seed = flag('seed', 1)
/** Samples of memory in all. */
const SAMPLES = 90
/** Short: what waits for those who are interrupted is the part of the memory that comes and goes. */
const DOWN_AFTER = 5_000
/** Of a figure, between the last two thirds. */
const FLAT = 0.1

const kept = books()
const hub = createSystem({ label: 'hub', logger: { ...quiet, error: (text, facts) => console.log(text, facts) } })
keepHouse(hub, kept)
let members = 0
hub.members(Room, now => {
  members = now.size
})
const gateway = await hub.listen(webSocketServer({ port: 0 }), {
  trust: 'guest',
  downAfter: DOWN_AFTER,
  expose: [Desk, Room, ...Array.from({ length: 21 }, (_, n) => seat(n))].map(name => ({ name, unchecked: true })),
  ...OPEN
})
const empty = await memory()
const churn = child<Churn>(new URL('../test/load/churn.ts', import.meta.url))
console.log(`${guests} guests at a time for ${minutes} minutes, seed ${seed}`)
await churn.call('begin', Number(new URL(gateway.url as string).port), guests, seed)

const samples: Array<{ hub: Memory; guests: Memory }> = []
const each = (minutes * 60_000) / SAMPLES
const began = performance.now()
for (let n = 1; n <= SAMPLES; n++) {
  await sleep(Math.max(0, began + n * each - performance.now()))
  const { memory: there, seen } = await churn.call('look')
  samples.push({ hub: await memory(), guests: there })
  if (n % (SAMPLES / 15) === 0) {
    const now = samples.at(-1) as (typeof samples)[number]
    console.log(
      `${((performance.now() - began) / 60_000).toFixed(1)} min: ${seen.visits} visits, ${kept.notes} notes, ` +
        `hub ${shown(now.hub)}, guests ${shown(now.guests)}, held ${JSON.stringify((hub as System).held)}`
    )
  }
}

const faults: string[] = []
const seen = await churn.call('finish')
await churn.end()
const end = performance.now() + 4 * DOWN_AFTER + 10_000
while (holds().length > 0 && performance.now() < end) {
  await memory()
  await sleep(100)
}
faults.push(...seen.faults, ...kept.faults, ...holds())
if (kept.entered !== kept.left) faults.push(`${kept.entered} guests came and ${kept.left} were heard to be gone`)
for (let n = 0; n <= 20; n++) {
  const holder = await hub.lookup(seat(n), { within: 0 }).then(
    () => true,
    () => false
  )
  if (holder) faults.push(`the name ${seat(n).name} is still taken`)
}
for (const who of ['hub', 'guests'] as const) {
  for (const what of ['heap', 'rss'] as const) {
    const [second, last] = [1, 2].map(third =>
      median(samples.slice((third * SAMPLES) / 3, ((third + 1) * SAMPLES) / 3).map(sample => sample[who][what]))
    ) as [number, number]
    const growth = last / second - 1
    const text = `${who}, ${what}: ${megabytes(second)} MB, then ${megabytes(last)} MB (${(100 * growth).toFixed(1)} %)`
    console.log(text)
    if (growth > FLAT) faults.push(`not flat: ${text}`)
  }
}
console.log(
  `${seen.visits} visits (${seen.goodbyes} with a goodbye), ${seen.cuts} cuts, ${kept.notes} notes, ${seen.answered} asks and ` +
    `visits went well, otherwise ${JSON.stringify(seen.failed)}; ${seen.ends} ends heard, ${seen.claims} names claimed`
)
const rest = await memory()
console.log(`hub, nobody there: ${shown(empty)} before, ${shown(rest)} after`)
console.log(`held at the end: ${JSON.stringify((hub as System).held)}; ${JSON.stringify(gateway.report())}`)
for (const fault of faults) console.log(`FAULT ${fault}`)
console.log(faults.length === 0 ? 'memory is flat, and nothing is left behind' : `${faults.length} faults`)
await hub.shutdown()
process.exit(faults.length === 0 ? 0 : 1)

/** What is still held of those who have left. */
function holds(): string[] {
  const { peers, refs, hub: ways, doors } = (hub as System).held
  const { attached, suspended, pending, below, asking, asked, actors } = gateway.report()
  const figures = { peers, refs, ways, doors, attached, suspended, pending, below, asking, asked, members }
  const left = Object.entries(figures).flatMap(([name, n]) => (n === 0 ? [] : [`${n} ${name} are left`]))
  // The desk stays.
  return actors === 1 ? left : [...left, `${actors} actors are left`]
}

function shown({ heap, rss }: Memory): string {
  return `${megabytes(heap)} MB of ${megabytes(rss)} MB`
}
