// What registries are asked and told. Such messages arrive from anywhere, so their form is checked before the registry
// (registry.ts) reads them.

import { ActorError } from '../actor/errors.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'

/** Names are for people and logs as well: 1 to 200 characters, none of them a control character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const NAME = /^[^\u0000-\u001f\u007f-\u009f]{1,200}$/
/** Facts of a member, in about as many bytes: everyone who lists the group keeps them. */
const MAX_FACTS = 16_384

export type Answer<T> = { readonly ok: T } | { readonly code: `ACTOR_${string}`; readonly message: string }
export interface Member {
  readonly ref: AnyRef
  readonly label: string
  readonly reachable: boolean
  readonly facts: Record<string, unknown>
}
/** What the subscriber of a group gets: all of it first, then what changes. */
export type MembersMessage =
  | { type: 'members'; group: string; members: Member[] }
  | { type: 'changed'; group: string; members: Member[]; left: AnyRef[] }

export type RegistryRequest =
  | { type: 'lookup'; name: string; wait: boolean; replyTo: ActorRef<Answer<AnyRef | undefined>> }
  | { type: 'claim'; name: string; ref: AnyRef; replyTo: ActorRef<Answer<true>> }
  | { type: 'release'; name: string; ref: AnyRef }
  | { type: 'join'; group: string; member: Member; replyTo: ActorRef<Answer<true>> }
  | { type: 'leave'; group: string; ref: AnyRef }
  | { type: 'subscribe'; group: string; to: ActorRef<MembersMessage> }
  | { type: 'unsubscribe'; group: string; to: ActorRef<MembersMessage> }

/** From its own system only. */
export type RegistryNews =
  /** How far a peer can be reached has changed. */
  | { type: 'reach'; peer: string; reachable: boolean }
  /** A local actor has got this name, which somebody may wait for. */
  | { type: 'named'; name: string }
  /** There is a hub above, or a new one: what is known here is to be known there. */
  | { type: 'above' }

export type RegistryMessage = RegistryRequest | RegistryNews

/** What is wrong with a message; `undefined`: nothing. */
export function flawOf(message: unknown, isRef: (value: unknown) => boolean): string | undefined {
  if (typeof message !== 'object' || message === null) return 'it is no message of a registry'
  const { type, name, group, ref, to, replyTo, member } = message as Record<string, unknown>
  const about = type === 'lookup' || type === 'claim' || type === 'release' || type === 'named' ? name : group
  switch (type) {
    case 'reach':
    case 'above':
      return undefined
    case 'lookup':
    case 'claim':
    case 'release':
    case 'named':
    case 'join':
    case 'leave':
    case 'subscribe':
    case 'unsubscribe':
      if (typeof about !== 'string' || !NAME.test(about))
        return 'a name has 1 to 200 characters, none of them a control character'
      break
    default:
      return 'it is no message of a registry'
  }
  if ((type === 'lookup' || type === 'claim' || type === 'join') && !isRef(replyTo)) return 'replyTo is no ref'
  if ((type === 'claim' || type === 'release' || type === 'leave') && !isRef(ref)) return 'ref is no ref'
  if ((type === 'subscribe' || type === 'unsubscribe') && !isRef(to)) return 'to is no ref'
  if (type !== 'join') return undefined
  if (typeof member !== 'object' || member === null) return 'member is no record'
  const { ref: joined, label, facts } = member as Record<string, unknown>
  if (!isRef(joined)) return 'member.ref is no ref'
  if (typeof label !== 'string' || label.length > 200) return 'member.label has more than 200 characters'
  if (typeof facts !== 'object' || facts === null) return 'member.facts is no record'
  return left(facts, MAX_FACTS, isRef) < 0 ? `member.facts has more than ${MAX_FACTS} bytes` : undefined
}

/** What is left of a budget of bytes, about; below 0: it does not suffice, and the rest was not looked at. */
function left(value: unknown, budget: number, isRef: (value: unknown) => boolean): number {
  if (budget < 0) return budget
  if (typeof value === 'string') return budget - 8 - 2 * value.length
  if (typeof value !== 'object' || value === null) return budget - 8
  if (isRef(value)) return budget - 64
  if (ArrayBuffer.isView(value)) return budget - 16 - value.byteLength
  let rest = budget - 16
  const parts = value instanceof Map || value instanceof Set ? [...value].flat() : Object.entries(value).flat()
  for (const part of parts) rest = left(part, rest, isRef)
  return rest
}

/** Throws what an answer that is no success says. */
export function settle<T>(answer: Answer<T>): T {
  if ('ok' in answer) return answer.ok
  throw new ActorError(answer.code, answer.message)
}
