// The door of `whereabouts/core`: one system, no network. In the order of a message's way: a system, its behaviors, refs, names,
// what fails, and what links systems. `whereabouts` (index.ts) has the same, with the network.

import type { ActorSystem, SystemOptions } from './actor/actor-system.ts'
import { systemEntropy } from './actor/entropy.ts'
import { base64url } from './actor/ids.ts'
import { LocalSystem } from './actor/local-system.ts'

/** A system without a network. What has to do with other systems is refused with ACTOR_BAD_OPTION. */
export function createSystem(options: SystemOptions = {}): ActorSystem {
  return new LocalSystem(options, base64url((options?.entropy ?? systemEntropy)(16)))
}

export type { ActorSystem, SystemOptions } from './actor/actor-system.ts'
export { type Behavior, type Directive, type Handlers, receive, setup } from './actor/behavior.ts'
export { type Clock, systemClock } from './actor/clock.ts'
export type { Context, MailboxOptions, SpawnOptions, Stash, Timers } from './actor/context.ts'
export type { DeadLetter, DeadLetterReason, Subscription } from './actor/dead-letters.ts'
export { ActorError, type ErrorCode } from './actor/errors.ts'
export type { Logger } from './actor/logger.ts'
export { type ActorName, actorName, type StandardSchema } from './actor/names.ts'
export type {
  AnyName,
  AuditEvent,
  Claim,
  ConnectOptions,
  Gateway,
  GatewayReport,
  GatewayStatus,
  Limits,
  Link,
  LinkStatus,
  ListenOptions
} from './actor/network.ts'
export type { Origin, Trust } from './actor/origin.ts'
export type { ActorRef, Answer, AnyRef, Asked, AskOptions, Question } from './actor/ref.ts'
export type { StopReason } from './actor/watch.ts'
