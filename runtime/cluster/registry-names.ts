// The names of an authority: who has which, who waits for one, and which claims wait until it is old enough to know that
// nobody has it. The registry (registry.ts) says who may ask.

import type { Clock } from '../actor/clock.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'
import type { Answer } from './registry-message.ts'

/** Names, and lookups and claims that wait; beyond them claims are refused, and lookups find nothing. */
const MAX_NAMES = 100_000
const MAX_WAITING = 100_000

export interface NamesPort {
  readonly clock: Clock
  /** A name that this system itself knows. */
  find(name: string): AnyRef | undefined
  /** Milliseconds in which those who had a name under an authority before will assert it to this one. */
  grace(): number
  granted(name: string, ref: AnyRef): void
}

export interface Lookup {
  readonly name: string
  readonly wait: boolean
  readonly hidden: boolean
  readonly here?: boolean
  readonly replyTo: ActorRef<Answer<AnyRef | undefined>>
  readonly signal: AbortSignal
}

export interface NewClaim {
  readonly name: string
  readonly ref: AnyRef
  /** A guest's word: it goes before claims that are new, and behind what a node asserts. */
  readonly held: boolean
  readonly replyTo: ActorRef<Answer<true>>
  readonly signal: AbortSignal
}

export class Names {
  readonly #port: NamesPort
  readonly #names = new Map<string, AnyRef>()
  /** By name; a name that its asker may not know has a zero before it. */
  readonly #lookups = new Table<Lookup>()
  readonly #claims = new Table<NewClaim>()
  #since: number
  #succeeds = false

  constructor(port: NamesPort) {
    this.#port = port
    this.#since = port.clock.now()
  }

  /** Milliseconds until it is old enough to grant new claims; 0 when nobody was an authority before it. */
  get minority(): number {
    return this.#succeeds ? Math.max(0, this.#since + this.#port.grace() - this.#port.clock.now()) : 0
  }

  /** There was an authority before this one: of what that one granted, this one has yet to hear. */
  succeed(): void {
    this.#succeeds = true
  }

  /** There was a hub above, and there is none any more. */
  begin(): void {
    this.#since = this.#port.clock.now()
    this.#succeeds = true
  }

  claim(claim: NewClaim, trusted: boolean): void {
    const { name, ref, held, replyTo } = claim
    const owner = this.#owner(name)
    if (owner !== undefined && owner !== ref) replyTo.send(taken(name))
    else if (this.#names.get(name) === ref) replyTo.send({ ok: true })
    else if (this.#names.size >= MAX_NAMES) replyTo.send(full(MAX_NAMES))
    else if (this.minority === 0 || (held && trusted)) this.#grant(claim)
    else if (!this.#claims.add(claim, name)) replyTo.send(full(MAX_WAITING))
  }

  /** `true`: it had the name. A claim of it that waits is withdrawn. */
  release(name: string, ref: AnyRef): boolean {
    for (const claim of this.#claims.of(name)) {
      if (claim.ref !== ref) continue
      this.#claims.delete(claim, name)
      claim.replyTo.send(withdrawn)
    }
    if (this.#names.get(name) !== ref) return false
    return this.#names.delete(name)
  }

  lookup(lookup: Lookup): void {
    const { name, wait, hidden, replyTo } = lookup
    const found = hidden ? undefined : this.#owner(name)
    if (found !== undefined) replyTo.send({ ok: found })
    else if ((!wait && this.minority === 0) || !this.#lookups.add(lookup, keyOf(lookup)))
      replyTo.send({ ok: undefined })
  }

  /** Somebody has this name now. */
  answer(name: string): void {
    const ref = this.#owner(name)
    if (ref === undefined) return
    for (const lookup of this.#lookups.take(name)) lookup.replyTo.send({ ok: ref })
  }

  /** Whoever had a name has had the time to say so. */
  comeOfAge(): void {
    for (const claims of this.#claims.all()) {
      const [first, ...others] = [...claims.filter(({ held }) => held), ...claims.filter(({ held }) => !held)]
      if (first === undefined) continue
      for (const claim of claims) this.#claims.delete(claim, claim.name)
      for (const claim of [first, ...others]) this.claim(claim, true)
    }
    for (const lookups of this.#lookups.all()) {
      for (const lookup of lookups) {
        if (lookup.wait) continue
        this.#lookups.delete(lookup, keyOf(lookup))
        lookup.replyTo.send({ ok: undefined })
      }
    }
  }

  /** There is a hub above: who waited here is to wait there. */
  handUp(): { lookups: Lookup[]; claims: NewClaim[] } {
    this.#names.clear()
    return { lookups: this.#lookups.clear(), claims: this.#claims.clear() }
  }

  #owner(name: string): AnyRef | undefined {
    return this.#names.get(name) ?? this.#port.find(name)
  }

  #grant({ name, ref, replyTo }: NewClaim): void {
    this.#names.set(name, ref)
    this.#port.granted(name, ref)
    replyTo.send({ ok: true })
    for (const claim of this.#claims.take(name)) claim.replyTo.send(claim.ref === ref ? { ok: true } : taken(name))
    this.answer(name)
  }
}

/** Those who wait, by name, in the order in which they came. Who gives up is gone at once. */
class Table<T extends { readonly signal: AbortSignal }> {
  readonly #waiting = new Map<string, Map<T, () => void>>()
  #size = 0

  add(each: T, key: string): boolean {
    if (each.signal.aborted) return true
    if (this.#size >= MAX_WAITING) return false
    let same = this.#waiting.get(key)
    if (same === undefined) {
      same = new Map()
      this.#waiting.set(key, same)
    }
    const givenUp = (): void => this.delete(each, key)
    each.signal.addEventListener('abort', givenUp)
    same.set(each, givenUp)
    this.#size += 1
    return true
  }

  delete(each: T, key: string): void {
    const same = this.#waiting.get(key)
    const givenUp = same?.get(each)
    if (same === undefined || givenUp === undefined) return
    each.signal.removeEventListener('abort', givenUp)
    same.delete(each)
    this.#size -= 1
    if (same.size === 0) this.#waiting.delete(key)
  }

  of(key: string): T[] {
    return [...(this.#waiting.get(key)?.keys() ?? [])]
  }

  take(key: string): T[] {
    const taken = this.of(key)
    for (const each of taken) this.delete(each, key)
    return taken
  }

  all(): T[][] {
    return [...this.#waiting.keys()].map(key => this.of(key))
  }

  clear(): T[] {
    return [...this.#waiting.keys()].flatMap(key => this.take(key))
  }
}

function keyOf({ name, hidden }: Lookup): string {
  return hidden ? `\u0000${name}` : name
}

function taken(name: string): Answer<never> {
  return {
    code: 'ACTOR_NAME_TAKEN',
    message: `the name '${name}' belongs to another actor; release it there, or choose another`
  }
}

/** Nobody wants it any more; a hub below that handed it up waits all the same. */
const withdrawn: Answer<never> = { code: 'ACTOR_STOPPED', message: 'the claim was released before it was granted' }

function full(most: number): Answer<never> {
  return { code: 'ACTOR_NO_ROOM', message: `the registry holds its ${most} names, or claims that wait` }
}
