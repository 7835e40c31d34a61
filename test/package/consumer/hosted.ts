// What a server of a user's would say of itself: its status, for any kind of HTTP server, and its end on a signal.

import { createServer } from 'node:http'
import { createSystem } from 'whereabouts'
import { drainOnSignal } from 'whereabouts/drain'
import { statusHandler, statusResponse } from 'whereabouts/status'
import { webSocketServer } from 'whereabouts/websocket-server'
import { upgradedWebSockets } from 'whereabouts/websocket-upgraded'

const system = createSystem({ label: 'server' })
const gateway = await system.listen(webSocketServer({ port: 0 }), { trust: 'guest' })
await system.listen(upgradedWebSockets(), { trust: 'guest' })
createServer(statusHandler(gateway))
const handlers = drainOnSignal(system, { within: 1000 })
const before = statusResponse(gateway).status
await system.shutdown({ drain: 100 })
handlers.unsubscribe()
console.log(`status ${before}, then ${statusResponse(gateway).status}`)
