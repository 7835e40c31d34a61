import { expect } from 'chai'
import { WebSocket } from 'ws'
import { type ActorRef, type ActorSystem, actorName, createSystem, setup } from '../../runtime/index.ts'
import { ByteBuffer, Encoder } from '../../runtime/peer/codec.ts'
import { FrameKind, HeadKind } from '../../runtime/peer/frame.ts'
import { idBytes } from '../../runtime/peer/identity.ts'
import { Item } from '../../runtime/peer/items.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { failure, failureCode, letters, noting, until, watcher } from '../suites/any-ref/cast.ts'
import { paperRefs } from '../support/codec.ts'
import { quiet } from '../support/quiet.ts'
import {
  type HeadFacts,
  hello,
  identity,
  items,
  type RawPeer,
  rawPeer,
  relayed,
  secretOf
} from '../support/raw-peer.ts'
import { attack, Open, SECRET, type Stage } from './stage.ts'

const idOf = (ref: { address: string }): string => ref.address.slice(ref.address.indexOf('/') + 1)
const registryOf = (system: ActorSystem, id: string): ActorRef<unknown> => system.ref(`actor:${id}/registry`)

/** What one says of who is below it. */
function announcement(facts: object): Uint8Array {
  const buffer = new ByteBuffer(128)
  buffer.u8(FrameKind.peer)
  new Encoder(paperRefs()).encodeAlone(
    { label: 'x', trust: 'guest', principal: undefined, there: true, ...facts },
    buffer
  )
  return buffer.bytes.slice(0, buffer.at)
}

/** Mail to an actor by its id, from one system to another. */
const mail = (from: string, to: string, id: string, message: unknown, head: HeadFacts = {}): Uint8Array =>
  relayed(
    from,
    to,
    head,
    items(write => {
      write.u8(Item.send)
      write.varint(0)
      write.utf8(id)
      write.message(message)
    })
  )

describe('a guest that speaks in the name of another', () => {
  const names: Array<[title: string, frame: (stage: Stage, peer: RawPeer) => Uint8Array]> = [
    ['mail', ({ good, hub, open }) => mail(good.id, hub.id, idOf(open), 'forged', { epoch: 9 })],
    ['the end of an epoch', ({ good, hub }) => relayed(good.id, hub.id, { kind: HeadKind.ended, epoch: 9 })],
    ['a goodbye', ({ good, hub }) => relayed(good.id, hub.id, { kind: HeadKind.goodbye, epoch: 1 })],
    ['acknowledgements', ({ good, hub }) => relayed(good.id, hub.id, { kind: HeadKind.ack, epoch: 1, ack: 3, credit: 2 ** 47 })], // biome-ignore format: one line says it
    ['mail of the hub to him', ({ good, hub }) => mail(hub.id, good.id, 'registry', 'forged', { epoch: 9 })],
    ['mail of the hub to itself', ({ hub, open }) => mail(hub.id, hub.id, idOf(open), 'forged', { epoch: 9 })],
    ['mail of nobody', ({ hub, open }) => mail(identity().id, hub.id, idOf(open), 'forged', { epoch: 9 })],
    ['that he is below', ({ good }) => announcement({ id: good.id })],
    ['that he is below, with a secret', ({ good }, peer) => announcement({ id: good.id, secret: secretOf(peer.identity) })], // biome-ignore format: one line says it
    ['that he is gone', ({ good }) => announcement({ id: good.id, there: false })],
    ['that the hub is below', ({ hub }) => announcement({ id: hub.id })],
    ['that he cannot be reached', ({ good, hub }) => gone(good.id, hub.id)],
    ['to him that the hub cannot be reached', ({ good, hub }) => gone(hub.id, good.id)],
    ['for the hub above that names are new', () => Uint8Array.of(FrameKind.renewed)]
  ]
  for (const [title, frame] of names) {
    attack(`${title} is not believed`, async stage => {
      const peer = await stage.guest()
      const dead = letters(stage.good)
      for (let n = 0; n < 10; n++) peer.send(frame(stage, peer))
      await stage.served()
      expect(stage.said).to.deep.equal([])
      expect(dead).to.deep.equal([])
      expect([...stage.gateway.peers].map(({ id, status }) => [id, status])).to.deep.equal([
        [stage.good.id, 'connected'],
        [peer.identity.id, 'connected']
      ])
    })
  }

  attack('of one below it makes that one a guest, with the principal of its own', async stage => {
    const origins: unknown[] = []
    const far = stage.hub.spawn(
      setup<unknown>(() => ({ receive: (_message, { trust, principal }) => void origins.push([trust, principal]) }))
    )
    const peer = await stage.guest('mallory')
    const below = identity()
    peer.send(announcement({ id: below.id, secret: secretOf(below), trust: 'node', principal: 'good', label: 'x' }))
    peer.send(mail(below.id, stage.hub.id, idOf(far), { trust: 'local', principal: 'good', from: stage.good.id }))
    await until(() => origins.length > 0, 'its mail is there')
    expect(origins).to.deep.equal([['guest', 'mallory']])
  })

  attack('may have what it says of itself in a message, where nobody reads it as more', async stage => {
    const origins: unknown[] = []
    const far = stage.hub.spawn(
      setup<unknown>(() => ({ receive: (_message, { trust, principal }) => void origins.push([trust, principal]) }))
    )
    const peer = await stage.guest('mallory')
    const lies = { trust: 'local', principal: 'good', by: stage.good.id, from: { trust: 'local' }, origin: 'good' }
    peer.send(mail(peer.identity.id, stage.hub.id, idOf(far), lies))
    await until(() => origins.length > 0, 'its mail is there')
    expect(origins).to.deep.equal([['guest', 'mallory']])
  })
})

function gone(lost: string, asker: string): Uint8Array {
  return Uint8Array.of(FrameKind.undeliverable, ...(idBytes(lost) as Uint8Array), ...(idBytes(asker) as Uint8Array))
}

describe('a guest that meddles with what is not its own', () => {
  /** The good guest asks what is not answered, and watches; somebody else knows the addresses of both. */
  async function waiting(stage: Stage) {
    const held: Array<{ replyTo: ActorRef<unknown> }> = []
    const holder = stage.hub.spawn(
      setup<{ replyTo: ActorRef<unknown> }>(() => ({ receive: message => void held.push(message) }))
    )
    const ref = stage.good.ref<{ replyTo: ActorRef<unknown> }>(holder.address)
    const asked = ref.ask(replyTo => ({ replyTo }), { within: 60_000 }).catch(({ code }) => code)
    const { ref: probe, heard } = watcher(stage.good)
    await probe.ask({ type: 'watch', ref })
    await until(() => held.length > 0, 'the question is there')
    const ask = idOf((held[0] as { replyTo: ActorRef<unknown> }).replyTo)
    return { holder, asked, heard, ask, answer: () => held[0]?.replyTo.send('the answer') }
  }
  type Known = Awaited<ReturnType<typeof waiting>>
  type Write = Parameters<Parameters<typeof items>[0]>[0]

  const meddling: Array<[title: string, write: (into: Write, known: Known) => void]> = [
    ['the question of another failed', (write, { ask }) => {
      write.u8(Item.fail)
      for (const text of [ask, 'ACTOR_FAILED', 'forged']) write.utf8(text)
    }],
    ['the question of another called off', (write, { ask }) => {
      write.u8(Item.cancel)
      write.utf8(ask)
    }],
    ['the question of another answered, at the hub', (write, { ask }) => {
      write.u8(Item.sendTo)
      write.utf8(ask)
      write.message('forged')
    }],
    ['an actor of the hub said to have ended', (write, { holder }) => {
      write.u8(Item.stopped)
      write.utf8(idOf(holder))
      write.u8(0)
    }],
    ['an actor of the hub said to be full', (write, { holder }) => {
      write.u8(Item.pressure)
      write.utf8(idOf(holder))
      write.u8(1)
    }],
    ['a watch of another ended', (write, { holder }) => {
      write.u8(Item.unwatch)
      write.varint(0)
      write.utf8(idOf(holder))
    }]
  ] // biome-ignore format: a table
  for (const [title, write] of meddling) {
    attack(`has ${title} for nothing`, async stage => {
      const known = await waiting(stage)
      const peer = await stage.guest()
      const bytes = items(into => write(into, known))
      peer.send(relayed(peer.identity.id, stage.hub.id, {}, bytes))
      // The good guest, too, is told: by way of the hub, and as if from it.
      peer.send(relayed(peer.identity.id, stage.good.id, {}, bytes))
      peer.send(relayed(stage.hub.id, stage.good.id, { epoch: 2 }, bytes))
      await stage.served()
      expect(known.heard).to.deep.equal([])
      known.answer()
      expect(await known.asked).to.be.oneOf(['the answer', 'forged'])
      await stage.hub.stop(known.holder)
      await until(() => known.heard.length > 0, 'the end is heard')
      expect(known.heard).to.have.length(1)
    })
  }

  attack('cannot answer the question of another, whose address it would have to guess', async stage => {
    const known = await waiting(stage)
    const mallory = await stage.system()
    for (let n = 0; n < 200; n++) {
      const guess = known.ask.slice(0, -1) + String.fromCharCode(97 + (n % 26))
      if (guess !== known.ask) mallory.ref(`actor:${stage.good.id}/${guess}`).send('forged')
      mallory.ref(`actor:${stage.good.id}/~${n}`).send('forged')
    }
    await stage.served()
    known.answer()
    expect(await known.asked).to.equal('the answer')
  })

  attack('and asks twice under one id, or under one that is not for questions, loses its epoch', async stage => {
    const peer = await stage.guest()
    const ask = (id: string): Uint8Array =>
      items(write => {
        write.u8(Item.ask)
        write.varint(0)
        write.utf8(idOf(stage.open))
        write.utf8(id)
        write.message(id)
      })
    const batches = [[ask('~a'), ask('~a')], [ask('b')], [ask('registry')], [ask('')]]
    for (const [n, asks] of batches.entries()) {
      peer.send(relayed(peer.identity.id, stage.hub.id, { epoch: n + 1 }, Buffer.concat([...asks, ask(`~${n}`)])))
    }
    peer.send(relayed(peer.identity.id, stage.hub.id, { epoch: 9 }, ask('~last')))
    await until(() => stage.said.includes('~last'), 'it begins again')
    expect(stage.said.filter(each => each !== '~a')).to.deep.equal(['~last'])
    expect(peer.closed).to.deep.equal([])
  })

  attack('cannot find an actor by guessing, and hears the same of those that there are and are not', async stage => {
    const mallory = await stage.system()
    const dead = letters(stage.good)
    const ids = ['0', 'open', 'desk', idOf(stage.open).slice(0, -1), `${idOf(stage.open)}x`, 'constructor', '__proto__']
    const told = await Promise.all(
      ids.map(id => failureCode(mallory.ref<{ replyTo: unknown }>(`actor:${stage.hub.id}/${id}`).ask(replyTo => ({ replyTo })))) // biome-ignore format: one line says it
    )
    expect(new Set(told)).to.deep.equal(new Set(['ACTOR_STOPPED']))
    expect(stage.said).to.deep.equal([])
    expect(dead).to.deep.equal([])
  })

  attack('hears of a handler that failed the code, and nothing of what was in the error', async stage => {
    const failing = stage.hub.spawn(
      setup<unknown>(() => ({
        receive() {
          throw Object.assign(new Error('the password is hunter2'), { path: '/etc/hunter2' })
        }
      })),
      { restart: 'never' }
    )
    const mallory = await stage.system()
    const far = mallory.ref<{ replyTo: unknown }>(failing.address)
    const { ref: probe, heard } = watcher(mallory)
    await probe.ask({ type: 'watch', ref: far })
    const error = (await failure(far.ask(replyTo => ({ replyTo })))) as Error & { code: string }
    expect(error.code).to.equal('ACTOR_FAILED')
    await until(() => heard.length > 0, 'its end is heard')
    const told = JSON.stringify([error.message, error.stack, error.cause, heard.map(each => 'reason' in each && each.reason)]) // biome-ignore format: one line says it
    expect(told).to.not.match(/hunter2/i)
  })
})

describe('a guest that has an actor of the hub speak for it', () => {
  /** What an actor that answers wherever it is told to would say to a registry. */
  const words: Array<[title: string, word: (mine: ActorRef<unknown>, room: ActorRef<unknown>) => object]> = [
    ['release the name of another', (_, ref) => ({ type: 'release', name: 'room', ref })],
    ['claim a name that is not exposed', ref => ({ type: 'claim', name: 'hall', ref, replyTo: ref })],
    ['look up what is not exposed', ref => ({ type: 'lookup', name: 'room', wait: false, replyTo: ref })],
    ['join a group that is not exposed', ref => ({ type: 'join', group: 'room', member: { ref, label: 'x', reachable: true, facts: {} }, replyTo: ref })], // biome-ignore format: one line says it
    ['follow a group that is not exposed', to => ({ type: 'subscribe', group: 'room', to })],
    ['take somebody for lost', () => ({ type: 'reach', peer: 'x', reachable: false })]
  ]
  const Room = actorName<unknown>('room')
  const Hall = actorName<unknown>('hall')
  for (const [title, word] of words) {
    attack(`cannot have it ${title}, at any registry`, async stage => {
      const owner = stage.hub.spawn(noting<unknown>([]))
      await stage.hub.register(Room, owner)
      await stage.hub.join(Room, owner)
      let members = 0
      stage.hub.members(Room, now => {
        members = now.size
      })
      const heard: unknown[] = []
      const mallory = await stage.system()
      const mine = mallory.spawn(noting(heard))
      const careless = await mallory.lookup(Open)
      for (const home of [stage.hub, stage.good, mallory]) {
        careless.send({ pass: word(mine, mallory.ref<unknown>(owner.address)), to: registryOf(mallory, home.id) })
      }
      // By text, too, as of a program that makes refs of what it is told.
      registryOf(stage.hub, stage.hub.id).send(word(mine, owner))
      await stage.served()
      expect(heard).to.deep.equal([])
      expect(await stage.hub.lookup(Room, { within: 0 })).to.equal(owner)
      expect(await failureCode(stage.hub.lookup(Hall, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
      expect(members).to.equal(1)
    })
  }
})

describe('a guest among other guests', () => {
  attack(
    'hears the same of one who is there and may not be sent to, and of nobody',
    async stage => {
      const peer = await stage.guest()
      const there = [stage.good.id, identity().id]
      for (const id of there) peer.send(mail(peer.identity.id, id, 'x', 'hello'))
      await until(() => peer.frames.length >= 2, 'it is answered')
      expect(peer.frames.map(frame => [frame[0], frame.length])).to.deep.equal([
        [FrameKind.undeliverable, 33],
        [FrameKind.undeliverable, 33]
      ])
    },
    { authorize: (_principal, action) => action !== 'relay' }
  )

  attack('asks the registry of another for nothing', async stage => {
    const Private = actorName<unknown>('private')
    const own = stage.good.spawn(noting<unknown>([]), { name: Private })
    const mallory = await stage.system()
    const mine = mallory.spawn(noting<unknown>([]))
    const registry = registryOf(mallory, stage.good.id) as ActorRef<object>
    const answers = await Promise.all([
      registry.ask<object>(replyTo => ({ type: 'lookup', name: 'private', wait: false, replyTo })),
      registry.ask<object>(replyTo => ({ type: 'claim', name: 'private', ref: mine, held: true, replyTo }))
    ])
    registry.send({ type: 'reach', peer: stage.hub.id, reachable: false })
    registry.send({ type: 'above' })
    await stage.served()
    expect(answers[0]).to.deep.equal({ ok: undefined })
    expect(answers[1]).to.include({ code: 'ACTOR_FORBIDDEN' })
    expect(stage.good.find(Private)).to.equal(own)
  })

  attack('that die at once, each watching the other, hear of one end each, and nobody else of any', async stage => {
    const [one, two] = await Promise.all([stage.system(), stage.system()])
    const ends: unknown[][] = []
    const pair = [one, two].map(system => {
      const { ref, heard } = watcher(system)
      ends.push(heard)
      return { system, ref, mark: system.spawn(noting<unknown>([])) }
    })
    const [a, b] = pair as [(typeof pair)[0], (typeof pair)[0]]
    await a.ref.ask({ type: 'watch', ref: one.ref(b.mark.address) })
    await b.ref.ask({ type: 'watch', ref: two.ref(a.mark.address) })
    await stage.served()
    await Promise.all([one.stop(a.mark), two.stop(b.mark)])
    await until(() => ends.every(heard => heard.length > 0), 'both have heard')
    await stage.served()
    expect(ends.map(heard => heard.length)).to.deep.equal([1, 1])
  })
})

describe('a node', () => {
  attack('is not what a guest becomes by coming in at the other door without the secret', async stage => {
    const { url } = await stage.hub.listen(webSocketServer({ port: 0 }), { trust: { node: { secret: SECRET } } })
    const failed = createSystem({ label: 'mallory', logger: quiet })
    const way = webSocket(url as string, { WebSocket })
    for (const credentials of [{}, { token: 'good' }, { secret: '' }, { secret: `${SECRET} ` }, { token: SECRET }]) {
      const code = await failureCode(
        failed.connect(way, { ...credentials, backoff: { min: 1, max: 5 }, within: 3_000 })
      )
      expect(code).to.be.oneOf(['ACTOR_FORBIDDEN', 'ACTOR_REFUSED', 'ACTOR_BAD_OPTION'])
    }
    const taken = await rawPeer(way, identity())
    taken.shake(hello(taken.identity, { token: 'good' }))
    await until(() => taken.closed.length > 0, 'it is closed')
    expect(taken.closed[0]?.code).to.equal(4403)
    await failed.shutdown()
    await stage.alone()
  })
})
