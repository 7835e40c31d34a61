// What registries are asked and told. Such messages arrive from anywhere, so their form is checked before the registry
// (registry.ts) reads them.

import { ActorError } from '../actor/errors.ts'
import { flawOfName } from '../actor/names.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'

/** Facts of a member, in about as many bytes: everyone who lists the group keeps them. */
const MAX_FACTS = 16_384

export type Answer<T> = { readonly ok: T } | { readonly code: `ACTOR_${string}`; readonly message: string }
export interface Member {
  readonly ref: AnyRef
  readonly label: string
  readonly reachable: boolean
  readonly facts: Record<string, unknown>
}
/** Of a member that is listed already: whether its system is heard. */
export interface Reach {
  readonly ref: AnyRef
  readonly reachable: boolean
}
/**
 * What the follower of a group gets: all of it first, then what changes. Both come in parts. `part` 0 begins a listing; what
 * was heard is a consistent whole after a message without `more`.
 */
export type MembersMessage =
  | { type: 'members'; group: string; part: number; members: Member[]; more: boolean }
  | { type: 'changed'; group: string; members: Member[]; reach: Reach[]; left: AnyRef[]; more: boolean }

export type RegistryRequest =
  /** `here`: not from a hub above. `hidden`: for who may not know it: it is not found, and takes as long as any that is not there. */
  | {
      type: 'lookup'
      name: string
      wait: boolean
      here?: boolean
      hidden?: boolean
      replyTo: ActorRef<Answer<AnyRef | undefined>>
    }
  /** `held`: it was granted before, and is asserted again. `guest`: a hub below asks for a guest of its own. */
  | { type: 'claim'; name: string; ref: AnyRef; held: boolean; guest?: boolean; replyTo: ActorRef<Answer<true>> }
  | { type: 'release'; name: string; ref: AnyRef; replyTo: ActorRef<Answer<true>> }
  | { type: 'join'; group: string; member: Member; replyTo: ActorRef<Answer<true>> }
  | { type: 'leave'; group: string; ref: AnyRef; replyTo: ActorRef<Answer<true>> }
  | { type: 'subscribe'; group: string; to: ActorRef<MembersMessage> }
  | { type: 'unsubscribe'; group: string; to: ActorRef<MembersMessage> }
  /** The sender was attached to another hub before: there may be claims that this authority has not heard of. */
  | { type: 'outlived' }
  /** An authority has lost sight of the receiver's system for a moment, and with that whatever its actors had. */
  | { type: 'lapsed' }

/** From its own system only. */
export type RegistryNews =
  /** How far a peer can be reached has changed. */
  | { type: 'reach'; peer: string; reachable: boolean }
  /** A local actor has got this name, which somebody may wait for. */
  | { type: 'named'; name: string }
  /** The hub above is another, or there is none any more. */
  | { type: 'above' }
  /** An authority is old enough to grant new claims. */
  | { type: 'of age' }
  /** Those who were forgotten are to be told, again. */
  | { type: 'tell lapsed' }

export type RegistryMessage = RegistryRequest | RegistryNews

/** What is wrong with a message; `undefined`: nothing. */
export function flawOf(message: unknown, isRef: (value: unknown) => boolean): string | undefined {
  if (typeof message !== 'object' || message === null) return 'it is no message of a registry'
  const { type, name, group, ref, to, replyTo, member } = message as Record<string, unknown>
  switch (type) {
    case 'reach':
    case 'above':
    case 'of age':
    case 'tell lapsed':
    case 'outlived':
    case 'lapsed':
      return undefined
    case 'named':
      return flawOfName(name)
    case 'lookup':
      return flawOfName(name) ?? (isRef(replyTo) ? undefined : 'replyTo is no ref')
    case 'claim':
    case 'release':
    case 'leave':
      return flawOfName(type === 'leave' ? group : name) ?? (isRef(replyTo) && isRef(ref) ? undefined : 'a ref is none')
    case 'subscribe':
    case 'unsubscribe':
      return flawOfName(group) ?? (isRef(to) ? undefined : 'to is no ref')
    case 'join':
      return flawOfName(group) ?? (isRef(replyTo) ? flawOfMember(member, isRef) : 'replyTo is no ref')
    default:
      return 'it is no message of a registry'
  }
}

function flawOfMember(member: unknown, isRef: (value: unknown) => boolean): string | undefined {
  if (typeof member !== 'object' || member === null) return 'member is no record'
  const { ref, label, facts } = member as Record<string, unknown>
  if (!isRef(ref)) return 'member.ref is no ref'
  if (typeof label !== 'string' || label.length > 200) return 'member.label has more than 200 characters'
  if (typeof facts !== 'object' || facts === null) return 'member.facts is no record'
  return left(facts, MAX_FACTS, isRef) < 0 ? `member.facts has more than ${MAX_FACTS} bytes` : undefined
}

/** About as many bytes as a member has on its way. */
export function sizeOf({ label, facts }: Member, isRef: (value: unknown) => boolean): number {
  return 128 + 2 * label.length + MAX_FACTS - left(facts, MAX_FACTS, isRef)
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

const SCRIPTS = [/\p{Script=Latin}/u, /\p{Script=Greek}/u, /\p{Script=Cyrillic}/u]

/**
 * What besides is wrong with a name that a guest wants to show others: it could be taken for another name. Look-alikes all of
 * one script are left to the policy.
 */
export function lookAlike(name: string): string | undefined {
  if (name !== name.normalize('NFKC')) return 'a name of a guest is in normal form NFKC'
  if (/\p{Cf}|\p{Co}|^\s|\s$|[^\S ]/u.test(name))
    return 'a name of a guest has no invisible characters, and no spaces at its ends'
  if (SCRIPTS.filter(script => script.test(name)).length > 1) {
    return 'a name of a guest does not mix Latin, Greek and Cyrillic'
  }
  return undefined
}

/** Throws what an answer that is no success says. */
export function settle<T>(answer: Answer<T>): T {
  if ('ok' in answer) return answer.ok
  throw new ActorError(answer.code, answer.message)
}
