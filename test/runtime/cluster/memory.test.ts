import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { type ActorRef, type ActorSystem, actorName, createSystem, setup } from '../../../runtime/index.ts'
import type { System } from '../../../runtime/system.ts'
import { memory } from '../../../transports/memory.ts'
import { noting, turn, until } from '../../suites/any-ref/cast.ts'
import { quiet } from '../../support/quiet.ts'
import { identity } from '../../support/raw-peer.ts'

const Open = actorName<unknown>('open')
const Room = actorName<unknown>('room')

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const held = (system: ActorSystem): { peers: number; refs: number; hub: number; doors: number } =>
  (system as System).held

/** What nobody needs is not held, once the garbage collector has been round. */
async function empty(system: ActorSystem, base = { peers: 0, refs: 0, hub: 0, doors: 0 }): Promise<void> {
  const end = Date.now() + 8_000
  while (held(system).peers + held(system).refs > base.peers + base.refs && Date.now() < end) {
    collect()
    // V8 tells what it has collected between two rounds of the event loop, when those are not in a hurry.
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  expect(held(system)).to.deep.equal(base)
}

describe('memory', function () {
  // A thousand of everything, and the garbage collector takes its time.
  this.timeout(30_000)

  let hub: ActorSystem

  beforeEach(() => {
    hub = createSystem({ label: 'hub', logger: quiet })
  })

  afterEach(() => hub.shutdown({ within: 100 }))

  it('is given back when guests came and went: those who said goodbye, and those who were never heard again', async () => {
    const seen: unknown[] = []
    const left: ActorSystem[] = []
    type Word = { type: 'get'; replyTo: ActorRef<number> } | { type: 'take'; ref: ActorRef<unknown> }
    let sum = 0
    const actor = setup<Word>(() => ({
      receive(word) {
        sum += 1
        if (word.type === 'get') word.replyTo.send(sum)
        else word.ref.send('hello')
      }
    }))
    hub.spawn(actor, { name: Open as never })
    const { transport, listener, network } = memory()
    const gateway = await hub.listen(listener, {
      trust: 'guest',
      downAfter: 300,
      limits: { pendingHandshakes: 1_000 },
      expose: [
        { name: Open, unchecked: true },
        { name: Room, unchecked: true }
      ]
    })
    let members = 0
    hub.members(Room, now => {
      members = now.size
    })
    const visit = async (n: number): Promise<void> => {
      const guest = createSystem({ label: `guest ${n}`, logger: quiet })
      const link = await guest.connect(transport)
      const ref = (await guest.lookup(Open)) as unknown as ActorRef<Word>
      await ref.ask({ type: 'get' })
      const own = guest.spawn(noting(seen))
      ref.send({ type: 'take', ref: own })
      await guest.join(Room, own)
      await link.flushed()
      if (n % 2 === 0) await guest.shutdown()
      else left.push(guest)
    }
    for (let n = 0; n < 1_000; n += 100) await Promise.all(Array.from({ length: 100 }, (_, k) => visit(n + k)))
    network.refuse(true)
    network.cut()
    await until(() => members === 0, 'the room is empty')
    await until(() => gateway.peers.size === 0, 'nobody is attached')
    await Promise.all(left.map(guest => guest.shutdown()))
    await empty(hub)
  })

  for (const above of [false, true]) {
    const where = above ? 'behind another hub' : 'at the last hub'
    it(`is given back after messages with refs to a thousand systems that are nowhere, ${where}`, async () => {
      type Refs = { type: 'refs'; refs: ActorRef<unknown>[] } | { type: 'count'; replyTo: ActorRef<number> }
      type Get = { type: 'get'; replyTo: ActorRef<unknown> }
      let count = 0
      const settled: Promise<unknown>[] = []
      /** Uses each ref in every way, and keeps none. */
      const user = setup<Refs>(ctx => ({
        receive(message) {
          if (message.type === 'count') {
            message.replyTo.send(count)
            return
          }
          for (const ref of message.refs) {
            count += 1
            ref.send('hello')
            ctx.watch(ref as ActorRef<never>)
            settled.push((ref as ActorRef<Get>).ask({ type: 'get' }, { within: 2_000 }).catch(() => {}))
            settled.push(ref.ready({ within: 2_000 }).catch(() => {}))
          }
        },
        stopped: () => {
          count -= 1
        }
      }))
      const top = createSystem({ label: 'top', logger: quiet })
      if (above) {
        const { transport, listener } = memory()
        await top.listen(listener, { trust: 'guest' })
        await hub.connect(transport)
      }
      const before = held(hub)
      const { transport, listener } = memory()
      await hub.listen(listener, { trust: 'guest', expose: [{ name: Open, unchecked: true }] })
      hub.spawn(user, { name: Open as never })
      const guest = createSystem({ label: 'guest', logger: quiet })
      const link = await guest.connect(transport)
      const open = (await guest.lookup(Open)) as unknown as ActorRef<Refs>
      for (let n = 0; n < 1_000; n += 50) {
        const refs = Array.from({ length: 50 }, () => guest.ref<unknown>(`actor:${identity().id}/x`))
        for (const ref of refs) ref.send('hello')
        open.send({ type: 'refs', refs })
      }
      await open.ask({ type: 'count' })
      await until(() => count === 0, 'every end was heard')
      await Promise.all(settled.splice(0))
      await link.flushed()
      await guest.shutdown()
      // The hub above is held, and the epoch with it.
      await empty(hub, before)
      await top.shutdown({ within: 100 })
    })
  }

  it('is given back by those who stay, when guests came and went who sent to them', async () => {
    const { transport, listener } = memory()
    await hub.listen(listener, { trust: 'guest', authorize: () => true, limits: { pendingHandshakes: 1_000 } })
    const stays = createSystem({ label: 'stays', logger: quiet })
    await stays.connect(transport)
    let count = 0
    type Get = { type: 'get'; replyTo: ActorRef<number> }
    const counter = stays.spawn(setup<Get>(() => ({ receive: ({ replyTo }) => void replyTo.send(++count) })))
    const visit = async (n: number): Promise<void> => {
      const guest = createSystem({ label: `guest ${n}`, logger: quiet })
      await guest.connect(transport)
      await guest.ref<Get>(counter.address).ask({ type: 'get' })
      await guest.shutdown()
    }
    await visit(0)
    const before = held(hub).hub
    await Promise.all(Array.from({ length: 200 }, (_, n) => visit(n)))
    expect(count).to.equal(201)
    expect(held(hub).hub).to.equal(before)
    await stays.shutdown({ within: 100 })
  })

  it('remembers the last epoch of a peer that is gone', async () => {
    const { transport, listener } = memory()
    await hub.listen(listener, { trust: 'guest', expose: [{ name: Open, unchecked: true }] })
    const seen: unknown[] = []
    hub.spawn(noting(seen), { name: Open })
    const guest = createSystem({ label: 'guest', logger: quiet })
    for (let n = 1; n <= 3; n++) {
      const link = await guest.connect(transport)
      ;(await guest.lookup(Open)).send(n)
      await link.flushed()
      await link.disconnect()
      for (let k = 0; k < 3; k++) {
        collect()
        await turn()
      }
    }
    expect(seen).to.deep.equal([1, 2, 3])
    await guest.shutdown()
  })
})
