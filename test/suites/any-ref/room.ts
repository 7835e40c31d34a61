// P6: no room is an answer, not an accident: nothing is lost for a producer who heeds it.

import { expect } from 'chai'
import { receive } from '../../../runtime/index.ts'
import {
  allLetters,
  type Cases,
  endFar,
  expectNumbered,
  failureCode,
  gate,
  hand,
  handAll,
  noting,
  numbers,
  stuck,
  turn,
  until
} from './cast.ts'

type Load = { n: number; load: string }
const load = 'x'.repeat(16_384)

export const room: Cases = cast => {
  it('answers false when there is no room, and everything taken arrives, in order', async () => {
    const { near, place } = cast()
    const seen: Load[] = []
    const { opened, open } = gate()
    const ref = await place(stuck(seen, opened), { mailbox: { capacity: 16 } })
    const found = allLetters(cast())
    let taken = 0
    let refused = false
    while (!refused && taken < 20_000) {
      if (ref.send({ n: taken, load })) taken++
      else refused = true
      if (taken % 16 === 0) await turn()
    }
    expect(refused).to.equal(true)
    expect(near.counters.refused).to.equal(1)
    expect(ref.pressed).to.equal(true)
    const ready = ref.ready({ within: 8000 })
    open()
    await ready
    await hand(ref, { n: taken, load })
    await until(() => seen.length > taken, 'all have come')
    expectNumbered(
      seen.map(message => message.n),
      taken + 1
    )
    expect(found.filter(letter => letter.reason !== 'refused')).to.deep.equal([])
  })

  it('turns pressed before it refuses, and resolves ready when the way is clear', async () => {
    const { place } = cast()
    const seen: number[] = []
    const { opened, open } = gate()
    const ref = await place(stuck(seen, opened))
    let sent = 0
    while (!ref.pressed && sent < 60_000) {
      expect(ref.send(sent++)).to.equal(true)
      if (sent % 64 === 0) await turn()
    }
    expect(ref.pressed).to.equal(true)
    let clear = false
    const ready = ref.ready({ within: 8000 }).then(() => {
      clear = true
    })
    await turn()
    expect(clear).to.equal(false)
    open()
    await ready
    expect(ref.pressed).to.equal(false)
    await until(() => seen.length === sent, 'all have come')
    expectNumbered(seen, sent)
  })

  it('is ready at once where nothing is in the way', async () => {
    const ref = await cast().place(receive(0, (n: number, _message: string) => n + 1))
    expect(ref.pressed).to.equal(false)
    await ref.ready()
  })

  it('fails ready with ACTOR_STOPPED when the actor ends, and with the reason of its signal', async () => {
    const { place } = cast()
    const seen: number[] = []
    const { opened, open } = gate()
    const ref = await place(stuck(seen, opened))
    for (let n = 0; !ref.pressed && n < 60_000; n++) {
      ref.send(n)
      if (n % 64 === 0) await turn()
    }
    const controller = new AbortController()
    const reason = new Error('enough')
    const aborted = ref.ready({ signal: controller.signal }).catch((error: unknown) => error)
    const stopped = failureCode(ref.ready({ within: 8000 }))
    controller.abort(reason)
    expect(await aborted).to.equal(reason)
    const ending = endFar(cast(), ref)
    open()
    await ending
    expect(await stopped).to.equal('ACTOR_STOPPED')
  })

  it('fails an ask that finds no room with ACTOR_NO_ROOM, or lets it wait its turn', async () => {
    const { place } = cast()
    const seen: unknown[] = []
    const { opened, open } = gate()
    const ref = await place(stuck(seen, opened), { mailbox: { capacity: 4 } })
    const codes: unknown[] = []
    const asks = Array.from({ length: 8 }, () =>
      ref.ask(replyTo => ({ replyTo }), { within: 200 }).catch((error: { code: string }) => void codes.push(error.code))
    )
    await Promise.all(asks)
    open()
    expect(codes).to.have.length(8)
    for (const code of codes) expect(code).to.be.oneOf(['ACTOR_NO_ROOM', 'ACTOR_ASK_TIMEOUT'])
  })

  it('carries 100,000 messages of a producer who heeds the pressure', async function () {
    this.timeout(30_000)
    const { place, settled } = cast()
    const seen: number[] = []
    const ref = await place(noting(seen))
    const found = allLetters(cast())
    await handAll(ref, numbers(100_000))
    await until(() => seen.length >= 100_000, 'all have come', 20_000)
    await settled()
    expectNumbered(seen, 100_000)
    expect(found).to.deep.equal([])
  })

  it('drops the oldest for a mailbox that wants that, with a dead letter for each', async () => {
    const { far, place, settled } = cast()
    const seen: number[] = []
    const { opened, open } = gate()
    const ref = await place(stuck(seen, opened), { mailbox: { capacity: 5, overflow: 'drop-oldest' } })
    const before = far.counters.deadLetters
    for (let n = 0; n < 20; n++) {
      expect(ref.send(n)).to.equal(true)
      if (n === 0) await settled()
    }
    await settled()
    open()
    await until(() => seen.length >= 6, 'the first and the last five have come')
    expect(seen).to.deep.equal([0, 15, 16, 17, 18, 19])
    expect(far.counters.deadLetters - before).to.equal(14)
  })
}
