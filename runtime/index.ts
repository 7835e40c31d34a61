// The door of `whereabouts`: a system with the network. In the order of a message's way: a system, its behaviors, refs, names,
// what fails, and what links systems. `whereabouts/core` is the same without the network.

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
export type { Connection, ConnectionHello, Listener, Transport } from './peer/transport.ts'
export { createSystem } from './system.ts'
