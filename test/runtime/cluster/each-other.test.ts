// Two systems that both listen and dial each other: one link of the two stays, and one system hears why its own does not.

import { expect } from 'chai'
import { type ActorSystem, createSystem, type Link, type ListenOptions } from '../../../runtime/index.ts'
import { memory } from '../../../transports/memory.ts'
import { noting, turn } from '../../suites/any-ref/cast.ts'
import { type HandClock, handClock } from '../../support/hand-clock.ts'
import { quiet } from '../../support/quiet.ts'

const secret = 'the secret of the test'
const QUICK = { min: 10, max: 20 }

describe('two systems that dial each other', () => {
  let clock: HandClock
  /** The one with the lower id first. */
  let both: [ActorSystem, ActorSystem]
  let ways: [ReturnType<typeof memory>, ReturnType<typeof memory>]

  beforeEach(() => {
    clock = handClock()
    const [a, b] = ['a', 'b'].map(label => createSystem({ label, clock, logger: quiet })) as [ActorSystem, ActorSystem]
    both = a.id < b.id ? [a, b] : [b, a]
    ways = [memory(), memory()]
  })

  afterEach(async () => {
    const over = Promise.all(both.map(system => system.shutdown({ within: 100 })))
    await pass(5_000)
    await over
  })

  const pass = async (time: number): Promise<void> => {
    for (let passed = 0; passed < time; passed += 50) {
      clock.advance(50)
      for (let n = 0; n < 4; n++) await turn()
    }
  }
  /** Milliseconds that a listener takes to authenticate. */
  const listen = async (delays: [number, number], trust: ListenOptions['trust'] = { node: { secret } }) => {
    for (const n of [0, 1] as const) {
      const authenticate = (): Promise<void> => new Promise(resolve => void clock.timer(delays[n], resolve))
      await both[n].listen(ways[n].listener, { trust, ...(delays[n] > 0 && { authenticate }) })
    }
  }
  const dial = (from: 0 | 1, as?: 'peer'): Promise<Link> =>
    both[from].connect(ways[1 - from]?.transport as (typeof ways)[0]['transport'], {
      secret,
      backoff: QUICK,
      within: 60_000,
      ...(as && { as })
    })
  type Verdict = PromiseSettledResult<Link>
  const codeOf = (verdict: Verdict): string =>
    verdict.status === 'fulfilled' ? verdict.value.status : (verdict.reason as { code: string }).code

  /** Mail goes both ways, with one connection. */
  const linked = async (): Promise<void> => {
    const seen: string[] = []
    const [low, high] = both
    low.ref<string>(high.spawn(noting(seen)).address).send('up')
    high.ref<string>(low.spawn(noting(seen)).address).send('down')
    await pass(500)
    expect(seen.sort()).to.deep.equal(['down', 'up'])
    expect(ways[0].network.size + ways[1].network.size).to.equal(1)
  }

  for (const as of [undefined, 'peer'] as const) {
    describe(as === undefined ? 'as hubs' : 'as peers', () => {
      it('at the same instant keep the link to the one with the lower id', async () => {
        await listen([0, 0])
        const verdicts = Promise.allSettled([dial(0, as), dial(1, as)])
        await pass(1_000)
        expect((await verdicts).map(codeOf)).to.deep.equal(['ACTOR_REFUSED', 'connected'])
        const [low] = await verdicts
        expect((low as PromiseRejectedResult).reason.message).to.match(
          /connected to this one already.*only one of them/
        )
        await linked()
      })

      const delays: Array<[number, number]> = [
        [50, 0],
        [0, 50],
        [50, 50],
        [100, 50],
        [50, 100],
        [2_000, 50],
        [50, 2_000]
      ]
      for (const delay of delays) {
        for (const head of [-200, -50, 0, 50, 200]) {
          it(`with listeners that take ${delay} ms, one ${head} ms ahead, keep one link`, async () => {
            await listen(delay)
            const dials: Array<Promise<Link>> = []
            const [first, second] = head < 0 ? ([1, 0] as const) : ([0, 1] as const)
            dials.push(dial(first, as))
            dials[0]?.catch(() => {})
            await pass(Math.abs(head))
            dials.push(dial(second, as))
            const verdicts = Promise.allSettled(dials)
            await pass(8_000)
            expect((await verdicts).map(codeOf).sort()).to.deep.equal(['ACTOR_REFUSED', 'connected'])
            await linked()
          })
        }
      }

      it('one after the other keep the first link, and the second is told what to do', async () => {
        for (const first of [0, 1] as const) {
          await listen([0, 0])
          const link = await dial(first, as)
          const verdict = Promise.allSettled([dial((1 - first) as 0 | 1, as)])
          await pass(1_000)
          const [refused] = await verdict
          expect(codeOf(refused as Verdict)).to.equal('ACTOR_REFUSED')
          expect((refused as PromiseRejectedResult).reason.message).to.match(/one link of the two is enough/)
          expect(link.status).to.equal('connected')
          await linked()
          ways[0].network.cut()
          ways[1].network.cut()
          await pass(1_000)
          await linked()
          await link.disconnect()
          await pass(1_000)
          ways = [memory(), memory()]
        }
      })
    })
  }
})
