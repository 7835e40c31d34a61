// P4: an ask ends exactly once.

import { expect } from 'chai'
import { ActorError, type ActorRef, type Origin, receive, setup } from '../../../runtime/index.ts'
import {
  allLetters,
  type Cases,
  echo,
  endFar,
  failure,
  failureCode,
  gate,
  letters,
  noting,
  turn,
  until
} from './cast.ts'

type Count = { type: 'get'; replyTo: ActorRef<number> } | { type: 'add'; by: number }
type Question = { type: 'question'; n?: number; replyTo: ActorRef<number> }

const counter = () =>
  receive(0, (count: number, message: Count) => {
    if (message.type === 'add') return count + message.by
    message.replyTo.send(count)
    return count
  })

export const asks: Cases = (cast, { remote, farIsGuest }) => {
  it('answers a question, asked in either form', async () => {
    const ref = await cast().place(counter())
    ref.send({ type: 'add', by: 5 })
    expect(await ref.ask({ type: 'get' })).to.equal(5)
    expect(await ref.ask<number>(replyTo => ({ type: 'get', replyTo }))).to.equal(5)
  })

  it('answers with undefined and with null as with anything else', async () => {
    const ref = await cast().place(echo())
    expect(await ref.ask({ type: 'echo', value: undefined })).to.equal(undefined)
    expect(await ref.ask({ type: 'echo', value: null })).to.equal(null)
  })

  it('answers after an await', async () => {
    const ref = await cast().place(
      setup<Question>(() => ({
        async receive({ replyTo }) {
          await turn()
          replyTo.send(7)
        }
      }))
    )
    expect(await ref.ask({ type: 'question' })).to.equal(7)
  })

  it('fails with ACTOR_ASK_TIMEOUT when no answer comes in time', async () => {
    const ref = await cast().place(noting<Question>([]))
    expect(await failureCode(ref.ask({ type: 'question' }, { within: 30 }))).to.equal('ACTOR_ASK_TIMEOUT')
  })

  it('makes a late answer a dead letter', async () => {
    const { near, place } = cast()
    const kept: Question[] = []
    const ref = await place(noting(kept))
    const found = allLetters(cast())
    await failure(ref.ask({ type: 'question' }, { within: 30 }))
    await until(() => kept.length === 1, 'the question is there')
    const before = near.counters.deadLetters
    kept[0]?.replyTo.send(42)
    await until(() => found.some(letter => letter.reason === 'late-answer'), 'the answer is a dead letter')
    expect(found.filter(letter => letter.reason === 'late-answer').map(letter => letter.message)).to.deep.equal([42])
    if (!remote) expect(near.counters.deadLetters - before).to.equal(1)
  })

  it('settles once: the second answer is a dead letter', async () => {
    const ref = await cast().place(
      setup<Question>(() => ({
        receive({ replyTo }) {
          replyTo.send(1)
          replyTo.send(2)
        }
      }))
    )
    const found = allLetters(cast())
    expect(await ref.ask({ type: 'question' })).to.equal(1)
    await until(() => found.length > 0, 'the second answer is a dead letter')
    expect(found.map(({ reason, message }) => ({ reason, message }))).to.deep.equal([
      { reason: 'late-answer', message: 2 }
    ])
  })

  it('fails with ACTOR_STOPPED at once when the actor is already gone', async () => {
    const { place } = cast()
    const ref = await place(counter())
    await endFar(cast(), ref)
    expect(await failureCode(ref.ask({ type: 'get' }))).to.equal('ACTOR_STOPPED')
  })

  it('fails with ACTOR_STOPPED at once when there never was such an actor', async () => {
    const { near, far } = cast()
    const ref = near.ref<Count>(`actor:${far.id}/0123456789abcdefghijk`)
    expect(await failureCode(ref.ask({ type: 'get' }))).to.equal('ACTOR_STOPPED')
  })

  it('fails with ACTOR_STOPPED when the actor ends with the question in its mailbox', async () => {
    const { place } = cast()
    const { opened, open } = gate()
    const ref = await place(
      setup<Question>(ctx => ({
        async receive() {
          await opened
          ctx.stop()
        }
      }))
    )
    const first = failureCode(ref.ask({ type: 'question' }))
    const second = failureCode(ref.ask({ type: 'question' }))
    await cast().settled()
    open()
    expect(await first).to.equal('ACTOR_STOPPED')
    expect(await second).to.equal('ACTOR_STOPPED')
  })

  it('fails with ACTOR_STOPPED when the actor ends after it heard the question and before it answers', async () => {
    const ref = await cast().place(setup<Question>(ctx => ({ receive: () => ctx.stop() })))
    expect(await failureCode(ref.ask({ type: 'question' }))).to.equal('ACTOR_STOPPED')
  })

  it('fails with ACTOR_FAILED when the handler throws, or rejects', async () => {
    const ref = await cast().place(
      setup<Question>(() => ({
        receive({ n }) {
          const error = new Error('this question is not to be asked')
          if (n === 1) throw error
          return Promise.reject(error)
        }
      }))
    )
    expect(await failureCode(ref.ask({ type: 'question', n: 1 }))).to.equal('ACTOR_FAILED')
    expect(await failureCode(ref.ask({ type: 'question', n: 2 }))).to.equal('ACTOR_FAILED')
  })

  it('fails with the ActorError that is sent in place of an answer, unless a guest sends it', async () => {
    const ref = await cast().place(
      setup<Question>(() => ({
        receive: ({ replyTo }) => void replyTo.send(new ActorError('ACTOR_FORBIDDEN', 'not for you') as never)
      }))
    )
    const answer: unknown = await ref.ask({ type: 'question' }).catch((error: unknown) => ({ thrown: error }))
    if (farIsGuest) expect(answer).to.include({ code: 'ACTOR_FORBIDDEN', message: 'not for you' })
    else expect(answer).to.have.property('thrown').that.includes({ code: 'ACTOR_FORBIDDEN', message: 'not for you' })
  })

  for (const within of [0, -1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY, '1s' as unknown as number]) {
    it(`refuses to wait ${typeof within === 'string' ? `'${within}'` : within} ms with ACTOR_BAD_OPTION`, async () => {
      const seen: Question[] = []
      const ref = await cast().place(noting(seen))
      expect(await failureCode(ref.ask({ type: 'question' }, { within }))).to.equal('ACTOR_BAD_OPTION')
      await cast().settled()
      expect(seen).to.deep.equal([])
    })
  }

  it("fails with the signal's own reason, and the asked actor's signal aborts", async () => {
    const aborted: unknown[] = []
    let asked = false
    const ref = await cast().place(
      setup<Question>(() => ({
        receive(_question, { signal }: Origin) {
          asked = true
          return new Promise(resolve => {
            signal.addEventListener('abort', () => {
              aborted.push(signal.aborted)
              resolve()
            })
          })
        }
      }))
    )
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const answer = failure(ref.ask({ type: 'question' }, { signal: controller.signal }))
    await until(() => asked, 'the question is in hand')
    controller.abort(reason)
    expect(await answer).to.equal(reason)
    await until(() => aborted.length > 0, 'the signal has aborted at home')
  })

  it("aborts the asked actor's signal when the time of the ask is over", async () => {
    let signalled = false
    const ref = await cast().place(
      setup<Question>(() => ({
        receive: (_question, { signal }: Origin) =>
          new Promise(resolve => {
            signal.addEventListener('abort', () => {
              signalled = true
              resolve()
            })
          })
      }))
    )
    expect(await failureCode(ref.ask({ type: 'question' }, { within: 50 }))).to.equal('ACTOR_ASK_TIMEOUT')
    await until(() => signalled, 'the signal has aborted at home')
  })

  it('fails at once with a signal that has already aborted, and the question is not handled', async () => {
    const seen: Question[] = []
    const ref = await cast().place(noting(seen))
    const reason = new Error('too late')
    expect(await failure(ref.ask({ type: 'question' }, { signal: AbortSignal.abort(reason) }))).to.equal(reason)
    await cast().settled()
    expect(seen).to.deep.equal([])
  })

  it('does not handle a question that was given up before its turn', async () => {
    const { far, place, settled } = cast()
    const seen: number[] = []
    const { opened, open } = gate()
    const ref = await place(
      setup<Question | { type: 'wait' }>(() => ({
        async receive(message) {
          if (message.type === 'wait') await opened
          else {
            seen.push(message.n ?? 0)
            message.replyTo.send(0)
          }
        }
      }))
    )
    const found = letters(far)
    ref.send({ type: 'wait' })
    expect(await failureCode(ref.ask({ type: 'question', n: 1 }, { within: 30 }))).to.equal('ACTOR_ASK_TIMEOUT')
    await settled()
    open()
    await ref.ask({ type: 'question', n: 2 })
    expect(seen).to.deep.equal([2])
    expect(found.map(letter => letter.reason)).to.deep.equal(['expired'])
  })

  it('takes the answer from whoever was given the replyTo', async () => {
    const { far, near, place } = cast()
    const clerk = far.spawn(setup<Question>(() => ({ receive: ({ replyTo }) => void replyTo.send(1) })))
    const guest = near.spawn(setup<Question>(() => ({ receive: ({ replyTo }) => void replyTo.send(2) })))
    const desk = await place(
      setup<Question & { clerk?: ActorRef<Question> }>(() => ({
        receive: ({ clerk: to, ...question }) => void (to ?? clerk).send(question)
      }))
    )
    expect(await desk.ask({ type: 'question' })).to.equal(1)
    expect(await desk.ask({ type: 'question', clerk: guest })).to.equal(2)
  })

  it('answers two askers, each its own', async () => {
    const { near, place } = cast()
    const ref = await place(echo())
    const results: Array<[string, unknown]> = []
    for (const name of ['first', 'second']) {
      near
        .spawn(
          setup<number>(ctx => ({
            async receive(count) {
              for (let n = 0; n < count; n++) {
                results.push([name, await ctx.ask(ref, { type: 'echo', value: `${name} ${n}` })])
              }
            }
          }))
        )
        .send(20)
    }
    await until(() => results.length === 40, 'both are through')
    for (const name of ['first', 'second']) {
      const own = results.filter(([who]) => who === name).map(([, answer]) => answer)
      expect(own).to.deep.equal(Array.from({ length: 20 }, (_, n) => `${name} ${n}`))
    }
  })

  it('lets an actor there ask an actor here', async () => {
    const { near, place } = cast()
    const home = near.spawn(echo())
    const ref = await place(
      setup<{ type: 'relay'; to: typeof home; replyTo: ActorRef<unknown> }>(ctx => ({
        async receive({ to, replyTo }) {
          replyTo.send(await ctx.ask(to, { type: 'echo', value: 'round' }))
        }
      }))
    )
    expect(await ref.ask({ type: 'relay', to: home })).to.equal('round')
  })
}
