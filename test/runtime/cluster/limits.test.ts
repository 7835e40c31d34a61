import { expect } from 'chai'
import { codeOf } from '../../../runtime/actor/errors.ts'
import { type ActorRef, type ActorSystem, createSystem, type Limits } from '../../../runtime/index.ts'
import { INITIAL_CREDIT } from '../../../runtime/peer/epoch.ts'
import { FrameKind, HEAD_BYTES, type Head, HeadKind, readHead } from '../../../runtime/peer/frame.ts'
import { writeHandshake } from '../../../runtime/peer/handshake.ts'
import type { Identity } from '../../../runtime/peer/identity.ts'
import { Item } from '../../../runtime/peer/items.ts'
import { SILENCE } from '../../../runtime/peer/wire.ts'
import { memory } from '../../../transports/memory.ts'
import { attack, Open, SECRET, type Setting, type Stage } from '../../hostile/stage.ts'
import { failureCode, gate, letters, noting, stuck, turn, until, watcher } from '../../suites/any-ref/cast.ts'
import { hurriedClock } from '../../support/hurried-clock.ts'
import { quiet } from '../../support/quiet.ts'
import { hello, identity, items, type RawPeer, relayed, secretOf } from '../../support/raw-peer.ts'
import { frameOf, spoken, upgrade } from '../../support/raw-socket.ts'

type Write = Parameters<Parameters<typeof items>[0]>[0]
type Ask = { type: 'ask'; replyTo: ActorRef<number> }

/** One limit of docs/security.md: what is allowed by it still, and what becomes of more. */
interface Row {
  readonly limit: string
  readonly setting?: Setting
  readonly under: [title: string, act: (stage: Stage) => Promise<unknown>]
  readonly over: [title: string, act: (stage: Stage) => Promise<unknown>]
}

const idOf = ({ address }: { address: string }): string => address.slice(address.indexOf('/') + 1)
const limits = (more: Partial<Limits>): Setting => ({ limits: more })

/** What a raw guest is told in heads. */
function heads({ frames }: RawPeer): Head[] {
  return frames
    .filter(frame => frame[0] === FrameKind.relay)
    .map(frame => {
      const head = { kind: 0, flags: 0, epoch: 0, ack: 0, credit: 0, seq: 0 }
      readHead(frame, head)
      return head
    })
}

/** One that speaks in batches of its own making. */
class Mallory {
  readonly peer: RawPeer
  readonly #stage: Stage
  #seq = 0

  static async of(stage: Stage): Promise<Mallory> {
    return new Mallory(await stage.guest(), stage)
  }

  constructor(peer: RawPeer, stage: Stage) {
    this.peer = peer
    this.#stage = stage
  }

  send(batch: Uint8Array): void {
    this.#seq += 1
    this.peer.send(relayed(this.peer.identity.id, this.#stage.hub.id, { seq: this.#seq }, batch))
  }

  /** Mail for an actor of the hub. */
  say(to: ActorRef<never>, message: (write: Write) => void): void {
    this.send(mail(to, message))
  }

  /** What the hub says to a `sync`. */
  async told(): Promise<Head> {
    this.peer.frames.length = 0
    this.peer.send(relayed(this.peer.identity.id, this.#stage.hub.id, { kind: HeadKind.sync, seq: 0 }))
    await until(() => heads(this.peer).length > 0, 'the hub answers')
    return heads(this.peer).at(-1) as Head
  }

  /** The epoch goes on, and all batches were taken. */
  async heard(): Promise<void> {
    expect(await this.told()).to.include({ kind: HeadKind.ack, seq: this.#seq })
  }

  async lostItsEpoch(): Promise<void> {
    expect((await this.told()).kind).to.equal(HeadKind.ended)
    expect(this.peer.closed).to.deep.equal([])
  }
}

function mail(to: ActorRef<never>, message: (write: Write) => void): Uint8Array {
  return items(write => {
    write.u8(Item.send)
    write.varint(0)
    write.utf8(idOf(to))
    message(write)
  })
}

/** Mail of so many bytes in all. */
function mailOf(to: ActorRef<never>, bytes: number): Uint8Array {
  const text = (length: number): Uint8Array => mail(to, write => write.message('x'.repeat(length)))
  return text(bytes - (text(40_000).length - 40_000))
}

/** A system whose mail goes by way of another, which announces it. */
async function below(system: ActorSystem): Promise<ActorSystem> {
  const { transport, listener } = memory()
  await system.listen(listener, { trust: { node: { secret: SECRET } } })
  const child = createSystem({ label: 'below', logger: quiet })
  await child.connect(transport, { secret: SECRET })
  return child
}

/** Mallory has a system, and another is below it. */
async function family(stage: Stage): Promise<{ refs: Array<ActorRef<never>>; end(): Promise<unknown> }> {
  const system = await stage.system()
  const child = await below(system)
  const refs = await Promise.all([system.lookup(Open), child.lookup(Open)])
  return { refs: refs as Array<ActorRef<never>>, end: () => child.shutdown({ within: 50 }) }
}

/** What came of questions that nobody answers, in time. */
async function asked(refs: Array<ActorRef<never>>): Promise<unknown[]> {
  const ask = (ref: ActorRef<never>): Promise<unknown> =>
    (ref as unknown as ActorRef<Ask>).ask({ type: 'ask' }, { within: 800 }).then(() => 'answered', codeOf)
  return Promise.all(refs.map(ask))
}

/** Watches actors of the hub from each of these systems; what they have heard of them. */
async function watching(stage: Stage, systems: ActorSystem[], each: number) {
  const ends: unknown[] = []
  const targets: Array<ActorRef<unknown>> = []
  for (const system of systems) {
    const { ref, heard } = watcher(system)
    const far = Array.from({ length: each }, () => {
      const target = stage.hub.spawn(noting<unknown>([]))
      targets.push(target)
      return system === stage.hub ? target : ((system as never as Reviving).revive(target.address) as never)
    })
    for (const target of far) await ref.ask({ type: 'watch', ref: target })
    ends.push(heard)
  }
  const kinds = (): unknown[] =>
    (ends as Array<Array<{ reason?: { kind: string } }>>).flat().map(({ reason }) => reason?.kind)
  return { targets, kinds }
}
interface Reviving {
  revive(address: string): ActorRef<never>
}

/** Says hello in a frame of so many bytes. */
async function helloOf(stage: Stage, bytes: number): Promise<RawPeer> {
  const peer = await stage.stranger()
  const frame = (label: string): Uint8Array => writeHandshake(hello(peer.identity, { label }))
  peer.send(frame('x'.repeat(bytes - frame('').length)))
  await until(() => peer.frames.length + peer.closed.length > 0, 'the hub answers')
  return peer
}

const refused = async (stage: Stage, act: (ref: ActorRef<never>, system: ActorSystem) => void, reason: string) => {
  const system = await stage.system()
  const dead = letters(system)
  const before = stage.dead.length
  act((await system.lookup(Open)) as ActorRef<never>, system)
  await until(() => dead.length + stage.dead.length > before, 'it is a dead letter')
  expect([...dead, ...stage.dead.slice(before)].map(letter => letter.reason)).to.deep.equal([reason])
  expect(stage.said).to.deep.equal([])
}

/** Said by a system of this runtime, and heard. */
const taken = async (stage: Stage, message: unknown): Promise<void> => {
  ;(await (await stage.system()).lookup(Open)).send(message)
  await until(() => stage.said.length === 1, 'it is heard')
  expect(stage.said).to.deep.equal([message])
}

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])

/** An announcement, as guests make it. */
const announced = ({ id }: Identity, secret: string): Uint8Array =>
  items(write => {
    write.u8(FrameKind.peer)
    write.message({ id, label: 'x', trust: 'guest', principal: undefined, there: true, secret })
  })

/** A stuck actor with a mailbox of one, which has been sent two messages: nothing more gets in. */
async function crowded(stage: Stage): Promise<ActorRef<never>> {
  const ref = stage.hub.spawn(stuck<unknown>([], gate().opened), { mailbox: { capacity: 1 } }) as ActorRef<unknown>
  ref.send(0)
  await turn()
  ref.send(1)
  return ref as ActorRef<never>
}

const rows: Row[] = [
  {
    limit: 'messageBytes',
    setting: limits({ messageBytes: 2_048 }),
    under: ['takes a message of so many bytes', stage => taken(stage, 'x'.repeat(2_000))],
    over: [
      'is a dead letter at the sender',
      stage => refused(stage, ref => void ref.send('x'.repeat(2_100) as never), 'too-large')
    ]
  },
  {
    limit: 'messageBytes, whatever the sender says',
    setting: limits({ messageBytes: 2_048 }),
    under: [
      'takes a message of so many bytes',
      async stage => {
        const mallory = await Mallory.of(stage)
        mallory.send(mailOf(stage.open as never, 2_048))
        await mallory.heard()
        expect(stage.said.length).to.equal(1)
      }
    ],
    over: [
      'costs the epoch',
      async stage => {
        const mallory = await Mallory.of(stage)
        mallory.send(mailOf(stage.open as never, 2_048 + 1_100))
        await mallory.lostItsEpoch()
        expect(stage.said).to.deep.equal([])
      }
    ]
  },
  {
    limit: 'windowBytes',
    setting: limits({ windowBytes: INITIAL_CREDIT }),
    under: [
      'takes all that credit was given for',
      async stage => {
        const mallory = await Mallory.of(stage)
        const slow = stage.hub.spawn(stuck<unknown>([], gate().opened)) as ActorRef<never>
        for (let left = INITIAL_CREDIT; left > 0; left -= 32_768) mallory.send(mailOf(slow, 32_768))
        await mallory.heard()
      }
    ],
    over: [
      'takes nothing more',
      async stage => {
        const mallory = await Mallory.of(stage)
        const slow = stage.hub.spawn(stuck<unknown>([], gate().opened)) as ActorRef<never>
        // The first is in hand, and gives its bytes back.
        for (let left = INITIAL_CREDIT + 32_768; left > 0; left -= 32_768) {
          mallory.send(mailOf(slow, 32_768))
          await mallory.heard()
        }
        mallory.send(items(write => write.u8(Item.cancel) ?? write.utf8('~nobody')))
        expect((await mallory.told()).seq).to.equal(9)
      }
    ]
  },
  {
    limit: 'openAsks, together with those below',
    setting: limits({ openAsks: 4 }),
    under: [
      'has so many questions open, and others when they are settled',
      async stage => {
        const { refs, end } = await family(stage)
        for (let round = 0; round < 2; round++) {
          expect(await asked([...refs, ...refs])).to.deep.equal(new Array(4).fill('ACTOR_ASK_TIMEOUT'))
          await stage.served()
        }
        await end()
      }
    ],
    over: [
      'fails the next with ACTOR_NO_ROOM',
      async stage => {
        const { refs, end } = await family(stage)
        const codes = await asked([...refs, ...refs, ...refs])
        expect(codes.filter(code => code === 'ACTOR_NO_ROOM').length).to.equal(2)
        await end()
      }
    ]
  },
  {
    limit: 'watches, together with those below',
    setting: limits({ watches: 4 }),
    under: [
      'watches so many, and others when these have ended',
      async stage => {
        const system = await stage.system()
        const child = await below(system)
        for (let round = 0; round < 2; round++) {
          const { targets, kinds } = await watching(stage, [system, child], 2)
          await stage.served()
          for (const target of targets) await stage.hub.stop(target)
          await until(() => kinds().length === 4, 'their ends are heard')
          expect(kinds()).to.deep.equal(new Array(4).fill('done'))
        }
        await child.shutdown({ within: 50 })
      }
    ],
    over: [
      'hears unreachable of the next',
      async stage => {
        const system = await stage.system()
        const child = await below(system)
        const { kinds } = await watching(stage, [system, child], 3)
        await until(() => kinds().length === 2, 'those are refused')
        await stage.served()
        expect(kinds()).to.deep.equal(['unreachable', 'unreachable'])
        await child.shutdown({ within: 50 })
      }
    ]
  },
  {
    limit: 'pendingHandshakes',
    setting: limits({ pendingHandshakes: 3 }),
    under: [
      'welcomes one while all others but it are silent',
      async stage => {
        const silent = [await stage.stranger(), await stage.stranger()]
        await stage.guest()
        expect(silent.flatMap(({ closed }) => closed)).to.deep.equal([])
      }
    ],
    over: [
      'closes the next with 4429, until one of them is gone',
      async stage => {
        const silent = [await stage.stranger(), await stage.stranger(), await stage.stranger()]
        await stage.served()
        const next = await stage.stranger()
        await until(() => next.closed.length > 0, 'it is closed')
        expect(next.closed[0]?.code).to.equal(4429)
        silent[0]?.close()
        await stage.served()
        await stage.guest()
      }
    ]
  },
  {
    limit: 'depth',
    setting: limits({ depth: 6 }),
    under: ['takes a message so deep', stage => taken(stage, nested(6))],
    over: ['makes one that is deeper invalid', stage => refused(stage, ref => ref.send(nested(7) as never), 'invalid')]
  },
  {
    limit: 'nodes',
    setting: limits({ nodes: 20 }),
    under: ['takes a message of so many values', stage => taken(stage, new Array(19).fill(1))],
    over: [
      'makes one of more invalid',
      stage => refused(stage, ref => ref.send(new Array(21).fill(1) as never), 'invalid')
    ]
  },
  {
    limit: 'subSystems',
    setting: limits({ subSystems: 2 }),
    under: [
      'knows so many below a guest',
      async stage => {
        const mallory = await Mallory.of(stage)
        for (const who of [identity(), identity()]) {
          mallory.peer.send(announced(who, secretOf(who)))
          mallory.peer.send(
            relayed(
              who.id,
              stage.hub.id,
              {},
              mail(stage.open as never, write => write.message(1))
            )
          )
        }
        await until(() => stage.said.length === 2, 'both are heard')
      }
    ],
    over: [
      'knows no more, and hears nothing of them',
      async stage => {
        const mallory = await Mallory.of(stage)
        for (const [n, who] of [identity(), identity(), identity()].entries()) {
          mallory.peer.send(announced(who, secretOf(who)))
          mallory.peer.send(
            relayed(
              who.id,
              stage.hub.id,
              {},
              mail(stage.open as never, write => write.message(n))
            )
          )
        }
        await stage.served()
        expect(stage.said).to.deep.equal([0, 1])
      }
    ]
  },
  {
    limit: 'messagesPerSecond, together with those below',
    setting: limits({ messagesPerSecond: 100 }),
    under: [
      'reads so many at once',
      async stage => {
        const { refs, end } = await family(stage)
        const began = performance.now()
        for (const ref of refs) for (let n = 0; n < 45; n++) ref.send(n as never)
        await until(() => stage.said.length === 90, 'all are heard')
        expect(performance.now() - began).to.be.below(900)
        await end()
      }
    ],
    over: [
      'reads more of them later, and loses none',
      async stage => {
        const { refs, end } = await family(stage)
        const began = performance.now()
        for (let burst = 0; burst < 4; burst++) {
          for (const ref of refs) for (let n = 0; n < 30; n++) ref.send((burst * 30 + n) as never)
          await turn()
        }
        await until(() => stage.said.length === 240, 'all are heard')
        expect(performance.now() - began).to.be.above(800)
        await end()
      }
    ]
  },
  {
    limit: 'suspended',
    setting: limits({ suspended: 2 }),
    under: [
      'keeps so many places',
      async stage => {
        for (const peer of [await stage.guest(), await stage.guest()]) peer.close()
        await stage.served()
        expect([...stage.gateway.peers].map(({ status }) => status).sort()).to.deep.equal([
          'connected',
          'suspended',
          'suspended'
        ])
      }
    ],
    over: [
      'lets go of the one that was away the longest',
      async stage => {
        const peers = [await stage.guest(), await stage.guest(), await stage.guest()]
        for (const peer of peers) {
          peer.close()
          await stage.served()
        }
        const kept = [...stage.gateway.peers].map(({ id }) => id)
        expect(peers.map(peer => kept.includes(peer.identity.id))).to.deep.equal([false, true, true])
      }
    ]
  },
  {
    limit: 'handshake, bytes',
    under: [
      'takes a first frame of 4 KiB',
      async stage => expect((await helloOf(stage, 4_096)).answers()[0]?.kind).to.equal('welcome')
    ],
    over: [
      'closes with 4400 for a byte more',
      async stage => {
        const peer = await helloOf(stage, 4_097)
        await until(() => peer.closed.length > 0, 'it is closed')
        expect(peer.closed[0]?.code).to.equal(4400)
      }
    ]
  },
  {
    limit: 'handshake, time',
    setting: { clock: hurriedClock(5) },
    under: [
      'welcomes who says hello after 4 s',
      async stage => {
        const peer = await stage.stranger()
        await passed(stage, 700)
        peer.shake(hello(peer.identity))
        await until(() => peer.frames.length > 0, 'it is answered')
        expect(peer.answers()[0]?.kind).to.equal('welcome')
      }
    ],
    over: [
      'closes with 4408 after 5 s',
      async stage => {
        const peer = await stage.stranger()
        await passed(stage, 1_050)
        await until(() => peer.closed.length > 0, 'it is closed')
        expect(peer.closed[0]?.code).to.equal(4408)
      }
    ]
  },
  {
    limit: 'frame',
    under: [
      'takes one of 64 KiB',
      async stage => {
        const mallory = await Mallory.of(stage)
        mallory.peer.send(Uint8Array.of(200, ...new Uint8Array(65_535)))
        await mallory.heard()
      }
    ],
    over: [
      'closes for a byte more, without reading it',
      async stage => {
        const { peer } = await Mallory.of(stage)
        peer.send(Uint8Array.of(200, ...new Uint8Array(65_536)))
        await until(() => peer.closed.length > 0, 'it is closed')
        expect(peer.closed[0]?.code).to.be.oneOf([1006, 1009])
      }
    ]
  },
  {
    limit: 'head of an HTTP request, bytes',
    under: [
      'answers one of 16 KiB',
      async stage => {
        const socket = await stage.caller()
        socket.write(upgrade({ cookie: 'a'.repeat(15_800) }))
        await until(() => socket.heard.length > 0, 'it is answered')
        expect(spoken(socket.heard).head).to.match(/ 101 /)
        socket.reset()
      }
    ],
    over: [
      'refuses one of more',
      async stage => {
        const socket = await stage.caller()
        socket.write(upgrade({ cookie: 'a'.repeat(16_400) }))
        await until(() => socket.heard.length > 0, 'it is answered')
        expect(spoken(socket.heard).head).to.match(/ 4\d\d /)
        socket.reset()
      }
    ]
  },
  {
    limit: 'headers of an upgrade',
    under: ['takes 64', async stage => expect(await upgraded(stage, 64)).to.match(/ 101 /)],
    over: ['refuses one more with 431', async stage => expect(await upgraded(stage, 65)).to.match(/ 431 /)]
  },
  {
    limit: 'fragments of a frame',
    under: [
      'takes 64',
      async stage => {
        const socket = await fragments(stage, 64)
        await stage.served()
        // It is no greeting, so it was read.
        expect(spoken(socket.heard).code).to.equal(4400)
      }
    ],
    over: [
      'closes for one more',
      async stage => {
        const socket = await fragments(stage, 65)
        expect(spoken(socket.heard).code).to.be.oneOf([1006, 1008, 1009])
      }
    ]
  },
  {
    limit: 'silence of a connection',
    setting: { clock: hurriedClock(10) },
    under: [
      'bears with one that says something after 14 s',
      async stage => {
        const silent = await mute(stage)
        await passed(stage, 1_300)
        silent.say()
        await passed(stage, 500)
        expect(silent.closed).to.deep.equal([])
      }
    ],
    over: [
      'closes with 4408 after 15 s and a ping',
      async stage => {
        const silent = await mute(stage)
        await passed(stage, SILENCE / 10)
        await until(() => silent.closed.length > 0, 'it is closed')
        expect(silent.closed).to.deep.equal([4408])
      }
    ]
  },
  {
    limit: 'hubs that a frame crosses',
    under: [
      'hands on a frame with one hop left',
      async stage => {
        const mallory = await Mallory.of(stage)
        const other = await stage.guest()
        mallory.peer.send(withHops(relayed(mallory.peer.identity.id, other.identity.id, {}), 1))
        await until(() => heads(other).length > 0, 'it arrives')
      }
    ],
    over: [
      'answers one without with undeliverable',
      async stage => {
        const mallory = await Mallory.of(stage)
        const other = await stage.guest()
        mallory.peer.send(withHops(relayed(mallory.peer.identity.id, other.identity.id, {}), 0))
        await until(() => mallory.peer.frames.some(([kind]) => kind === FrameKind.undeliverable), 'it is answered')
        expect(heads(other)).to.deep.equal([])
      }
    ]
  },
  {
    limit: 'systems that one guest may send to through a hub',
    setting: { authorize: () => true, limits: { subSystems: 20_000, messagesPerSecond: 1_000_000 } },
    under: ['hands on to the last of 10,000', async stage => expect(await through(stage, 9_999)).to.equal('arrives')],
    over: ['answers for more with undeliverable', async stage => expect(await through(stage, 10_000)).to.equal('lost')]
  },
  {
    limit: 'actors that one epoch may number',
    under: ['numbers 65,536', async stage => (await numbered(stage, 65_536)).heard()],
    over: ['ends the epoch of one that numbers more', async stage => (await numbered(stage, 65_537)).lostItsEpoch()]
  },
  {
    limit: 'batches that wait for a mailbox',
    under: [
      'keeps 4096',
      async stage => {
        const mallory = await Mallory.of(stage)
        const full = await crowded(stage)
        for (let n = 0; n < 4_096; n++) mallory.say(full, write => write.message(n))
        await mallory.heard()
      }
    ],
    over: [
      'takes no more before there is room',
      async stage => {
        const mallory = await Mallory.of(stage)
        const full = await crowded(stage)
        for (let n = 0; n < 4_097; n++) mallory.say(full, write => write.message(n))
        expect((await mallory.told()).seq).to.equal(4_096)
        await stage.hub.stop(full)
        await until(() => stage.dead.length > 0, 'there is room')
        // What was not taken is sent again.
        mallory.peer.send(
          relayed(
            mallory.peer.identity.id,
            stage.hub.id,
            { seq: 4_097 },
            mail(full, write => write.message(0))
          )
        )
        await mallory.heard()
      }
    ]
  },
  {
    limit: 'shapes that one epoch may define',
    under: ['reads 1024', async stage => (await defining(stage, 1_024, shape)).heard()],
    over: ['ends the epoch of one more', async stage => (await defining(stage, 1_025, shape)).lostItsEpoch()]
  },
  {
    limit: 'addresses that one epoch may define',
    under: ['reads 4096', async stage => (await defining(stage, 4_096, address)).heard()],
    over: ['ends the epoch of one more', async stage => (await defining(stage, 4_097, address)).lostItsEpoch()]
  },
  {
    limit: 'bytes of shapes and addresses that one epoch may define',
    under: ['reads just under 128 KiB', async stage => (await defining(stage, 658, longAddress)).heard()],
    over: ['ends the epoch of more', async stage => (await defining(stage, 659, longAddress)).lostItsEpoch()]
  },
  {
    limit: 'an address',
    under: [
      'reads 256 characters, though none that long is well-formed',
      async stage => {
        const mallory = await Mallory.of(stage)
        mallory.say(stage.open as never, write => write.u8(0xcd) ?? write.utf8(`actor:a/${'b'.repeat(248)}`))
        await mallory.heard()
        expect(stage.dead.map(({ reason }) => reason)).to.deep.equal(['invalid'])
      }
    ],
    over: [
      'ends the epoch of one more',
      async stage => {
        const mallory = await Mallory.of(stage)
        mallory.say(stage.open as never, write => write.u8(0xcd) ?? write.utf8(`actor:a/${'b'.repeat(249)}`))
        await mallory.lostItsEpoch()
      }
    ]
  },
  {
    limit: 'bytes of a key',
    under: ['takes 128', stage => taken(stage, { ['k'.repeat(128)]: 1 })],
    over: [
      'makes a message with one more invalid',
      stage => refused(stage, ref => ref.send({ ['k'.repeat(129)]: 1 } as never), 'invalid')
    ]
  },
  {
    limit: 'bits of a bigint',
    under: ['takes 64', stage => taken(stage, 2n ** 64n - 1n)],
    over: [
      'makes a message with one more invalid',
      stage => refused(stage, ref => ref.send((2n ** 64n) as never), 'invalid')
    ]
  }
]

/** The good guest is served for so many milliseconds. */
async function passed(stage: Stage, time: number): Promise<void> {
  const end = performance.now() + time
  while (performance.now() < end) await stage.served()
}

/** The answer to an upgrade of so many headers. */
async function upgraded(stage: Stage, count: number): Promise<string> {
  const socket = await stage.caller()
  socket.write(upgrade(Object.fromEntries(Array.from({ length: count - 5 }, (_, n) => [`x-${n}`, '']))))
  await until(() => socket.heard.length > 0, 'it is answered')
  socket.reset()
  return spoken(socket.heard).head
}

/** Sends a frame in so many parts, until the socket is closed. */
async function fragments(stage: Stage, count: number) {
  const socket = await stage.caller()
  socket.write(upgrade())
  await until(() => socket.heard.length > 0, 'it is answered')
  for (let n = 0; n < count; n++) {
    socket.write(frameOf(Uint8Array.of(200), { opcode: n === 0 ? 2 : 0, fin: n === count - 1 }))
  }
  await until(() => spoken(socket.heard).code !== undefined || socket.over, 'it is closed')
  return socket
}

/** A guest that does not answer pings. */
async function mute(stage: Stage): Promise<{ closed: number[]; say(): void }> {
  const connection = await stage.way.connect(AbortSignal.timeout(5_000))
  const closed: number[] = []
  let welcome = false
  connection.open({
    frame() {
      welcome = true
    },
    close: ({ code }) => void closed.push(code)
  })
  const who = identity()
  connection.send(writeHandshake(hello(who)))
  await until(() => welcome, 'it is welcome')
  return { closed, say: () => connection.send(Uint8Array.of(200)) }
}

function withHops(frame: Uint8Array, hops: number): Uint8Array {
  frame[1] = hops
  return frame
}

/** Sends to so many others, and then to one more. */
async function through(stage: Stage, count: number): Promise<'arrives' | 'lost'> {
  const [from, to] = [await stage.guest(), await stage.guest()]
  const all = Array.from({ length: count + 1 }, () => identity())
  for (const who of all) to.send(announced(who, secretOf(who)))
  await stage.served()
  for (const [n, who] of all.entries()) {
    from.send(relayed(from.identity.id, who.id, { kind: HeadKind.ack }))
    if (n % 500 === 0) {
      await turn()
      to.frames.length = 0
    }
  }
  const last = all.at(-1)?.id as string
  const isLast = (frame: Uint8Array): boolean =>
    Buffer.from(frame.subarray(2, 18)).toString('base64url') === last && frame.length === HEAD_BYTES
  await until(
    () => to.frames.some(isLast) || from.frames.some(([kind]) => kind === FrameKind.undeliverable),
    'the last is decided'
  )
  return to.frames.some(isLast) ? 'arrives' : 'lost'
}

async function numbered(stage: Stage, count: number): Promise<Mallory> {
  const mallory = await Mallory.of(stage)
  for (let n = 0; n < count; ) {
    const batch = items(write => {
      for (let k = 0; k < 4_096 && n < count; k++, n++) {
        write.u8(Item.define)
        write.utf8(`n${n}`)
      }
    })
    mallory.send(batch)
    await turn()
  }
  return mallory
}

const shape = (write: Write, n: number): void => {
  write.u8(0xca)
  write.u8(2)
  write.utf8(`k${n}`)
  write.u8(0)
}
const address = (write: Write, n: number): void => {
  write.u8(0xcc)
  write.utf8(`actor:a/b${n}`)
}
const longAddress = (write: Write, n: number): void => {
  write.u8(0xcc)
  write.utf8(`actor:${'a'.repeat(64)}/${String(n).padStart(128, 'b')}`)
}

async function defining(stage: Stage, count: number, define: (write: Write, n: number) => void): Promise<Mallory> {
  const mallory = await Mallory.of(stage)
  const nobody = stage.hub.spawn(noting<unknown>([])) as ActorRef<never>
  const to = idOf(nobody)
  for (let n = 0; n < count; ) {
    const batch = items(write => {
      for (let k = 0; k < 100 && n < count; k++, n++) {
        write.u8(Item.send)
        write.varint(0)
        write.utf8(to)
        define(write, n)
      }
    })
    mallory.send(batch)
    await turn()
  }
  return mallory
}

describe('a limit', () => {
  for (const { limit, setting, under, over } of rows) {
    describe(`of ${limit}`, () => {
      attack(under[0], under[1], setting)
      attack(over[0], over[1], setting)
    })
  }

  it('is for each listener on its own', async () => {
    const hub = createSystem({ label: 'hub', logger: quiet })
    const [narrow, wide] = [memory(), memory()]
    const expose = [{ name: Open, unchecked: true as const }]
    hub.spawn(noting<unknown>([]), { name: Open })
    await hub.listen(narrow.listener, { trust: 'guest', expose, limits: { openAsks: 0 } })
    await hub.listen(wide.listener, { trust: 'guest', expose, limits: { messageBytes: 2_000 } })
    const codes: unknown[] = []
    for (const { transport } of [narrow, wide]) {
      const system = createSystem({ label: 'guest', logger: quiet })
      await system.connect(transport)
      const ref = (await system.lookup(Open).catch(codeOf)) as ActorRef<Ask> | string
      codes.push(
        typeof ref === 'string' ? ref : await failureCode(ref.ask({ type: 'ask', text: 'x'.repeat(2_000) } as never))
      )
      await system.shutdown({ within: 50 })
    }
    await hub.shutdown({ within: 50 })
    expect(codes).to.deep.equal(['ACTOR_NO_ROOM', 'ACTOR_TOO_LARGE'])
  })
})
