// One running system as programs see it, and the options it is made with. LocalSystem is the half without a network.

import type { Listener, Transport } from '../peer/transport.ts'
import type { Behavior } from './behavior.ts'
import type { Clock } from './clock.ts'
import type { SpawnOptions } from './context.ts'
import type { DeadLetter, Subscription } from './dead-letters.ts'
import type { Logger } from './logger.ts'
import type { ActorName } from './names.ts'
import type { Claim, ConnectOptions, Gateway, Link, ListenOptions } from './network.ts'
import type { ActorRef, AnyRef, AskOptions } from './ref.ts'

export interface SystemOptions {
  /** Readable, for logs and the inspector. */
  label?: string
  /** Every local message is copied as if it crossed the wire, and what could not is refused. Default false. */
  copyMessages?: boolean
  clock?: Clock
  /** Jitter and seeds; nothing secret. */
  random?: () => number
  /** Ids and secrets; default `crypto.getRandomValues`. */
  entropy?: (bytes: number) => Uint8Array
  logger?: Logger
  /** Bytes that may be held for other systems in all, 1 MiB or more; default 256 MiB. docs/security.md says who may hold how much. */
  memoryBudget?: number
  /** A root actor has failed for good. */
  escalated?: (ref: AnyRef, error: unknown) => void
}

export interface ActorSystem extends AsyncDisposable {
  readonly id: string
  readonly label: string
  /** A root actor. Throws ACTOR_BAD_OPTION, ACTOR_NAME_TAKEN, and ACTOR_SHUT_DOWN after the end. */
  spawn<M>(behavior: Behavior<M>, options?: SpawnOptions<M>): ActorRef<M>
  /** Stops an actor of this system; resolves when it has ended. Any other ref: ACTOR_FORBIDDEN. */
  stop(ref: AnyRef): Promise<void>
  /** A name of this system, now. */
  find<M>(name: ActorName<M>): ActorRef<M> | undefined
  /** A name of the cluster (or of one peer). Rejects with ACTOR_NOT_FOUND after `within` (default 5000 ms; 0 = one look). */
  lookup<M>(name: ActorName<M>, options?: AskOptions & { on?: string }): Promise<ActorRef<M>>
  /** Claims a name in the whole cluster; rejects with ACTOR_NAME_TAKEN or ACTOR_FORBIDDEN. An intent: asserted again after every reconnect. */
  register<M>(name: ActorName<M>, ref: ActorRef<M>, options?: AskOptions): Promise<Claim>
  /** Groups: many refs under one name, each with facts to show. */
  join<M>(name: ActorName<M>, ref: ActorRef<M>, facts?: Record<string, unknown>, options?: AskOptions): Promise<Claim>
  /**
   * Calls `changed` with all members of a group, and again when something changes, at most once a turn. It is always the same
   * map, kept up to date: copy it to keep what it was.
   */
  members<M>(
    name: ActorName<M>,
    changed: (
      members: ReadonlyMap<ActorRef<M>, { label: string; reachable: boolean; facts: Record<string, unknown> }>
    ) => void
  ): Subscription
  /** Revives a stored address. Never fails: what is no address of a living actor leads to dead letters. */
  ref<M>(address: string): ActorRef<M>
  listen(listener: Listener, options: ListenOptions): Promise<Gateway>
  /** Resolves on the first attachment and keeps it up; rejects on a final refusal, `within`, or the signal. */
  connect(transport: Transport, options?: ConnectOptions): Promise<Link>
  watchDeadLetters(each: (letter: DeadLetter) => void): Subscription
  /** Exact. `sent`: taken by `send` and `ask`; `delivered`: handed to a handler here; `refused`: `send` answered false. */
  readonly counters: Readonly<Record<'sent' | 'delivered' | 'refused' | 'deadLetters', number>>
  /**
   * Stops all actors in reverse order of their start; after `within` milliseconds (default 10,000) kills what is left. `drain`:
   * milliseconds before that to finish what was accepted: the gateways take nobody more, mail is handled, questions are
   * answered, answers acknowledged. What was not accepted by then is not acknowledged: its sender hears.
   * Called again without `drain` it ends a drain that is under way.
   */
  shutdown(options?: { within?: number; drain?: number }): Promise<void>
}
