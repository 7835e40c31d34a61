// What all parts of a run of the simulator share, and what a workload is to it.

import type { Cast, Member } from './cast.ts'
import type { Account } from './outcome.ts'
import type { Random } from './random.ts'
import type { Schedule } from './schedule.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface Stage {
  readonly time: VirtualTime
  readonly random: Random
  readonly account: Account
  readonly cast: Cast
  readonly schedule: Schedule
}

/** Something that systems do in a run, and what must hold of it. It reports to the stage's account. */
export interface Workload {
  /** A system is there: at the beginning, or in the place of one that died. */
  joined(member: Member): void
  /** All are connected: plans what is done until the faults stop. */
  plan(): void
  /** All has been quiet for long: what must hold now. Time goes on meanwhile. */
  check(): Promise<void> | void
}
