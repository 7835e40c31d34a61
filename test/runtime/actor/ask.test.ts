import { expect } from 'chai'
import { type ActorRef, type Origin, receive, setup } from 'whereabouts/core'
import { probe } from '../../../runtime/testing/probe.ts'
import { codeOfRejection, inBothModes } from './machine.ts'

type Query = { type: 'get'; replyTo: ActorRef<number> } | { type: 'never'; replyTo: ActorRef<number> }

type Judged = { type: 'bad'; replyTo: ActorRef<string> } | { type: 'good'; replyTo: ActorRef<string> }
type Paced = { type: 'slow'; replyTo: ActorRef<number> } | { type: 'quick'; replyTo: ActorRef<number> }

const desk = () =>
  receive(7, (n: number, message: Query) => {
    if (message.type === 'get') message.replyTo.send(n)
    return n
  })

inBothModes('ask', start => {
  it('resolves with the answer, in both forms', async () => {
    const { system, clock } = start()
    const bob = system.spawn(desk())
    expect(await bob.ask({ type: 'get' })).to.equal(7)
    expect(await bob.ask<number>(replyTo => ({ type: 'get', replyTo }))).to.equal(7)
    await clock.settle()
    expect(clock.timers).to.equal(0)
  })

  it('rejects with ACTOR_ASK_TIMEOUT exactly when its time is over, 5000 ms unless it says otherwise', async () => {
    const { system, clock } = start()
    const bob = system.spawn(desk())
    const codes: unknown[] = []
    void codeOfRejection(bob.ask({ type: 'never' }, { within: 200 })).then(code => codes.push(['short', code]))
    void codeOfRejection(bob.ask({ type: 'never' })).then(code => codes.push(['usual', code]))
    await clock.advance(199)
    expect(codes).to.deep.equal([])
    await clock.advance(1)
    expect(codes).to.deep.equal([['short', 'ACTOR_ASK_TIMEOUT']])
    await clock.advance(4799)
    expect(codes).to.have.length(1)
    await clock.advance(1)
    expect(codes[1]).to.deep.equal(['usual', 'ACTOR_ASK_TIMEOUT'])
    expect(clock.timers).to.equal(0)
  })

  it('keeps one timer for all questions of one duration, each with its own end', async () => {
    const { system, clock } = start()
    const bob = system.spawn(desk())
    let over = 0
    for (let n = 0; n < 50; n++) {
      void codeOfRejection(bob.ask({ type: 'never' }, { within: 100 })).then(() => over++)
      await clock.advance(1)
    }
    expect(clock.timers).to.equal(1)
    await clock.advance(50)
    expect(over).to.equal(1)
    await clock.advance(48)
    expect(over).to.equal(49)
    await clock.advance(1)
    expect([over, clock.timers]).to.deep.equal([50, 0])
  })

  for (const within of [0, -1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY, '100']) {
    it(`refuses ${typeof within} ${within} as a duration`, async () => {
      const { system } = start()
      const asked = system.spawn(desk()).ask({ type: 'get' }, { within: within as number })
      expect(await codeOfRejection(asked)).to.equal('ACTOR_BAD_OPTION')
    })
  }

  it('rejects with the reason of its signal, before and after it was sent', async () => {
    const { system } = start()
    const bob = system.spawn(desk())
    const abort = new AbortController()
    const asked = bob.ask({ type: 'never' }, { signal: abort.signal })
    const why = new Error('changed my mind')
    abort.abort(why)
    expect(await codeOfRejection(asked)).to.equal(why)
    expect(await codeOfRejection(bob.ask({ type: 'get' }, { signal: abort.signal }))).to.equal(why)
  })

  it('rejects with ACTOR_STOPPED when the actor ends, whether the question was handled or not', async () => {
    const { system, clock } = start()
    const bob = system.spawn(desk())
    const handled = codeOfRejection(bob.ask({ type: 'never' }))
    await clock.settle()
    const waiting = codeOfRejection(bob.ask({ type: 'never' }))
    void system.stop(bob)
    expect(await Promise.all([handled, waiting])).to.deep.equal(['ACTOR_STOPPED', 'ACTOR_STOPPED'])
    await clock.settle()
    expect(clock.timers).to.equal(0)
  })

  it('rejects with ACTOR_FAILED at once when its question makes the handler fail, and only that one', async () => {
    const { system } = start()
    const bob = system.spawn(
      receive(0, async (n: number, message: Judged) => {
        if (message.type === 'bad') throw new Error('no such book')
        message.replyTo.send('fine')
        return n
      })
    )
    const bad = bob.ask({ type: 'bad' })
    const good = bob.ask({ type: 'good' })
    expect(await codeOfRejection(bad)).to.equal('ACTOR_FAILED')
    expect(await good).to.equal('fine')
    await bad.catch(error => expect(error.message).to.include('no such book'))
  })

  it('rejects with ACTOR_NO_ROOM when the mailbox is full', async () => {
    const { system } = start()
    const bob = system.spawn(desk(), { mailbox: { capacity: 1 } })
    const first = bob.ask({ type: 'get' })
    expect(await codeOfRejection(bob.ask({ type: 'get' }))).to.equal('ACTOR_NO_ROOM')
    expect(await first).to.equal(7)
    expect(system.counters.refused).to.equal(1)
  })

  it('makes a late answer a dead letter', async () => {
    const { system, clock, letters } = start()
    let replyTo: ActorRef<number> | undefined
    const bob = system.spawn(
      receive(0, (n: number, message: { type: 'get'; replyTo: ActorRef<number> }) => {
        replyTo = message.replyTo
        return n
      })
    )
    const asked = codeOfRejection(bob.ask({ type: 'get' }, { within: 10 }))
    await clock.advance(10)
    expect(await asked).to.equal('ACTOR_ASK_TIMEOUT')
    expect(replyTo?.send(1)).to.equal(true)
    await clock.settle()
    expect(letters.map(letter => letter.reason)).to.deep.equal(['late-answer'])
  })

  it('is not handled any more when the asker gave up before its turn', async () => {
    const { system, clock, letters } = start()
    const handled: string[] = []
    const bob = system.spawn(
      setup<Paced>(() => ({
        async receive(message) {
          handled.push(message.type)
          if (message.type === 'slow') await new Promise<void>(resolve => void clock.timer(100, resolve))
          message.replyTo.send(1)
        }
      }))
    )
    const slow = bob.ask({ type: 'slow' })
    const quick = codeOfRejection(bob.ask({ type: 'quick' }, { within: 50 }))
    await clock.advance(100)
    expect(await slow).to.equal(1)
    expect(await quick).to.equal('ACTOR_ASK_TIMEOUT')
    expect(handled).to.deep.equal(['slow'])
    expect(letters.map(letter => letter.reason)).to.deep.equal(['expired'])
  })

  it('tells the handler by its signal that the asker gave up', async () => {
    const { system, clock } = start()
    let from: Origin | undefined
    const bob = system.spawn(
      receive(0, (n: number, _m: Query, _ctx, origin) => {
        from = origin
        return n
      })
    )
    const asked = codeOfRejection(bob.ask({ type: 'never' }, { within: 10 }))
    await clock.settle()
    const signal = from?.signal
    expect(signal?.aborted).to.equal(false)
    await clock.advance(10)
    await asked
    expect(signal?.aborted).to.equal(true)
  })

  it('does not abort the signal when it is answered', async () => {
    const { system } = start()
    let signal: AbortSignal | undefined
    const bob = system.spawn(
      receive(0, (n: number, message: Query, _ctx, from) => {
        signal = from.signal
        message.replyTo.send(1)
        return n
      })
    )
    await bob.ask({ type: 'get' })
    expect(signal?.aborted).to.equal(false)
  })

  it('rejects with what its own function throws', async () => {
    const { system } = start()
    const why = new Error('cannot make it')
    const asked = system.spawn(desk()).ask<number>(() => {
      throw why
    })
    expect(await codeOfRejection(asked)).to.equal(why)
  })

  it('works among many at once, and through a probe', async () => {
    const { system } = start()
    const bob = system.spawn(
      receive(0, (n: number, m: { type: 'inc'; by: number; replyTo: ActorRef<number> }) => {
        m.replyTo.send(n + m.by)
        return n + m.by
      })
    )
    const answers = await Promise.all(Array.from({ length: 300 }, () => bob.ask({ type: 'inc', by: 1 })))
    expect(answers).to.deep.equal(Array.from({ length: 300 }, (_, n) => n + 1))
    const carol = probe<{ type: 'hi'; replyTo: ActorRef<string> }>(system)
    const asked = carol.ref.ask({ type: 'hi' })
    const heard = (await carol.next()) as { replyTo: ActorRef<string> }
    heard.replyTo.send('hello')
    expect(await asked).to.equal('hello')
  })

  it('after shutdown rejects with ACTOR_SHUT_DOWN, and questions open by then do not hang', async () => {
    const { system } = start()
    const bob = system.spawn(desk())
    const open = codeOfRejection(bob.ask({ type: 'never' }))
    await system.shutdown()
    expect(await open).to.equal('ACTOR_STOPPED')
    expect(await codeOfRejection(bob.ask({ type: 'get' }))).to.equal('ACTOR_SHUT_DOWN')
  })
})
