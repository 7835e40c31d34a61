// What a run of the simulator has seen, as its parts report it.

import type { Fault } from './faulty-network.ts'
import type { Planned } from './schedule.ts'
import type { Shape } from './topology.ts'

/** Faults besides those of the network: a process that sleeps, dies, or comes again as another, an actor that is slow. */
export type Strike =
  | Fault
  | 'refuse'
  | 'partition'
  | 'pause'
  | 'crash'
  | 'restart'
  | 'slow'
  | 'full-mailbox'
  | 'crashing-handler'
  | 'wall-jump'
  | 'clock-stop'
  | 'path-switch'
  | 'cut-between-hubs'
  | 'hub-pause'
  | 'hub-crash'
  | 'hub-restart'

export interface Outcome {
  readonly seed: number
  readonly topology: Shape
  readonly systems: number
  /** What the run was to do and to suffer, in the order of the numbers by which it can be left out. */
  readonly planned: readonly Planned[]
  readonly delivered: number
  readonly strikes: ReadonlySet<Strike>
  /** Transitions of associations, claims and supervision, and how often each was seen. */
  readonly covered: ReadonlyMap<string, number>
  /** Epochs that ended, so that mail may be missing: told to watchers, or it is a violation. */
  readonly unreachable: number
  readonly violations: readonly string[]
  /** Of everything that was delivered, in order: the same seed gives the same. */
  readonly hash: number
  /** What was seen, line by line, if that was wanted. */
  readonly trace: readonly string[]
}

/** More than these say nothing new. */
const MAX_VIOLATIONS = 20

export class Account {
  readonly strikes = new Set<Strike>()
  readonly violations: string[] = []
  delivered = 0
  unreachable = 0
  /** Whom of them: systems that lost each other, both names. */
  readonly apart = new Set<string>()
  /** Handlers that failed as they were told to. */
  crashed = 0
  /** Transitions that were seen. */
  readonly covered = new Map<string, number>()
  hash = 0x811c9dc5
  readonly told: string[] = []
  readonly #now: () => number
  readonly #tells: boolean

  constructor(now: () => number, tells: boolean) {
    this.#now = now
    this.#tells = tells
  }

  strike(strike: Strike): void {
    this.strikes.add(strike)
  }

  /** A promise was broken. */
  wrong(what: string): void {
    if (this.violations.length < MAX_VIOLATIONS) this.violations.push(`${Math.round(this.#now())} ms: ${what}`)
    this.tell(`** ${what}`)
  }

  cover(transition: string): void {
    this.covered.set(transition, (this.covered.get(transition) ?? 0) + 1)
  }

  /** A line of the trace. */
  tell(text: string): void {
    if (this.#tells) this.told.push(`${Math.round(this.#now())} ms ${text}`)
  }

  /** Something happened; the hash tells it from other runs. */
  note(text: string): void {
    this.tell(text)
    for (let i = 0; i < text.length; i++) this.hash = Math.imul(this.hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  }
}
