// Ids that nobody can guess, in characters that fit addresses, and the short fingerprints that people see instead.

import type { Entropy } from './entropy.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** 21 characters of 6 random bits: 126 bits, as nanoid draws them. */
export function drawId(entropy: Entropy): string {
  let id = ''
  for (const byte of entropy(21)) id += ALPHABET[byte & 63]
  return id
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
