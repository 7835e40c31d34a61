import { expect } from 'chai'
import { type ActorRef, createSystem, receive } from 'whereabouts'
import { probe } from 'whereabouts/testing'
import type { Answer } from '../../../runtime/cluster/registry-message.ts'
import { Names } from '../../../runtime/cluster/registry-names.ts'
import { quiet } from '../../support/quiet.ts'

describe('the names of an authority', () => {
  it('answer a claim that is released before it was granted', async () => {
    const system = createSystem({ logger: quiet })
    const port = { clock: { now: () => 0 } as never, find: () => undefined, grace: () => 30_000, granted: () => {} }
    const names = new Names(port)
    names.succeed()
    const owner = system.spawn(receive(0, (state: number, _message: never) => state)) as ActorRef<never>
    const asker = probe<Answer<true>>(system)
    const { signal } = new AbortController()
    names.claim({ name: 'red', ref: owner, held: true, replyTo: asker.ref, signal }, false)

    names.release('red', owner)

    expect(await asker.next()).to.have.property('code', 'ACTOR_STOPPED')
    await system.shutdown()
  })
})
