// One seed of the simulator: systems on faulty networks (cast.ts), what they do (workloads), what befalls them (storm.ts), and
// the promises checked at every delivery and at the end.

import { BooksWorkload } from './books-workload.ts'
import { Cast, type Member } from './cast.ts'
import { FamilyWorkload } from './family-workload.ts'
import { MailWorkload } from './mail-workload.ts'
import { NAMES_OFFER, NamesWorkload } from './names-workload.ts'
import { Account, type Outcome, type Strike } from './outcome.ts'
import { seeded } from './random.ts'
import { Schedule } from './schedule.ts'
import type { Stage, Workload } from './stage.ts'
import { endStorm, planStorm } from './storm.ts'
import { drawTopology, isHub } from './topology.ts'
import { VirtualTime } from './virtual-time.ts'

export type { Outcome, Strike } from './outcome.ts'
export type { Shape } from './topology.ts'

/** How long the faults go on, in virtual milliseconds; in few runs so long that somebody may sleep for two minutes. */
const STORM = 40_000
const LONG_STORM = 130_000
/** How long everything has to settle when they have stopped. */
const CALM = 60_000
/** What the checks at the end may take: two asks, one after the other, and some more. */
const CHECKS = 90_000

/** Faults that a link is there to overcome: it is up again long before anybody is taken for gone. */
const HARMLESS: ReadonlySet<Strike> = new Set([
  'drop',
  'repeat',
  'stale',
  'delay',
  'cut',
  'cut-between-hubs',
  'path-switch',
  'reorder',
  'slow',
  'full-mailbox',
  'crashing-handler',
  'wall-jump'
])
/** Milliseconds of `downAfter` from which that holds. */
const PATIENT = 10_000

export interface SeedOptions {
  /** Of what the run would do and suffer, by number, what is left out. */
  without?: ReadonlySet<number>
  /** Tells what was seen in words: `Outcome.trace`. */
  trace?: boolean
}

/** Runs one seed. Never rejects for what the runtime does wrong: that is in `violations`. */
export async function runSeed(
  seed: number,
  { without = new Set(), trace = false }: SeedOptions = {}
): Promise<Outcome> {
  const time = new VirtualTime()
  const random = seeded(seed)
  const account = new Account(() => time.now, trace)
  const topology = drawTopology(random)
  const end = random.chance(0.06) ? LONG_STORM : STORM
  const cast = new Cast(topology, time, seed, account, NAMES_OFFER)
  const schedule = new Schedule(seed, time, random, end, without, text => account.tell(`-- ${text}`))
  const stage: Stage = { time, random, account, cast, schedule }
  const workloads: readonly Workload[] = [
    new MailWorkload(stage),
    new NamesWorkload(stage),
    new FamilyWorkload(stage),
    new BooksWorkload(stage)
  ]
  const joined = (member: Member): void => {
    for (const workload of workloads) workload.joined(member)
  }

  const built = cast.build()
  await time.runTo(1_000)
  await built
  for (const member of [...cast.members]) joined(member)
  for (const workload of workloads) workload.plan()
  planStorm(stage, joined)
  await time.runTo(end)
  endStorm(stage)
  await time.runTo(end + CALM)
  account.tell('-- all should be quiet')
  for (const { from, way, link } of cast.links)
    if (from.alive && link.status !== 'connected') account.tell(`## ${from.name}-${way.to} is ${link.status}`)
  let checked = false
  const check = async (): Promise<void> => {
    for (const workload of workloads) await workload.check()
    checked = true
  }
  const checks = check()
  while (!checked && time.now < end + CALM + CHECKS) await time.runTo(time.now + 1_000)
  if (!checked) account.wrong('the checks at the end were not done in time')
  else await checks

  // Less than this ends no epoch, be it ever so often.
  const harmless = [...account.strikes].every(strike => HARMLESS.has(strike))
  if (harmless && cast.downAfter >= PATIENT && account.unreachable > 0)
    account.wrong('an epoch ended, and nothing had happened that is worth it')
  // Nor has what befalls a hub anything to say between two who have a connection of their own.
  const hubs = [...account.strikes].every(strike => HARMLESS.has(strike) || strike.startsWith('hub-'))
  for (const { from, to, as } of topology.ways) {
    if (as !== 'peer' || isHub(topology, from) || isHub(topology, to) || !hubs || cast.downAfter < PATIENT) continue
    if (account.apart.has(`${from} ${to}`))
      account.wrong(`${from} and ${to} lost each other, by a fault of their hub's`)
  }

  const { delivered, strikes, covered, unreachable, violations, hash, told } = account
  return {
    seed,
    topology: topology.shape,
    systems: topology.places.length,
    planned: schedule.all,
    delivered,
    strikes,
    covered,
    unreachable,
    violations,
    hash,
    trace: told
  }
}
