// P8: what cannot be delivered is published where it failed, with its reason, and the next message is none the worse.

import { expect } from 'chai'
import { type ActorRef, setup } from '../../../runtime/index.ts'
import { type Cases, endFar, failure, letters as lettersOf, noting, until } from './cast.ts'

class Custom {
  readonly value = 1
}

const cyclic: { name: string; self?: unknown } = { name: 'cycle' }
cyclic.self = cyclic

let deep: unknown = 1
for (let level = 0; level < 2000; level++) deep = { deep }

/** What cannot cross, and what its error must name. */
const uncrossable: Array<[title: string, value: unknown, path: string]> = [
  ['a function', { items: [1, { callback: () => {} }] }, 'items[1].callback'],
  ['a symbol', { a: { b: Symbol('s') } }, 'a.b'],
  ['an instance of a class', { list: [[new Custom()]] }, 'list[0][0]'],
  ['a promise', { later: Promise.resolve() }, 'later'],
  ['a WeakMap', { weak: new WeakMap() }, 'weak'],
  ['a cycle', { cyclic }, 'self'],
  ['a value too deep', { deep }, 'deep'],
  ['a function inside a map', { map: new Map([['k', () => {}]]) }, 'map']
]

export const letters: Cases = (cast, { copies, messageBytes, remote }) => {
  it('makes mail for a stopped actor a dead letter there, and send is true', async () => {
    const { near, far, place } = cast()
    const ref = await place(noting<string>([]))
    await endFar(cast(), ref)
    const found = lettersOf(far)
    const before = far.counters.deadLetters
    expect(ref.send('hello')).to.equal(true)
    await until(() => found.length > 0, 'it is a dead letter')
    expect(found.map(({ reason, message }) => ({ reason, message }))).to.deep.equal([
      { reason: 'no-actor', message: 'hello' }
    ])
    expect(far.counters.deadLetters - before).to.equal(1)
    expect(near.counters.refused).to.equal(0)
  })

  it('makes mail for an actor that never was a dead letter there', async () => {
    const { near, far } = cast()
    const found = lettersOf(far)
    near.ref<string>(`actor:${far.id}/0123456789abcdefghijk`).send('hello')
    await until(() => found.length > 0, 'it is a dead letter')
    expect(found.map(letter => letter.reason)).to.deep.equal(['no-actor'])
  })

  it('makes mail for an unknown system a dead letter here', async () => {
    const { near } = cast()
    const found = lettersOf(near)
    expect(near.ref<string>('actor:BwcHBwcHBwcHBwcHBwcHBw/0123456789abcdefghijk').send('hello')).to.equal(true)
    await until(() => found.length > 0, 'it is a dead letter')
    expect(found.map(letter => letter.reason)).to.deep.equal(['unreachable'])
  })

  it('makes mail for an unknown kind of address a dead letter', async () => {
    const { near, far } = cast()
    const found = [lettersOf(near), far === near ? [] : lettersOf(far)]
    expect(near.ref<string>(`planet:${far.id}/0123456789abcdefghijk`).send('hello')).to.equal(true)
    await until(() => found.flat().length > 0, 'it is a dead letter')
    expect(found.flat()).to.have.length(1)
  })

  it('makes the message that failed a dead letter there, with its error', async () => {
    const { far, place } = cast()
    const ref = await place(
      setup<string>(() => ({
        receive() {
          throw new RangeError('not this one')
        }
      }))
    )
    const found = lettersOf(far)
    ref.send('crash')
    await until(() => found.length > 0, 'it is a dead letter')
    expect(found).to.have.length(1)
    expect(found[0]).to.include({ reason: 'crashed', message: 'crash' })
    expect(found[0]?.error).to.have.property('message', 'not this one')
    expect(found[0]?.to).to.be.a('string')
    expect(found[0]?.to).to.not.equal(ref.address)
  })

  it('makes mail that waits in an actor that ends dead letters there', async () => {
    const { far, place } = cast()
    const ref = await place(setup<number>(ctx => ({ receive: () => ctx.stop() })))
    const found = lettersOf(far)
    for (let n = 0; n < 5; n++) ref.send(n)
    await until(() => found.length >= 4, 'four are dead letters')
    expect(found.map(letter => letter.message)).to.deep.equal([1, 2, 3, 4])
    expect(new Set(found.map(letter => letter.reason))).to.deep.equal(new Set(['no-actor']))
  })

  if (copies) {
    for (const [title, value, path] of uncrossable) {
      it(`refuses ${title} with its path, here, and carries the next message`, async () => {
        type Any = { type: 'any'; value: unknown; replyTo?: ActorRef<unknown> }
        const { near, place } = cast()
        const seen: unknown[] = []
        const ref = await place(noting<Any>(seen as Any[]))
        const found = lettersOf(near)
        expect(ref.send({ type: 'any', value })).to.equal(true)
        ref.send({ type: 'any', value: 'next' })
        await until(() => seen.length > 0, 'the next has come')
        expect(seen).to.deep.equal([{ type: 'any', value: 'next' }])
        expect(found.map(letter => letter.reason)).to.deep.equal(['unserialisable'])
        expect(found[0]?.error).to.have.property('code', 'ACTOR_UNSERIALISABLE')
        expect(found[0]?.error).to.have.property('message').that.includes(path)
        const refused = await failure(ref.ask(replyTo => ({ type: 'any', value, replyTo })))
        expect(refused).to.have.property('code', 'ACTOR_UNSERIALISABLE')
        expect(refused).to.have.property('message').that.includes(path)
      })
    }

    it('fails an ask whose answer cannot cross, and the answer is a dead letter there', async () => {
      const { far, place } = cast()
      const ref = await place(
        setup<{ type: 'q'; replyTo: ActorRef<unknown> }>(() => ({
          receive: ({ replyTo }) => void replyTo.send({ callback: () => {} })
        }))
      )
      const found = lettersOf(far)
      const refused = await failure(ref.ask({ type: 'q' }, { within: 3000 }))
      expect(refused).to.have.property('code', 'ACTOR_UNSERIALISABLE')
      expect(found.map(letter => letter.reason)).to.deep.equal(['unserialisable'])
    })

    it('ships what was said: a change after send is not seen', async () => {
      const { place } = cast()
      const seen: Array<{ n: number }> = []
      const ref = await place(noting(seen))
      const message = { n: 1 }
      ref.send(message)
      message.n = 2
      await until(() => seen.length > 0, 'it has come')
      expect(seen).to.deep.equal([{ n: 1 }])
    })
  } else {
    it('passes the very object: sent messages are frozen by agreement', async () => {
      const { place } = cast()
      const seen: unknown[] = []
      const ref = await place(noting(seen))
      const message = { custom: new Custom(), callback: () => {} }
      ref.send(message)
      await until(() => seen.length > 0, 'it has come')
      expect(seen[0]).to.equal(message)
    })
  }

  if (messageBytes !== undefined && remote) {
    it("makes a message above the limit a dead letter 'too-large' here, and carries the next", async () => {
      const { near, place } = cast()
      const seen: Array<Uint8Array | string> = []
      const ref = await place(noting(seen))
      const found = lettersOf(near)
      expect(ref.send(new Uint8Array(messageBytes + 1))).to.equal(true)
      ref.send('next')
      await until(() => seen.length > 0, 'the next has come')
      expect(seen).to.deep.equal(['next'])
      expect(found.map(letter => letter.reason)).to.deep.equal(['too-large'])
      expect(found[0]?.error).to.have.property('code', 'ACTOR_TOO_LARGE')
      const refused = await failure(
        (ref as unknown as ActorRef<unknown>).ask(replyTo => ({ replyTo, bytes: new Uint8Array(messageBytes + 1) }))
      )
      expect(refused).to.have.property('code', 'ACTOR_TOO_LARGE')
    })
  }
}
