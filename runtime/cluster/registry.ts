// Names and groups of the cluster. The registry of the hub that has no hub above is the authority; the registry of any
// other hub checks what its guests may ask and hands the rest up. An ordinary actor: order, resume, death watch and the
// failing of questions come with that. The asserting side is claims.ts.

import { type Behavior, setup } from '../actor/behavior.ts'
import type { Context } from '../actor/context.ts'
import { ActorError } from '../actor/errors.ts'
import type { Origin } from '../actor/origin.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'

/** Names and groups held in all, and members of one group; beyond them claims are refused. */
const MAX_NAMES = 100_000
const MAX_GROUPS = 100_000
const MAX_WAITING = 100_000
/** Names are for people and logs as well: 1 to 200 characters, none of them a control character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const NAME = /^[^\u0000-\u001f\u007f-\u009f]{1,200}$/

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

export type RegistryMessage =
  | { type: 'lookup'; name: string; wait: boolean; replyTo: ActorRef<Answer<AnyRef | undefined>> }
  | { type: 'claim'; name: string; ref: AnyRef; again: boolean; replyTo: ActorRef<Answer<true>> }
  | { type: 'release'; name: string; ref: AnyRef }
  | { type: 'join'; group: string; member: Member; replyTo: ActorRef<Answer<true>> }
  | { type: 'leave'; group: string; ref: AnyRef }
  | { type: 'subscribe'; group: string; to: ActorRef<MembersMessage> }
  | { type: 'unsubscribe'; group: string; to: ActorRef<MembersMessage> }
  /** From its own system only: how far a peer can be reached has changed. */
  | { type: 'reach'; peer: string; reachable: boolean }
  /** From its own system only: a local actor has got this name, which somebody may wait for. */
  | { type: 'named'; name: string }

export interface RegistryPort {
  /** The registry of the hub above, if there is one: then this one is no authority. */
  above(): ActorRef<RegistryMessage> | undefined
  /** A name that this system itself knows. */
  find(name: string): AnyRef | undefined
  /** What a guest of ours may do; the answer for a peer that is no guest is yes. */
  allowed(peer: string, action: 'lookup' | 'register' | 'join', name: string): boolean | Promise<boolean>
  /** The system that an actor lives in, and whether it is heard right now. */
  systemOf(ref: AnyRef): string
  reachable(system: string): boolean
  isRef(value: unknown): value is AnyRef
}

interface Waiting {
  readonly name: string
  readonly replyTo: ActorRef<Answer<AnyRef | undefined>>
  readonly signal: AbortSignal
}

export function registry(port: RegistryPort): Behavior<RegistryMessage> {
  return setup<RegistryMessage>(ctx => new Registry(ctx, port))
}

class Registry {
  readonly #ctx: Context<RegistryMessage>
  readonly #port: RegistryPort
  readonly #names = new Map<string, AnyRef>()
  readonly #groups = new Map<string, { members: Map<AnyRef, Member>; subscribers: Set<ActorRef<MembersMessage>> }>()
  readonly #waiting = new Map<string, Set<Waiting>>()
  #waitingCount = 0

  constructor(ctx: Context<RegistryMessage>, port: RegistryPort) {
    this.#ctx = ctx
    this.#port = port
  }

  readonly receive = (message: RegistryMessage, from: Origin): void => {
    if (!wellFormed(message, this.#port)) return
    if (message.type === 'reach' || message.type === 'named') {
      if (from.trust === 'local') this.#news(message)
      return
    }
    const action = message.type === 'claim' ? 'register' : message.type === 'join' ? 'join' : 'lookup'
    const what = 'name' in message ? message.name : message.group
    const { by } = message as { by?: string }
    if (from.trust !== 'guest' || by === undefined || message.type === 'release' || message.type === 'leave') {
      this.#allowed(message, from)
      return
    }
    let allowed: boolean | Promise<boolean> = false
    try {
      allowed = this.#port.allowed(by, action, what)
    } catch {
      // `authorize` is a program's code: it fails closed, and the registry lives on.
    }
    if (typeof allowed === 'boolean') this.#decided(message, from, allowed)
    else
      void allowed.then(
        yes => this.#decided(message, from, yes === true),
        () => this.#decided(message, from, false)
      )
  }

  readonly stopped = (ref: AnyRef): void => {
    for (const [name, owner] of this.#names) if (owner === ref) this.#names.delete(name)
    for (const [group, { members, subscribers }] of this.#groups) {
      subscribers.delete(ref as ActorRef<MembersMessage>)
      if (members.delete(ref)) this.#tell(group, [], [ref])
      this.#tidy(group)
    }
  }

  #decided(message: RegistryMessage, from: Origin, allowed: boolean): void {
    if (allowed) this.#allowed(message, from)
    else if (message.type === 'lookup') {
      // A forbidden name looks like one that nobody has: same answer, same wait.
      if (message.wait) this.#wait({ name: `\u0000${message.name}`, replyTo: message.replyTo, signal: from.signal })
      else message.replyTo.send({ ok: undefined })
    } else if (message.type === 'claim' || message.type === 'join') {
      message.replyTo.send({
        code: 'ACTOR_FORBIDDEN',
        message: 'this system may not do that; the gateway decides with `authorize`'
      })
    }
  }

  #allowed(message: RegistryMessage, from: Origin): void {
    const above = this.#port.above()
    switch (message.type) {
      case 'lookup': {
        const found = this.#names.get(message.name) ?? this.#port.find(message.name)
        if (found !== undefined) message.replyTo.send({ ok: found })
        else if (above !== undefined) above.send(message)
        else if (message.wait) this.#wait({ name: message.name, replyTo: message.replyTo, signal: from.signal })
        else message.replyTo.send({ ok: undefined })
        return
      }
      case 'claim':
        if (above !== undefined) above.send(message)
        else message.replyTo.send(this.#claim(message.name, message.ref))
        return
      case 'release':
        if (above !== undefined) above.send(message)
        else if (this.#names.get(message.name) === message.ref) {
          this.#names.delete(message.name)
          this.#unwatch(message.ref)
        }
        return
      case 'join':
        if (above !== undefined) above.send(message)
        else message.replyTo.send(this.#join(message.group, message.member))
        return
      case 'leave':
        if (above !== undefined) above.send(message)
        else if (this.#groups.get(message.group)?.members.delete(message.ref) === true) {
          this.#tell(message.group, [], [message.ref])
          this.#tidy(message.group)
          this.#unwatch(message.ref)
        }
        return
      case 'subscribe':
        if (above !== undefined) above.send(message)
        else this.#subscribe(message.group, message.to)
        return
      case 'unsubscribe':
        if (above !== undefined) above.send(message)
        else {
          this.#groups.get(message.group)?.subscribers.delete(message.to)
          this.#tidy(message.group)
          this.#unwatch(message.to)
        }
        return
      case 'reach':
      case 'named':
        return
      default:
        message satisfies never
    }
  }

  #news(message: RegistryMessage & { type: 'reach' | 'named' }): void {
    if (message.type === 'reach') this.#reach(message.peer, message.reachable)
    else {
      const found = this.#port.find(message.name)
      if (found !== undefined) this.#answerWaiting(message.name, found)
    }
  }

  #answerWaiting(name: string, ref: AnyRef): void {
    const waiting = this.#waiting.get(name)
    if (waiting === undefined) return
    this.#waiting.delete(name)
    this.#waitingCount -= waiting.size
    for (const { replyTo } of waiting) replyTo.send({ ok: ref })
  }

  #claim(name: string, ref: AnyRef): Answer<true> {
    const owner = this.#names.get(name)
    if (owner === ref) return { ok: true }
    if (owner !== undefined) {
      return {
        code: 'ACTOR_NAME_TAKEN',
        message: `the name '${name}' belongs to another actor; release it there, or choose another`
      }
    }
    if (this.#names.size >= MAX_NAMES)
      return { code: 'ACTOR_NO_ROOM', message: `the registry holds its ${MAX_NAMES} names` }
    this.#names.set(name, ref)
    this.#ctx.watch(ref)
    this.#answerWaiting(name, ref)
    return { ok: true }
  }

  #join(group: string, member: Member): Answer<true> {
    const entry = this.#group(group)
    if (entry === undefined) return { code: 'ACTOR_NO_ROOM', message: `the registry holds its ${MAX_GROUPS} groups` }
    const { ref, label, facts } = member
    const kept = { ref, label, facts, reachable: this.#port.reachable(this.#port.systemOf(ref)) }
    entry.members.set(ref, kept)
    this.#ctx.watch(ref)
    this.#tell(group, [kept], [])
    return { ok: true }
  }

  #subscribe(group: string, to: ActorRef<MembersMessage>): void {
    const entry = this.#group(group)
    if (entry === undefined) return
    entry.subscribers.add(to)
    this.#ctx.watch(to)
    to.send({ type: 'members', group, members: [...entry.members.values()] })
  }

  #group(group: string) {
    let entry = this.#groups.get(group)
    if (entry === undefined && this.#groups.size < MAX_GROUPS) {
      entry = { members: new Map(), subscribers: new Set() }
      this.#groups.set(group, entry)
    }
    return entry
  }

  #tidy(group: string): void {
    const entry = this.#groups.get(group)
    if (entry !== undefined && entry.members.size === 0 && entry.subscribers.size === 0) this.#groups.delete(group)
  }

  #reach(peer: string, reachable: boolean): void {
    for (const [group, { members }] of this.#groups) {
      const changed: Member[] = []
      for (const [ref, member] of members) {
        if (member.reachable === reachable || this.#port.systemOf(ref) !== peer) continue
        const next = { ...member, reachable }
        members.set(ref, next)
        changed.push(next)
      }
      if (changed.length > 0) this.#tell(group, changed, [])
    }
  }

  #tell(group: string, members: Member[], left: AnyRef[]): void {
    for (const subscriber of this.#groups.get(group)?.subscribers ?? []) {
      subscriber.send({ type: 'changed', group, members, left })
    }
  }

  #wait(waiting: Waiting): void {
    if (this.#waitingCount >= MAX_WAITING) {
      waiting.replyTo.send({ ok: undefined })
      return
    }
    let waiters = this.#waiting.get(waiting.name)
    if (waiters === undefined) {
      waiters = new Set()
      this.#waiting.set(waiting.name, waiters)
    }
    waiters.add(waiting)
    this.#waitingCount += 1
    waiting.signal.addEventListener('abort', () => {
      const all = this.#waiting.get(waiting.name)
      if (all?.delete(waiting) !== true) return
      this.#waitingCount -= 1
      if (all.size === 0) this.#waiting.delete(waiting.name)
    })
  }

  /** An actor is watched once, however many names, groups and listings it is in. */
  #unwatch(ref: AnyRef): void {
    for (const owner of this.#names.values()) if (owner === ref) return
    for (const { members, subscribers } of this.#groups.values()) {
      if (members.has(ref) || subscribers.has(ref as ActorRef<MembersMessage>)) return
    }
    this.#ctx.unwatch(ref)
  }
}

/** Messages arrive from anywhere: nothing of their form is taken on trust. */
function wellFormed(message: unknown, port: RegistryPort): message is RegistryMessage {
  if (typeof message !== 'object' || message === null) return false
  const { type, name, group, ref, to, replyTo, member, peer } = message as Record<string, unknown>
  const named = typeof name === 'string' && NAME.test(name)
  const grouped = typeof group === 'string' && NAME.test(group)
  switch (type) {
    case 'lookup':
      return named && port.isRef(replyTo)
    case 'claim':
      return named && port.isRef(ref) && port.isRef(replyTo)
    case 'release':
      return named && port.isRef(ref)
    case 'join': {
      if (!grouped || !port.isRef(replyTo) || typeof member !== 'object' || member === null) return false
      const { ref: joined, label, facts } = member as Record<string, unknown>
      return (
        port.isRef(joined) &&
        typeof label === 'string' &&
        label.length <= 200 &&
        typeof facts === 'object' &&
        facts !== null
      )
    }
    case 'leave':
      return grouped && port.isRef(ref)
    case 'subscribe':
    case 'unsubscribe':
      return grouped && port.isRef(to)
    case 'reach':
      return typeof peer === 'string'
    case 'named':
      return named
    default:
      return false
  }
}

/** Throws what an answer that is no success says. */
export function settle<T>(answer: Answer<T>): T {
  if ('ok' in answer) return answer.ok
  throw new ActorError(answer.code, answer.message)
}
