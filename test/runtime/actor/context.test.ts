import { expect } from 'chai'
import { type ActorRef, type Context, receive, setup } from 'whereabouts/core'
import { probe } from '../../../runtime/testing/probe.ts'
import { codeOfThrow, inBothModes } from './machine.ts'

/** An actor that does what it is told with its context, and writes down what else it gets. */
type Order = { act: (ctx: Context<unknown>) => void }
function puppet(got: unknown[]) {
  let context: Context<unknown> | undefined
  const behavior = setup<unknown>(ctx => {
    context = ctx
    return {
      receive(message) {
        if (typeof message === 'object' && message !== null && 'throw' in message) throw message.throw
        got.push(message)
      }
    }
  })
  return { behavior, act: (order: Order['act']) => order(context as Context<unknown>) }
}

inBothModes('timers', start => {
  it('send once after their delay, or again and again', async () => {
    const { system, clock } = start()
    const got: unknown[] = []
    const bob = puppet(got)
    system.spawn(bob.behavior)
    await clock.settle()
    bob.act(ctx => {
      ctx.timers.once('once', 30, 'once')
      ctx.timers.once('now', 0, 'now')
      ctx.timers.every('every', 20, 'every')
    })
    await clock.advance(0)
    expect(got).to.deep.equal(['now'])
    await clock.advance(65)
    expect(got).to.deep.equal(['now', 'every', 'once', 'every', 'every'])
    bob.act(ctx => ctx.timers.cancel('every'))
    await clock.advance(100)
    expect(got).to.have.length(5)
    expect(clock.timers).to.equal(0)
  })

  it('replace each other by key, and a stale one never arrives', async () => {
    const { system, clock } = start()
    const got: unknown[] = []
    const bob = puppet(got)
    const ref = system.spawn(
      setup<string>(ctx => ({
        async receive(message) {
          got.push(message)
          if (message !== 'hold') return
          ctx.timers.once('a', 10, 'stale')
          await new Promise<void>(resolve => void clock.timer(50, resolve))
          // It fired, and waits behind this very message.
          ctx.timers.once('a', 10, 'fresh')
        }
      }))
    )
    system.spawn(bob.behavior)
    ref.send('hold')
    await clock.advance(100)
    expect(got).to.deep.equal(['hold', 'fresh'])
  })

  it('leave out ticks while the last one still waits', async () => {
    const { system, clock } = start()
    let ticks = 0
    system.spawn(
      setup<string>(ctx => {
        ctx.timers.every('tick', 10, 'tick')
        return {
          async receive() {
            ticks++
            await new Promise<void>(resolve => void clock.timer(1000, resolve))
          }
        }
      })
    )
    await clock.advance(1015)
    expect(ticks).to.equal(2)
  })

  it('end with their actor', async () => {
    const { system, clock } = start()
    const bob = puppet([])
    const ref = system.spawn(bob.behavior)
    await clock.settle()
    bob.act(ctx => ctx.timers.every('x', 10, 'x'))
    await system.stop(ref)
    await clock.settle()
    expect(clock.timers).to.equal(0)
  })

  for (const delay of [-1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY, '5']) {
    it(`refuse a delay of ${typeof delay} ${delay}`, async () => {
      const { system, clock } = start()
      const bob = puppet([])
      system.spawn(bob.behavior)
      await clock.settle()
      bob.act(ctx => {
        expect(codeOfThrow(() => ctx.timers.once('x', delay as number, 1))).to.equal('ACTOR_BAD_OPTION')
        expect(codeOfThrow(() => ctx.timers.every('x', delay as number, 1))).to.equal('ACTOR_BAD_OPTION')
        expect(codeOfThrow(() => ctx.timers.every('x', 0, 1))).to.equal('ACTOR_BAD_OPTION')
      })
    })
  }
})

inBothModes('a stash', start => {
  type Bank = 'open' | { type: 'get'; replyTo: ActorRef<string> } | number

  const bank = (got: unknown[]) =>
    setup<Bank>(ctx => {
      let open = false
      return {
        receive(message, from) {
          if (message === 'open') {
            open = true
            ctx.stash.release()
          } else if (!open) expect(ctx.stash.add()).to.equal(true)
          else if (typeof message === 'number') got.push(message)
          else {
            got.push(from.trust)
            message.replyTo.send('here')
          }
        }
      }
    })

  it('puts messages aside and brings them back before all others, in order, with their questions', async () => {
    const { system, clock, letters } = start()
    const got: unknown[] = []
    const bob = system.spawn(bank(got))
    bob.send(1)
    const asked = bob.ask({ type: 'get' })
    bob.send(2)
    await clock.settle()
    bob.send('open')
    bob.send(3)
    expect(await asked).to.equal('here')
    await clock.settle()
    expect(got).to.deep.equal([1, 'local', 2, 3])
    expect(letters).to.deep.equal([])
  })

  it('comes back at the head after a restart, without the message that failed', async () => {
    const { system, clock, letters } = start()
    const got: unknown[] = []
    let lives = 0
    const bob = system.spawn(
      setup<string>(ctx => {
        lives++
        return {
          receive(message) {
            if (lives > 1) got.push(message)
            else {
              ctx.stash.add()
              if (message === 'boom') throw new Error('boom')
            }
          }
        }
      })
    )
    for (const message of ['a', 'b', 'boom', 'c']) bob.send(message)
    await clock.settle()
    expect(got).to.deep.equal(['a', 'b', 'c'])
    expect(letters.map(letter => letter.message)).to.deep.equal(['boom'])
  })

  it('has room for as much as the mailbox, and none without a message in hand', async () => {
    const { system, clock } = start()
    const added: boolean[] = []
    let context: Context<number> | undefined
    const bob = system.spawn(
      setup<number>(ctx => {
        context = ctx
        added.push(ctx.stash.add())
        return {
          receive() {
            added.push(ctx.stash.add())
            if (added.length === 2) added.push(ctx.stash.add())
          }
        }
      }),
      { mailbox: { capacity: 2 } }
    )
    for (let n = 0; n < 3; n++) {
      bob.send(n)
      await clock.settle()
    }
    // Not in setup; the first, but only once; the second; no room for the third.
    expect(added).to.deep.equal([false, true, false, true, false])
    expect(context?.stash.size).to.equal(2)
    expect(context?.stash.add()).to.equal(false)
  })

  it('becomes dead letters when its actor stops', async () => {
    const { system, clock, letters } = start()
    const bob = system.spawn(setup<number>(ctx => ({ receive: () => void ctx.stash.add() })))
    bob.send(1)
    bob.send(2)
    await clock.settle()
    await system.stop(bob)
    await clock.settle()
    expect(letters.map(letter => [letter.message, letter.reason])).to.deep.equal([
      [1, 'no-actor'],
      [2, 'no-actor']
    ])
  })
})

inBothModes('an adapter', start => {
  it('maps foreign messages in its owner’s turn, and filters out what maps to undefined', async () => {
    const { system, clock } = start()
    const got: unknown[] = []
    const bob = puppet(got)
    system.spawn(bob.behavior)
    await clock.settle()
    let adapter: ActorRef<number> | undefined
    let mapped = 0
    bob.act(ctx => {
      adapter = ctx.adapt<number>(n => {
        mapped++
        return n % 2 === 0 ? `even ${n}` : undefined
      })
    })
    for (const n of [1, 2, 3, 4]) adapter?.send(n)
    expect(mapped).to.equal(0)
    await clock.settle()
    expect(got).to.deep.equal(['even 2', 'even 4'])
  })

  it('can be asked, watched and ended by its signal', async () => {
    const { system, clock, letters } = start()
    const abort = new AbortController()
    let adapter: ActorRef<{ type: 'get'; replyTo: ActorRef<number> }> | undefined
    system.spawn(
      setup<{ replyTo: ActorRef<number> }>(ctx => {
        adapter = ctx.adapt(message => ({ replyTo: message.replyTo }), { signal: abort.signal })
        return { receive: message => void message.replyTo.send(1) }
      })
    )
    await clock.settle()
    const asked = adapter as ActorRef<{ type: 'get'; replyTo: ActorRef<number> }>
    expect(await asked.ask({ type: 'get' })).to.equal(1)
    const alice = probe<never>(system)
    await alice.watch(asked)
    abort.abort()
    expect(await alice.next()).to.deep.equal({ stopped: asked, reason: { kind: 'done' } })
    asked.send({ type: 'get', replyTo: system.ref('x') })
    await clock.settle()
    expect(letters.map(letter => letter.reason)).to.deep.equal(['no-actor'])
  })

  it('that fails is its owner’s failure', async () => {
    const { system, clock, letters } = start()
    let starts = 0
    let adapter: ActorRef<string> | undefined
    system.spawn(
      setup<never>(ctx => {
        starts++
        adapter = ctx.adapt<string>(() => {
          throw new Error('cannot map')
        })
        return { receive: () => {} }
      })
    )
    await clock.settle()
    adapter?.send('x')
    await clock.settle()
    expect(starts).to.equal(2)
    expect(letters.map(letter => [letter.message, letter.reason])).to.deep.equal([['x', 'crashed']])
  })

  it('is one of at most 64', async () => {
    const { system, clock } = start()
    const bob = puppet([])
    system.spawn(bob.behavior)
    await clock.settle()
    const abort = new AbortController()
    bob.act(ctx => {
      ctx.adapt(String, { signal: abort.signal })
      for (let n = 1; n < 64; n++) ctx.adapt(String)
      expect(codeOfThrow(() => ctx.adapt(String))).to.equal('ACTOR_NO_ROOM')
      abort.abort()
      expect(codeOfThrow(() => ctx.adapt(String))).to.equal('returned')
      expect(codeOfThrow(() => ctx.adapt(undefined as never))).to.equal('ACTOR_BAD_OPTION')
    })
  })
})

inBothModes('a context', start => {
  it('pipes a promise into messages, also when it fails', async () => {
    const { system, clock } = start()
    const got: unknown[] = []
    const bob = puppet(got)
    system.spawn(bob.behavior)
    await clock.settle()
    bob.act(ctx => {
      ctx.pipe(Promise.resolve(1), n => `ok ${n}`, String)
      ctx.pipe(Promise.reject(new Error('no')), String, error => `failed ${(error as Error).message}`)
    })
    await clock.settle()
    expect(got).to.deep.equal(['ok 1', 'failed no'])
  })

  it('fails its actor when the outcome of a pipe cannot be mapped', async () => {
    const { system, clock, lines } = start()
    const bob = puppet([])
    system.spawn(bob.behavior)
    await clock.settle()
    bob.act(ctx =>
      ctx.pipe(
        Promise.resolve(1),
        () => {
          throw new Error('no map')
        },
        String
      )
    )
    await clock.settle()
    expect(lines.map(line => line.text)).to.deep.equal(['an actor failed and restarts'])
  })

  it('sends and asks', async () => {
    const { system, clock } = start()
    const carol = system.spawn(
      receive(0, (n: number, message: { type: 'get'; replyTo: ActorRef<string> }) => {
        message.replyTo.send('carol')
        return n
      })
    )
    const got: unknown[] = []
    const bob = puppet(got)
    system.spawn(bob.behavior)
    await clock.settle()
    bob.act(ctx => {
      ctx.send(ctx.self, 'note')
      ctx.pipe(ctx.ask(carol, { type: 'get' }), answer => answer, String)
    })
    await clock.settle()
    expect(got).to.deep.equal(['note', 'carol'])
  })

  it('logs with the actor’s label, and survives a logger that throws', async () => {
    const { system, clock, lines } = start()
    const bob = puppet([])
    const ref = system.spawn(bob.behavior)
    await clock.settle()
    bob.act(ctx => ctx.log.info('hello', { n: 1 }))
    expect(lines[0]).to.deep.include({ level: 'info', text: 'hello' })
    expect(lines[0]?.facts).to.deep.include({ actor: ref.label, n: 1 })
    const broken = () => {
      throw new Error('disk full')
    }
    const grim = start({ logger: { debug: broken, info: broken, warn: broken, error: broken } })
    const carol = puppet([])
    const carolRef = grim.system.spawn(carol.behavior)
    await grim.clock.settle()
    carol.act(ctx => ctx.log.error('nobody hears'))
    carolRef.send({ throw: new Error('boom') })
    await grim.clock.settle()
    await carolRef.ready()
  })

  it('knows its own ref and system', async () => {
    const { system, clock } = start()
    const bob = puppet([])
    const ref = system.spawn(bob.behavior)
    await clock.settle()
    bob.act(ctx => {
      expect(ctx.self).to.equal(ref)
      expect(ctx.system).to.equal(system)
    })
  })

  it('refuses handlers without receive', async () => {
    const { system, clock } = start()
    const bob = puppet([])
    system.spawn(bob.behavior)
    await clock.settle()
    bob.act(ctx => expect(codeOfThrow(() => ctx.become({} as never))).to.equal('ACTOR_BAD_OPTION'))
  })
})
