// npm run load [-- --guests 5000 --seconds 60 --rate 10000 --floods 50 --deaf 50 --limit 200]
// Live guests of a second process keep a rate together, first alone, then beside bad neighbours of a third: floods, and guests
// that never read what they asked for. The good ones lose nothing, and the slowest hundredth of their answers takes less than
// twice as long. `--limit`: messages a second that the hub takes of one guest.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import process from 'node:process'
import { createSystem, type Listener } from '../runtime/index.ts'
import { megabytes, memory } from '../test/load/figures.ts'
import type { Guests, Phase } from '../test/load/guests.ts'
import { books, Desk, keepHouse, OPEN } from '../test/load/house.ts'
import type { Neighbours } from '../test/load/neighbours.ts'
import { child } from '../test/support/child.ts'
import { quiet } from '../test/support/quiet.ts'
import { webSocketServer } from '../transports/websocket-server.ts'
import { flag } from './flags.ts'

const guests = flag('guests', 5_000)
const seconds = flag('seconds', 60)
const rate = flag('rate', 10_000)
const floods = flag('floods', 50)
const deaf = flag('deaf', 50)
const limit = flag('limit', 200)
/** How much longer the slowest hundredth may take. */
const GROWTH = 2

const closes: Record<string, number> = {}
const kept = books()
const hub = createSystem({ label: 'hub', logger: { ...quiet, error: (text, facts) => console.log(text, facts) } })
keepHouse(hub, kept)
const gateway = await hub.listen(noted(webSocketServer({ port: 0 })), {
  trust: 'guest',
  expose: [{ name: Desk, unchecked: true }],
  limits: { messagesPerSecond: limit },
  ...OPEN
})
const url = gateway.url as string
const faults: string[] = []

const good = child<Guests>(new URL('../test/load/guests.ts', import.meta.url))
// The machine has a processor for the hub and one for the guests: that a third process takes its share is not what is measured.
const bad = child<Neighbours>(new URL('../test/load/neighbours.ts', import.meta.url), { nice: 19 })

const before = await memory()
const dialling = performance.now()
await good.call('attach', url, guests)
console.log(
  `${gateway.report().attached} guests attached in ${((performance.now() - dialling) / 1_000).toFixed(1)} s; ` +
    `${(((await memory()).heap - before.heap) / guests / 1_024).toFixed(1)} KiB of the hub's heap each`
)

// What is compiled once is compiled by now.
await good.call('say', rate, Math.min(10, seconds))
const alone = await phase('alone')

await bad.call('begin', url, floods, deaf)
const beside = await phase(`beside ${floods} that flood and ${deaf} that never read`)
await bad.call('stop')
const { flooded, refused, ended } = await bad.call('look')

console.log(
  `floods: ${flooded} taken by themselves, ${refused} times refused; ` +
    `the deaf: ${kept.told} chunks told, ${kept.refused} times not listened to; connections they saw end: ${JSON.stringify(ended)}`
)
const growth = beside.p99 / alone.p99
console.log(`p99 has grown ${growth.toFixed(2)} times`)
if (!(growth < GROWTH)) faults.push(`p99 has grown ${growth.toFixed(2)} times, from ${alone.p99} to ${beside.p99} ms`)
faults.push(...kept.faults)
for (const fault of faults) console.log(`FAULT ${fault}`)
console.log(faults.length === 0 ? 'good guests lose nothing' : `${faults.length} faults`)
await Promise.all([good.end(), bad.end()])
process.exit(faults.length === 0 ? 0 : 1)

async function phase(title: string): Promise<Phase> {
  const cpu = process.cpuUsage()
  const delays = monitorEventLoopDelay({ resolution: 5 })
  delays.enable()
  const began = performance.now()
  const notes = kept.notes
  const before = { ...closes }
  const { deadLetters } = hub.counters
  const done = await good.call('say', rate, seconds)
  const spent = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  delays.disable()
  const { heap, rss } = await memory()
  const ms = (value: number): string => `${value.toFixed(1)} ms`
  console.log(
    `${title}: ${done.rate} messages/s, ${done.said} said, of these ${done.asked} questions; answered in ` +
      `${ms(done.p50)} (p50), ${ms(done.p99)} (p99), ${ms(done.max)} (max); sent ${ms(done.late)} late at most`
  )
  const codes = Object.entries(closes).flatMap(([code, n]) => {
    const more = n - (before[code] ?? 0)
    return more === 0 ? [] : [`${code} x ${more}`]
  })
  console.log(
    `  hub: ${(kept.notes - notes).toLocaleString('en')} notes, ${megabytes(heap)} MB of heap, ${megabytes(rss)} MB in all, ` +
      `${Math.round((user + system) / 10 / spent)} % of a processor, ` +
      `its loop was held up for ${ms(delays.percentile(99) / 1e6)} (p99), ${ms(delays.max / 1e6)} (max), ${hub.counters.deadLetters - deadLetters} dead letters; ` +
      `closed by it: ${codes.join(', ') || 'none'}`
  )
  faults.push(...done.faults)
  return done
}

/** The same listener; with what codes the hub closes is counted. */
function noted(listener: Listener): Listener {
  return {
    kind: listener.kind,
    listen: (accept, report) =>
      listener.listen((connection, hello) => {
        const close = connection.close.bind(connection)
        connection.close = (code, reason) => {
          closes[String(code)] = (closes[String(code)] ?? 0) + 1
          close(code, reason)
        }
        accept(connection, hello)
      }, report)
  }
}
