import { expect } from 'chai'
import {
  type ActorRef,
  type ActorSystem,
  type AnyRef,
  type Context,
  createSystem,
  type Directive,
  setup
} from '../../../runtime/core.ts'
import { failureCode, gate, turn, until, watcher } from '../../suites/any-ref/cast.ts'
import { type HandClock, handClock } from '../../support/hand-clock.ts'
import { quiet } from '../../support/quiet.ts'

type Child = { type: 'fail' } | { type: 'life'; replyTo: ActorRef<number> }

describe('children that restart together', () => {
  let system: ActorSystem
  let clock: HandClock
  let log: string[]
  /** What the `stopping` hooks of these children wait for. */
  let hooks: Map<string, Promise<void>>

  beforeEach(() => {
    clock = handClock()
    system = createSystem({ clock, logger: quiet })
    log = []
    hooks = new Map()
  })

  afterEach(async () => {
    const ended = system.shutdown({ within: 0 })
    for (let n = 0; n < 5; n++) await turn()
    clock.advance(60_000)
    await ended
  })

  const child = (id: string, starts?: () => Promise<void>) => {
    let lives = 0
    return setup<Child>(async () => {
      const life = ++lives
      log.push(`start ${id}`)
      if (starts !== undefined) await starts()
      return {
        receive(message) {
          if (message.type === 'fail') throw new Error(`${id} failed`)
          message.replyTo.send(life)
        },
        async stopping() {
          log.push(`stop ${id}`)
          await hooks.get(id)
          log.push(`stopped ${id}`)
        }
      }
    })
  }

  /** A parent of a, b and c that is told what to do with them. */
  const parent = async (options?: {
    failed?: (ctx: Context<Run>, refs: AnyRef[], ref: AnyRef) => Directive
    starts?: () => Promise<void>
    backoff?: { min: number; max: number; jitter: number }
  }) => {
    let refs: ActorRef<Child>[] = []
    const ref = system.spawn(
      setup<Run>(ctx => {
        refs = ['a', 'b', 'c'].map(id =>
          ctx.spawn(child(id, options?.starts), options?.backoff === undefined ? {} : { backoff: options.backoff })
        )
        return {
          receive: run => run(ctx),
          ...(options?.failed !== undefined && {
            failed: (failed: AnyRef) => options.failed?.(ctx, refs, failed) ?? 'stop'
          })
        }
      })
    )
    await until(() => log.length === 3, 'all have started')
    await turn()
    log.length = 0
    return { ref, refs }
  }
  type Run = (ctx: Context<Run>) => void

  const stopsAndStarts = [
    ...['stop c', 'stopped c', 'stop b', 'stopped b', 'stop a', 'stopped a'],
    ...['start a', 'start b', 'start c']
  ]

  it('stop one after the other, the youngest first, and start, the oldest first, whatever order they are named in', async () => {
    const { ref, refs } = await parent()
    const [a, b, c] = refs as [ActorRef<Child>, ActorRef<Child>, ActorRef<Child>]
    const { opened, open } = gate()
    hooks.set('b', opened)
    ref.send(ctx => ctx.restart(b, c, a))
    await until(() => log.includes('stop b'), 'b is stopping')
    await turn()
    expect(log).to.deep.equal(['stop c', 'stopped c', 'stop b'])
    open()
    await until(() => log.length === 9, 'all are back')
    expect(log).to.deep.equal(stopsAndStarts)
    for (const each of refs) expect(await each.ask({ type: 'life' })).to.equal(2)
  })

  it('keep their mail while they wait', async () => {
    const { ref, refs } = await parent()
    const { opened, open } = gate()
    hooks.set('a', opened)
    ref.send(ctx => ctx.restart(refs[0] as AnyRef, refs[2] as AnyRef))
    await until(() => log.includes('stop a'), 'a is stopping')
    const life = refs[2]?.ask({ type: 'life' })
    await turn()
    open()
    expect(await life).to.equal(2)
    expect(log.filter(line => line.endsWith('b'))).to.deep.equal([])
  })

  it('take the one along that failed, whose directive then says no more', async () => {
    const { refs } = await parent({
      failed: (ctx, all) => {
        ctx.restart(...(all as [AnyRef]))
        return 'stop'
      }
    })
    refs[1]?.send({ type: 'fail' })
    await until(() => log.length === 9, 'all are back')
    expect(log).to.deep.equal(stopsAndStarts)
    expect(await refs[1]?.ask({ type: 'life' })).to.equal(2)
  })

  it('ask nobody about one that fails meanwhile', async () => {
    const asked: AnyRef[] = []
    const { ref, refs } = await parent({
      failed: (_ctx, _all, failed) => {
        asked.push(failed)
        return 'stop'
      }
    })
    const { opened, open } = gate()
    hooks.set('c', opened)
    ref.send(ctx => ctx.restart(refs[0] as AnyRef, refs[1] as AnyRef, refs[2] as AnyRef))
    await until(() => log.includes('stop c'), 'c is stopping')
    refs[0]?.send({ type: 'fail' })
    await turn()
    open()
    await until(() => log.length === 9, 'all are back')
    expect(asked).to.deep.equal([])
    expect(await refs[0]?.ask({ type: 'life' })).to.equal(2)
  })

  it('go on without one that is stopped meanwhile', async () => {
    const { ref, refs } = await parent()
    const probe = watcher(system)
    await probe.ref.ask({ type: 'watch', ref: refs[2] as AnyRef })
    const { opened, open } = gate()
    hooks.set('b', opened)
    ref.send(ctx => ctx.restart(refs[0] as AnyRef, refs[1] as AnyRef, refs[2] as AnyRef))
    await until(() => log.includes('stop b'), 'c is held, b is stopping')
    ref.send(ctx => ctx.stop(refs[2] as AnyRef))
    await until(() => probe.heard.length > 0, 'c has ended')
    open()
    await until(() => log.includes('start b'), 'both are back')
    expect(await refs[0]?.ask({ type: 'life' })).to.equal(2)
    expect(await refs[1]?.ask({ type: 'life' })).to.equal(2)
    expect(await failureCode(refs[2]?.ask({ type: 'life' }) as Promise<number>)).to.equal('ACTOR_STOPPED')
    expect(log).to.not.include('start c')
  })

  it('take in others while they wait', async () => {
    const { ref, refs } = await parent()
    const { opened, open } = gate()
    hooks.set('b', opened)
    ref.send(ctx => ctx.restart(refs[1] as AnyRef, refs[2] as AnyRef))
    await until(() => log.includes('stop b'), 'b is stopping')
    ref.send(ctx => ctx.restart(refs[0] as AnyRef, refs[1] as AnyRef, refs[2] as AnyRef))
    await turn()
    open()
    await until(() => log.length === 9, 'all are back')
    expect(log).to.deep.equal(stopsAndStarts)
  })

  it('do not wait for the backoff of one of them', async () => {
    const { ref, refs } = await parent({ backoff: { min: 1000, max: 1000, jitter: 0 } })
    refs[0]?.send({ type: 'fail' })
    await until(() => log.includes('stopped a'), 'a waits')
    await turn()
    expect(log).to.not.include('start a')
    ref.send(ctx => ctx.restart(refs[0] as AnyRef, refs[1] as AnyRef))
    expect(await refs[0]?.ask({ type: 'life' })).to.equal(2)
    expect(await refs[1]?.ask({ type: 'life' })).to.equal(2)
    clock.advance(2000)
    expect(await refs[0]?.ask({ type: 'life' })).to.equal(2)
  })

  it('end with a parent that stops meanwhile', async () => {
    const { ref, refs } = await parent()
    const { opened, open } = gate()
    hooks.set('b', opened)
    ref.send(ctx => ctx.restart(refs[0] as AnyRef, refs[1] as AnyRef, refs[2] as AnyRef))
    await until(() => log.includes('stop b'), 'c is held, b is stopping')
    const ending = system.stop(ref)
    await turn()
    open()
    await ending
    expect(log.filter(line => line.startsWith('start'))).to.deep.equal([])
    for (const each of refs) {
      expect(await failureCode(each.ask({ type: 'life' }))).to.equal('ACTOR_STOPPED')
    }
  })

  it('end with a parent that fails meanwhile, and others come in their place', async () => {
    const { ref, refs } = await parent()
    const { opened, open } = gate()
    hooks.set('b', opened)
    ref.send(ctx => ctx.restart(refs[0] as AnyRef, refs[1] as AnyRef, refs[2] as AnyRef))
    await until(() => log.includes('stop b'), 'c is held, b is stopping')
    ref.send(() => {
      throw new Error('the parent failed')
    })
    await turn()
    open()
    await until(() => log.filter(line => line.startsWith('start')).length === 3, 'new ones have started')
    for (const each of refs) expect(await failureCode(each.ask({ type: 'life' }))).to.equal('ACTOR_STOPPED')
  })

  it('are all children of the one who restarts them', async () => {
    const { ref, refs } = await parent()
    const stranger = system.spawn(child('stranger'))
    const thrown: unknown[] = []
    ref.send(ctx => {
      try {
        ctx.restart(refs[0] as AnyRef, stranger)
      } catch (error) {
        thrown.push(error)
      }
    })
    await until(() => thrown.length > 0, 'it was refused')
    expect(thrown[0]).to.have.property('code', 'ACTOR_FORBIDDEN')
    expect(await refs[0]?.ask({ type: 'life' })).to.equal(1)
  })
})
