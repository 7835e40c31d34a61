// The stage of every attack in this folder: a hub with a listener for guests on a real port, and a well-behaved guest who goes
// on talking to it, each round a few notes and a question about them. Whatever somebody else does, he loses nothing, gets
// nothing twice or out of order, and waits for no answer long; the process is none the worse for it.

import { expect } from 'chai'
import { WebSocket } from 'ws'
import {
  type ActorRef,
  type ActorSystem,
  actorName,
  type Clock,
  createSystem,
  type DeadLetter,
  type Gateway,
  type ListenOptions,
  type Logger,
  type StandardSchema,
  setup
} from '../../runtime/index.ts'
import type { Transport } from '../../runtime/peer/transport.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { hand, letters, turn, until } from '../suites/any-ref/cast.ts'
import { quiet } from '../support/quiet.ts'
import { type RawPeer, rawGuest, rawPeer } from '../support/raw-peer.ts'
import { type RawSocket, rawSocket } from '../support/raw-socket.ts'

export type Desk = { type: 'note'; n: number } | { type: 'count'; replyTo: ActorRef<number> }

const desk: StandardSchema<Desk> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(value: unknown) {
      const { type, n } = (value ?? {}) as { type?: unknown; n?: unknown }
      if (type === 'note' && typeof n === 'number') return { value: { type, n } }
      return type === 'count' ? { value: { type } } : { issues: [{ message: 'neither a note nor a count' }] }
    }
  }
}

/** Checked by a schema; here the good guest takes his notes. */
export const Desk = actorName<Desk>('desk', { schema: desk })
/** Anything may be said here; of a message `{ pass, to }` the one is handed on to the other, as careless actors do. */
export const Open = actorName<unknown>('open')
export const SECRET = 'the secret that nodes share'

/** Longer than any of his answers takes on a slow machine, and far shorter than what a stuck hub would cost him. */
const PATIENCE = 3_000

export interface Stage {
  readonly hub: ActorSystem
  readonly gateway: Gateway
  readonly port: number
  readonly good: ActorSystem
  readonly way: Transport
  /** Mail of others: what came to the desk, and to the open actor. */
  readonly notes: unknown[]
  readonly said: unknown[]
  /** Dead letters of the hub. */
  readonly dead: DeadLetter[]
  /** What the hub has warned of. */
  readonly warned: string[]
  /** The actor that anything may be said to. */
  readonly open: ActorRef<unknown>
  caller(): Promise<RawSocket>
  /** A connection that has not said hello. */
  stranger(): Promise<RawPeer>
  /** One that has been welcomed. */
  guest(token?: string): Promise<RawPeer>
  /** A system of this runtime, for attacks that need no odd bytes. It ends with the stage. */
  system(): Promise<ActorSystem>
  /** The good guest has been served a few times more, from now on. */
  served(): Promise<void>
  /** Nobody is attached but the good guest. */
  alone(): Promise<void>
}

export interface Setting extends Partial<Omit<ListenOptions, 'trust'>> {
  /** How fast time goes for the hub and the good guest. */
  clock?: Clock
}

/** One attack, as a test: on a stage of its own, and at its end nobody is harmed. */
export function attack(title: string, act: (stage: Stage) => Promise<unknown>, setting: Setting = {}): Mocha.Test {
  return it(title, async () => {
    const { stage, unharmed, end } = await raise(setting)
    try {
      await stage.served()
      await act(stage)
      await unharmed()
    } finally {
      await end()
    }
  })
}

async function raise({ clock, ...options }: Setting) {
  const properties = Reflect.ownKeys(Object.prototype).length
  const faults: unknown[] = []
  const fault = (error: unknown): void => void faults.push(error)
  process.on('unhandledRejection', fault)
  // What the hub calls an error is a fault of its own, or of an actor in it, not of those who attack it.
  const error: Logger['error'] = (text, facts) => text.includes('actor failed') || fault({ text, ...facts })
  const warned: string[] = []
  const logger: Logger = { ...quiet, error, warn: text => void warned.push(text) }
  const timing = clock === undefined ? {} : { clock }
  const hub = createSystem({ label: 'hub', logger, ...timing })
  const good = createSystem({ label: 'good', logger: quiet, ...timing })
  const dead = letters(hub)
  const gateway = await hub.listen(webSocketServer({ port: 0 }), {
    trust: 'guest',
    expose: [Desk, { name: Open, unchecked: true }],
    authenticate: ({ token }) => token,
    ...options
  })
  const port = Number(new URL(gateway.url as string).port)
  const way = webSocket(`ws://127.0.0.1:${port}`, { WebSocket })

  const written: number[] = []
  const notes: unknown[] = []
  const said: unknown[] = []
  hub.spawn(
    setup<Desk>(() => ({
      receive(message, from) {
        if (from.principal !== 'good') notes.push(message)
        else if (message.type === 'note') written.push(message.n)
        if (message.type === 'count') message.replyTo.send(written.length)
      }
    })),
    { name: Desk }
  )
  const open = hub.spawn(
    setup<unknown>(() => ({
      receive(message) {
        said.push(message)
        const { pass, to } = (message ?? {}) as { pass?: unknown; to?: ActorRef<unknown> }
        to?.send(pass)
      }
    })),
    { name: Open }
  )

  await good.connect(way, { token: 'good', backoff: { min: 5, max: 50 } })
  const ref = await good.lookup(Desk)
  const others: ActorSystem[] = []
  const waited: number[] = []
  let sent = 0
  let over = false
  const round = async (): Promise<void> => {
    for (let k = 0; k < 3; k++) await hand(ref, { type: 'note', n: sent++ })
    const asked = performance.now()
    const count = await ref.ask<number>(replyTo => ({ type: 'count', replyTo }), { within: 60_000 })
    waited.push(performance.now() - asked)
    if (count !== sent) throw new Error(`${sent} notes were sent and ${count} had come`)
  }
  const talk = async (): Promise<void> => {
    while (!over) {
      await round()
      await turn()
    }
  }
  const talking = talk().catch(fault)

  const stage: Stage = {
    hub,
    gateway,
    port,
    good,
    way,
    notes,
    said,
    dead,
    warned,
    open,
    caller: () => rawSocket(port),
    stranger: () => rawPeer(way),
    guest: token => rawGuest(way, token === undefined ? {} : { token }),
    async served() {
      const rounds = waited.length + 3
      await until(() => waited.length >= rounds || faults.length > 0, 'the good guest is served')
    },
    async system() {
      const system = createSystem({ label: 'mallory', logger: quiet, ...timing })
      others.push(system)
      await system.connect(way, { backoff: { min: 5, max: 50 } })
      return system
    },
    alone: () => until(() => gateway.peers.size === 1, 'nobody else is attached')
  }
  const unharmed = async (): Promise<void> => {
    await stage.served()
    over = true
    await talking
    expect(faults, 'what went wrong').to.deep.equal([])
    expect(written.findIndex((n, index) => n !== index)).to.equal(-1)
    expect(written.length).to.equal(sent)
    expect(Math.max(...waited), 'milliseconds that an answer took').to.be.below(PATIENCE)
    expect(Reflect.ownKeys(Object.prototype).length, 'properties of every object').to.equal(properties)
  }
  const end = async (): Promise<void> => {
    over = true
    await Promise.race([talking, turn()])
    await Promise.all([good, ...others].map(system => system.shutdown({ within: 50 })))
    await hub.shutdown({ within: 50 })
    await talking
    process.off('unhandledRejection', fault)
  }
  return { stage, unharmed, end }
}
