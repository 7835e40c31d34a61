// What a system with the network offers, as types: here, because `ActorSystem` speaks of them; made in peer/ and cluster/.

import type { ActorName } from './names.ts'
import type { AskOptions } from './ref.ts'

/** A name, or a place in a group, that this system holds. */
export interface Claim {
  /** Aborts when it is lost: released, the actor ended, or a new authority gave the name to another. */
  readonly lost: AbortSignal
  release(): Promise<void>
}

/** A name whose type does not matter. */
// biome-ignore lint/suspicious/noExplicitAny: names of different messages have no other common type
export type AnyName = ActorName<any>

export interface ListenOptions {
  /** `guest`: anybody, e.g. browsers. `{ node: { secret } }`: systems that hold the same secret, which is proved both ways. */
  trust: 'guest' | { node: { secret: string } }
  /** The names that guests may look up. A name without a schema must be marked `unchecked`. */
  expose?: Array<AnyName | { name: AnyName; unchecked: true }>
  /** Answers with the principal, or throws to refuse. Has 5 s; fails closed. */
  authenticate?: (hello: {
    token?: string
    label?: string
    origin?: string
    address?: string
    headers?: Readonly<Record<string, string>>
  }) => unknown | Promise<unknown>
  /** Asked before a guest's lookup, claim or membership, and before its mail is relayed to others. Fails closed. */
  authorize?: (
    principal: unknown,
    action: 'lookup' | 'register' | 'join' | 'relay',
    target: string
  ) => boolean | Promise<boolean>
  /** The origins that browsers may come from. Without it: the listener's own host. */
  origins?: readonly string[]
  limits?: Partial<Limits>
  /** Milliseconds for which a system that is not heard stays attached. Default 30,000. */
  downAfter?: number
}

/** The one record of limits, for each attached system. The values are in docs/security.md. */
export interface Limits {
  /** The largest message, in bytes as encoded. */
  messageBytes: number
  /** Messages a second; beyond it reading stops, nothing is dropped. */
  messagesPerSecond: number
  /** Bytes of mail that may wait here, not taken out of mailboxes. */
  windowBytes: number
  openAsks: number
  watches: number
  subSystems: number
  /** Systems whose connection is interrupted and whose place is kept. */
  suspended: number
  /** Connections that have not finished their handshake. */
  pendingHandshakes: number
  /** Nesting of one message. */
  depth: number
  /** Values in one message. */
  nodes: number
}

/** `suspended`: the connection is lost and being made again; mail waits within its bounds. */
export type LinkStatus = 'connecting' | 'connected' | 'suspended' | 'closed'

/** `draining`: nobody more is accepted, what was accepted is being finished. */
export type GatewayStatus = 'open' | 'draining' | 'closed'

/** What a gateway counts, and the system behind it. Exact at the moment of the call; holds nothing that is secret. */
export interface GatewayReport {
  readonly status: GatewayStatus
  /** Systems that have a place here, and of these the ones whose connection is interrupted. */
  readonly attached: number
  readonly suspended: number
  /** Connections that have not finished their handshake. */
  readonly pending: number
  /** Systems that those attached have announced below them. */
  readonly below: number
  /** Actors of this system that are alive, without the runtime's own. */
  readonly actors: number
  /** Questions that this system has asked, of anybody, and those that other systems have asked here: open ones. */
  readonly asking: number
  readonly asked: number
  /** Those of the system. */
  readonly counters: Readonly<Record<'sent' | 'delivered' | 'refused' | 'deadLetters', number>>
}

/** One open door. */
export interface Gateway extends AsyncDisposable {
  readonly url: string | undefined
  readonly status: GatewayStatus
  readonly peers: ReadonlySet<{
    readonly id: string
    readonly label: string
    readonly principal: unknown
    readonly status: LinkStatus
  }>
  report(): GatewayReport
  /**
   * Accepts nobody more, says goodbye to those attached, so that their returns are spread, and ends. `drain`: milliseconds to
   * finish what was accepted before: mail handled, questions answered, answers acknowledged. What was not accepted by then is
   * not acknowledged either: its sender hears. Called again without `drain` it ends a drain that is under way.
   */
  close(options?: { drain?: number }): Promise<void>
}

/** `within`: milliseconds for the first attachment, default 5000. */
export interface ConnectOptions extends AskOptions {
  /** Shown to the listener's `authenticate`; a function is asked again for every attempt. */
  token?: string | (() => string | Promise<string>)
  /** The secret that both sides of a node link hold. */
  secret?: string
  /** Bounds, in milliseconds, of the wait before attempts; full jitter. Default 250 and 30,000. */
  backoff?: { min: number; max: number }
  /** `below` (the default): that system becomes the hub above. `peer`: an equal, never the way to others. */
  as?: 'below' | 'peer'
}

/** The attachment to one hub or peer, through reconnects. */
export interface Link extends AsyncDisposable {
  readonly status: LinkStatus
  /** Called at every change; `why` holds the code and text of what ended the last connection or attempt. */
  onStatus(changed: (status: LinkStatus, why?: { code: string; message: string }) => void): { unsubscribe(): void }
  /** Bytes sent through this link and not yet acknowledged. */
  readonly pending: number
  /** Resolves when nothing is pending; rejects with ACTOR_ASK_TIMEOUT, ACTOR_UNREACHABLE, or the signal's reason. */
  flushed(options?: AskOptions): Promise<void>
  /** The round trip of the last ping, in milliseconds; `undefined` while not connected. */
  readonly rtt: number | undefined
  /** Says goodbye and ends it: nothing reconnects after this. */
  disconnect(): Promise<void>
}
