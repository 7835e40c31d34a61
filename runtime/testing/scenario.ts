// One seed of the simulator: systems on a faulty network, a workload, a schedule of faults, and the promises checked at
// every delivery (P1 order, P2 no silent gap, P3 no duplicate, P5 watch) and at the end (everything settles).

import type { ActorSystem } from '../actor/actor-system.ts'
import { receive, setup } from '../actor/behavior.ts'
import type { Link } from '../actor/network.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'
import type { StopReason } from '../actor/watch.ts'
import { createSystem } from '../system.ts'
import { type Fault, FaultyNetwork } from './faulty-network.ts'
import { type Random, seeded } from './random.ts'
import { type VirtualClock, VirtualTime } from './virtual-time.ts'

/** Faults besides those of the network: a process that sleeps or dies, an actor that is slow, a hub that cannot be dialled. */
export type Strike = Fault | 'refuse' | 'freeze' | 'crash' | 'slow' | 'path-switch'

export interface Outcome {
  readonly seed: number
  readonly topology: Topology
  readonly delivered: number
  readonly strikes: ReadonlySet<Strike>
  /** Epochs that ended, so that mail may be missing: told to watchers, or it is a violation. */
  readonly unreachable: number
  readonly violations: readonly string[]
  /** Of everything that was delivered, in order: the same seed gives the same. */
  readonly hash: number
}

export type Topology = 'direct' | 'hub' | 'beside'

type Mail =
  | { type: 'greet'; who: AnyRef; key: string }
  | { type: 'count'; who: AnyRef; key: string; n: number; pad: Uint8Array | string }
  | { type: 'meet'; mortal: AnyRef; key: string; of: number }
  | { type: 'last'; key: string; n: number }
  | { type: 'echo'; value: number; replyTo: ActorRef<number> }

/** How long the faults go on, and how long everything then has to settle, in virtual milliseconds. */
const STORM = 40_000
const CALM = 90_000
const BURSTS = 60
const SLOW_CAPACITY = 16
/** Longer than a slow actor takes for a full mailbox, in virtual milliseconds. */
const BACKLOG = 1_000

interface Node {
  readonly name: string
  readonly system: ActorSystem
  readonly clock: VirtualClock
  readonly inbox: ActorRef<Mail>
  readonly self: AnyRef
  /** Messages that its inbox holds at most. */
  readonly capacity: number
  /** The last number it got of each sender. */
  readonly last: Map<string, number>
  alive: boolean
}

/** Runs one seed. Never rejects for what the runtime does wrong: that is in `violations`. */
export async function runSeed(seed: number): Promise<Outcome> {
  return new Scenario(seed).run()
}

class Scenario {
  readonly #seed: number
  readonly #time = new VirtualTime()
  readonly #random: Random
  readonly #strikes = new Set<Strike>()
  readonly #violations: string[] = []
  readonly #topology: Topology
  readonly #networks: FaultyNetwork[] = []
  readonly #nodes: Node[] = []
  readonly #links: Array<readonly [from: Node, link: Link]> = []
  readonly #downAfter: number
  readonly #numbers = new Map<string, number>()
  #delivered = 0
  #unreachable = 0
  #asks = { open: 0, settled: 0 }
  #hash = 0x811c9dc5
  #mortals = 0

  constructor(seed: number) {
    this.#seed = seed
    this.#random = seeded(seed)
    this.#topology = this.#random.pick(['direct', 'hub', 'beside'] as const)
    this.#downAfter = this.#random.chance(0.4) ? this.#random.int(500, 3_000) : this.#random.int(4_000, 30_000)
  }

  async run(): Promise<Outcome> {
    const connected = this.#build()
    await this.#time.runTo(1_000)
    await connected
    this.#greet()
    this.#planWork()
    this.#planFaults()
    await this.#time.runTo(STORM)
    for (const network of this.#networks) network.mend()
    for (const node of this.#nodes) if (node.alive) node.clock.thaw()
    await this.#time.runTo(STORM + CALM)
    await this.#checkEnd()
    return {
      seed: this.#seed,
      topology: this.#topology,
      delivered: this.#delivered,
      strikes: this.#strikes,
      unreachable: this.#unreachable,
      violations: this.#violations,
      hash: this.#hash
    }
  }

  // the cast ------------------------------------------------------------------------------------------------------------

  async #build(): Promise<void> {
    const ends = { direct: ['b'], hub: ['h'], beside: ['h', 'b'] }[this.#topology]
    const a = this.#node('a')
    const b = this.#node('b')
    const h = ends.includes('h') ? this.#node('h') : undefined
    const links: Promise<unknown>[] = []
    const link = async (from: Node, to: Node, as: 'below' | 'peer'): Promise<void> => {
      const network = new FaultyNetwork(this.#time, this.#random, fault => this.#strike(fault), [from.clock, to.clock])
      this.#networks.push(network)
      await to.system.listen(network.listener, { trust: 'guest', downAfter: this.#downAfter })
      const backoff = { min: 50, max: 1_000 }
      const made = await from.system.connect(network.transport, { within: 60_000, backoff, as })
      // Of a link beside the hub's, `pending` tells of the one peer only.
      if (as === 'below') this.#links.push([from, made])
    }
    if (h === undefined) links.push(link(a, b, 'below'))
    else {
      links.push(link(a, h, 'below'), link(b, h, 'below'))
      if (this.#topology === 'beside') links.push(link(a, b, 'peer'))
    }
    await Promise.all(links)
  }

  #node(name: string): Node {
    const clock = this.#time.clock()
    const random = this.#random
    const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
    const system = createSystem({
      label: name,
      clock,
      random: random.next,
      entropy: random.bytes,
      logger: quiet,
      copyMessages: random.chance(0.2)
    })
    const slow = random.chance(0.25)
    if (slow) this.#strike('slow')
    const capacity = slow ? SLOW_CAPACITY : Number.POSITIVE_INFINITY
    const last = new Map<string, number>()
    const inbox = system.spawn(this.#receiver(name, clock, slow, last), slow ? { mailbox: { capacity } } : {})
    const self = system.spawn(receive(0, (state: number, _message: never) => state)) as AnyRef
    const node: Node = { name, system, clock, inbox, self, capacity, last, alive: true }
    this.#nodes.push(node)
    return node
  }

  /** Checks as it receives. A gap is allowed only where the end of an epoch was heard between the two messages. */
  #receiver(name: string, clock: VirtualClock, slow: boolean, last: Map<string, number>) {
    return setup<Mail>(ctx => {
      const senders = new Map<AnyRef, string>()
      const excused = new Set<string>()
      /** When a sender was watched again: what lay in the mailbox by then may be of an epoch whose end nobody watched for. */
      const since = new Map<string, number>()
      /** Nodes to which an epoch has ended. */
      const ended = new Set<string>()
      const mortals = new Map<AnyRef, { key: string; of: number }>()
      const heard = new Map<string, number>()
      return {
        receive: message => {
          this.#delivered += 1
          switch (message.type) {
            case 'count': {
              const { key, n, who } = message
              this.#note(`${name}<${key}:${n}`)
              const before = last.get(key) ?? 0
              if (n <= before) this.#wrong(`${name} got ${key}:${n} after ${key}:${before}`)
              else if (n > before + 1 && !excused.has(key)) {
                this.#wrong(`${name} got ${key}:${n} after ${key}:${before} and heard of no end between`)
              }
              if (!senders.has(who)) {
                senders.set(who, key)
                since.set(key, this.#time.now)
                ctx.watch(who)
              }
              if (this.#time.now - (since.get(key) ?? Number.NEGATIVE_INFINITY) > BACKLOG) excused.delete(key)
              last.set(key, Math.max(n, before))
              break
            }
            case 'greet':
              senders.set(message.who, message.key)
              ctx.watch(message.who)
              break
            case 'meet':
              mortals.set(message.mortal, message)
              ctx.watch(message.mortal)
              break
            case 'last': {
              const before = heard.get(message.key) ?? 0
              if (message.n !== before + 1) this.#wrong(`${name} got ${message.key}:${message.n} after ${before}`)
              heard.set(message.key, message.n)
              break
            }
            case 'echo':
              message.replyTo.send(message.value)
              break
            default:
              message satisfies never
          }
          return slow ? new Promise<void>(resolve => void clock.timer(3, resolve)) : undefined
        },
        stopped: (ref: AnyRef, reason: StopReason) => {
          const key = senders.get(ref)
          const mortal = mortals.get(ref)
          if (key !== undefined) {
            senders.delete(ref)
            this.#note(`${name}!${key}:${reason.kind}`)
            if (reason.kind === 'unreachable') {
              this.#unreachable += 1
              excused.add(key)
              ended.add(key[0] as string)
            } else this.#wrong(`${name} heard ${reason.kind} of ${key}, which lives`)
          } else if (mortal !== undefined) {
            mortals.delete(ref)
            this.#note(`${name}!${mortal.key}:${reason.kind}`)
            const got = heard.get(mortal.key) ?? 0
            // Met after an epoch had ended, it may have said all in that one.
            const told = reason.kind === 'done' || (reason.kind === 'unknown' && !ended.has(mortal.key[0] as string))
            if (told && got !== mortal.of) {
              this.#wrong(
                `${name} heard the end of ${mortal.key} (${reason.kind}) after ${got} of its ${mortal.of} messages`
              )
            }
          } else this.#wrong(`${name} heard twice of an end`)
        }
      }
    })
  }

  /** Everybody watches everybody from the start, so that the end of an epoch is heard even by who never got anything in it. */
  #greet(): void {
    for (const node of this.#nodes) {
      for (const other of this.#nodes) {
        if (other === node) continue
        const who = node.system.ref(other.self.address) as AnyRef
        node.inbox.send({ type: 'greet', who, key: `${other.name}${node.name}` })
      }
    }
  }

  // what they do --------------------------------------------------------------------------------------------------------

  #planWork(): void {
    const random = this.#random
    for (let i = 0; i < BURSTS; i++) {
      this.#time.after(random.int(0, STORM - 5_000), () => this.#burst())
    }
    for (let at = 500; at < STORM; at += 500) this.#time.after(at, () => this.#checkAcknowledged())
    for (let i = 0; i < 8; i++) {
      this.#time.after(random.int(0, STORM - 5_000), () => this.#mortal())
      this.#time.after(random.int(0, STORM - 5_000), () => this.#ask(20_000))
    }
  }

  #couple(): readonly [Node, ActorRef<Mail>, string] | undefined {
    const from = this.#random.pick(this.#nodes)
    const others = this.#nodes.filter(node => node !== from)
    const to = this.#random.pick(others)
    if (!from.alive) return undefined
    return [from, from.system.ref<Mail>(to.inbox.address), `${from.name}${to.name}`]
  }

  #burst(): void {
    const random = this.#random
    const couple = this.#couple()
    const size = random.int(5, 45)
    const heavy = random.chance(0.1)
    if (couple === undefined) return
    const [from, to, key] = couple
    const who = from.system.ref(from.self.address) as AnyRef
    for (let i = 0; i < size; i++) {
      const n = (this.#numbers.get(key) ?? 0) + 1
      const pad = heavy && random.chance(0.2) ? 'x'.repeat(random.int(1_000, 150_000)) : random.bytes(random.int(0, 40))
      if (!to.send({ type: 'count', who, key, n, pad })) break
      this.#numbers.set(key, n)
    }
  }

  #mortal(): void {
    const couple = this.#couple()
    const of = this.#random.int(0, 12)
    if (couple === undefined) return
    const [from, to] = couple
    const key = `${from.name}-mortal-${this.#mortals++}`
    const mortal = from.system.spawn(
      setup<{ type: 'die' }>(ctx => ({
        receive: () => {
          for (let n = 1; n <= of; n++) to.send({ type: 'last', key, n })
          ctx.stop()
        }
      }))
    )
    to.send({ type: 'meet', mortal: mortal as AnyRef, key, of })
    this.#time.after(this.#random.int(0, 2_000), () => mortal.send({ type: 'die' }))
  }

  #ask(within: number): void {
    const couple = this.#couple()
    const value = this.#random.int(0, 1_000_000)
    if (couple === undefined) return
    const [from, to] = couple
    this.#asks.open += 1
    to.ask({ type: 'echo', value }, { within }).then(
      answer => {
        this.#asks.settled += 1
        if (answer !== value) this.#wrong(`${from.name} asked ${value} and was answered ${answer}`)
      },
      () => {
        this.#asks.settled += 1
      }
    )
  }

  // what befalls them ---------------------------------------------------------------------------------------------------

  #planFaults(): void {
    const random = this.#random
    const end = STORM - 2_000
    const times = (count: number, strike: (network: FaultyNetwork) => void): void => {
      for (let i = 0; i < count; i++) {
        const network = random.pick(this.#networks)
        this.#time.after(random.int(0, end), () => strike(network))
      }
    }
    if (random.chance(0.4)) for (const network of this.#networks) network.weather.drop = random.next() * 0.15
    if (random.chance(0.4)) for (const network of this.#networks) network.weather.repeat = random.next() * 0.2
    if (random.chance(0.4)) for (const network of this.#networks) network.weather.stale = random.next() * 0.1
    if (random.chance(0.5)) for (const network of this.#networks) network.weather.jitter = random.int(1, 300)
    if (random.chance(0.6)) times(random.int(1, 8), network => network.cut())
    if (random.chance(0.3)) {
      times(random.int(1, 3), network => {
        network.hold()
        this.#time.after(random.chance(0.3) ? random.int(8_000, 60_000) : random.int(10, 8_000), () =>
          network.release()
        )
      })
    }
    if (random.chance(0.25)) times(1, network => network.cutOneWay(random.pick([0, 1] as const)))
    if (random.chance(0.25)) {
      times(1, network => {
        this.#strike('refuse')
        network.refuse(true)
        network.cut()
        this.#time.after(random.int(500, 45_000), () => network.refuse(false))
      })
    }
    if (random.chance(0.2)) {
      const node = random.pick(this.#nodes)
      this.#time.after(random.int(0, end), () => {
        if (!node.alive) return
        this.#strike('freeze')
        node.clock.freeze()
        this.#time.after(random.int(100, 60_000), () => node.clock.thaw())
      })
    }
    if (random.chance(0.1)) {
      const node = random.pick(this.#nodes)
      this.#time.after(random.int(5_000, end), () => {
        this.#strike('crash')
        node.alive = false
        node.clock.freeze()
      })
    }
    if (this.#topology === 'beside') {
      const direct = this.#networks[2] as FaultyNetwork
      const switches = random.int(1, 6)
      for (let i = 0; i < switches; i++) {
        this.#time.after(random.int(0, end), () => {
          this.#strike('path-switch')
          direct.cut()
        })
      }
    }
  }

  // what is checked -----------------------------------------------------------------------------------------------------

  async #checkEnd(): Promise<void> {
    const alive = this.#nodes.filter(node => node.alive)
    const crashed = alive.length < this.#nodes.length
    if (!crashed) {
      if (this.#unreachable === 0) this.#checkComplete()
      // The first contact may find that the other side has ended an epoch that is still open here; the second may not.
      const echo = async (from: Node, to: Node): Promise<number> => {
        const ask = () => from.system.ref<Mail>(to.inbox.address).ask({ type: 'echo', value: 7 }, { within: 30_000 })
        return ask().catch(ask)
      }
      const answers = alive.flatMap(from => alive.filter(to => to !== from).map(to => echo(from, to)))
      const settled = Promise.allSettled(answers)
      await this.#time.runTo(STORM + CALM + 90_000)
      for (const answer of await settled) {
        if (answer.status === 'rejected') this.#wrong(`after the storm an ask still fails: ${String(answer.reason)}`)
      }
    }
    const open = this.#asks.open - this.#asks.settled
    if (open > 0 && !crashed) this.#wrong(`${open} asks never settled`)
  }

  /** While no epoch has ended, everything that was taken has been received. */
  #checkComplete(): void {
    for (const [key, n] of this.#numbers) {
      const to = this.#nodes.find(node => node.name === key[1]) as Node
      const got = to.last.get(key) ?? 0
      if (got !== n) this.#wrong(`${n} messages ${key} were taken, and when all was quiet ${got} had arrived`)
    }
  }

  /** What is acknowledged has been handed over: it was handled, is in hand, or lies in the mailbox. */
  #checkAcknowledged(): void {
    if (this.#unreachable > 0) return
    for (const [from, link] of this.#links) {
      if (link.pending > 0 || !from.alive) continue
      for (const to of this.#nodes) {
        const key = `${from.name}${to.name}`
        const beside = this.#topology === 'beside' && (key === 'ab' || key === 'ba')
        if (to === from || beside) continue
        const missing = (this.#numbers.get(key) ?? 0) - (to.last.get(key) ?? 0)
        if (missing > to.capacity + 1) this.#wrong(`all ${key} is acknowledged, and ${missing} have not been handled`)
      }
    }
  }

  #strike(strike: Strike): void {
    this.#strikes.add(strike)
  }

  #wrong(what: string): void {
    if (this.#violations.length < 20) this.#violations.push(`${Math.round(this.#time.now)} ms: ${what}`)
  }

  #note(text: string): void {
    for (let i = 0; i < text.length; i++) this.#hash = Math.imul(this.#hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  }
}
