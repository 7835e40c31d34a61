// Bytes under construction and bytes being read: the codec and the frames write into a ByteBuffer, whose content is copied
// out at its exact size, and read with a ByteReader, which never looks past its end.

import { ActorError } from '../actor/errors.ts'

/** The bytes do not follow the format: where this value ends is not known, so nothing behind it can be read either. */
export class BrokenFrame extends ActorError {
  constructor(what: string) {
    super('ACTOR_INVALID', `${what}: the bytes are cut, damaged, or from another protocol version`)
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Shorter ASCII is quicker in a loop than through TextEncoder and TextDecoder, whose calls cost some 70 ns. */
const SHORT_TEXT = 32
/** Room for the worst case of longer text (3 bytes a character) would triple the buffer. */
const LONG_TEXT = 16_384
const MAX_VARINT_BYTES = 8

export class ByteBuffer {
  bytes: Uint8Array
  /** Where the next byte goes; what lies before it is the content. */
  at = 0
  #view: DataView | undefined
  #viewed: Uint8Array | undefined

  constructor(size = 1024) {
    this.bytes = new Uint8Array(size)
  }

  /** Room for `more` bytes; `bytes` may be another array afterwards. */
  reserve(more: number): void {
    const needed = this.at + more
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.at))
    this.bytes = grown
  }

  u8(value: number): void {
    if (this.at === this.bytes.length) this.reserve(1)
    this.bytes[this.at++] = value
  }

  /** A safe integer from 0: seven bits a byte, the lowest first. */
  varint(value: number): void {
    this.reserve(MAX_VARINT_BYTES)
    const { bytes } = this
    let rest = value
    while (rest > 0x7f_ff_ff_ff) {
      bytes[this.at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    while (rest > 0x7f) {
      bytes[this.at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[this.at++] = rest
  }

  f64(value: number): void {
    this.reserve(8)
    const { bytes } = this
    if (this.#view === undefined || this.#viewed !== bytes) {
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      this.#viewed = bytes
    }
    this.#view.setFloat64(this.at, value, true)
    this.at += 8
  }

  /** Text behind its length in bytes. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD. */
  utf8(text: string): void {
    const { length } = text
    if (length > LONG_TEXT) {
      this.#longText(text)
      return
    }
    this.reserve(MAX_VARINT_BYTES + length * 3)
    if (length < SHORT_TEXT && this.ascii(text, this.at + 1)) {
      this.bytes[this.at] = length
      this.at += 1 + length
      return
    }
    // The width of the length is known only afterwards; a guess for one byte a character is right for most text.
    const guess = length < 0x80 ? 1 : length < 0x40_00 ? 2 : 3
    const { written } = encoder.encodeInto(text, this.bytes.subarray(this.at + guess))
    const width = written < 0x80 ? 1 : written < 0x40_00 ? 2 : 3
    if (width !== guess) {
      this.bytes.copyWithin(this.at + width, this.at + guess, this.at + guess + written)
    }
    this.varint(written)
    this.at += written
  }

  /** Most text has one byte a character and is written in place; only what is left of other text is encoded apart and copied. */
  #longText(text: string): void {
    const start = this.at
    const guess = widthOf(text.length)
    this.reserve(guess + text.length)
    const { read, written } = encoder.encodeInto(text, this.bytes.subarray(start + guess))
    this.at += guess + written
    if (read < text.length) this.raw(encoder.encode(text.slice(read)))
    const size = this.at - start - guess
    const width = widthOf(size)
    if (width !== guess) {
      this.reserve(width - guess)
      this.bytes.copyWithin(start + width, start + guess, this.at)
    }
    this.at = start
    this.varint(size)
    this.at += size
  }

  /** Writes text at `start` if all of it is ASCII, without moving `at`; the caller has reserved the room. */
  ascii(text: string, start: number): boolean {
    const { bytes } = this
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) return false
      bytes[start + index] = code
    }
    return true
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
  }
}

/** Bytes of the varint of a length. */
function widthOf(length: number): number {
  let width = 1
  for (let rest = length; rest > 0x7f; rest = Math.floor(rest / 0x80)) width += 1
  return width
}

export class ByteReader {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
  #view: DataView | undefined

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = Math.min(end, bytes.length)
  }

  u8(): number {
    if (this.at >= this.end) throw new BrokenFrame('the end comes before the value')
    return this.bytes[this.at++] as number
  }

  /** Refuses what no writer here makes: more than 53 bits, and a longer form than needed. */
  varint(): number {
    const first = this.u8()
    if (first < 0x80) return first
    let value = first & 0x7f
    let scale = 0x80
    for (let width = 2; width <= MAX_VARINT_BYTES; width++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0 || value > Number.MAX_SAFE_INTEGER) break
        return value
      }
      scale *= 0x80
    }
    throw new BrokenFrame('a number is too long')
  }

  f64(): number {
    const at = this.#take(8)
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength)
    return this.#view.getFloat64(at, true)
  }

  /** Text behind its length; longer than `max` bytes is a broken frame, ill-formed UTF-8 is ACTOR_INVALID. */
  utf8(max: number = Number.MAX_SAFE_INTEGER): string {
    return this.text(this.#length(max))
  }

  /** As `utf8`, but `undefined` for what is ill-formed: an error takes 5 us, and a frame has room for thousands of such texts. */
  utf8OrNot(max: number): string | undefined {
    return this.#text(this.#length(max))
  }

  /** Text of a known length in bytes; when it is ill-formed, ACTOR_INVALID, and `at` is behind it all the same. */
  text(length: number): string {
    const text = this.#text(length)
    if (text === undefined) throw new ActorError('ACTOR_INVALID', 'a received message has ill-formed text')
    return text
  }

  #length(max: number): number {
    const length = this.varint()
    if (length > max) throw new BrokenFrame(`a text of ${length} bytes where ${max} are allowed`)
    return length
  }

  #text(length: number): string | undefined {
    const at = this.#take(length)
    const { bytes } = this
    const end = this.at
    if (length < SHORT_TEXT) {
      const text = asciiText(bytes, at, end)
      if (text !== undefined) return text
    }
    const text = decoder.decode(bytes.subarray(at, end))
    // U+FFFD stands for what is ill-formed, or for itself. A decoder that throws would take 8 us for each hostile text.
    return text.includes('\ufffd') && !isWellFormed(bytes, at, end) ? undefined : text
  }

  /** A view of the next bytes, not a copy: it shares the memory of what is being read. */
  raw(length: number): Uint8Array {
    const at = this.#take(length)
    return this.bytes.subarray(at, this.at)
  }

  /** The next bytes in memory of their own. */
  copy(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(length)
    // Twice as quick as `slice` (which would be a view on a Buffer): up to 64 bytes need no memory outside the heap.
    const copy = new Uint8Array(length)
    copy.set(this.bytes.subarray(at, this.at))
    return copy
  }

  /** Where the next `length` bytes begin; `at` moves behind them. */
  #take(length: number): number {
    const { at } = this
    if (length > this.end - at) throw new BrokenFrame(`${length} bytes are announced where ${this.end - at} remain`)
    this.at = at + length
    return at
  }
}

/** `undefined` when some of it is no ASCII. Eight characters at a step: a step each costs 7 ns a character, this 2. */
function asciiText(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = ''
  let at = start
  for (; at + 8 <= end; at += 8) {
    const a = bytes[at] as number
    const b = bytes[at + 1] as number
    const c = bytes[at + 2] as number
    const d = bytes[at + 3] as number
    const e = bytes[at + 4] as number
    const f = bytes[at + 5] as number
    const g = bytes[at + 6] as number
    const h = bytes[at + 7] as number
    if ((a | b | c | d | e | f | g | h) > 0x7f) return undefined
    text += String.fromCharCode(a, b, c, d, e, f, g, h)
  }
  for (; at + 3 <= end; at += 3) {
    const a = bytes[at] as number
    const b = bytes[at + 1] as number
    const c = bytes[at + 2] as number
    if ((a | b | c) > 0x7f) return undefined
    text += String.fromCharCode(a, b, c)
  }
  for (; at < end; at++) {
    const code = bytes[at] as number
    if (code > 0x7f) return undefined
    text += String.fromCharCode(code)
  }
  return text
}

/** Whether these eight are. */
function isAscii(bytes: Uint8Array, at: number): boolean {
  const some = (bytes[at] as number) | (bytes[at + 1] as number) | (bytes[at + 2] as number) | (bytes[at + 3] as number)
  const more =
    (bytes[at + 4] as number) | (bytes[at + 5] as number) | (bytes[at + 6] as number) | (bytes[at + 7] as number)
  return (some | more) < 0x80
}

/** Whether bytes are UTF-8 with no overlong form, no surrogate and nothing above U+10FFFF. */
export function isWellFormed(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  // Most text is ASCII: eight at a step, of which the last may overlap the one before.
  for (; at + 8 <= end; at += 8) if (!isAscii(bytes, at)) break
  if (at < end && at + 8 > end && end - start >= 8 && isAscii(bytes, end - 8)) return true
  while (at < end) {
    const first = bytes[at++] as number
    if (first < 0x80) continue
    const more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0
    if (more === 0 || at + more > end) return false
    const second = bytes[at] as number
    const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
    const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
    if (second < least || second > most) return false
    for (let index = at + 1; index < at + more; index++) {
      if (((bytes[index] as number) & 0xc0) !== 0x80) return false
    }
    at += more
  }
  return true
}
