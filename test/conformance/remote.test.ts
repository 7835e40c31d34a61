// Elsewhere: the same cases over every transport, directly and through a hub, for nodes and for guests.

import { WebSocket } from 'ws'
import { type ActorSystem, createSystem, type ListenOptions, type SystemOptions } from '../../runtime/index.ts'
import type { Transport } from '../../runtime/peer/transport.ts'
import { memory } from '../../transports/memory.ts'
import { messagePort } from '../../transports/message-port.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { Door, meet } from '../suites/any-ref/meet.ts'
import { anyRef, type Cast, type Traits } from '../suites/any-ref.ts'
import { proxy } from '../support/proxy.ts'
import { quiet } from '../support/quiet.ts'

const SECRET = 'the secret of the test'
const nodes: ListenOptions = { trust: { node: { secret: SECRET } } }
const guests: ListenOptions = {
  trust: 'guest',
  expose: [{ name: Door, unchecked: true }],
  authorize: () => true
}
const QUICK = { min: 5, max: 20 }
const credentials = ({ trust }: ListenOptions) => ({ backoff: QUICK, ...(trust !== 'guest' && { secret: SECRET }) })

const system = (label: string, options?: SystemOptions): ActorSystem =>
  createSystem({ label, logger: quiet, ...options })

async function overMemory(): Promise<Cast> {
  const [near, far] = [system('near'), system('far')]
  const { transport, listener, network } = memory()
  await far.listen(listener, nodes)
  await near.connect(transport, { secret: SECRET, backoff: QUICK })
  return meet(near, far, false, [], {
    cut() {
      network.refuse(true)
      network.cut()
    },
    mend: () => network.refuse(false)
  })
}

async function overMessagePort(): Promise<Cast> {
  const [near, far] = [system('near'), system('far')]
  const { port1, port2 } = new MessageChannel()
  await far.listen(messagePort(port2), nodes)
  await near.connect(messagePort(port1), { secret: SECRET, backoff: QUICK })
  return meet(near, far, false, [() => port1.close()])
}

/** A server behind a proxy, and a way to dial it. */
async function serve(home: ActorSystem, options: ListenOptions) {
  const gateway = await home.listen(webSocketServer({ port: 0 }), options)
  const between = await proxy(Number(new URL(gateway.url as string).port))
  const dial = (): Transport => webSocket(`ws://127.0.0.1:${between.port}`, { WebSocket })
  return { between, dial }
}

async function overWebSocket(options: ListenOptions): Promise<Cast> {
  const [near, far] = [system('near'), system('far')]
  const { between, dial } = await serve(far, options)
  await near.connect(dial(), credentials(options))
  return meet(near, far, false, [() => between.close()], between)
}

/** The one that listens is near: refs lead to the system that dialled. */
async function backOverWebSocket(): Promise<Cast> {
  const [near, far] = [system('near'), system('far')]
  const { between, dial } = await serve(near, nodes)
  await far.connect(dial(), { secret: SECRET, backoff: QUICK })
  return meet(near, far, true, [() => between.close()], between)
}

async function throughHub(options: ListenOptions): Promise<Cast> {
  const [near, hub, far] = [system('near'), system('hub'), system('far')]
  const { between, dial } = await serve(hub, options)
  await far.connect(dial(), credentials(options))
  await near.connect(dial(), credentials(options))
  return meet(near, far, true, [() => hub.shutdown(), () => between.close()], between)
}

/** The hub of `far` is attached to the hub of `near`, and the way between the two hubs is cut, or that to `far` as well. */
async function throughTwoHubs(options: ListenOptions, cuts: 'between' | 'everywhere'): Promise<Cast> {
  const [near, upper, lower, far] = [system('near'), system('upper'), system('lower'), system('far')]
  const above = await serve(upper, options)
  const uplink = memory()
  await upper.listen(uplink.listener, nodes)
  await lower.connect(uplink.transport, credentials(nodes))
  const below = await serve(lower, options)
  await far.connect(below.dial(), credentials(options))
  await near.connect(above.dial(), credentials(options))
  const ends = [
    () => lower.shutdown(),
    () => upper.shutdown(),
    () => above.between.close(),
    () => below.between.close()
  ]
  return meet(near, far, true, ends, {
    cut() {
      uplink.network.refuse(true)
      uplink.network.cut()
      if (cuts === 'everywhere') below.between.cut()
    },
    mend() {
      uplink.network.refuse(false)
      below.between.mend()
    }
  })
}

/** `far` is a worker of a page, and the page a guest of the hub of `near`: nobody but the page knows that there is a hub. */
async function belowAGuest(): Promise<Cast> {
  const [near, hub, page, far] = [system('near'), system('hub'), system('page'), system('far')]
  const { between, dial } = await serve(hub, guests)
  await page.connect(dial(), credentials(guests))
  const { port1, port2 } = new MessageChannel()
  await page.listen(messagePort(port2), nodes)
  await far.connect(messagePort(port1), credentials(nodes))
  await near.connect(dial(), credentials(guests))
  const ends = [() => page.shutdown(), () => hub.shutdown(), () => between.close(), () => port1.close()]
  return meet(near, far, true, ends, between)
}

const node: Traits = { remote: true, copies: true, trust: 'node', messageBytes: 16 * 2 ** 20, cuts: true }
const guest: Traits = { remote: true, copies: true, trust: 'guest', messageBytes: 2 ** 20, cuts: true }

anyRef('over memory', overMemory, node)
anyRef('over a MessagePort', overMessagePort, { ...node, cuts: false })
anyRef('over a WebSocket', () => overWebSocket(nodes), node)
anyRef('over a WebSocket, in the system that dialled', backOverWebSocket, node)
anyRef('over a WebSocket, seen by a guest', () => overWebSocket(guests), guest)
anyRef('over WebSockets through a hub', () => throughHub(nodes), node)
anyRef('over WebSockets through a hub, both guests', () => throughHub(guests), { ...guest, farIsGuest: true })
anyRef('over WebSockets through two hubs', () => throughTwoHubs(nodes, 'everywhere'), node)
anyRef('over WebSockets through two hubs, cut between them', () => throughTwoHubs(nodes, 'between'), node)
anyRef('over WebSockets through two hubs, both guests', () => throughTwoHubs(guests, 'between'), {
  ...guest,
  farIsGuest: true
})
anyRef('in a worker of a page that is a guest', belowAGuest, { ...guest, farIsGuest: true })
