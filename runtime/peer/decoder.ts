// Bytes to message: the receiving association hands a batch to the Decoder and what comes out on to mailboxes. Nothing that
// is decoded is ever called or awaited, and nothing is built that the limits do not allow.

import { Unpackr } from 'msgpackr/unpack'
import { MAX_ADDRESS, parseAddress } from '../actor/address.ts'
import { MAX_DEPTH } from '../actor/crossing.ts'
import { ActorError } from '../actor/errors.ts'
import type { Ref } from '../actor/ref.ts'
import type { ByteReader } from './byte-buffer.ts'
import { BrokenFrame } from './byte-buffer.ts'
import type { HeardRefs } from './codec.ts'
import { readBigint, readBytes, revivedError, skipExtension } from './extensions.ts'
import type { Shape } from './fast-lane.ts'
import { HeardTables, MAX_KEYS, MAX_WORD } from './fast-lane.ts'
import type { GuardLimits } from './guard.ts'
import { invalid, isRefusedKey, scan } from './guard.ts'
import { Tag } from './tag.ts'

/** What a peer that is trusted may send: what an honest Encoder can make. */
const NODE_LIMITS: GuardLimits = { depth: MAX_DEPTH, nodes: 1_000_000_000, keyBytes: Number.MAX_SAFE_INTEGER }

/** A shape as received. */
interface HeardShape extends Shape {
  /** Values that follow its number. */
  readonly values: number
  /** Why no object of it is built; it is numbered all the same, so that the later messages stay readable. */
  readonly fault: string | undefined
}

/**
 * Invalid messages that a guest may send at once; one more per 64 good ones. Refusing one takes 5 us, so that a frame of
 * nothing else (21,000 fit) would hold the process for 100 ms; this many, for a third of one.
 */
const PATIENCE = 64
const REGAINED = 1 / 64

/** One for each epoch of an association, in step with the Encoder at the other end. */
export class Decoder {
  readonly #refs: HeardRefs
  readonly #limits: GuardLimits
  readonly #guest: boolean
  readonly #tables = new HeardTables<HeardShape>()
  #unpackr: Unpackr | undefined
  /** Values that the message in hand may still hold. */
  #left = 0
  #patience = PATIENCE

  /** With a guard, the bytes come from a guest: its limits hold, errors become plain data, risky keys are refused. */
  constructor(refs: HeardRefs, guard?: GuardLimits) {
    this.#refs = refs
    this.#limits = guard ?? NODE_LIMITS
    this.#guest = guard !== undefined
  }

  /**
   * Decodes the message that starts at `reader.at`. What it returns shares no memory
   * with the bytes, except for long Uint8Arrays. Throws ACTOR_INVALID
   * when only the content is at fault: `reader.at` is then behind the message. Throws BrokenFrame when the form is at
   * fault: nothing behind it can be read, and the epoch is of no more use; so too when a guest sends little but faults.
   */
  decode(reader: ByteReader): unknown {
    const start = reader.at
    this.#tables.begin()
    this.#left = this.#limits.nodes
    try {
      const message = this.#value(reader, 1)
      if (this.#patience < PATIENCE) this.#patience += REGAINED
      return message
    } catch (error) {
      if (error instanceof BrokenFrame) throw error
      if (this.#guest && --this.#patience < 0) throw new BrokenFrame('too many invalid messages')
      // The definitions in this message count for the following ones, so it is gone through once more, building nothing.
      this.#tables.rollback()
      reader.at = start
      this.#skip(reader)
      throw error instanceof ActorError && error.code === 'ACTOR_INVALID' ? error : invalid('cannot be read', error)
    }
  }

  #value(reader: ByteReader, depth: number): unknown {
    const tag = reader.u8()
    if (tag < Tag.smallShape) return tag
    if (tag < Tag.smallText) return this.#fields(reader, this.#shape(tag & 0x3f), depth)
    if (tag < Tag.smallArray) return reader.text(tag & 0x1f)
    if (tag < Tag.smallNegative) return this.#array(reader, tag & 0x0f, depth)
    if (tag < Tag.null) return -1 - (tag & 0x0f)
    switch (tag) {
      case Tag.null:
        return null
      case Tag.undefined:
        return undefined
      case Tag.false:
        return false
      case Tag.true:
        return true
      case Tag.positive:
        return reader.varint()
      case Tag.negative:
        return -1 - reader.varint()
      case Tag.float:
        return reader.f64()
      case Tag.text:
        return reader.utf8()
      case Tag.array:
        return this.#array(reader, reader.varint(), depth)
      case Tag.shape:
        return this.#fields(reader, this.#shape(reader.varint()), depth)
      case Tag.defineShape:
        return this.#fields(reader, this.#defineShape(reader), depth)
      case Tag.ref:
        return this.#ref(this.#address(reader.varint()))
      case Tag.defineRef:
        return this.#ref(this.#defineAddress(reader))
      case Tag.fullRef:
        return this.#ref(readAddress(reader))
      case Tag.replyTo:
        return this.#refs.refOf('')
      case Tag.packed:
        return this.#unpack(reader, depth)
      case Tag.bytes:
        return readBytes(reader, this.#guest)
      case Tag.date:
        return new Date(reader.f64())
      case Tag.bigint:
        return readBigint(reader, this.#guest)
      case Tag.map:
        return this.#map(reader, depth)
      case Tag.set: {
        const items = this.#array(reader, reader.varint(), depth)
        const set = new Set(items)
        if (set.size !== items.length) throw invalid('has a set that holds a value twice')
        return set
      }
      case Tag.error:
        return revivedError(reader.utf8(), reader.utf8(), this.#code(reader), this.#guest)
      default:
        throw new BrokenFrame('an unknown kind of value')
    }
  }

  /** Called before anything is built for a container: every value takes at least a byte. */
  #enter(reader: ByteReader, values: number, depth: number): void {
    if (values > reader.end - reader.at) throw new BrokenFrame('more values are announced than bytes remain')
    if (depth > this.#limits.depth) throw invalid(`is nested deeper than ${this.#limits.depth}`)
    this.#left -= values
    if (this.#left < 0) throw invalid(`holds more than ${this.#limits.nodes} values`)
  }

  #fields(reader: ByteReader, shape: HeardShape, depth: number): Record<string, unknown> {
    this.#enter(reader, shape.values, depth)
    if (shape.fault !== undefined) throw invalid(shape.fault)
    const { keys, typeAt } = shape
    const object: Record<string, unknown> = {}
    for (let index = 0; index < keys.length; index++) {
      object[keys[index] as string] = index === typeAt ? shape.type : this.#value(reader, depth + 1)
    }
    return object
  }

  #array(reader: ByteReader, length: number, depth: number): unknown[] {
    this.#enter(reader, length, depth)
    const items: unknown[] = []
    for (let index = 0; index < length; index++) items.push(this.#value(reader, depth + 1))
    return items
  }

  #map(reader: ByteReader, depth: number): Map<unknown, unknown> {
    const count = reader.varint()
    this.#enter(reader, count * 2, depth)
    const map = new Map<unknown, unknown>()
    for (let index = 0; index < count; index++) map.set(this.#value(reader, depth + 1), this.#value(reader, depth + 1))
    if (map.size !== count) throw invalid('has a map that holds a key twice')
    return map
  }

  /** A value that is no container, so that errors cannot be nested without end. */
  #code(reader: ByteReader): unknown {
    const tag = reader.bytes[reader.at]
    if (tag === Tag.error || tag === Tag.packed) throw invalid('has an error with an ill-formed code')
    return this.#value(reader, this.#limits.depth + 1)
  }

  #ref(address: string): Ref<never> {
    if (address === '') throw invalid('has an ill-formed address')
    return this.#refs.refOf(address)
  }

  #unpack(reader: ByteReader, depth: number): unknown {
    const body = reader.raw(reader.varint())
    const scanned = scan(body, this.#limits, depth, this.#guest)
    this.#left -= scanned.nodes
    if (this.#left < 0) throw invalid(`holds more than ${this.#limits.nodes} values`)
    this.#unpackr ??= new Unpackr({ useRecords: false, mapsAsObjects: true })
    const tree: unknown = this.#unpackr.unpack(body)
    // Only containers are packed; a bare hole could hold the next packed value at the same depth, without end.
    if (typeof tree !== 'object' || tree === null) throw invalid('packs what is no container')
    const holes = reader.varint()
    if (holes !== scanned.holes) throw invalid('has another number of holes than of values for them')
    if (holes === 0 && (scanned.distinct || !this.#guest)) return tree
    const count = { keys: 0 }
    const filled = this.#fill(tree, reader, depth, count)
    if (count.keys !== scanned.keys) throw invalid('has an object that holds a key twice')
    return filled
  }

  #fill(value: unknown, reader: ByteReader, depth: number, count: { keys: number }): unknown {
    if (value === undefined) return this.#value(reader, depth)
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) {
        const item: unknown = value[index]
        if (item === undefined || typeof item === 'object') value[index] = this.#fill(item, reader, depth + 1, count)
      }
      return value
    }
    const object = value as Record<string, unknown>
    // Quicker than an array of the keys. Somebody may have added to Object.prototype.
    for (const key in object) {
      if (!Object.hasOwn(object, key)) continue
      count.keys++
      const item = object[key]
      if (item === undefined || typeof item === 'object') object[key] = this.#fill(item, reader, depth + 1, count)
    }
    return object
  }

  #shape(number: number): HeardShape {
    const shape = this.#tables.shape(number)
    if (shape === undefined) throw new BrokenFrame('a shape that was not defined')
    return shape
  }

  #defineShape(reader: ByteReader): HeardShape {
    const head = reader.u8()
    const count = head >> 1
    if (count > MAX_KEYS) throw new BrokenFrame(`a shape of more than ${MAX_KEYS} keys`)
    const keys: string[] = []
    let fault: string | undefined
    for (let index = 0; index < count; index++) {
      const key = readWord(reader)
      if (key === undefined) fault = 'has ill-formed text'
      else if (key.length > this.#limits.keyBytes) fault = `has a key longer than ${this.#limits.keyBytes} bytes`
      else if (isRefusedKey(key, this.#guest)) fault = `has the key "${key}"`
      keys.push(key ?? `\ufffd${index}`)
    }
    const typed = (head & 1) === 1
    const type = typed ? readWord(reader) : ''
    if (type === undefined) fault = 'has ill-formed text'
    const typeAt = typed ? keys.indexOf('type') : -1
    if ((typed && typeAt < 0) || new Set(keys).size !== count) throw new BrokenFrame('an ill-formed shape')
    // A copy has no room for more: the table keeps it.
    const shape = { keys: keys.slice(), type: type ?? '', typeAt, values: typed ? count - 1 : count, fault }
    if (!this.#tables.addShape(shape)) throw new BrokenFrame('more shapes than an epoch may define')
    return shape
  }

  #address(number: number): string {
    const address = this.#tables.address(number)
    if (address === undefined) throw new BrokenFrame('an address that was not defined')
    return address
  }

  #defineAddress(reader: ByteReader): string {
    const address = readAddress(reader)
    if (!this.#tables.addAddress(address)) throw new BrokenFrame('more addresses than an epoch may define')
    return address
  }

  /** Goes behind a message without building it, and without recursion: nothing is known of its depth. */
  #skip(reader: ByteReader): void {
    let values = 1
    while (values > 0) {
      values--
      const tag = reader.u8()
      if (tag < Tag.smallShape || (tag >= Tag.smallNegative && tag <= Tag.true) || tag === Tag.replyTo) continue
      if (tag < Tag.smallText) values += this.#shape(tag & 0x3f).values
      else if (tag < Tag.smallArray) reader.raw(tag & 0x1f)
      else if (tag < Tag.smallNegative) values += tag & 0x0f
      else if (tag === Tag.positive || tag === Tag.negative) reader.varint()
      else if (tag === Tag.float) reader.raw(8)
      else if (tag === Tag.text) reader.raw(reader.varint())
      else if (tag === Tag.array || tag === Tag.set) values += reader.varint()
      else if (tag === Tag.map) values += reader.varint() * 2
      else if (tag === Tag.shape) values += this.#shape(reader.varint()).values
      else if (tag === Tag.defineShape) values += this.#defineShape(reader).values
      else if (tag === Tag.ref) this.#address(reader.varint())
      else if (tag === Tag.defineRef) this.#defineAddress(reader)
      else if (tag === Tag.fullRef) readAddress(reader)
      else if (tag === Tag.packed) {
        reader.raw(reader.varint())
        values += reader.varint()
      } else if (skipExtension(tag, reader)) values += tag === Tag.error ? 1 : 0
      else throw new BrokenFrame('an unknown kind of value')
      if (values > reader.end - reader.at) throw new BrokenFrame('more values are announced than bytes remain')
    }
  }
}

/** A key or a type; `undefined` when it is ill-formed: the message around it is still gone through. */
function readWord(reader: ByteReader): string | undefined {
  return reader.utf8OrNot(MAX_WORD)
}

/** An address, or '' for what is none. */
function readAddress(reader: ByteReader): string {
  const address = reader.utf8OrNot(MAX_ADDRESS)
  return address !== undefined && parseAddress(address) !== undefined ? address : ''
}
