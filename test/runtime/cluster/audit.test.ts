// What a listener tells its `audit`: each type of event, nothing that is secret, and no effect on anything.

import { expect } from 'chai'
import {
  type ActorRef,
  type ActorSystem,
  type AuditEvent,
  actorName,
  type ConnectionHello,
  type ConnectOptions,
  createSystem,
  type Gateway,
  type Link,
  type ListenOptions,
  type Logger,
  type StandardSchema,
  setup
} from '../../../runtime/index.ts'
import { FrameKind } from '../../../runtime/peer/frame.ts'
import { Item } from '../../../runtime/peer/items.ts'
import { memory } from '../../../transports/memory.ts'
import { failureCode, noting, turn, until } from '../../suites/any-ref/cast.ts'
import { type HandClock, handClock } from '../../support/hand-clock.ts'
import { quiet } from '../../support/quiet.ts'
import { hello, identity, rawGuest, rawPeer, relayed, secretOf } from '../../support/raw-peer.ts'

const Open = actorName<unknown>('open')
const Hidden = actorName<unknown>('hidden')
const texts: StandardSchema<string> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => (typeof value === 'string' ? { value } : { issues: [{ message: 'no text' }] })
  }
}
const Text = actorName<string>('text', { schema: texts })
const FROM: ConnectionHello = {
  address: '192.0.2.1',
  origin: 'https://a.example',
  headers: { host: 'a.example', cookie: 'a secret cookie' }
}
const PLACE = { address: '192.0.2.1', origin: 'https://a.example' }
const QUICK = { min: 10, max: 20 }

describe('an audit', () => {
  let clock: HandClock
  let systems: ActorSystem[]
  let hub: ActorSystem
  let guest: ActorSystem
  let events: AuditEvent[]
  let errors: string[]
  let memories: ReturnType<typeof memory>
  let gateway: Gateway

  beforeEach(() => {
    clock = handClock()
    systems = []
    errors = []
    hub = make('hub', { ...quiet, error: text => void errors.push(text) })
    guest = make('guest')
    events = []
    memories = memory()
  })

  afterEach(async () => {
    const over = Promise.all(systems.map(system => system.shutdown({ within: 100 })))
    await pass(5_000)
    await over
    const told = JSON.stringify(events)
    for (const secret of ['secret', 'token of', 'cookie', 'a message']) expect(told).to.not.include(secret)
  })

  const make = (label: string, logger: Logger = quiet): ActorSystem => {
    const system = createSystem({ label, clock, logger })
    systems.push(system)
    return system
  }
  const pass = async (time: number): Promise<void> => {
    for (let passed = 0; passed < time; passed += 250) {
      clock.advance(250)
      for (let n = 0; n < 4; n++) await turn()
    }
  }
  const settled = async (): Promise<void> => {
    for (let n = 0; n < 30; n++) await turn()
  }
  const open = async (options: Partial<ListenOptions> = {}): Promise<void> => {
    const { listener } = memories
    gateway = await hub.listen(
      { kind: 'told', listen: accept => listener.listen(connection => accept(connection, FROM)) },
      {
        trust: 'guest',
        expose: [{ name: Open, unchecked: true }, Text],
        authenticate: ({ token = '' }) => {
          if (token === 'token of nobody') throw new Error('a secret of the house')
          return token.split(' ')[2]
        },
        audit: event => void events.push(event),
        ...options
      }
    )
  }
  const connect = (options: ConnectOptions = { token: 'token of ada' }): Promise<Link> =>
    guest.connect(memories.transport, { backoff: QUICK, ...options })
  const told = (type: AuditEvent['type']): AuditEvent[] => events.filter(event => event.type === type)
  const ada = () => ({ id: guest.id, label: 'guest', trust: 'guest', principal: 'ada' })

  it('hears who has come in, and who has come in again', async () => {
    await open()
    clock.advance(1_000)
    await connect()
    memories.network.cut()
    await pass(1_000)
    expect(events.map(({ type }) => type)).to.deep.equal(['attached', 'attached'])
    expect(events[0]).to.deep.equal({ type: 'attached', at: 1_000, ...ada(), ...PLACE, again: false })
    expect(events[1]).to.include({ again: true })
  })

  it('hears who was refused, with both codes and where it came from', async () => {
    await open({ origins: [PLACE.origin] })
    expect(await failureCode(connect({ token: 'token of nobody' }))).to.equal('ACTOR_FORBIDDEN')
    const strange = await rawPeer(memories.transport)
    strange.send(Uint8Array.of(77))
    const other = await rawPeer(memories.transport)
    other.shake(hello(other.identity, { secret: secretOf(identity()), label: 'a\nb' }))
    const old = await rawPeer(memories.transport)
    old.shake(hello(old.identity, { version: 9 }))
    await rawPeer(memories.transport)
    await pass(5_500)
    expect(told('refused').map(({ at, ...event }) => event)).to.deep.equal([
      { type: 'refused', code: 'ACTOR_FORBIDDEN', close: 4401, label: 'guest', ...PLACE },
      { type: 'refused', code: 'ACTOR_REFUSED', close: 4400, ...PLACE },
      { type: 'refused', code: 'ACTOR_FORBIDDEN', close: 4403, label: 'ab', ...PLACE },
      { type: 'refused', code: 'ACTOR_VERSION', close: 4426, label: 'raw', ...PLACE },
      { type: 'refused', code: 'ACTOR_UNREACHABLE', close: 4408, ...PLACE }
    ])
    expect(events.length).to.equal(5)
  })

  it('hears that nobody more had room to greet, each refusal and once a second the limit', async () => {
    await open({ limits: { pendingHandshakes: 1 } })
    for (let n = 0; n < 4; n++) await rawPeer(memories.transport)
    await settled()
    expect(told('refused').map(event => 'close' in event && event.close)).to.deep.equal([4429, 4429, 4429])
    expect(told('limited').map(({ at, ...event }) => event)).to.deep.equal([
      { type: 'limited', limit: 'pendingHandshakes' }
    ])
  })

  it('hears of credentials that were shown anew, were no good, belonged to another, or ended', async () => {
    let token = 'token of ada'
    await open({ subject: principal => `${principal}`, expires: () => clock.wall() + 60_000 })
    const link = await connect({ token: () => token })
    await link.refresh()
    await pass(1_000)
    token = 'token of nobody'
    await failureCode(link.refresh())
    token = 'token of ada'
    await pass(1_000)
    token = 'token of ben'
    await failureCode(link.refresh())
    await settled()
    expect(events.map(({ type }) => type)).to.deep.equal(['attached', 'refreshed', 'refused', 'attached', 'refused'])
    expect(events[1]).to.deep.include(ada())
    expect(events[2]).to.include({ code: 'ACTOR_FORBIDDEN', close: 4401, label: 'guest', ...PLACE })
    expect(events[4]).to.include({ code: 'ACTOR_FORBIDDEN', close: 4403, label: 'guest', ...PLACE })
    events = []
    const peer = await rawPeer(memories.transport)
    peer.shake(hello(peer.identity, { token: 'token of cleo' }))
    await pass(61_000)
    expect(told('expired')).to.have.length(1)
    expect(told('expired')[0]).to.deep.include({ id: peer.identity.id, principal: 'cleo' })
  })

  it('hears who is gone, and why', async () => {
    await open({ downAfter: 1_000, limits: { suspended: 1 } })
    const leaving = await connect()
    await leaving.disconnect()
    await settled()
    const silent = [await rawGuest(memories.transport), await rawGuest(memories.transport)]
    for (const each of silent) each.close()
    await pass(2_000)
    await rawGuest(memories.transport)
    const over = gateway.close()
    await pass(1_000)
    await over
    expect(told('detached').map(event => 'why' in event && event.why)).to.deep.equal([
      'goodbye',
      'room',
      'away',
      'closed'
    ])
    expect(told('detached')[0]).to.deep.include(ada())
  })

  it('hears what was denied: by a policy, and because it is not exposed', async () => {
    const home = make('home')
    await open({ authorize: (_principal, action) => action === 'lookup' })
    const inner = memory()
    await hub.listen(inner.listener, { trust: { node: { secret: 'the word of the test' } } })
    await home.connect(inner.transport, { secret: 'the word of the test' })
    await connect()
    await failureCode(guest.lookup(Hidden, { within: 0 }))
    await failureCode(guest.register(Open, guest.spawn(noting<unknown>([]))))
    await failureCode(guest.join(Open, guest.spawn(noting<unknown>([]))))
    guest.ref<string>(home.spawn(noting<unknown>([])).address).send('a message')
    await settled()
    expect(told('denied').map(event => 'action' in event && [event.action, event.target])).to.deep.equal([
      ['lookup', 'hidden'],
      ['register', 'open'],
      ['join', 'open'],
      ['relay', home.id]
    ])
    for (const event of told('denied')) expect(event).to.deep.include(ada())
  })

  it('hears which limit held somebody back, at most once a second for each', async () => {
    await open({ limits: { openAsks: 1, watches: 1, messagesPerSecond: 10 } })
    hub.spawn(
      setup<unknown>(() => ({ receive() {} })),
      { name: Open }
    )
    await connect()
    const ref = (await guest.lookup(Open)) as ActorRef<{ type: 'get'; replyTo: ActorRef<number> }>
    for (let n = 0; n < 4; n++) ref.ask({ type: 'get' }, { within: 500 }).catch(() => {})
    const watching = setup<unknown>(ctx => ({
      receive: () => {
        for (const there of [1, 2, 3].map(() => hub.spawn(noting<unknown>([])))) ctx.watch(guest.ref(there.address))
      }
    }))
    guest.spawn(watching).send(1)
    await settled()
    for (let n = 0; n < 50; n++) {
      ref.send({ type: 'get' } as never)
      await turn()
    }
    await settled()
    const limits = (): Array<string | false> => told('limited').map(event => 'limit' in event && event.limit)
    expect(limits().sort()).to.deep.equal(['messagesPerSecond', 'openAsks', 'watches'])
    for (const event of told('limited')) expect(event).to.deep.include(ada())
    events = []
    await pass(3_000)
    expect(limits().length).to.be.within(1, 4)
  })

  it('hears of a slow consumer', async () => {
    let stuck = false
    let waiting = 0
    const { listener } = memories
    memories.listener = {
      kind: 'slow',
      listen: accept =>
        listener.listen((connection, from) =>
          accept(
            {
              maxFrame: connection.maxFrame,
              get buffered() {
                return connection.buffered + waiting
              },
              send(frame) {
                if (stuck) waiting += frame.length
                else connection.send(frame)
              },
              open: on => connection.open(on),
              close: (code, reason) => connection.close(code, reason)
            },
            from
          )
        )
    }
    await open()
    await connect()
    await settled()
    stuck = true
    waiting = 1_048_577
    await pass(14_000)
    expect(told('limited').map(event => 'limit' in event && event.limit)).to.deep.equal(['slow'])
    expect(told('limited')[0]).to.deep.include(ada())
  })

  it('hears of tokens that come too fast', async () => {
    await open()
    const peer = await rawGuest(memories.transport)
    for (let n = 0; n < 50; n++) peer.shake({ kind: 'token', token: `token of ${n}` })
    await settled()
    expect(told('limited').map(event => 'limit' in event && event.limit)).to.deep.equal(['refresh'])
  })

  it('hears of messages that are refused by the guard, or by a schema, once a second', async () => {
    await open({ limits: { depth: 3 } })
    hub.spawn(noting<unknown>([]), { name: Open })
    hub.spawn(noting<string>([]), { name: Text })
    await connect()
    const [any, text] = [await guest.lookup(Open), await guest.lookup(Text)]
    for (let n = 0; n < 5; n++) {
      any.send({ a: { b: { c: { d: { e: 'a message' } } } } })
      text.send({ no: 'a message' } as never)
    }
    await settled()
    const facts = told('invalid').map(event => ('by' in event ? `${event.by} ${event.target}` : ''))
    expect(facts.sort()).to.deep.equal(['guard open', 'schema text'])
    for (const event of told('invalid')) expect(event).to.deep.include(ada())
  })

  it('hears who broke the protocol, of a batch, a frame, and a token', async () => {
    await open()
    const batch = await rawGuest(memories.transport)
    batch.send(relayed(batch.identity.id, hub.id, {}, Uint8Array.of(Item.send, 9, 1)))
    const greeting = await rawGuest(memories.transport)
    greeting.shake(hello(greeting.identity))
    const token = await rawGuest(memories.transport)
    token.send(Uint8Array.of(FrameKind.token, 1))
    await settled()
    const BATCH = 'a number that stands for no actor: the bytes are cut, damaged, or from another protocol version'
    expect(told('broken').map(event => ('fault' in event ? [event.id, event.fault] : []))).to.deep.equal([
      [batch.identity.id, BATCH],
      [greeting.identity.id, 'a greeting out of turn'],
      [token.identity.id, 'a token that is none']
    ])
    expect([batch, greeting, token].map(({ closed }) => closed[0]?.code)).to.deep.equal([undefined, 4400, 4400])
  })

  it('is not flooded by one peer: 64 events a second at most', async () => {
    await open({ limits: { openAsks: 1_000 } })
    await connect()
    for (let n = 0; n < 200; n++) {
      const name = actorName<unknown>(`hidden-${n}`)
      void guest.lookup(name, { within: 0 }).catch(() => {})
    }
    await until(() => told('denied').length >= 64, 'it has heard of them')
    await settled()
    expect(told('denied').length).to.equal(64)
    await pass(1_250)
    void guest.lookup(Hidden, { within: 0 }).catch(() => {})
    await settled()
    expect(told('denied').length).to.equal(65)
  })

  const hooks: Array<[string, () => unknown]> = [
    [
      'throws',
      () => {
        throw new Error('no disk')
      }
    ],
    ['rejects', () => Promise.reject(new Error('no disk'))],
    ['never answers', () => new Promise(() => {})],
    [
      'answers with a getter that throws',
      () =>
        Object.defineProperty({}, 'then', {
          get() {
            throw new Error('no disk')
          }
        })
    ],
    ['closes the gateway in the middle', () => void gateway?.close()]
  ]
  for (const [what, hook] of hooks) {
    it(`changes nothing when it ${what}`, async () => {
      const seen: unknown[] = []
      await open({ audit: hook as () => void })
      hub.spawn(noting(seen), { name: Open })
      const link = await connect()
      if (what.startsWith('closes')) {
        await pass(1_000)
        expect(gateway.peers.size).to.equal(0)
        expect(errors).to.deep.equal([])
        return
      }
      ;(await guest.lookup(Open)).send('a message')
      await failureCode(guest.lookup(Hidden, { within: 0 }))
      await settled()
      expect(seen).to.deep.equal(['a message'])
      expect(link.status).to.equal('connected')
      expect(errors).to.deep.equal(what === 'never answers' ? [] : ['audit failed'])
    })
  }

  it('must be a function, as every hook, and subject and expires need authenticate', async () => {
    for (const options of [
      { audit: {} },
      { authenticate: 'x' },
      { authorize: true },
      { expires: () => 1 },
      { subject: () => 'x' }
    ]) {
      const { listener } = memory()
      expect(await failureCode(hub.listen(listener, { trust: 'guest', ...options } as never))).to.equal(
        'ACTOR_BAD_OPTION'
      )
    }
  })
})
