// P1 to P5 over a way that goes and comes: nothing is lost, repeated or put out of order.

import { expect } from 'chai'
import { type ActorRef, setup } from '../../../runtime/index.ts'
import {
  allLetters,
  type Cases,
  type Cast,
  echo,
  endFar,
  expectNumbered,
  hand,
  noting,
  turn,
  until,
  type Watching,
  watch,
  watcher
} from './cast.ts'

function cut(cast: Cast): void {
  cast.cut?.()
}

function mend(cast: Cast): void {
  cast.mend?.()
}

export const cuts: Cases = cast => {
  it('hands over 10,000 messages once and in order over five cuts', async function () {
    this.timeout(60_000)
    const seen: number[] = []
    const ref = await cast().place(noting(seen))
    const found = allLetters(cast())
    for (let n = 0; n < 10_000; n++) {
      if (n % 2000 === 1000) cut(cast())
      if (n % 2000 === 1500) mend(cast())
      if (n % 100 === 0) await turn()
      if (!ref.send(n)) await hand(ref, n)
    }
    await until(() => seen.length >= 10_000, 'all have come', 40_000)
    await cast().settled()
    expectNumbered(seen, 10_000)
    expect(found).to.deep.equal([])
  })

  it('keeps both directions in order over a cut', async function () {
    this.timeout(30_000)
    const { near, place } = cast()
    const back: number[] = []
    const home = near.spawn(noting(back))
    const ref = await place(
      setup<{ n: number; to: ActorRef<number> }>(() => ({ receive: ({ n, to }) => void to.send(n) }))
    )
    for (let n = 0; n < 2000; n++) {
      if (n === 700) cut(cast())
      if (n === 1400) mend(cast())
      if (n % 50 === 0) await turn()
      if (!ref.send({ n, to: home })) await hand(ref, { n, to: home })
    }
    await until(() => back.length >= 2000, 'all have come back', 20_000)
    await cast().settled()
    expectNumbered(back, 2000)
  })

  it('answers asks that were under way when the link was cut', async function () {
    this.timeout(30_000)
    const ref = await cast().place(echo())
    const answers: Promise<unknown>[] = []
    for (let value = 0; value < 50; value++) {
      if (value === 25) cut(cast())
      answers.push(ref.ask({ type: 'echo', value }, { within: 20_000 }))
      if (value % 10 === 0) await turn()
    }
    mend(cast())
    expectNumbered((await Promise.all(answers)) as number[], 50)
  })

  it('fails an ask by its own deadline while the link is cut', async function () {
    this.timeout(30_000)
    const ref = await cast().place(echo())
    cut(cast())
    const code = await ref
      .ask({ type: 'echo', value: 1 }, { within: 50 })
      .catch((error: { code: string }) => error.code)
    expect(code).to.equal('ACTOR_ASK_TIMEOUT')
    mend(cast())
    expect(await ref.ask({ type: 'echo', value: 2 }, { within: 20_000 })).to.equal(2)
  })

  it('hears once of an end that came while the link was cut, after what was said before it', async function () {
    this.timeout(30_000)
    const { near, place, settled } = cast()
    const probe = watcher(near)
    let end = (): void => {}
    const ref = await place(
      setup<ActorRef<Watching>>(ctx => {
        let to: ActorRef<Watching> | undefined
        return {
          receive(message) {
            if (to === undefined) {
              to = message
              end = () => ctx.self.send(message)
              return
            }
            for (let value = 0; value < 10; value++) to.send({ type: 'mark', value })
            ctx.stop()
          }
        }
      })
    )
    ref.send(probe.ref)
    await watch(cast(), probe, ref)
    await settled()
    cut(cast())
    end()
    await turn()
    mend(cast())
    await until(() => probe.heard.some(entry => 'ended' in entry), 'the end was heard', 20_000)
    await settled()
    expect(probe.heard).to.have.length(11)
    expect(probe.heard.at(-1)).to.deep.equal({ ended: ref, reason: { kind: 'done' } })
  })

  it('hears of an end that came after the link was mended', async function () {
    this.timeout(30_000)
    const { near, place, settled } = cast()
    const ref = await place(noting<string>([]))
    const probe = watcher(near)
    await watch(cast(), probe, ref)
    cut(cast())
    await turn()
    mend(cast())
    await endFar(cast(), ref)
    await until(() => probe.heard.length > 0, 'the end was heard', 20_000)
    await settled()
    expect(probe.heard).to.deep.equal([{ ended: ref, reason: { kind: 'done' } }])
  })

  it('carries a message of 1 MiB over a cut in its middle', async function () {
    this.timeout(30_000)
    const seen: Uint8Array[] = []
    const ref = await cast().place(noting(seen))
    const bytes = new Uint8Array(900_000).map((_, at) => at % 251)
    await hand(ref, bytes)
    await turn()
    cut(cast())
    await turn()
    mend(cast())
    await until(() => seen.length > 0, 'it has come', 20_000)
    expect(seen[0]?.length).to.equal(bytes.length)
    expect(seen[0]?.findIndex((byte, at) => byte !== bytes[at])).to.equal(-1)
  })
}
