// The doors of one system, and by which of them somebody came in: what that door says holds for him and for those below him,
// and it is told what he does. The system (system.ts) opens them; policy, names and the end of it ask here.

import type { Notice } from '../peer/notice.ts'
import type { Attachment } from './attachment.ts'
import type { Door } from './gateway.ts'
import type { PeerFacts } from './peer-facts.ts'

export interface DoorsPort {
  wayTo(id: string): Attachment | undefined
  factsOf(id: string): PeerFacts
}

export class Doors {
  readonly #port: DoorsPort
  readonly #open = new Set<Door>()
  readonly #of = new Map<string, Door>()

  constructor(port: DoorsPort) {
    this.#port = port
  }

  [Symbol.iterator](): Iterator<Door> {
    return this.#open.values()
  }

  /** How many came in by one. */
  get size(): number {
    return this.#of.size
  }

  opened(door: Door): void {
    this.#open.add(door)
  }

  closed(door: Door): void {
    this.#open.delete(door)
  }

  /** A system comes in, perhaps by another door than before. */
  enter(door: Door, id: string): void {
    this.leave(id)
    this.#of.set(id, door)
  }

  leave(id: string): void {
    this.#of.get(id)?.forget(id)
    this.#of.delete(id)
  }

  /** The door by which an attached system came in. */
  of(id: string): Door | undefined {
    return this.#of.get(id)
  }

  /** The door by which mail of a system comes in, and whom it comes by. */
  before(id: string): { door: Door; way: Attachment } | undefined {
    const way = this.#port.wayTo(id)
    const door = way === undefined ? undefined : this.#of.get(way.id)
    return way === undefined || door === undefined ? undefined : { door, way }
  }

  /** A system did what it may not. */
  notice(id: string, notice: Notice): void {
    const { door, way } = this.before(id) ?? {}
    if (way !== undefined) door?.notice(way, this.#port.factsOf(id), notice)
  }
}
