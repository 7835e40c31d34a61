// What does a hub in between cost? From one process through a hub in a second, or two of them, to a last one, and the same
// without: between nodes, and from a node to a guest.
// node hub.mjs <"ours" | "oursThroughHub" | "oursThroughTwoHubs" | "toGuest" | "toGuestThroughHub" | ...> <case>

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
