import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { type ActorRef, type ActorSystem, actorName, createSystem, setup } from '../../../runtime/index.ts'
import type { System } from '../../../runtime/system.ts'
import { memory } from '../../../transports/memory.ts'
import { noting, turn, until } from '../../suites/any-ref/cast.ts'
import { quiet } from '../../support/quiet.ts'

const Open = actorName<unknown>('open')
const Room = actorName<unknown>('room')

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const held = (system: ActorSystem): { peers: number; refs: number; hub: number; doors: number } =>
  (system as System).held

/** What nobody needs is not held, once the garbage collector has been round. */
async function empty(system: ActorSystem): Promise<void> {
  const end = Date.now() + 8_000
  while (held(system).peers + held(system).refs > 0 && Date.now() < end) {
    collect()
    // V8 tells what it has collected between two rounds of the event loop, when those are not in a hurry.
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  expect(held(system)).to.deep.equal({ peers: 0, refs: 0, hub: 0, doors: 0 })
}

describe('memory', () => {
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
