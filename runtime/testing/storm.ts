// What befalls the systems of a run and the networks between them, drawn from the seed and planned before it begins.

import type { Member } from './cast.ts'
import type { FaultyNetwork } from './faulty-network.ts'
import type { Strike } from './outcome.ts'
import type { Random } from './random.ts'
import { STORM, type Stage } from './stage.ts'
import { isHub } from './topology.ts'

/** The last moment, in virtual milliseconds, at which something happens. */
const LAST = STORM - 2_000

/** `joined` is told of systems that come up in the place of dead ones. */
export function planStorm(stage: Stage, joined: (member: Member) => void): void {
  const { random, cast } = stage
  const networks = [...cast.networks.values()]
  weather(random, networks)
  planNetworks(stage, networks)
  planProcesses(stage)
  planHubs(stage, joined)
  for (const [way, network] of cast.networks) {
    if (way.as !== 'peer') continue
    const switches = random.int(1, 6)
    for (let i = 0; i < switches; i++) {
      at(stage, 0, () => {
        stage.account.strike('path-switch')
        network.cut()
      })
    }
  }
}

/** Everything is fine from now on, and who sleeps awakes. The dead stay dead. */
export function endStorm({ cast }: Stage): void {
  for (const network of cast.networks.values()) network.mend()
  for (const member of cast.alive) member.clock.thaw()
}

function at({ time, random }: Stage, from: number, strike: () => void): void {
  time.after(random.int(from, LAST), strike)
}

function weather(random: Random, networks: readonly FaultyNetwork[]): void {
  if (random.chance(0.4)) for (const network of networks) network.weather.drop = random.next() * 0.15
  if (random.chance(0.4)) for (const network of networks) network.weather.repeat = random.next() * 0.2
  if (random.chance(0.4)) for (const network of networks) network.weather.stale = random.next() * 0.1
  if (random.chance(0.5)) for (const network of networks) network.weather.jitter = random.int(1, 300)
}

function planNetworks(stage: Stage, networks: readonly FaultyNetwork[]): void {
  const { random, time, account } = stage
  const times = (count: number, strike: (network: FaultyNetwork) => void): void => {
    for (let i = 0; i < count; i++) {
      const network = random.pick(networks)
      at(stage, 0, () => strike(network))
    }
  }
  if (random.chance(0.6)) times(random.int(1, 8), network => network.cut())
  if (random.chance(0.3)) {
    times(random.int(1, 3), network => {
      network.hold()
      const long = random.chance(0.3) ? random.int(8_000, 60_000) : random.int(10, 8_000)
      time.after(long, () => network.release())
    })
  }
  if (random.chance(0.25)) times(1, network => network.cutOneWay(random.pick([0, 1] as const)))
  if (random.chance(0.25)) {
    times(1, network => {
      account.strike('refuse')
      network.refuse(true)
      network.cut()
      time.after(random.int(500, 45_000), () => network.refuse(false))
    })
  }
}

function planProcesses(stage: Stage): void {
  const { random, cast } = stage
  if (random.chance(0.2)) {
    const { place } = random.pick(cast.members)
    at(stage, 0, () => freeze(stage, cast.at(place), 'freeze'))
  }
  if (random.chance(0.1)) {
    const member = random.pick(cast.members)
    at(stage, 5_000, () => crash(stage, member, 'crash'))
  }
}

/** Others reach each other through a hub: it sleeps, dies, or is started again and knows nothing of anybody. */
function planHubs(stage: Stage, joined: (member: Member) => void): void {
  const { random, time, cast } = stage
  const hubs = cast.members.filter(({ place }) => isHub(cast.topology, place))
  if (hubs.length === 0) return
  const hub = random.pick(hubs)
  if (random.chance(0.15)) at(stage, 0, () => freeze(stage, cast.at(hub.place), 'hub-freeze'))
  if (random.chance(0.1)) at(stage, 5_000, () => crash(stage, cast.at(hub.place), 'hub-crash'))
  if (!random.chance(0.3)) return
  const restarts = random.int(1, 2)
  for (let i = 0; i < restarts; i++) {
    at(stage, 1_000, () => {
      const before = cast.at(hub.place)
      if (!before.alive) return
      crash(stage, before, 'hub-restart')
      const away = Math.min(random.int(10, 15_000), LAST - time.now)
      time.after(away, () => void cast.restart(before).then(joined))
    })
  }
}

function freeze({ random, time, account }: Stage, member: Member, strike: Strike): void {
  if (!member.alive) return
  account.strike(strike)
  member.clock.freeze()
  time.after(random.int(100, 60_000), () => {
    if (member.alive) member.clock.thaw()
  })
}

function crash({ account, cast }: Stage, member: Member, strike: Strike): void {
  if (!member.alive) return
  account.strike(strike)
  cast.crash(member)
}
