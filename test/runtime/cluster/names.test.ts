import { expect } from 'chai'
import { type ActorRef, type ActorSystem, actorName, type ListenOptions, receive } from '../../../runtime/index.ts'
import { failureCode, noting, until } from '../../suites/any-ref/cast.ts'
import { type Attached, SECRET, type World, world } from '../../support/world.ts'

type Ask = { type: 'who'; replyTo: ActorRef<string> }
const Desk = actorName<Ask>('desk')
const Room = actorName<string>('room')
const Hidden = actorName<Ask>('hidden')

const answering = (name: string) =>
  receive(0, (count: number, { replyTo }: Ask) => {
    replyTo.send(name)
    return count + 1
  })

type Listing = Array<{ label: string; reachable: boolean; facts: Record<string, unknown> }>

describe('names and groups', () => {
  let scene: World
  let hub: ActorSystem

  beforeEach(() => {
    scene = world()
    hub = scene.make('hub')
  })

  afterEach(() => scene.end())

  const pass = (time: number): Promise<void> => scene.pass(time)
  const settled = (): Promise<void> => scene.settled()

  const attach = (label: string, options: ListenOptions): Promise<Attached> => scene.attach(label, hub, options)
  const node = (label: string): Promise<Attached> => attach(label, { trust: { node: { secret: SECRET } } })
  const guest = (label: string, options?: Partial<ListenOptions>): Promise<Attached> =>
    attach(label, {
      trust: 'guest',
      expose: [
        { name: Desk, unchecked: true },
        { name: Room, unchecked: true }
      ],
      ...options
    })

  const listing = (system: ActorSystem): { now: () => Listing; unsubscribe(): void } => {
    let latest: Listing = []
    const { unsubscribe } = system.members(Room, members => {
      latest = [...members.values()]
    })
    return { now: () => latest, unsubscribe }
  }

  describe('a name', () => {
    it('of the hub is found from below, by itself and by the others', async () => {
      const { system } = await node('left')
      hub.spawn(answering('hub'), { name: Desk })
      expect(await (await system.lookup(Desk)).ask({ type: 'who' })).to.equal('hub')
      expect(await (await hub.lookup(Desk)).ask({ type: 'who' })).to.equal('hub')
    })

    it('that is claimed below is found from everywhere', async () => {
      const left = await node('left')
      const right = await node('right')
      await left.system.register(Desk, left.system.spawn(answering('left')))
      for (const system of [hub, left.system, right.system]) {
        expect(await (await system.lookup(Desk)).ask({ type: 'who' })).to.equal('left')
      }
    })

    it('of its own system is found first, and not by others', async () => {
      const left = await node('left')
      const right = await node('right')
      left.system.spawn(answering('left'), { name: Desk })
      expect(await (await left.system.lookup(Desk)).ask({ type: 'who' })).to.equal('left')
      expect(await failureCode(right.system.lookup(Desk, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
    })

    it('of one peer is found on that peer', async () => {
      const left = await node('left')
      const right = await node('right')
      left.system.spawn(answering('left'), { name: Desk })
      const there = await right.system.lookup(Desk, { on: left.system.id })
      expect(await there.ask({ type: 'who' })).to.equal('left')
    })

    it('that nobody has is not found: at once with 0, and otherwise when the time is over', async () => {
      const { system } = await node('left')
      expect(await failureCode(system.lookup(Desk, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
      const waiting = failureCode(system.lookup(Desk, { within: 3000 }))
      await settled()
      await pass(4000)
      expect(await waiting).to.equal('ACTOR_NOT_FOUND')
    })

    it('is waited for', async () => {
      const left = await node('left')
      const right = await node('right')
      const waiting = right.system.lookup(Desk)
      await settled()
      await left.system.register(Desk, left.system.spawn(answering('left')))
      expect(await (await waiting).ask({ type: 'who' })).to.equal('left')
    })

    it('is looked up with the longest patience at any fraction of a millisecond', async () => {
      const { system } = await node('left')
      hub.spawn(answering('hub'), { name: Desk })
      for (let round = 0; round < 20; round++) {
        scene.clock.advance(12.3)
        const desk = await system.lookup(Desk, { within: 2 ** 31 - 1 })
        expect(await desk.ask({ type: 'who' })).to.equal('hub')
      }
    })

    it('is not waited for after the signal', async () => {
      const { system } = await node('left')
      const controller = new AbortController()
      const waiting = system.lookup(Desk, { signal: controller.signal }).catch((error: unknown) => error)
      await settled()
      const reason = new Error('enough')
      controller.abort(reason)
      expect(await waiting).to.equal(reason)
    })

    it('belongs to the first; another gets ACTOR_NAME_TAKEN', async () => {
      const left = await node('left')
      const right = await node('right')
      await left.system.register(Desk, left.system.spawn(answering('left')))
      expect(await failureCode(right.system.register(Desk, right.system.spawn(answering('right'))))).to.equal(
        'ACTOR_NAME_TAKEN'
      )
      expect(await (await right.system.lookup(Desk)).ask({ type: 'who' })).to.equal('left')
    })

    it('is free again when its claim is released, and when its owner ends', async () => {
      const left = await node('left')
      const right = await node('right')
      const claim = await left.system.register(Desk, left.system.spawn(answering('left')))
      await claim.release()
      const owner = right.system.spawn(answering('right'))
      await right.system.register(Desk, owner)
      expect(await (await left.system.lookup(Desk)).ask({ type: 'who' })).to.equal('right')
      await right.system.stop(owner)
      await settled()
      expect(await failureCode(left.system.lookup(Desk, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
      await left.system.register(Desk, left.system.spawn(answering('left again')))
      expect(await (await right.system.lookup(Desk)).ask({ type: 'who' })).to.equal('left again')
    })

    it('outlives a cut, and is free again when its system is gone', async () => {
      const left = await node('left')
      const right = await node('right')
      await left.system.register(Desk, left.system.spawn(answering('left')))
      left.network.refuse(true)
      left.network.cut()
      await pass(5000)
      left.network.refuse(false)
      await pass(1000)
      expect(await (await right.system.lookup(Desk)).ask({ type: 'who' })).to.equal('left')
      left.network.refuse(true)
      left.network.cut()
      await pass(40_000)
      expect(await failureCode(right.system.lookup(Desk, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
    })

    it('is claimed again by its owner who was gone and came back', async () => {
      const left = await node('left')
      const right = await node('right')
      const claim = await left.system.register(Desk, left.system.spawn(answering('left')))
      left.network.refuse(true)
      left.network.cut()
      await pass(40_000)
      left.network.refuse(false)
      await pass(2000)
      expect(await (await right.system.lookup(Desk)).ask({ type: 'who' })).to.equal('left')
      expect(claim.lost.aborted).to.equal(false)
    })

    it('is lost to whoever claimed it meanwhile, and the former owner hears so', async () => {
      const left = await node('left')
      const right = await node('right')
      const claim = await left.system.register(Desk, left.system.spawn(answering('left')))
      left.network.refuse(true)
      left.network.cut()
      await pass(40_000)
      await right.system.register(Desk, right.system.spawn(answering('right')))
      left.network.refuse(false)
      await pass(2000)
      expect(claim.lost.aborted).to.equal(true)
      expect(await (await left.system.lookup(Desk)).ask({ type: 'who' })).to.equal('right')
    })
  })

  describe('a guest', () => {
    it('finds what is exposed, and nothing else: not exposed looks like not there', async () => {
      hub.spawn(answering('desk'), { name: Desk })
      hub.spawn(answering('hidden'), { name: Hidden })
      const { system } = await guest('left')
      expect(await (await system.lookup(Desk)).ask({ type: 'who' })).to.equal('desk')
      expect(await failureCode(system.lookup(Hidden, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
      const waiting = failureCode(system.lookup(Hidden, { within: 3000 }))
      await settled()
      await pass(4000)
      expect(await waiting).to.equal('ACTOR_NOT_FOUND')
    })

    it('may not claim a name unless it is authorized', async () => {
      const { system } = await guest('left')
      expect(await failureCode(system.register(Desk, system.spawn(answering('left'))))).to.equal('ACTOR_FORBIDDEN')
      const trusted = await guest('right', {
        authenticate: () => 'Ada',
        authorize: (principal, action, target) => principal === 'Ada' && (action !== 'register' || target === 'desk')
      })
      await trusted.system.register(Desk, trusted.system.spawn(answering('Ada')))
      expect(await (await hub.lookup(Desk)).ask({ type: 'who' })).to.equal('Ada')
      expect(await failureCode(trusted.system.register(Hidden, trusted.system.spawn(answering('Ada'))))).to.equal(
        'ACTOR_FORBIDDEN'
      )
    })

    it('is refused where authorize throws or rejects', async () => {
      hub.spawn(answering('desk'), { name: Desk })
      for (const authorize of [
        () => {
          throw new Error('no')
        },
        () => Promise.reject(new Error('no'))
      ]) {
        const { system } = await guest('left', { authorize })
        expect(await failureCode(system.lookup(Desk, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
        expect(await failureCode(system.register(Desk, system.spawn(answering('left'))))).to.equal('ACTOR_FORBIDDEN')
      }
    })
  })

  describe('a group', () => {
    it('lists its members with their facts to everyone, first in full and then as it changes', async () => {
      const left = await node('left')
      const right = await node('right')
      const seat = await left.system.join(Room, left.system.spawn(noting<string>([])), { seat: 1 })
      const seenBy = [hub, left.system, right.system].map(listing)
      await settled()
      for (const { now } of seenBy) {
        expect(now().map(({ reachable, facts }) => ({ reachable, facts }))).to.deep.equal([
          { reachable: true, facts: { seat: 1 } }
        ])
      }
      const second = right.system.spawn(noting<string>([]))
      await right.system.join(Room, second, { seat: 2 })
      await settled()
      for (const { now } of seenBy) {
        expect(
          now()
            .map(({ facts }) => facts.seat)
            .sort()
        ).to.deep.equal([1, 2])
      }
      await seat.release()
      await settled()
      for (const { now } of seenBy) expect(now().map(({ facts }) => facts.seat)).to.deep.equal([2])
      await right.system.stop(second)
      await settled()
      for (const { now } of seenBy) expect(now()).to.deep.equal([])
    })

    it('hands out refs that can be sent to', async () => {
      const left = await node('left')
      const right = await node('right')
      const seen: string[] = []
      await left.system.join(Room, left.system.spawn(noting(seen)))
      let members: ReadonlyMap<ActorRef<string>, unknown> = new Map()
      right.system.members(Room, listed => {
        members = listed
      })
      await until(() => members.size === 1, 'the listing is there')
      for (const member of members.keys()) member.send('hello')
      await until(() => seen.length > 0, 'the greeting has come')
      expect(seen).to.deep.equal(['hello'])
    })

    it('tells nothing after unsubscribe', async () => {
      const left = await node('left')
      const right = await node('right')
      const list = listing(right.system)
      await settled()
      list.unsubscribe()
      await left.system.join(Room, left.system.spawn(noting<string>([])))
      await settled()
      expect(list.now()).to.deep.equal([])
    })

    it('shows who is not heard right now, keeps it through a cut, and forgets who is gone', async () => {
      const left = await node('left')
      const right = await node('right')
      await left.system.join(Room, left.system.spawn(noting<string>([])))
      const { now } = listing(right.system)
      await settled()
      left.network.refuse(true)
      left.network.cut()
      await pass(2000)
      expect(now().map(({ reachable }) => reachable)).to.deep.equal([false])
      left.network.refuse(false)
      await pass(2000)
      expect(now().map(({ reachable }) => reachable)).to.deep.equal([true])
      left.network.refuse(true)
      left.network.cut()
      await pass(40_000)
      expect(now()).to.deep.equal([])
      left.network.refuse(false)
      await pass(2000)
      expect(now().map(({ reachable }) => reachable)).to.deep.equal([true])
    })

    it('loses a member at once who says goodbye', async () => {
      const left = await node('left')
      const right = await node('right')
      await left.system.join(Room, left.system.spawn(noting<string>([])))
      const { now } = listing(right.system)
      await settled()
      const over = left.system.shutdown()
      await pass(2000)
      await over
      expect(now()).to.deep.equal([])
    })

    it('is joined by guests where it is exposed, unless they are not authorized', async () => {
      const left = await guest('left')
      await left.system.join(Room, left.system.spawn(noting<string>([])), { name: 'Ada' })
      const right = await guest('right', { authorize: (_principal, action) => action !== 'join' })
      expect(await failureCode(right.system.join(Room, right.system.spawn(noting<string>([]))))).to.equal(
        'ACTOR_FORBIDDEN'
      )
      const secret = actorName<string>('secret')
      expect(await failureCode(left.system.join(secret, left.system.spawn(noting<string>([]))))).to.equal(
        'ACTOR_FORBIDDEN'
      )
      const { now } = listing(right.system)
      await settled()
      expect(now().map(({ facts }) => facts)).to.deep.equal([{ name: 'Ada' }])
    })
  })

  it('are those of one system where there is no other', async () => {
    const claim = await hub.register(Desk, hub.spawn(answering('alone')))
    expect(await (await hub.lookup(Desk)).ask({ type: 'who' })).to.equal('alone')
    await claim.release()
    expect(await failureCode(hub.lookup(Desk, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
    const { now } = listing(hub)
    await hub.join(Room, hub.spawn(noting<string>([])), { seat: 1 })
    await settled()
    expect(now().map(({ facts }) => facts)).to.deep.equal([{ seat: 1 }])
  })
})
