// Names and groups of the cluster. The registry of the hub that has no hub above is the authority; the registry of any
// other hub checks what its guests may ask and hands the rest up. An ordinary actor: order, resume, death watch and the
// failing of questions come with that. The asserting side is claims.ts.

import { type Behavior, setup } from '../actor/behavior.ts'
import type { Context } from '../actor/context.ts'
import { codeOf } from '../actor/errors.ts'
import type { Origin } from '../actor/origin.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'
import {
  type Answer,
  flawOf,
  type Member,
  type MembersMessage,
  type RegistryMessage,
  type RegistryNews,
  type RegistryRequest
} from './registry-message.ts'

/** Names, groups, members of one group and lookups that wait; beyond them claims are refused. */
const MAX_NAMES = 100_000
const MAX_GROUPS = 100_000
const MAX_MEMBERS = 100_000
const MAX_WAITING = 100_000
/** Actors of one guest that may have names, be in groups or follow them: as many as it may watch. */
const MAX_OF_GUEST = 256

export interface RegistryPort {
  /** The registry of the hub above, if there is one: then this one is no authority. */
  above(): ActorRef<RegistryMessage> | undefined
  /** Asks the authority above for a name, whoever that is by then. Rejects when the signal aborts, or with ACTOR_NOT_FOUND. */
  lookup(name: string, wait: boolean, signal: AbortSignal): Promise<AnyRef>
  /** A name that this system itself knows. */
  find(name: string): AnyRef | undefined
  /** What a guest may do. */
  allowed(peer: string, action: 'lookup' | 'register' | 'join', name: string): boolean | Promise<boolean>
  /** Whether an actor lives in that system, or in one that came in by it. */
  owns(peer: string, ref: AnyRef): boolean
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

/** What one actor has here. It is watched while that is anything. */
interface Holder {
  readonly names: Set<string>
  readonly groups: Set<string>
  readonly follows: Set<string>
}

interface Group {
  readonly members: Map<AnyRef, Member>
  readonly followers: Set<ActorRef<MembersMessage>>
}

export function registry(port: RegistryPort): Behavior<RegistryMessage> {
  return setup<RegistryMessage>(ctx => new Registry(ctx, port))
}

class Registry {
  readonly #ctx: Context<RegistryMessage>
  readonly #port: RegistryPort
  readonly #names = new Map<string, AnyRef>()
  readonly #groups = new Map<string, Group>()
  readonly #holders = new Map<AnyRef, Holder>()
  readonly #bySystem = new Map<string, Set<AnyRef>>()
  readonly #waiting = new Map<string, Set<Waiting>>()
  #waitingCount = 0

  constructor(ctx: Context<RegistryMessage>, port: RegistryPort) {
    this.#ctx = ctx
    this.#port = port
  }

  readonly receive = (message: RegistryMessage, from: Origin): void => {
    const { by } = message as { by?: string }
    // Whoever it is that nobody vouches for gets no further than a guest whose id is not known.
    const guest = from.trust === 'guest' ? (by ?? '') : undefined
    const flaw = flawOf(message, this.#port.isRef)
    if (flaw !== undefined) {
      const { replyTo } = (message ?? {}) as { replyTo?: unknown }
      if (this.#port.isRef(replyTo) && (guest === undefined || this.#port.owns(guest, replyTo))) {
        ;(replyTo as ActorRef<Answer<never>>).send({ code: 'ACTOR_INVALID', message: flaw })
      }
      return
    }
    if (message.type === 'reach' || message.type === 'named' || message.type === 'above') {
      if (from.trust === 'local') this.#news(message)
    } else if (guest === undefined) this.#handle(message, from)
    else this.#check(guest, message, from)
  }

  readonly stopped = (ref: AnyRef): void => {
    const holder = this.#holders.get(ref)
    if (holder === undefined) return
    for (const name of holder.names) this.#names.delete(name)
    for (const group of [...holder.groups, ...holder.follows]) {
      const entry = this.#groups.get(group)
      entry?.followers.delete(ref as ActorRef<MembersMessage>)
      if (entry?.members.delete(ref) === true) this.#tell(group, [], [ref])
      this.#tidyGroup(group)
    }
    this.#forget(ref)
  }

  /** A guest speaks for its own actors only, and of what it may know. */
  #check(guest: string, message: RegistryRequest, from: Origin): void {
    const refs = refsIn(message)
    if (!refs.every(ref => this.#port.owns(guest, ref))) return
    if (message.type === 'release' || message.type === 'leave' || message.type === 'unsubscribe') {
      this.#handle(message, from)
      return
    }
    if (message.type !== 'lookup' && !this.#hasRoom(refs[0] as AnyRef)) {
      const text = `one guest may have ${MAX_OF_GUEST} actors in names and groups`
      if (message.type !== 'subscribe') message.replyTo.send({ code: 'ACTOR_NO_ROOM', message: text })
      return
    }
    const action = message.type === 'claim' ? 'register' : message.type === 'join' ? 'join' : 'lookup'
    const allowed = this.#port.allowed(guest, action, 'name' in message ? message.name : message.group)
    if (typeof allowed === 'boolean') this.#decided(message, from, allowed)
    else void allowed.then(yes => this.#decided(message, from, yes))
  }

  #hasRoom(ref: AnyRef): boolean {
    return this.#holders.has(ref) || (this.#bySystem.get(this.#port.systemOf(ref))?.size ?? 0) < MAX_OF_GUEST
  }

  #decided(message: RegistryRequest, from: Origin, allowed: boolean): void {
    if (allowed) this.#handle(message, from)
    else if (message.type === 'lookup') {
      // A forbidden name looks like one that nobody has: same answer, same wait.
      if (message.wait) this.#wait({ name: `\u0000${message.name}`, replyTo: message.replyTo, signal: from.signal })
      else message.replyTo.send({ ok: undefined })
    } else if (message.type === 'claim' || message.type === 'join') {
      message.replyTo.send({
        code: 'ACTOR_FORBIDDEN',
        message: 'this system may not do that; the gateway decides with `expose` and `authorize`'
      })
    }
  }

  #handle(message: RegistryRequest, from: Origin): void {
    if (message.type === 'lookup') {
      this.#lookup({ ...message, signal: from.signal }, message.wait)
      return
    }
    const above = this.#port.above()
    if (above !== undefined) {
      above.send(message)
      return
    }
    switch (message.type) {
      case 'claim':
        message.replyTo.send(this.#claim(message.name, message.ref))
        return
      case 'release':
        if (this.#names.get(message.name) !== message.ref) return
        this.#names.delete(message.name)
        this.#holders.get(message.ref)?.names.delete(message.name)
        this.#tidyHolder(message.ref)
        return
      case 'join':
        message.replyTo.send(this.#join(message.group, message.member))
        return
      case 'leave':
        if (this.#groups.get(message.group)?.members.delete(message.ref) !== true) return
        this.#tell(message.group, [], [message.ref])
        this.#tidyGroup(message.group)
        this.#holders.get(message.ref)?.groups.delete(message.group)
        this.#tidyHolder(message.ref)
        return
      case 'subscribe':
        this.#subscribe(message.group, message.to)
        return
      case 'unsubscribe':
        this.#groups.get(message.group)?.followers.delete(message.to)
        this.#tidyGroup(message.group)
        this.#holders.get(message.to)?.follows.delete(message.group)
        this.#tidyHolder(message.to)
        return
      default:
        message satisfies never
    }
  }

  #news(message: RegistryNews): void {
    if (message.type === 'reach') this.#reach(message.peer, message.reachable)
    else if (message.type === 'above') this.#handUp()
    else {
      const found = this.#port.find(message.name)
      if (found !== undefined) this.#answerWaiting(message.name, found)
    }
  }

  /** Those who claimed something here claim it again, there; those who wait, wait there. */
  #handUp(): void {
    if (this.#port.above() === undefined) return
    for (const ref of this.#holders.keys()) this.#ctx.unwatch(ref)
    this.#names.clear()
    this.#groups.clear()
    this.#holders.clear()
    this.#bySystem.clear()
    for (const [name, waiters] of [...this.#waiting]) {
      if (name.startsWith('\u0000')) continue
      this.#waiting.delete(name)
      this.#waitingCount -= waiters.size
      for (const waiting of waiters) this.#lookup(waiting, true)
    }
  }

  // names ---------------------------------------------------------------------------------------------------------------

  #lookup(waiting: Waiting, wait: boolean): void {
    const { name, replyTo, signal } = waiting
    const found = this.#names.get(name) ?? this.#port.find(name)
    if (found !== undefined) replyTo.send({ ok: found })
    else if (this.#port.above() !== undefined) {
      void this.#port.lookup(name, wait, signal).then(
        ref => replyTo.send({ ok: ref }),
        error => {
          if (!signal.aborted) replyTo.send(codeOf(error) === 'ACTOR_NOT_FOUND' ? { ok: undefined } : cutOff)
        }
      )
    } else if (wait) this.#wait(waiting)
    else replyTo.send({ ok: undefined })
  }

  #wait(waiting: Waiting): void {
    if (waiting.signal.aborted) return
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

  #answerWaiting(name: string, ref: AnyRef): void {
    const waiting = this.#waiting.get(name)
    if (waiting === undefined) return
    this.#waiting.delete(name)
    this.#waitingCount -= waiting.size
    for (const { replyTo } of waiting) replyTo.send({ ok: ref })
  }

  #claim(name: string, ref: AnyRef): Answer<true> {
    const owner = this.#names.get(name) ?? this.#port.find(name)
    if (owner !== undefined && owner !== ref) {
      return {
        code: 'ACTOR_NAME_TAKEN',
        message: `the name '${name}' belongs to another actor; release it there, or choose another`
      }
    }
    if (this.#names.get(name) === ref) return { ok: true }
    if (this.#names.size >= MAX_NAMES) {
      return { code: 'ACTOR_NO_ROOM', message: `the registry holds its ${MAX_NAMES} names` }
    }
    this.#names.set(name, ref)
    this.#hold(ref).names.add(name)
    this.#answerWaiting(name, ref)
    return { ok: true }
  }

  // groups --------------------------------------------------------------------------------------------------------------

  #join(name: string, member: Member): Answer<true> {
    const group = this.#group(name)
    const full = group === undefined || (group.members.size >= MAX_MEMBERS && !group.members.has(member.ref))
    if (full)
      return { code: 'ACTOR_NO_ROOM', message: `there are ${MAX_GROUPS} groups, or ${MAX_MEMBERS} members in it` }
    const { ref, label, facts } = member
    const kept = { ref, label, facts, reachable: this.#port.reachable(this.#port.systemOf(ref)) }
    group.members.set(ref, kept)
    this.#hold(ref).groups.add(name)
    this.#tell(name, [kept], [])
    return { ok: true }
  }

  #subscribe(name: string, to: ActorRef<MembersMessage>): void {
    const group = this.#group(name)
    if (group === undefined) return
    group.followers.add(to)
    this.#hold(to).follows.add(name)
    to.send({ type: 'members', group: name, members: [...group.members.values()] })
  }

  #group(name: string): Group | undefined {
    let group = this.#groups.get(name)
    if (group === undefined && this.#groups.size < MAX_GROUPS) {
      group = { members: new Map(), followers: new Set() }
      this.#groups.set(name, group)
    }
    return group
  }

  #reach(peer: string, reachable: boolean): void {
    const changes = new Map<string, Member[]>()
    for (const ref of this.#bySystem.get(peer) ?? []) {
      for (const name of this.#holders.get(ref)?.groups ?? []) {
        const members = this.#groups.get(name)?.members
        const member = members?.get(ref)
        if (member === undefined || member.reachable === reachable) continue
        const next = { ...member, reachable }
        members?.set(ref, next)
        const changed = changes.get(name)
        if (changed === undefined) changes.set(name, [next])
        else changed.push(next)
      }
    }
    for (const [name, changed] of changes) this.#tell(name, changed, [])
  }

  #tell(group: string, members: Member[], left: AnyRef[]): void {
    for (const follower of this.#groups.get(group)?.followers ?? []) {
      follower.send({ type: 'changed', group, members, left })
    }
  }

  #tidyGroup(name: string): void {
    const group = this.#groups.get(name)
    if (group?.members.size === 0 && group.followers.size === 0) this.#groups.delete(name)
  }

  // holders -------------------------------------------------------------------------------------------------------------

  #hold(ref: AnyRef): Holder {
    let holder = this.#holders.get(ref)
    if (holder === undefined) {
      holder = { names: new Set(), groups: new Set(), follows: new Set() }
      this.#holders.set(ref, holder)
      const system = this.#port.systemOf(ref)
      const all = this.#bySystem.get(system)
      if (all === undefined) this.#bySystem.set(system, new Set([ref]))
      else all.add(ref)
      this.#ctx.watch(ref)
    }
    return holder
  }

  #tidyHolder(ref: AnyRef): void {
    const holder = this.#holders.get(ref)
    if (holder === undefined || holder.names.size + holder.groups.size + holder.follows.size > 0) return
    this.#ctx.unwatch(ref)
    this.#forget(ref)
  }

  #forget(ref: AnyRef): void {
    this.#holders.delete(ref)
    const system = this.#port.systemOf(ref)
    const all = this.#bySystem.get(system)
    all?.delete(ref)
    if (all?.size === 0) this.#bySystem.delete(system)
  }
}

const cutOff: Answer<never> = { code: 'ACTOR_UNREACHABLE', message: 'the authority for names is out of reach' }

/** The refs in a request that its sender must own, the one that it is about first. */
function refsIn(message: RegistryRequest): AnyRef[] {
  switch (message.type) {
    case 'lookup':
      return [message.replyTo]
    case 'claim':
      return [message.ref, message.replyTo]
    case 'join':
      return [message.member.ref, message.replyTo]
    case 'release':
    case 'leave':
      return [message.ref]
    case 'subscribe':
    case 'unsubscribe':
      return [message.to]
  }
}
