// Ids that nobody can guess, in characters that fit addresses, and the short fingerprints that people see instead.

import { customRandom, urlAlphabet } from 'nanoid'
import type { Entropy } from './entropy.ts'

/** Of base64url, and of ids. */
export const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Entropy is asked for in lots: a call costs as much as many bytes. */
const LOT = 2_048

/** Draws nanoid's ids: 21 characters of 6 random bits. */
export function idSource(entropy: Entropy): () => string {
  let lot: Uint8Array = new Uint8Array(0)
  let used = 0
  return customRandom(urlAlphabet, 21, size => {
    if (used + size > lot.length) {
      lot = entropy(Math.max(LOT, size))
      used = 0
    }
    used += size
    return lot.subarray(used - size, used)
  })
}

export function base64url(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    const characters = Math.min(4, bytes.length - at + 1)
    for (let k = 0; k < characters; k++) text += ALPHABET[(group >> (18 - 6 * k)) & 63]
  }
  return text
}

/** Six characters (FNV-1a, 30 bits): tells ids apart for people, and gives nothing of them away. */
export function fingerprint(id: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193)
  return (hash >>> 2).toString(36).padStart(6, '0')
}
