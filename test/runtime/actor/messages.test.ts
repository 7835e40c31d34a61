import { expect } from 'chai'
import { type ActorRef, type Context, type Origin, receive, setup } from 'whereabouts/core'
import { probe } from '../../../runtime/testing/probe.ts'
import { codeOfRejection, codeOfThrow, inBothModes } from './machine.ts'

type Count = { type: 'add'; by: number } | { type: 'get'; replyTo: ActorRef<number> }

const counter = (start = 0) =>
  receive(start, (count: number, message: Count) => {
    if (message.type === 'add') return count + message.by
    message.replyTo.send(count)
    return count
  })

inBothModes('messages', start => {
  it('come in the order they were sent, one at a time', async () => {
    const { system } = start()
    const alice = probe<number>(system)
    for (let n = 0; n < 200; n++) alice.ref.send(n)
    expect(await alice.take(200)).to.deep.equal(Array.from({ length: 200 }, (_, n) => n))
  })

  it('are never handled inside send', async () => {
    const { system, clock } = start()
    const order: string[] = []
    const bob = system.spawn(receive(0, (n: number, _m: string) => order.push('bob') && n))
    const alice = system.spawn(
      receive(0, (n: number, _m: string) => {
        bob.send('hi')
        order.push('alice is done')
        return n
      })
    )
    alice.send('go')
    await clock.settle()
    expect(order).to.deep.equal(['alice is done', 'bob'])
  })

  it('make the next state of a receive behavior, also by way of a promise', async () => {
    const { system } = start()
    const count = system.spawn(counter(5))
    count.send({ type: 'add', by: 2 })
    const slow = system.spawn(
      receive(1, async (n: number, m: { type: 'double' } | { type: 'get'; replyTo: ActorRef<number> }) => {
        await Promise.resolve()
        if (m.type === 'double') return n * 2
        m.replyTo.send(n)
        return n
      })
    )
    slow.send({ type: 'double' })
    slow.send({ type: 'double' })
    expect(await count.ask({ type: 'get' })).to.equal(7)
    expect(await slow.ask({ type: 'get' })).to.equal(4)
  })

  it('may be undefined, null, false, 0 and the empty string', async () => {
    const { system } = start()
    const alice = probe<unknown>(system)
    for (const message of [undefined, null, false, 0, '']) alice.ref.send(message)
    expect(await alice.take(5)).to.deep.equal([undefined, null, false, 0, ''])
  })

  it('wait while a handler is pending', async () => {
    const { system, clock } = start()
    const order: string[] = []
    let open = () => {}
    const gate = new Promise<void>(resolve => {
      open = resolve
    })
    const bob = system.spawn(
      setup<string>(() => ({
        async receive(message) {
          order.push(message)
          if (message === 'first') await gate
          order.push(`${message} done`)
        }
      }))
    )
    bob.send('first')
    bob.send('second')
    await clock.settle()
    expect(order).to.deep.equal(['first'])
    open()
    await clock.settle()
    expect(order).to.deep.equal(['first', 'first done', 'second', 'second done'])
  })

  it('carry their origin, whose signal aborts when the actor stops', async () => {
    const { system, clock } = start()
    let from: Origin | undefined
    const bob = system.spawn(
      receive(0, (n: number, _m: string, _ctx, origin) => {
        from = origin
        return n
      })
    )
    bob.send('hello')
    await clock.settle()
    const signal = from?.signal
    expect(from?.trust).to.equal('local')
    expect(from?.principal).to.equal(undefined)
    expect(signal?.aborted).to.equal(false)
    await system.stop(bob)
    expect(signal?.aborted).to.equal(true)
  })

  it('to an actor that has stopped are dead letters, and taken', async () => {
    const { system, clock, letters } = start()
    const bob = system.spawn(counter())
    await system.stop(bob)
    expect(bob.send({ type: 'add', by: 1 })).to.equal(true)
    await clock.settle()
    expect(letters.map(letter => [letter.to, letter.reason])).to.deep.equal([[bob.label, 'no-actor']])
    expect(await codeOfRejection(bob.ask({ type: 'get' }))).to.equal('ACTOR_STOPPED')
  })

  it('that wait when their actor stops are dead letters, in order', async () => {
    const { system, clock, letters } = start()
    const bob = system.spawn(setup<string>(ctx => ({ receive: () => ctx.stop() })))
    for (const message of ['a', 'b', 'c']) bob.send(message)
    await clock.settle()
    expect(letters.map(letter => letter.message)).to.deep.equal(['b', 'c'])
  })

  it('are counted exactly', async () => {
    const { system, clock } = start()
    const bob = system.spawn(counter())
    for (let n = 0; n < 10; n++) bob.send({ type: 'add', by: 1 })
    await bob.ask({ type: 'get' })
    await system.stop(bob)
    bob.send({ type: 'add', by: 1 })
    await clock.settle()
    // Ten, the question, its answer, and the one too late.
    expect(system.counters).to.deep.equal({ sent: 13, delivered: 11, refused: 0, deadLetters: 1 })
  })

  it('are taken turn about: a busy actor does not keep others waiting', async () => {
    const { system, clock } = start()
    const order: string[] = []
    const log = (who: string) => receive(0, (n: number, _m: number) => order.push(who) && n)
    const alice = system.spawn(log('alice'))
    const bob = system.spawn(log('bob'))
    for (let n = 0; n < 200; n++) alice.send(n)
    bob.send(1)
    await clock.settle()
    expect(order.indexOf('bob')).to.equal(64)
  })

  it('are handled by what the actor has become, until it restarts', async () => {
    const { system, clock } = start()
    const said: string[] = []
    const bob = system.spawn(
      receive(0, (n: number, message: string, ctx: Context<string>) => {
        said.push(`first ${message}`)
        ctx.become({
          receive(next) {
            if (next === 'boom') throw new Error('boom')
            said.push(`second ${next}`)
          }
        })
        return n
      })
    )
    for (const message of ['a', 'b', 'boom', 'c']) bob.send(message)
    await clock.settle()
    expect(said).to.deep.equal(['first a', 'second b', 'first c'])
  })
})

inBothModes('a behavior', start => {
  it('gives each life and each actor its own clone of an object state', async () => {
    const { system } = start()
    const list = receive({ items: [] as number[] }, (state, message: { type: 'get'; replyTo: ActorRef<number[]> }) => {
      state.items.push(1)
      message.replyTo.send([...state.items])
      return state
    })
    const [alice, bob] = [system.spawn(list), system.spawn(list)]
    await alice.ask({ type: 'get' })
    expect(await alice.ask({ type: 'get' })).to.deep.equal([1, 1])
    expect(await bob.ask({ type: 'get' })).to.deep.equal([1])
  })

  it('that cannot be cloned, or is none, is refused where it is written', () => {
    const { system } = start()
    expect(codeOfThrow(() => receive({ act: () => {} }, state => state))).to.equal('ACTOR_BAD_OPTION')
    expect(codeOfThrow(() => receive(0, undefined as never))).to.equal('ACTOR_BAD_OPTION')
    expect(codeOfThrow(() => setup(undefined as never))).to.equal('ACTOR_BAD_OPTION')
    expect(codeOfThrow(() => system.spawn({} as never))).to.equal('ACTOR_BAD_OPTION')
    expect(codeOfThrow(() => system.spawn(undefined as never))).to.equal('ACTOR_BAD_OPTION')
  })

  it('starts in the turn of its actor, never inside spawn', async () => {
    const { system, clock } = start()
    const order: string[] = []
    system.spawn(
      setup<never>(() => {
        order.push('start')
        return { receive: () => {} }
      })
    )
    order.push('spawned')
    await clock.settle()
    expect(order).to.deep.equal(['spawned', 'start'])
  })

  it('may start with a promise, for which its mail waits', async () => {
    const { system, clock } = start()
    const got: string[] = []
    const bob = system.spawn(
      setup<string>(async () => {
        await new Promise<void>(resolve => void clock.timer(100, resolve))
        return { receive: message => void got.push(message) }
      })
    )
    bob.send('early')
    await clock.advance(99)
    expect(got).to.deep.equal([])
    await clock.advance(1)
    expect(got).to.deep.equal(['early'])
  })
})
