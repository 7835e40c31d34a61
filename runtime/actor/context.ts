// What an actor can do: the second hand of every behavior. A life (life.ts) implements it.

import type { ActorSystem } from './actor-system.ts'
import type { Behavior, Handlers } from './behavior.ts'
import type { Logger } from './logger.ts'
import type { ActorName } from './names.ts'
import type { ActorRef, Answer, AnyRef, Asked, AskOptions, Question } from './ref.ts'
import type { StopReason } from './watch.ts'

/**
 * An actor's own view of itself, for one life. After that life has ended (stopped or restarted) it has no effect any more: what it
 * sends is a dead letter, `spawn` and `adapt` throw ACTOR_STOPPED, the rest does nothing.
 */
export interface Context<in out M> {
  readonly self: ActorRef<M>
  readonly system: ActorSystem
  readonly timers: Timers<M>
  readonly log: Logger
  /** As `ref.send` and `ref.ask`, and still known to come from this actor after an await (causes, tracing, output gate). */
  send<N>(ref: ActorRef<N>, message: N): boolean
  ask<N, const T extends Asked<N>>(
    ref: ActorRef<N>,
    question: { type: T } & Question<N, NoInfer<T>>,
    options?: AskOptions
  ): Promise<Answer<N, T>>
  /** A child of this actor: stopped before it stops or restarts. Throws ACTOR_BAD_OPTION, ACTOR_NAME_TAKEN, ACTOR_STOPPED. */
  spawn<N>(behavior: Behavior<N>, options?: SpawnOptions<N>): ActorRef<N>
  /** Stops a child, or this actor after the message in hand. Anyone else: ACTOR_FORBIDDEN. */
  stop(child?: AnyRef): void
  /**
   * Restarts a child, which keeps its ref and its waiting mail. Several restart as one: they stop one after the other, the
   * youngest first, and when all have, they start, the oldest first. Anyone else: ACTOR_FORBIDDEN. In `failed` this says more
   * than the directive.
   */
  restart(child: AnyRef, ...others: AnyRef[]): void
  /** Exactly one notice, in `stopped`; at once, with `unknown`, if the actor is already gone. */
  watch(ref: AnyRef): void
  /** The same, heard as a message. */
  watch(ref: AnyRef, as: (reason: StopReason) => M): void
  unwatch(ref: AnyRef): void
  /** A ref that maps foreign messages into this actor's own; `undefined` filters one out. At most 64 per actor. */
  adapt<N>(map: (message: N) => M | undefined, options?: { signal?: AbortSignal }): ActorRef<N>
  /** Runs a promise outside the handler and receives its outcome as a message. */
  pipe<T>(promise: Promise<T>, ok: (value: T) => M, failed: (error: unknown) => M): void
  readonly stash: Stash
  /** What this actor does from the next message on, until it restarts. */
  become(handlers: Handlers<M>): void
}

/** Puts the message in hand aside, and later all of them back at the head, with their origins. Bounded like the mailbox. */
export interface Stash {
  /** `false`: no room, or no message in hand. */
  add(): boolean
  release(): void
  readonly size: number
}

/** Messages to oneself, later. Keyed: the same key replaces. Cancelled by stop and restart; a cancelled one never arrives. */
export interface Timers<in M> {
  /** `delay`: milliseconds, 0 or more and less than 2^31. */
  once(key: string, delay: number, message: M): void
  /** `interval`: milliseconds, at least 1. A tick that finds the last one still waiting is left out. */
  every(key: string, interval: number, message: M): void
  cancel(key: string): void
}

export interface SpawnOptions<in out M> {
  /** Known in this system; see `register` for the cluster. */
  name?: ActorName<M>
  /** Used where the parent has no `failed`. Default `on-failure`; `always` also when the actor stopped itself. */
  restart?: 'always' | 'on-failure' | 'never'
  /** More restarts than this in so many milliseconds, and the actor stops and its parent fails. Default 3 in 5000 ms. */
  limit?: { restarts: number; within: number }
  /** Waits between restarts, doubling from `min` to `max` milliseconds; `jitter` 0 to 1 is the random part (default 0.5). */
  backoff?: { min: number; max: number; jitter?: number }
  /**
   * Milliseconds that its end may take: a handler still at work then is left behind, a `stopping` still at work not waited for,
   * and where its parent waits it is killed. Default 5000.
   */
  shutdown?: number
  /**
   * A sibling that this actor is to count as older than: it stops after it, as if it had been started before. Default: none, it
   * is the youngest. One that is not a living child of the same parent: ACTOR_BAD_OPTION.
   */
  before?: AnyRef
  mailbox?: MailboxOptions<M>
}

export interface MailboxOptions<in M> {
  /** Messages waiting. Default 65,536. */
  capacity?: number
  /** Bytes waiting, of mail from other systems. Default 16 MiB. */
  bytes?: number
  /**
   * When there is no room: `reject` makes `send` answer false (default); `drop-oldest` and `drop-newest` make a dead letter. With
   * `latest` at most one message of each key waits: a newer one takes the place of an older one at the end of the queue.
   */
  overflow?: 'reject' | 'drop-oldest' | 'drop-newest' | { latest: (message: M) => string }
}
