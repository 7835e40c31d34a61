// What do thousands of idle guests cost a hub? Their connections come from a second process, over loopback, and are held here.
// node --expose-gc guests.mjs <"ours" | "ws"> <case>      5,000 of them need `ulimit -n 6000` in both processes

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WebSocket, WebSocketServer } from 'ws'
import { count, heapInUse, name, peer, quick, report } from './program.mjs'

const host = '127.0.0.1'
/** What is made once, not for each, is made with these. */
const first = 50
/** Dialled at a time. */
const abreast = 50

/** Accept connections, and answer a first message. */
const hubs = {
  async ours() {
    const { createSystem, receive, actorName } = await import('whereabouts')
    const { webSocketServer } = await import('whereabouts/websocket-server')
    const Door = actorName('door')
    const hub = createSystem({ label: 'hub' })
    hub.spawn(
      receive(0, (_, { replyTo }) => void replyTo.send('come in')),
      { name: Door }
    )
    const door = await hub.listen(webSocketServer({ port: 0, host }), {
      trust: 'guest',
      expose: [{ name: Door, unchecked: true }]
    })
    return { url: door.url, held: () => door.peers.size }
  },

  async ws() {
    const server = new WebSocketServer({ port: 0, host, perMessageDeflate: false })
    server.on('connection', socket => {
      socket.on('error', () => {})
      socket.on('message', data => socket.send(data))
    })
    await once(server, 'listening')
    return { url: `ws://${host}:${server.address().port}`, held: () => server.clients.size }
  }
}

/** Stay attached; `talk`: say something, and hear the answer. */
const guests = {
  async ours(url, talk) {
    const { createSystem, actorName } = await import('whereabouts')
    const { webSocket } = await import('whereabouts/websocket')
    const system = createSystem({ label: 'guest' })
    await system.connect(webSocket(url, { WebSocket }), { within: 60_000 })
    if (talk) await (await system.lookup(actorName('door'))).ask({ type: 'hello' })
  },

  async ws(url, talk) {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    await once(socket, 'open')
    if (!talk) return
    socket.send(new Uint8Array(32))
    await once(socket, 'message')
  }
}

const cases = { 'silent guests': false, 'guests that have asked once': true }

async function hold() {
  const { url, held } = await hubs[peer]()
  const dialler = fork(fileURLToPath(import.meta.url), ['dial', peer, url, String(cases[name])], {
    execArgv: [],
    stdio: ['ignore', 2, 2, 'ipc']
  })
  dialler.once('exit', code => {
    console.error(`the process of the guests ended with ${code}`)
    process.exit(1)
  })
  const dial = async more => {
    dialler.send(more)
    await once(dialler, 'message')
    // Until what was said last is acknowledged, and the buffers of the handshakes are gone.
    await sleep(quick ? 300 : 2_000)
  }
  await dial(first)
  const before = bytesInUse()
  const many = count(5_000)
  await dial(many)
  const bytes = Math.round((bytesInUse() - before) / many)
  if (held() !== first + many) throw new Error(`${held()} of ${first + many} are attached`)
  const began = process.cpuUsage()
  const seconds = quick ? 1 : 10
  await sleep(seconds * 1_000)
  const { user, system } = process.cpuUsage(began)
  report({ bytes, unit: 'bytes each', cpu: Math.round((user + system) / seconds) / 1_000, held: held() })
  process.exit(0)
}

/** On the heap, and in buffers outside of it. */
function bytesInUse() {
  heapInUse()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

if (process.argv[2] === 'dial') {
  const [, , , of, url, talk] = process.argv
  process.on('disconnect', () => process.exit(0))
  process.on('message', async more => {
    for (let left = more; left > 0; left -= abreast) {
      await Promise.all(Array.from({ length: Math.min(abreast, left) }, () => guests[of](url, talk === 'true')))
    }
    process.send('done')
  })
} else await hold()
