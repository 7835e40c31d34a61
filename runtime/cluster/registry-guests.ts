// What guests ask of a registry (registry.ts): for their own actors only, of what their gateway allows, and so much of it. What
// passes is handled like anything that is asked.

import type { Origin } from '../actor/origin.ts'
import { QuestionOrigin } from '../actor/question.ts'
import type { AnyRef } from '../actor/ref.ts'
import { type Holders, type Kind, MAX_OF_GUEST } from './registry-holders.ts'
import { type Answer, lookAlike, type RegistryRequest } from './registry-message.ts'

export type Asked = Exclude<RegistryRequest, { type: 'lapsed' }>

export interface GuestsPort {
  /** What a guest may do. */
  allowed(peer: string, action: 'lookup' | 'register' | 'join', name: string): boolean | Promise<boolean>
  /** Whether an actor lives in that system, or in one that came in by it. */
  owns(peer: string, ref: AnyRef): boolean
  /** The guest that a guest came in by: itself, or the one that announced it. */
  guestOf(peer: string): string
}

export class Guests {
  readonly #port: GuestsPort
  readonly #holders: Holders
  readonly #pass: (message: Asked, from: Origin) => void
  /** Of each guest, what `authorize` has not decided yet. */
  readonly #undecided = new Map<string, number>()

  constructor(port: GuestsPort, holders: Holders, pass: (message: Asked, from: Origin) => void) {
    this.#port = port
    this.#holders = holders
    this.#pass = pass
  }

  /** A guest speaks for its own actors only, and of what it may know. */
  check(guest: string, message: Asked, from: Origin): void {
    if (!refsIn(message).every(ref => this.#port.owns(guest, ref))) return
    // What is told in place of being asked nobody gives up, and no limit counts: it would wait here when the guest is gone.
    if ('replyTo' in message && !(from instanceof QuestionOrigin)) return
    switch (message.type) {
      case 'release':
      case 'leave':
      case 'unsubscribe':
      case 'outlived':
        this.#pass(message, from)
        return
      case 'claim':
      case 'join': {
        const flaw = lookAlike(message.type === 'claim' ? message.name : message.group)
        if (flaw !== undefined) {
          message.replyTo.send({ code: 'ACTOR_INVALID', message: flaw })
          return
        }
      }
    }
    const party = this.#port.guestOf(guest)
    const undecided = this.#undecided.get(party) ?? 0
    if (undecided >= MAX_OF_GUEST) {
      if (message.type !== 'subscribe') message.replyTo.send(noRoom)
      return
    }
    const action = message.type === 'claim' ? 'register' : message.type === 'join' ? 'join' : 'lookup'
    const allowed = this.#port.allowed(guest, action, 'name' in message ? message.name : message.group)
    if (typeof allowed === 'boolean') {
      this.#decided(message, from, party, allowed)
      return
    }
    this.#undecided.set(party, undecided + 1)
    void allowed.then(yes => {
      const left = (this.#undecided.get(party) ?? 1) - 1
      if (left > 0) this.#undecided.set(party, left)
      else this.#undecided.delete(party)
      this.#decided(message, from, party, yes)
    })
  }

  #decided(
    message: Extract<RegistryRequest, { type: 'lookup' | 'claim' | 'join' | 'subscribe' }>,
    from: Origin,
    party: string,
    allowed: boolean
  ): void {
    if (message.type === 'lookup') {
      // A forbidden name goes the way of one that nobody has: same answer, same wait.
      this.#pass({ ...message, hidden: !allowed || message.hidden === true }, from)
      return
    }
    if (!allowed) {
      if (message.type !== 'subscribe') message.replyTo.send(forbidden)
      return
    }
    const [ref, kind, name] = thingOf(message)
    if (!this.#holders.hasRoom(party, ref, kind, name)) {
      if (message.type !== 'subscribe') message.replyTo.send(noRoom)
      return
    }
    // Counted here, also when the hub above keeps it: nobody else knows who came in together. A claim that fails is released.
    this.#holders.add(ref, kind, name, party)
    this.#pass(message.type === 'claim' ? { ...message, guest: true } : message, from)
  }
}

const noRoom: Answer<never> = {
  code: 'ACTOR_NO_ROOM',
  message: `one guest may have ${MAX_OF_GUEST} names, places in groups and listings together`
}
const forbidden: Answer<never> = {
  code: 'ACTOR_FORBIDDEN',
  message: 'this system may not do that; the gateway decides with `expose` and `authorize`'
}

/** What a guest is to have, and who is to have it. */
function thingOf(
  message: Extract<RegistryRequest, { type: 'claim' | 'join' | 'subscribe' }>
): [ref: AnyRef, kind: Kind, name: string] {
  switch (message.type) {
    case 'claim':
      return [message.ref, 'names', message.name]
    case 'join':
      return [message.member.ref, 'groups', message.group]
    case 'subscribe':
      return [message.to, 'follows', message.group]
  }
}

/** The refs in a request that its sender must own. */
function refsIn(message: Asked): AnyRef[] {
  switch (message.type) {
    case 'lookup':
      return [message.replyTo]
    case 'claim':
    case 'release':
    case 'leave':
      return [message.ref, message.replyTo]
    case 'join':
      return [message.member.ref, message.replyTo]
    case 'subscribe':
    case 'unsubscribe':
      return [message.to]
    case 'outlived':
      return []
  }
}
