// Who a system is, as its hub vouches for it, and how one hub tells another (`peer` frames, docs/protocol.md). They cross with
// the codec, since a principal may be any value; there are no refs in them.

import type { Trust } from '../actor/origin.ts'
import { ByteBuffer, ByteReader } from '../peer/byte-buffer.ts'
import { Decoder, Encoder, type GuardLimits } from '../peer/codec.ts'
import { FrameKind, MAX_HOPS } from '../peer/frame.ts'
import { idBytes } from '../peer/identity.ts'

export interface PeerFacts {
  readonly id: string
  readonly label: string
  readonly trust: Trust
  readonly principal: unknown
}

/** What an announcement says besides. */
export interface Announcement {
  readonly facts: PeerFacts
  /** What the system proved its id with. */
  readonly secret: string | undefined
  /** The hubs that have passed it on. One of them that hears it again is in a loop. */
  readonly via: readonly string[]
  /** It is interrupted where it was: it may have come in elsewhere. */
  readonly away: boolean
}

/** The largest `peer` frame. */
const MAX_FACTS_FRAME = 16_384

const NO_REFS = {
  isRef: (_value: unknown): _value is never => false,
  addressOf: () => '',
  refOf: () => {
    throw new RangeError('facts hold no refs')
  }
}

/** A system is there: told before its first frame, or upwards with what an announcement says besides. */
export function writeThere(facts: PeerFacts, more: Partial<Announcement> = {}): Uint8Array {
  const { id, label, trust, principal } = facts
  const { secret, via = [], away = false } = more
  const rest = { ...(via.length > 0 && { via }), ...(away && { away }) }
  const write = (shown: unknown): Uint8Array => {
    return encode({ id, label, trust, principal: shown, there: true, secret, ...rest })
  }
  try {
    const frame = write(principal)
    if (frame.length <= MAX_FACTS_FRAME) return frame
  } catch {
    // Falls through, as one that is too long.
  }
  // A principal that cannot cross stays at the gateway that made it; the peer is no less what it is.
  return write(undefined)
}

/** A system is no longer there. */
export function writeGone({ id, label, trust }: PeerFacts): Uint8Array {
  return encode({ id, label, trust, principal: undefined, there: false, secret: undefined })
}

/** What a guest announces passes the guard, as all bytes of guests do. `undefined`: it says nothing that could be believed. */
export function readFacts(frame: Uint8Array, guard?: GuardLimits): (Announcement & { there: boolean }) | undefined {
  if (frame.length > MAX_FACTS_FRAME) return undefined
  try {
    const value = new Decoder(NO_REFS, guard).decode(new ByteReader(frame, 1, frame.length)) as Record<string, unknown>
    const { id, label, trust, principal, there, secret, via = [], away } = value
    if (typeof id !== 'string' || idBytes(id) === undefined || typeof label !== 'string') return undefined
    if (trust !== 'node' && trust !== 'guest') return undefined
    if (!Array.isArray(via) || via.length > MAX_HOPS || !via.every(each => typeof each === 'string')) return undefined
    return {
      facts: { id, label: label.slice(0, 64), trust, principal },
      there: there === true,
      secret: typeof secret === 'string' ? secret : undefined,
      via,
      away: away === true
    }
  } catch {
    return undefined
  }
}

function encode(value: unknown): Uint8Array {
  const buffer = new ByteBuffer(128)
  buffer.u8(FrameKind.peer)
  new Encoder(NO_REFS).encodeAlone(value, buffer)
  return buffer.bytes.slice(0, buffer.at)
}
