// The systems of a run of the simulator and the networks between them, as a topology says. A system may die and another may
// come up in its place.

import type { ActorSystem } from '../actor/actor-system.ts'
import type { Link, ListenOptions } from '../actor/network.ts'
import { OPENING, RESEND, ROUTE_BYTES, UNHEARD } from '../peer/frame.ts'
import { createSystem } from '../system.ts'
import { type Fault, FaultyNetwork } from './faulty-network.ts'
import type { Account } from './outcome.ts'
import { branch, seeded } from './random.ts'
import { areBeside, isHub, route, type Topology, type Way } from './topology.ts'
import type { VirtualClock, VirtualTime } from './virtual-time.ts'

const SECRET = 'the secret of the simulator'
const BACKOFF = { min: 50, max: 1_500 }

export interface Member {
  /** No two have the same, not even one after the other. */
  readonly name: string
  readonly place: string
  readonly system: ActorSystem
  readonly clock: VirtualClock
  alive: boolean
}

/** What listeners offer to guests, beside the figures of the run. */
export type Offer = Pick<ListenOptions, 'expose' | 'authorize'>

/** What an association does, by the head of a frame that it sends. */
function phase(frame: Uint8Array): string {
  return PHASES[(frame[ROUTE_BYTES] ?? 0) * 8 + ((frame[ROUTE_BYTES + 1] ?? 0) & 7)] ?? 'association: unknown'
}

const PHASES = ['', 'batch', 'ack', 'sync', 'ended', 'goodbye'].flatMap(kind =>
  [0, 1, 2, 3, 4, 5, 6, 7].map(flags => {
    const opening = (flags & OPENING) === 0 ? '' : (flags & UNHEARD) === 0 ? ' opening' : ' opening unheard'
    return `association: ${kind}${opening}${(flags & RESEND) === 0 ? '' : ' resend'}`
  })
)

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

export class Cast {
  readonly topology: Topology
  /** All that ever were, in the order in which they came up. */
  readonly members: Member[] = []
  readonly networks = new Map<Way, FaultyNetwork>()
  readonly links: Array<{ readonly from: Member; readonly way: Way; readonly link: Link }> = []
  readonly #time: VirtualTime
  readonly #seed: number
  readonly #account: Account
  readonly downAfter: number
  readonly #offer: Offer

  constructor(topology: Topology, time: VirtualTime, seed: number, account: Account, offer: Offer) {
    const random = seeded(branch(seed, 'cast'))
    this.topology = topology
    this.#time = time
    this.#seed = seed
    this.#account = account
    this.#offer = offer
    this.downAfter = random.chance(0.25) ? random.int(1_500, 4_000) : random.int(4_000, 30_000)
  }

  /** Resolves when all are connected. */
  async build(): Promise<void> {
    for (const place of this.topology.places) this.#make(place)
    for (const way of this.topology.ways) {
      const clocks = [this.at(way.from).clock, this.at(way.to).clock] as const
      const hubs = isHub(this.topology, way.from) && isHub(this.topology, way.to)
      const struck = (fault: Fault): void => {
        this.#account.strike(fault)
        if (fault === 'cut' && hubs) this.#account.strike('cut-between-hubs')
      }
      const random = seeded(branch(this.#seed, `${way.from}-${way.to}`))
      this.networks.set(
        way,
        new FaultyNetwork(this.#time, random, struck, clocks, frame => this.#account.cover(phase(frame)))
      )
    }
    for (const way of this.topology.ways) await this.#listen(way)
    await Promise.all(this.topology.ways.map(way => this.#connect(way, 60_000)))
  }

  get alive(): Member[] {
    return this.members.filter(({ alive }) => alive)
  }

  /** Who is at a place now, or was the last. */
  at(place: string): Member {
    return this.members.findLast(each => each.place === place) as Member
  }

  /** The networks that a system is on. */
  networksOf({ place }: Member): FaultyNetwork[] {
    return [...this.networks].filter(([{ from, to }]) => from === place || to === place).map(([, network]) => network)
  }

  /** Whether there is a way between two that live, over others that live. */
  joined(one: Member, other: Member): boolean {
    if (!one.alive || !other.alive) return false
    if (areBeside(this.topology, one.place, other.place)) return true
    const ways = route(this.topology, one.place, other.place)
    return ways.every(({ from, to }) => this.at(from).alive && this.at(to).alive)
  }

  /** It stops in the middle of everything, and nobody is told. */
  crash(member: Member): void {
    member.alive = false
    member.clock.freeze()
  }

  /** Another system where one has died: the machine tells those who were connected that it knows nothing of them. */
  async restart({ place }: Member): Promise<Member> {
    const member = this.#make(place)
    const ways = this.topology.ways.filter(({ from, to }) => from === place || to === place)
    for (const way of ways) {
      const network = this.networks.get(way) as FaultyNetwork
      network.cut()
      network.replace(way.from === place ? 0 : 1, member.clock)
    }
    for (const way of ways) if (way.to === place) await this.#listen(way)
    // Who is dialled may be gone for good, and then this waits to the end of the run.
    for (const way of ways) if (way.from === place) void this.#connect(way, 600_000).catch(() => {})
    return member
  }

  #make(place: string): Member {
    const clock = this.#time.clock()
    const life = this.members.filter(each => each.place === place).length + 1
    const name = life === 1 ? place : `${place}.${life}`
    const random = seeded(branch(this.#seed, name))
    const system = createSystem({
      label: name,
      clock,
      random: random.next,
      entropy: random.bytes,
      logger: quiet,
      copyMessages: random.chance(0.2)
    })
    const member = { name, place, system, clock, alive: true }
    this.members.push(member)
    return member
  }

  async #listen(way: Way): Promise<void> {
    const { listener } = this.networks.get(way) as FaultyNetwork
    const downAfter = this.downAfter
    const options: ListenOptions =
      way.trust === 'node'
        ? { trust: { node: { secret: SECRET } }, downAfter }
        : { trust: 'guest', downAfter, ...this.#offer }
    await this.at(way.to).system.listen(listener, options)
  }

  async #connect(way: Way, within: number): Promise<void> {
    const { transport } = this.networks.get(way) as FaultyNetwork
    const from = this.at(way.from)
    const secret = way.trust === 'node' ? { secret: SECRET } : {}
    const link = await from.system.connect(transport, { ...secret, within, backoff: BACKOFF, as: way.as })
    this.links.push({ from, way, link })
    link.onStatus((status, why) => {
      const because = why === undefined ? '' : `: ${why.code} ${why.message}`
      this.#account.tell(`${from.name}-${way.to} is ${status}${because}`)
      this.#account.cover(`link: ${status}`)
    })
  }
}
