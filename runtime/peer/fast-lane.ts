// What both ends of an epoch have seen becomes a number: the shape of a small object (its keys in order, and the value of
// `type`) and an address. The encoder writes a definition inline and the number from then on; the decoder counts along.
//
//   { type: 'inc', n: 1 }   first    define ┊ "type", "n" ┊ "inc" ┊ 1
//                           then     shape 0 ┊ 1                          2 bytes
//
// Both tables only grow and are bounded by the protocol, so that a peer cannot fill memory with distinct strings.

import { appended } from './appended.ts'

/** Shapes of one epoch; further ones travel in full. */
export const MAX_SHAPES = 1024
/** Addresses of one epoch; further ones travel in full. */
export const MAX_ADDRESSES = 4096
/** Bytes of all keys, types and addresses defined in one epoch. */
export const MAX_TABLE_BYTES = 131_072
/** An object with more keys is hardly sent twice alike. */
export const MAX_KEYS = 24
/** Bytes of a key, or of a `type`, that may be part of a shape. */
export const MAX_WORD = 64

/** One list of keys may have this many values of `type` known; a program that makes types up is then sent them as text. */
const MAX_TYPES = 64
/** Addresses seen once that are remembered, to tell a ref that is sent again from the thousands of asks that are not. */
const MAX_ONCE = 256

/** What is numbered of an object. */
export interface Shape {
  readonly keys: readonly string[]
  /** The value of the key `type`, and where that key stands; -1 when `type` is no part of the shape. */
  readonly type: string
  readonly typeAt: number
}

/** A step on the way from no keys to all keys of a shape. */
class Step {
  readonly key: string
  readonly above: Step | undefined
  /** Of the shape that ends here; -1 where none does. */
  shape = -1
  /** The one that was taken last; the only one, as long as there is no table. */
  #last: Step | undefined
  #next: Map<string, Step> | undefined
  #types: Map<string, Step> | undefined

  constructor(key: string, above: Step | undefined) {
    this.key = key
    this.above = above
  }

  next(key: string): Step | undefined {
    // Most objects of a place have the same keys: one comparison instead of a lookup.
    if (this.#last !== undefined && this.#last.key === key) return this.#last
    const found = this.#next?.get(key)
    if (found !== undefined) this.#last = found
    return found
  }

  typed(type: string): Step | undefined {
    return this.#types?.get(type)
  }

  add(key: string): Step {
    const step = new Step(key, this)
    if (this.#next === undefined && this.#last === undefined) this.#last = step
    else {
      this.#next ??= new Map(this.#last === undefined ? [] : [[this.#last.key, this.#last]])
      this.#next.set(key, step)
    }
    return step
  }

  /** `undefined` when this list of keys has enough types. */
  addType(type: string): Step | undefined {
    this.#types ??= new Map()
    if (this.#types.size >= MAX_TYPES) return undefined
    const step = new Step(type, this)
    this.#types.set(type, step)
    return step
  }

  get bare(): boolean {
    const leads = this.#last !== undefined || (this.#next?.size ?? 0) > 0
    return this.shape < 0 && !leads && (this.#types?.size ?? 0) === 0
  }

  remove(step: Step): void {
    const next = this.#last === step || this.#next?.get(step.key) === step
    if (this.#last === step) this.#last = undefined
    if (next) this.#next?.delete(step.key)
    else this.#types?.delete(step.key)
  }
}

/** The definitions of one epoch as their author keeps them. They can be taken back, latest first. */
export class SentTables {
  readonly #root = new Step('', undefined)
  #shapes: Array<{ shape: Shape; end: Step }> = []
  // Made when first needed: most of a server's thousands of idle guests are never sent a ref.
  #addresses: Map<string, number> | undefined
  #once: Set<string> | undefined
  /** In order of definition: what `rollback` takes back. */
  #defined: Array<{ kind: 'shape'; bytes: number } | { kind: 'address'; address: string; bytes: number }> = []
  #bytes = 0

  /** How many definitions there are; `rollback` to it takes back the later ones. */
  get size(): number {
    return this.#defined.length
  }

  /** The number of an object's shape; -1 when it has none yet. */
  find(value: Record<string, unknown>): number {
    let step: Step | undefined = this.#root
    for (const key in value) {
      if (key === 'type') {
        const type = value.type
        step = (typeof type === 'string' ? step.typed(type) : undefined) ?? step.next(key)
      } else {
        step = step.next(key)
      }
      if (step === undefined) return -1
    }
    return step.shape
  }

  shape(number: number): Shape {
    return (this.#shapes[number] as { shape: Shape }).shape
  }

  /** Gives a plain object's shape the next number; `undefined` when it is not of a kind that is numbered, or no room is left. */
  define(value: Record<string, unknown>): Shape | undefined {
    const keys = Object.keys(value)
    if (keys.length > MAX_KEYS || this.#shapes.length >= MAX_SHAPES) return undefined
    let bytes = 0
    for (const key of keys) {
      if (!isWord(key)) return undefined
      bytes += key.length
    }
    if (this.#bytes + bytes + MAX_WORD > MAX_TABLE_BYTES) return undefined
    let step = this.#root
    let type = ''
    let typeAt = -1
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as string
      const own = key === 'type' ? value.type : undefined
      const typed = typeof own === 'string' && isWord(own) ? (step.typed(own) ?? step.addType(own)) : undefined
      if (typed !== undefined) {
        type = own as string
        typeAt = index
        bytes += type.length
      }
      step = typed ?? step.next(key) ?? step.add(key)
    }
    if (step.shape >= 0) return undefined
    step.shape = this.#shapes.length
    const shape = { keys, type, typeAt }
    this.#shapes = appended(this.#shapes, { shape, end: step })
    this.#defined = appended(this.#defined, { kind: 'shape', bytes })
    this.#bytes += bytes
    return shape
  }

  /** The number of an address; -1 when it has none. */
  findAddress(address: string): number {
    return this.#addresses?.get(address) ?? -1
  }

  /** Whether the address now has the next number. It gets one when it is sent the second time. */
  defineAddress(address: string): boolean {
    this.#once ??= new Set()
    if (!this.#once.has(address)) {
      if (this.#once.size >= MAX_ONCE) this.#once.clear()
      this.#once.add(address)
      return false
    }
    this.#addresses ??= new Map()
    if (this.#addresses.size >= MAX_ADDRESSES || this.#bytes + address.length > MAX_TABLE_BYTES) return false
    this.#addresses.set(address, this.#addresses.size)
    this.#defined = appended(this.#defined, { kind: 'address', address, bytes: address.length })
    this.#bytes += address.length
    return true
  }

  rollback(size: number): void {
    while (this.#defined.length > size) {
      const last = this.#defined.pop()
      if (last === undefined) return
      this.#bytes -= last.bytes
      if (last.kind === 'address') this.#addresses?.delete(last.address)
      else this.#forget(this.#shapes.pop()?.end)
    }
  }

  #forget(end: Step | undefined): void {
    if (end === undefined) return
    end.shape = -1
    // The steps that led only there go too, or shapes that are never sent would grow the tree without bound.
    for (let step = end; step.above !== undefined && step.bare; step = step.above) step.above.remove(step)
  }
}

/** ASCII, so that its length is its length in bytes. */
function isWord(text: string): boolean {
  if (text.length > MAX_WORD) return false
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 0x7f) return false
  }
  return true
}

/** The definitions of one epoch as their reader keeps them. */
export class HeardTables<T extends Shape> {
  #shapes: T[] = []
  readonly #addresses: string[] = []
  #bytes = 0
  readonly #before = { shapes: 0, addresses: 0, bytes: 0 }

  shape(number: number): T | undefined {
    return this.#shapes[number]
  }

  address(number: number): string | undefined {
    return this.#addresses[number]
  }

  /** Whether there was room; an honest peer keeps to the same bounds. */
  addShape(shape: T): boolean {
    let bytes = shape.type.length
    for (const key of shape.keys) bytes += key.length
    this.#bytes += bytes
    this.#shapes = appended(this.#shapes, shape)
    return this.#shapes.length <= MAX_SHAPES && this.#bytes <= MAX_TABLE_BYTES
  }

  addAddress(address: string): boolean {
    this.#bytes += address.length
    return this.#addresses.push(address) <= MAX_ADDRESSES && this.#bytes <= MAX_TABLE_BYTES
  }

  /** Remembers how things stand before a message. */
  begin(): void {
    this.#before.shapes = this.#shapes.length
    this.#before.addresses = this.#addresses.length
    this.#before.bytes = this.#bytes
  }

  /** Takes back what was defined since. */
  rollback(): void {
    this.#shapes.length = this.#before.shapes
    this.#addresses.length = this.#before.addresses
    this.#bytes = this.#before.bytes
  }
}
