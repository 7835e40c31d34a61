// The door of the codec: encoder.ts writes a message, decoder.ts reads it back, refs by way of the two halves of a peer.
//
// Everything is written in one self-delimiting form (tag.ts). Small plain objects go the fast lane (fast-lane.ts); the
// others are packed by msgpackr as a tree whose leaves it has no form for are holes, and follow behind (extensions.ts). So
// msgpackr has to know no extension of ours, and the guard lets none of its own pass.

import type { Ref } from '../actor/ref.ts'

export { BrokenFrame, ByteBuffer, ByteReader } from './byte-buffer.ts'
export { Decoder } from './decoder.ts'
export type { Mark } from './encoder.ts'
export { Encoder } from './encoder.ts'
export type { GuardLimits } from './guard.ts'
export { GUEST_LIMITS } from './guard.ts'

/** How refs become addresses: the sender's part. */
export interface SentRefs {
  isRef(value: unknown): boolean
  /** `''` for the address to answer to of the very question that is encoded: both sides know it without its name. */
  addressOf(ref: Ref<never>): string
}

/** How addresses become refs: the receiver's part. */
export interface HeardRefs {
  /** Throws ACTOR_INVALID for `''` where no question is decoded. */
  refOf(address: string): Ref<never>
}
