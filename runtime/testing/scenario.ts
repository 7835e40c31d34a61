// One seed of the simulator: systems on faulty networks (cast.ts), what they do (workloads), what befalls them (storm.ts), and
// the promises checked at every delivery and at the end.

import { Cast, type Member } from './cast.ts'
import { MailWorkload } from './mail-workload.ts'
import { NAMES_OFFER, NamesWorkload } from './names-workload.ts'
import { Account, type Outcome } from './outcome.ts'
import { seeded } from './random.ts'
import { STORM, type Stage, type Workload } from './stage.ts'
import { endStorm, planStorm } from './storm.ts'
import { drawTopology } from './topology.ts'
import { VirtualTime } from './virtual-time.ts'

export type { Outcome, Strike } from './outcome.ts'
export type { Shape } from './topology.ts'

/** How long everything has to settle after the storm, in virtual milliseconds. */
const CALM = 90_000
/** What the checks at the end may take: two asks, one after the other, and some more. */
const CHECKS = 90_000

/** Runs one seed. Never rejects for what the runtime does wrong: that is in `violations`. */
export async function runSeed(seed: number): Promise<Outcome> {
  const time = new VirtualTime()
  const random = seeded(seed)
  const account = new Account(() => time.now)
  const topology = drawTopology(random)
  const cast = new Cast(topology, time, random, account, NAMES_OFFER)
  const stage: Stage = { time, random, account, cast }
  const workloads: readonly Workload[] = [new MailWorkload(stage), new NamesWorkload(stage)]
  const joined = (member: Member): void => {
    for (const workload of workloads) workload.joined(member)
  }

  const built = cast.build()
  await time.runTo(1_000)
  await built
  for (const member of [...cast.members]) joined(member)
  for (const workload of workloads) workload.plan()
  planStorm(stage, joined)
  await time.runTo(STORM)
  endStorm(stage)
  await time.runTo(STORM + CALM)
  const checked = Promise.all(workloads.map(workload => workload.check()))
  await time.runTo(STORM + CALM + CHECKS)
  await checked

  const { delivered, strikes, unreachable, violations, hash } = account
  return { seed, topology: topology.shape, delivered, strikes, unreachable, violations, hash }
}
