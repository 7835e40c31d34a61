import { expect } from 'chai'
import {
  type ActorRef,
  type ActorSystem,
  actorName,
  type DeadLetter,
  type Gateway,
  type ListenOptions,
  type StandardSchema,
  setup
} from '../../../runtime/index.ts'
import { FrameKind, HEAD_BYTES, type Head, HeadKind, readHead } from '../../../runtime/peer/frame.ts'
import { Item } from '../../../runtime/peer/items.ts'
import type { Listener, Transport } from '../../../runtime/peer/transport.ts'
import { memory } from '../../../transports/memory.ts'
import { failure, failureCode, letters, noting, turn, until, watcher } from '../../suites/any-ref/cast.ts'
import { items, type RawPeer, rawGuest, relayed } from '../../support/raw-peer.ts'
import { type World, world } from '../../support/world.ts'

type Get<A> = { type: 'get'; replyTo: ActorRef<A> }
type Note = { type: 'note'; text: string } | { type: 'read'; replyTo: ActorRef<string> }

/** Takes notes, and nothing else. */
const notes: StandardSchema<Note> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => {
      const { type, text } = (value ?? {}) as { type?: unknown; text?: unknown }
      if (type === 'note' && typeof text === 'string') return { value: { type, text } }
      if (type === 'read') return { value: { type } as unknown as Note }
      return { issues: [{ message: 'no note' }] }
    }
  }
}
const Board = actorName<Note>('board', { schema: notes })
const Open = actorName<unknown>('open')

describe('a guest', () => {
  let scene: World
  let hub: ActorSystem
  let gateway: Gateway
  let transport: Transport
  let listener: Listener
  let dead: DeadLetter[]
  let seen: unknown[]

  beforeEach(() => {
    scene = world()
    hub = scene.make('hub')
    ;({ transport, listener } = memory())
    dead = letters(hub)
    seen = []
  })

  afterEach(() => scene.end())

  const pass = (time: number): Promise<void> => scene.pass(time)
  const settled = (): Promise<void> => scene.settled()
  const open = async (options: Partial<ListenOptions> = {}): Promise<void> => {
    gateway = await hub.listen(listener, {
      trust: 'guest',
      expose: [Board, { name: Open, unchecked: true }],
      ...options
    })
  }
  const join = async (label = 'guest'): Promise<ActorSystem> => {
    const system = scene.make(label)
    await system.connect(transport, { backoff: { min: 10, max: 20 } })
    return system
  }
  /** What a raw guest is told in batches and heads. */
  const heads = ({ frames }: RawPeer): Head[] =>
    frames
      .filter(frame => frame[0] === FrameKind.relay)
      .map(frame => {
        const head = { kind: 0, flags: 0, epoch: 0, ack: 0, credit: 0, seq: 0 }
        readHead(frame, head)
        return head
      })
  const idOf = (ref: { address: string }): string => ref.address.slice(ref.address.indexOf('/') + 1)

  describe('and schemas', () => {
    it('is heard where the message fits, and gets ACTOR_INVALID where it does not', async () => {
      await open()
      hub.spawn(
        setup<Note>(() => ({
          receive(message) {
            seen.push(message)
            if (message.type === 'read') message.replyTo.send('all of it')
          }
        })),
        { name: Board }
      )
      const board = await (await join()).lookup(Board)
      board.send({ type: 'note', text: 'a', more: 1 } as unknown as Note)
      board.send({ type: 'nonsense' } as unknown as Note)
      expect(await board.ask({ type: 'read' })).to.equal('all of it')
      expect(await failureCode((board as ActorRef<never>).ask({ type: 'x' } as never))).to.equal('ACTOR_INVALID')
      expect(seen[0]).to.deep.equal({ type: 'note', text: 'a' })
      expect(dead.map(({ reason }) => reason)).to.deep.equal(['invalid', 'invalid'])
    })

    it('cannot pass them by as if its message were an answer', async () => {
      await open()
      const board = hub.spawn(noting<Note>(seen as Note[]), { name: Board })
      const peer = await rawGuest(transport)
      const answer = items(write => {
        write.u8(Item.sendTo)
        write.utf8(idOf(board))
        write.message({ type: 'nonsense' })
      })
      peer.send(relayed(peer.identity.id, hub.id, {}, answer))
      await settled()
      expect(seen).to.deep.equal([])
      expect(heads(peer).map(({ kind }) => kind)).to.not.include(HeadKind.batch)
    })

    it('cannot pass them by with an id in the place of a number', async () => {
      await open()
      const board = hub.spawn(noting<Note>(seen as Note[]), { name: Board })
      const peer = await rawGuest(transport)
      const mail = items(write => {
        for (const message of [{ type: 'nonsense' }, { type: 'note', text: 'a' }]) {
          write.u8(Item.send)
          write.varint(0)
          write.utf8(idOf(board))
          write.message(message)
        }
      })
      peer.send(relayed(peer.identity.id, hub.id, {}, mail))
      await settled()
      expect(seen).to.deep.equal([{ type: 'note', text: 'a' }])
    })

    it('is held to the schema of the exposed name, though the actor was spawned or registered without', async () => {
      await open()
      hub.spawn(noting<Note>(seen as Note[]), { name: actorName<Note>('board') })
      const board = await (await join()).lookup(Board)
      board.send({ type: 'nonsense' } as unknown as Note)
      board.send({ type: 'note', text: 'a' })
      await settled()
      expect(seen).to.deep.equal([{ type: 'note', text: 'a' }])
    })

    const trap = (what: string): object =>
      Object.defineProperty({}, what, {
        get() {
          throw new Error('a secret of the house')
        }
      })
    const failing: Array<[string, () => unknown]> = [
      [
        'throws',
        () => {
          throw new Error('a secret of the house')
        }
      ],
      ['promises', async () => ({ value: 1 })],
      // biome-ignore lint/suspicious/noThenProperty: what is no Promise may be a promise all the same
      ['answers with what can be awaited', () => ({ then: (take: (value: unknown) => void) => take({ value: 1 }) })],
      ['answers with issues that throw', () => trap('issues')],
      ['answers with a value that throws', () => trap('value')],
      ['answers with nothing', () => undefined],
      ['answers with a text', () => 'good']
    ]
    for (const [what, validate] of failing) {
      it(`delivers nothing where the schema ${what}, and tells nothing of inside`, async () => {
        const schema = { '~standard': { version: 1, vendor: 'test', validate } } as StandardSchema<Get<number>>
        const Bad = actorName<Get<number>>('bad', { schema })
        await open({ expose: [Bad] })
        hub.spawn(noting(seen), { name: Bad as never })
        const bad = await (await join()).lookup(Bad)
        const error = await failure(bad.ask({ type: 'get' }))
        expect(error).to.have.property('code', 'ACTOR_INVALID')
        expect(String(error)).to.not.include('house')
        expect(seen).to.deep.equal([])
      })
    }

    it('is held to the schema of the name that an actor was registered under', async () => {
      await open()
      await hub.register(Board, hub.spawn(noting<Note>(seen as Note[])))
      const board = await (await join()).lookup(Board)
      board.send({ type: 'nonsense' } as unknown as Note)
      board.send({ type: 'note', text: 'a' })
      await settled()
      expect(seen).to.deep.equal([{ type: 'note', text: 'a' }])
    })
  })

  describe('and its limits', () => {
    it('has 64 open questions: the next fails with ACTOR_NO_ROOM at once, and those go on', async () => {
      await open()
      const waiting: Array<ActorRef<number>> = []
      hub.spawn(
        setup<Get<number>>(() => ({ receive: ({ replyTo }) => void waiting.push(replyTo) })),
        { name: Open as never }
      )
      const ref = (await (await join()).lookup(Open)) as ActorRef<Get<number>>
      const asked = Array.from({ length: 65 }, () =>
        ref.ask({ type: 'get' }, { within: 60_000 }).catch((error: { code: string }) => error.code)
      )
      await settled()
      expect(await asked[64]).to.equal('ACTOR_NO_ROOM')
      for (const replyTo of waiting) replyTo.send(1)
      expect(await Promise.all(asked.slice(0, 64))).to.deep.equal(new Array(64).fill(1))
      const again = ref.ask({ type: 'get' })
      await settled()
      waiting.at(-1)?.send(2)
      expect(await again).to.equal(2)
    })

    it('has so many watches: the next hears unreachable, and those go on', async () => {
      await open({ limits: { watches: 2 } })
      const refs = [1, 2, 3].map(() => hub.spawn(noting<unknown>(seen)))
      hub.spawn(
        setup<Get<unknown>>(() => ({ receive: ({ replyTo }) => void replyTo.send(refs) })),
        { name: Open as never }
      )
      const system = await join()
      const door = (await system.lookup(Open)) as ActorRef<Get<Array<ActorRef<unknown>>>>
      const far = await door.ask({ type: 'get' })
      const { ref, heard } = watcher(system)
      for (const each of far) await ref.ask({ type: 'watch', ref: each })
      await settled()
      expect(heard.map(each => 'reason' in each && each.reason.kind)).to.deep.equal(['unreachable'])
      await hub.stop(refs[0] as ActorRef<unknown>)
      await settled()
      expect(heard.map(each => 'reason' in each && each.reason.kind)).to.deep.equal(['unreachable', 'done'])
    })

    it('is read no faster than so many messages a second, and loses none of them', async () => {
      await open({ limits: { messagesPerSecond: 100 } })
      hub.spawn(noting(seen), { name: Open })
      const ref = await (await join()).lookup(Open)
      for (let burst = 0; burst < 10; burst++) {
        for (let n = 0; n < 50; n++) expect(ref.send(burst * 50 + n)).to.equal(true)
        await settled()
      }
      expect(seen.length).to.be.at.most(150)
      await pass(1_000)
      expect(seen.length).to.be.within(150, 300)
      await pass(10_000)
      expect(seen).to.deep.equal(Array.from({ length: 500 }, (_, n) => n))
    })

    it('is not read slower just under it', async () => {
      await open({ limits: { messagesPerSecond: 100 } })
      hub.spawn(noting(seen), { name: Open })
      const ref = await (await join()).lookup(Open)
      for (let second = 0; second < 5; second++) {
        for (let n = 0; n < 90; n++) ref.send(n)
        await settled()
        expect(seen.length).to.equal((second + 1) * 90)
        await pass(1_000)
      }
    })

    it('has messages of so many levels and values', async () => {
      await open({ limits: { depth: 3, nodes: 10 } })
      hub.spawn(noting(seen), { name: Open })
      const ref = await (await join()).lookup(Open)
      ref.send({ a: { b: { c: { d: 1 } } } })
      ref.send({ a: { b: 1 } })
      ref.send(new Array(20).fill(1))
      ref.send(new Array(8).fill(1))
      await settled()
      expect(seen).to.deep.equal([{ a: { b: 1 } }, new Array(8).fill(1)])
      expect(dead.map(({ reason }) => reason)).to.deep.equal(['invalid', 'invalid'])
    })

    it('is given up when it never acknowledges what it causes, and the others are served', async () => {
      await open()
      hub.spawn(noting(seen), { name: Open })
      const peer = await rawGuest(transport)
      // Each watch of nobody is answered, and no answer is ever acknowledged.
      const flood = items(write => {
        for (let n = 0; n < 500; n++) {
          write.u8(Item.watch)
          write.varint(0)
          write.utf8(`${n}-${'x'.repeat(90)}`)
        }
      })
      let over = 0
      for (let seq = 1; seq < 1_500 && over === 0; seq++) {
        peer.send(relayed(peer.identity.id, hub.id, { seq }, flood))
        await turn()
        over = heads(peer).filter(({ kind }) => kind === HeadKind.ended).length
        peer.frames.length = 0
      }
      expect(over).to.be.greaterThan(0)
      const ref = await (await join()).lookup(Open)
      ref.send('still here')
      await until(() => seen.length > 0, 'the other is heard')
    })
  })

  describe('that breaks the protocol', () => {
    const define = (id: string) => (write: Parameters<Parameters<typeof items>[0]>[0]) => {
      write.u8(Item.define)
      write.utf8(id)
    }
    const faults: Array<[string, (peer: RawPeer) => Uint8Array]> = [
      ['an item of an unknown kind', () => Uint8Array.of(99)],
      ['a number that stands for nobody', () => Uint8Array.of(Item.send, 9, 1)],
      [
        'a question whose answer has no address of its own',
        () =>
          items(write => {
            define('x')(write)
            write.u8(Item.ask)
            write.varint(1)
            write.utf8('not-once')
            write.message({})
          })
      ],
      [
        'a chunk of more than it may send',
        () =>
          items(write => {
            write.u8(Item.chunk)
            write.varint(0)
            write.varint(2 ** 30)
          })
      ],
      [
        'chunks in chunks',
        () => {
          let inner = Uint8Array.of(Item.unwatch, 0, 1, 65)
          for (let n = 0; n < 5_000; n++) {
            inner =
              items(write => {
                write.u8(Item.chunk)
                write.varint(n)
                write.varint(inner.length)
                for (const byte of inner.subarray(0, 0)) write.u8(byte)
              }).length +
                inner.length >
              60_000
                ? inner
                : Uint8Array.from([
                    ...items(write => {
                      write.u8(Item.chunk)
                      write.varint(n % 100)
                      write.varint(inner.length)
                    }),
                    ...inner
                  ])
            if (inner.length > 8_000) break
          }
          return inner
        }
      ],
      [
        'a reason that nobody knows',
        () =>
          items(write => {
            write.u8(Item.stopped)
            write.utf8('x')
            write.u8(77)
          })
      ],
      ['an id of a kilobyte', () => items(define('x'.repeat(1_024)))]
    ]
    for (const [title, make] of faults) {
      it(`with ${title} loses its epoch, keeps its connection, and may begin again`, async () => {
        await open()
        hub.spawn(noting(seen), { name: Open })
        const beside = await (await join()).lookup(Open)
        const peer = await rawGuest(transport)
        peer.send(relayed(peer.identity.id, hub.id, { epoch: 1 }, make(peer)))
        peer.send(relayed(peer.identity.id, hub.id, { epoch: 1, seq: 2 }, make(peer)))
        beside.send('beside')
        await settled()
        expect(heads(peer).at(-1)).to.include({ kind: HeadKind.ended, epoch: 1 })
        expect(peer.closed).to.deep.equal([])
        expect(seen).to.deep.equal(['beside'])
        peer.send(relayed(peer.identity.id, hub.id, { epoch: 2, kind: HeadKind.sync }))
        await settled()
        expect(heads(peer).at(-1)).to.include({ kind: HeadKind.ack, epoch: 2 })
      })
    }

    it('or one that leaves in the middle of a batch opens no epoch by the rest of it', async () => {
      await open()
      const four = setup<ActorRef<string>>(() => ({
        receive: to => {
          for (const word of ['one', 'two', 'three', 'four']) to.send(word)
        }
      }))
      hub.spawn(four, { name: Open as never })
      const system = scene.make('guest')
      const link = await system.connect(transport)
      const leaving = setup<string>(() => ({
        receive(message) {
          seen.push(message)
          if (message === 'one') void link.disconnect()
        }
      }))
      // A mailbox of one: the handler runs while the batch is being read.
      const to = system.spawn(leaving, { mailbox: { capacity: 1 } })
      ;(await system.lookup(Open)).send(to)
      await until(() => seen.length > 1, 'it is read')
      await settled()
      expect(seen).to.deep.equal(['one', 'two'])
      expect(gateway.peers.size).to.equal(0)
    })
  })

  describe('and names', () => {
    it('cannot release a name that is not its own, though it holds the ref', async () => {
      await open()
      const owner = hub.spawn(noting(seen))
      await hub.register(Open, owner)
      const system = await join()
      const ref = await system.lookup(Open)
      const registry = system.ref(`actor:${hub.id}/registry`) as ActorRef<unknown>
      registry.send({ type: 'release', name: 'open', ref })
      registry.send({ type: 'reach', peer: hub.id, reachable: false })
      registry.send({ type: 'named', name: 'open' })
      registry.send({ type: 'above' })
      await settled()
      expect(await system.lookup(Open, { within: 0 })).to.equal(ref)
    })

    it('cannot make another leave a group, join in its name, or have it sent listings', async () => {
      await open()
      const member = hub.spawn(noting(seen))
      await hub.join(Open, member, { seat: 1 })
      const system = await join()
      let listed: ReadonlyMap<ActorRef<unknown>, unknown> = new Map()
      system.members(Open, members => {
        listed = members
      })
      await until(() => listed.size === 1, 'the listing is there')
      const [ref] = listed.keys()
      const registry = system.ref(`actor:${hub.id}/registry`) as ActorRef<unknown>
      registry.send({ type: 'leave', group: 'open', ref })
      registry.send({ type: 'subscribe', group: 'open', to: ref })
      registry.send({ type: 'lookup', name: 'open', wait: false, replyTo: ref })
      registry.send({ type: 'nonsense', replyTo: ref })
      registry.send({
        type: 'join',
        group: 'open',
        member: { ref, label: 'x', reachable: true, facts: { seat: 9 } },
        replyTo: ref
      })
      await settled()
      expect([...listed.values()].map(each => (each as { facts: object }).facts)).to.deep.equal([{ seat: 1 }])
      expect(seen).to.deep.equal([])
    })

    it('hears what is wrong with a name, and the registry lives on', async () => {
      await open()
      const system = await join()
      const registry = system.ref(`actor:${hub.id}/registry`) as ActorRef<{
        type: string
        name: string
        wait: boolean
        replyTo: ActorRef<unknown>
      }>
      const answer = await registry.ask<unknown>(replyTo => ({
        type: 'lookup',
        name: 'x'.repeat(201),
        wait: false,
        replyTo
      }))
      expect(answer).to.include({ code: 'ACTOR_INVALID' })
      const huge = { text: 'x'.repeat(20_000) }
      expect(await failureCode(system.join(Open, system.spawn(noting(seen)), huge))).to.equal('ACTOR_INVALID')
      await system.join(Open, system.spawn(noting(seen)), { text: 'x'.repeat(1_000) })
    })

    it('is in groups with 256 actors at most', async () => {
      await open()
      const system = await join()
      for (let n = 0; n < 256; n++) await system.join(Open, system.spawn(noting(seen)))
      expect(await failureCode(system.join(Open, system.spawn(noting(seen))))).to.equal('ACTOR_NO_ROOM')
    })

    it('gets no yes from an authorize that hangs', async () => {
      await open({ authorize: () => new Promise<boolean>(() => {}) })
      hub.spawn(noting(seen), { name: Open })
      const system = await join()
      const refused = failureCode(system.register(Open, system.spawn(noting(seen)), { within: 20_000 }))
      const unknown = failureCode(system.lookup(Open, { within: 8_000 }))
      await pass(10_000)
      expect(await refused).to.equal('ACTOR_FORBIDDEN')
      expect(await unknown).to.equal('ACTOR_NOT_FOUND')
    })

    it('gets no yes from an answer that is only nearly one', async () => {
      for (const answer of [1, 'yes', {}, Promise.resolve('yes')]) {
        const network = memory()
        await hub.listen(network.listener, {
          trust: 'guest',
          expose: [{ name: Open, unchecked: true }],
          authorize: () => answer as boolean
        })
        const system = scene.make('guest')
        await system.connect(network.transport)
        expect(await failureCode(system.register(Open, system.spawn(noting(seen))))).to.equal('ACTOR_FORBIDDEN')
      }
    })
  })

  it('that is hostile sees frames of ours only as long as they can be', async () => {
    await open()
    hub.spawn(
      setup<Get<string>>(() => ({
        receive: ({ replyTo }) => void replyTo.send('x'.repeat(300_000))
      })),
      { name: Open as never }
    )
    const peer = await rawGuest(transport)
    await settled()
    for (const frame of peer.frames) expect(frame.length).to.be.at.most(HEAD_BYTES + 61_440)
  })
})
