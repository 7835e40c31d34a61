// The first frames of a connection: both sides learn who the other is before anything else is read. A table for people:
//
//   dialer                                   listener for guests                   listener for nodes (shared secret)
//   hello {version, id, secret, token, …} →  checks secret against id, authenticates
//                                          ← welcome {id, label, …} or refused {code, message}
//   hello {version, id, nonce, label, …} →                                       ← challenge {id, nonce, proof}
//   proof {proof, secret, token}         →                     checks both, authenticates; ← welcome or refused
//   token {token}                        →  later, at any time                   ← admitted {expiresIn}
//
// Handshake frames are one kind byte and a JSON object of at most 4 KiB: they come before any trust.

import { ActorError, codeOf } from '../actor/errors.ts'
import { FrameKind } from './frame.ts'

/** This protocol. A listener answers any other with `refused` and the one it speaks. */
export const PROTOCOL = 1
/** A handshake that is not finished after this many milliseconds is given up, on either side. */
export const HANDSHAKE_TIME = 5_000
const MAX_HANDSHAKE = 4_096

export interface Hello {
  readonly version: number
  readonly id: string
  readonly label: string
  /** Shown at once to a listener for guests; to a listener for nodes only after it has proved itself. */
  readonly secret?: string
  readonly nonce?: string
  /** As the secret: a listener for nodes is shown it in the proof, and reads none here. */
  readonly token?: string
  readonly as?: 'below' | 'peer'
}
export interface Challenge {
  readonly id: string
  readonly nonce: string
  readonly proof: string
}
export interface Proof {
  readonly proof: string
  readonly secret: string
  readonly token?: string
}
export interface Welcome {
  readonly version: number
  readonly id: string
  readonly label: string
  readonly trust: 'node' | 'guest'
  readonly downAfter: number
  /** The largest message, in bytes, that the listener takes from this peer. */
  readonly messageBytes: number
  /** Bytes of mail that may wait there for this peer's messages. */
  readonly windowBytes: number
  /** Milliseconds after which the credential that was shown ends. */
  readonly expiresIn?: number
}
export interface Refused {
  readonly code: string
  readonly message: string
  readonly version: number
  /** What the connection is about to be closed with. */
  readonly close?: number
}

/** The dialer shows another credential over the living connection. */
export interface Token {
  readonly token: string
}
export interface Admitted {
  readonly expiresIn?: number
}

export type HandshakeFrame =
  | ({ readonly kind: 'hello' } & Hello)
  | ({ readonly kind: 'challenge' } & Challenge)
  | ({ readonly kind: 'proof' } & Proof)
  | ({ readonly kind: 'welcome' } & Welcome)
  | ({ readonly kind: 'refused' } & Refused)
  | ({ readonly kind: 'token' } & Token)
  | ({ readonly kind: 'admitted' } & Admitted)

const KINDS = ['hello', 'challenge', 'proof', 'welcome', 'refused', 'token', 'admitted'] as const

/** What each frame must hold, and of which type; a `?` marks what may be missing. */
const FIELDS: Record<(typeof KINDS)[number], Readonly<Record<string, 'string' | 'number' | 'string?' | 'number?'>>> = {
  hello: {
    version: 'number',
    id: 'string',
    label: 'string',
    secret: 'string?',
    nonce: 'string?',
    token: 'string?',
    as: 'string?'
  },
  challenge: { id: 'string', nonce: 'string', proof: 'string' },
  proof: { proof: 'string', secret: 'string', token: 'string?' },
  welcome: {
    version: 'number',
    id: 'string',
    label: 'string',
    trust: 'string',
    downAfter: 'number',
    messageBytes: 'number',
    windowBytes: 'number',
    expiresIn: 'number?'
  },
  refused: { code: 'string', message: 'string', version: 'number', close: 'number?' },
  token: { token: 'string' },
  admitted: { expiresIn: 'number?' }
}

export function writeHandshake(frame: HandshakeFrame): Uint8Array {
  const { kind, ...fields } = frame
  const text = new TextEncoder().encode(JSON.stringify(fields))
  const bytes = new Uint8Array(1 + text.length)
  bytes[0] = FrameKind[kind]
  bytes.set(text, 1)
  return bytes
}

/** A frame of a dialer. Throws ACTOR_TOO_LARGE where the other side would not read it: of all in it, a token may be that long. */
export function writeShown(frame: HandshakeFrame): Uint8Array {
  const bytes = writeHandshake(frame)
  if (bytes.length <= MAX_HANDSHAKE) return bytes
  throw new ActorError(
    'ACTOR_TOO_LARGE',
    `the token is too long: it crosses in a frame of ${MAX_HANDSHAKE} bytes with all else; show a shorter one`
  )
}

/** Throws ACTOR_REFUSED for what is no handshake frame: the other side is something else, or broken. */
export function readHandshake(bytes: Uint8Array): HandshakeFrame {
  const kind = KINDS.find(each => FrameKind[each] === bytes[0])
  if (kind === undefined || bytes.length > MAX_HANDSHAKE) throw notOurs()
  let fields: unknown
  try {
    fields = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(1)))
  } catch {
    throw notOurs()
  }
  if (typeof fields !== 'object' || fields === null) throw notOurs()
  const picked: Record<string, unknown> = { kind }
  for (const [name, type] of Object.entries(FIELDS[kind])) {
    const value: unknown = Object.hasOwn(fields, name) ? (fields as Record<string, unknown>)[name] : undefined
    if (value === undefined && type.endsWith('?')) continue
    if (!type.startsWith(typeof value)) throw notOurs()
    picked[name] = value
  }
  return picked as unknown as HandshakeFrame
}

function notOurs(): ActorError {
  return new ActorError(
    'ACTOR_REFUSED',
    'the other side does not speak the whereabouts protocol; check that the address and path are those of a listener of this runtime'
  )
}

/** Refusals that trying again does not cure; a link ends with them. */
const FINAL = new Set(['ACTOR_VERSION', 'ACTOR_FORBIDDEN', 'ACTOR_REFUSED', 'ACTOR_TOO_LARGE', 'ACTOR_BAD_OPTION'])

export function isFinal(error: unknown): boolean {
  const code = codeOf(error)
  return code !== undefined && FINAL.has(code)
}
