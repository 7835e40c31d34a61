// The second implementation: frames, greetings and items.

import { createHash, createHmac } from 'node:crypto'
import { base64url, broken, Fault, Reader, Writer } from './bytes.ts'
import { ValueReader, ValueWriter } from './values.ts'

export const HEAD = 58
export const OPENING = 1
export const RESEND = 2
export const UNHEARD = 4
export const KINDS = ['batch', 'ack', 'sync', 'ended', 'goodbye'] as const

export interface Frame {
  hops: number
  to: Uint8Array
  from: Uint8Array
  kind: (typeof KINDS)[number]
  flags: number
  epoch: number
  ack: number
  credit: number
  seq: number
  items: Uint8Array
}

export function writeFrame(frame: Frame): Uint8Array {
  const { hops, to, from, kind, flags, epoch, ack, credit, seq, items } = frame
  const head = new Writer().u8(16).u8(hops).raw(to).raw(from)
  head
    .u8(KINDS.indexOf(kind) + 1)
    .u8(flags)
    .uint(epoch, 4)
    .uint(ack, 6)
    .uint(credit, 6)
    .uint(seq, 6)
  return Buffer.concat([head.done, items])
}

export function readFrame(bytes: Uint8Array): Frame {
  const reader = new Reader(bytes)
  reader.u8()
  return {
    hops: reader.u8(),
    to: reader.raw(16),
    from: reader.raw(16),
    kind: KINDS[reader.u8() - 1] ?? 'ack',
    flags: reader.u8(),
    epoch: reader.uint(4),
    ack: reader.uint(6),
    credit: reader.uint(6),
    seq: reader.uint(6),
    items: reader.raw(reader.left)
  }
}

// greetings -------------------------------------------------------------------------------------------------------------

export const idOf = (secret: Uint8Array): Uint8Array => createHash('sha256').update(secret).digest().subarray(0, 16)

export function proofOf(
  shared: string,
  role: 'dialer' | 'listener',
  nonces: readonly [string, string],
  ids: readonly [string, string]
): string {
  return base64url(
    createHmac('sha256', shared)
      .update(['whereabouts', role, ...nonces, ...ids].join('\n'))
      .digest()
  )
}

const GREETINGS: Record<string, { kind: number; fields: Record<string, string> }> = {
  hello: {
    kind: 1,
    fields: {
      version: 'number',
      id: 'string',
      label: 'string',
      secret: '?string',
      nonce: '?string',
      token: '?string',
      as: '?string'
    }
  },
  challenge: { kind: 2, fields: { id: 'string', nonce: 'string', proof: 'string' } },
  proof: { kind: 3, fields: { proof: 'string', secret: 'string', token: '?string' } },
  welcome: {
    kind: 4,
    fields: {
      version: 'number',
      id: 'string',
      label: 'string',
      trust: 'string',
      downAfter: 'number',
      messageBytes: 'number',
      windowBytes: 'number',
      expiresIn: '?number'
    }
  },
  token: { kind: 12, fields: { token: 'string' } },
  admitted: { kind: 13, fields: { expiresIn: '?number' } },
  refused: { kind: 5, fields: { code: 'string', message: 'string', version: 'number', close: '?number' } }
}

export function writeGreeting(frame: string, fields: object): Uint8Array {
  return Buffer.concat([Uint8Array.of(GREETINGS[frame]?.kind ?? 0), Buffer.from(JSON.stringify(fields))])
}

export function readGreeting(bytes: Uint8Array): { frame: string; fields: Record<string, unknown> } {
  const [frame, known] = Object.entries(GREETINGS).find(([, { kind }]) => kind === bytes[0]) ?? []
  if (frame === undefined || known === undefined || bytes.length > 4096) throw broken('no greeting')
  const all: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(1)))
  if (typeof all !== 'object' || all === null) throw broken('no greeting')
  const fields: Record<string, unknown> = {}
  for (const [name, type] of Object.entries(known.fields)) {
    const value = (all as Record<string, unknown>)[name]
    if (value === undefined && type.startsWith('?')) continue
    if (typeof value !== type.replace('?', '')) throw broken(`no greeting: ${name}`)
    fields[name] = value
  }
  return { frame, fields }
}

// items -----------------------------------------------------------------------------------------------------------------

const REASONS = ['done', 'shutdown', 'killed', 'failed', 'unknown', 'unreachable']

export type Target = number | string
export type Item =
  | { item: 'define'; id: string }
  | { item: 'send'; to: Target; message: unknown }
  | { item: 'send to'; ask: string; message: unknown }
  | { item: 'ask'; to: Target; ask: string; message: unknown }
  | { item: 'fail'; ask: string; code: string; text: string }
  | { item: 'cancel'; ask: string }
  | { item: 'watch' | 'unwatch'; to: Target }
  | { item: 'stopped'; id: string; reason: { kind: string; error?: { name: string; message: string; code?: string } } }
  | { item: 'pressure'; id: string; on: boolean }

export class ItemWriter {
  readonly #values = new ValueWriter()
  /** Messages are written without definitions, for chunks. */
  readonly #alone: boolean

  constructor(alone = false) {
    this.#alone = alone
  }

  write(items: readonly Item[]): Uint8Array {
    const into = new Writer()
    for (const item of items) this.#write(item, into)
    return into.done
  }

  #write(item: Item, into: Writer): void {
    const target = (to: Target): void => {
      if (typeof to === 'number') into.varint(to + 1)
      else into.varint(0).utf8(to)
    }
    switch (item.item) {
      case 'define':
        into.u8(1).utf8(item.id)
        return
      case 'send':
        into.u8(2)
        target(item.to)
        this.#values.write(item.message, into, this.#alone)
        return
      case 'send to':
        into.u8(3).utf8(item.ask)
        this.#values.write(item.message, into, this.#alone)
        return
      case 'ask':
        into.u8(4)
        target(item.to)
        into.utf8(item.ask)
        this.#values.write(item.message, into, this.#alone)
        return
      case 'fail':
        into.u8(5).utf8(item.ask).utf8(item.code).utf8(item.text)
        return
      case 'cancel':
        into.u8(6).utf8(item.ask)
        return
      case 'watch':
      case 'unwatch':
        into.u8(item.item === 'watch' ? 7 : 8)
        target(item.to)
        return
      case 'stopped': {
        into.u8(9).utf8(item.id).u8(REASONS.indexOf(item.reason.kind))
        const { error } = item.reason
        if (error !== undefined)
          into
            .utf8(error.name)
            .utf8(error.message)
            .utf8(error.code ?? '')
        return
      }
      case 'pressure':
        into
          .u8(10)
          .utf8(item.id)
          .u8(item.on ? 1 : 0)
    }
  }
}

/** `invalid` instead of the message, when only its content is at fault. */
export const INVALID = Symbol('invalid')

export class ItemReader {
  readonly #values: ValueReader
  readonly #streams = new Map<number, { bytes: Uint8Array; at: number }>()
  #numbered = 0

  constructor(from: 'guest' | 'node') {
    this.#values = new ValueReader(from)
  }

  read(bytes: Uint8Array): Item[] {
    try {
      return this.#items(new Reader(bytes), false)
    } catch (error) {
      // An item has no part that could be invalid but its message.
      throw error instanceof Fault && error.outcome === 'invalid' ? broken(error.message) : error
    }
  }

  #items(reader: Reader, inChunk: boolean): Item[] {
    const items: Item[] = []
    while (reader.left > 0) {
      const kind = reader.u8()
      if (kind === 11) {
        if (inChunk) throw broken('a chunk in a chunk')
        items.push(...this.#chunk(reader))
      } else items.push(this.#item(kind, reader))
    }
    return items
  }

  #item(kind: number, reader: Reader): Item {
    switch (kind) {
      case 1:
        this.#numbered += 1
        return { item: 'define', id: reader.utf8(128) }
      case 2: {
        const to = this.#target(reader)
        return { item: 'send', to, message: this.#message(reader, false) }
      }
      case 3: {
        const ask = askId(reader)
        return { item: 'send to', ask, message: this.#message(reader, false) }
      }
      case 4: {
        const to = this.#target(reader)
        const ask = askId(reader)
        return { item: 'ask', to, ask, message: this.#message(reader, true) }
      }
      case 5:
        return { item: 'fail', ask: reader.utf8(128), code: reader.utf8(64), text: reader.utf8(2048) }
      case 6:
        return { item: 'cancel', ask: reader.utf8(128) }
      case 7:
        return { item: 'watch', to: this.#target(reader) }
      case 8:
        return { item: 'unwatch', to: this.#target(reader) }
      case 9: {
        const id = reader.utf8(128)
        const reason = REASONS[reader.u8()]
        if (reason === undefined) throw broken('an unknown reason')
        if (reason !== 'failed') return { item: 'stopped', id, reason: { kind: reason } }
        const [name, message, code] = [reader.utf8(256), reader.utf8(4096), reader.utf8(64)]
        return {
          item: 'stopped',
          id,
          reason: { kind: reason, error: { name, message, ...(code === '' ? {} : { code }) } }
        }
      }
      case 10:
        return { item: 'pressure', id: reader.utf8(128), on: reader.u8() === 1 }
      default:
        throw broken('an unknown item')
    }
  }

  #target(reader: Reader): Target {
    const number = reader.varint()
    if (number > this.#numbered) throw broken('a number that stands for nothing')
    return number === 0 ? reader.utf8(128) : number - 1
  }

  #message(reader: Reader, question: boolean): unknown {
    try {
      return this.#values.read(reader, question)
    } catch (error) {
      if (error instanceof Fault && error.outcome === 'invalid') return INVALID
      throw error
    }
  }

  #chunk(reader: Reader): Item[] {
    const number = reader.varint()
    const left = reader.varint()
    const part = reader.raw(reader.left)
    const stream = this.#streams.get(number) ?? { bytes: new Uint8Array(left), at: 0 }
    this.#streams.set(number, stream)
    if (this.#streams.size > 2) throw broken('too many streams')
    if (left !== stream.bytes.length - stream.at || part.length > left) throw broken('a chunk that does not fit')
    stream.bytes.set(part, stream.at)
    stream.at += part.length
    if (stream.at < stream.bytes.length) return []
    this.#streams.delete(number)
    return this.#items(new Reader(stream.bytes), true)
  }
}

function askId(reader: Reader): string {
  const id = reader.utf8(128)
  if (!id.startsWith('~')) throw broken('no ask id')
  return id
}
