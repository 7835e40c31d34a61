// Credentials that end, that are shown anew, and that are no good: what becomes of the connection, and of what lies above it.

import { expect } from 'chai'
import {
  type ActorRef,
  type ActorSystem,
  actorName,
  type ConnectionHello,
  type ConnectOptions,
  createSystem,
  type Gateway,
  type Link,
  type ListenOptions,
  type Origin,
  setup
} from '../../../runtime/index.ts'
import { FrameKind } from '../../../runtime/peer/frame.ts'
import { memory } from '../../../transports/memory.ts'
import { failure, failureCode, noting, turn, until, watcher } from '../../suites/any-ref/cast.ts'
import { type HandClock, handClock } from '../../support/hand-clock.ts'
import { quiet } from '../../support/quiet.ts'
import { hello, type RawPeer, rawPeer } from '../../support/raw-peer.ts'

const SECRET = 'the secret of the test'
const Desk = actorName<string>('desk')
const guests: ListenOptions = { trust: 'guest', expose: [{ name: Desk, unchecked: true }] }
const QUICK = { min: 10, max: 20 }
const MINUTE = 60_000

/** A token is a user, and when it ends: `ada 60000`. */
interface User {
  readonly name: string
  readonly ends: number
}
const userOf = ({ token = '' }: { token?: string }): User => {
  const [name = '', ends] = token.split(' ')
  if (name === '' || name === 'nobody') throw new Error('a secret of the house')
  return { name, ends: ends === undefined ? Number.POSITIVE_INFINITY : Number(ends) }
}
const users: Partial<ListenOptions> = {
  authenticate: userOf,
  expires: principal => (principal as User).ends,
  subject: principal => (principal as User).name
}

describe('a credential', () => {
  let clock: HandClock
  let jump: number
  let systems: ActorSystem[]
  let hub: ActorSystem
  let guest: ActorSystem
  let origins: Origin[]
  let memories: ReturnType<typeof memory>
  let gateway: Gateway

  beforeEach(() => {
    const time = handClock()
    jump = 0
    clock = Object.assign(time, { wall: () => time.now() + jump })
    systems = []
    hub = make('hub')
    guest = make('guest')
    origins = []
    memories = memory()
  })

  afterEach(async () => {
    const over = Promise.all(systems.map(system => system.shutdown({ within: 100 })))
    await pass(5_000)
    await over
  })

  const make = (label: string): ActorSystem => {
    const system = createSystem({ label, clock, logger: quiet })
    systems.push(system)
    return system
  }
  const pass = async (time: number, step = 250): Promise<void> => {
    for (let passed = 0; passed < time; passed += step) {
      clock.advance(step)
      for (let n = 0; n < 4; n++) await turn()
    }
  }
  const settled = async (): Promise<void> => {
    for (let n = 0; n < 30; n++) await turn()
  }
  /** Writes down where its mail comes from. */
  const place = (system: ActorSystem): ActorRef<string> =>
    system.spawn(
      setup<string>(() => ({ receive: (_message, from) => void origins.push(from) })),
      { name: Desk }
    )
  const names = (): Array<string | undefined> => origins.map(({ principal }) => (principal as User | undefined)?.name)
  const open = async (options: Partial<ListenOptions> = users, from?: ConnectionHello): Promise<void> => {
    const { listener } = memories
    const told: typeof listener = {
      kind: 'told',
      listen: accept => listener.listen((connection, hello) => accept(connection, from ?? hello))
    }
    gateway = await hub.listen(told, { ...guests, ...options })
  }
  const connect = (options: ConnectOptions): Promise<Link> =>
    guest.connect(memories.transport, { backoff: QUICK, ...options })
  const raw = async (token: string): Promise<RawPeer> => {
    const peer = await rawPeer(memories.transport)
    peer.shake(hello(peer.identity, { token }))
    await until(() => peer.frames.length > 0, 'it is answered')
    return peer
  }
  /** Writes down what becomes of a link. */
  const story = (link: Link): string[] => {
    const seen: string[] = []
    link.onStatus((status, why) => void seen.push(why === undefined ? status : `${status} ${why.code}`))
    return seen
  }

  describe('that ends', () => {
    it('is shown anew before, by a link that can ask for tokens, and nothing is interrupted', async () => {
      let count = 0
      await open()
      place(hub)
      const link = await connect({ token: () => `ada ${clock.now() + 10 * MINUTE} ${count++}` })
      const seen = story(link)
      const { ref, heard } = watcher(guest)
      const desk = await guest.lookup(Desk)
      await ref.ask({ type: 'watch', ref: desk })
      for (let n = 0; n < 60; n++) {
        desk.send(`${n}`)
        await pass(MINUTE, 5_000)
      }
      expect(count).to.be.within(6, 9)
      expect([seen, heard, memories.network.size]).to.deep.equal([[], [], 1])
      expect(origins.length).to.equal(60)
    })

    it('is shown anew when 75 to 90 percent of its time are over', async () => {
      const times: number[] = []
      await open()
      for (let n = 0; n < 8; n++) {
        const system = make(`guest ${n}`)
        await system.connect(memories.transport, {
          token: () => {
            if (times.length >= 8 || clock.now() > 0) times.push(clock.now())
            return `ada ${clock.now() + 1_000_000}`
          }
        })
      }
      await pass(950_000, 1_000)
      expect(times.length).to.equal(8)
      for (const time of times) expect(time).to.be.within(750_000, 901_000)
      expect(new Set(times).size).to.be.greaterThan(1)
    })

    it('ends its connection with 4401, and the place is kept', async () => {
      await open()
      const peer = await raw('ada 10000')
      const [welcome] = peer.answers()
      expect(welcome).to.include({ kind: 'welcome', expiresIn: 10_000 })
      await pass(9_750)
      expect(peer.closed).to.deep.equal([])
      await pass(250)
      expect(peer.closed.map(({ code }) => code)).to.deep.equal([4401])
      expect([...gateway.peers].map(({ status }) => status)).to.deep.equal(['suspended'])
      await pass(31_000)
      expect(gateway.peers.size).to.equal(0)
    })

    it('ends the link where the token is a text, with ACTOR_FORBIDDEN', async () => {
      await open()
      const link = await connect({ token: 'ada 10000' })
      const seen = story(link)
      await pass(20_000)
      expect(seen).to.deep.equal(['closed ACTOR_FORBIDDEN'])
      expect(memories.network.size).to.equal(0)
    })

    it('loses nothing where its owner comes back with a good one', async () => {
      let good = true
      await open()
      const seen: string[] = []
      hub.spawn(noting(seen), { name: Desk })
      const link = await connect({
        token: () => (good ? `ada ${clock.now() + 10_000}` : Promise.reject(new Error('no network to the login')))
      })
      const statuses = story(link)
      const desk = await guest.lookup(Desk)
      const { ref, heard } = watcher(guest)
      await ref.ask({ type: 'watch', ref: desk })
      good = false
      for (let n = 0; n < 20; n++) {
        desk.send(`${n}`)
        await pass(1_000)
      }
      expect(link.status).to.equal('suspended')
      good = true
      await pass(1_000)
      expect(statuses.slice(0, 1)).to.deep.equal(['suspended ACTOR_FORBIDDEN'])
      expect(statuses.at(-1)).to.equal('connected')
      expect(seen).to.deep.equal(Array.from({ length: 20 }, (_, n) => `${n}`))
      expect(heard).to.deep.equal([])
    })

    it('follows the wall clock: forward within a minute, and back', async () => {
      await open()
      const early = await raw(`ada ${60 * MINUTE}`)
      jump = 61 * MINUTE
      await pass(MINUTE + 250)
      expect(early.closed.map(({ code }) => code)).to.deep.equal([4401])
      jump = 0
      const late = await raw(`ada ${clock.now() + 5 * MINUTE}`)
      jump = -10 * MINUTE
      await pass(12 * MINUTE, 5_000)
      expect(late.closed).to.deep.equal([])
      await pass(4 * MINUTE, 5_000)
      expect(late.closed.map(({ code }) => code)).to.deep.equal([4401])
    })

    it('is shown anew in time by a machine that slept, whose clock stood still meanwhile', async () => {
      let count = 0
      await open({ authenticate: userOf, expires: () => clock.wall() + 60 * MINUTE })
      await connect({ token: () => `ada ${count++}` })
      jump = 55 * MINUTE
      await pass(MINUTE + 250)
      expect(count).to.equal(2)
    })

    it('is not good where it has ended already, or its end is none', async () => {
      for (const ends of [-1, 0, Number.NaN, '9999999', Promise.resolve(9e15), null]) {
        memories = memory()
        await open({ authenticate: userOf, expires: () => ends as number })
        const peer = await raw('ada')
        expect(peer.answers().at(-1)).to.include({ kind: 'refused', code: 'ACTOR_FORBIDDEN' })
        await settled()
        expect(peer.closed.map(({ code }) => code)).to.deep.equal([4401])
      }
    })
  })

  describe('that is shown anew', () => {
    it('by hand has the new principal in every handler from then on', async () => {
      let user = 'ada'
      await open({ authenticate: userOf })
      place(hub)
      const link = await connect({ token: () => user })
      const desk = await guest.lookup(Desk)
      desk.send('before')
      await settled()
      user = 'ben'
      await link.refresh()
      desk.send('after')
      await settled()
      expect(names()).to.deep.equal(['ada', 'ben'])
      expect([...gateway.peers].map(({ principal }) => (principal as User).name)).to.deep.equal(['ben'])
    })

    /** Two hubs: the guest's, and one that is above it or beside; homes stand behind either. */
    const homes: Array<[string, (home: ActorSystem) => Promise<void>]> = [
      [
        'below the hub',
        async home => {
          const inner = memory()
          await hub.listen(inner.listener, { trust: { node: { secret: SECRET } } })
          await home.connect(inner.transport, { secret: SECRET })
        }
      ],
      [
        'above the hub',
        async home => {
          const inner = memory()
          await home.listen(inner.listener, { trust: { node: { secret: SECRET } } })
          await hub.connect(inner.transport, { secret: SECRET })
        }
      ],
      [
        'behind a hub above the hub',
        async home => {
          const [outer, inner] = [memory(), memory()]
          const top = make('top')
          await top.listen(outer.listener, { trust: { node: { secret: SECRET } } })
          await top.listen(inner.listener, { trust: { node: { secret: SECRET } } })
          await hub.connect(outer.transport, { secret: SECRET })
          await home.connect(inner.transport, { secret: SECRET })
        }
      ],
      [
        'below a third hub',
        async home => {
          const [outer, inner, last] = [memory(), memory(), memory()]
          const [top, other] = [make('top'), make('other')]
          await top.listen(outer.listener, { trust: { node: { secret: SECRET } } })
          await top.listen(inner.listener, { trust: { node: { secret: SECRET } } })
          await hub.connect(outer.transport, { secret: SECRET })
          await other.connect(inner.transport, { secret: SECRET })
          await other.listen(last.listener, { trust: { node: { secret: SECRET } } })
          await home.connect(last.transport, { secret: SECRET })
        }
      ]
    ]
    for (const [where, stand] of homes) {
      it(`has the new principal, and the trust of a guest, in a handler ${where}`, async () => {
        let user = 'ada'
        const home = make('home')
        await open({ authenticate: userOf })
        await stand(home)
        const link = await connect({ token: () => user })
        const desk = guest.ref<string>(place(home).address)
        desk.send('before')
        await settled()
        user = 'ben'
        await link.refresh()
        desk.send('after')
        await settled()
        user = 'cleo'
        memories.network.cut()
        await pass(1_000)
        desk.send('after a reconnect')
        await settled()
        expect(names()).to.deep.equal(['ada', 'ben', 'cleo'])
        expect(origins.map(({ trust }) => trust)).to.deep.equal(['guest', 'guest', 'guest'])
      })

      it(`is that of what is below the guest as well, in a handler ${where}`, async () => {
        let user = 'ada'
        const [home, below, inner] = [make('home'), make('below'), memory()]
        await open({ authenticate: userOf })
        await stand(home)
        const link = await connect({ token: () => user })
        await guest.listen(inner.listener, { trust: { node: { secret: SECRET } } })
        await below.connect(inner.transport, { secret: SECRET })
        const desk = below.ref<string>(place(home).address)
        desk.send('before')
        await settled()
        user = 'ben'
        await link.refresh()
        desk.send('after')
        await settled()
        expect(names()).to.deep.equal(['ada', 'ben'])
        expect(origins.map(({ trust }) => trust)).to.deep.equal(['guest', 'guest'])
      })
    }

    it('with a principal whose getters throw stays what it is here, and nothing elsewhere', async () => {
      const trap = Object.defineProperty({}, 'name', {
        enumerable: true,
        get() {
          throw new Error('a secret of the house')
        }
      })
      const home = make('home')
      await open({ authenticate: ({ token }) => (token === 'first' ? { name: 'ada' } : trap) })
      const inner = memory()
      await hub.listen(inner.listener, { trust: { node: { secret: SECRET } } })
      await home.connect(inner.transport, { secret: SECRET })
      let token = 'first'
      const link = await connect({ token: () => token })
      const [here, there] = [place(hub), place(home)].map(ref => guest.ref<string>(ref.address))
      token = 'second'
      await link.refresh()
      here?.send('x')
      await settled()
      there?.send('x')
      await settled()
      expect(origins.map(({ trust, principal }) => [trust, principal === trap])).to.deep.equal([
        ['guest', true],
        ['guest', false]
      ])
      expect(origins[1]?.principal).to.equal(undefined)
      expect(link.status).to.equal('connected')
    })

    it('is asked about with all that the first was: label, address, origin and headers', async () => {
      const asked: object[] = []
      const headers = { host: 'a.example', cookie: 'c=1' }
      await open(
        { authenticate: shown => void asked.push(shown) },
        { address: '192.0.2.1', origin: 'https://a.example', headers }
      )
      let count = 0
      const link = await connect({ token: () => `${count++}` })
      await link.refresh()
      const from = { label: 'guest', address: '192.0.2.1', origin: 'https://a.example', headers }
      expect(asked).to.deep.equal([
        { ...from, token: '0' },
        { ...from, token: '1' }
      ])
    })

    const failing: Array<[string, () => unknown]> = [
      [
        'throws',
        () => {
          throw new Error('a secret of the house')
        }
      ],
      ['rejects', () => Promise.reject(new Error('a secret of the house'))],
      ['hangs', () => new Promise(() => {})],
      ['answers with what never settles', () => Object.defineProperty({}, 'then', { value: () => {} })],
      [
        'answers with a getter that throws',
        () =>
          Object.defineProperty({}, 'then', {
            get() {
              throw new Error('a secret of the house')
            }
          })
      ]
    ]
    for (const [what, answer] of failing) {
      it(`ends the connection with 4401 where authenticate ${what}`, async () => {
        await open({ authenticate: hello => (hello.token === 'first' ? 'ada' : answer()) })
        const peer = await raw('first')
        peer.shake({ kind: 'token', token: 'second' })
        await pass(4_750)
        if (what === 'hangs') expect(peer.closed).to.deep.equal([])
        await pass(500)
        expect(peer.closed.map(({ code }) => code)).to.deep.equal([4401])
        expect(JSON.stringify(peer.closed)).to.not.include('house')
      })

      it(`is refused with 4401 in the first place where authenticate ${what}`, async () => {
        await open({ authenticate: answer })
        const peer = await rawPeer(memories.transport)
        peer.shake(hello(peer.identity, { token: 'first' }))
        await pass(5_250)
        expect(peer.closed.map(({ code }) => code)).to.deep.equal([4401])
        expect(peer.answers()).to.deep.equal([
          { kind: 'refused', code: 'ACTOR_FORBIDDEN', message: 'not authenticated', version: 1, close: 4401 }
        ])
      })
    }

    it('has no effect when the answer comes too late', async () => {
      let answer: (principal: unknown) => void = () => {}
      const late = new Promise(resolve => {
        answer = resolve
      })
      await open({ authenticate: ({ token }) => (token === 'first' ? { name: 'ada' } : late) })
      const peer = await raw('first')
      peer.shake({ kind: 'token', token: 'second' })
      await pass(5_250)
      answer({ name: 'ben' })
      await settled()
      expect([...gateway.peers].map(({ principal }) => principal)).to.deep.equal([{ name: 'ada' }])
      expect(peer.answers().map(({ kind }) => kind)).to.deep.equal(['welcome'])
    })

    it('rejects refresh as the listener refuses, and a link that can ask again comes back', async () => {
      let user = 'ada'
      await open()
      const link = await connect({ token: () => user })
      user = 'nobody'
      expect(await failureCode(link.refresh())).to.equal('ACTOR_FORBIDDEN')
      expect(link.status).to.equal('suspended')
      user = 'ada'
      await pass(1_000)
      expect(link.status).to.equal('connected')
    })

    it('cannot be shown without a token, or while not connected', async () => {
      await open()
      const bare = memory()
      await hub.listen(bare.listener, guests)
      expect(await failureCode((await make('bare').connect(bare.transport)).refresh())).to.equal('ACTOR_BAD_OPTION')
      const away = await connect({ token: 'ada' })
      memories.network.refuse(true)
      memories.network.cut()
      await settled()
      expect(await failureCode(away.refresh())).to.equal('ACTOR_UNREACHABLE')
    })

    it('must fit into a frame, at first and later', async () => {
      let token = 'x'.repeat(5_000)
      await open({})
      expect(await failureCode(connect({ token }))).to.equal('ACTOR_TOO_LARGE')
      token = 'x'
      const link = await connect({ token: () => token })
      token = 'x'.repeat(5_000)
      expect(await failureCode(link.refresh())).to.equal('ACTOR_TOO_LARGE')
      expect(link.status).to.equal('connected')
    })

    it('is good where everybody is let in', async () => {
      await open({})
      await (await connect({ token: 'any' })).refresh()
    })

    it('is asked for once more by those who ask meanwhile, and no oftener', async () => {
      let count = 0
      await open()
      const link = await connect({ token: () => `ada ${1e9 + count++}` })
      const first = link.refresh()
      const later = [link.refresh(), link.refresh(), link.refresh()]
      await first
      await pass(1_250)
      await Promise.all(later)
      expect(count).to.equal(3)
    })

    it('is tried again when no token could be had', async () => {
      let count = 0
      await open()
      const link = await connect({
        token: () => {
          count += 1
          if (count === 2) throw new Error('the login is away')
          return `ada ${clock.now() + 100_000}`
        }
      })
      const seen = story(link)
      await pass(98_000, 1_000)
      expect(count).to.equal(3)
      expect(seen).to.deep.equal([])
    })

    it('does not hang the link whose function hangs', async () => {
      let hangs = false
      await open()
      const link = await connect({ token: () => (hangs ? new Promise<string>(() => {}) : 'ada') })
      hangs = true
      const refreshed = failure(link.refresh())
      await pass(10_250)
      expect(await refreshed).to.have.property('code', 'ACTOR_UNREACHABLE')
      memories.network.cut()
      await pass(12_000)
      hangs = false
      await pass(12_000)
      expect(link.status).to.equal('connected')
    })

    it('a thousand times asks authenticate once a second, and the last of them counts', async () => {
      const asked: Array<string | undefined> = []
      await open({ authenticate: ({ token }) => void asked.push(token) })
      const peer = await raw('first')
      for (let n = 0; n < 1_000; n++) peer.shake({ kind: 'token', token: `${n}` })
      await pass(10_000)
      expect(asked).to.deep.equal(['first', '0', '999'])
      for (let n = 0; n < 100; n++) {
        peer.shake({ kind: 'token', token: `again ${n}` })
        await pass(100, 100)
      }
      expect(asked.length).to.be.at.most(15)
      expect(peer.closed).to.deep.equal([])
    })

    it('while one is being looked at does not ask twice at a time', async () => {
      let asking = 0
      let most = 0
      await open({
        authenticate: async ({ token }) => {
          if (token === 'first') return
          asking += 1
          most = Math.max(most, asking)
          await new Promise<void>(resolve => void clock.timer(2_000, resolve))
          asking -= 1
        }
      })
      const peer = await raw('first')
      for (let n = 0; n < 20; n++) {
        peer.shake({ kind: 'token', token: `${n}` })
        await pass(500)
      }
      expect(most).to.equal(1)
      expect(peer.closed).to.deep.equal([])
    })

    it('with bytes that are none ends the connection with 4400', async () => {
      await open()
      const peer = await raw('ada')
      peer.send(Uint8Array.of(FrameKind.token, 1, 2, 3))
      await settled()
      expect(peer.closed.map(({ code }) => code)).to.deep.equal([4400])
    })

    it('before the handshake is over is out of turn', async () => {
      await open()
      const peer = await rawPeer(memories.transport)
      peer.shake({ kind: 'token', token: 'ada' })
      await settled()
      expect(peer.closed.map(({ code }) => code)).to.deep.equal([4400])
    })

    it('keeps no timer when its connection is over', async () => {
      const timers = new Set<() => void>()
      const { timer } = clock
      clock.timer = (delay, fire) => {
        const cancel = timer(delay, fire)
        timers.add(fire)
        return () => {
          timers.delete(fire)
          cancel()
        }
      }
      await open()
      await connect({ token: () => `ada ${60 * MINUTE}` })
      const over = Promise.all([guest.shutdown({ within: 100 }), hub.shutdown({ within: 100 })])
      await pass(2_000)
      await over
      timers.clear()
      const after = clock.now()
      await pass(2 * MINUTE, 5_000)
      expect(clock.now()).to.be.greaterThan(after)
      expect(timers.size).to.equal(0)
    })
  })

  describe('of somebody else', () => {
    it('ends the connection with 4403 and the link for good', async () => {
      let user = 'ada'
      await open()
      const link = await connect({ token: () => user })
      const seen = story(link)
      user = 'ben'
      expect(await failureCode(link.refresh())).to.equal('ACTOR_FORBIDDEN')
      await pass(60_000, 5_000)
      expect(seen).to.deep.equal(['closed ACTOR_FORBIDDEN'])
      expect(memories.network.size).to.equal(0)
    })

    it('is refused to a system that comes back while its place is kept, and let in after that', async () => {
      await open({ ...users, downAfter: 10_000 })
      const first = await raw('ada')
      first.close()
      await settled()
      const again = async (token: string): Promise<RawPeer> => {
        const peer = await rawPeer(memories.transport, first.identity)
        peer.shake(hello(first.identity, { token }))
        await until(() => peer.frames.length > 0, 'it is answered')
        return peer
      }
      const other = await again('ben')
      await settled()
      expect(other.answers()[0]).to.include({ kind: 'refused', code: 'ACTOR_FORBIDDEN' })
      expect(other.closed.map(({ code }) => code)).to.deep.equal([4403])
      expect((await again('ada')).answers()[0]?.kind).to.equal('welcome')
      await pass(5_000)
      first.close()
      memories.network.cut()
      await pass(11_000)
      expect((await again('ben')).answers()[0]?.kind).to.equal('welcome')
    })

    it('is not asked about where the listener does not say who a principal is', async () => {
      let user = 'ada'
      await open({ authenticate: userOf })
      const link = await connect({ token: () => user })
      user = 'ben'
      await link.refresh()
      expect(link.status).to.equal('connected')
    })

    for (const [what, subject] of [
      [
        'fails',
        () => {
          throw new Error('a secret of the house')
        }
      ],
      ['is no text', () => 7 as unknown as string]
    ] as const) {
      it(`is nobody where subject ${what}: 4401`, async () => {
        await open({ authenticate: userOf, subject })
        const peer = await raw('ada')
        await settled()
        expect(peer.closed.map(({ code }) => code)).to.deep.equal([4401])
      })
    }
  })
})
