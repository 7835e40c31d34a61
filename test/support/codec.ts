// An encoder and a decoder that face each other, and refs that are nothing but addresses.

import type { Ref } from '../../runtime/actor/ref.ts'
import type { GuardLimits } from '../../runtime/peer/codec.ts'
import { ByteBuffer, ByteReader, Decoder, Encoder, GUEST_LIMITS } from '../../runtime/peer/codec.ts'

export class PaperRef {
  readonly address: string

  constructor(address: string) {
    this.address = address
  }
}

/** One object for each address, as in a system. */
export function paperRefs() {
  const known = new Map<string, PaperRef>()
  return {
    isRef: (value: unknown): boolean => value instanceof PaperRef,
    addressOf: (ref: Ref<never>): string => (ref as unknown as PaperRef).address,
    refOf: (address: string): Ref<never> => {
      const ref = known.get(address) ?? new PaperRef(address)
      known.set(address, ref)
      return ref as unknown as Ref<never>
    }
  }
}

export interface Pair {
  encoder: Encoder
  decoder: Decoder
  /** There and back; throws what either end throws. */
  carry(message: unknown, how?: 'alone'): unknown
  bytesOf(message: unknown, how?: 'alone'): Uint8Array
  read(bytes: Uint8Array): unknown
}

export function pair(options: { lanes?: boolean; guard?: GuardLimits | 'guest' } = {}): Pair {
  const refs = paperRefs()
  const guard = options.guard === 'guest' ? GUEST_LIMITS : options.guard
  const encoder = new Encoder(refs, { lanes: options.lanes ?? true })
  const decoder = new Decoder(refs, guard)
  const bytesOf = (message: unknown, how?: 'alone') => {
    const into = new ByteBuffer(1)
    if (how === 'alone') encoder.encodeAlone(message, into)
    else encoder.encode(message, into)
    return into.bytes.slice(0, into.at)
  }
  const read = (bytes: Uint8Array) => {
    const reader = new ByteReader(bytes)
    const message = decoder.decode(reader)
    if (reader.at !== bytes.length) throw new Error(`${bytes.length - reader.at} bytes are left over`)
    return message
  }
  return { encoder, decoder, bytesOf, read, carry: (message, how) => read(bytesOf(message, how)) }
}

/** Bytes from hex digits, spaces between them as one likes. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(' ', '').match(/../g) ?? [], byte => Number.parseInt(byte, 16))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
}

/** The error of a call that must throw. */
export function thrown(call: () => unknown): Error & { code?: string } {
  try {
    call()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}
