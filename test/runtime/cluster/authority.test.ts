import { expect } from 'chai'
import {
  type ActorRef,
  type ActorSystem,
  actorName,
  createSystem,
  type Link,
  type ListenOptions,
  receive
} from '../../../runtime/index.ts'
import { type MemoryNetwork, memory } from '../../../transports/memory.ts'
import { failureCode, noting, turn, until } from '../../suites/any-ref/cast.ts'
import { type HandClock, handClock } from '../../support/hand-clock.ts'
import { quiet } from '../../support/quiet.ts'

type Ask = { type: 'who'; replyTo: ActorRef<string> }
const Desk = actorName<Ask>('desk')
const Hidden = actorName<Ask>('hidden')
const Room = actorName<string>('room')
const SECRET = 'the secret of the test'
const NODE = { trust: { node: { secret: SECRET } } } as const
const GUEST: ListenOptions = {
  trust: 'guest',
  expose: [
    { name: Desk, unchecked: true },
    { name: Room, unchecked: true }
  ],
  authorize: () => true
}

const answering = (name: string) =>
  receive(0, (count: number, { replyTo }: Ask) => {
    replyTo.send(name)
    return count + 1
  })

describe('an authority', () => {
  let clock: HandClock
  let systems: ActorSystem[]

  beforeEach(() => {
    clock = handClock()
    systems = []
  })

  afterEach(async () => {
    const over = Promise.all(systems.map(system => system.shutdown({ within: 100 })))
    await pass(5000)
    await over
  })

  const make = (label: string): ActorSystem => {
    const system = createSystem({ label, clock, logger: quiet })
    systems.push(system)
    return system
  }

  const pass = async (time: number): Promise<void> => {
    for (let passed = 0; passed < time; passed += 250) {
      clock.advance(250)
      for (let n = 0; n < 6; n++) await turn()
    }
  }

  const settled = async (): Promise<void> => {
    for (let n = 0; n < 30; n++) await turn()
  }

  interface Place {
    readonly listener: ReturnType<typeof memory>['listener']
    readonly network: MemoryNetwork
    readonly options: ListenOptions
    readonly system: ActorSystem
    readonly link: Link
  }

  const attach = async (hub: ActorSystem, label: string, options: ListenOptions = NODE): Promise<Place> => {
    const system = make(label)
    const { transport, listener, network } = memory()
    await hub.listen(listener, options)
    const secret = options.trust === 'guest' ? {} : { secret: SECRET }
    const link = await system.connect(transport, { ...secret, backoff: { min: 50, max: 100 } })
    return { listener, network, options, system, link }
  }

  /** Another system where a hub was: the places find it when they dial again. */
  const restart = async (hub: ActorSystem, places: readonly Place[]): Promise<ActorSystem> => {
    for (const { network } of places) network.refuse(true)
    for (const { network } of places) network.cut()
    const over = hub.shutdown({ within: 10 })
    await pass(2000)
    await over
    const next = make('next')
    for (const { listener, options } of places) await next.listen(listener, options)
    return next
  }

  const back = async (...places: readonly Place[]): Promise<void> => {
    for (const { network } of places) network.refuse(false)
    await pass(1000)
  }

  const who = async (system: ActorSystem): Promise<string> => {
    const ref = await system.lookup(Desk, { within: 0 })
    return ref.ask({ type: 'who' })
  }

  it('that is the first grants at once', async () => {
    const hub = make('hub')
    const { system } = await attach(hub, 'left')
    await system.register(Desk, system.spawn(answering('left')))
    expect(await who(hub)).to.equal('left')
  })

  it('that follows another gives a name to nobody but its owner while it is young', async () => {
    const hub = make('hub')
    const left = await attach(hub, 'left')
    const right = await attach(hub, 'right')
    const claim = await left.system.register(Desk, left.system.spawn(answering('left')))
    const next = await restart(hub, [left, right])
    await back(right)
    const late = failureCode(right.system.register(Desk, right.system.spawn(answering('right')), { within: 20_000 }))
    const looked = right.system.lookup(Desk, { within: 20_000 })
    await pass(5000)
    await back(left)
    expect(await late).to.equal('ACTOR_NAME_TAKEN')
    expect(await (await looked).ask({ type: 'who' })).to.equal('left')
    expect(await who(next)).to.equal('left')
    expect(claim.lost.aborted).to.equal(false)
  })

  it('gives it to the first that asked when its owner has not come in time, and that one hears so', async () => {
    const hub = make('hub')
    const left = await attach(hub, 'left')
    const right = await attach(hub, 'right')
    const claim = await left.system.register(Desk, left.system.spawn(answering('left')))
    await restart(hub, [left, right])
    await back(right)
    const first = right.system.register(Desk, right.system.spawn(answering('first')), { within: 60_000 })
    await settled()
    const second = failureCode(right.system.register(Desk, right.system.spawn(answering('second')), { within: 60_000 }))
    const none = failureCode(right.system.lookup(Hidden, { within: 60_000 }))
    await pass(32_000)
    await first
    expect(await second).to.equal('ACTOR_NAME_TAKEN')
    await back(left)
    expect(claim.lost.aborted).to.equal(true)
    expect(claim.lost.reason).to.have.property('code', 'ACTOR_NAME_TAKEN')
    await pass(40_000)
    expect(await none).to.equal('ACTOR_NOT_FOUND')
  })

  it('does not grant what was given up while it was young', async () => {
    const hub = make('hub')
    const left = await attach(hub, 'left')
    const next = await restart(hub, [left])
    await back(left)
    const given = failureCode(left.system.register(Desk, left.system.spawn(answering('left')), { within: 3000 }))
    await pass(5000)
    expect(await given).to.equal('ACTOR_ASK_TIMEOUT')
    await pass(40_000)
    expect(await failureCode(next.lookup(Desk, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
  })

  it('has its own actors first: what was held of such a name is lost', async () => {
    const hub = make('hub')
    const left = await attach(hub, 'left')
    const claim = await left.system.register(Desk, left.system.spawn(answering('left')))
    const next = await restart(hub, [left])
    next.spawn(answering('next'), { name: Desk })
    await back(left)
    expect(claim.lost.aborted).to.equal(true)
    expect(await who(left.system)).to.equal('next')
  })

  it('believes what a guest says it held last of all', async () => {
    const hub = make('hub')
    const left = await attach(hub, 'left')
    const liar = await attach(hub, 'liar', GUEST)
    const claim = await left.system.register(Desk, left.system.spawn(answering('left')))
    const next = await restart(hub, [left, liar])
    await back(liar)
    const lie = failureCode(
      (liar.system as unknown as { ref<M>(address: string): ActorRef<M> })
        .ref<unknown>(`actor:${next.id}/registry`)
        .ask(replyTo => ({
          type: 'claim',
          name: 'desk',
          held: true,
          ref: liar.system.spawn(answering('liar')),
          replyTo
        }))
        .then((answer: unknown) => Promise.reject(answer))
    )
    await settled()
    await back(left)
    expect(await lie).to.equal('ACTOR_NAME_TAKEN')
    expect(await who(next)).to.equal('left')
    expect(claim.lost.aborted).to.equal(false)
  })

  it('that gets a hub above hands up what it has granted, and has it again when that link ends', async () => {
    const top = make('top')
    const hub = make('hub')
    const left = await attach(hub, 'left')
    const claim = await left.system.register(Desk, left.system.spawn(answering('left')))
    const { transport, listener } = memory()
    await top.listen(listener, NODE)
    const link = await hub.connect(transport, { secret: SECRET })
    await settled()
    expect(await who(top)).to.equal('left')
    expect(await who(left.system)).to.equal('left')
    await link.disconnect()
    await settled()
    expect(await who(hub)).to.equal('left')
    expect(claim.lost.aborted).to.equal(false)
  })

  it('is not replaced by who has lost it: claims and lookups wait for its return', async () => {
    const hub = make('hub')
    const left = await attach(hub, 'left')
    left.network.refuse(true)
    left.network.cut()
    await pass(40_000)
    const claim = left.system.register(Desk, left.system.spawn(answering('left')), { within: 20_000 })
    const looked = left.system.lookup(Desk, { within: 20_000 })
    await pass(2000)
    await back(left)
    await pass(2000)
    await claim
    expect(await (await looked).ask({ type: 'who' })).to.equal('left')
    expect(await who(hub)).to.equal('left')
  })

  it('keeps a name while one of two claims of the same actor is left', async () => {
    const hub = make('hub')
    const { system } = await attach(hub, 'left')
    const ref = system.spawn(answering('left'))
    const one = await system.register(Desk, ref)
    const two = await system.register(Desk, ref)
    await one.release()
    expect(await who(hub)).to.equal('left')
    await two.release()
    expect(await failureCode(hub.lookup(Desk, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
  })

  it('lets a guest and those below it have 256 things together', async () => {
    const rooms = Array.from({ length: 257 }, (_, n) => actorName<string>(`room ${n}`))
    const hub = make('hub')
    const { system } = await attach(hub, 'guest', {
      ...GUEST,
      expose: rooms.map(name => ({ name, unchecked: true as const }))
    })
    const below = await attach(system, 'below')
    const [mine, its] = [system, below.system].map(each => each.spawn(noting<string>([])))
    for (const room of rooms.slice(0, 200)) await system.join(room, mine as ActorRef<string>)
    const places = []
    for (const room of rooms.slice(0, 56)) places.push(await below.system.join(room, its as ActorRef<string>))
    const one = rooms[256] as (typeof rooms)[number]
    expect(await failureCode(system.join(one, mine as ActorRef<string>))).to.equal('ACTOR_NO_ROOM')
    expect(await failureCode(below.system.join(one, its as ActorRef<string>))).to.equal('ACTOR_NO_ROOM')
    await places[0]?.release()
    await system.join(one, mine as ActorRef<string>)
  })

  it('takes from a guest no name that looks like another', async () => {
    const names = ['d\u0435sk', 'desk\u200b', 'desk ', 'ﬁsh'].map(name => actorName<Ask>(name))
    const hub = make('hub')
    const { system } = await attach(hub, 'guest', {
      ...GUEST,
      expose: names.map(name => ({ name, unchecked: true as const }))
    })
    for (const name of names) {
      expect(await failureCode(system.register(name, system.spawn(answering('guest'))))).to.equal('ACTOR_INVALID')
    }
  })

  describe('of a large group', () => {
    const many = 3000
    const fill = async (system: ActorSystem): Promise<Array<ActorRef<string>>> => {
      const members: Array<ActorRef<string>> = []
      for (let n = 0; n < many; n++) {
        const member = system.spawn(noting<string>([]))
        members.push(member)
        await system.join(Room, member, { n, text: 'x'.repeat(200) })
      }
      return members
    }

    it('lists it whole, and then tells only what changes, once a turn', async () => {
      const hub = make('hub')
      const { system } = await attach(hub, 'guest', GUEST)
      const members = await fill(hub)
      const sizes: number[] = []
      system.members(Room, listed => void sizes.push(listed.size))
      await until(() => sizes.length > 0, 'the listing is there')
      expect(sizes).to.deep.equal([many])
      await Promise.all(members.slice(0, 100).map(member => hub.stop(member)))
      await until(() => sizes.at(-1) === many - 100, 'the ends are heard')
      expect(sizes).to.have.length.below(20)
    })
  })
})
