import { expect } from 'chai'
import { type ActorRef, type ActorSystem, type AnyRef, createSystem, setup } from '../../../runtime/core.ts'
import { until } from '../../suites/any-ref/cast.ts'
import { quiet } from '../../support/quiet.ts'

describe('the order of children', () => {
  let system: ActorSystem
  let log: string[]

  beforeEach(() => {
    system = createSystem({ logger: quiet })
    log = []
  })

  afterEach(() => system.shutdown())

  const named = (name: string) => setup<string>(() => ({ receive: () => {}, stopping: () => void log.push(name) }))

  it('is that of their start, and they stop in reverse', async () => {
    const parent = system.spawn(
      setup<string>(ctx => {
        for (const name of ['a', 'b', 'c']) ctx.spawn(named(name))
        return { receive: () => void log.push('ready') }
      })
    )
    parent.send('ready?')
    await until(() => log.length === 1, 'all have started')
    await system.stop(parent)
    expect(log).to.deep.equal(['ready', 'c', 'b', 'a'])
  })

  it('has one that is spawned before another in its place', async () => {
    let refs: ActorRef<string>[] = []
    const parent = system.spawn(
      setup<string>(ctx => {
        const b = ctx.spawn(named('b'))
        const d = ctx.spawn(named('d'))
        refs = [b, d, ctx.spawn(named('a'), { before: b }), ctx.spawn(named('c'), { before: d }), ctx.spawn(named('e'))]
        return { receive: () => void log.push('ready') }
      })
    )
    parent.send('ready?')
    await until(() => log.length === 1, 'all have started')
    expect(refs).to.have.length(5)
    await system.stop(parent)
    expect(log).to.deep.equal(['ready', 'e', 'd', 'c', 'b', 'a'])
  })

  it('has no place before a stranger, an actor that has ended, or what is no actor', async () => {
    const stranger = system.spawn(named('stranger'))
    const codes: unknown[] = []
    const parent = system.spawn(
      setup<AnyRef>(ctx => ({
        receive(before) {
          try {
            ctx.spawn(named('child'), { before })
            codes.push(undefined)
          } catch (error) {
            codes.push((error as { code: unknown }).code)
          }
        }
      }))
    )
    const ended = system.spawn(named('ended'))
    await system.stop(ended)
    for (const before of [stranger, ended, parent, 'a' as never]) parent.send(before)
    await until(() => codes.length === 4, 'all were tried')
    expect(new Set(codes)).to.deep.equal(new Set(['ACTOR_BAD_OPTION']))
  })
})
