import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import {
  type ActorName,
  type ActorRef,
  type ActorSystem,
  actorName,
  createSystem,
  type Gateway,
  type SystemOptions,
  setup
} from '../../../runtime/index.ts'
import { INITIAL_CREDIT } from '../../../runtime/peer/epoch.ts'
import { Item } from '../../../runtime/peer/items.ts'
import { FLOOR, type Memory } from '../../../runtime/peer/memory.ts'
import type { System } from '../../../runtime/system.ts'
import { memory } from '../../../transports/memory.ts'
import { type Echo, echo, gate, noting, stuck, turn, until } from '../../suites/any-ref/cast.ts'
import { type HandClock, handClock } from '../../support/hand-clock.ts'
import { quiet } from '../../support/quiet.ts'
import { items, rawGuest, relayed } from '../../support/raw-peer.ts'

type Mail = { from: number; n: number; body: string }

const MIB = 2 ** 20
const Slow = actorName<Mail>('slow')
const Quick = actorName<Echo>('quick')
const Stream = actorName<{ to: ActorRef<string>; replyTo: ActorRef<true> }>('stream')

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

describe('a memory budget', () => {
  let clock: HandClock
  let hub: ActorSystem
  let guests: ReturnType<typeof memory>
  let nodes: ReturnType<typeof memory>
  let gateway: Gateway
  let systems: ActorSystem[]
  let seen: Mail[]
  let open: () => void

  beforeEach(() => {
    clock = handClock()
    systems = []
    seen = []
    guests = memory()
    nodes = memory()
  })

  afterEach(async () => {
    open()
    const over = Promise.all([hub, ...systems].map(system => system.shutdown({ within: 100 })))
    await pass(5_000)
    await over
  })

  const secret = 'the secret of all nodes'
  const start = async (options: SystemOptions): Promise<void> => {
    hub = createSystem({ label: 'hub', clock, logger: quiet, ...options })
    const door = gate()
    open = door.open
    hub.spawn(stuck(seen, door.opened), { name: Slow })
    hub.spawn(echo(), { name: Quick })
    gateway = await hub.listen(guests.listener, {
      trust: 'guest',
      expose: [Slow, Quick, Stream].map(name => ({ name, unchecked: true as const })),
      limits: { pendingHandshakes: 1_000 }
    })
    await hub.listen(nodes.listener, { trust: { node: { secret } } })
  }
  const idOf = (name: ActorName<Mail>): string => {
    const { address } = hub.find(name) as ActorRef<Mail>
    return address.slice(address.indexOf('/') + 1)
  }
  const held = (): Memory => (hub as System).memory
  const pass = async (time: number): Promise<void> => {
    for (let passed = 0; passed < time; passed += 250) {
      clock.advance(250)
      for (let n = 0; n < 4; n++) await turn()
    }
  }
  /** Lets time pass until it holds. */
  const within = async (time: number, holds: () => boolean, what: string): Promise<void> => {
    for (let passed = 0; passed < time && !holds(); passed += 250) await pass(250)
    expect(holds(), what).to.equal(true)
  }
  const guest = async (label: string): Promise<ActorSystem> => {
    const system = createSystem({ label, clock, logger: quiet })
    systems.push(system)
    await system.connect(guests.transport, { backoff: { min: 10, max: 20 } })
    return system
  }
  const node = async (): Promise<ActorSystem> => {
    const system = createSystem({ label: 'node', clock, logger: quiet })
    systems.push(system)
    await system.connect(nodes.transport, { secret })
    return system
  }
  const body = 'x'.repeat(1_000)
  /** As much as each window takes, of so many guests at once. */
  const flood = async (count: number, each: number): Promise<void> => {
    const floods = Array.from({ length: count }, async (_, from) => {
      const slow = await (await guest(`flood ${from}`)).lookup(Slow)
      for (let n = 0; n < each; n++) expect(slow.send({ from, n, body })).to.equal(true)
    })
    let done = false
    void Promise.all(floods).then(() => {
      done = true
    })
    await until(() => done, 'all are sent')
  }
  /** What came of each, in order and without a gap. */
  const expectAll = (count: number, each: number): void => {
    const next = new Array<number>(count).fill(0)
    for (const { from, n } of seen) {
      expect(n).to.equal(next[from])
      next[from] = n + 1
    }
    expect(next).to.deep.equal(new Array<number>(count).fill(each))
  }

  it('holds while 200 guests fill their windows; one beside is served; then everything arrives, once and in order', async () => {
    await start({ memoryBudget: 8 * MIB })
    const good = await guest('good')
    const quick = await good.lookup(Quick)
    await flood(200, INITIAL_CREDIT / 1_024 + 50)
    let most = 0
    for (let round = 0; round < 40; round++) {
      await pass(250)
      const asked = quick.ask({ type: 'echo', value: round })
      for (let n = 0; n < 20; n++) await turn()
      expect(await asked).to.equal(round)
      most = Math.max(most, held().taken)
    }
    expect(held().guests).to.be.greaterThan(4 * MIB - FLOOR)
    expect(most).to.be.at.most(6 * MIB)
    open()
    await within(120_000, () => seen.length === 200 * 306, 'all of it arrives')
    expectAll(200, 306)
    await within(10_000, () => held().taken === 0, 'nothing is held any more')
  })

  it('is what the process takes, about, whatever strangers send', async () => {
    await start({ memoryBudget: 16 * MIB })
    const id = idOf(Slow)
    const peers = await Promise.all(Array.from({ length: 200 }, () => rawGuest(guests.transport)))
    const before = footprint()
    for (let seq = 1; seq <= 16; seq++) {
      for (const peer of peers) {
        const mail = items(write => {
          for (let n = 0; n < 15; n++) {
            write.u8(Item.send)
            write.varint(0)
            write.utf8(id)
            write.message({ from: 0, n, body })
          }
        })
        peer.send(relayed(peer.identity.id, hub.id, { seq }, mail))
        peer.frames.length = 0
      }
      await turn()
    }
    await until(() => held().guests > 8 * MIB, 'half of it is used')
    expect(held().taken).to.be.at.most(12 * MIB)
    // Buffers are given back some time after they were collected.
    await until(() => footprint() - before <= 24 * MIB, 'what the process takes')
  })

  it('is not used up by guests for nodes', async () => {
    await start({ memoryBudget: 4 * MIB })
    const seenOfNode: unknown[] = []
    const Sink = actorName<unknown>('sink')
    hub.spawn(noting(seenOfNode), { name: Sink })
    await flood(30, 300)
    await pass(1_000)
    const system = await node()
    const sink = await system.lookup(Sink)
    for (let n = 0; n < 500; n++) expect(sink.send({ n, body })).to.equal(true)
    for (let n = 0; n < 50; n++) await turn()
    expect(seenOfNode.length).to.equal(500)
    expect(seen.length).to.equal(0)
  })

  it('lets nobody new in when it is used up, and those who have a place come back', async () => {
    await start({ memoryBudget: MIB })
    await flood(1, 100)
    await pass(500)
    const more = held().account(true)
    more.take(MIB)
    const late = createSystem({ label: 'late', clock, logger: quiet })
    systems.push(late)
    const arriving = late.connect(guests.transport, { within: 60_000, backoff: { min: 100, max: 100 } })
    await pass(1_000)
    guests.network.cut()
    await pass(1_000)
    expect([...gateway.peers].map(({ label, status }) => [label, status])).to.deep.equal([['flood 0', 'connected']])
    more.give(MIB)
    await within(5_000, () => gateway.peers.size === 2, 'the new one comes in')
    await arriving
  })

  it('refuses what this system sends to guests who do not take it, with pressure, and not the answers', async () => {
    await start({ memoryBudget: 4 * MIB })
    const away = await rawGuest(guests.transport)
    const good = await guest('good')
    const got: string[] = []
    const stream: Array<ActorRef<string>> = []
    hub.spawn(
      setup<{ to: ActorRef<string>; replyTo: ActorRef<true> }>(() => ({
        receive({ to, replyTo }) {
          stream.push(to)
          replyTo.send(true)
        }
      })),
      { name: Stream }
    )
    const door = await good.lookup(Stream)
    await door.ask({ to: good.spawn(noting(got)) } as never)
    // One that never acknowledges what is sent to it.
    const lost = (hub as System).revive(`actor:${away.identity.id}/nobody`) as unknown as ActorRef<string>
    let taken = 0
    while (lost.send(body) && taken < 10_000) taken += 1
    expect(taken).to.be.within(1_900, 2_200)
    expect(lost.pressed).to.equal(true)
    expect(held().guests).to.be.at.most(3 * MIB)
    const [to] = stream as [ActorRef<string>]
    for (let n = 0; n < 20; n++) expect(to.send(body)).to.equal(true)
    for (let n = 0; n < 20; n++) await turn()
    expect(got.length).to.equal(20)
    const ready = to.ready({ within: 100_000 })
    away.close()
    await pass(60_000)
    await ready
    expect(held().taken).to.equal(0)
  })

  it('carries a message in parts to its end, however short memory becomes meanwhile, and begins none', async () => {
    await start({ memoryBudget: 2 * MIB })
    const large = items(write => {
      write.u8(Item.send)
      write.varint(0)
      write.utf8(idOf(Slow))
      write.message({ from: 0, n: 0, body: 'y'.repeat(300_000) })
    })
    const part = (at: number): Uint8Array => {
      const head = items(write => {
        write.u8(Item.chunk)
        write.varint(0)
        write.varint(large.length - at)
      })
      return Uint8Array.from([...head, ...large.subarray(at, at + 60_000)])
    }
    const first = await rawGuest(guests.transport)
    const send = (seq: number): void =>
      first.send(relayed(first.identity.id, hub.id, { seq }, part((seq - 1) * 60_000)))
    open()
    const second = await (await guest('second')).lookup(Slow)
    send(1)
    await until(() => held().guests >= large.length, 'it has begun')
    const more = held().account(true)
    more.take(1.2 * MIB)
    second.send({ from: 1, n: 0, body: 'y'.repeat(300_000) })
    for (let seq = 2; seq <= 6; seq++) send(seq)
    await pass(5_000)
    expect(seen.map(({ from }) => from)).to.deep.equal([0])
    more.give(more.held)
    await within(10_000, () => seen.length === 2, 'the second arrives')
  })

  it('does not wait for ever for the rest of a message', async () => {
    await start({ memoryBudget: 4 * MIB })
    const peer = await rawGuest(guests.transport)
    const begun = items(write => {
      write.u8(Item.chunk)
      write.varint(0)
      write.varint(1_000_000)
      write.u8(0)
    })
    peer.send(relayed(peer.identity.id, hub.id, {}, begun))
    await until(() => held().guests === 1_000_000, 'it has begun')
    await pass(61_000)
    expect(held().taken).to.equal(0)
  })

  const footprint = (): number => {
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
})
