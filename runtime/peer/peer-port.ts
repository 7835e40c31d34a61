// What a peer (peer.ts) and its parts ask of the system they belong to, and what that agrees with another system.

import type { LocalSystem } from '../actor/local-system.ts'
import type { Logger } from '../actor/logger.ts'
import type { StandardSchema } from '../actor/names.ts'
import type { Trust } from '../actor/origin.ts'
import type { Asked } from '../actor/question.ts'
import type { Ref } from '../actor/ref.ts'
import type { Allowance } from './allowance.ts'
import type { ByteBuffer } from './byte-buffer.ts'
import type { GuardLimits } from './codec.ts'
import type { Memory } from './memory.ts'
import type { Notice } from './notice.ts'
import type { Peer } from './peer.ts'
import type { RemoteRef } from './remote-ref.ts'

/** How far a peer is trusted, and what is agreed with it. */
export interface PeerTerms {
  readonly label: string
  readonly trust: Trust
  readonly principal: unknown
  /** The largest message, in bytes, that it takes of us, and that we take of it. */
  readonly takes: number
  readonly gives: number
  /** Bytes of its mail that may wait here, and of ours that may be on their way to it. */
  readonly window: number
  readonly outbound: number
  readonly downAfter: number
  readonly openAsks: number
  readonly watches: number
  /** What a guest's message may make us build; of a node's, any. */
  readonly guard: GuardLimits | undefined
  readonly messagesPerSecond: number
  /** What counts all that for everybody who comes in by the same guest. */
  readonly allowance: Allowance | undefined
}

/** Hears when the mailbox of an actor here fills up, and when it is clear again. */
export interface PressureFollower {
  pressureChanged(ref: Ref<never>, on: boolean): void
}

export interface PeerPort {
  readonly home: LocalSystem
  readonly memory: Memory
  /** For lines about what peers do: it cannot be flooded. */
  readonly strangers: Logger
  /** Its id. */
  readonly bytes: Uint8Array
  /** Buffers that no peer has mail in right now. */
  readonly spare: ByteBuffer[]
  terms(id: string): PeerTerms
  /** Whether there is any way to it, be it interrupted right now. */
  known(id: string): boolean
  revive(address: string): Ref<never>
  remote(peer: string, id: string): RemoteRef<never>
  /** The ref of theirs with this id, if anybody holds it. */
  held(peer: string, id: string): RemoteRef<never> | undefined
  /** What guests' messages to an actor here must pass. */
  schemaOf(ref: Ref<never>): StandardSchema<unknown> | undefined
  followPressure(ref: Ref<never>, follower: PressureFollower): void
  unfollowPressure(ref: Ref<never>, follower: PressureFollower): void
  /** Whether this is the registry of this system, or a ref of another's. */
  isRegistry(asked: Asked | RemoteRef<never> | undefined): boolean
  /** Whether batches of a peer are left unread, because what was accepted is being finished. */
  deaf(peer: string): boolean
  /** What a peer did that it may not. */
  noticed(peer: string, notice: Notice): void
  /** An epoch has been opened. */
  opened(peer: Peer): void
  /** Bytes were acknowledged, or an epoch has ended. */
  progress(peer: Peer, ended: boolean): void
}
