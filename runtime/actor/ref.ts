// A ref is what programs hold of an actor, wherever it lives. Programs see `ActorRef`; the runtime sees `Ref`, which cells,
// questions, adapters, nowhere and remote actors implement: to send is never a question of place.

import type { Envelope } from './envelope.ts'
import type { LocalSystem } from './local-system.ts'
import type { Question as Asking } from './question.ts'
import type { Watcher } from './watch.ts'

/** A typed reference to an actor, wherever it lives. A ref that takes more may stand where less is asked for. */
export interface ActorRef<in M> {
  /** Who holds this may send: treat it as a secret. `<kind>:<system id>/<actor id>`, unguessable. */
  readonly address: string
  /** For people: the actor's name or a short fingerprint. Logs, errors and the inspector show this, never the address. */
  readonly label: string
  /**
   * Hands over a message. Never throws, never blocks. `false` has one meaning: no room, the message was not taken, it is still
   * yours: `while (!ref.send(message)) await ref.ready()`. Anything else is taken: `true`; what then cannot be delivered is a
   * dead letter. Messages are passed by reference: do not change one after it was sent.
   */
  send(message: M): boolean
  /**
   * Sends a question (a message whose type has a `replyTo`) and waits for its answer. Settles exactly once. Rejects with
   * ACTOR_ASK_TIMEOUT after `within` (milliseconds, default 5000), ACTOR_STOPPED, ACTOR_NO_ROOM, ACTOR_FAILED and the like as
   * soon as the question cannot be answered any more, or with the signal's reason.
   */
  ask<const T extends Asked<M>>(
    question: { type: T } & Question<M, NoInfer<T>>,
    options?: AskOptions
  ): Promise<Answer<M, T>>
  /** The same for generic code and for messages without `type`. */
  ask<R>(make: (replyTo: ActorRef<R>) => M, options?: AskOptions): Promise<R>
  /** The way is filling up; still taken, but a polite producer waits: `if (ref.pressed) await ref.ready()`. */
  readonly pressed: boolean
  /**
   * Resolves when the way is clear again, at once if it is; rejects with ACTOR_STOPPED, ACTOR_UNREACHABLE, the signal's reason,
   * or, where `within` is given, ACTOR_ASK_TIMEOUT.
   */
  ready(options?: AskOptions): Promise<void>
  /** `{ $ref: address }`, which `system.ref` turns back into a ref. It holds the address: a secret. */
  toJSON(): unknown
}

/** A ref of which only identity matters: to watch, to stop, to compare. */
export type AnyRef = ActorRef<never>

/** `within`: milliseconds, more than 0 and less than 2^31. */
export interface AskOptions {
  within?: number
  signal?: AbortSignal
}

type Questions<M> = M extends { type: string; replyTo: ActorRef<infer _R> } ? M : never
/** The types of those messages of `M` that can be asked. */
export type Asked<M> = Questions<M>['type']
/** What is left to say of the question `T`: its message without `type` and `replyTo`. */
export type Question<M, T> = M extends { type: T; replyTo: unknown } ? Omit<M, 'replyTo' | 'type'> : never
/** What the question `T` is answered with. */
export type Answer<M, T> = M extends { type: T; replyTo: ActorRef<infer R> } ? R : never

/** What every ref is inside the runtime. Nothing below `toJSON` is for programs. */
export abstract class Ref<in M> implements ActorRef<M> {
  abstract readonly address: string
  abstract readonly label: string
  /** The system that made this ref; its clock runs the deadlines of questions asked through it. */
  abstract readonly home: LocalSystem

  abstract send(message: M): boolean
  abstract readonly pressed: boolean
  abstract ready(options?: AskOptions): Promise<void>

  ask<const T extends Asked<M>>(
    question: { type: T } & Question<M, NoInfer<T>>,
    options?: AskOptions
  ): Promise<Answer<M, T>>
  ask<R>(make: (replyTo: ActorRef<R>) => M, options?: AskOptions): Promise<R>
  ask(question: unknown, options?: AskOptions): Promise<never> {
    return this.home.question(this as Ref<never>, question as object, options)
  }

  toJSON(): unknown {
    return { $ref: this.address }
  }

  /** Mail with an origin. `false`: no room, not taken, the caller keeps it. `true`: taken, or a dead letter by now. */
  abstract deliver(envelope: Envelope): boolean
  /** As `deliver`; besides, the question hears `died` when the actor ends before it is settled. */
  abstract question(question: Asking): boolean
  /** The watcher hears of this actor's end once, at once if it has ended. The same watcher twice counts once. */
  abstract watch(watcher: Watcher): void
  abstract unwatch(watcher: Watcher): void

  /** Calls `then` once when a mailbox that answered `false` to `deliver` has room again, or its actor has ended. */
  onRoom(then: () => void): void {
    then()
  }
  /** Tells the listener whenever `pressed` changes, until it is replaced or the actor ends. One listener. */
  onPressure(_changed: ((on: boolean) => void) | undefined): void {}
}
