// What a run of the simulator has seen, as its parts report it.

import type { Fault } from './faulty-network.ts'
import type { Shape } from './topology.ts'

/** Faults besides those of the network: a process that sleeps, dies, or comes again as another, an actor that is slow. */
export type Strike =
  | Fault
  | 'refuse'
  | 'freeze'
  | 'crash'
  | 'slow'
  | 'path-switch'
  | 'cut-between-hubs'
  | 'hub-freeze'
  | 'hub-crash'
  | 'hub-restart'

export interface Outcome {
  readonly seed: number
  readonly topology: Shape
  readonly delivered: number
  readonly strikes: ReadonlySet<Strike>
  /** Epochs that ended, so that mail may be missing: told to watchers, or it is a violation. */
  readonly unreachable: number
  readonly violations: readonly string[]
  /** Of everything that was delivered, in order: the same seed gives the same. */
  readonly hash: number
}

/** More than these say nothing new. */
const MAX_VIOLATIONS = 20

export class Account {
  readonly strikes = new Set<Strike>()
  readonly violations: string[] = []
  delivered = 0
  unreachable = 0
  hash = 0x811c9dc5
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  strike(strike: Strike): void {
    this.strikes.add(strike)
  }

  /** A promise was broken. */
  wrong(what: string): void {
    if (this.violations.length < MAX_VIOLATIONS) this.violations.push(`${Math.round(this.#now())} ms: ${what}`)
  }

  /** Something happened; the hash tells it from other runs. */
  note(text: string): void {
    for (let i = 0; i < text.length; i++) this.hash = Math.imul(this.hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  }
}
