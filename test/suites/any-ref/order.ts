// P1, P2, P3: what one sender says arrives once, whole and in order.

import { expect } from 'chai'
import { type ActorRef, receive, setup } from '../../../runtime/index.ts'
import { allLetters, type Cases, echo, expectNumbered, hand, handAll, noting, numbers, turn, until } from './cast.ts'

type Note = { type: 'note'; n: number } | { type: 'check'; n: number; replyTo: ActorRef<number> }

export const order: Cases = cast => {
  it('hands over 10,000 messages in the order they were sent', async () => {
    const seen: number[] = []
    const ref = await cast().place(noting(seen))
    await handAll(ref, numbers(10_000))
    await until(() => seen.length >= 10_000, 'all have come')
    await cast().settled()
    expectNumbered(seen, 10_000)
  })

  it('hands over in order what is sent one message a turn', async () => {
    const seen: number[] = []
    const ref = await cast().place(noting(seen))
    for (let n = 0; n < 1000; n++) await hand(ref, n)
    await until(() => seen.length >= 1000, 'all have come')
    expectNumbered(seen, 1000)
  })

  it('takes messages one after the other while a handler waits', async () => {
    const seen: number[] = []
    const ref = await cast().place(
      setup<number>(() => ({
        async receive(n) {
          if (n % 10 === 0) await turn()
          seen.push(n)
        }
      }))
    )
    await handAll(ref, numbers(200))
    await until(() => seen.length >= 200, 'all have come')
    expectNumbered(seen, 200)
  })

  it('keeps sends and asks of one sender in one order, and the answers too', async () => {
    const seen: number[] = []
    const ref = await cast().place(
      receive(0, (count: number, message: Note) => {
        seen.push(message.n)
        if (message.type === 'check') message.replyTo.send(count)
        return count + 1
      })
    )
    const answered: number[] = []
    const asks: Promise<unknown>[] = []
    for (let n = 0; n < 1000; n++) {
      if (n % 20 === 19) asks.push(ref.ask({ type: 'check', n }).then(count => answered.push(count)))
      else ref.send({ type: 'note', n })
    }
    await Promise.all(asks)
    expectNumbered(seen, 1000)
    expect(answered).to.deep.equal(Array.from({ length: 50 }, (_, i) => 20 * i + 19))
  })

  it('keeps the order of what an actor there sends here', async () => {
    const { near, place } = cast()
    const seen: number[] = []
    const home = near.spawn(noting(seen))
    const ref = await place(
      setup<{ count: number; to: ActorRef<number> }>(() => ({
        async receive({ count, to }) {
          await handAll(to, numbers(count))
        }
      }))
    )
    ref.send({ count: 5000, to: home })
    await until(() => seen.length >= 5000, 'all have come')
    expectNumbered(seen, 5000)
  })

  it('keeps the order of each of many senders', async () => {
    const { near, place, settled } = cast()
    const seen: Array<{ who: number; n: number }> = []
    const ref = await place(noting(seen))
    for (let who = 0; who < 20; who++) {
      const sender = near.spawn(
        setup<number>(ctx => ({
          receive(n) {
            if (!ref.send({ who, n })) throw new Error('no room for a hundred messages')
            if (n < 99) ctx.self.send(n + 1)
          }
        }))
      )
      sender.send(0)
    }
    await until(() => seen.length >= 2000, 'all have come')
    await settled()
    for (let who = 0; who < 20; who++) {
      expectNumbered(
        seen.filter(note => note.who === who).map(note => note.n),
        100
      )
    }
  })

  it('carries messages of changing shape in one order', async () => {
    const seen: unknown[] = []
    const ref = await cast().place(noting(seen))
    const shapes = (n: number): unknown[] => [
      n,
      `${n}`,
      { n },
      { n: `${n}` },
      { n, more: [n] },
      [n, { n }],
      null,
      { x: { n } }
    ]
    const sent: unknown[] = []
    for (let n = 0; n < 500; n++) sent.push(...shapes(n))
    await handAll(ref, sent)
    await until(() => seen.length >= sent.length, 'all have come')
    expect(seen).to.deep.equal(sent)
  })

  it('answers 50 asks in flight, each its own', async () => {
    const ref = await cast().place(echo())
    const answers = await Promise.all(Array.from({ length: 50 }, (_, value) => ref.ask({ type: 'echo', value })))
    expectNumbered(answers as number[], 50)
  })

  it('has no dead letter where all went well, and counts what was sent and handled', async () => {
    const { near, far, place, settled } = cast()
    const seen: number[] = []
    const ref = await place(noting(seen))
    const found = allLetters(cast())
    await settled()
    const sent = near.counters.sent
    const delivered = far.counters.delivered
    for (let n = 0; n < 100; n++) ref.send(n)
    await until(() => seen.length >= 100, 'all have come')
    expect(near.counters.sent - sent).to.equal(100)
    expect(far.counters.delivered - delivered).to.equal(100)
    expect(found).to.deep.equal([])
  })
}
