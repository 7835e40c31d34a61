// What does a hub in between cost? From one process through a hub in a second to a third, and the same without the hub.
// node hub.mjs <"ours" | "oursThroughHub"> <case>

import { oneWay, roundTrips, small } from './flows.mjs'
import { count, name, peer } from './program.mjs'
import { wire } from './remote.mjs'

const way = await wire(peer)

const cases = {
  'through a hub, small': () => oneWay(way, count(2_000_000), small),
  'through a hub, ask and answer': () => roundTrips(way, count(20_000))
}

await cases[name]()
process.exit(0)
