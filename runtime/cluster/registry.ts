// Names and groups of the cluster. The registry of the hub that has no hub above is the authority; the registry of any
// other hub checks what its guests may ask (registry-guests.ts) and hands the rest up. An ordinary actor: order, resume, death watch and the
// failing of questions come with that. The asserting side is claims.ts.

import { type Behavior, setup } from '../actor/behavior.ts'
import { type Clock, MAX_DELAY } from '../actor/clock.ts'
import type { Context } from '../actor/context.ts'
import { codeOf } from '../actor/errors.ts'
import type { Origin } from '../actor/origin.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'
import type { Flushable } from '../actor/scheduler.ts'
import type { StopReason } from '../actor/watch.ts'
import { Groups } from './registry-groups.ts'
import { type Asked, Guests, type GuestsPort } from './registry-guests.ts'
import { Holders } from './registry-holders.ts'
import { RegistryMail } from './registry-mail.ts'
import {
  type Answer,
  flawOf,
  type MembersMessage,
  type RegistryMessage,
  type RegistryNews,
  type RegistryRequest
} from './registry-message.ts'
import { type Lookup, Names } from './registry-names.ts'

export interface RegistryPort extends GuestsPort {
  readonly clock: Clock
  /** The registry of the hub above, if there is one: then this one is no authority. */
  above(): ActorRef<RegistryMessage> | undefined
  /** The registry of another system. */
  registryOn(system: string): ActorRef<RegistryMessage>
  /** An authority does not know any more what is claimed here. */
  lapsed(): void
  /** Asks the authority above for a name, whoever that is by then. Rejects when the signal aborts, or with a code. */
  lookup(name: string, options: { wait: boolean; hidden: boolean; signal: AbortSignal }): Promise<AnyRef>
  /** A name that this system itself knows. */
  find(name: string): AnyRef | undefined
  /** The longest time, in milliseconds, for which systems below keep what another authority granted; 0 if none can be. */
  grace(): number
  /** The system that an actor lives in, and whether it is heard right now. */
  systemOf(ref: AnyRef): string
  reachable(system: string): boolean
  isRef(value: unknown): value is AnyRef
  /** Calls `flush` at the end of the turn. */
  later(flushable: Flushable): void
}

/** Milliseconds between two tellings of those who were forgotten, how often each is told, and how many of them are remembered. */
const LAPSED_AGAIN = 2_000
const LAPSED_TIMES = 15
const MAX_LAPSED = 10_000

/** Requests that are kept by the hub above, and answered from there. */
type Handed = Extract<RegistryRequest, { type: 'claim' | 'release' | 'join' | 'leave' }>

export function registry(port: RegistryPort): Behavior<RegistryMessage> {
  return setup<RegistryMessage>(ctx => new Registry(ctx, port))
}

class Registry {
  readonly #ctx: Context<RegistryMessage>
  readonly #port: RegistryPort
  readonly #names: Names
  readonly #groups: Groups
  readonly #holders: Holders
  readonly #guests: Guests
  readonly #up = new RegistryMail()
  /** The hub above when that was last looked at, and whether it was told that one before it was outlived. */
  #above: ActorRef<RegistryMessage> | undefined
  #toldAbove = false
  #outlived = false
  #growing = false
  /** Systems that were lost, and how often they are still to be told. */
  readonly #lapsed = new Map<string, number>()

  constructor(ctx: Context<RegistryMessage>, port: RegistryPort) {
    this.#ctx = ctx
    this.#port = port
    this.#above = port.above()
    this.#names = new Names({
      clock: port.clock,
      find: name => port.find(name),
      grace: () => port.grace(),
      granted: (name, ref) => this.#holders.add(ref, 'names', name)
    })
    this.#groups = new Groups({
      reachable: ref => port.reachable(port.systemOf(ref)),
      isRef: value => port.isRef(value),
      later: flushable => port.later(flushable)
    })
    this.#holders = new Holders({
      systemOf: ref => port.systemOf(ref),
      watch: ref => ctx.watch(ref),
      unwatch: ref => ctx.unwatch(ref)
    })
    this.#guests = new Guests(port, this.#holders, (message, from) => this.#handle(message, from))
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
    switch (message.type) {
      case 'reach':
      case 'named':
      case 'above':
      case 'of age':
      case 'tell lapsed':
        if (from.trust === 'local') this.#news(message)
        return
      case 'lapsed':
        if (guest === undefined) this.#port.lapsed()
        return
      default:
        if (guest === undefined) this.#handle(message, from)
        else this.#guests.check(guest, message, from)
    }
  }

  readonly stopped = (ref: AnyRef, reason: StopReason): void => {
    const holder = this.#holders.take(ref)
    if (holder === undefined) return
    for (const name of holder.names) this.#names.release(name, ref)
    for (const group of holder.groups) this.#groups.leave(group, ref)
    for (const group of holder.follows) this.#groups.unfollow(group, ref as ActorRef<MembersMessage>)
    if (reason.kind !== 'unreachable' || this.#port.above() !== undefined) return
    // It may be there all the same, by an association that has just begun anew, and believe that it has what it had.
    if (this.#lapsed.size === 0) this.#port.later({ flush: () => this.#tellLapsed() })
    if (this.#lapsed.size < MAX_LAPSED) this.#lapsed.set(this.#port.systemOf(ref), LAPSED_TIMES)
  }

  /**
   * More than once: what tells it may be lost with an epoch that ends on the way, and who is not heard right now may come back
   * and know nothing. To hear it again does no harm.
   */
  #tellLapsed(): void {
    if (this.#port.above() !== undefined) this.#lapsed.clear()
    for (const [system, left] of [...this.#lapsed]) {
      this.#lapsed.delete(system)
      if (this.#port.reachable(system)) this.#port.registryOn(system).send({ type: 'lapsed' })
      if (left > 1) this.#lapsed.set(system, left - 1)
    }
    if (this.#lapsed.size > 0) this.#ctx.timers.once('lapsed', LAPSED_AGAIN, { type: 'tell lapsed' })
  }

  // what is asked -------------------------------------------------------------------------------------------------------

  #handle(message: Asked, from: Origin): void {
    const above = this.#port.above()
    if (message.type === 'lookup') this.#lookup({ ...message, hidden: message.hidden === true, signal: from.signal })
    else if (above !== undefined) this.#handUp(above, message, from)
    else this.#keep(message, from)
    this.#grow()
  }

  #keep(message: Exclude<Asked, { type: 'lookup' }>, from: Origin): void {
    switch (message.type) {
      case 'claim': {
        const { name, ref, held, guest, replyTo } = message
        this.#names.claim({ name, ref, held: held === true, replyTo, signal: from.signal }, guest !== true)
        return
      }
      case 'release':
        this.#names.release(message.name, message.ref)
        this.#holders.delete(message.ref, 'names', message.name)
        message.replyTo.send({ ok: true })
        return
      case 'join': {
        const { group, member, replyTo } = message
        const answer = this.#groups.join(group, member)
        if ('ok' in answer) this.#holders.add(member.ref, 'groups', group)
        replyTo.send(answer)
        return
      }
      case 'leave':
        this.#groups.leave(message.group, message.ref)
        this.#holders.delete(message.ref, 'groups', message.group)
        message.replyTo.send({ ok: true })
        return
      case 'subscribe':
        if (this.#groups.follow(message.group, message.to)) this.#holders.add(message.to, 'follows', message.group)
        return
      case 'unsubscribe':
        this.#groups.unfollow(message.group, message.to)
        this.#holders.delete(message.to, 'follows', message.group)
        return
      case 'outlived':
        this.#outlived = true
        this.#names.succeed()
        return
      default:
        message satisfies never
    }
  }

  #handUp(above: ActorRef<RegistryMessage>, message: Exclude<Asked, { type: 'lookup' }>, from: Origin): void {
    switch (message.type) {
      case 'outlived':
        this.#outlived = true
        if (!this.#toldAbove) this.#up.send(above, message)
        this.#toldAbove = true
        return
      case 'unsubscribe':
        this.#holders.delete(message.to, 'follows', message.group)
        this.#up.send(above, message)
        return
      case 'subscribe':
        this.#up.send(above, message)
        return
      case 'release':
        this.#holders.delete(message.ref, 'names', message.name)
        break
      case 'leave':
        this.#holders.delete(message.ref, 'groups', message.group)
    }
    this.#ask(above, message, from.signal)
  }

  /** Asked in turn, so that who gives up is heard above, and the loss of the hub above is heard below. */
  #ask(above: ActorRef<RegistryMessage>, message: Handed, signal: AbortSignal): void {
    const { replyTo } = message
    const ask = above.ask<Answer<true>>(replyTo => ({ ...message, replyTo }), { within: MAX_DELAY, signal })
    void ask.then(
      answer => replyTo.send(answer),
      (error: unknown) => {
        if (signal.aborted) return
        replyTo.send(codeOf(error) === 'ACTOR_NO_ROOM' ? noWay : cutOff)
      }
    )
  }

  #lookup(lookup: Lookup): void {
    const { name, wait, here, hidden, replyTo, signal } = lookup
    const found = hidden ? undefined : this.#port.find(name)
    if (found !== undefined || here === true || this.#port.above() === undefined) {
      this.#names.lookup(lookup)
      return
    }
    void this.#port.lookup(name, { wait, hidden, signal }).then(
      ref => replyTo.send({ ok: ref }),
      error => {
        if (!signal.aborted) replyTo.send(codeOf(error) === 'ACTOR_NOT_FOUND' ? { ok: undefined } : cutOff)
      }
    )
  }

  // what is heard -------------------------------------------------------------------------------------------------------

  #news(message: RegistryNews): void {
    switch (message.type) {
      case 'reach':
        for (const ref of this.#holders.of(message.peer)) {
          for (const name of this.#holders.get(ref)?.groups ?? []) this.#groups.reach(name, ref, message.reachable)
        }
        return
      case 'named':
        this.#names.answer(message.name)
        return
      case 'of age':
        this.#growing = false
        if (this.#names.minority === 0) this.#names.comeOfAge()
        else this.#grow()
        return
      case 'above':
        this.#aboveChanged()
        return
      case 'tell lapsed':
        this.#tellLapsed()
        return
      default:
        message satisfies never
    }
  }

  /** The systems below assert to a hub above what they have asserted here, and the other way round. */
  #aboveChanged(): void {
    const before = this.#above
    this.#above = this.#port.above()
    this.#toldAbove = false
    this.#holders.clear()
    this.#groups.clear()
    const { lookups, claims } = this.#names.handUp()
    if (this.#above === undefined) {
      if (before !== undefined) this.#names.begin()
      for (const lookup of lookups) this.#names.lookup(lookup)
      this.#grow()
      return
    }
    // It was heard here first, perhaps when nobody was above.
    this.#toldAbove = this.#outlived
    if (this.#outlived) this.#up.send(this.#above, { type: 'outlived' })
    for (const { signal, ...claim } of claims) {
      this.#ask(this.#above, { type: 'claim', ...claim, guest: claim.held }, signal)
    }
    for (const lookup of lookups) this.#lookup(lookup)
  }

  /** Those who wait for this authority to grow up are heard when it has. */
  #grow(): void {
    const { minority } = this.#names
    if (this.#growing || minority === 0) return
    this.#growing = true
    this.#ctx.timers.once('of age', minority, { type: 'of age' })
  }
}

const noWay: Answer<never> = { code: 'ACTOR_NO_ROOM', message: 'the way to the authority for names is full' }
const cutOff: Answer<never> = { code: 'ACTOR_UNREACHABLE', message: 'the authority for names is out of reach' }
