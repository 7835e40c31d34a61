// Two processes with a WebSocket between them, as each peer would have it written: websocket.mjs and hub.mjs ask the questions.
// A wire is
//   send(message)        one way; `false` when it was not taken: try again after `ready()`
//   room()               a promise while too much is under way
//   echo(message)        a promise of the same message back
//   counted()            how many one-way messages have arrived there, once all have

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Packr } from 'msgpackr'
import { WebSocket, WebSocketServer } from 'ws'
import { deferred, turn } from './program.mjs'

const secret = 'the secret of this benchmark'
const host = '127.0.0.1'
const high = 2 ** 20
/** Of guests: what they are held to otherwise would be all that is measured. */
const open = { messagesPerSecond: 1e9, windowBytes: 2 ** 23 }
const plain = new Packr({ useRecords: false })

/** What runs in the second process (and for hubs in a third); each answers what the first needs to know to dial. */
const servers = {
  /** A frame for every message. */
  async ws() {
    let arrived = 0
    return listen(socket => data => {
      const message = plain.unpack(data)
      if (message.type === 'echo') socket.send(plain.pack(message))
      else if (message.type === 'count') {
        socket.send(plain.pack({ type: 'count', arrived }))
        arrived = 0
      } else arrived++
    })
  },

  /** About 16 KiB of messages in a frame, batched by hand. */
  async wsBatched() {
    let arrived = 0
    return listen(
      socket => data =>
        plain.unpackMultiple(data, message => {
          if (message.type === 'echo') socket.send(plain.pack(message))
          else if (message.type === 'count') {
            socket.send(plain.pack({ type: 'count', arrived }))
            arrived = 0
          } else arrived++
        })
    )
  },

  /** Ours between nodes of one cluster, which trust each other. */
  ours: () => sinkOf({ trust: { node: { secret } } }),

  /** Ours as a browser is served: guard and limits on, of which only the rate is raised so that there is something to measure. */
  oursGuest: async () => {
    const { Sink } = await names()
    return sinkOf({ trust: 'guest', expose: [{ name: Sink, unchecked: true }], limits: open })
  },

  /** With a door for nodes and one for guests; below the hub at `above`, if there is one. */
  async hub(above) {
    const { createSystem } = await import('whereabouts')
    const { webSocketServer } = await import('whereabouts/websocket-server')
    const hub = above === undefined ? createSystem({ label: 'hub' }) : await attached(above, { secret })
    const { Meeting } = await names()
    const nodes = await hub.listen(webSocketServer({ port: 0, host }), { trust: { node: { secret } } })
    const guests = await hub.listen(webSocketServer({ port: 0, host }), {
      trust: 'guest',
      expose: [{ name: Meeting, unchecked: true }],
      limits: open
    })
    return { url: nodes.url, guests: guests.url }
  },

  /** Attached as a guest to the hub at this address. */
  async guest(url) {
    const { Meeting, sink } = await names()
    const system = await attached(url, {})
    const place = await system.lookup(Meeting)
    place.send({ type: 'sink', sink: system.spawn(sink()) })
    return { url }
  },

  /** Attached to the hub at this address. */
  async oursBehindHub(url) {
    const { Sink, sink } = await names()
    const system = await attached(url, { secret })
    await system.register(Sink, system.spawn(sink()))
    return { url }
  }
}

const wires = {
  async ws() {
    const socket = await dial(await start('ws'))
    let heard
    socket.on('message', data => heard(plain.unpack(data)))
    const question = message =>
      new Promise(resolve => {
        heard = resolve
        socket.send(plain.pack(message))
      })
    return {
      send(message) {
        socket.send(plain.pack(message))
        return true
      },
      room: politeness(socket),
      echo: question,
      counted: async () => (await question({ type: 'count' })).arrived
    }
  },

  async wsBatched() {
    const socket = await dial(await start('wsBatched'))
    const limit = 16_384
    let batch = Buffer.allocUnsafe(2 ** 18)
    let end = 0
    let scheduled = false
    const flush = () => {
      scheduled = false
      if (end === 0) return
      socket.send(batch.subarray(0, end))
      batch = batch.length - end < 2 ** 17 ? Buffer.allocUnsafe(2 ** 18) : batch.subarray(end)
      end = 0
    }
    const send = message => {
      const packed = plain.pack(message)
      batch.set(packed, end)
      end += packed.length
      if (end > limit) flush()
      else if (!scheduled) {
        scheduled = true
        queueMicrotask(flush)
      }
      return true
    }
    let heard
    socket.on('message', data => heard(plain.unpack(data)))
    const question = message =>
      new Promise(resolve => {
        heard = resolve
        send(message)
      })
    return {
      send,
      room: politeness(socket),
      echo: question,
      counted: async () => (await question({ type: 'count' })).arrived
    }
  },

  ours: async () => wireTo(await start('ours'), { secret }),

  oursGuest: async () => wireTo(await start('oursGuest'), {}),

  oursThroughHub: async () => {
    const hub = await start('hub')
    return wireTo(await start('oursBehindHub', hub.url), { secret })
  },

  oursThroughTwoHubs: async () => {
    const above = await start('hub')
    const below = await start('hub', above.url)
    await start('oursBehindHub', above.url)
    return wireTo(below, { secret })
  },

  /** To a guest: what guests send, a home behind a hub holds to 20,000 messages a second whatever the hub's limits are. */
  toGuest: async () => {
    const { createSystem } = await import('whereabouts')
    const { webSocketServer } = await import('whereabouts/websocket-server')
    const { Meeting } = await names()
    const system = createSystem({ label: 'bench' })
    const { guest } = await meeting(system)
    const expose = [{ name: Meeting, unchecked: true }]
    const { url } = await system.listen(webSocketServer({ port: 0, host }), { trust: 'guest', expose })
    await start('guest', url)
    return wireOf(await guest)
  },

  toGuestThroughHub: async () => {
    const hub = await start('hub')
    return toGuest(hub.url, hub.guests)
  },

  toGuestThroughTwoHubs: async () => {
    const above = await start('hub')
    const below = await start('hub', above.url)
    return toGuest(above.url, below.guests)
  }
}

export const peers = Object.keys(wires)

export function wire(peer) {
  return wires[peer]()
}

/** Names and behaviors that both processes share. */
async function names() {
  const { actorName, setup } = await import('whereabouts')
  const Sink = actorName('sink')
  const Meeting = actorName('meeting')
  const sink = () =>
    setup(() => {
      let arrived = 0
      return {
        receive(message) {
          if (message.type === 'echo') message.replyTo.send(message)
          else if (message.type === 'count') {
            message.replyTo.send(arrived)
            arrived = 0
          } else arrived++
        }
      }
    })
  return { Meeting, Sink, sink }
}

async function sinkOf(options) {
  const { createSystem } = await import('whereabouts')
  const { webSocketServer } = await import('whereabouts/websocket-server')
  const { Sink, sink } = await names()
  const system = createSystem({ label: 'sink' })
  const ref = system.spawn(sink(), { name: Sink })
  const { url } = await system.listen(webSocketServer({ port: 0, host }), options)
  if (options.trust !== 'guest') await system.register(Sink, ref)
  return { url }
}

async function attached(url, options) {
  const { createSystem } = await import('whereabouts')
  const { webSocket } = await import('whereabouts/websocket')
  const system = createSystem({ label: 'bench' })
  await system.connect(webSocket(url, { WebSocket }), { within: 10_000, ...options })
  return system
}

async function wireTo({ url }, options) {
  const { Sink } = await names()
  const system = await attached(url, options)
  return wireOf(await system.lookup(Sink))
}

/** Attached to the hub at one address, to a guest that is attached at the other. */
async function toGuest(url, guests) {
  const { Meeting } = await names()
  const system = await attached(url, { secret })
  const { guest, place } = await meeting(system)
  await system.register(Meeting, place)
  await start('guest', guests)
  return wireOf(await guest)
}

/** Where a guest hands over the sink that it wants to be sent to. */
async function meeting(system) {
  const { setup } = await import('whereabouts')
  const { Meeting } = await names()
  const { promise, resolve } = deferred()
  const place = system.spawn(
    setup(() => ({ receive: message => resolve(message.sink) })),
    { name: Meeting }
  )
  return { guest: promise, place }
}

function wireOf(ref) {
  return {
    send: message => ref.send(message),
    ready: () => ref.ready(),
    room: () => (ref.pressed ? ref.ready() : undefined),
    echo: message => ref.ask(message),
    counted: () => ref.ask({ type: 'count' }, { within: 60_000 })
  }
}

async function listen(receiver) {
  const server = new WebSocketServer({ port: 0, host, perMessageDeflate: false, maxPayload: 2 ** 24 })
  server.on('connection', socket => socket.on('message', receiver(socket)))
  await once(server, 'listening')
  return { url: `ws://${host}:${server.address().port}` }
}

async function dial({ url }) {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 2 ** 24 })
  await once(socket, 'open')
  return socket
}

/** A bare socket takes everything, so its producer looks at the buffer now and then, and lets the loop go round. */
function politeness(socket) {
  let sent = 0
  return () => {
    if (++sent % 2048 === 0 || (sent % 256 === 0 && socket.bufferedAmount > high)) return drained(socket)
  }
}

async function drained(socket) {
  do await turn()
  while (socket.bufferedAmount > high)
}

/** Starts a server in a process of its own, which ends with this one. */
async function start(server, ...args) {
  const child = fork(fileURLToPath(import.meta.url), ['serve', server, ...args], { stdio: ['ignore', 2, 2, 'ipc'] })
  const ended = code => {
    console.error(`the process of ${server} ended with ${code}`)
    process.exit(1)
  }
  child.once('exit', ended)
  const [facts] = await once(child, 'message')
  return facts
}

if (process.argv[2] === 'serve' && process.argv[1] === fileURLToPath(import.meta.url)) {
  process.on('disconnect', () => process.exit(0))
  process.send(await servers[process.argv[3]](...process.argv.slice(4)))
}
