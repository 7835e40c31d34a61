import { expect } from 'chai'
import { type ActorSystem, actorName, createSystem, receive, type SystemOptions, setup } from 'whereabouts/core'
import { LocalSystem } from '../../../runtime/actor/local-system.ts'
import { Ref } from '../../../runtime/actor/ref.ts'
import { ManualClock } from '../../../runtime/testing/manual-clock.ts'
import { codeOfRejection, codeOfThrow, inBothModes, machine } from './machine.ts'

const idle = () => receive(0, (n: number) => n)

inBothModes('a system', start => {
  it('shuts down its roots in reverse order, each with its children, and only once', async () => {
    const { system, clock } = start()
    const order: string[] = []
    const named = (name: string, child?: string) =>
      setup<never>(ctx => {
        if (child !== undefined) ctx.spawn(named(child))
        return { receive: () => {}, stopping: reason => void order.push(`${name} ${reason.kind}`) }
      })
    system.spawn(named('one', 'child of one'))
    system.spawn(named('two'))
    await clock.settle()
    const first = system.shutdown()
    expect(system.shutdown()).to.equal(first)
    await first
    expect(order).to.deep.equal(['two shutdown', 'child of one shutdown', 'one shutdown'])
    expect(codeOfThrow(() => system.spawn(idle()))).to.equal('ACTOR_SHUT_DOWN')
    await clock.settle()
    expect(clock.timers).to.equal(0)
  })

  it('kills what is left when its time to shut down is over', async () => {
    const { system, clock } = start()
    const never = new Promise<void>(() => {})
    for (let n = 0; n < 5; n++) {
      system.spawn(setup<never>(() => ({ receive: () => {}, stopping: () => never })))
    }
    await clock.settle()
    let over = false
    void system.shutdown({ within: 100 }).then(() => {
      over = true
    })
    await clock.advance(99)
    expect(over).to.equal(false)
    await clock.advance(1)
    expect(over).to.equal(true)
    expect(await codeOfRejection(createSystem().shutdown({ within: -1 }))).to.equal('ACTOR_BAD_OPTION')
  })

  it('has the mail that waits handled first when it is drained, for as long as it is told', async () => {
    const { system, clock } = start()
    const seen: number[] = []
    const slow = setup<number>(() => ({
      async receive(n) {
        await new Promise<void>(resolve => clock.timer(10, resolve))
        seen.push(n)
      }
    }))
    const parent = system.spawn(
      setup<number>(ctx => {
        const child = ctx.spawn(slow)
        return { receive: n => void child.send(n) }
      })
    )
    for (let n = 0; n < 20; n++) parent.send(n)

    const over = system.shutdown({ drain: 100 })
    await clock.advance(90)
    expect(codeOfThrow(() => system.spawn(idle()))).to.equal('returned')
    await clock.advance(200)
    await over

    expect(seen.length).to.be.within(9, 11)
    expect(await codeOfRejection(createSystem().shutdown({ drain: -1 }))).to.equal('ACTOR_BAD_OPTION')
  })

  it('has what was put aside handled too, and takes no longer than that', async () => {
    const { system, clock } = start()
    const seen: string[] = []
    const ref = system.spawn(
      setup<string>(ctx => ({
        receive: message => {
          if (message !== 'open') {
            ctx.stash.add()
            return
          }
          ctx.become({ receive: later => void seen.push(later) })
          ctx.stash.release()
        }
      }))
    )
    ref.send('put aside')
    await clock.settle()

    let over = false
    const ending = system.shutdown({ drain: 60_000 }).then(() => {
      over = true
    })
    await clock.advance(1_000)
    expect(over).to.equal(false)
    ref.send('open')
    await clock.advance(50)
    await ending

    expect(seen).to.deep.equal(['put aside'])
  })

  it('ends a drain when it is told to shut down without one', async () => {
    const { system, clock } = start()
    system.spawn(setup<number>(() => ({ receive: () => new Promise<never>(() => {}) }))).send(1)
    await clock.settle()

    const draining = system.shutdown({ drain: 60_000 })
    await clock.advance(100)
    const ending = system.shutdown({ within: 10 })
    await clock.advance(50)
    await Promise.all([draining, ending])
    await clock.advance(60_000)
  })

  it('shuts down at the end of an await using block', async () => {
    let kept: ActorSystem | undefined
    {
      await using system = createSystem(start().system === undefined ? {} : {})
      kept = system
      system.spawn(idle())
    }
    expect(codeOfThrow(() => kept?.spawn(idle()))).to.equal('ACTOR_SHUT_DOWN')
  })

  it('stops only its own actors, and says when they have ended', async () => {
    const { system } = start()
    const other = start().system
    const bob = system.spawn(idle())
    await system.stop(bob)
    await system.stop(bob)
    for (const ref of [other.spawn(idle()), system.ref('actor:far/away'), system.ref('junk'), {} as never]) {
      expect(await codeOfRejection(system.stop(ref))).to.equal('ACTOR_FORBIDDEN')
    }
  })

  it('revives an address to the very same ref, and any text to one that leads to dead letters', async () => {
    const { system, clock, letters } = start()
    const bob = system.spawn(idle())
    expect(system.ref(bob.address)).to.equal(bob)
    expect(JSON.parse(JSON.stringify({ bob }))).to.deep.equal({ bob: { $ref: bob.address } })
    for (const text of [
      '',
      'junk',
      `actor:${system.id}/unknown`,
      `name:${system.id}/x`,
      'actor:far/away',
      5 as never
    ]) {
      expect(system.ref<string>(text).send('hello')).to.equal(true)
    }
    await clock.settle()
    expect(letters.map(letter => letter.reason)).to.deep.equal([
      ...['no-actor', 'no-actor', 'no-actor', 'no-actor', 'unreachable', 'no-actor']
    ])
    const { address } = bob
    await system.stop(bob)
    expect(system.ref(address)).to.not.equal(bob)
    expect(await codeOfRejection(system.ref('actor:far/away').ask(() => 1 as never))).to.equal('ACTOR_UNREACHABLE')
    expect(await codeOfRejection(system.ref('actor:far/away').ready())).to.equal('ACTOR_UNREACHABLE')
  })

  it('draws addresses that nobody can guess, and shows labels that give nothing away', () => {
    const { system } = start()
    const [bob, carol] = [system.spawn(idle()), system.spawn(idle())]
    expect(bob.address).to.match(/^actor:[\w-]{22}\/[\w-]{21}$/)
    expect(bob.address).to.not.equal(carol.address)
    expect(bob.label).to.match(/^[a-z0-9]{6}$/)
    expect(bob.address).to.not.include(bob.label)
  })

  it('publishes at most a hundred dead letters a second, and counts all', async () => {
    const { system, clock, letters } = start()
    const bob = system.spawn(receive(0, (n: number, _m: number) => n))
    await system.stop(bob)
    for (let n = 0; n < 250; n++) bob.send(n)
    await clock.settle()
    expect(letters).to.have.length(100)
    await clock.advance(1000)
    bob.send(250)
    await clock.settle()
    expect([letters.length, system.counters.deadLetters]).to.deep.equal([101, 251])
  })

  it('is not harmed by watchers of dead letters that throw, nor by escalated', async () => {
    const { system, clock, lines, letters } = start({
      escalated() {
        throw new Error('no ladder')
      }
    })
    const subscription = system.watchDeadLetters(() => {
      throw new Error('no reader')
    })
    let other = 0
    system.watchDeadLetters(() => {
      other++
      bob.send('again')
    })
    const bob = system.spawn(
      setup<string>(() => ({
        receive() {
          throw new Error('boom')
        }
      })),
      { restart: 'never' }
    )
    bob.send('x')
    await clock.settle()
    const texts = lines.map(line => line.text)
    expect(texts).to.include('escalated threw')
    expect(texts).to.include('a dead letter watcher threw')
    subscription.unsubscribe()
    expect(other).to.equal(letters.length)
    expect(other).to.equal(100)
  })
})

describe('a system without the network', () => {
  it('refuses what needs one', async () => {
    const { system } = machine()
    const Name = actorName<never>('x')
    const ref = system.spawn(idle())
    for (const call of [
      () => system.lookup(Name),
      () => system.register(Name, ref),
      () => system.join(Name, ref),
      () => system.listen({} as never, { trust: 'guest' }),
      () => system.connect({} as never)
    ]) {
      expect(await codeOfRejection(call())).to.equal('ACTOR_BAD_OPTION')
    }
    expect(codeOfThrow(() => system.members(Name, () => {}))).to.equal('ACTOR_BAD_OPTION')
  })
})

describe('options', () => {
  const bad: Array<[string, unknown]> = [
    ['null', null],
    ['name', { name: 'a plain text' }],
    ['restart', { restart: 'sometimes' }],
    ['limit', { limit: 3 }],
    ['limit.restarts', { limit: { restarts: -1, within: 1 } }],
    ['limit.within', { limit: { restarts: 1, within: 0 } }],
    ['backoff.min', { backoff: { min: 0, max: 1 } }],
    ['backoff.max', { backoff: { min: 10, max: 1 } }],
    ['backoff.jitter', { backoff: { min: 1, max: 1, jitter: 2 } }],
    ['mailbox', { mailbox: 7 }],
    ['mailbox.capacity', { mailbox: { capacity: 0 } }],
    ['mailbox.bytes', { mailbox: { bytes: Number.NaN } }],
    ['mailbox.overflow', { mailbox: { overflow: 'explode' } }]
  ]
  for (const [name, options] of bad) {
    it(`refuse a bad ${name} and say which it was`, () => {
      const { system } = machine()
      const spawn = () => system.spawn(idle(), options as never)
      expect(codeOfThrow(spawn)).to.equal('ACTOR_BAD_OPTION')
      if (name !== 'null') expect(spawn).to.throw(name)
    })
  }

  it('refuse names that are none', () => {
    for (const name of ['', 'x'.repeat(129), 'a\nb', 'a\u2028b', '\ud800', 'cafe\u0301', 5 as never]) {
      expect(codeOfThrow(() => actorName(name))).to.equal('ACTOR_BAD_OPTION')
    }
    expect(actorName('x'.repeat(128)).name).to.have.length(128)
  })

  it('of a system are checked too', () => {
    for (const options of [null, { memoryBudget: 5 }, { memoryBudget: 'much' }]) {
      expect(codeOfThrow(() => createSystem(options as unknown as SystemOptions))).to.equal('ACTOR_BAD_OPTION')
    }
  })

  it('name no taken name when the spawn was refused', () => {
    const { system } = machine()
    const Name = actorName<never>('x')
    expect(codeOfThrow(() => system.spawn({} as never, { name: Name }))).to.equal('ACTOR_BAD_OPTION')
    expect(system.find(Name)).to.equal(undefined)
  })
})

describe('the scheduler', () => {
  it('lets the event loop go on after eight milliseconds', async () => {
    const clock = new ManualClock()
    const system = new LocalSystem({ clock: slow(clock, 3) }, 'test')
    const order: string[] = []
    const bob = system.spawn(
      receive(0, (n: number, message: number) => {
        order.push(`message ${message}`)
        return n
      })
    )
    for (let n = 0; n < 10; n++) bob.send(n)
    clock.later(() => order.push('event loop'))
    await clock.settle()
    expect(order.indexOf('event loop')).to.be.within(1, 9)
    expect(order).to.have.length(11)
  })

  it('gives a slow actor four milliseconds while others wait', async () => {
    const clock = new ManualClock()
    const system = new LocalSystem({ clock: slow(clock, 2.1) }, 'test')
    const order: string[] = []
    const log = (who: string) => receive(0, (n: number, _m: number) => order.push(who) && n)
    const [bob, carol] = [system.spawn(log('bob')), system.spawn(log('carol'))]
    for (let n = 0; n < 5; n++) bob.send(n)
    carol.send(0)
    await clock.settle()
    expect(order.indexOf('carol')).to.be.within(1, 3)
  })

  it('flushes at the end of a turn, and plans one where none runs', async () => {
    const clock = new ManualClock()
    const system = new LocalSystem({ clock }, 'test')
    const order: string[] = []
    const flushable = { flush: () => void order.push('flush') }
    const bob = system.spawn(
      receive(0, (n: number, message: string) => {
        order.push(message)
        system.scheduler.flushLater(flushable)
        system.scheduler.run()
        return n
      })
    )
    bob.send('a')
    bob.send('b')
    system.scheduler.run()
    expect(order).to.deep.equal(['a', 'b', 'flush'])
    system.scheduler.flushLater(flushable)
    await clock.settle()
    expect(order).to.have.length(4)
  })

  /** A clock that goes on by itself each time it is looked at. */
  function slow(clock: ManualClock, step: number) {
    let now = 0
    return {
      now: () => {
        now += step
        return now
      },
      wall: () => now,
      timer: (delay: number, fire: () => void) => clock.timer(delay, fire),
      soon: (turn: () => void) => clock.soon(turn),
      later: (turn: () => void) => clock.later(turn)
    }
  }
})

describe('copied messages', () => {
  const send = async (message: unknown) => {
    const { system, clock, letters } = machine({ copyMessages: true })
    const got: unknown[] = []
    const bob = system.spawn(
      receive(0, (n: number, each: unknown) => {
        got.push(each)
        return n
      })
    )
    expect(bob.send(message)).to.equal(true)
    await clock.settle()
    return { got, letters, ref: bob }
  }

  const passes: unknown[] = [
    { a: [1, 'x', null, undefined, Number.NaN, 5n, true] },
    new Map<unknown, unknown>([['a', { b: 1 }]]),
    new Set([1, 2]),
    new Date(5),
    new Uint8Array([1, 2, 3]),
    new Float64Array([1.5]),
    new ArrayBuffer(3),
    Object.assign(Object.create(null), { plain: true })
  ]
  for (const message of passes) {
    it(`cross as they are: ${Object.prototype.toString.call(message)}`, async () => {
      const { got } = await send({ message })
      const copied = (got[0] as { message: unknown }).message
      expect(copied).to.deep.equal(message)
      expect(copied).to.not.equal(message)
    })
  }

  it('keep refs as themselves, and errors as errors with their code', async () => {
    const { system } = machine()
    const bob = system.spawn(idle())
    const { got } = await send({ bob, error: Object.assign(new RangeError('far'), { code: 'E_FAR', secret: 1 }) })
    const copied = got[0] as { bob: unknown; error: Error & { code: string; secret?: number } }
    expect(copied.bob).to.equal(bob)
    expect(copied.bob).to.be.instanceOf(Ref)
    expect([copied.error.name, copied.error.message, copied.error.code]).to.deep.equal(['RangeError', 'far', 'E_FAR'])
    expect(copied.error.secret).to.equal(undefined)
  })

  const cycle: { self?: unknown } = {}
  cycle.self = { inside: cycle }
  let deep: unknown = 1
  for (let n = 0; n < 600; n++) deep = [deep]
  const refused: Array<[string, unknown, string]> = [
    ['a function deep inside', { items: [1, { callback: () => {} }] }, 'message.items[1].callback'],
    ['a symbol', { s: Symbol('x') }, 'message.s'],
    ['an instance of a class', { a: new (class Account {})() }, 'Account'],
    ['a promise', { p: Promise.resolve() }, 'message.p'],
    ['a regular expression', /x/, 'message'],
    ['a weak map', new WeakMap(), 'message'],
    ['a cycle', cycle, 'cycle'],
    ['what is too deep', deep, '512']
  ]
  for (const [title, message, hint] of refused) {
    it(`refuse ${title} and say where`, async () => {
      const { got, letters, ref } = await send(message)
      expect(got).to.deep.equal([])
      expect(letters[0]?.reason).to.equal('unserialisable')
      expect((letters[0] as { error: Error }).error.message).to.include(hint)
      expect(await codeOfRejection(ref.ask(() => message))).to.equal('ACTOR_UNSERIALISABLE')
    })
  }

  it('protect the receiver from a sender that goes on changing them, and survive a getter that throws', async () => {
    const message = { n: 1 }
    const sent = send(message)
    message.n = 2
    expect((await sent).got).to.deep.equal([{ n: 1 }])
    const { letters } = await send({
      get n(): number {
        throw new Error('no getter')
      }
    })
    expect(letters[0]?.reason).to.equal('unserialisable')
  })
})
