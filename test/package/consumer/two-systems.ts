// What a user of the package would write first: a counter in one system, used from another, over memory and over a WebSocket.
// It is compiled and run in an empty folder in which only the packed tarball and its peers are installed.

import { type ActorRef, actorName, createSystem, type Listener, receive, type Transport } from 'whereabouts'
import { memory } from 'whereabouts/memory'
import { webSocket } from 'whereabouts/websocket'
import { webSocketServer } from 'whereabouts/websocket-server'
import { WebSocket } from 'ws'

type Count = { type: 'add'; n: number } | { type: 'total'; replyTo: ActorRef<number> }

const Counter = actorName<Count>('counter')
const counter = () =>
  receive(0, (total: number, message: Count) => {
    if (message.type === 'add') return total + message.n
    message.replyTo.send(total)
    return total
  })

async function addUp(listener: Listener, dial: (url: string | undefined) => Transport): Promise<number> {
  await using server = createSystem({ label: 'server' })
  server.spawn(counter(), { name: Counter })
  const gateway = await server.listen(listener, { trust: 'guest', expose: [{ name: Counter, unchecked: true }] })
  await using client = createSystem({ label: 'client' })
  await client.connect(dial(gateway.url), { within: 5000 })
  const remote = await client.lookup(Counter)
  for (let n = 1; n <= 1000; n++) while (!remote.send({ type: 'add', n })) await remote.ready()
  return await remote.ask({ type: 'total' })
}

const pipe = memory()
console.log(`memory ${await addUp(pipe.listener, () => pipe.transport)}`)
console.log(
  `websocket ${await addUp(webSocketServer({ port: 0, host: '127.0.0.1' }), url => webSocket(url ?? '', { WebSocket }))}`
)
