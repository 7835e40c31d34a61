import { expect } from 'chai'
import {
  type ActorRef,
  type Behavior,
  type Context,
  type Directive,
  type Handlers,
  receive,
  type SpawnOptions,
  type StopReason,
  setup
} from 'whereabouts/core'
import { decide, direct, type History, NO_HISTORY, type Policy } from '../../../runtime/actor/supervision.ts'
import { probe } from '../../../runtime/testing/probe.ts'
import { codeOfRejection, codeOfThrow, inBothModes } from './machine.ts'

const boom = () => {
  throw new Error('boom')
}

/** Counts its messages of one life; fails at `boom`. */
const fragile = () =>
  receive(0, (count: number, message: 'inc' | 'boom' | { replyTo: ActorRef<number> }) => {
    if (message === 'boom') boom()
    if (typeof message === 'object') message.replyTo.send(count)
    return count + 1
  })
const countOf = (ref: ActorRef<'inc' | 'boom' | { replyTo: ActorRef<number> }>) =>
  ref.ask<number>(replyTo => ({ replyTo }))

/** A parent of one child, whose failures it may judge. */
function parent<N>(child: Behavior<N>, options: SpawnOptions<N> | undefined, more: Partial<Handlers<unknown>> = {}) {
  let made = (_ref: ActorRef<N>) => {}
  const born = new Promise<ActorRef<N>>(resolve => {
    made = resolve
  })
  let context: Context<unknown> | undefined
  const behavior = setup<unknown>(ctx => {
    context = ctx
    made(ctx.spawn(child, options))
    return { receive: () => {}, ...more }
  })
  return { behavior, born, ctx: () => context as Context<unknown> }
}

describe('decide', () => {
  const policy: Policy = { restart: 'on-failure', limit: { restarts: 3, within: 5000 }, backoff: undefined }
  const history = (...times: number[]): History => ({ count: times.length, series: 0, times })
  const table: Array<[string, Partial<Policy>, 'failed' | 'done', History, number, string]> = [
    ['a first failure restarts', {}, 'failed', NO_HISTORY, 0, 'restart'],
    ['a third within the limit restarts', {}, 'failed', history(0, 10), 20, 'restart'],
    ['a fourth escalates', {}, 'failed', history(0, 10, 20), 30, 'escalate'],
    ['a fourth restarts when the first is long ago', {}, 'failed', history(0, 10, 20), 5000, 'restart'],
    ['never stops', { restart: 'never' }, 'failed', NO_HISTORY, 0, 'stop'],
    ['on-failure lets it go when it is done', {}, 'done', NO_HISTORY, 0, 'stop'],
    ['always brings it back when it is done', { restart: 'always' }, 'done', NO_HISTORY, 0, 'restart'],
    ['a limit of none escalates at once', { limit: { restarts: 0, within: 1000 } }, 'failed', NO_HISTORY, 0, 'escalate']
  ]
  for (const [title, options, end, past, now, directive] of table) {
    it(title, () => {
      expect(decide({ ...policy, ...options }, end, past, now, () => 0).directive).to.equal(directive)
    })
  }

  it('doubles the wait from min to max while failures follow each other, with its share of randomness', () => {
    const slow: Policy = {
      ...policy,
      limit: { restarts: 100, within: 1000 },
      backoff: { min: 200, max: 1000, jitter: 0.5 }
    }
    const waits: number[] = []
    let past = NO_HISTORY
    for (let now = 0; waits.length < 5; now += 1500) {
      const decision = decide(slow, 'failed', past, now, () => 0.5)
      if (decision.directive !== 'restart') throw new Error(decision.directive)
      waits.push(decision.after)
      past = decision.history
    }
    expect(waits).to.deep.equal([150, 300, 600, 750, 750])
    const later = decide(slow, 'failed', past, 100_000, () => 0)
    expect(later).to.deep.include({ after: 200 })
  })

  it('follows a parent beyond the limit, and remembers no more than it needs', () => {
    const past = history(1, 2, 3)
    const decision = direct('restart', policy, past, 4, () => 0)
    expect(decision).to.deep.equal({
      directive: 'restart',
      after: 0,
      history: { count: 4, series: 1, times: [2, 3, 4] }
    })
    expect(direct('resume', policy, past, 4, () => 0)).to.deep.equal({ directive: 'resume' })
  })
})

inBothModes('a failure', start => {
  it('restarts the actor, which keeps its ref, its waiting mail and its watchers, who hear nothing', async () => {
    const { system, clock, letters } = start()
    const bob = system.spawn(fragile())
    const alice = probe<never>(system)
    await alice.watch(bob)
    for (const message of ['inc', 'inc', 'boom', 'inc'] as const) bob.send(message)
    expect(await countOf(bob)).to.equal(1)
    await clock.settle()
    expect(alice.received).to.deep.equal([])
    expect(letters).to.have.length(1)
    expect(letters[0]).to.deep.include({ to: bob.label, message: 'boom', reason: 'crashed' })
    expect(letters[0]?.error).to.be.an('error').with.property('message', 'boom')
  })

  it('ends a root as failed after three restarts in five seconds, is logged, and escalates', async () => {
    const escalated: unknown[] = []
    const { system, clock, lines } = start({ escalated: (ref, error) => escalated.push([ref, error]) })
    const bob = system.spawn(fragile())
    const alice = probe<never>(system)
    await alice.watch(bob)
    for (let n = 0; n < 4; n++) bob.send('boom')
    expect(await alice.next()).to.deep.equal({
      stopped: bob,
      reason: { kind: 'failed', error: { name: 'Error', message: 'boom' } }
    })
    await clock.settle()
    expect(escalated).to.have.length(1)
    expect((escalated[0] as unknown[])[0]).to.equal(bob)
    expect(lines.filter(line => line.level === 'error')).to.have.length(1)
  })

  it('is forgotten after five seconds', async () => {
    const { system, clock } = start()
    const bob = system.spawn(fragile())
    for (let n = 0; n < 10; n++) {
      bob.send('boom')
      await clock.advance(2000)
    }
    expect(await countOf(bob)).to.equal(0)
  })

  it('never restarts where told so, and the reason has name, message and code', async () => {
    const { system } = start()
    const bob = system.spawn(
      receive(0, () => {
        throw Object.assign(new TypeError('torn'), { code: 'E_TORN' })
      }),
      { restart: 'never' }
    )
    const alice = probe<never>(system)
    await alice.watch(bob)
    bob.send(undefined as never)
    const error = { name: 'TypeError', message: 'torn', code: 'E_TORN' }
    expect(await alice.next()).to.deep.equal({ stopped: bob, reason: { kind: 'failed', error } })
  })

  for (const thrown of [undefined, null, 'text', { code: 1 }, Object.create(null)]) {
    it(`may be anything: ${typeof thrown} ${thrown === null ? 'null' : ''}`, async () => {
      const { system, clock } = start()
      const bob = system.spawn(
        receive(0, (n: number, message: string) => {
          if (message === 'boom') throw thrown
          return n
        }),
        { limit: { restarts: 0, within: 1 } }
      )
      bob.send('boom')
      await clock.settle()
      expect(await codeOfRejection(bob.ready())).to.equal('ACTOR_STOPPED')
    })
  }

  it('of a rejected promise counts like a throw', async () => {
    const { system, clock, letters } = start()
    const bob = system.spawn(
      setup<string>(() => ({
        async receive(message) {
          await Promise.resolve()
          if (message === 'boom') boom()
        }
      }))
    )
    bob.send('boom')
    bob.send('fine')
    await clock.settle()
    expect(letters.map(letter => [letter.message, letter.reason])).to.deep.equal([['boom', 'crashed']])
    expect(system.counters.delivered).to.equal(2)
  })

  it('in setup is tried again, thrown or rejected, and ends after the limit', async () => {
    for (const start1 of [boom, async () => boom(), () => undefined, async () => ({})]) {
      const { system, clock } = start()
      let starts = 0
      const bob = system.spawn(
        setup<string>((() => {
          starts++
          return start1()
        }) as never)
      )
      bob.send('waits')
      await clock.settle()
      expect(starts).to.equal(4)
      expect(await codeOfRejection(bob.ready())).to.equal('ACTOR_STOPPED')
      expect(system.counters.deadLetters).to.equal(1)
    }
  })

  it('in stopped, as a notice or as a message, is a failure like any', async () => {
    const { system, clock } = start()
    const carol = system.spawn(receive(0, (n: number) => n))
    let starts = 0
    const bob = system.spawn(
      setup<string>(ctx => {
        starts++
        ctx.watch(carol)
        return { receive: () => {}, stopped: starts === 1 ? boom : async () => boom() }
      })
    )
    await clock.settle()
    await system.stop(carol)
    await clock.settle()
    // The first life fails at the notice, the next three hear at once that there is no carol.
    expect(starts).to.equal(4)
    expect(await codeOfRejection(bob.ready())).to.equal('ACTOR_STOPPED')
  })

  it('in stopping is contained and logged', async () => {
    for (const stopping of [boom, async () => boom()]) {
      const { system, clock, lines } = start()
      const bob = system.spawn(setup<string>(() => ({ receive: () => {}, stopping })))
      await clock.settle()
      await system.stop(bob)
      expect(lines.map(line => line.text)).to.deep.equal(['stopping failed'])
    }
  })

  it('in failed takes the child along and fails the parent', async () => {
    const { system, clock } = start()
    const { behavior, born } = parent(fragile(), undefined, { failed: boom as never })
    const boss = system.spawn(behavior, { restart: 'never' })
    const child = await born
    child.send('boom')
    await clock.settle()
    expect(await codeOfRejection(child.ready())).to.equal('ACTOR_STOPPED')
    expect(await codeOfRejection(boss.ready())).to.equal('ACTOR_STOPPED')
  })

  it('answered with nonsense by failed is the parent’s failure', async () => {
    const { system, clock } = start()
    const { behavior, born } = parent(fragile(), undefined, { failed: () => undefined as unknown as Directive })
    const boss = system.spawn(behavior, { restart: 'never' })
    ;(await born).send('boom')
    await clock.settle()
    expect(await codeOfRejection(boss.ready())).to.equal('ACTOR_STOPPED')
  })

  it('waits longer each time with a backoff, and its mail waits with it', async () => {
    const { system, clock } = start({ random: () => 0 })
    const bob = system.spawn(fragile(), { backoff: { min: 200, max: 10_000 } })
    bob.send('boom')
    const count = countOf(bob)
    let answered = false
    void count.then(() => {
      answered = true
    })
    await clock.advance(199)
    expect(answered).to.equal(false)
    await clock.advance(1)
    expect(await count).to.equal(0)
    bob.send('boom')
    await clock.advance(399)
    bob.send('inc')
    await clock.advance(1)
    expect(await countOf(bob)).to.equal(1)
  })

  it('of an actor that waits for its backoff does not keep it from stopping', async () => {
    const { system, clock } = start()
    const bob = system.spawn(fragile(), { backoff: { min: 10_000, max: 10_000 } })
    bob.send('boom')
    await clock.settle()
    await system.stop(bob)
    await clock.settle()
    expect(clock.timers).to.equal(0)
  })
})

inBothModes('a parent', start => {
  it('hears each failure of a child with the error and the restarts so far, and what it answers happens', async () => {
    const { system, clock } = start()
    const heard: unknown[] = []
    const answers: Directive[] = ['resume', 'restart', 'restart', 'stop']
    const { behavior, born } = parent(
      fragile(),
      { restart: 'never' },
      {
        failed(child, error, restarts) {
          heard.push([child, (error as Error).message, restarts])
          return answers.shift() as Directive
        }
      }
    )
    system.spawn(behavior)
    const child = await born
    const counts: number[] = []
    for (let n = 0; n < 3; n++) {
      child.send('inc')
      child.send('boom')
      counts.push(await countOf(child))
    }
    child.send('boom')
    await clock.settle()
    // Resumed with its state; restarted without it, twice.
    expect(counts).to.deep.equal([1, 0, 0])
    expect(heard).to.deep.equal([0, 0, 1, 2].map(restarts => [child, 'boom', restarts]))
    expect(await codeOfRejection(child.ready())).to.equal('ACTOR_STOPPED')
  })

  it('that answers escalate fails itself with the child’s error', async () => {
    const { system, clock } = start()
    const { behavior, born } = parent(fragile(), undefined, { failed: () => 'escalate' })
    const boss = system.spawn(behavior, { restart: 'never' })
    const alice = probe<never>(system)
    await alice.watch(boss)
    const child = await born
    await alice.watch(child)
    child.send('boom')
    const error = { name: 'Error', message: 'boom' }
    expect(await alice.next()).to.deep.equal({ stopped: child, reason: { kind: 'failed', error } })
    expect(await alice.next()).to.deep.equal({ stopped: boss, reason: { kind: 'failed', error } })
    await clock.settle()
  })

  it('without failed restarts when a child has used up its limit', async () => {
    const { system, clock } = start()
    const children: Array<ActorRef<'inc' | 'boom' | { replyTo: ActorRef<number> }>> = []
    system.spawn(
      setup<never>(ctx => {
        children.push(ctx.spawn(fragile(), { limit: { restarts: 1, within: 1000 } }))
        return { receive: () => {} }
      })
    )
    await clock.settle()
    children[0]?.send('boom')
    children[0]?.send('boom')
    await clock.settle()
    expect(children).to.have.length(2)
    expect(await countOf(children[1] as never)).to.equal(0)
  })

  it('stops its children before itself, the last first, each before the next', async () => {
    const { system, clock } = start()
    const order: string[] = []
    const worker = (name: string) =>
      setup<never>(() => ({
        receive: () => {},
        async stopping(reason) {
          order.push(`${name} ${reason.kind}`)
          await Promise.resolve()
          order.push(`${name} over`)
        }
      }))
    const boss = system.spawn(
      setup<never>(ctx => {
        for (const name of ['one', 'two', 'three']) ctx.spawn(worker(name))
        return { receive: () => {}, stopping: reason => void order.push(`boss ${reason.kind}`) }
      })
    )
    await clock.settle()
    await system.stop(boss)
    expect(order).to.deep.equal([
      ...['three shutdown', 'three over', 'two shutdown', 'two over', 'one shutdown', 'one over', 'boss done']
    ])
  })

  it('gives a child five seconds, then kills it and all below it', async () => {
    const { system, clock } = start()
    const never = new Promise<void>(() => {})
    const grandchild = setup<never>(() => ({ receive: () => {}, stopping: () => {} }))
    const { behavior: stubborn, born } = parent(grandchild, undefined, { stopping: () => never })
    const boss = parent(
      setup<string>(() => ({ receive: () => never })),
      undefined
    )
    const alice = probe<never>(system)
    const stuck = system.spawn(boss.behavior)
    const child = await boss.born
    child.send('forever')
    await alice.watch(child)
    void system.stop(stuck)
    await clock.advance(4999)
    expect(alice.received).to.deep.equal([])
    await clock.advance(1)
    expect(alice.received[0]).to.deep.include({ stopped: child })
    system.spawn(stubborn)
    const below = await born
    await alice.next()
    await alice.watch(below)
    const down = system.shutdown()
    await clock.advance(20_000)
    await down
    expect(below.send(undefined as never)).to.equal(true)
  })

  it('may stop and restart its own children, and nobody else', async () => {
    const { system, clock } = start()
    const { behavior, born, ctx } = parent(fragile(), undefined)
    const boss = system.spawn(behavior)
    const stranger = system.spawn(fragile())
    const child = await born
    child.send('inc')
    await clock.settle()
    ctx().restart(child)
    child.send('inc')
    expect(await countOf(child)).to.equal(1)
    for (const ref of [stranger, boss === undefined ? stranger : system.ref('actor:x/y'), {} as never]) {
      expect(codeOfThrow(() => ctx().stop(ref))).to.equal('ACTOR_FORBIDDEN')
      expect(codeOfThrow(() => ctx().restart(ref))).to.equal('ACTOR_FORBIDDEN')
    }
    const alice = probe<never>(system)
    await alice.watch(child)
    ctx().stop(child)
    expect(await alice.next()).to.deep.equal({ stopped: child, reason: { kind: 'done' } })
    ctx().stop(child)
    await clock.settle()
  })
})

inBothModes('a life', start => {
  it('ends with its children, timers, watches, adapters and become when it restarts', async () => {
    const { system, clock } = start()
    const heard: string[] = []
    const carol = system.spawn(receive(0, (n: number) => n))
    const adapters: Array<ActorRef<number>> = []
    const children: Array<ActorRef<never>> = []
    const bob = system.spawn(
      setup<string>(ctx => {
        if (adapters.length === 0) {
          ctx.timers.every('tick', 10, 'tick')
          ctx.timers.once('late', 100, 'late')
          ctx.watch(carol)
          adapters.push(ctx.adapt<number>(n => `adapted ${n}`))
          children.push(
            ctx.spawn(setup<never>(() => ({ receive: () => {}, stopping: () => void heard.push('child') })))
          )
        }
        return {
          receive(message) {
            if (message === 'boom') boom()
            heard.push(message)
          },
          stopped: () => void heard.push('carol'),
          stopping: reason => void heard.push(reason.kind)
        }
      })
    )
    await clock.settle()
    bob.send('boom')
    await clock.advance(200)
    adapters[0]?.send(1)
    await system.stop(carol)
    await clock.settle()
    expect(heard).to.deep.equal(['child', 'restart'])
    expect(clock.timers).to.equal(0)
    expect(system.counters.deadLetters).to.equal(2)
  })

  it('that has ended has no effect any more', async () => {
    const { system, clock, letters } = start()
    const contexts: Array<Context<string>> = []
    const bob = system.spawn(
      setup<string>(ctx => {
        contexts.push(ctx)
        return { receive: message => void (message === 'boom' && boom()) }
      })
    )
    const alice = probe<string>(system)
    bob.send('boom')
    await clock.settle()
    const old = contexts[0] as Context<string>
    expect(contexts).to.have.length(2)
    expect(old.send(alice.ref, 'from the past')).to.equal(true)
    old.timers.once('x', 1, 'x')
    old.watch(alice.ref)
    old.stop()
    old.become({ receive: boom })
    old.pipe(Promise.resolve(1), String, String)
    expect(codeOfThrow(() => old.spawn(fragile()))).to.equal('ACTOR_STOPPED')
    expect(codeOfThrow(() => old.adapt(String))).to.equal('ACTOR_STOPPED')
    expect(await codeOfRejection(old.ask(bob as never, { type: 'x' } as never))).to.equal('ACTOR_STOPPED')
    await clock.advance(100)
    expect(alice.received).to.deep.equal([])
    expect(letters.map(letter => letter.reason)).to.deep.equal(['crashed', 'no-actor'])
    await bob.ready()
  })

  it('is not ended by a handler that never resolves: the signal aborts, five seconds later it goes', async () => {
    const { system, clock, lines } = start()
    const reasons: StopReason[] = []
    let signal: AbortSignal | undefined
    let late = false
    let goOn = () => {}
    const bob = system.spawn(
      setup<string>(ctx => ({
        async receive(_message, from) {
          signal = from.signal
          await new Promise<void>(resolve => {
            goOn = resolve
          })
          late = ctx.send(ctx.self, 'too late')
        }
      }))
    )
    bob.send('forever')
    await clock.advance(20_000)
    expect(lines.map(line => line.text)).to.deep.equal(['a handler is still at work'])
    expect(signal?.aborted).to.equal(false)
    const stopped = system.stop(bob).then(() => reasons.push({ kind: 'done' }))
    await clock.advance(4999)
    expect([signal?.aborted, reasons.length]).to.deep.equal([true, 0])
    await clock.advance(1)
    await stopped
    goOn()
    await clock.settle()
    expect(late).to.equal(true)
    expect(system.counters.deadLetters).to.equal(1)
  })

  it('ends in time for a handler that heeds its signal', async () => {
    const { system, clock } = start()
    const bob = system.spawn(
      setup<string>(() => ({
        receive: (_message, from) =>
          new Promise<void>(resolve => from.signal.addEventListener('abort', () => resolve()))
      }))
    )
    bob.send('wait')
    await clock.settle()
    await system.stop(bob)
    await clock.settle()
    expect(clock.timers).to.equal(0)
  })

  it('runs its stopping hook once, with the error of a restart or the reason of the end', async () => {
    const { system, clock } = start()
    const reasons: unknown[] = []
    const bob = system.spawn(
      setup<string>(ctx => ({
        receive: message => (message === 'boom' ? boom() : ctx.stop()),
        stopping: reason => void reasons.push(reason)
      }))
    )
    bob.send('boom')
    bob.send('stop')
    await clock.settle()
    expect(reasons).to.have.length(2)
    expect((reasons[0] as { error: Error }).error.message).to.equal('boom')
    expect(reasons[1]).to.deep.equal({ kind: 'done' })
  })

  it('turns from restarting to stopping when it is stopped meanwhile, with one hook', async () => {
    const { system, clock } = start()
    const reasons: string[] = []
    const bob = system.spawn(
      setup<string>(() => ({
        receive: boom,
        async stopping(reason) {
          reasons.push(reason.kind)
          await new Promise<void>(resolve => void clock.timer(100, resolve))
        }
      }))
    )
    bob.send('boom')
    await clock.settle()
    const stopped = system.stop(bob)
    await clock.advance(100)
    await stopped
    expect(reasons).to.deep.equal(['restart'])
  })

  it('that never gets through its setup is warned about, and can be stopped', async () => {
    const { system, clock, lines } = start()
    const bob = system.spawn(setup<string>(() => new Promise(() => {})))
    const carol = system.spawn(setup<string>(() => new Promise(() => {})))
    await clock.settle()
    await system.stop(carol)
    await clock.advance(20_000)
    expect(lines.map(line => [line.text, line.facts.actor])).to.deep.equal([['setup has not resolved yet', bob.label]])
    await system.stop(bob)
    await clock.settle()
    expect(clock.timers).to.equal(0)
  })

  it('comes back with always, also when the actor stopped itself, but not when it was stopped', async () => {
    const { system, clock } = start()
    let starts = 0
    const bob = system.spawn(
      setup<string>(ctx => {
        starts++
        return { receive: () => ctx.stop() }
      }),
      { restart: 'always' }
    )
    bob.send('a')
    await clock.settle()
    expect(starts).to.equal(2)
    await system.stop(bob)
    expect(starts).to.equal(2)
  })

  it('is over after a stop in its own setup', async () => {
    const { system, clock } = start()
    const bob = system.spawn(
      setup<string>(ctx => {
        ctx.stop()
        return { receive: boom }
      })
    )
    bob.send('never handled')
    await clock.settle()
    expect(await codeOfRejection(bob.ready())).to.equal('ACTOR_STOPPED')
    expect(system.counters).to.deep.include({ delivered: 0, deadLetters: 1 })
  })
})
