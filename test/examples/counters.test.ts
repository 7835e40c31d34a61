import { expect } from 'chai'
import { type ActorSystem, createSystem, setup } from 'whereabouts'
import { memory } from 'whereabouts/memory'
import { counter, notebook } from '../../examples/01-counters/counter.ts'
import { cuttable } from '../../examples/01-counters/cuttable.ts'
import { Counter, type Reading, Visitors, visitorOf } from '../../examples/01-counters/messages.ts'
import { addMany, ownCounter } from '../../examples/01-counters/visitor.ts'

/** An actor that keeps what it hears, and a promise of the reading that satisfies. */
function listener(system: ActorSystem) {
  const heard: Reading[] = []
  let look = (): void => {}
  const ref = system.spawn(
    setup<Reading>(() => ({
      receive(reading) {
        heard.push(reading)
        look()
      }
    }))
  )
  const until = (satisfies: (reading: Reading) => boolean): Promise<Reading> =>
    new Promise(resolve => {
      look = () => {
        const last = heard.at(-1)
        if (last !== undefined && satisfies(last)) resolve(last)
      }
      look()
    })
  return { ref, heard, until }
}

describe('the counters of the demo', () => {
  let system: ActorSystem

  beforeEach(() => {
    system = createSystem()
  })

  afterEach(() => system.shutdown())

  it('count what each has given, and tell those who follow', async () => {
    const ref = system.spawn(counter(notebook()))
    const ear = listener(system)

    ref.send({ type: 'follow', who: 'me', replyTo: ear.ref })
    ref.send({ type: 'add', by: 2, who: 'me' })
    ref.send({ type: 'add', by: 3, who: 'you' })

    expect(await ear.until(({ total }) => total === 5)).to.deep.equal({ total: 5, yours: 2, life: 1 })
    expect(await ref.ask({ type: 'read' })).to.equal(5)
  })

  it('go on after a crash where they were, with the mail that waited', async () => {
    const born: number[] = []
    const own = await ownCounter(system, notebook(), life => born.push(life))
    const ear = listener(system)

    own.send({ type: 'follow', who: 'me', replyTo: ear.ref })
    await addMany(own, 'me', 1000, () => {})
    own.send({ type: 'crash', who: 'me' })
    await addMany(own, 'me', 1000, () => {})

    expect(await ear.until(({ total }) => total === 2000)).to.deep.equal({ total: 2000, yours: 2000, life: 2 })
    expect(born).to.deep.equal([1, 2])
  })

  it('tell a burst in few readings', async () => {
    const ref = system.spawn(counter(notebook()))
    const ear = listener(system)
    ref.send({ type: 'follow', who: 'me', replyTo: ear.ref })

    await addMany(ref, 'me', 10_000, () => {})
    await ear.until(({ total }) => total === 10_000)

    expect(ear.heard.length).to.be.below(500)
  })

  it('forget a follower that has ended', async () => {
    const book = notebook()
    const ref = system.spawn(counter(book))
    const ear = listener(system)
    ref.send({ type: 'follow', who: 'me', replyTo: ear.ref })
    await ref.ask({ type: 'read' })
    const before = book.followers.size

    await system.stop(ear.ref)
    await ref.ask({ type: 'read' })

    expect([before, book.followers.size]).to.deep.equal([1, 0])
  })

  it('refuse from guests what is no message of theirs', () => {
    const accepts = (message: unknown): boolean => {
      const answer = Counter.schema?.['~standard'].validate(message)
      return typeof answer === 'object' && answer !== null && 'value' in answer
    }

    for (const good of [
      { type: 'add', by: 1, who: 'me' },
      { type: 'crash', who: 'me' },
      { type: 'read' },
      { type: 'follow', who: 'me' }
    ]) {
      expect(accepts(good), JSON.stringify(good)).to.equal(true)
    }
    for (const bad of [
      undefined,
      'add',
      { type: 'publish' },
      { type: 'add', by: 1 },
      { type: 'add', by: 1.5, who: 'me' },
      { type: 'add', by: 1e9, who: 'me' },
      { type: 'add', by: '1', who: 'me' },
      { type: 'crash', who: 'x'.repeat(41) }
    ]) {
      expect(accepts(bad), JSON.stringify(bad)).to.equal(false)
    }
  })

  it('take nothing from the facts of a visitor as it is', () => {
    expect(visitorOf({ name: 'quiet heron', kind: 'terminal', hue: 380 })).to.deep.equal({
      name: 'quiet heron',
      kind: 'terminal',
      hue: 20
    })
    expect(visitorOf({ name: 7, kind: 'mainframe', hue: 'red' })).to.deep.equal({
      name: 'somebody',
      kind: 'tab',
      hue: 0
    })
  })
})

describe('the scissors of the demo', () => {
  it('take the link away with all that is on its way, and nothing is lost when it is mended', async () => {
    const hub = createSystem()
    const tab = createSystem()
    const { transport, listener: door, network } = memory()
    const { transport: cut, scissors } = cuttable(transport)
    hub.spawn(counter(notebook()), { name: Counter })
    await hub.listen(door, { trust: 'guest', expose: [Counter, Visitors] })
    const link = await tab.connect(cut, { backoff: { min: 1, max: 2 } })
    const remote = await tab.lookup(Counter)
    const again = new Promise<void>(resolve => {
      link.onStatus(status => {
        if (status === 'connected') resolve()
      })
    })

    await addMany(remote, 'me', 5000, () => {})
    scissors.cut()
    const whileCut = [link.status, network.size]
    await addMany(remote, 'me', 5000, () => {})
    const asked = remote.ask({ type: 'read' })
    scissors.mend()
    await again

    expect(whileCut[0]).to.equal('suspended')
    expect(await asked).to.equal(10_000)
    await tab.shutdown()
    await hub.shutdown()
  })
})
