// Who is where, as a hub knows it: attached to it, announced by somebody attached, or a stranger of whom the hub above has
// told. Tables and questions to them; the hub (hub.ts) changes them and tells others.

import type { Attachment } from './attachment.ts'
import type { Announcement, PeerFacts } from './peer-facts.ts'

/** Strangers whose facts the hub above has told us; the oldest are forgotten first, and told again before a frame. */
const MAX_STRANGERS = 100_000

export interface Announced extends Announcement {
  readonly by: Attachment
}

export class Directory {
  readonly attachments = new Map<string, Attachment>()
  readonly announced = new Map<string, Announced>()
  readonly #strangers = new Map<string, PeerFacts>()
  /** The hub above, the default way to everybody else. */
  above: Attachment | undefined

  get size(): number {
    return this.attachments.size + this.announced.size + this.#strangers.size
  }

  /**
   * The attachment by which a system is reached, if it is here or below. What is connected goes before what is interrupted, and
   * a connection of its own before another's word.
   */
  at(id: string): Attachment | undefined {
    const own = this.attachments.get(id)
    if (own?.wire !== undefined) return own
    const by = this.announced.get(id)?.by
    return by === undefined || (own !== undefined && by.wire === undefined) ? own : by
  }

  /** What is known of a peer; what nobody vouches for is a guest without a principal. */
  factsOf(id: string): PeerFacts {
    const at = this.at(id)
    if (at !== undefined) return at.id === id ? at.facts : (this.announced.get(id) as Announced).facts
    return this.#strangers.get(id) ?? { id, label: id.slice(0, 6), trust: 'guest', principal: undefined }
  }

  /** What the hub above is to know of a system: `undefined` when it is not below this one. */
  below(id: string): Announcement | undefined {
    const own = this.attachments.get(id)
    const announced = this.announced.get(id)
    const attached = own?.facts.place === 'below' ? own : undefined
    // Whom one beside speaks for is below that one, or above it.
    const heard = announced?.by.facts.place === 'below'
    if (heard && (attached === undefined || this.at(id) !== attached)) {
      const { facts, secret, via, by } = announced
      return { facts, secret, via, away: by.wire === undefined }
    }
    if (attached === undefined) return undefined
    return { facts: attached.facts, secret: attached.facts.secret, via: [], away: attached.wire === undefined }
  }

  /** The attachment that frames to a peer leave by. */
  wayTo(id: string): Attachment | undefined {
    const at = this.at(id)
    // One beside passes on what it is asked to; while it is away the hub above may know another way.
    if (at !== undefined && at.wire === undefined && at.id !== id && at.facts.place === 'beside')
      return this.above ?? at
    return at ?? this.above
  }

  /** As `wayTo`, for what has come in by `from`: never back there. */
  wayOn(id: string, from: Attachment): Attachment | undefined {
    const at = this.at(id)
    if (at !== undefined && at !== from) return at
    return this.above === from ? undefined : this.above
  }

  /** Whether a system is `peer`, or came in by the same attachment; of a peer that is attached or announced here. */
  comesBy(id: string, peer: string): boolean {
    const way = this.at(peer)
    return id === peer || (way !== undefined && way === this.wayTo(id))
  }

  /** Whether a system is heard from below, announced by another. */
  isBelow(id: string): boolean {
    const by = this.announced.get(id)?.by
    return by?.wire !== undefined && by.facts.place === 'below'
  }

  announce(entry: Announced): void {
    const { id } = entry.facts
    this.announced.get(id)?.by.announced?.delete(id)
    this.announced.set(id, entry)
    entry.by.announced ??= new Set()
    entry.by.announced.add(id)
  }

  takeBack(id: string): void {
    this.announced.get(id)?.by.announced?.delete(id)
    this.announced.delete(id)
  }

  /** Whether something was known of it before. */
  learn(facts: PeerFacts): boolean {
    const known = this.#strangers.delete(facts.id)
    this.#strangers.set(facts.id, facts)
    if (this.#strangers.size > MAX_STRANGERS) {
      for (const id of this.#strangers.keys()) {
        this.#strangers.delete(id)
        break
      }
    }
    return known
  }
}
