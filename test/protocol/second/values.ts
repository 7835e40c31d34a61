// The second implementation: values. One writer and one reader for each epoch and direction.

import { Paper } from '../../../tools/vectors/notation.ts'
import { broken, Fault, invalid, type Reader, Writer } from './bytes.ts'
import { type Bounds, HOLE, pack, unpack } from './message-pack.ts'

const KINDS = [
  'ArrayBuffer',
  'Uint8Array',
  'DataView',
  'Int8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array'
]
const ADDRESS = /^[a-z]{1,16}:[A-Za-z0-9_-]{1,64}\/[A-Za-z0-9_.~-]{1,128}$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what ASCII is
const WORD = /^[\u0000-\u007f]{0,64}$/
const NODE: Bounds = {
  depth: 512,
  nodes: 1e9,
  keyBytes: Number.MAX_SAFE_INTEGER,
  refused: ['__proto__'],
  unique: false
}
const GUEST: Bounds = {
  depth: 16,
  nodes: 10_000,
  keyBytes: 128,
  refused: ['__proto__', 'constructor', 'prototype'],
  unique: true
}

interface Shape {
  readonly keys: readonly string[]
  readonly type: string | undefined
  readonly fault: boolean
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value))

export class ValueWriter {
  readonly #shapes = new Map<string, number>()
  readonly #refs = new Map<string, number>()
  readonly #seen = new Set<string>()

  write(value: unknown, into: Writer, alone = false): void {
    if (value === null) into.u8(0xc0)
    else if (value === undefined) into.u8(0xc1)
    else if (typeof value === 'boolean') into.u8(value ? 0xc3 : 0xc2)
    else if (typeof value === 'number') this.#number(value, into)
    else if (typeof value === 'bigint') this.#bigint(value, into)
    else if (typeof value === 'string') {
      const bytes = new TextEncoder().encode(value)
      if (bytes.length < 32) into.u8(0x80 | bytes.length).raw(bytes)
      else into.u8(0xc7).varint(bytes.length).raw(bytes)
    } else if (value instanceof Paper) this.#ref(value.address, into, alone)
    else if (value instanceof Date) into.u8(0xd0).f64(value.getTime(), true)
    else if (value instanceof Map) {
      into.u8(0xd2).varint(value.size)
      for (const part of [...value].flat()) this.write(part, into, alone)
    } else if (value instanceof Set) {
      into.u8(0xd3).varint(value.size)
      for (const part of value) this.write(part, into, alone)
    } else if (value instanceof Error) {
      into.u8(0xd4).utf8(value.name).utf8(value.message)
      this.write((value as { code?: unknown }).code, into, alone)
    } else if (value instanceof ArrayBuffer) into.u8(0xcf).u8(0).varint(value.byteLength).raw(new Uint8Array(value))
    else if (ArrayBuffer.isView(value)) {
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      into
        .u8(0xcf)
        .u8(KINDS.indexOf(Object.prototype.toString.call(value).slice(8, -1)))
        .varint(bytes.length)
        .raw(bytes)
    } else if (Array.isArray(value) && !alone) {
      if (value.length < 16) into.u8(0xa0 | value.length)
      else into.u8(0xc8).varint(value.length)
      for (const part of value) this.write(part, into)
    } else if (isPlain(value) && !alone && this.#shaped(value, into)) return
    else this.#packed(value as object, into, alone)
  }

  #number(value: number, into: Writer): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) into.u8(0xc6).f64(value, true)
    else if (value >= 0 && value < 64) into.u8(value)
    else if (value >= 0) into.u8(0xc4).varint(value)
    else if (value >= -16) into.u8(0xb0 | (-1 - value))
    else into.u8(0xc5).varint(-1 - value)
  }

  #bigint(value: bigint, into: Writer): void {
    const bytes: number[] = []
    for (let rest = value < 0n ? -value : value; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 255n))
    into
      .u8(0xd1)
      .varint(bytes.length * 2 + (value < 0n ? 1 : 0))
      .raw(bytes)
  }

  #ref(address: string, into: Writer, alone: boolean): void {
    const number = alone ? undefined : this.#refs.get(address)
    if (address === '') into.u8(0xd5)
    else if (number !== undefined) into.u8(0xcb).varint(number)
    else if (alone || !this.#seen.has(address) || this.#refs.size >= 4096) into.u8(0xcd).utf8(address)
    else {
      this.#refs.set(address, this.#refs.size)
      into.u8(0xcc).utf8(address)
    }
    this.#seen.add(address)
  }

  /** `false`: the object has no shape, and is packed. */
  #shaped(value: Record<string, unknown>, into: Writer): boolean {
    const keys = Object.keys(value)
    const type = typeof value.type === 'string' && WORD.test(value.type) ? value.type : undefined
    const name = JSON.stringify([keys, type])
    const number = this.#shapes.get(name)
    if (number === undefined) {
      if (keys.length > 24 || this.#shapes.size >= 1024 || !keys.every(key => WORD.test(key))) return false
      this.#shapes.set(name, this.#shapes.size)
      into.u8(0xca).u8(keys.length * 2 + (type === undefined ? 0 : 1))
      for (const key of keys) into.utf8(key)
      if (type !== undefined) into.utf8(type)
    } else if (number < 64) into.u8(0x40 | number)
    else into.u8(0xc9).varint(number)
    for (const key of keys) if (key !== 'type' || type === undefined) this.write(value[key], into)
    return true
  }

  #packed(value: object, into: Writer, alone: boolean): void {
    const holes: unknown[] = []
    const hollow = (part: unknown): unknown => {
      if (Array.isArray(part)) return part.map(hollow)
      if (isPlain(part)) return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, hollow(item)]))
      if (part === null || typeof part === 'boolean' || typeof part === 'string') return part
      if (typeof part === 'number' && !Object.is(part, -0)) return part
      holes.push(part)
      return HOLE
    }
    const body = new Writer()
    pack(hollow(value), body)
    into.u8(0xce).varint(body.done.length).raw(body.done).varint(holes.length)
    for (const part of holes) this.write(part, into, alone)
  }
}

export class ValueReader {
  readonly #bounds: Bounds
  readonly #guest: boolean
  #question = false
  readonly #shapes: Shape[] = []
  readonly #refs: string[] = []
  #nodes = 0
  #fault: Fault | undefined

  constructor(from: 'guest' | 'node') {
    this.#bounds = from === 'guest' ? GUEST : NODE
    this.#guest = from === 'guest'
  }

  /** Reads one value to its end. Throws a Fault: what is `invalid` has been read to its end as well. */
  read(reader: Reader, question: boolean): unknown {
    this.#question = question
    this.#nodes = 0
    this.#fault = undefined
    const value = this.#value(reader, 1)
    if (this.#fault !== undefined) throw this.#fault
    return value
  }

  /** The definitions behind it count, so reading goes on. */
  #wrong(what: string): undefined {
    this.#fault ??= invalid(what)
    return undefined
  }

  #lenient<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (error instanceof Fault && error.outcome === 'invalid') return this.#wrong(error.message)
      throw error
    }
  }

  #enter(reader: Reader, values: number, depth: number): void {
    if (values > reader.left) throw broken('more values than bytes')
    this.#nodes += values
    if (depth > this.#bounds.depth) this.#wrong('too deep')
    if (this.#nodes > this.#bounds.nodes) this.#wrong('too many values')
  }

  #value(reader: Reader, depth: number): unknown {
    const tag = reader.u8()
    if (tag < 0x40) return tag
    if (tag < 0x80) return this.#object(reader, this.#shapes[tag & 0x3f], depth)
    if (tag < 0xa0) return this.#lenient(() => reader.text(tag & 0x1f))
    if (tag < 0xb0) return this.#list(reader, tag & 0x0f, depth)
    if (tag < 0xc0) return -1 - (tag & 0x0f)
    switch (tag) {
      case 0xc0:
        return null
      case 0xc1:
        return undefined
      case 0xc2:
      case 0xc3:
        return tag === 0xc3
      case 0xc4:
        return reader.varint()
      case 0xc5:
        return -1 - reader.varint()
      case 0xc6:
        return reader.f64(true)
      case 0xc7:
        return this.#lenient(() => reader.utf8())
      case 0xc8:
        return this.#list(reader, reader.varint(), depth)
      case 0xc9:
        return this.#object(reader, this.#shapes[reader.varint()], depth)
      case 0xca:
        return this.#object(reader, this.#define(reader), depth)
      case 0xcb: {
        const address = this.#refs[reader.varint()]
        if (address === undefined) throw broken('a ref that was not defined')
        return new Paper(address)
      }
      case 0xcc:
      case 0xcd: {
        const address = this.#lenient(() => reader.utf8(256)) ?? ''
        if (tag === 0xcc) this.#refs.push(address)
        return ADDRESS.test(address) ? new Paper(address) : this.#wrong('no address')
      }
      case 0xce:
        return this.#packed(reader, depth)
      case 0xcf:
        return this.#bytes(reader)
      case 0xd0:
        return new Date(reader.f64(true))
      case 0xd1:
        return this.#bigint(reader)
      case 0xd2: {
        const count = reader.varint()
        const parts = this.#list(reader, count * 2, depth)
        const map = new Map(Array.from({ length: count }, (_, n) => [parts[2 * n], parts[2 * n + 1]]))
        return map.size === count ? map : this.#wrong('a key twice')
      }
      case 0xd3: {
        const parts = this.#list(reader, reader.varint(), depth)
        const set = new Set(parts)
        return set.size === parts.length ? set : this.#wrong('a value twice')
      }
      case 0xd4:
        return this.#error(reader, depth)
      case 0xd5:
        return this.#question ? new Paper('') : this.#wrong('nobody to answer to')
      default:
        throw broken('an unknown tag')
    }
  }

  #list(reader: Reader, length: number, depth: number): unknown[] {
    this.#enter(reader, length, depth)
    return Array.from({ length }, () => this.#value(reader, depth + 1))
  }

  #define(reader: Reader): Shape {
    const head = reader.u8()
    if (head >> 1 > 24) throw broken('too many keys')
    const word = (): string => this.#lenient(() => reader.utf8(64)) ?? `\ufffd${reader.at}`
    const keys = Array.from({ length: head >> 1 }, word)
    const type = (head & 1) === 1 ? word() : undefined
    if (new Set(keys).size !== keys.length || (type !== undefined && !keys.includes('type')))
      throw broken('a bad shape')
    const fault = [...keys, type ?? ''].some(each => each.startsWith('\ufffd') || this.#bounds.refused.includes(each))
    const shape = { keys, type, fault }
    if (this.#shapes.push(shape) > 1024) throw broken('too many shapes')
    return shape
  }

  #object(reader: Reader, shape: Shape | undefined, depth: number): unknown {
    if (shape === undefined) throw broken('a shape that was not defined')
    const { keys, type, fault } = shape
    this.#enter(reader, keys.length - (type === undefined ? 0 : 1), depth)
    const object: Record<string, unknown> = {}
    for (const key of keys) object[key] = key === 'type' && type !== undefined ? type : this.#value(reader, depth + 1)
    return fault ? this.#wrong('a forbidden key') : object
  }

  #packed(reader: Reader, depth: number): unknown {
    const body = reader.raw(reader.varint())
    const count = reader.varint()
    const unpacked = this.#lenient(() => unpack(body, this.#bounds, depth))
    this.#nodes += unpacked?.nodes ?? 0
    const { tree, holes } = unpacked ?? { tree: undefined, holes: count }
    if (typeof tree !== 'object') this.#wrong('packed: no container')
    // Holes are filled in order; how deep each lies is found on the way.
    let left = count
    const filled = (part: unknown, level: number): unknown => {
      if (part === HOLE) return left-- > 0 ? this.#value(reader, level) : undefined
      if (Array.isArray(part)) return part.map(item => filled(item, level + 1))
      if (typeof part !== 'object' || part === null) return part
      const object = part as Record<string, unknown>
      for (const key of Object.keys(object)) object[key] = filled(object[key], level + 1)
      return object
    }
    const value = filled(tree, depth)
    while (left-- > 0) this.#value(reader, depth)
    return holes === count ? value : this.#wrong('packed: another number of holes')
  }

  #bytes(reader: Reader): unknown {
    const kind = KINDS[reader.u8()]
    const { buffer } = reader.raw(reader.varint())
    if (kind === undefined) return this.#wrong('bytes of an unknown kind')
    if (kind === 'ArrayBuffer') return buffer
    const view = (globalThis as unknown as Record<string, new (of: unknown) => unknown>)[kind]
    if (view === undefined) return this.#wrong('bytes of a kind that is not known here')
    try {
      return new view(buffer)
    } catch {
      return this.#wrong('bytes of a wrong length')
    }
  }

  #bigint(reader: Reader): unknown {
    const head = reader.varint()
    const bytes = reader.raw(Math.floor(head / 2))
    if (this.#guest && bytes.length > 8) return this.#wrong('a bigint too long')
    if (bytes[0] === 0 || head === 1) return this.#wrong('an ill-formed bigint')
    const magnitude = bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n)
    return head % 2 === 1 ? -magnitude : magnitude
  }

  #error(reader: Reader, depth: number): unknown {
    const name = this.#lenient(() => reader.utf8()) ?? ''
    const message = this.#lenient(() => reader.utf8()) ?? ''
    const code = this.#value(reader, depth + 1)
    if (code !== undefined && typeof code !== 'string' && typeof code !== 'number')
      return this.#wrong('a code that is none')
    if (this.#guest) return code === undefined ? { name, message } : { name, message, code }
    const error = Object.defineProperty(new Error(message), 'name', { value: name })
    return code === undefined ? error : Object.assign(error, { code })
  }
}
