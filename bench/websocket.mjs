// How fast do messages go between two processes over one WebSocket?
// node websocket.mjs <peer> <case>

import { large, oneWay, roundTrips, small } from './flows.mjs'
import { count, name, peer, turn } from './program.mjs'
import { wire } from './remote.mjs'

const socket = await wire(peer)

/** How many of the small ones: enough for a second or so of the fastest. */
const pace = { ws: 1, wsBatched: 5 }[peer] ?? 10

const cases = {
  'one way, small': () => oneWay(socket, count(200_000, pace), small),
  'one way, 1 KiB': () => oneWay(socket, count(100_000), large(1024)),
  'one way, 64 KiB': () => oneWay(socket, count(8_000), large(65_536)),
  'one message a turn': () => oneWay(socket, count(100_000), small, turn),
  'ask and answer': () => roundTrips(socket, count(20_000))
}

await cases[name]()
process.exit(0)
