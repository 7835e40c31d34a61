import { expect } from 'chai'
import {
  type ActorSystem,
  actorName,
  createSystem,
  type ListenOptions,
  type Origin,
  setup
} from '../../../runtime/index.ts'
import { FrameKind } from '../../../runtime/peer/frame.ts'
import {
  type HandshakeFrame,
  isFinal,
  PROTOCOL,
  readHandshake,
  writeHandshake
} from '../../../runtime/peer/handshake.ts'
import { proofOf } from '../../../runtime/peer/identity.ts'
import type { Connection, ConnectionHello, Listener, Transport } from '../../../runtime/peer/transport.ts'
import { memory } from '../../../transports/memory.ts'
import { failure, until } from '../../suites/any-ref/cast.ts'
import { quiet } from '../../support/quiet.ts'
import { hello, identity, type RawPeer, rawPeer, secretOf } from '../../support/raw-peer.ts'
import { type World, world } from '../../support/world.ts'

const Desk = actorName<string>('desk')
const SECRET = 'the secret of the test'
const nodes: ListenOptions = { trust: { node: { secret: SECRET } } }
const guests: ListenOptions = { trust: 'guest', expose: [{ name: Desk, unchecked: true }] }
const QUICK = { min: 10, max: 20 }

describe('a handshake frame', () => {
  const frame = hello(identity())
  const bytes = (kind: number, text: string): Uint8Array => Uint8Array.of(kind, ...new TextEncoder().encode(text))

  it('comes back as it was', () => {
    expect(readHandshake(writeHandshake(frame))).to.deep.equal(frame)
  })

  it('has 4 KiB at most', () => {
    const rest = writeHandshake({ ...frame, token: '' } as HandshakeFrame).length
    const fitting = { ...frame, token: 'x'.repeat(4_096 - rest) } as HandshakeFrame
    expect(readHandshake(writeHandshake(fitting))).to.deep.equal(fitting)
    const larger = { ...frame, token: 'x'.repeat(4_097 - rest) } as HandshakeFrame
    expect(() => readHandshake(writeHandshake(larger)))
      .to.throw()
      .with.property('code', 'ACTOR_REFUSED')
  })

  const bad: Array<[string, Uint8Array]> = [
    ['nothing', new Uint8Array(0)],
    ['an unknown kind', bytes(99, '{}')],
    ['no JSON', bytes(1, 'hello')],
    ['half of a JSON', bytes(1, '{"version":1')],
    ['text that is no UTF-8', Uint8Array.of(1, 0x22, 0xff, 0x22)],
    ['null', bytes(1, 'null')],
    ['an array', bytes(1, '[1,"id"]')],
    ['a number', bytes(1, '7')],
    ['a missing field', bytes(1, '{"version":1,"id":"x"}')],
    ['a version as text', bytes(1, '{"version":"1","id":"x","label":"x"}')],
    ['a label that is a record', bytes(1, '{"version":1,"id":"x","label":{}}')],
    ['a null where text may be missing', bytes(1, '{"version":1,"id":"x","label":"x","token":null}')],
    ['fields on the prototype only', bytes(1, '{"__proto__":{"version":1,"id":"x","label":"x"}}')]
  ]
  for (const [title, data] of bad) {
    it(`of ${title} is refused`, () => {
      expect(() => readHandshake(data))
        .to.throw()
        .with.property('code', 'ACTOR_REFUSED')
    })
  }

  it('keeps nothing that it does not know, and no prototype', () => {
    const read = readHandshake(bytes(1, '{"version":1,"id":"x","label":"x","__proto__":{"token":"t"},"trust":"node"}'))
    expect(read).to.deep.equal({ kind: 'hello', version: 1, id: 'x', label: 'x' })
    expect((read as { token?: string }).token).to.equal(undefined)
  })
})

describe('a handshake', () => {
  let scene: World
  let hub: ActorSystem
  let system: ActorSystem
  let transport: Transport
  let listener: Listener

  beforeEach(() => {
    scene = world()
    hub = scene.make('hub')
    system = scene.make('guest')
    ;({ transport, listener } = memory())
  })

  afterEach(() => scene.end())

  const pass = (time: number): Promise<void> => scene.pass(time)
  const settled = (): Promise<void> => scene.settled()

  /** How a listener ends with somebody: the code it says, and the code it closes with. */
  const verdict = async (peer: RawPeer): Promise<[string | undefined, number | undefined]> => {
    await until(() => peer.closed.length > 0, 'the listener closes')
    const last = peer.answers().at(-1)
    return [last?.kind === 'refused' ? last.code : last?.kind, peer.closed[0]?.code]
  }

  /** Connects, with the clock going on. */
  const outcome = async (credentials: object): Promise<{ code?: string; message: string }> => {
    const failed = failure(system.connect(transport, { backoff: QUICK, within: 20_000, ...credentials }))
    await pass(21_000)
    return (await failed) as { code?: string; message: string }
  }

  describe('with a listener for guests', () => {
    const cases: Array<[string, (peer: RawPeer) => void, string, number]> = [
      [
        'shows the secret of another id',
        peer => peer.shake(hello(peer.identity, { secret: secretOf(identity()) })),
        'ACTOR_FORBIDDEN',
        4403
      ],
      [
        'shows no secret',
        peer => peer.shake({ ...hello(peer.identity), secret: undefined } as unknown as HandshakeFrame),
        'ACTOR_FORBIDDEN',
        4403
      ],
      [
        'shows a secret that is no base64',
        peer => peer.shake(hello(peer.identity, { secret: '*'.repeat(43) })),
        'ACTOR_FORBIDDEN',
        4403
      ],
      ['has an id that is none', peer => peer.shake(hello(peer.identity, { id: '../x' })), 'ACTOR_REFUSED', 4403],
      [
        'speaks another version',
        peer => peer.shake(hello(peer.identity, { version: PROTOCOL + 1 })),
        'ACTOR_VERSION',
        4426
      ],
      ['sends mail first', peer => peer.send(Uint8Array.of(FrameKind.relay, 1, 2, 3)), 'ACTOR_REFUSED', 4400],
      [
        'sends a welcome',
        peer =>
          peer.shake({
            kind: 'welcome',
            version: PROTOCOL,
            id: peer.identity.id,
            label: 'x',
            trust: 'node',
            downAfter: 30_000,
            messageBytes: 1e6,
            windowBytes: 1e6
          }),
        'ACTOR_REFUSED',
        4400
      ],
      [
        'sends a proof that nobody asked for',
        peer => peer.shake({ kind: 'proof', proof: 'x', secret: 'x' }),
        'ACTOR_REFUSED',
        4400
      ],
      ['sends 4 KiB and a byte', peer => peer.send(new Uint8Array(4_097).fill(1)), 'ACTOR_REFUSED', 4400]
    ]
    for (const [title, act, code, close] of cases) {
      it(`is refused to whoever ${title}`, async () => {
        const gateway = await hub.listen(listener, guests)
        const peer = await rawPeer(transport)
        act(peer)
        expect(await verdict(peer)).to.deep.equal([code, close])
        expect(gateway.peers.size).to.equal(0)
        expect((await system.connect(transport, { backoff: QUICK })).status).to.equal('connected')
      })
    }

    it('is refused to whoever says hello twice before it is answered', async () => {
      await hub.listen(listener, { ...guests, authenticate: () => new Promise(() => {}) })
      const peer = await rawPeer(transport)
      peer.shake(hello(peer.identity))
      peer.shake(hello(peer.identity))
      expect(await verdict(peer)).to.deep.equal(['ACTOR_REFUSED', 4400])
    })

    it('is over with a second hello after the welcome', async () => {
      const gateway = await hub.listen(listener, guests)
      const peer = await rawPeer(transport)
      peer.shake(hello(peer.identity))
      peer.shake(hello(identity()))
      expect(await verdict(peer)).to.deep.equal(['welcome', 4400])
      expect([...gateway.peers].map(({ id, status }) => [id, status])).to.deep.equal([[peer.identity.id, 'suspended']])
    })

    it('is over after 5 s, finished or not', async () => {
      await hub.listen(listener, guests)
      const peer = await rawPeer(transport)
      await pass(4_750)
      expect(peer.closed).to.deep.equal([])
      await pass(500)
      expect(peer.closed.map(({ code }) => code)).to.deep.equal([4408])
    })

    it('cleans labels: short, and nothing in them that ends a line', async () => {
      const labels: Array<string | undefined> = []
      const gateway = await hub.listen(listener, { ...guests, authenticate: ({ label }) => void labels.push(label) })
      const peer = await rawPeer(transport)
      peer.shake(hello(peer.identity, { label: `a\nb\u0000c\u2028${'x'.repeat(100)}` }))
      await settled()
      const clean = `abc${'x'.repeat(61)}`
      expect([...gateway.peers].map(({ label }) => label)).to.deep.equal([clean])
      expect(labels).to.deep.equal([clean])
    })

    it('is not made with oneself', async () => {
      await system.listen(listener, guests)
      expect(await outcome({})).to.have.property('code', 'ACTOR_REFUSED')
    })

    it('tells a node that the listener is for guests', async () => {
      await hub.listen(listener, guests)
      const { code, message } = await outcome({ secret: SECRET })
      expect(code).to.equal('ACTOR_FORBIDDEN')
      expect(message).to.include('without { secret }')
    })

    it('asks authenticate with what was shown, and mail bears its answer', async () => {
      const origins: Origin[] = []
      await hub.listen(listener, { ...guests, authenticate: async ({ token }) => ({ user: token }) })
      hub.spawn(
        setup<string>(() => ({ receive: (_message, from) => void origins.push(from) })),
        { name: Desk }
      )
      await system.connect(transport, { token: 'Ada', backoff: QUICK })
      const desk = await system.lookup(Desk)
      desk.send('hello')
      await until(() => origins.length > 0, 'it came')
      expect(origins[0]).to.include({ trust: 'guest' })
      expect(origins[0]?.principal).to.deep.equal({ user: 'Ada' })
    })

    it('ignores an answer of authenticate that comes too late', async () => {
      let answer: (principal: unknown) => void = () => {}
      const gateway = await hub.listen(listener, {
        ...guests,
        authenticate: () =>
          new Promise(resolve => {
            answer = resolve
          })
      })
      const peer = await rawPeer(transport)
      peer.shake(hello(peer.identity))
      await pass(6_000)
      expect(peer.closed.length).to.equal(1)
      answer('Ada')
      await settled()
      expect(gateway.peers.size).to.equal(0)
      expect(peer.answers().map(({ kind }) => kind)).to.deep.equal(['refused'])
    })

    it('has room for so many that are not finished, and for others when those are', async () => {
      const gateway = await hub.listen(listener, { ...guests, limits: { pendingHandshakes: 3 } })
      const idle = await Promise.all([rawPeer(transport), rawPeer(transport), rawPeer(transport)])
      await settled()
      const late = await rawPeer(transport)
      await until(() => late.closed.length > 0, 'it is turned away')
      expect(late.closed[0]?.code).to.equal(4429)
      expect(idle.map(({ closed }) => closed.length)).to.deep.equal([0, 0, 0])
      await pass(5_500)
      await system.connect(transport, { backoff: QUICK })
      expect(gateway.peers.size).to.equal(1)
    })
  })

  describe('with callers of some origin or address', () => {
    /** A listener whose callers come from where the test says. */
    function calledFrom(hello: ConnectionHello): Listener {
      return { kind: 'test', listen: accept => listener.listen(connection => accept(connection, hello)) }
    }
    const cases: Array<[string, ConnectionHello, readonly string[] | undefined, boolean]> = [
      ['no browser', {}, undefined, true],
      ['the same host', { origin: 'https://a.example:8080', headers: { host: 'a.example:8080' } }, undefined, true],
      ['another host', { origin: 'https://b.example', headers: { host: 'a.example' } }, undefined, false],
      ['a page without an origin of its own', { origin: 'null', headers: { host: 'a.example' } }, undefined, false],
      [
        'a host that only begins alike',
        { origin: 'https://a.example.evil', headers: { host: 'a.example' } },
        undefined,
        false
      ],
      ['the list', { origin: 'https://b.example', headers: { host: 'a.example' } }, ['https://b.example'], true],
      [
        'the same host, which the list leaves out',
        { origin: 'https://a.example', headers: { host: 'a.example' } },
        ['https://b.example'],
        false
      ]
    ]
    for (const [title, from, origins, welcome] of cases) {
      it(`${welcome ? 'welcomes' : 'refuses'} ${title}`, async () => {
        await hub.listen(calledFrom(from), { ...guests, ...(origins && { origins }) })
        const peer = await rawPeer(transport)
        peer.shake(hello(peer.identity))
        await until(() => peer.answers().length > 0, 'it is answered')
        expect(peer.answers()[0]?.kind).to.equal(welcome ? 'welcome' : 'refused')
      })
    }

    it('fills no log, however many are refused', async () => {
      const lines: Array<[text: string, facts: object | undefined]> = []
      const wordy = scene.make('wordy', { logger: { ...quiet, info: (text, facts) => void lines.push([text, facts]) } })
      await wordy.listen(listener, { ...guests, authenticate: ({ label }) => Promise.reject(new Error(label)) })
      for (let n = 0; n < 100; n++) {
        const peer = await rawPeer(transport)
        peer.shake(hello(peer.identity, { label: `${n}` }))
      }
      await settled()
      await pass(1_250)
      const leftOut = lines.flatMap(([text, facts]) => (facts && 'leftOut' in facts ? [[text, facts.leftOut]] : []))
      expect(leftOut).to.have.deep.members([
        ['authenticate refused', 90],
        ['a connection was refused', 99]
      ])
      expect(lines.length).to.equal(10 + 1 + 2)
    })

    it('leaves one address ten that are not finished', async () => {
      await hub.listen(calledFrom({ address: '192.0.2.1' }), guests)
      const idle: RawPeer[] = []
      for (let n = 0; n < 11; n++) idle.push(await rawPeer(transport))
      await settled()
      expect(idle.map(({ closed }) => closed[0]?.code)).to.deep.equal([...new Array(10).fill(undefined), 4429])
    })
  })

  describe('with a listener for nodes', () => {
    /** Goes as far as the challenge, and answers it as told. */
    async function challenged(
      shared: string,
      role: 'dialer' | 'listener' = 'dialer',
      more: object = {}
    ): Promise<RawPeer> {
      const peer = await rawPeer(transport)
      const fields = { nonce: 'a nonce', secret: undefined, ...more } as object
      peer.shake(hello(peer.identity, fields))
      await until(() => peer.answers().length > 0, 'it is challenged')
      const challenge = peer.answers()[0] as HandshakeFrame & { kind: 'challenge' }
      const proof = proofOf(shared, role, ['a nonce', challenge.nonce], [peer.identity.id, challenge.id])
      peer.shake({ kind: 'proof', proof, secret: secretOf(peer.identity) })
      return peer
    }

    it('welcomes whoever proves the shared secret', async () => {
      const gateway = await hub.listen(listener, nodes)
      await challenged(SECRET)
      await until(() => gateway.peers.size > 0, 'it is welcome')
    })

    it('asks authenticate with the token that is shown with the proof, and with no other', async () => {
      const shown: Array<string | undefined> = []
      await hub.listen(listener, { ...nodes, authenticate: ({ token }) => void shown.push(token) })
      await system.connect(transport, { secret: SECRET, token: 'Ada', backoff: QUICK })
      await challenged(SECRET, 'dialer', { token: 'too soon' })
      await until(() => shown.length > 1, 'it is asked about both')
      expect(shown).to.deep.equal(['Ada', undefined])
    })

    it('proves the secret to the caller first, and shows it never', async () => {
      await hub.listen(listener, nodes)
      const peer = await challenged(SECRET)
      const challenge = peer.answers()[0] as HandshakeFrame & { kind: 'challenge' }
      expect(challenge.proof).to.equal(
        proofOf(SECRET, 'listener', ['a nonce', challenge.nonce], [peer.identity.id, hub.id])
      )
      expect(JSON.stringify(peer.answers())).to.not.include(SECRET)
    })

    it('refuses the proof of another secret, and its own sent back', async () => {
      await hub.listen(listener, nodes)
      expect(await verdict(await challenged('another secret of a test'))).to.deep.equal(['ACTOR_FORBIDDEN', 4403])
      expect(await verdict(await challenged(SECRET, 'listener'))).to.deep.equal(['ACTOR_FORBIDDEN', 4403])
    })

    it('refuses a proof that was good for an earlier handshake', async () => {
      await hub.listen(listener, nodes)
      const first = await challenged(SECRET)
      const { nonce, id } = first.answers()[0] as HandshakeFrame & { kind: 'challenge' }
      const proof = proofOf(SECRET, 'dialer', ['a nonce', nonce], [first.identity.id, id])
      const replay = await rawPeer(transport, first.identity)
      replay.shake({ ...hello(first.identity, { nonce: 'a nonce' }), secret: undefined } as unknown as HandshakeFrame)
      await until(() => replay.answers().length > 0, 'it is challenged')
      replay.shake({ kind: 'proof', proof, secret: secretOf(first.identity) })
      expect(await verdict(replay)).to.deep.equal(['ACTOR_FORBIDDEN', 4403])
    })

    it('refuses a node that knows the shared secret and takes the id of another', async () => {
      await hub.listen(listener, nodes)
      const peer = await rawPeer(transport)
      const victim = identity()
      peer.shake({ ...hello(victim, { nonce: 'a nonce' }), secret: undefined } as unknown as HandshakeFrame)
      await until(() => peer.answers().length > 0, 'it is challenged')
      const { nonce, id } = peer.answers()[0] as HandshakeFrame & { kind: 'challenge' }
      const proof = proofOf(SECRET, 'dialer', ['a nonce', nonce], [victim.id, id])
      peer.shake({ kind: 'proof', proof, secret: secretOf(peer.identity) })
      expect(await verdict(peer)).to.deep.equal(['ACTOR_FORBIDDEN', 4403])
    })

    it('needs a secret of 16 characters', async () => {
      expect(await failure(hub.listen(listener, { trust: { node: { secret: 'x'.repeat(15) } } }))).to.have.property(
        'code',
        'ACTOR_BAD_OPTION'
      )
      await hub.listen(listener, { trust: { node: { secret: 'x'.repeat(16) } } })
    })

    it('tells a guest that the listener is for nodes, and the guest does not try again', async () => {
      let dials = 0
      const counting: Transport = {
        kind: 'counting',
        connect(signal) {
          dials += 1
          return transport.connect(signal)
        }
      }
      await hub.listen(listener, nodes)
      const failed = failure(system.connect(counting, { backoff: QUICK }))
      expect(await failed).to.have.property('code', 'ACTOR_FORBIDDEN')
      await pass(5_000)
      expect(dials).to.equal(1)
    })
  })

  describe('with a listener that is none of ours', () => {
    /** Answers every frame with the same. */
    const answering = (answer: Uint8Array): Promise<unknown> =>
      listener.listen((connection: Connection) => connection.open({ frame: () => connection.send(answer), close() {} }))
    const welcome = (more: object = {}): Uint8Array =>
      writeHandshake({
        kind: 'welcome',
        version: PROTOCOL,
        id: identity().id,
        label: 'x',
        trust: 'guest',
        downAfter: 30_000,
        messageBytes: 1_048_576,
        windowBytes: 1_048_576,
        ...more
      })

    it('ends with ACTOR_VERSION where it speaks another version, said in a refusal or in a welcome', async () => {
      await answering(writeHandshake({ kind: 'refused', code: 'ACTOR_VERSION', message: '', version: 9 }))
      expect(await outcome({})).to.have.property('code', 'ACTOR_VERSION')
      const other = memory()
      ;({ transport, listener } = other)
      await answering(welcome({ version: 9 }))
      expect(await outcome({})).to.have.property('code', 'ACTOR_VERSION')
    })

    const figures: Array<[string, object]> = [
      ['no id', { id: 'x' }],
      ['a downAfter of 0', { downAfter: 0 }],
      ['a downAfter that is no number', { downAfter: null }],
      ['a window of -1', { windowBytes: -1 }],
      ['messages of no size', { messageBytes: 0 }]
    ]
    for (const [title, more] of figures) {
      it(`ends with ACTOR_REFUSED where the welcome has ${title}`, async () => {
        await answering(welcome(more))
        expect(await outcome({})).to.have.property('code', 'ACTOR_REFUSED')
      })
    }

    it('ends with ACTOR_REFUSED where a node is welcomed without a proof', async () => {
      await answering(welcome())
      expect(await outcome({ secret: SECRET })).to.have.property('code', 'ACTOR_REFUSED')
    })

    const imposters: Array<[string, (nonce: string, dialer: string) => HandshakeFrame, string]> = [
      ['proves nothing', () => ({ kind: 'challenge', id: hub.id, nonce: 'n', proof: 'a guess' }), 'ACTOR_FORBIDDEN'],
      [
        'proves that it holds another secret',
        (nonce, dialer) => {
          const proof = proofOf('another secret of a test', 'listener', [nonce, 'n'], [dialer, hub.id])
          return { kind: 'challenge', id: hub.id, nonce: 'n', proof }
        },
        'ACTOR_FORBIDDEN'
      ],
      [
        'proves it for the handshake of somebody else',
        nonce => {
          const proof = proofOf(SECRET, 'listener', [nonce, 'n'], [identity().id, hub.id])
          return { kind: 'challenge', id: hub.id, nonce: 'n', proof }
        },
        'ACTOR_FORBIDDEN'
      ],
      ['asks for no proof', () => readHandshake(welcome()), 'ACTOR_REFUSED'],
      ['admits at once', () => ({ kind: 'admitted' }), 'ACTOR_REFUSED']
    ]
    for (const [title, answer, code] of imposters) {
      it(`shows neither secret nor token to one that ${title}`, async () => {
        const heard: HandshakeFrame[] = []
        await listener.listen((connection: Connection) =>
          connection.open({
            frame(data) {
              const frame = readHandshake(data)
              heard.push(frame)
              if (frame.kind === 'hello') connection.send(writeHandshake(answer(frame.nonce ?? '', frame.id)))
            },
            close() {}
          })
        )
        expect(await outcome({ secret: SECRET, token: 'for the gateway alone' })).to.have.property('code', code)
        expect(heard.map(({ kind }) => kind)).to.deep.equal(['hello'])
        expect(heard[0]).to.not.have.any.keys('secret', 'token')
      })
    }

    it('passes on no code that is none of ours', async () => {
      await answering(
        writeHandshake({ kind: 'refused', code: '<script>', message: 'x'.repeat(3_000), version: PROTOCOL })
      )
      const error = await outcome({})
      expect(error.code).to.equal('ACTOR_REFUSED')
      expect(error.message.length).to.be.below(300)
    })
  })

  it('is final where trying again cures nothing', () => {
    for (const code of ['ACTOR_VERSION', 'ACTOR_FORBIDDEN', 'ACTOR_REFUSED']) {
      expect(isFinal(Object.assign(new Error(), { code }))).to.equal(true)
    }
    expect(isFinal(Object.assign(new Error(), { code: 'ACTOR_UNREACHABLE' }))).to.equal(false)
    expect(isFinal(new Error())).to.equal(false)
  })
})

describe('a refusal', () => {
  let hub: ActorSystem
  let systems: ActorSystem[]

  beforeEach(() => {
    systems = []
    hub = make('hub')
  })

  afterEach(() => Promise.all(systems.map(system => system.shutdown({ within: 100 }))))

  const make = (label: string): ActorSystem => {
    const system = createSystem({ label, logger: quiet })
    systems.push(system)
    return system
  }
  const door = async (options: ListenOptions, from: ConnectionHello = {}): Promise<Transport> => {
    const { transport, listener } = memory()
    await hub.listen({ kind: 'test', listen: accept => listener.listen(each => accept(each, from)) }, options)
    return transport
  }
  /** All that somebody hears. */
  const heard = async (transport: Transport, act: (peer: RawPeer) => void | Promise<void>, who = identity()) => {
    const peer = await rawPeer(transport, who)
    await act(peer)
    await until(() => peer.closed.length > 0, 'the listener closes')
    return { last: peer.answers().at(-1), closed: peer.closed }
  }
  const bare = (who: RawPeer['identity'], more: object = {}) =>
    ({ ...hello(who, more), secret: undefined }) as unknown as HandshakeFrame

  it('is the same whether the origin, the secret, the proof or the kind of listener is wrong', async () => {
    const open = await door({ ...guests, origins: ['https://a.example'] }, { origin: 'https://b.example' })
    const closed = await door(nodes)
    const stories = [
      await heard(open, peer => peer.shake(hello(peer.identity))),
      await heard(open, peer => peer.shake(hello(peer.identity, { secret: secretOf(identity()) }))),
      await heard(open, peer => peer.shake(bare(peer.identity, { nonce: 'a nonce' }))),
      await heard(closed, peer => peer.shake(hello(peer.identity))),
      await heard(closed, async peer => {
        peer.shake(bare(peer.identity, { nonce: 'a nonce' }))
        await until(() => peer.answers().length > 0, 'it is challenged')
        peer.shake({ kind: 'proof', proof: 'a guess', secret: secretOf(peer.identity) })
      })
    ]
    for (const story of stories) expect(story).to.deep.equal(stories[0])
    expect(stories[0]?.closed).to.deep.equal([{ code: 4403, reason: 'ACTOR_FORBIDDEN' }])
  })

  it('tells nobody but its owner what is the matter with an id', async () => {
    const above = make('above')
    const { transport, listener } = memory()
    await above.listen(listener, nodes)
    await hub.connect(transport, { secret: SECRET })
    const open = await door(guests)
    // Neither the hub itself, nor the one above it, nor a stranger: without the secret they are all one.
    const stories = await Promise.all(
      [hub.id, above.id, identity().id].map(id => heard(open, peer => peer.shake(hello(peer.identity, { id }))))
    )
    for (const story of stories) expect(story).to.deep.equal(stories[0])
    expect(stories[0]?.closed).to.deep.equal([{ code: 4403, reason: 'ACTOR_FORBIDDEN' }])
  })
})
