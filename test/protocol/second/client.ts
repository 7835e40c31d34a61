// The second implementation: a system that dials one listener, and goes on after each cut where it was.

import { randomBytes } from 'node:crypto'
import { WebSocket } from 'ws'
import { Paper } from '../../../tools/vectors/notation.ts'
import { Association } from './association.ts'
import { base64url, Fault, Reader, Writer } from './bytes.ts'
import { INVALID, type Item, ItemReader, ItemWriter, idOf, proofOf, readGreeting, writeGreeting } from './frames.ts'
import { ValueReader } from './values.ts'

/** The most bytes of items in one batch, and what a chunk's own head takes of it. */
const BATCH = 61_382
const CHUNK_HEAD = 16
const WINDOW = 1_048_576
const PING_EVERY = 5_000

export type Handler = (message: unknown, client: Client) => void

export interface ClientOptions {
  readonly url: string
  readonly label: string
  /** Shown at every attempt. */
  readonly token?: () => string
  /** The secret that it shares with a listener for nodes. */
  readonly shared?: string
}

interface Welcome {
  readonly id: string
  readonly trust: string
  readonly downAfter: number
  readonly messageBytes: number
  readonly expiresIn?: number
}

export class Client {
  readonly id: string
  readonly label: string
  /** What the last connections were closed with. */
  readonly closes: number[] = []
  /** What the hub has said of others, by their ids. */
  readonly facts = new Map<string, Record<string, unknown>>()
  welcome: Welcome | undefined
  readonly #options: ClientOptions
  readonly #secret = randomBytes(32)
  readonly #peers = new Map<string, Peer>()
  readonly #actors = new Map<string, Handler>()
  readonly #began = performance.now()
  readonly #timer: NodeJS.Timeout
  readonly #waiting: Array<() => void> = []
  #socket: WebSocket | undefined
  #up = false
  #over = false
  #pinged = 0
  /** Milliseconds over which a gateway that closes wants returns to be spread. */
  #spread = 20
  /** When another token is due. */
  #renewAt = Number.POSITIVE_INFINITY

  constructor(options: ClientOptions) {
    this.#options = options
    this.label = options.label
    this.id = base64url(idOf(this.#secret))
    this.#timer = setInterval(() => this.#tick(), 10)
    this.#dial()
  }

  /** Resolves when it is attached. */
  async attached(): Promise<void> {
    if (!this.#up) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  actor(id: string, handler: Handler): Paper {
    this.#actors.set(id, handler)
    return new Paper(`actor:${this.id}/${id}`)
  }

  stop(ref: Paper): void {
    const [, id] = parted(ref)
    this.#actors.delete(id)
    for (const peer of this.#peers.values()) peer.ended(id)
  }

  send(to: Paper, message: unknown): void {
    const [system, id] = parted(to)
    this.#peer(system).send(id, message)
  }

  ask(to: Paper, message: object): Promise<unknown> {
    const [system, id] = parted(to)
    return this.#peer(system).ask(id, message)
  }

  watch(to: Paper): Promise<object> {
    const [system, id] = parted(to)
    return this.#peer(system).watch(id)
  }

  async lookup(name: string): Promise<Paper> {
    const registry = new Paper(`actor:${this.welcome?.id}/registry`)
    const answer = (await this.ask(registry, { type: 'lookup', name, wait: true, replyTo: new Paper('') })) as {
      ok: Paper
    }
    return answer.ok
  }

  /** Everything that was sent has been acknowledged. */
  get idle(): boolean {
    return [...this.#peers.values()].every(({ association }) => association.pending === 0)
  }

  close(): void {
    this.#over = true
    clearInterval(this.#timer)
    for (const { association } of this.#peers.values()) association.goodbye()
    this.#socket?.send(Uint8Array.of(8))
    this.#socket?.close(1000)
  }

  // for its peers -------------------------------------------------------------------------------------------------------

  frame(frame: Uint8Array): void {
    if (this.#up) this.#socket?.send(frame)
  }

  deliver(id: string, message: unknown): void {
    this.#actors.get(id)?.(message, this)
  }

  has(id: string): boolean {
    return this.#actors.has(id)
  }

  #peer(id: string): Peer {
    let peer = this.#peers.get(id)
    if (peer === undefined) {
      peer = new Peer(this, id, this.welcome?.downAfter ?? 30_000)
      this.#peers.set(id, peer)
      peer.association.time(performance.now() - this.#began)
      if (this.#up) peer.association.path(true)
    }
    return peer
  }

  // the connection ------------------------------------------------------------------------------------------------------

  #dial(): void {
    if (this.#over) return
    const socket = new WebSocket(this.#options.url)
    this.#socket = socket
    const nonce = base64url(randomBytes(16))
    const { shared, label } = this.#options
    socket.on('error', () => {})
    socket.on('open', () => {
      const shown = shared === undefined ? this.#credentials() : { nonce }
      socket.send(writeGreeting('hello', { version: 1, id: this.id, label, ...shown }))
    })
    socket.on('message', data => {
      const bytes = Uint8Array.from(data as Buffer)
      if (this.#up) this.#hear(bytes)
      else this.#greeted(socket, bytes, nonce)
    })
    socket.on('close', code => {
      this.closes.push(code)
      if (this.#up) for (const { association } of this.#peers.values()) association.path(false)
      this.#up = false
      setTimeout(() => this.#dial(), Math.random() * this.#spread)
      this.#spread = 20
    })
  }

  #greeted(socket: WebSocket, bytes: Uint8Array, nonce: string): void {
    const { frame, fields } = readGreeting(bytes)
    if (frame === 'challenge') {
      const shared = this.#options.shared ?? ''
      const nonces = [nonce, fields.nonce as string] as const
      const ids = [this.id, fields.id as string] as const
      if (fields.proof !== proofOf(shared, 'listener', nonces, ids)) throw new Error('the listener proves nothing')
      const proof = proofOf(shared, 'dialer', nonces, ids)
      socket.send(writeGreeting('proof', { proof, ...this.#credentials() }))
    } else if (frame === 'welcome') {
      const before = this.welcome
      this.welcome = fields as unknown as Welcome
      if (before !== undefined && before.id !== this.welcome.id) this.#peers.get(before.id)?.association.abandon()
      this.#up = true
      this.#renew(this.welcome.expiresIn)
      this.#ping()
      for (const { association } of this.#peers.values()) association.path(true)
      for (const then of this.#waiting.splice(0)) then()
    }
  }

  /** For listeners of guests at once, for those of nodes when they have proved themselves. */
  #credentials(): { secret: string; token?: string } {
    const { token } = this.#options
    return { secret: base64url(this.#secret), ...(token === undefined ? {} : { token: token() }) }
  }

  #hear(bytes: Uint8Array): void {
    switch (bytes[0]) {
      case 6:
        this.#socket?.send(Uint8Array.of(7, ...bytes.subarray(1)))
        return
      case 8:
        if (bytes.length === 5) this.#spread = Math.min(30_000, new Reader(bytes.subarray(1)).uint(4))
        return
      case 9: {
        // Written without definitions, so a reader of its own will do.
        const facts = new ValueReader('node').read(new Reader(bytes.subarray(1)), false) as Record<string, unknown>
        this.facts.set(facts.id as string, facts)
        return
      }
      case 10:
        this.#peers.get(base64url(bytes.subarray(1, 17)))?.undeliverable()
        return
      case 13:
        this.#renew(readGreeting(bytes).fields.expiresIn as number | undefined)
        return
      case 16:
        this.#peer(base64url(bytes.subarray(18, 34))).association.hear(bytes)
    }
  }

  #ping(): void {
    this.#pinged = performance.now()
    this.#socket?.send(new Writer().u8(6).f64(this.#pinged, false).done)
  }

  /** What was shown is good for so long. */
  #renew(expiresIn = Number.POSITIVE_INFINITY): void {
    this.#renewAt = performance.now() + expiresIn * 0.75
  }

  #tick(): void {
    const now = performance.now()
    if (this.#up && now > this.#renewAt) {
      this.#renewAt = Number.POSITIVE_INFINITY
      this.#socket?.send(writeGreeting('token', { token: this.#options.token?.() }))
    }
    if (this.#up && now - this.#pinged > PING_EVERY) this.#ping()
    for (const { association } of this.#peers.values()) association.time(now - this.#began)
  }
}

interface Ask {
  readonly resolve: (answer: unknown) => void
  readonly reject: (why: Error) => void
}

class Peer {
  readonly association: Association
  readonly #client: Client
  readonly #id: string
  // Of the open epoch:
  #writer = new ItemWriter()
  #reader = new ItemReader('node')
  readonly #numbers = new Map<string, number>()
  readonly #targets: string[] = []
  readonly #asks = new Map<string, Ask>()
  readonly #watched = new Map<string, (reason: object) => void>()
  readonly #watchers = new Set<string>()
  #streams = 0
  #heard = false

  constructor(client: Client, id: string, downAfter: number) {
    this.#client = client
    this.#id = id
    const route = { to: Buffer.from(id, 'base64url'), from: Buffer.from(client.id, 'base64url') }
    this.association = new Association(
      {
        send: frame => client.frame(frame),
        take: items => this.#take(items),
        opened: () => {},
        ended: () => this.#ended()
      },
      { ...route, window: WINDOW, downAfter }
    )
  }

  send(id: string, message: unknown): void {
    if (id.startsWith('~')) this.#push([{ item: 'send to', ask: id, message }])
    else this.#push([], id, to => ({ item: 'send', to, message }))
  }

  ask(id: string, message: object): Promise<unknown> {
    const ask = `~${base64url(randomBytes(16))}`
    return new Promise((resolve, reject) => {
      this.#asks.set(ask, { resolve, reject })
      this.#push([], id, to => ({ item: 'ask', to, ask, message }))
    })
  }

  watch(id: string): Promise<object> {
    return new Promise(resolve => {
      this.#watched.set(id, resolve)
      this.#push([], id, to => ({ item: 'watch', to }))
    })
  }

  /** An actor of this system has ended. */
  ended(id: string): void {
    if (this.#watchers.delete(id)) this.#push([{ item: 'stopped', id, reason: { kind: 'done' } }])
  }

  undeliverable(): void {
    if (!this.#heard) this.association.abandon()
  }

  #push(items: Item[], id?: string, about?: (to: number) => Item): void {
    const all = [...items]
    if (id !== undefined && about !== undefined) {
      const known = this.#numbers.get(id)
      const number = known ?? this.#numbers.size
      if (known === undefined) {
        this.#numbers.set(id, number)
        all.push({ item: 'define', id })
      }
      const item = about(number)
      const alone = new ItemWriter(true).write([item])
      if (alone.length > BATCH - 1_024) {
        if (all.length > 0) this.association.push(this.#writer.write(all))
        this.#chunks(alone)
        return
      }
      all.push(item)
    }
    this.association.push(this.#writer.write(all))
  }

  #chunks(item: Uint8Array): void {
    const stream = this.#streams++
    for (let at = 0; at < item.length; at += BATCH - CHUNK_HEAD) {
      const head = new Writer()
        .u8(11)
        .varint(stream)
        .varint(item.length - at)
      this.association.push(Buffer.concat([head.done, item.subarray(at, at + BATCH - CHUNK_HEAD)]))
    }
  }

  #take(bytes: Uint8Array): boolean {
    this.#heard = true
    try {
      for (const item of this.#reader.read(bytes)) this.#item(item)
      this.association.give(bytes.length)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.association.abandon()
    }
    return true
  }

  #item(item: Item): void {
    switch (item.item) {
      case 'define':
        this.#targets.push(item.id)
        return
      case 'send':
        if (item.message !== INVALID) this.#client.deliver(this.#name(item.to), item.message)
        return
      case 'send to':
        this.#asks.get(item.ask)?.resolve(item.message)
        this.#asks.delete(item.ask)
        return
      case 'ask':
        this.#client.deliver(this.#name(item.to), addressed(item.message, `actor:${this.#id}/${item.ask}`))
        return
      case 'fail':
        this.#asks.get(item.ask)?.reject(Object.assign(new Error(item.text), { code: item.code }))
        this.#asks.delete(item.ask)
        return
      case 'watch': {
        const id = this.#name(item.to)
        if (this.#client.has(id)) this.#watchers.add(id)
        else this.#push([{ item: 'stopped', id, reason: { kind: 'unknown' } }])
        return
      }
      case 'unwatch':
        this.#watchers.delete(this.#name(item.to))
        return
      case 'stopped':
        this.#watched.get(item.id)?.(item.reason)
        this.#watched.delete(item.id)
        return
      default:
        // Who asks nothing twice cancels nothing, and pressure is advice.
        return
    }
  }

  #name(target: number | string): string {
    return typeof target === 'string' ? target : (this.#targets[target] ?? '')
  }

  #ended(): void {
    this.#writer = new ItemWriter()
    this.#reader = new ItemReader('node')
    this.#heard = false
    this.#numbers.clear()
    this.#targets.length = 0
    this.#watchers.clear()
    const unreachable = Object.assign(new Error('out of reach'), { code: 'ACTOR_UNREACHABLE' })
    for (const { reject } of [...this.#asks.values()]) reject(unreachable)
    this.#asks.clear()
    for (const tell of [...this.#watched.values()]) tell({ kind: 'unreachable' })
    this.#watched.clear()
  }
}

function parted({ address }: Paper): [system: string, id: string] {
  const [, system = '', id = ''] = /^actor:([^/]*)\/(.*)$/.exec(address) ?? []
  return [system, id]
}

/** In a question, `replyTo` and the like stand for the address of its ask. */
function addressed(value: unknown, address: string): unknown {
  if (value instanceof Paper) return value.address === '' ? new Paper(address) : value
  if (Array.isArray(value)) return value.map(each => addressed(each, address))
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, addressed(each, address)]))
}
