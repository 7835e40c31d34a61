// Chains of hubs, from end to end: tab - server - server - worker, links beside, and systems that are announced from below.

import { expect } from 'chai'
import {
  type ActorRef,
  type ActorSystem,
  type AnyRef,
  type ListenOptions,
  type Origin,
  setup
} from '../../../runtime/index.ts'
import type { System } from '../../../runtime/system.ts'
import { messagePort } from '../../../transports/message-port.ts'
import { failureCode, noting, watcher } from '../../suites/any-ref/cast.ts'
import { type Attached, known, nodes, QUICK, SECRET, type World, world } from '../../support/world.ts'

const guests: ListenOptions = { trust: 'guest', authenticate: ({ label }) => ({ user: label }) }

type Ask = { type: 'who'; replyTo: ActorRef<string> }
type Carry = { type: 'carry'; ref: AnyRef; replyTo: ActorRef<AnyRef> }

/** Says who it is, and keeps who asked. */
const desk = (name: string, origins: Origin[] = []) =>
  setup<Ask>(() => ({
    receive({ replyTo }, from) {
      origins.push(from)
      replyTo.send(name)
    }
  }))

describe('a chain of hubs', () => {
  let scene: World
  let upper: ActorSystem
  let lower: ActorSystem
  /** Between the two servers. */
  let between: Attached
  let tab: Attached
  let worker: Attached

  beforeEach(async () => {
    scene = world()
    upper = scene.make('upper')
    lower = scene.make('lower')
    between = await scene.attach('lower', upper, nodes, { system: lower })
    tab = await scene.attach('tab', upper, guests)
    worker = await scene.attach('worker', lower, nodes)
  })

  afterEach(() => scene.end())

  /** The ends of the chain, each as the one to begin. */
  const ends = (): Array<[ActorSystem, ActorSystem]> => [
    [tab.system, worker.system],
    [worker.system, tab.system]
  ]
  const cut = (network = between.network): void => {
    network.refuse(true)
    network.cut()
  }
  const heldBy = (system: ActorSystem): number => (system as System).held.hub

  describe('from a tab over two servers to a worker', () => {
    it('carries messages, asks and answers both ways, in order', async () => {
      for (const [near, far] of ends()) {
        const seen: number[] = []
        const ref = known(far.spawn(noting(seen)), near)
        for (let n = 0; n < 500; n++) ref.send(n)
        expect(await known(far.spawn(desk('far')), near).ask({ type: 'who' })).to.equal('far')
        expect(seen).to.deep.equal(Array.from({ length: 500 }, (_, n) => n))
      }
    })

    it('tells the home who it was: a guest with its principal, a node', async () => {
      const origins: Origin[] = []
      await known(worker.system.spawn(desk('far', origins)), tab.system).ask({ type: 'who' })
      await known(tab.system.spawn(desk('near', origins)), worker.system).ask({ type: 'who' })
      expect(origins.map(({ trust, principal }) => ({ trust, principal }))).to.deep.equal([
        { trust: 'guest', principal: { user: 'tab' } },
        { trust: 'node', principal: undefined }
      ])
    })

    it('passes refs on, which lead home from wherever they are', async () => {
      const home = tab.system.spawn(desk('home'))
      const carrier = worker.system.spawn(
        setup<Carry>(() => ({ receive: ({ ref, replyTo }) => void replyTo.send(ref) }))
      )
      const carried = known(carrier, tab.system)
      expect(await carried.ask({ type: 'carry', ref: home as unknown as AnyRef })).to.equal(home)
      const third = upper.spawn(desk('third'))
      const passed = await carried.ask({ type: 'carry', ref: known(third, tab.system) as unknown as AnyRef })
      expect(await (passed as unknown as ActorRef<Ask>).ask({ type: 'who' })).to.equal('third')
    })

    it('tells of an end, after what was said before it', async () => {
      for (const [near, far] of ends()) {
        const { ref, heard } = watcher(near)
        const mortal = far.spawn(noting<string>([]))
        await ref.ask({ type: 'watch', ref: known(mortal, near) })
        await scene.settled()
        await far.stop(mortal)
        await scene.settled()
        expect(heard.map(each => 'reason' in each && each.reason.kind)).to.deep.equal(['done'])
      }
    })

    it('says goodbye at once to those who wait at the other end', async () => {
      const { ref, heard } = watcher(tab.system)
      await ref.ask({ type: 'watch', ref: known(worker.system.spawn(noting<string>([])), tab.system) })
      await scene.settled()
      void worker.system.shutdown()
      await scene.settled()
      expect(heard.map(each => 'reason' in each && each.reason.kind)).to.deep.equal(['shutdown'])
    })

    it('fails an ask to one that has left, without waiting for its time', async () => {
      const desks = worker.system.spawn(desk('far'))
      const far = known(desks, tab.system)
      await worker.link.disconnect()
      await scene.settled()
      const first = failureCode(far.ask({ type: 'who' }, { within: 60_000 }))
      await scene.settled()
      expect(await first).to.equal('ACTOR_UNREACHABLE')
    })

    it('fails an ask that was on its way when the other end left, and no hub had heard of it', async () => {
      const far = known(worker.system.spawn(desk('far')), tab.system)
      between.network.hold()
      const asked = failureCode(far.ask({ type: 'who' }, { within: 60_000 }))
      await worker.link.disconnect()
      await scene.settled()
      between.network.release()
      await scene.settled()
      expect(await asked).to.equal('ACTOR_UNREACHABLE')
    })
  })

  describe('that loses one of its parts', () => {
    for (const [title, which] of [
      ['the link between the servers', () => between.network],
      ['the link of the tab', () => tab.network],
      ['the link of the worker', () => worker.network]
    ] as const) {
      it(`loses nothing with ${title} cut for a while`, async () => {
        for (const [near, far] of ends()) {
          const network = which()
          const seen: number[] = []
          const ref = known(far.spawn(noting(seen)), near)
          const { ref: probe, heard } = watcher(near)
          await probe.ask({ type: 'watch', ref })
          for (let n = 0; n < 300; n++) {
            if (n === 100) cut(network)
            if (n === 200) network.refuse(false)
            ref.send(n)
            if (n % 10 === 0) await scene.pass(250)
          }
          await scene.pass(3_000)
          expect(seen).to.deep.equal(Array.from({ length: 300 }, (_, n) => n))
          expect(heard).to.deep.equal([])
        }
      })

      it(`tells both ends when ${title} stays cut`, async () => {
        const probes = await Promise.all(
          ends().map(async ([near, far]) => {
            const probe = watcher(near)
            await probe.ref.ask({ type: 'watch', ref: known(far.spawn(noting<string>([])), near) })
            return probe
          })
        )
        await scene.settled()
        cut(which())
        await scene.pass(20_000)
        for (const { heard } of probes) expect(heard).to.deep.equal([])
        await scene.pass(50_000)
        for (const { heard } of probes) {
          expect(heard.map(each => 'reason' in each && each.reason.kind)).to.deep.equal(['unreachable'])
        }
      })
    }

    it('goes on when the server in the middle came back as another system', async () => {
      const seen: number[] = []
      const ref = known(worker.system.spawn(noting(seen)), tab.system)
      for (let n = 0; n < 10; n++) ref.send(n)
      await scene.settled()
      cut()
      cut(worker.network)
      const again = scene.make('lower again')
      between.network.refuse(false)
      const { transport } = await scene.door(upper, nodes)
      await again.connect(transport, { secret: SECRET, backoff: QUICK })
      await worker.link.disconnect()
      for (let n = 10; n < 20; n++) ref.send(n)
      const { transport: into } = await scene.door(again, nodes)
      await worker.system.connect(into, { secret: SECRET, backoff: QUICK })
      const far = known(worker.system.spawn(desk('far')), tab.system)
      const answer = far.ask({ type: 'who' }, { within: 60_000 }).catch(() => far.ask({ type: 'who' }))
      await scene.pass(10_000)
      expect(await answer).to.equal('far')
    })
  })

  describe('with a way beside', () => {
    it('uses it, and the hubs again while it is cut, and loses nothing', async () => {
      const { network } = await scene.attach('worker', tab.system, nodes, {
        system: worker.system,
        connect: { as: 'peer' }
      })
      const seen: number[] = []
      const ref = known(worker.system.spawn(noting(seen)), tab.system)
      for (let n = 0; n < 300; n++) {
        if (n === 50) cut()
        if (n === 100) between.network.refuse(false)
        if (n === 150) cut(network)
        if (n === 250) network.refuse(false)
        ref.send(n)
        if (n % 10 === 0) await scene.pass(250)
      }
      await scene.pass(5_000)
      expect(seen).to.deep.equal(Array.from({ length: 300 }, (_, n) => n))
    })

    it("is nobody else's: the hub above does not hear of it", async () => {
      const friend = await scene.attach('friend', worker.system, nodes, { connect: { as: 'peer' } })
      const far = known(friend.system.spawn(desk('friend')), tab.system)
      const asked = failureCode(far.ask({ type: 'who' }))
      await scene.settled()
      expect(await asked).to.equal('ACTOR_UNREACHABLE')
      expect(await known(friend.system.spawn(desk('friend')), worker.system).ask({ type: 'who' })).to.equal('friend')
    })
  })

  describe('and who is below whom', () => {
    it('reaches the workers of a process over MessagePorts', async () => {
      const ports: MessageChannel[] = []
      const threads: ActorSystem[] = []
      for (let n = 0; n < 2; n++) {
        const channel = new MessageChannel()
        ports.push(channel)
        const thread = scene.make(`thread ${n}`)
        await worker.system.listen(messagePort(channel.port1), nodes)
        await thread.connect(messagePort(channel.port2), { secret: SECRET })
        threads.push(thread)
      }
      const [first, second] = threads as [ActorSystem, ActorSystem]
      const origins: Origin[] = []
      for (const [near, far] of [
        [tab.system, first],
        [first, tab.system],
        [first, second]
      ] as const) {
        expect(await known(far.spawn(desk(far.label, origins)), near).ask({ type: 'who' })).to.equal(far.label)
      }
      expect(origins.map(({ trust, principal }) => [trust, principal])).to.deep.equal([
        ['guest', { user: 'tab' }],
        ['node', undefined],
        ['node', undefined]
      ])
      for (const { port1 } of ports) port1.close()
    })

    it('reaches the tabs below a page, which are guests with the principal of the page', async () => {
      const one = await scene.attach('one', tab.system, nodes)
      const two = await scene.attach('two', tab.system, { trust: 'guest', authenticate: () => 'the page says so' })
      for (const { system } of [one, two]) {
        const origins: Origin[] = []
        expect(await known(worker.system.spawn(desk('worker', origins)), system).ask({ type: 'who' })).to.equal(
          'worker'
        )
        expect(origins.map(({ trust, principal }) => [trust, principal])).to.deep.equal([['guest', { user: 'tab' }]])
        expect(await known(system.spawn(desk('below')), worker.system).ask({ type: 'who' })).to.equal('below')
      }
      expect(await known(two.system.spawn(desk('two')), one.system).ask({ type: 'who' })).to.equal('two')
    })

    it('forgets who left while a hub was cut off, once that is back', async () => {
      const others = await Promise.all(['b', 'c', 'd'].map(label => scene.attach(label, lower, nodes)))
      await scene.settled()
      const before = heldBy(upper)
      cut()
      for (const { link } of others) await link.disconnect()
      await scene.settled()
      between.network.refuse(false)
      await scene.pass(2_000)
      expect(heldBy(upper)).to.equal(before - others.length)
      expect(await known(worker.system.spawn(desk('worker')), tab.system).ask({ type: 'who' })).to.equal('worker')
    })

    it('follows a system from one hub to another, before the first one has noticed', async () => {
      const other = scene.make('other')
      await scene.attach('other', upper, nodes, { system: other })
      const doors = [await scene.door(lower, guests), await scene.door(other, guests)] as const
      let current = doors[0].transport
      const moving = scene.make('moving')
      await moving.connect({ kind: 'either', connect: signal => current.connect(signal) }, { backoff: QUICK })
      const far = known(moving.spawn(desk('moving')), tab.system)
      expect(await far.ask({ type: 'who' })).to.equal('moving')
      // Its place below `lower` is kept for a while: nobody there has heard a goodbye.
      current = doors[1].transport
      doors[0].network.cut()
      await scene.pass(500)
      expect(await far.ask({ type: 'who' })).to.equal('moving')
      // What the first hub says of it later changes nothing: when it comes back, and when it gives up its place.
      between.network.cut()
      await scene.pass(1_000)
      expect(await far.ask({ type: 'who' })).to.equal('moving')
      await scene.pass(40_000)
      expect(await far.ask({ type: 'who' })).to.equal('moving')
      const origins: Origin[] = []
      await known(worker.system.spawn(desk('worker', origins)), moving).ask({ type: 'who' })
      expect(origins.map(({ principal }) => principal)).to.deep.equal([{ user: 'moving' }])
    })

    it('still knows a system here that another hub no longer has', async () => {
      const roaming = await scene.attach('roaming', lower, nodes)
      const ref = known(roaming.system.spawn(desk('roaming')), worker.system)
      cut(roaming.network)
      await roaming.link.disconnect()
      await roaming.system.connect((await scene.door(upper, nodes)).transport, { secret: SECRET })
      await scene.pass(40_000)
      expect(await ref.ask({ type: 'who' })).to.equal('roaming')
      expect(await known(roaming.system.spawn(desk('again')), tab.system).ask({ type: 'who' })).to.equal('again')
    })
  })

  describe('that would end in itself', () => {
    /** upper above lower, lower above worker, and now worker above upper. */
    const close = async (): Promise<{ failed: Promise<unknown> }> => {
      const { transport } = await scene.door(worker.system, nodes)
      return { failed: failureCode(upper.connect(transport, { secret: SECRET, backoff: QUICK, within: 3_000 })) }
    }
    const answers = async (): Promise<void> => {
      expect(await known(worker.system.spawn(desk('worker')), tab.system).ask({ type: 'who' })).to.equal('worker')
      expect(await known(tab.system.spawn(desk('tab')), worker.system).ask({ type: 'who' })).to.equal('tab')
    }

    it('is not closed: the link that would do it fails, and all goes on', async () => {
      const { failed } = await close()
      await scene.pass(4_000)
      expect(await failed).to.equal('ACTOR_UNREACHABLE')
      await answers()
    })

    it('is opened again where it could be closed because one of the links was down', async () => {
      cut()
      await scene.pass(31_000)
      const { transport } = await scene.door(worker.system, nodes)
      const link = await upper.connect(transport, { secret: SECRET, backoff: QUICK })
      between.network.refuse(false)
      await scene.pass(10_000)
      expect([link.status, between.link.status].sort()).to.not.deep.equal(['connected', 'connected'])
      await link.disconnect()
      await scene.pass(10_000)
      expect(between.link.status).to.equal('connected')
      await answers()
    })
  })

  it('is crossed by frames for eight hubs, and the ninth is out of reach', async () => {
    let end = lower
    for (let n = 0; n < 6; n++) end = (await scene.attach(`hub ${n}`, end, nodes)).system
    await scene.settled()
    // upper, lower, and six more: the last of them is a home behind seven hubs, and one below it behind eight.
    const eighth = await scene.attach('behind eight', end, nodes)
    const ninth = await scene.attach('behind nine', eighth.system, nodes)
    await scene.settled()
    expect(await known(eighth.system.spawn(desk('8')), tab.system).ask({ type: 'who' })).to.equal('8')
    const asked = failureCode(known(ninth.system.spawn(desk('9')), tab.system).ask({ type: 'who' }))
    await scene.settled()
    expect(await asked).to.equal('ACTOR_UNREACHABLE')
  })
})
