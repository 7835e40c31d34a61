// Message to bytes: a remote ref hands each message to the Encoder inside `send`, so what is shipped is what was said.
// What may cross, and the sentence for what may not: ../actor/crossing.ts.

import { Packr } from 'msgpackr/pack'
import { isPlain, MAX_DEPTH, refusal } from '../actor/crossing.ts'
import { ActorError } from '../actor/errors.ts'
import type { Ref } from '../actor/ref.ts'
import type { ByteBuffer } from './byte-buffer.ts'
import type { SentRefs } from './codec.ts'
import { errorCode, writeBigint, writeBytes } from './extensions.ts'
import type { Shape } from './fast-lane.ts'
import { SentTables } from './fast-lane.ts'
import { Tag } from './tag.ts'

/** A point in the definitions of an epoch. */
export type Mark = number

/** Encoded messages beyond this are refused while they are written; an association's own limit is far lower. */
const MAX_BYTES = 67_108_864
/** Longer text is left out of what msgpackr packs: it would reserve three bytes a character, and the guard read it all. */
const LONG_TEXT = 1024

const LONE_SURROGATE = /[\ud800-\udfff]/

/** Something that may not cross was met; `refusal` finds out where. */
class Refused extends Error {}

/** One for each epoch of an association: shapes and addresses are defined at first use and numbers from then on. */
export class Encoder {
  readonly #refs: SentRefs
  readonly #lanes: boolean
  readonly #tables = new SentTables()
  #packr: Packr | undefined
  #busy = false
  /** Of the message in hand: no definitions are made or used. */
  #alone = false
  /** Of the message in hand: objects and arrays take the fast lane. */
  #fast = true
  #limit = 0

  /** `lanes: false` packs every object, to compare the two. */
  constructor(refs: SentRefs, options: { lanes?: boolean } = {}) {
    this.#refs = refs
    this.#lanes = options.lanes ?? true
  }

  /**
   * Appends one message. Throws ACTOR_UNSERIALISABLE with the path to what may not cross, or ACTOR_TOO_LARGE above 64 MiB;
   * the buffer's content and the definitions are then as before.
   */
  encode(message: unknown, into: ByteBuffer): void {
    this.#write(message, into, false)
  }

  /** Appends one message that makes and uses no definitions, so it may be decoded in any order. Otherwise as `encode`. */
  encodeAlone(message: unknown, into: ByteBuffer): void {
    this.#write(message, into, true)
  }

  mark(): Mark {
    return this.#tables.size
  }

  /** Takes back what was defined since the mark: the messages encoded since must not be sent then. */
  rollback(mark: Mark): void {
    this.#tables.rollback(mark)
  }

  #write(message: unknown, into: ByteBuffer, alone: boolean): void {
    if (this.#busy) {
      throw new ActorError('ACTOR_UNSERIALISABLE', 'a getter of a message sends a message itself; send plain values')
    }
    const { at } = into
    const { size } = this.#tables
    this.#busy = true
    this.#alone = alone
    this.#fast = this.#lanes && !alone
    this.#limit = at + MAX_BYTES
    try {
      this.#value(message, into, 1)
    } catch (error) {
      into.at = at
      this.#tables.rollback(size)
      throw error instanceof ActorError ? error : this.#refused(message, error)
    } finally {
      this.#busy = false
    }
  }

  #refused(message: unknown, cause: unknown): ActorError {
    if (!(cause instanceof Refused)) {
      return new ActorError('ACTOR_UNSERIALISABLE', 'reading the message throws; send plain values', { cause })
    }
    const why = refusal(message, value => this.#refs.isRef(value))
    return new ActorError(
      'ACTOR_UNSERIALISABLE',
      why ?? 'a getter of the message gives changing values; send plain ones'
    )
  }

  #value(value: unknown, into: ByteBuffer, depth: number): void {
    switch (typeof value) {
      case 'number':
        writeNumber(value, into)
        break
      case 'string':
        writeText(value, into)
        break
      case 'object':
        if (value === null) into.u8(Tag.null)
        else this.#object(value, into, depth)
        break
      case 'boolean':
        into.u8(value ? Tag.true : Tag.false)
        break
      case 'undefined':
        into.u8(Tag.undefined)
        break
      case 'bigint':
        writeBigint(value, into)
        break
      default:
        throw new Refused()
    }
  }

  #object(value: object, into: ByteBuffer, depth: number): void {
    if (into.at > this.#limit) throw tooLarge()
    if (Object.getPrototypeOf(value) === Object.prototype) {
      this.#fields(value as Record<string, unknown>, into, depth)
    } else if (Array.isArray(value)) {
      this.#array(value, into, depth)
    } else if (this.#refs.isRef(value)) {
      this.#ref(this.#refs.addressOf(value as Ref<never>), into)
    } else if (value instanceof Date) {
      into.u8(Tag.date)
      into.f64(value.getTime())
    } else if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      if (into.at + value.byteLength > this.#limit) throw tooLarge()
      writeBytes(value, into)
    } else if (value instanceof Error) {
      into.u8(Tag.error)
      into.utf8(String(value.name))
      into.utf8(String(value.message))
      this.#value(errorCode(value), into, depth)
    } else if (value instanceof Map) {
      this.#open(into, Tag.map, value.size, depth)
      for (const [key, item] of [...value]) {
        this.#value(key, into, depth + 1)
        this.#value(item, into, depth + 1)
      }
    } else if (value instanceof Set) {
      this.#open(into, Tag.set, value.size, depth)
      for (const item of [...value]) this.#value(item, into, depth + 1)
    } else if (isPlain(value)) {
      this.#fields(value, into, depth)
    } else {
      throw new Refused()
    }
  }

  #open(into: ByteBuffer, tag: number, count: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new Refused()
    into.u8(tag)
    into.varint(count)
  }

  #fields(value: Record<string, unknown>, into: ByteBuffer, depth: number): void {
    if (depth > MAX_DEPTH) throw new Refused()
    const number = this.#fast ? this.#tables.find(value) : -1
    const shape = number < 0 ? this.#define(value, into) : this.#tables.shape(number)
    if (shape === undefined) {
      this.#pack(value, into, depth)
      return
    }
    if (number >= 0x40) {
      into.u8(Tag.shape)
      into.varint(number)
    } else if (number >= 0) {
      into.u8(Tag.smallShape | number)
    }
    const { keys, typeAt } = shape
    for (let index = 0; index < keys.length; index++) {
      if (index !== typeAt) this.#value(value[keys[index] as string], into, depth + 1)
    }
  }

  /** Writes the definition of a new shape; `undefined` when the object has to be packed. */
  #define(value: Record<string, unknown>, into: ByteBuffer): Shape | undefined {
    if (!this.#fast) return undefined
    if (Object.hasOwn(value, '__proto__')) throw new Refused()
    const shape = this.#tables.define(value)
    if (shape !== undefined) writeShape(shape, into)
    return shape
  }

  #array(items: readonly unknown[], into: ByteBuffer, depth: number): void {
    if (depth > MAX_DEPTH) throw new Refused()
    if (!this.#fast) {
      this.#pack(items, into, depth)
      return
    }
    const { length } = items
    if (length < 16) into.u8(Tag.smallArray | length)
    else this.#open(into, Tag.array, length, depth)
    for (let index = 0; index < length; index++) this.#value(items[index], into, depth + 1)
  }

  #ref(address: string, into: ByteBuffer): void {
    if (address === '') {
      into.u8(Tag.replyTo)
      return
    }
    const number = this.#alone ? -1 : this.#tables.findAddress(address)
    if (number >= 0) {
      into.u8(Tag.ref)
      into.varint(number)
      return
    }
    into.u8(!this.#alone && this.#tables.defineAddress(address) ? Tag.defineRef : Tag.fullRef)
    into.utf8(address)
  }

  #pack(value: object, into: ByteBuffer, depth: number): void {
    const holes: Hole[] = []
    const tree = this.#hollow(value, depth, holes, { left: MAX_BYTES })
    this.#packr ??= new Packr({ useRecords: false, variableMapSize: true, useToJSON: false })
    const body = this.#packr.pack(tree)
    into.reserve(body.length + 16)
    into.u8(Tag.packed)
    into.varint(body.length)
    into.raw(body)
    into.varint(holes.length)
    for (const hole of holes) this.#value(hole.value, into, hole.depth)
  }

  /** A copy that msgpackr cannot misread: arrays and objects of text, numbers and booleans, everything else a hole. */
  #hollow(value: unknown, depth: number, holes: Hole[], budget: { left: number }): unknown {
    if (--budget.left < 0) throw tooLarge()
    if (typeof value === 'number') return Object.is(value, -0) ? hole(value, depth, holes) : value
    if (typeof value === 'string') {
      budget.left -= value.length
      return value.length > LONG_TEXT ? hole(value, depth, holes) : wellFormed(value)
    }
    if (value === null || typeof value === 'boolean') return value
    if (typeof value !== 'object' || this.#refs.isRef(value)) return hole(value, depth, holes)
    const array = Array.isArray(value)
    if (!array && !isPlain(value)) return hole(value, depth, holes)
    if (depth > MAX_DEPTH) throw new Refused()
    if (array) {
      const items: unknown[] = []
      for (let index = 0; index < value.length; index++) {
        items.push(this.#hollow(value[index], depth + 1, holes, budget))
      }
      return items
    }
    const copy: Record<string, unknown> = {}
    for (const key of Object.keys(value)) {
      if (key === '__proto__') throw new Refused()
      budget.left -= key.length
      copy[wellFormed(key)] = this.#hollow(value[key], depth + 1, holes, budget)
    }
    return copy
  }
}

/** A value left out of a packed tree, with the depth at which it stands. */
interface Hole {
  readonly value: unknown
  readonly depth: number
}

/** `undefined` marks the place, in the order in which the reader will come by. */
function hole(value: unknown, depth: number, holes: Hole[]): undefined {
  holes.push({ value, depth })
}

function wellFormed(text: string): string {
  return LONE_SURROGATE.test(text) ? text.replace(/\p{Surrogate}/gu, '\ufffd') : text
}

function tooLarge(): ActorError {
  return new ActorError('ACTOR_TOO_LARGE', `a message is larger than ${MAX_BYTES} bytes; send it in parts`)
}

function writeNumber(value: number, into: ByteBuffer): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    into.u8(Tag.float)
    into.f64(value)
  } else if (value >= 0) {
    if (value < 0x40) {
      into.u8(value)
    } else {
      into.u8(Tag.positive)
      into.varint(value)
    }
  } else if (value >= -16) {
    into.u8(Tag.smallNegative | (-1 - value))
  } else {
    into.u8(Tag.negative)
    into.varint(-1 - value)
  }
}

function writeText(text: string, into: ByteBuffer): void {
  const { length } = text
  if (length < 0x20) {
    into.reserve(1 + length)
    if (into.ascii(text, into.at + 1)) {
      into.bytes[into.at] = Tag.smallText | length
      into.at += 1 + length
      return
    }
  }
  into.u8(Tag.text)
  into.utf8(text)
}

function writeShape(shape: Shape, into: ByteBuffer): void {
  into.u8(Tag.defineShape)
  into.u8(shape.keys.length * 2 + (shape.typeAt < 0 ? 0 : 1))
  for (const key of shape.keys) into.utf8(key)
  if (shape.typeAt >= 0) into.utf8(shape.type)
}
