// The second implementation: the part of MessagePack that the protocol uses. A hole is `HOLE`.

import { Fault, invalid, Reader, type Writer } from './bytes.ts'

export const HOLE = Symbol('hole')

/** How deep and how large it may be, and which keys it may have. */
export interface Bounds {
  readonly depth: number
  readonly nodes: number
  readonly keyBytes: number
  readonly refused: readonly string[]
  readonly unique: boolean
}

export function pack(value: unknown, into: Writer): void {
  if (value === HOLE) into.raw([0xd4, 0, 0])
  else if (value === null) into.u8(0xc0)
  else if (typeof value === 'boolean') into.u8(value ? 0xc3 : 0xc2)
  else if (typeof value === 'number') packNumber(value, into)
  else if (typeof value === 'string') packText(value, into)
  else if (Array.isArray(value)) {
    if (value.length < 16) into.u8(0x90 | value.length)
    else into.u8(0xdd).uint(value.length, 4)
    for (const item of value) pack(item, into)
  } else {
    const entries = Object.entries(value as object)
    if (entries.length < 16) into.u8(0x80 | entries.length)
    else into.u8(0xdf).uint(entries.length, 4)
    for (const [key, item] of entries) {
      packText(key, into)
      pack(item, into)
    }
  }
}

function packNumber(value: number, into: Writer): void {
  if (Number.isInteger(value) && value >= 0 && value < 0x80) into.u8(value)
  else if (Number.isInteger(value) && value >= -32 && value < 0) into.u8(256 + value)
  else if (Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31)
    into.u8(0xd2).uint(value < 0 ? value + 2 ** 32 : value, 4)
  else into.u8(0xcb).f64(value, false)
}

function packText(text: string, into: Writer): void {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length < 32) into.u8(0xa0 | bytes.length).raw(bytes)
  else into.u8(0xdb).uint(bytes.length, 4).raw(bytes)
}

/** Throws only what is `invalid`: how long the whole is was said before it. */
export function unpack(
  bytes: Uint8Array,
  bounds: Bounds,
  depth: number
): { tree: unknown; holes: number; nodes: number } {
  const reader = new Reader(bytes)
  const count = { holes: 0, nodes: 0 }
  try {
    const tree = unpackValue(reader, bounds, depth, count)
    if (reader.left > 0) throw invalid('packed: it goes on behind its end')
    return { tree, ...count }
  } catch (error) {
    throw error instanceof Fault ? invalid(error.message) : error
  }
}

function unpackValue(reader: Reader, bounds: Bounds, depth: number, count: { holes: number; nodes: number }): unknown {
  count.nodes += 1
  if (count.nodes > bounds.nodes) throw invalid('packed: too many values')
  const token = reader.u8()
  if (token < 0x80) return token
  if (token >= 0xe0) return token - 256
  if ((token & 0xe0) === 0xa0) return reader.text(token & 0x1f)
  if ((token & 0xf0) === 0x90) return list(token & 0x0f)
  if ((token & 0xf0) === 0x80) return map(token & 0x0f)
  switch (token) {
    case 0xc0:
      return null
    case 0xc2:
    case 0xc3:
      return token === 0xc3
    case 0xcb:
      return reader.f64(false)
    case 0xcc:
    case 0xcd:
    case 0xce:
      return reader.uint(2 ** (token - 0xcc))
    case 0xd0:
    case 0xd1:
    case 0xd2: {
      const size = 2 ** (token - 0xd0)
      const value = reader.uint(size)
      return value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value
    }
    case 0xd9:
    case 0xda:
    case 0xdb:
      return reader.text(reader.uint(2 ** (token - 0xd9)))
    case 0xdc:
    case 0xdd:
      return list(reader.uint(2 ** (token - 0xdb)))
    case 0xde:
    case 0xdf:
      return map(reader.uint(2 ** (token - 0xdd)))
    case 0xd4:
      if (reader.u8() !== 0 || reader.u8() !== 0) throw invalid('packed: an extension')
      count.holes += 1
      return HOLE
    default:
      throw invalid('packed: a kind that is not used')
  }

  function enter(values: number): void {
    if (values > reader.left) throw invalid('packed: more values than bytes')
    if (depth > bounds.depth) throw invalid('packed: too deep')
  }

  function list(length: number): unknown[] {
    enter(length)
    return Array.from({ length }, () => unpackValue(reader, bounds, depth + 1, count))
  }

  function map(length: number): Record<string, unknown> {
    enter(length * 2)
    const object: Record<string, unknown> = {}
    for (let n = 0; n < length; n++) {
      const before = count.nodes
      const start = reader.at
      const key = unpackValue(reader, bounds, depth + 1, count)
      count.nodes = before
      if (typeof key !== 'string') throw invalid('packed: a key that is no text')
      if (reader.at - start > bounds.keyBytes + 5 || new TextEncoder().encode(key).length > bounds.keyBytes)
        throw invalid('packed: a key too long')
      if (bounds.refused.includes(key)) throw invalid('packed: a forbidden key')
      if (bounds.unique && Object.hasOwn(object, key)) throw invalid('packed: a key twice')
      object[key] = unpackValue(reader, bounds, depth + 1, count)
    }
    return object
  }
}
