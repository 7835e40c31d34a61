// What all systems of a run have counted must add up: whatever was taken has been handed to a handler, has settled a question,
// is a dead letter, or is on its way; and when all is quiet nothing is on its way, and nobody holds anything for another.

import { System } from '../system.ts'
import type { Member } from './cast.ts'
import type { Stage, Workload } from './stage.ts'

/** What the other checks have said is acknowledged after so many virtual milliseconds. */
const QUIET = 5_000

export class BooksWorkload implements Workload {
  readonly #stage: Stage
  readonly #systems: System[] = []
  /** What was sent to a system in an epoch that ended is a dead letter of its sender, and may have arrived all the same. */
  #uncertain = false

  constructor(stage: Stage) {
    this.#stage = stage
  }

  joined({ system }: Member): void {
    if (!(system instanceof System)) return
    this.#systems.push(system)
    system.watchDeadLetters(({ reason }) => {
      if (reason === 'unreachable') this.#uncertain = true
    })
  }

  plan(): void {
    const { time, schedule } = this.#stage
    for (let at = 250; at < schedule.end; at += 500) time.after(at, () => this.#underWay())
  }

  async check(): Promise<void> {
    const { time, account, cast } = this.#stage
    await new Promise<void>(resolve => void time.after(QUIET, resolve))
    for (const { name, alive, system } of cast.members) {
      if (!alive || !(system instanceof System)) continue
      const { taken } = system.memory
      // Whoever watches a dead one again and again always has something on its way there.
      if (taken !== 0 && cast.alive.length === cast.members.length)
        account.wrong(`all is quiet, and ${name} still holds ${taken} bytes for others`)
      if (system.asking !== 0) account.wrong(`all is quiet, and ${name} still waits for ${system.asking} answers`)
    }
    if (!this.#exact) return
    const open = this.#open()
    if (open !== 0) account.wrong(`all is quiet, and by the counters ${open} messages are on their way`)
  }

  get #exact(): boolean {
    return (
      !this.#uncertain &&
      this.#stage.account.unreachable === 0 &&
      this.#systems.length === this.#stage.cast.alive.length
    )
  }

  #underWay(): void {
    if (this.#exact && this.#open() < 0)
      this.#stage.account.wrong(`by the counters ${-this.#open()} messages more have arrived than were sent`)
  }

  #open(): number {
    // A message that crashed its handler was delivered, and is a dead letter besides.
    let open = this.#stage.account.crashed
    for (const { sent, delivered, answered, deadLetters } of this.#systems)
      open += sent - delivered - answered - deadLetters.count
    return open
  }
}
