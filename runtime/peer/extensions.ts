// The leaves of a message that are neither text, number nor ref: bytes in all their views, bigints, errors. The codec hands
// them over.

import type { ByteBuffer, ByteReader } from './byte-buffer.ts'
import { invalid } from './guard.ts'
import { Tag } from './tag.ts'

/** Kinds of binary values by their number on the wire. Elements are little-endian, as on every platform that runs this. */
const VIEWS = [
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
] as const

/** Bytes of the longest bigint a guest may send. */
const GUEST_BIGINT = 8

export function writeBytes(value: ArrayBuffer | ArrayBufferView, into: ByteBuffer): void {
  const view = ArrayBuffer.isView(value)
  const bytes = view ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value)
  into.reserve(bytes.length + 16)
  into.u8(Tag.bytes)
  into.u8(view ? kindOf(value) : 0)
  into.varint(bytes.length)
  into.raw(bytes)
}

/** The tag of a typed array is an accessor of the platform's, the same for subclasses such as Buffer. */
function kindOf(value: ArrayBufferView): number {
  if (value instanceof Uint8Array) return 1
  const tag = (value as ArrayBufferView & { readonly [Symbol.toStringTag]: string })[Symbol.toStringTag]
  return (VIEWS as readonly string[]).indexOf(tag)
}

/**
 * From nodes, a longer Uint8Array is a view on the frame that it came in: nothing else writes there, and a copy costs more
 * than all the rest of the message. A guest could make a few bytes hold on to a whole frame, so from guests all is copied
 * that is less than half of the memory it lies in.
 */
export function readBytes(reader: ByteReader, guest: boolean): unknown {
  const kind = reader.u8()
  const length = reader.varint()
  if (kind === UINT8 && length >= WORTH_A_VIEW && (!guest || 2 * length >= reader.bytes.buffer.byteLength)) {
    const { buffer, byteOffset } = reader.raw(length)
    return new Uint8Array(buffer, byteOffset, length)
  }
  const bytes = reader.copy(length)
  if (kind === UINT8) return bytes
  if (kind === 0) return bytes.buffer
  if (VIEWS[kind] === undefined) throw invalid('has bytes of an unknown kind')
  const view = viewOf(kind)
  if (view === undefined || length % (view.BYTES_PER_ELEMENT ?? 1) !== 0) {
    throw invalid(`has bytes that are no ${VIEWS[kind]} here`)
  }
  return new view(bytes.buffer)
}

const UINT8 = 1
/** Bytes from which on a view is cheaper than a copy. */
const WORTH_A_VIEW = 256

type View = (new (buffer: ArrayBuffer) => unknown) & { BYTES_PER_ELEMENT?: number }

/** Not on every platform yet. */
declare const Float16Array: View | undefined

function viewOf(kind: number): View | undefined {
  switch (VIEWS[kind]) {
    case 'DataView':
      return DataView
    case 'Int8Array':
      return Int8Array
    case 'Uint8ClampedArray':
      return Uint8ClampedArray
    case 'Int16Array':
      return Int16Array
    case 'Uint16Array':
      return Uint16Array
    case 'Int32Array':
      return Int32Array
    case 'Uint32Array':
      return Uint32Array
    case 'Float32Array':
      return Float32Array
    case 'Float64Array':
      return Float64Array
    case 'BigInt64Array':
      return BigInt64Array
    case 'BigUint64Array':
      return BigUint64Array
    case 'Float16Array':
      return typeof Float16Array === 'function' ? Float16Array : undefined
    default:
      return undefined
  }
}

export function writeBigint(value: bigint, into: ByteBuffer): void {
  const negative = value < 0n
  const digits = value === 0n ? '' : (negative ? -value : value).toString(16)
  const length = (digits.length + 1) >> 1
  into.u8(Tag.bigint)
  into.varint(length * 2 + (negative ? 1 : 0))
  into.reserve(length)
  const even = digits.padStart(length * 2, '0')
  for (let index = 0; index < length; index++) into.u8(Number.parseInt(even.slice(index * 2, index * 2 + 2), 16))
}

export function readBigint(reader: ByteReader, guest: boolean): bigint {
  const head = reader.varint()
  const length = Math.floor(head / 2)
  const bytes = reader.raw(length)
  if (guest && length > GUEST_BIGINT) throw invalid(`has a bigint of more than ${GUEST_BIGINT * 8} bits`)
  // One form for each number: no leading zeros, no negative zero.
  if (length === 0 ? head !== 0 : bytes[0] === 0) throw invalid('has an ill-formed bigint')
  if (length === 0) return 0n
  const digits: string[] = ['0x']
  for (const byte of bytes) digits.push(byte.toString(16).padStart(2, '0'))
  const magnitude = BigInt(digits.join(''))
  return head % 2 === 1 ? -magnitude : magnitude
}

/** A code that may cross. */
export function errorCode(error: Error): string | number | undefined {
  const { code } = error as Error & { code?: unknown }
  return typeof code === 'string' || typeof code === 'number' ? code : undefined
}

/** An error as it arrives: no class and no stack of the sender's, and from a guest no Error at all, only its facts. */
export function revivedError(name: string, message: string, code: unknown, guest: boolean): unknown {
  if (code !== undefined && typeof code !== 'string' && typeof code !== 'number') {
    throw invalid('has an error with an ill-formed code')
  }
  if (guest) return code === undefined ? { name, message } : { name, message, code }
  const error = new Error(message)
  define(error, 'name', name)
  define(error, 'stack', `${name}: ${message}`)
  if (code !== undefined) Object.assign(error, { code })
  return error
}

function define(error: Error, key: 'name' | 'stack', value: string): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false })
}

/** Moves behind bytes or a bigint without building them; false for every other tag. */
export function skipExtension(tag: number, reader: ByteReader): boolean {
  switch (tag) {
    case Tag.bytes:
      reader.u8()
      reader.raw(reader.varint())
      return true
    case Tag.bigint:
      reader.raw(Math.floor(reader.varint() / 2))
      return true
    case Tag.date:
      reader.raw(8)
      return true
    case Tag.error:
      reader.raw(reader.varint())
      reader.raw(reader.varint())
      return true
    default:
      return false
  }
}
