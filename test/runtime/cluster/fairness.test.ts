// What waits for slow systems: who may fill it, and how much it may be.

import { expect } from 'chai'
import { Backlog, BRISK, MAX_WAITING, Pool } from '../../../runtime/cluster/backlog.ts'
import type { ActorSystem } from '../../../runtime/index.ts'
import { FrameKind, routeFrom } from '../../../runtime/peer/frame.ts'
import { Memory } from '../../../runtime/peer/memory.ts'
import type { System } from '../../../runtime/system.ts'
import type { MemoryNetwork } from '../../../transports/memory.ts'
import { noting, until } from '../../suites/any-ref/cast.ts'
import { type RawPeer, rawGuest, relayed } from '../../support/raw-peer.ts'
import { known, type Way, type World, world } from '../../support/world.ts'

const FRAME = 50_000
const MIB = 2 ** 20

describe('a hub with slow systems', () => {
  let scene: World
  let hub: ActorSystem
  let way: Way

  beforeEach(async () => {
    scene = world()
    hub = scene.make('hub', { memoryBudget: 128 * MIB })
    way = await scene.door(hub, { trust: 'guest' })
  })

  afterEach(() => scene.end())

  const flood = (from: RawPeer, to: RawPeer, frames: number): void => {
    const items = new Uint8Array(FRAME)
    for (let n = 0; n < frames; n++) from.send(relayed(from.identity.id, to.identity.id, { seq: n + 1 }, items))
  }
  /** A system that reads nothing until its network is released. */
  const slow = async (): Promise<{ peer: RawPeer; network: MemoryNetwork }> => {
    const { transport, network } = await scene.door(hub, { trust: 'guest' })
    const peer = await rawGuest(transport)
    network.hold()
    return { peer, network }
  }
  /** Bytes of frames that came of each sender. */
  const came = ({ frames }: RawPeer): Map<string, number> => {
    const bytes = new Map<string, number>()
    for (const frame of frames) {
      if (frame[0] !== FrameKind.relay) continue
      const id = Buffer.from(routeFrom(frame)).toString('base64url')
      bytes.set(id, (bytes.get(id) ?? 0) + frame.length)
    }
    return bytes
  }
  const of = (peer: RawPeer, source: RawPeer): number => came(peer).get(source.identity.id) ?? 0
  const all = (peer: RawPeer): number => [...came(peer).values()].reduce((sum, bytes) => sum + bytes, 0)
  const taken = (): number => (hub as System).memory.taken

  it('lets nobody fill what waits for one of them: who comes later has room', async () => {
    const { peer, network } = await slow()
    const [greedy, modest, late] = [
      await rawGuest(way.transport),
      await rawGuest(way.transport),
      await rawGuest(way.transport)
    ]
    flood(greedy, peer, 200)
    await scene.settled()
    flood(modest, peer, 10)
    await scene.settled()
    flood(greedy, peer, 200)
    flood(late, peer, 10)
    await scene.settled()
    network.release()
    await until(() => of(peer, late) > 0, 'all has come')
    expect(of(peer, greedy)).to.be.within(MIB, MAX_WAITING / 2 + FRAME + BRISK)
    for (const source of [modest, late]) expect(of(peer, source)).to.be.at.least(10 * FRAME)
  })

  it('has those who flood it share alike', async () => {
    const { peer, network } = await slow()
    const floods = await Promise.all([0, 1, 2].map(() => rawGuest(way.transport)))
    for (let n = 0; n < 60; n++) {
      for (const each of floods) flood(each, peer, 2)
      await scene.settled()
    }
    network.release()
    await until(() => floods.every(each => of(peer, each) > 0), 'all has come')
    expect(all(peer)).to.be.at.most(MAX_WAITING)
    for (const each of floods) expect(of(peer, each)).to.be.within(MAX_WAITING / 6, MAX_WAITING / 3)
  })

  it('has room for what its own actors say', async () => {
    const { system, network } = await scene.attach('slow', hub, { trust: 'guest' })
    const greedy = await rawGuest(way.transport)
    const seen: string[] = []
    const ref = known(system.spawn(noting(seen)), hub)
    network.hold()
    const items = new Uint8Array(FRAME)
    for (let n = 0; n < 200; n++) greedy.send(relayed(greedy.identity.id, system.id, { seq: n + 1 }, items))
    await scene.settled()
    for (let n = 0; n < 100; n++) ref.send(`${n} ${'x'.repeat(5_000)}`)
    await scene.settled()
    network.release()
    await scene.settled()
    expect(seen.length).to.equal(100)
  })

  it('serves the others as ever, the one that floods among them', async () => {
    const { peer } = await slow()
    const greedy = await rawGuest(way.transport)
    const quick = await rawGuest(way.transport)
    for (let n = 0; n < 20; n++) {
      flood(greedy, peer, 10)
      flood(greedy, quick, 1)
      await scene.settled()
    }
    expect(of(quick, greedy)).to.be.at.least(20 * FRAME)
  })

  it('holds no more for all of them together than a quarter of its memory', async () => {
    const greedy = await rawGuest(way.transport)
    const crowd = await Promise.all(Array.from({ length: 40 }, slow))
    for (let round = 0; round < 5; round++) {
      for (const { peer } of crowd) flood(greedy, peer, 10)
      await scene.settled()
    }
    expect(taken()).to.be.within(16 * MIB, 32 * MIB)
    for (const { network } of crowd) network.release()
    const total = (): number => crowd.reduce((sum, { peer }) => sum + all(peer), 0)
    let before = -1
    await until(() => {
      const same = total() === before
      before = total()
      return same
    }, 'all has come')
    // What every system may have without being slow comes to it.
    expect(total()).to.be.within(16 * MIB, 32 * MIB + crowd.length * (BRISK + FRAME))
    for (const { peer } of crowd) expect(all(peer)).to.be.at.least(BRISK)
    await scene.settled()
    expect(taken()).to.equal(0)
  })

  it('holds nothing for one that is gone', async () => {
    const { peer, network } = await slow()
    const greedy = await rawGuest(way.transport)
    flood(greedy, peer, 50)
    await scene.settled()
    expect(taken()).to.be.above(MIB)
    network.cut()
    await scene.settled()
    expect(taken()).to.equal(0)
  })
})

describe('a backlog', () => {
  const pool = (budget = 64 * MIB): { pool: Pool; memory: Memory } => {
    const memory = new Memory(budget)
    return { pool: new Pool(memory), memory }
  }

  it('knows whose bytes have left, in the order in which they came', () => {
    const { pool: shared, memory } = pool()
    const backlog = new Backlog(shared)
    let buffered = 100_000
    for (const source of ['a', 'b']) {
      for (let n = 0; n < 10; n++) {
        expect(backlog.admits(source, 30_000, buffered)).to.equal(true)
        buffered += 30_000
      }
    }
    expect(backlog.share('a', buffered)).to.equal(300_000)
    // All but the last third of what b sent has left.
    expect(backlog.share('a', 100_000)).to.equal(0)
    expect(backlog.share('b', 100_000)).to.be.within(100_000, 200_000)
    expect(memory.taken).to.be.within(100_000, 200_000)
    backlog.clear()
    expect(backlog.share('b', 0)).to.equal(0)
    expect(memory.taken).to.equal(0)
  })

  it('gives one sender half, the second half of the rest, and so on', () => {
    const backlog = new Backlog(pool().pool)
    let buffered = BRISK
    const fill = (source: string): number => {
      let bytes = 0
      while (backlog.admits(source, 1_000, buffered)) {
        buffered += 1_000
        bytes += 1_000
      }
      return bytes
    }
    const room = MAX_WAITING - BRISK
    expect(fill('a')).to.be.closeTo(room / 2, 2_000)
    expect(fill('b')).to.be.closeTo(room / 4, 2_000)
    expect(fill('c')).to.be.closeTo(room / 8, 2_000)
    expect(fill('a')).to.equal(0)
    expect(backlog.share('a', buffered)).to.equal(Number.POSITIVE_INFINITY)
  })

  it('leaves to others of its hub what they need', () => {
    const { pool: shared } = pool(8 * MIB)
    const fill = (): number => {
      const backlog = new Backlog(shared)
      let buffered = BRISK + 1
      for (let source = 0; source < 1_000; source++) {
        while (backlog.admits(`${source}`, 1_000, buffered)) buffered += 1_000
      }
      return buffered
    }
    const waiting = Array.from({ length: 10 }, fill)
    expect(waiting[0]).to.be.above(waiting[1] as number)
    for (const bytes of waiting) expect(bytes).to.be.above(BRISK)
    expect(waiting.reduce((sum, bytes) => sum + bytes - BRISK, 0)).to.be.at.most(2 * MIB)
  })
})
