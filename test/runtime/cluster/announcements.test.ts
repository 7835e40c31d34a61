// What a guest may announce, and what becomes of its word.

import { expect } from 'chai'
import { type ActorRef, type ActorSystem, type ListenOptions, type Origin, setup } from '../../../runtime/index.ts'
import { ByteBuffer, Encoder } from '../../../runtime/peer/codec.ts'
import { FrameKind } from '../../../runtime/peer/frame.ts'
import type { Identity } from '../../../runtime/peer/identity.ts'
import { Item } from '../../../runtime/peer/items.ts'
import { CloseCode } from '../../../runtime/peer/wire.ts'
import type { System } from '../../../runtime/system.ts'
import { failureCode, noting } from '../../suites/any-ref/cast.ts'
import { paperRefs } from '../../support/codec.ts'
import { hello, identity, items, type RawPeer, rawGuest, rawPeer, relayed, secretOf } from '../../support/raw-peer.ts'
import { known, nodes, type Way, type World, world } from '../../support/world.ts'

const guests: ListenOptions = { trust: 'guest', authenticate: ({ label }) => label }

/** An announcement, with fields changed at will. */
function announcement({ id, secret }: Identity, more: object = {}): Uint8Array {
  const facts = { id, label: 'sub', trust: 'node', principal: 'root', there: true, secret: secretOf({ id, secret }) }
  return value({ ...facts, ...more })
}

function value(facts: unknown): Uint8Array {
  const buffer = new ByteBuffer(128)
  buffer.u8(FrameKind.peer)
  new Encoder(paperRefs()).encodeAlone(facts, buffer)
  return buffer.bytes.slice(0, buffer.at)
}

const mailTo = (ref: { address: string }, message: unknown): Uint8Array =>
  items(write => {
    write.u8(Item.send)
    write.varint(0)
    write.utf8(ref.address.slice(ref.address.indexOf('/') + 1))
    write.message(message)
  })

describe('what a guest announces', () => {
  let scene: World
  let hub: ActorSystem
  let way: Way
  let origins: Origin[]
  let seen: unknown[]
  let target: ActorRef<unknown>

  beforeEach(async () => {
    scene = world()
    hub = scene.make('hub')
    way = await scene.door(hub, guests)
    origins = []
    seen = []
    target = hub.spawn(
      setup<unknown>(() => ({
        receive(message, from) {
          seen.push(message)
          origins.push(from)
        }
      }))
    )
  })

  afterEach(() => scene.end())

  const says = (peer: RawPeer, who: Identity, message: unknown, seq = 1): void =>
    peer.send(relayed(who.id, hub.id, { seq }, mailTo(target, message)))
  /** `who`: of an identity that was here before. */
  const guest = async (label: string, who?: Identity): Promise<RawPeer> => {
    if (who === undefined) return rawGuest(way.transport, { label })
    const peer = await rawPeer(way.transport, who)
    peer.shake(hello(who, { label }))
    await scene.settled()
    peer.frames.length = 0
    return peer
  }
  const sent = (peer: RawPeer): number => peer.frames.filter(frame => frame[0] === FrameKind.relay).length
  const size = (): number => (hub as System).held.hub

  it('is a guest with its principal, whatever it says of it', async () => {
    const peer = await guest('Ada')
    const sub = identity()
    peer.send(announcement(sub, { trust: 'node', principal: { admin: true } }))
    says(peer, sub, 'hello')
    await scene.settled()
    expect(origins.map(({ trust, principal }) => [trust, principal])).to.deep.equal([['guest', 'Ada']])
  })

  it('needs the proof for each', async () => {
    const peer = await guest('Ada')
    const before = size()
    for (const more of [{ secret: undefined }, { secret: secretOf(identity()) }, { secret: 7 }, { secret: '' }]) {
      peer.send(announcement(identity(), more))
    }
    await scene.settled()
    expect(size()).to.equal(before)
  })

  it('passes the guard: what is deep, large, not text or no facts at all changes nothing', async () => {
    const peer = await guest('Ada')
    const before = size()
    let deep: unknown = 'x'
    for (let n = 0; n < 64; n++) deep = [deep]
    for (const frame of [
      announcement(identity(), { principal: deep }),
      announcement(identity(), { label: 'x'.repeat(20_000) }),
      announcement(identity(), { label: 7 }),
      announcement(identity(), { trust: 'root' }),
      announcement(identity(), { via: 'hub' }),
      announcement(identity(), { via: [1] }),
      announcement(identity(), { via: Array.from({ length: 9 }, () => identity().id) }),
      announcement(identity(), { id: 'nobody' }),
      announcement(identity(), { id: 7 }),
      announcement(identity()).subarray(0, 40),
      Uint8Array.of(FrameKind.peer)
    ]) {
      peer.send(frame)
    }
    for (const facts of [null, 7, 'text', [], {}, { id: identity().id }]) peer.send(value(facts))
    await scene.settled()
    expect(size()).to.equal(before)
    expect(peer.closed).to.deep.equal([])
  })

  it('may be seventeen systems only when one of sixteen is taken back', async () => {
    const peer = await guest('Ada')
    const before = size()
    const subs = Array.from({ length: 17 }, identity)
    for (const sub of subs) peer.send(announcement(sub))
    await scene.settled()
    expect(size() - before).to.equal(16)
    peer.send(announcement(subs[0] as Identity, { there: false }))
    peer.send(announcement(subs[16] as Identity))
    says(peer, subs[16] as Identity, 'now')
    await scene.settled()
    expect(size() - before).to.equal(16)
    expect(seen).to.deep.equal(['now'])
  })

  it('is not the hub, nor itself', async () => {
    const peer = await guest('Ada')
    const before = size()
    peer.send(announcement({ ...(hub as System).identity }))
    peer.send(announcement(peer.identity))
    says(peer, peer.identity, 'still here')
    await scene.settled()
    expect(size()).to.equal(before)
    expect(seen).to.deep.equal(['still here'])
  })

  it('does not take the mail of a system that is connected here, even with its secret, nor speak for it', async () => {
    const ada = await guest('Ada')
    const ben = await guest('Ben')
    ben.send(announcement(ada.identity))
    says(ben, ada.identity, 'forged')
    hub.ref<unknown>(`actor:${ada.identity.id}/x`).send('for Ada')
    await scene.settled()
    expect(seen).to.deep.equal([])
    expect([sent(ada), sent(ben)]).to.deep.equal([1, 0])
  })

  it('is where it was announced last, and only who has it takes it back', async () => {
    const [ada, ben] = [await guest('Ada'), await guest('Ben')]
    const sub = identity()
    ada.send(announcement(sub))
    ben.send(announcement(sub))
    ada.send(announcement(sub, { there: false }))
    says(ada, sub, 'no longer')
    says(ben, sub, 'here')
    await scene.settled()
    expect(seen).to.deep.equal(['here'])
    expect(origins.map(({ principal }) => principal)).to.deep.equal(['Ben'])
    ben.send(announcement(sub, { there: false }))
    says(ben, sub, 'gone', 2)
    await scene.settled()
    expect(seen).to.deep.equal(['here'])
  })

  it('stays where it is heard when another only remembers it', async () => {
    const [ada, ben] = [await guest('Ada'), await guest('Ben')]
    const sub = identity()
    ada.send(announcement(sub))
    ben.send(announcement(sub, { away: true }))
    says(ben, sub, 'no')
    says(ada, sub, 'yes')
    await scene.settled()
    expect(seen).to.deep.equal(['yes'])
  })

  it('counts for the one that has it', async () => {
    const [ada, ben] = [await guest('Ada'), await guest('Ben')]
    const before = size()
    const subs = Array.from({ length: 16 }, identity)
    for (const sub of subs) ada.send(announcement(sub))
    await scene.pass(1_000)
    for (const sub of subs) ben.send(announcement(sub))
    for (let n = 0; n < 14; n++) ada.send(announcement(identity()))
    ben.send(announcement(identity()))
    await scene.settled()
    expect(size() - before).to.equal(30)
  })

  it('goes with it', async () => {
    const before = size()
    const peer = await guest('Ada')
    for (let n = 0; n < 16; n++) peer.send(announcement(identity()))
    await scene.settled()
    peer.send(Uint8Array.of(FrameKind.goodbye))
    await scene.settled()
    expect(size()).to.equal(before)
  })

  it('is forgotten when it came in again and did not name it any more', async () => {
    const before = await guest('Ada')
    const subs = [identity(), identity()] as const
    for (const sub of subs) before.send(announcement(sub))
    await scene.settled()
    const held = size()
    before.close()
    await scene.settled()
    const after = await guest('Ada', before.identity)
    after.send(announcement(subs[1]))
    says(after, subs[0], 'perhaps')
    await scene.settled()
    after.send(Uint8Array.of(FrameKind.announced))
    says(after, subs[0], 'not any more', 2)
    says(after, subs[1], 'still')
    await scene.settled()
    expect(seen).to.deep.equal(['perhaps', 'still'])
    expect(size()).to.equal(held - 1)
  })

  it('may come and go 32 times a second; a flood ends its connection and nobody else hears of it', async () => {
    const above = scene.make('above')
    await scene.attach('hub', above, nodes, { system: hub })
    const [peer, good] = [await guest('Ada'), await scene.attach('good', hub, guests)]
    const sub = identity()
    for (let n = 0; n < 32; n++) peer.send(announcement(sub, { there: n % 2 === 0 }))
    await scene.settled()
    expect(peer.closed).to.deep.equal([])
    for (let second = 0; second < 3; second++) {
      await scene.pass(1_000)
      for (let n = 0; n < 32; n++) peer.send(announcement(sub, { there: n % 2 === 0 }))
      await scene.settled()
    }
    expect(peer.closed).to.deep.equal([])
    for (let n = 0; n < 100; n++) peer.send(announcement(sub, { there: n % 2 === 0 }))
    await scene.settled()
    expect(peer.closed.map(({ code }) => code)).to.deep.equal([CloseCode.tooMany])
    const heard: string[] = []
    known(above.spawn(noting(heard)), good.system).send('undisturbed')
    await scene.settled()
    expect(heard).to.deep.equal(['undisturbed'])
    expect(good.link.status).to.equal('connected')
  })

  it('is out of reach once it is taken back, and an ask fails at once', async () => {
    type Get = { type: 'get'; replyTo: ActorRef<unknown> }
    const peer = await guest('Ada')
    const sub = identity()
    peer.send(announcement(sub))
    peer.send(announcement(sub, { there: false }))
    const left = await scene.attach('left', hub, nodes)
    const asked = failureCode((left.system.ref(`actor:${sub.id}/x`) as ActorRef<Get>).ask({ type: 'get' }))
    await scene.settled()
    expect(await asked).to.equal('ACTOR_UNREACHABLE')
    expect(sent(peer)).to.equal(0)
  })
})
