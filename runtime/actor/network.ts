// What a system with the network offers, as types: here, because `ActorSystem` speaks of them; made in peer/ and cluster/.

import type { ActorName } from './names.ts'
import type { Trust } from './origin.ts'
import type { AskOptions } from './ref.ts'

/** A name, or a place in a group, that this system holds. */
export interface Claim {
  /** Aborts when it is lost: released, the actor ended, or another has the name; then the reason is the error. */
  readonly lost: AbortSignal
  /** Resolves when the authority has heard it, after 5 s at the latest: then it hears it when it can. */
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
  /** When the credential behind a principal ends, in milliseconds since 1970; asked after each `authenticate`. Fails closed. */
  expires?(principal: unknown): number | undefined
  /** Who a principal is: while its place is kept, a system may only show credentials of the same. Fails closed. */
  subject?(principal: unknown): string
  /** Hears who came in and who was turned away. It changes nothing: what it throws is logged, its promise is not waited for. */
  audit?: (event: AuditEvent) => unknown
  /**
   * Asked before a guest's lookup, claim or membership, and before its mail is relayed to others, whether or not there is
   * such a name or system. Fails closed.
   */
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

/** Who an event is about: a system that is attached, or one below it; `at` is in milliseconds since 1970. */
export interface Audited {
  readonly at: number
  readonly id: string
  readonly label: string
  readonly trust: Trust
  readonly principal: unknown
}

/**
 * What a listener tells its `audit`. No tokens, secrets or messages. `denied`, `limited`, `invalid` and `broken` come at
 * most once a second for the same peer and the same fact, and at most 64 a second for a peer.
 */
export type AuditEvent =
  /** It has come in; `again`: while its place was kept. */
  | (Audited & {
      readonly type: 'attached'
      readonly again: boolean
      readonly address?: string
      readonly origin?: string
    })
  /** A connection was turned away, or ended for what it showed: code of the error, and of the close. */
  | {
      readonly type: 'refused'
      readonly at: number
      readonly code: string
      readonly close: number
      readonly label?: string
      readonly address?: string
      readonly origin?: string
    }
  /** It has shown a new credential, and it is good. */
  | (Audited & { readonly type: 'refreshed' })
  /** Its credential has ended, and its connection with it; its place is kept. */
  | (Audited & { readonly type: 'expired' })
  /** Its place is given up: it said goodbye, stayed away, the gateway was closed, or others needed the room. */
  | (Audited & { readonly type: 'detached'; readonly why: 'goodbye' | 'away' | 'closed' | 'room' })
  /** It asked for what is not exposed, or what `authorize` did not grant; `target` is a name, or a system's id. */
  | (Audited & {
      readonly type: 'denied'
      readonly action: 'lookup' | 'register' | 'join' | 'relay'
      readonly target: string
    })
  /** A limit held it back: the name of the limit. Of a connection that is not attached yet only the address is known. */
  | (Partial<Audited> & {
      readonly type: 'limited'
      readonly at: number
      readonly limit: string
      readonly address?: string
    })
  /** A message was refused by the check of its bytes, or by a schema; `target` is the label of the actor. */
  | (Audited & { readonly type: 'invalid'; readonly by: 'guard' | 'schema'; readonly target: string })
  /** It broke the protocol, and lost its epoch or its connection. */
  | (Audited & { readonly type: 'broken'; readonly fault: string })

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
  /** Shown to the listener's `authenticate`; with `secret`, after its proof. A function is asked again for every attempt. */
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
  /**
   * Shows a token to the listener now, newly asked for if `token` is a function; nothing is interrupted. A link with such
   * a function does so by itself before the old one ends. Rejects with ACTOR_BAD_OPTION without a token, with
   * ACTOR_UNREACHABLE when not connected (the next attempt shows a new one anyhow) or not answered, and as the listener
   * refuses: ACTOR_FORBIDDEN.
   */
  refresh(): Promise<void>
  /** Says goodbye and ends it: nothing reconnects after this. */
  disconnect(): Promise<void>
}
