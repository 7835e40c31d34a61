// A program of its own: two systems and a hub over WebSockets, which say something, shut down, and leave nothing that keeps the process.

import { WebSocket } from 'ws'
import { actorName, createSystem, receive } from '../../runtime/index.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { quiet } from './quiet.ts'

const Open = actorName<number>('open')
const [hub, left, right] = ['hub', 'left', 'right'].map(label => createSystem({ label, logger: quiet })) as [
  ReturnType<typeof createSystem>,
  ReturnType<typeof createSystem>,
  ReturnType<typeof createSystem>
]
const { url } = await hub.listen(webSocketServer({ port: 0 }), {
  trust: 'guest',
  expose: [{ name: Open, unchecked: true }],
  authorize: () => true
})
let last = -1
hub.spawn(
  receive(undefined, (_state: undefined, n: number) => {
    last = n
    return undefined
  }),
  { name: Open }
)
await left.connect(webSocket(url as string, { WebSocket }))
await right.connect(webSocket(url as string, { WebSocket }))
const ref = await left.lookup(Open)
right.members(Open, () => {})
// Nobody ever gets this name: the lookup is under way when its system ends.
void right.lookup(actorName<number>('never'), { within: 60_000 }).catch(() => {})
await left.join(Open, left.spawn(receive(undefined, (_state: undefined, _n: number) => undefined)))
for (let n = 0; n < 10_000; n++) while (!ref.send(n)) await ref.ready()
await Promise.all([left.shutdown(), right.shutdown()])
await hub.shutdown()
console.log(`last ${last}`)
