// What befalls the systems of a run and the networks between them, drawn from the seed and planned before it begins.

import type { Member } from './cast.ts'
import type { FaultyNetwork } from './faulty-network.ts'
import type { Strike } from './outcome.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'
import { isHub } from './topology.ts'

/** Nothing is planned for the last of the storm, in virtual milliseconds. */
const BEFORE = 2_000

/** `joined` is told of systems that come up in the place of dead ones. */
export function planStorm(stage: Stage, joined: (member: Member) => void): void {
  const { random, cast } = stage
  weather(random, [...cast.networks.values()])
  planCuts(stage)
  planSilence(stage)
  planPaths(stage)
  planProcesses(stage, joined)
  planHubs(stage, joined)
}

/** Everything is fine from now on, and who sleeps awakes. The dead stay dead. */
export function endStorm({ cast }: Stage): void {
  for (const network of cast.networks.values()) network.mend()
  for (const member of cast.alive) member.clock.thaw()
}

function weather(random: Random, networks: readonly FaultyNetwork[]): void {
  const [drop, repeat, stale, jitter, delay] = [0.4, 0.4, 0.4, 0.5, 0.4].map(chance => random.chance(chance))
  for (const network of networks) {
    if (drop) network.weather.drop = random.next() * 0.15
    if (repeat) network.weather.repeat = random.next() * 0.2
    if (stale) network.weather.stale = random.next() * 0.1
    if (jitter) network.weather.jitter = random.int(1, 300)
    if (delay) network.weather.delay = random.int(1, 80)
  }
}

/** Something that befalls some of the networks, at any time. */
function times(
  { random, cast, schedule }: Stage,
  count: number,
  text: string,
  strike: (network: FaultyNetwork, random: Random) => void
): void {
  for (let i = 0; i < count; i++) {
    const [way, network] = random.pick([...cast.networks])
    schedule.plan(`${text} ${way.from}-${way.to}`, 0, BEFORE, own => strike(network, own))
  }
}

function planCuts(stage: Stage): void {
  const { random, time, account } = stage
  if (random.chance(0.5)) times(stage, random.int(1, 6), 'cut', network => network.cut())
  if (random.chance(0.4)) {
    const cut = (network: FaultyNetwork, own: Random): void => network.cutIn(own.int(1, 40), own.chance(0.5))
    times(stage, random.int(1, 6), 'cut at a frame', cut)
  }
  if (!random.chance(0.25)) return
  times(stage, 1, 'refuse', (network, own) => {
    account.strike('refuse')
    network.refuse(true)
    network.cut()
    time.after(own.int(500, 45_000), () => network.refuse(false))
  })
}

/** What nobody is told of, or not everybody. */
function planSilence(stage: Stage): void {
  const { random, time } = stage
  if (random.chance(0.3)) {
    times(stage, random.int(1, 3), 'hold', (network, own) => {
      network.hold()
      time.after(own.chance(0.3) ? own.int(8_000, 60_000) : own.int(10, 8_000), () => network.release())
    })
  }
  if (random.chance(0.2)) times(stage, 1, 'one way is cut', (network, own) => network.cutOneWay(own.pick([0, 1])))
  if (random.chance(0.25)) times(stage, random.int(1, 2), 'half open', (net, own) => net.halfOpen(own.pick([0, 1])))
  if (random.chance(0.2)) planPartition(stage)
}

/** Some systems and the others do not hear each other for a while. */
function planPartition({ random, time, account, cast, schedule }: Stage): void {
  const side = new Set(cast.topology.places.filter(() => random.chance(0.4)))
  const between = [...cast.networks].filter(([{ from, to }]) => side.has(from) !== side.has(to)).map(([, net]) => net)
  const lost = random.chance(0.5)
  if (between.length === 0) return
  schedule.plan(`partition of ${[...side].join(' ')}`, 0, BEFORE, own => {
    account.strike('partition')
    for (const network of between) {
      network.hold()
      network.refuse(true)
    }
    time.after(own.int(500, 40_000), () => {
      for (const network of between) {
        if (lost) network.cut()
        network.refuse(false)
        network.release()
      }
    })
  })
}

/** Pairs that have two paths change between them. */
function planPaths(stage: Stage): void {
  const { random, cast, account, schedule } = stage
  for (const [way, network] of cast.networks) {
    if (way.as !== 'peer') continue
    for (let left = random.int(1, 6); left > 0; left--) {
      schedule.plan(`path switch ${way.from}-${way.to}`, 0, BEFORE, own => {
        account.strike('path-switch')
        if (own.chance(0.4)) network.cut()
        else network.leaveIn(own.int(1, 10))
      })
    }
  }
}

function planProcesses(stage: Stage, joined: (member: Member) => void): void {
  const { random, cast, schedule, account } = stage
  if (random.chance(0.25)) planPause(stage, random.pick(cast.members).place, 'pause')
  if (random.chance(0.12)) planCrash(stage, random.pick(cast.members).place, 'crash')
  if (random.chance(0.15)) planRestart(stage, random.pick(cast.members).place, 'restart', joined)
  if (!random.chance(0.15)) return
  const { place } = random.pick(cast.members)
  const by = random.int(-86_400_000, 86_400_000)
  schedule.plan(`the wall clock of ${place} jumps by ${by} ms`, 0, BEFORE, () => {
    account.strike('wall-jump')
    cast.at(place).clock.jump(by)
  })
}

/** Others reach each other through a hub: it sleeps, dies, or is started again and knows nothing of anybody. */
function planHubs(stage: Stage, joined: (member: Member) => void): void {
  const { random, cast } = stage
  const hubs = cast.members.filter(({ place }) => isHub(cast.topology, place))
  if (hubs.length === 0) return
  const { place } = random.pick(hubs)
  if (random.chance(0.15)) planPause(stage, place, 'hub-pause')
  if (random.chance(0.15)) planCrash(stage, place, 'hub-crash')
  if (!random.chance(0.3)) return
  for (let left = random.int(1, 2); left > 0; left--) planRestart(stage, place, 'hub-restart', joined)
}

function planPause({ random, time, account, cast, schedule }: Stage, place: string, strike: Strike): void {
  const most = Math.min(120_000, schedule.end)
  const long = random.int(1_000, random.chance(0.3) ? most : Math.min(most, 20_000))
  const monotonic = random.chance(0.4)
  schedule.plan(`${strike} of ${place} for ${long} ms${monotonic ? ', its clock stands' : ''}`, 0, BEFORE, () => {
    const member = cast.at(place)
    if (!member.alive) return
    account.strike(strike)
    if (monotonic) account.strike('clock-stop')
    member.clock.freeze(monotonic)
    time.after(long, () => {
      if (member.alive) member.clock.thaw()
    })
  })
}

function planCrash({ account, cast, schedule }: Stage, place: string, strike: Strike): void {
  schedule.plan(`${strike} of ${place}`, 5_000, BEFORE, () => {
    const member = cast.at(place)
    if (!member.alive) return
    account.strike(strike)
    cast.crash(member)
  })
}

function planRestart(
  { time, account, cast, schedule }: Stage,
  place: string,
  strike: Strike,
  joined: (member: Member) => void
): void {
  schedule.plan(`${strike} of ${place}`, 1_000, BEFORE, own => {
    const before = cast.at(place)
    if (!before.alive) return
    account.strike(strike)
    cast.crash(before)
    const away = Math.min(own.int(10, 15_000), schedule.end - BEFORE - time.now)
    time.after(away, () => void cast.restart(before).then(joined))
  })
}
