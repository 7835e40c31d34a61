// Who a system is: a secret drawn at start, and an id that anybody can check against it. Holding a ref, which contains the
// id, lets nobody pose as that system; and a gateway can check one that returns without having kept anything.

import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { ALPHABET, base64url } from '../actor/ids.ts'

/** 256 bits, so that guessing is out of the question. */
export const SECRET_BYTES = 32
/** Half of a SHA-256: long enough that nobody finds a second secret for an id. */
export const ID_BYTES = 16

export interface Identity {
  readonly id: string
  readonly secret: Uint8Array
}

export function drawIdentity(entropy: (bytes: number) => Uint8Array): Identity {
  const secret = entropy(SECRET_BYTES)
  return { id: idOf(secret), secret }
}

/** The id that belongs to a secret: the first 128 bits of its SHA-256, as base64url. */
export function idOf(secret: Uint8Array): string {
  return base64url(sha256(secret).subarray(0, ID_BYTES))
}

/** What one side of a node link shows to prove that it holds the shared secret, for this one handshake. */
export function proofOf(
  shared: string,
  role: 'dialer' | 'listener',
  nonces: readonly string[],
  ids: readonly string[]
): string {
  const text = ['whereabouts', role, ...nonces, ...ids].join('\n')
  return base64url(hmac(sha256, new TextEncoder().encode(shared), new TextEncoder().encode(text)))
}

/** Compares without telling by its time where two texts differ. */
export function sameText(a: string, b: string): boolean {
  let differs = a.length ^ b.length
  for (let i = 0; i < a.length; i++) differs |= a.charCodeAt(i) ^ b.charCodeAt(i % (b.length || 1))
  return differs === 0
}

/** `undefined` for what is not base64url of exactly this many bytes. */
export function fromBase64(text: string, length: number): Uint8Array | undefined {
  if (text.length !== Math.ceil((length * 4) / 3)) return undefined
  const bytes = new Uint8Array(length)
  let bits = 0
  let held = 0
  let at = 0
  for (let i = 0; i < text.length; i++) {
    const six = ALPHABET.indexOf(text.charAt(i))
    if (six < 0) return undefined
    held = ((held << 6) | six) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (held >> bits) & 0xff
    }
  }
  return at === length && (held & ((1 << bits) - 1)) === 0 ? bytes : undefined
}

/** Whether a secret, as text, is the one that an id was made of. */
export function proves(secret: string | undefined, id: string): boolean {
  const bytes = secret === undefined ? undefined : fromBase64(secret, SECRET_BYTES)
  return bytes !== undefined && sameText(idOf(bytes), id)
}

/** A system's id as the 16 bytes that frames carry; `undefined` for what is no id. */
export function idBytes(id: string): Uint8Array | undefined {
  return fromBase64(id, ID_BYTES)
}
