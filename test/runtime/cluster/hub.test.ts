import { expect } from 'chai'
import {
  type ActorRef,
  type ActorSystem,
  actorName,
  type ListenOptions,
  type Origin,
  setup
} from '../../../runtime/index.ts'
import { ByteBuffer, Encoder } from '../../../runtime/peer/codec.ts'
import { FrameKind, HeadKind } from '../../../runtime/peer/frame.ts'
import { Item } from '../../../runtime/peer/items.ts'
import type { MemoryNetwork } from '../../../transports/memory.ts'
import { failureCode, noting, watcher } from '../../suites/any-ref/cast.ts'
import { paperRefs } from '../../support/codec.ts'
import { identity, items, type RawPeer, rawGuest, relayed, secretOf } from '../../support/raw-peer.ts'
import { type Attached, known, nodes, SECRET, type Way, type World, world } from '../../support/world.ts'

const Open = actorName<unknown>('open')
const guests: ListenOptions = { trust: 'guest', expose: [{ name: Open, unchecked: true }] }

type Get = { type: 'get'; replyTo: ActorRef<unknown> }

describe('a hub', () => {
  let scene: World
  let hub: ActorSystem

  beforeEach(() => {
    scene = world()
    hub = scene.make('hub')
  })

  afterEach(() => scene.end())

  const pass = (time: number): Promise<void> => scene.pass(time)
  const settled = (): Promise<void> => scene.settled()

  const door = (into: ActorSystem, options: ListenOptions): Promise<Way> => scene.door(into, options)
  const attach = (label: string, options: ListenOptions, into = hub, system = scene.make(label)): Promise<Attached> =>
    scene.attach(label, into, options, { system })

  const kinds = ({ frames }: RawPeer): number[] => frames.map(frame => frame[0] as number)
  const mailTo = (ref: { address: string }, message: unknown): Uint8Array =>
    items(write => {
      write.u8(Item.send)
      write.varint(0)
      write.utf8(ref.address.slice(ref.address.indexOf('/') + 1))
      write.message(message)
    })

  describe('between two', () => {
    it('carries mail both ways, without being asked what is in it', async () => {
      const left = await attach('left', nodes)
      const right = await attach('right', nodes)
      const seen: string[] = []
      known(right.system.spawn(noting(seen)), left.system).send('hello')
      await settled()
      expect(seen).to.deep.equal(['hello'])
    })

    it('tells who somebody is before the first frame of him: a guest is one, with his principal', async () => {
      const left = await attach('left', { ...guests, authenticate: () => ({ user: 'Ada' }) })
      const right = await attach('right', nodes)
      const origins: Origin[] = []
      const ref = right.system.spawn(setup<string>(() => ({ receive: (_message, from) => void origins.push(from) })))
      known(ref, left.system).send('hello')
      await settled()
      expect(origins.map(({ trust, principal }) => ({ trust, principal }))).to.deep.equal([
        { trust: 'guest', principal: { user: 'Ada' } }
      ])
    })

    it('tells anew who somebody is who came in again as another', async () => {
      let user = 'Ada'
      const left = await attach('left', { ...guests, authenticate: () => user })
      const right = await attach('right', nodes)
      const origins: Origin[] = []
      const ref = right.system.spawn(setup<string>(() => ({ receive: (_message, from) => void origins.push(from) })))
      known(ref, left.system).send('hello')
      await settled()
      user = 'Ben'
      left.network.cut()
      await pass(1_000)
      known(ref, left.system).send('hello again')
      await settled()
      expect(origins.map(({ principal }) => principal)).to.deep.equal(['Ada', 'Ben'])
    })

    it('of whom one is slow does not keep the other waiting', async () => {
      const slow = await attach('slow', nodes)
      const quick = await attach('quick', nodes)
      const seen: number[] = []
      const here = scene.make('here')
      await attach('here', nodes, hub, here)
      const toSlow = known(slow.system.spawn(noting<unknown>([])), here)
      const toQuick = known(quick.system.spawn(noting(seen)), here)
      slow.network.hold()
      for (let n = 0; n < 100; n++) toSlow.send('x'.repeat(50_000))
      for (let n = 0; n < 100; n++) toQuick.send(n)
      await settled()
      expect(seen.length).to.equal(100)
      slow.network.release()
    })
  })

  describe('and a name on a frame', () => {
    it("that is another's drops it", async () => {
      const { transport } = await door(hub, guests)
      const victim = await attach('victim', nodes)
      const seen: unknown[] = []
      const target = hub.spawn(noting(seen))
      const peer = await rawGuest(transport)
      peer.send(relayed(victim.system.id, hub.id, {}, mailTo(target, 'forged')))
      peer.send(relayed(identity().id, hub.id, {}, mailTo(target, 'forged')))
      peer.send(relayed(hub.id, victim.system.id, {}, mailTo(target, 'forged')))
      peer.send(relayed(peer.identity.id, hub.id, {}, mailTo(target, 'honest')))
      await settled()
      expect(seen).to.deep.equal(['honest'])
    })

    it("goodbye of another leaves that one's epoch alone", async () => {
      const { transport } = await door(hub, guests)
      const victim = await attach('victim', nodes)
      const { ref, heard } = watcher(hub)
      await ref.ask({ type: 'watch', ref: known(victim.system.spawn(noting<unknown>([])), hub) })
      await settled()
      const peer = await rawGuest(transport)
      for (const kind of [HeadKind.goodbye, HeadKind.ended])
        peer.send(relayed(victim.system.id, hub.id, { kind, epoch: 1 }))
      const undeliverable = new Uint8Array(33)
      undeliverable[0] = FrameKind.undeliverable
      undeliverable.set(relayed(victim.system.id, hub.id, {}).subarray(18, 34), 1)
      undeliverable.set(relayed(hub.id, hub.id, {}).subarray(18, 34), 17)
      peer.send(undeliverable)
      await settled()
      expect(heard).to.deep.equal([])
    })

    it('goodbye of its link ends the epoch with the one who says it, at once', async () => {
      const { transport } = await door(hub, guests)
      const peer = await rawGuest(transport)
      const { ref, heard } = watcher(hub)
      const far = hub.ref(`actor:${peer.identity.id}/x`) as ActorRef<unknown>
      await ref.ask({ type: 'watch', ref: far })
      await settled()
      const before = heard.length
      peer.send(Uint8Array.of(FrameKind.goodbye))
      await settled()
      expect(before).to.equal(0)
      expect(heard.map(each => 'reason' in each && each.reason.kind)).to.deep.equal(['unreachable'])
    })

    it('goodbye of a gateway leaves the epoch with its system open: it may be reached by another', async () => {
      const { transport } = await door(hub, guests)
      const peer = await rawGuest(transport)
      const { ref, heard } = watcher(hub)
      await ref.ask({ type: 'watch', ref: hub.ref(`actor:${peer.identity.id}/x`) as ActorRef<unknown> })
      await settled()
      peer.send(Uint8Array.of(FrameKind.goodbye, 0, 0, 3, 0xe8))
      await settled()
      expect(heard).to.deep.equal([])
    })

    it('goodbye of a link leaves the epoch open where the hub above may be another path', async () => {
      const above = await door(scene.make('above'), nodes)
      await hub.connect(above.transport, { secret: SECRET })
      const { transport } = await door(hub, guests)
      const peer = await rawGuest(transport)
      const { ref, heard } = watcher(hub)
      await ref.ask({ type: 'watch', ref: hub.ref(`actor:${peer.identity.id}/x`) as ActorRef<unknown> })
      await settled()
      peer.send(relayed(peer.identity.id, hub.id, { kind: HeadKind.ack, epoch: 1 }))
      peer.send(Uint8Array.of(FrameKind.goodbye))
      await settled()
      expect(heard).to.deep.equal([])
    })

    it('that nobody has is answered at once, and the asker hears ACTOR_UNREACHABLE', async () => {
      const { system } = await attach('left', nodes)
      const nobody = system.ref(`actor:${identity().id}/x`) as ActorRef<Get>
      const asked = failureCode(nobody.ask({ type: 'get' }))
      const { ref, heard } = watcher(system)
      await ref.ask({ type: 'watch', ref: nobody })
      await settled()
      expect(await asked).to.equal('ACTOR_UNREACHABLE')
      expect(heard.map(each => 'reason' in each && each.reason.kind)).to.deep.equal(['unreachable'])
    })

    it('and no hops left goes no further', async () => {
      const { transport } = await door(hub, guests)
      const right = await attach('right', nodes)
      const seen: unknown[] = []
      const target = right.system.spawn(noting(seen))
      const peer = await rawGuest(transport)
      for (const hops of [0, 9, 255]) {
        const frame = relayed(peer.identity.id, right.system.id, {}, mailTo(target, hops))
        frame[1] = hops
        peer.send(frame)
      }
      const last = relayed(peer.identity.id, right.system.id, {}, mailTo(target, 1))
      last[1] = 1
      peer.send(last)
      await settled()
      expect(seen).to.deep.equal([1])
    })
  })

  describe("and its guests' frames to others", () => {
    it('asks authorize once for each pair, and lets the answers through', async () => {
      const asked: string[] = []
      const ada = await attach('ada', {
        ...guests,
        authenticate: () => 'Ada',
        authorize: (principal, action, target) => asked.push(`${principal} ${action} ${target}`) > 0
      })
      const ben = await attach('ben', { ...guests, authorize: () => false })
      const ref = known(
        ben.system.spawn(setup<Get>(() => ({ receive: ({ replyTo }) => void replyTo.send('yes') }))),
        ada.system
      )
      expect(await ref.ask({ type: 'get' })).to.equal('yes')
      expect(await ref.ask({ type: 'get' })).to.equal('yes')
      expect(asked).to.deep.equal([`Ada relay ${ben.system.id}`])
    })

    it('that are forbidden look as if nobody were there', async () => {
      const ada = await attach('ada', { ...guests, authorize: () => false })
      const ben = await attach('ben', nodes)
      const seen: unknown[] = []
      const ref = known(ben.system.spawn(noting(seen)), ada.system) as ActorRef<Get>
      expect(await failureCode(ref.ask({ type: 'get' }))).to.equal('ACTOR_UNREACHABLE')
      expect(seen).to.deep.equal([])
    })

    for (const [title, authorize] of [
      [
        'throws',
        () => {
          throw new Error('no')
        }
      ],
      ['rejects', () => Promise.reject(new Error('no'))],
      ['hangs', () => new Promise<boolean>(() => {})]
    ] as const) {
      it(`fails closed where authorize ${title}`, async () => {
        const ada = await attach('ada', { ...guests, authorize })
        const ben = await attach('ben', nodes)
        const seen: unknown[] = []
        const ref = known(ben.system.spawn(noting(seen)), ada.system) as ActorRef<Get>
        const failed = failureCode(ref.ask({ type: 'get' }, { within: 20_000 }))
        await pass(21_000)
        expect(await failed).to.equal('ACTOR_UNREACHABLE')
        expect(seen).to.deep.equal([])
      })
    }

    it('asks of systems that are not there what it asks of others: neither the answer nor its time tells them', async () => {
      const slow = (yes: boolean): Promise<boolean> =>
        new Promise(resolve => scene.clock.timer(700, () => resolve(yes)))
      const asked: string[] = []
      const { transport } = await door(hub, {
        ...guests,
        authorize: (_principal, _action, target) => {
          asked.push(target)
          return slow(false)
        }
      })
      const { system: denied } = await attach('denied', nodes)
      const { system: leaving } = await attach('leaving', nodes)
      const peer = await rawGuest(transport)
      const targets = [denied.id, leaving.id, identity().id]
      /** Which of them are undeliverable, each time they are tried. */
      const tried = async (): Promise<number[]> => {
        const before = peer.frames.length
        for (const id of targets)
          peer.send(relayed(peer.identity.id, id, {}, mailTo({ address: `actor:${id}/x` }, 'hello')))
        await settled()
        const lost = peer.frames.slice(before).map(frame => Buffer.from(frame.subarray(1, 17)).toString('base64url'))
        return targets.map(id => lost.filter(each => each === id).length)
      }
      expect(await tried()).to.deep.equal([0, 0, 0])
      await pass(500)
      expect(await tried()).to.deep.equal([0, 0, 0])
      await pass(500)
      expect(await tried()).to.deep.equal([1, 1, 1])
      await leaving.shutdown({ within: 100 })
      await pass(5_000)
      expect(await tried()).to.deep.equal([1, 1, 1])
      expect(asked).to.deep.equal(targets)
    })

    it('waits for a late yes, and nothing is lost', async () => {
      let decide: (yes: boolean) => void = () => {}
      const ada = await attach('ada', {
        ...guests,
        authorize: () =>
          new Promise<boolean>(resolve => {
            decide = resolve
          })
      })
      const ben = await attach('ben', nodes)
      const seen: number[] = []
      const ref = known(ben.system.spawn(noting(seen)), ada.system)
      for (let n = 0; n < 5; n++) ref.send(n)
      await pass(2_000)
      expect(seen).to.deep.equal([])
      decide(true)
      await pass(8_000)
      expect(seen).to.deep.equal([0, 1, 2, 3, 4])
    })
  })

  describe('and who is below whom', () => {
    const facts = (id: string, more: object = {}): Uint8Array => {
      const buffer = new ByteBuffer(128)
      buffer.u8(FrameKind.peer)
      new Encoder(paperRefs()).encodeAlone(
        { id, label: 'sub', trust: 'node', principal: 'root', there: true, ...more },
        buffer
      )
      return buffer.bytes.slice(0, buffer.at)
    }

    it('believes a guest what it can prove: a sub-system of its own is a guest too, with its principal', async () => {
      const { transport } = await door(hub, { ...guests, authenticate: () => 'Ada' })
      const peer = await rawGuest(transport)
      const sub = identity()
      const origins: Origin[] = []
      const target = hub.spawn(setup<string>(() => ({ receive: (_message, from) => void origins.push(from) })))
      peer.send(relayed(sub.id, hub.id, {}, mailTo(target, 'too early')))
      peer.send(facts(sub.id, { secret: secretOf(sub) }))
      peer.send(relayed(sub.id, hub.id, {}, mailTo(target, 'hello')))
      await settled()
      expect(origins.map(({ trust, principal }) => [trust, principal])).to.deep.equal([['guest', 'Ada']])
    })

    it('believes no guest that announces somebody else', async () => {
      const { transport } = await door(hub, guests)
      const peer = await rawGuest(transport)
      const other = await rawGuest(transport)
      const stranger = identity()
      for (const more of [{}, { secret: secretOf(identity()) }, { secret: 7 }]) {
        peer.send(facts(stranger.id, more))
        peer.send(facts(hub.id, more))
        peer.send(facts(other.identity.id, { ...more, secret: secretOf(other.identity) }))
      }
      peer.send(facts(stranger.id).subarray(0, 20))
      peer.send(Uint8Array.of(FrameKind.peer))
      await settled()
      peer.frames.length = 0
      other.send(relayed(other.identity.id, stranger.id, {}, new Uint8Array(3)))
      await settled()
      expect(kinds(peer)).to.deep.equal([])
      expect(kinds(other)).to.include(FrameKind.undeliverable)
    })

    it('lets a guest announce 16', async () => {
      const { transport } = await door(hub, guests)
      const peer = await rawGuest(transport)
      const subs = Array.from({ length: 17 }, identity)
      for (const sub of subs) peer.send(facts(sub.id, { secret: secretOf(sub) }))
      const seen: unknown[] = []
      const target = hub.spawn(noting(seen))
      for (const [n, sub] of subs.entries()) peer.send(relayed(sub.id, hub.id, {}, mailTo(target, n)))
      await settled()
      expect(seen).to.deep.equal(Array.from({ length: 16 }, (_, n) => n))
      const [first, , last] = [subs[0], subs[1], subs[16]] as Array<{ id: string; secret: Uint8Array }>
      peer.send(facts(first?.id as string, { there: false }))
      peer.send(facts(last?.id as string, { secret: secretOf(last as never) }))
      peer.send(relayed(last?.id as string, hub.id, {}, mailTo(target, 'now')))
      await settled()
      expect(seen.at(-1)).to.equal('now')
    })
  })

  describe('with a hub above it', () => {
    let above: ActorSystem
    let way: MemoryNetwork

    beforeEach(async () => {
      above = scene.make('above')
      ;({ network: way } = await attach('hub', nodes, above, hub))
    })

    it('reaches everybody: a tab below, a server above, and back', async () => {
      const tab = await attach('tab', guests)
      const server = await attach('server', nodes, above)
      const origins: Origin[] = []
      const ref = server.system.spawn(
        setup<Get>(() => ({
          receive({ replyTo }, from) {
            origins.push(from)
            replyTo.send('yes')
          }
        }))
      )
      expect(await known(ref, tab.system).ask({ type: 'get' })).to.equal('yes')
      expect(origins.map(({ trust }) => trust)).to.deep.equal(['guest'])
      const seen: string[] = []
      known(tab.system.spawn(noting(seen)), server.system).send('hello')
      await settled()
      expect(seen).to.deep.equal(['hello'])
    })

    it('passes on that nobody has a name, over two hubs', async () => {
      const tab = await attach('tab', guests)
      const nobody = tab.system.ref(`actor:${identity().id}/x`) as ActorRef<Get>
      const failed = failureCode(nobody.ask({ type: 'get' }))
      await settled()
      expect(await failed).to.equal('ACTOR_UNREACHABLE')
    })

    it('keeps the names of all where no hub is above, and its guests see what is exposed to them only', async () => {
      const tab = await attach('tab', guests)
      const hidden = actorName<unknown>('hidden')
      await above.register(Open, above.spawn(noting<unknown>([])))
      await above.register(hidden, above.spawn(noting<unknown>([])))
      expect((await tab.system.lookup(Open)).address).to.include(above.id)
      expect(await failureCode(tab.system.lookup(hidden, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
      const around = failureCode(tab.system.lookup(hidden, { on: above.id, within: 0 }))
      await settled()
      expect(await around).to.equal('ACTOR_NOT_FOUND')
    })

    it('lets a lookup wait above, and calls it off when nobody waits any more', async () => {
      const tab = await attach('tab', guests)
      const waiting = tab.system.lookup(Open, { within: 20_000 })
      const cancel = new AbortController()
      const given = tab.system.lookup(Open, { signal: cancel.signal }).catch(() => 'given up')
      await settled()
      cancel.abort()
      expect(await given).to.equal('given up')
      await above.register(Open, above.spawn(noting<unknown>([])))
      await settled()
      expect((await waiting).address).to.include(above.id)
    })

    it('has its guests claim again when the authority above has forgotten them', async () => {
      const tab = await attach('tab', { ...guests, authorize: () => true })
      const claim = await tab.system.register(Open, tab.system.spawn(noting<unknown>([])))
      expect((await above.lookup(Open)).address).to.include(tab.system.id)
      way.refuse(true)
      way.cut()
      await pass(40_000)
      expect(await failureCode(above.lookup(Open, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
      way.refuse(false)
      await pass(2_000)
      expect((await above.lookup(Open)).address).to.include(tab.system.id)
      expect(claim.lost.aborted).to.equal(false)
    })

    it('marks those behind an interrupted hub as not heard', async () => {
      const tab = await attach('tab', guests)
      await tab.system.join(Open, tab.system.spawn(noting<unknown>([])))
      let reachable: boolean[] = []
      above.members(Open, members => {
        reachable = [...members.values()].map(each => each.reachable)
      })
      await settled()
      expect(reachable).to.deep.equal([true])
      way.refuse(true)
      way.cut()
      await settled()
      expect(reachable).to.deep.equal([false])
      way.refuse(false)
      await pass(1_000)
      expect(reachable).to.deep.equal([true])
    })

    it('is one at most: a second below is refused, and one that is not told how becomes a peer', async () => {
      const { transport } = await door(scene.make('other'), nodes)
      expect(await failureCode(hub.connect(transport, { secret: SECRET, as: 'below' }))).to.equal('ACTOR_BAD_OPTION')
      const link = await hub.connect(transport, { secret: SECRET })
      expect(link.status).to.equal('connected')
      const { system } = await attach('third', nodes, above)
      await hub.register(Open, hub.spawn(noting<unknown>([])))
      expect((await system.lookup(Open)).address).to.include(hub.id)
    })

    it('does not take it in below as well', async () => {
      const { transport } = await door(hub, nodes)
      expect(await failureCode(above.connect(transport, { secret: SECRET }))).to.equal('ACTOR_REFUSED')
    })
  })

  describe('and those that are interrupted', () => {
    it('keeps the place of so many; the one that is away for longest is gone first', async () => {
      const { transport, gateway } = await door(hub, { ...guests, limits: { suspended: 2 } })
      const peers: RawPeer[] = []
      for (let n = 0; n < 3; n++) {
        const peer = await rawGuest(transport)
        peers.push(peer)
        peer.close()
        await settled()
      }
      expect([...gateway.peers].map(({ id, status }) => [id, status])).to.deep.equal(
        peers.slice(1).map(peer => [peer.identity.id, 'suspended'])
      )
    })

    it('closes the older connection of a system that comes in twice, and goes on with the newer', async () => {
      const left = await attach('left', guests)
      const seen: unknown[] = []
      const ref = known(hub.spawn(noting(seen)), left.system)
      ref.send(1)
      await settled()
      left.network.hold()
      await pass(25_000)
      left.network.release()
      await pass(1_000)
      ref.send(2)
      await pass(3_000)
      expect(seen).to.deep.equal([1, 2])
    })
  })
})
