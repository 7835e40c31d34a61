// What a system with the network offers, as types: here, because `ActorSystem` speaks of them; made in peer/ and cluster/.

import type { ActorName } from './names.ts'
import type { AskOptions } from './ref.ts'

/** A name or a place in a group that this system holds. */
export interface Claim {
  readonly lost: AbortSignal
  release(): Promise<void>
}

/** A name whose type does not matter. */
export type AnyName = { readonly [K in keyof ActorName<never>]: unknown } & { readonly name: string }

export interface ListenOptions {
  trust: 'guest' | { node: { secret: string } }
  expose?: Array<AnyName | { name: AnyName; unchecked: true }>
  /** Answers the principal; throws to refuse. */
  authenticate?: (hello: {
    token?: string
    label?: string
    origin?: string
    address?: string
    headers?: Readonly<Record<string, string>>
  }) => unknown | Promise<unknown>
  authorize?: (
    principal: unknown,
    action: 'lookup' | 'register' | 'join' | 'relay',
    target: string
  ) => boolean | Promise<boolean>
  origins?: readonly string[]
  limits?: Partial<Limits>
  downAfter?: number
}

/** The one record of limits; the values are in docs/security.md. */
export interface Limits {
  messageBytes: number
  messagesPerSecond: number
  windowBytes: number
  openAsks: number
  watches: number
  subSystems: number
  suspended: number
  pendingHandshakes: number
  depth: number
  nodes: number
}

export type LinkStatus = 'connecting' | 'connected' | 'suspended' | 'closed'

export interface Gateway extends AsyncDisposable {
  readonly url: string | undefined
  readonly peers: ReadonlySet<{
    readonly id: string
    readonly label: string
    readonly principal: unknown
    readonly status: LinkStatus
  }>
  close(options?: { drain?: number }): Promise<void>
}

export interface ConnectOptions extends AskOptions {
  token?: string | (() => string | Promise<string>)
  secret?: string
  backoff?: { min: number; max: number }
}

export interface Link extends AsyncDisposable {
  readonly status: LinkStatus
  onStatus(changed: (status: LinkStatus, why?: { code: string; message: string }) => void): { unsubscribe(): void }
  /** Bytes sent and not yet acknowledged. */
  readonly pending: number
  flushed(options?: AskOptions): Promise<void>
  /** Milliseconds. */
  readonly rtt: number | undefined
  /** Intent: nothing reconnects after this. */
  disconnect(): Promise<void>
}
