// Systems, ports and transports: what may be handed in, what comes out. Compiled, never run.

import { createServer } from 'node:http'
import express from 'express'
import { Hono } from 'hono'
import { drainOnSignal } from '../../hosting/drain.ts'
import { statusHandler, statusResponse } from '../../hosting/status.ts'
import {
  type ActorError,
  type ActorSystem,
  actorName,
  type Clock,
  type ConnectOptions,
  createSystem,
  type DeadLetterReason,
  type Gateway,
  type GatewayReport,
  type GatewayStatus,
  type Link,
  type LinkStatus,
  type ListenOptions,
  type Logger,
  type Subscription,
  type SystemOptions
} from '../../runtime/index.ts'
import type { Connection, Listener, Transport } from '../../runtime/peer/transport.ts'
import { memory } from '../../transports/memory.ts'
import { messagePort } from '../../transports/message-port.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { upgradedWebSockets } from '../../transports/websocket-upgraded.ts'
import { proof, type Same } from './same.ts'

export const clock = {
  now: () => 0,
  wall: () => 0,
  timer: (_delay: number, _fire: () => void) => () => {},
  soon: (_turn: () => void) => {},
  later: (_turn: () => void) => {}
} satisfies Clock

export const logger = {
  debug() {},
  info() {},
  warn() {},
  error() {}
} satisfies Logger

export const options = {
  label: 'server',
  copyMessages: true,
  clock,
  random: () => 0.5,
  entropy: (bytes: number) => new Uint8Array(bytes),
  logger,
  memoryBudget: 2 ** 28,
  escalated: (ref, error) => void [ref.label, error]
} satisfies SystemOptions

createSystem()
proof<Same<ReturnType<typeof createSystem>, ActorSystem>>()
createSystem(options)
createSystem({ label: 'client' })
// @ts-expect-error a system draws its own id
createSystem({ id: 'server' })
// @ts-expect-error a clock has all its parts
createSystem({ clock: { now: () => 0 } })
// @ts-expect-error a label is written
createSystem({ label: 1 })

export async function life(): Promise<void> {
  await using system = createSystem()
  proof<Same<typeof system.id, string>>()
  const letters = system.watchDeadLetters(letter => {
    proof<Same<typeof letter.reason, DeadLetterReason>>()
    proof<Same<typeof letter.message, unknown>>()
  })
  letters.unsubscribe()
  await system.shutdown({ within: 100 })

  // @ts-expect-error the id of a system is drawn, never set
  system.id = 'other'
}

export const connection = {
  maxFrame: 61_440,
  buffered: 0,
  send(_frame: Uint8Array) {},
  open(on) {
    on.frame(new Uint8Array(1))
    on.drain?.()
    on.close({ code: 1000, reason: '' })
  },
  close() {}
} satisfies Connection

export const transport = {
  kind: 'pigeon',
  async connect(signal) {
    signal.throwIfAborted()
    return connection
  }
} satisfies Transport

export const listener = {
  kind: 'pigeon',
  async listen(accept) {
    accept(connection, { origin: 'https://example.org', address: '10.0.0.1', headers: { cookie: '' } })
    return { async close() {}, url: 'pigeon://loft' }
  }
} satisfies Listener

// @ts-expect-error a transport that never connects is none
const noTransport: Transport = { kind: 'pigeon' }
// @ts-expect-error frames are bytes
const noConnection: Connection = { ...connection, send(_frame: string) {} }
// @ts-expect-error what listens can be closed
const noListener: Listener = { kind: 'pigeon', listen: async () => ({ url: 'pigeon://loft' }) }
void [noTransport, noConnection, noListener]

webSocket('ws://localhost') satisfies Transport
webSocket('ws://localhost', { WebSocket: class {} }) satisfies Transport
webSocketServer({ port: 0 }) satisfies Listener
messagePort(new MessageChannel().port1) satisfies Transport & Listener
memory().transport satisfies Transport
memory().listener satisfies Listener
webSocketServer({ tls: { cert: '', key: new Uint8Array(1), minVersion: 'TLSv1.3' }, status: false }) satisfies Listener
webSocketServer({ server: createServer(), unencrypted: true }) satisfies Listener
upgradedWebSockets() satisfies Listener
upgradedWebSockets().accept(new WebSocket('ws://localhost'), { headers: { origin: '' } })
// @ts-expect-error of which origin a caller is has to be told
upgradedWebSockets().accept(new WebSocket('ws://localhost'))
// @ts-expect-error a client does not listen
webSocket('ws://localhost') satisfies Listener
// @ts-expect-error a server does not dial
webSocketServer({}) satisfies Transport

const Room = actorName<string>('room')

export const guests = {
  trust: 'guest',
  expose: [{ name: Room, unchecked: true }],
  authenticate: ({ token }) => ({ user: token, until: 1e12 }),
  expires: (principal: { until: number }) => principal.until,
  subject: principal => String(principal),
  audit(event) {
    proof<Same<typeof event.at, number>>()
    if (event.type === 'denied') proof<Same<typeof event.action, 'lookup' | 'register' | 'join' | 'relay'>>()
    if (event.type === 'refused') proof<Same<typeof event.close, number>>()
    // @ts-expect-error not every event is about somebody who is attached
    if (event.type === 'limited') event.id satisfies string
  },
  authorize: (principal, action, target) => principal !== undefined && action === 'lookup' && target === 'room',
  origins: ['https://example.org'],
  limits: { messageBytes: 1024, messagesPerSecond: 10 },
  downAfter: 30_000
} satisfies ListenOptions

export const nodes = { trust: { node: { secret: 'secret' } } } satisfies ListenOptions
// @ts-expect-error who listens says whom it trusts
const trusting: ListenOptions = {}
// @ts-expect-error a node shows a secret
const nodely: ListenOptions = { trust: 'node' }
// @ts-expect-error there is no such action
const stops: ListenOptions = { trust: 'guest', authorize: (_who, action) => action === 'stop' }
// @ts-expect-error there is no such limit
const limited: ListenOptions = { trust: 'guest', limits: { actors: 1 } }
// @ts-expect-error an end is a time
const endless: ListenOptions = { trust: 'guest', expires: () => 'never' }
void [trusting, nodely, stops, limited, endless]

export const dialing = {
  token: async () => 'token',
  secret: 'secret',
  backoff: { min: 200, max: 10_000 },
  within: 1000,
  signal: new AbortController().signal
} satisfies ConnectOptions

export async function network(system: ActorSystem): Promise<void> {
  await using gateway = await system.listen(webSocketServer({ port: 0 }), guests)
  proof<Same<typeof gateway, Gateway>>()
  proof<Same<typeof gateway.url, string | undefined>>()
  for (const peer of gateway.peers) proof<Same<typeof peer.status, LinkStatus>>()
  proof<Same<typeof gateway.status, GatewayStatus>>()
  proof<Same<ReturnType<typeof gateway.report>, GatewayReport>>()
  gateway.report().counters.delivered satisfies number
  // @ts-expect-error a report is read
  gateway.report().attached = 0
  createServer(statusHandler(gateway))
  express().get('/status', statusHandler(gateway))
  new Hono().get('/status', () => statusResponse(gateway))
  drainOnSignal(system, { signals: ['SIGTERM'], within: 5000 }) satisfies Subscription
  await system.shutdown({ drain: 100, within: 100 })
  await gateway.close({ drain: 100 })

  await using link = await system.connect(webSocket('ws://localhost'), dialing)
  proof<Same<typeof link, Link>>()
  link.onStatus((status, why) => {
    proof<Same<typeof status, 'connecting' | 'connected' | 'suspended' | 'closed'>>()
    proof<Same<typeof why, { code: string; message: string } | undefined>>()
  })
  await link.flushed({ within: 100 })
  proof<Same<ReturnType<typeof link.refresh>, Promise<void>>>()
  proof<Same<typeof link.rtt, number | undefined>>()
  proof<Same<typeof link.pending, number>>()
  await link.disconnect()

  // @ts-expect-error who listens says how
  await system.listen(webSocketServer({ port: 0 }))
  // @ts-expect-error a listener does not dial
  await system.connect(webSocketServer({ port: 0 }))
}

export function codes(error: ActorError): string {
  switch (error.code) {
    case 'ACTOR_ASK_TIMEOUT':
    case 'ACTOR_STOPPED':
      return error.message
    // @ts-expect-error codes of the runtime begin with ACTOR_
    case 'TIMEOUT':
      return ''
    default:
      return error.code
  }
}
