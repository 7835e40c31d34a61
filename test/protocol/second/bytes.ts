// The second implementation, written from docs/protocol.md alone: bytes. Nothing in this folder imports the runtime.

/** What is received breaks a rule: `invalid` costs the message, `broken` the epoch. */
export class Fault extends Error {
  readonly outcome: 'invalid' | 'broken'

  constructor(outcome: 'invalid' | 'broken', what: string) {
    super(what)
    this.outcome = outcome
  }
}

export const broken = (what: string): Fault => new Fault('broken', what)
export const invalid = (what: string): Fault => new Fault('invalid', what)

export class Writer {
  readonly #bytes: number[] = []

  get done(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }

  raw(bytes: Iterable<number>): this {
    for (const byte of bytes) this.#bytes.push(byte)
    return this
  }

  u8(value: number): this {
    return this.raw([value])
  }

  /** The highest byte first. */
  uint(value: number, bytes: number): this {
    for (let place = bytes - 1; place >= 0; place--) this.u8(Math.floor(value / 256 ** place) % 256)
    return this
  }

  f64(value: number, littleEndian: boolean): this {
    const view = new DataView(new ArrayBuffer(8))
    view.setFloat64(0, value, littleEndian)
    return this.raw(new Uint8Array(view.buffer))
  }

  varint(value: number): this {
    let rest = value
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.u8((rest % 0x80) | 0x80)
    return this.u8(rest)
  }

  utf8(text: string): this {
    const bytes = new TextEncoder().encode(text)
    return this.varint(bytes.length).raw(bytes)
  }
}

export class Reader {
  readonly bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  raw(length: number): Uint8Array {
    if (length > this.left) throw broken('the bytes end early')
    this.at += length
    return this.bytes.slice(this.at - length, this.at)
  }

  u8(): number {
    return this.raw(1)[0] as number
  }

  uint(bytes: number): number {
    return this.raw(bytes).reduce((value, byte) => value * 256 + byte, 0)
  }

  f64(littleEndian: boolean): number {
    return new DataView(this.raw(8).buffer).getFloat64(0, littleEndian)
  }

  varint(): number {
    let value = 0
    for (let place = 0; place < 8; place++) {
      const byte = this.u8()
      value += (byte & 0x7f) * 0x80 ** place
      if (byte < 0x80) {
        if ((byte === 0 && place > 0) || value > Number.MAX_SAFE_INTEGER) break
        return value
      }
    }
    throw broken('a varint is too long')
  }

  /** Ill-formed text is `invalid`, and `at` is behind it. */
  utf8(most = Number.MAX_SAFE_INTEGER): string {
    const length = this.varint()
    if (length > most) throw broken('text is longer than allowed')
    return this.text(length)
  }

  text(length: number): string {
    const bytes = this.raw(length)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch {
      throw invalid('ill-formed text')
    }
  }
}

export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
