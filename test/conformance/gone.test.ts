// The far system is out of reach, for a while or for good: what near promises then (P2, P4, P5). By hand, without waiting.

import { expect } from 'chai'
import { type ActorRef, type ActorSystem, actorName, createSystem, type Listener, setup } from '../../runtime/index.ts'
import { type MemoryNetwork, memory } from '../../transports/memory.ts'
import { expectNumbered, failureCode, type Heard, letters, turn, until, watcher } from '../suites/any-ref/cast.ts'
import { type HandClock, handClock } from '../support/hand-clock.ts'
import { quiet } from '../support/quiet.ts'

type Note = { type: 'note'; n: number } | { type: 'ask'; replyTo: ActorRef<number> } | { type: 'end' }
const Desk = actorName<Note>('desk')
const SECRET = 'the secret of the test'
const DOWN_AFTER = 30_000

describe('a system that is gone', () => {
  let clock: HandClock
  let network: MemoryNetwork
  let listener: Listener
  let near: ActorSystem
  let far: ActorSystem
  let ref: ActorRef<Note>
  /** What the desk in far has handled, and the questions it has not answered. */
  let seen: number[]
  let asked: ActorRef<number>[]
  let probe: { heard: Heard[] }

  beforeEach(async () => {
    clock = handClock()
    seen = []
    asked = []
    near = createSystem({ label: 'near', clock, logger: quiet })
    far = createSystem({ label: 'far', clock, logger: quiet })
    const memories = memory()
    network = memories.network
    listener = memories.listener
    await far.listen(memories.listener, { trust: { node: { secret: SECRET } }, downAfter: DOWN_AFTER })
    await near.connect(memories.transport, { secret: SECRET, backoff: { min: 100, max: 1000 } })
    far.spawn(desk(), { name: Desk })
    ref = await near.lookup(Desk)
    const watching = watcher(near)
    probe = watching
    await watching.ref.ask({ type: 'watch', ref })
    await settled()
  })

  afterEach(async () => {
    network.refuse(false)
    const ends = [near.shutdown({ within: 100 }), far.shutdown({ within: 100 })]
    await pass(20_000)
    await Promise.all(ends)
  })

  const desk = () =>
    setup<Note>(ctx => ({
      receive(message) {
        if (message.type === 'note') seen.push(message.n)
        else if (message.type === 'ask') asked.push(message.replyTo)
        else ctx.stop()
      }
    }))

  /** Lets time pass in steps, as it does: a leap would look like a computer that slept. */
  const pass = async (time: number): Promise<void> => {
    for (let passed = 0; passed < time; passed += 250) {
      clock.advance(250)
      for (let n = 0; n < 4; n++) await turn()
    }
  }

  const settled = async (): Promise<void> => {
    for (let n = 0; n < 10; n++) await turn()
  }

  const cut = (): void => {
    network.refuse(true)
    network.cut()
  }

  it('is only suspended at first: watchers hear nothing, mail waits, asks run', async () => {
    const found = letters(near)
    cut()
    const answer = ref.ask({ type: 'ask' }, { within: 60_000 })
    for (let n = 0; n < 10; n++) expect(ref.send({ type: 'note', n })).to.equal(true)
    await pass(DOWN_AFTER - 2000)
    expect(probe.heard).to.deep.equal([])
    network.refuse(false)
    await pass(2000)
    expectNumbered(seen, 10)
    asked[0]?.send(7)
    expect(await answer).to.equal(7)
    expect(found).to.deep.equal([])
  })

  it('is gone after its time: watchers hear so once, open asks fail, and what was not acknowledged is counted', async () => {
    const found = letters(near)
    const before = near.counters.deadLetters
    cut()
    const answer = failureCode(ref.ask({ type: 'ask' }, { within: 600_000 }))
    for (let n = 0; n < 10; n++) ref.send({ type: 'note', n })
    await pass(DOWN_AFTER + 5000)
    expect(await answer).to.equal('ACTOR_UNREACHABLE')
    expect(probe.heard).to.deep.equal([{ ended: ref, reason: { kind: 'unreachable' } }])
    // Ten notes and the question.
    expect(near.counters.deadLetters - before).to.equal(11)
    expect(new Set(found.map(({ reason }) => reason))).to.deep.equal(new Set(['unreachable']))
    expect(seen).to.deep.equal([])
  })

  it('is not reached while it is gone: sends are dead letters, asks and watches fail at once', async () => {
    cut()
    ref.send({ type: 'note', n: 0 })
    await pass(DOWN_AFTER + 5000)
    const found = letters(near)
    expect(ref.send({ type: 'note', n: 1 })).to.equal(true)
    await until(() => found.length > 0, 'it is a dead letter')
    expect(found.map(({ reason }) => reason)).to.deep.equal(['unreachable'])
    expect(await failureCode(ref.ask({ type: 'ask' }))).to.equal('ACTOR_UNREACHABLE')
    const late = watcher(near)
    await late.ref.ask({ type: 'watch', ref })
    await settled()
    expect(late.heard).to.deep.equal([{ ended: ref, reason: { kind: 'unreachable' } }])
  })

  it('is reached again when it comes back, with nothing of before', async () => {
    cut()
    for (let n = 100; n < 110; n++) ref.send({ type: 'note', n })
    await pass(DOWN_AFTER + 5000)
    network.refuse(false)
    await pass(3000)
    for (let n = 0; n < 5; n++) expect(ref.send({ type: 'note', n })).to.equal(true)
    await settled()
    expectNumbered(seen, 5)
    const again = watcher(near)
    await again.ref.ask({ type: 'watch', ref })
    ref.send({ type: 'end' })
    await settled()
    expect(again.heard).to.deep.equal([{ ended: ref, reason: { kind: 'done' } }])
    expect(probe.heard).to.deep.equal([{ ended: ref, reason: { kind: 'unreachable' } }])
  })

  it('aborts the signal of a question there whose asker is gone', async () => {
    let aborted = false
    const Slow = actorName<{ type: 'slow'; replyTo: ActorRef<number> }>('slow')
    far.spawn(
      setup<{ type: 'slow'; replyTo: ActorRef<number> }>(() => ({
        receive: (_question, { signal }) =>
          new Promise(resolve => {
            signal.addEventListener('abort', () => {
              aborted = true
              resolve()
            })
          })
      })),
      { name: Slow }
    )
    const slow = await near.lookup(Slow)
    const answer = failureCode(slow.ask({ type: 'slow' }, { within: 600_000 }))
    await settled()
    cut()
    await pass(DOWN_AFTER + 5000)
    expect(await answer).to.equal('ACTOR_UNREACHABLE')
    expect(aborted).to.equal(true)
  })

  it('says goodbye when it shuts down: everything is settled at once', async () => {
    const answer = failureCode(ref.ask({ type: 'ask' }, { within: 600_000 }))
    await settled()
    const ending = far.shutdown()
    await pass(2000)
    await ending
    expect(await answer).to.equal('ACTOR_STOPPED')
    expect(probe.heard).to.deep.equal([{ ended: ref, reason: { kind: 'shutdown' } }])
    const found = letters(near)
    ref.send({ type: 'note', n: 1 })
    await until(() => found.length > 0, 'it is a dead letter')
    expect(found[0]?.reason).to.equal('unreachable')
  })

  it('is another one when it comes back with another identity: the old one is gone at once', async () => {
    const successor = createSystem({ label: 'far', clock, logger: quiet })
    const seenThere: number[] = []
    successor.spawn(
      setup<Note>(() => ({ receive: message => void (message.type === 'note' && seenThere.push(message.n)) })),
      { name: Desk }
    )
    cut()
    const answer = failureCode(ref.ask({ type: 'ask' }, { within: 600_000 }))
    ref.send({ type: 'note', n: 0 })
    const ending = far.shutdown({ within: 100 })
    await pass(2000)
    await ending
    expect(probe.heard).to.deep.equal([])
    await successor.listen(listener, { trust: { node: { secret: SECRET } }, downAfter: DOWN_AFTER })
    network.refuse(false)
    await pass(3000)
    expect(await answer).to.equal('ACTOR_UNREACHABLE')
    expect(probe.heard).to.deep.equal([{ ended: ref, reason: { kind: 'unreachable' } }])
    ref.send({ type: 'note', n: 1 })
    const again = await near.lookup(Desk)
    expect(again).to.not.equal(ref)
    again.send({ type: 'note', n: 2 })
    await settled()
    expect(seenThere).to.deep.equal([2])
    expect(seen).to.deep.equal([])
    const over = successor.shutdown({ within: 100 })
    await pass(5000)
    await over
  })
})
