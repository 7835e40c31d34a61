// What an implementation of the protocol shows of itself to the suite that holds it to docs/protocol-vectors.json.

import { readFileSync } from 'node:fs'
import { root } from '../../tools/entries.mjs'
import type { Plain } from '../../tools/vectors/notation.ts'

export interface FrameVector {
  readonly to: string
  readonly from: string
  readonly hops: number
  readonly kind: 'batch' | 'ack' | 'sync' | 'ended' | 'goodbye'
  readonly flags: ReadonlyArray<'OPENING' | 'RESEND' | 'UNHEARD'>
  readonly epoch: number
  readonly ack: number
  readonly credit: number
  readonly seq: number
  readonly items?: string
  readonly zeros?: number
  readonly hex: string
}

/** An item in words, with those of the fields that its kind has; what a message holds is a value, with `Paper` for refs. */
export interface ItemWords {
  readonly item: string
  readonly id: string
  /** The number of an actor that was defined, or the id of one that was not. */
  readonly to: number | string
  readonly ask: string
  readonly message: unknown
  readonly code: string
  readonly text: string
  readonly reason: { readonly kind: string; readonly error?: { name: string; message: string; code?: string } }
  readonly on: boolean
}

export interface Greeting {
  readonly frame: string
  readonly fields: Record<string, unknown>
  readonly hex: string
}

/** Thrown by a reader. */
export class Refusal extends Error {
  readonly outcome: 'invalid' | 'broken'

  constructor(outcome: 'invalid' | 'broken', cause?: unknown) {
    super(`it is ${outcome}`, { cause })
    this.outcome = outcome
  }
}

/** Values of one epoch: what is written and what is read count definitions apart. */
export interface ValueCodec {
  write(value: unknown, alone: boolean): Uint8Array
  /** Throws a Refusal; also for bytes behind the value. */
  read(bytes: Uint8Array): unknown
}

/** Items of one epoch. `read` throws a Refusal that is `broken`. */
export interface ItemCodec {
  write(items: readonly ItemWords[]): Uint8Array
  read(bytes: Uint8Array): object[]
}

/** One end of an association, whose time stands still. */
export interface End {
  path(up: boolean): void
  push(items: Uint8Array): void
  hear(frame: Uint8Array): void
  time(at: number): void
  full(on: boolean): void
  handled(bytes: number): void
  /** What has come of it since the last call. */
  outcome(): { sent: Uint8Array[]; taken: Uint8Array[]; ends: Array<{ why: string; lost: number }> }
}

export interface EndOptions {
  /** Ids of this system and of the other, 16 bytes each. */
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly window: number
  readonly downAfter: number
  readonly over: { readonly epoch: number; readonly unheard: boolean } | undefined
}

export interface Implementation {
  /** It makes the choices that the vectors with `choice` show, so their bytes can be asked of it. */
  readonly chooses: boolean
  idOf(secret: Uint8Array): Uint8Array
  proofOf(
    shared: string,
    role: 'dialer' | 'listener',
    nonces: readonly [dialer: string, listener: string],
    ids: readonly [dialer: string, listener: string]
  ): string
  /** `question`: the bytes are those of one, so there is an address to answer to. */
  values(of: { guest: boolean; question: boolean }): ValueCodec
  items(): ItemCodec
  writeFrame(frame: Omit<FrameVector, 'hex' | 'to' | 'from'>, to: Uint8Array, from: Uint8Array): Uint8Array
  readFrame(frame: Uint8Array): Omit<FrameVector, 'hex'>
  writeGreeting(frame: string, fields: Record<string, unknown>): Uint8Array
  /** The listed fields alone. Throws for what is no greeting. */
  readGreeting(bytes: Uint8Array): { frame: string; fields: Record<string, unknown> }
  end(options: EndOptions): End
}

export interface Message {
  readonly value: Plain
  readonly hex: string
}

export interface EpochVector {
  readonly title: string
  readonly messages: readonly Message[]
  readonly alone?: true
  readonly choice?: true
  readonly encodeOnly?: true
}

export type HubFrameVector =
  | FrameVector
  | { readonly peer: Plain; readonly hex: string }
  | { readonly undeliverable: string; readonly askedBy: string; readonly hex: string }
  | { readonly hex: string }

export type StepVector = {
  readonly path?: 'up' | 'down'
  readonly push?: string | number
  readonly hear?: FrameVector
  readonly time?: number
  readonly full?: boolean
  readonly handled?: number
  readonly sends?: readonly FrameVector[]
  readonly takes?: ReadonlyArray<string | number>
  readonly ends?: { readonly why: string; readonly lost: number }
}

export interface Vectors {
  readonly protocol: number
  readonly systems: Record<string, { secret: string; secretHex: string; id: string; idHex: string }>
  readonly proofs: {
    readonly shared: string
    readonly dialer: string
    readonly listener: string
    readonly nonces: { readonly dialer: string; readonly listener: string }
    readonly listenerProof: string
    readonly dialerProof: string
  }
  readonly values: readonly EpochVector[]
  readonly decodeOnly: readonly EpochVector[]
  readonly refused: ReadonlyArray<{
    readonly title: string
    readonly hex: string
    readonly outcome: 'invalid' | 'broken'
    readonly guest?: { readonly value: Plain }
    readonly next?: Message
  }>
  readonly frames: ReadonlyArray<{ readonly title: string } & FrameVector>
  readonly batches: ReadonlyArray<{
    readonly title: string
    readonly decodeOnly?: true
    readonly batches: ReadonlyArray<{ readonly items: readonly Plain[]; readonly hex: string }>
  }>
  readonly chunks: ReadonlyArray<{
    readonly title: string
    readonly batches: readonly string[]
    readonly items?: readonly Plain[]
    readonly broken?: true
  }>
  readonly links: ReadonlyArray<{ readonly title: string; readonly hex: string }>
  readonly handshakes: ReadonlyArray<{
    readonly title: string
    readonly listener: 'guest' | 'node' | 'tokens' | 'node tokens'
    readonly steps: ReadonlyArray<{
      readonly says: Greeting | { readonly hex: string; readonly frame?: undefined }
      readonly hears: readonly Greeting[]
    }>
    readonly close?: number
  }>
  readonly relaying: ReadonlyArray<{
    readonly title: string
    readonly steps: ReadonlyArray<{
      readonly from: string
      readonly frame: HubFrameVector
      readonly out: ReadonlyArray<{ readonly to: string; readonly frame: HubFrameVector }>
    }>
  }>
  /** What a guest says at a gateway, and what it hears. */
  readonly session: ReadonlyArray<{ readonly title: string; readonly says: string; readonly hears: readonly string[] }>
  readonly transcripts: ReadonlyArray<{
    readonly title: string
    readonly window: number
    readonly downAfter: number
    readonly over?: { readonly epoch: number; readonly unheard: boolean }
    readonly steps: readonly StepVector[]
  }>
}

export const vectors: Vectors = JSON.parse(readFileSync(`${root}docs/protocol-vectors.json`, 'utf8'))
