import { expect } from 'chai'
import { type ActorRef, type Context, receive, type StopReason, setup } from 'whereabouts/core'
import { probe } from '../../../runtime/testing/probe.ts'
import { codeOfThrow, inBothModes } from './machine.ts'

const idle = () => receive(0, (n: number) => n)

inBothModes('watch', start => {
  it('gives one notice, after everything that the actor sent before it ended', async () => {
    const { system, clock } = start()
    const alice = probe<string>(system)
    const bob = system.spawn(
      setup<string>(ctx => ({
        receive() {
          for (const word of ['so', 'long', 'farewell']) alice.ref.send(word)
          ctx.stop()
        }
      }))
    )
    await alice.watch(bob)
    await alice.watch(bob)
    bob.send('go')
    expect(await alice.take(4)).to.deep.equal(['so', 'long', 'farewell', { stopped: bob, reason: { kind: 'done' } }])
    await clock.settle()
    expect(alice.received).to.deep.equal([])
  })

  it('of an actor that is gone already gives unknown, at once', async () => {
    const { system } = start()
    const bob = system.spawn(idle())
    await system.stop(bob)
    const alice = probe<never>(system)
    const nobody = system.ref<never>(`actor:${system.id}/nobody`)
    await alice.watch(bob)
    await alice.watch(nobody)
    expect(await alice.take(2)).to.deep.equal([
      { stopped: bob, reason: { kind: 'unknown' } },
      { stopped: nobody, reason: { kind: 'unknown' } }
    ])
  })

  it('of an actor elsewhere gives unreachable where there is no network', async () => {
    const { system } = start()
    const alice = probe<never>(system)
    const far = system.ref<never>('actor:elsewhere/someone')
    await alice.watch(far)
    expect(await alice.next()).to.deep.equal({ stopped: far, reason: { kind: 'unreachable' } })
  })

  it('tells done, shutdown, killed and failed apart', async () => {
    const { system, clock } = start()
    const alice = probe<never>(system)
    const reasons = async (ref: ActorRef<never>, act: () => void, wait = 0) => {
      await clock.settle()
      await alice.watch(ref)
      act()
      await clock.advance(wait)
      const heard = (await alice.next()) as { reason: StopReason }
      return heard.reason.kind
    }
    const asked = system.spawn(idle())
    expect(await reasons(asked, () => void system.stop(asked))).to.equal('done')
    const failing = system.spawn(
      setup<string>(() => ({
        receive() {
          throw new Error('boom')
        }
      })),
      { restart: 'never' }
    )
    expect(await reasons(failing, () => failing.send('x'))).to.equal('failed')
    const children: Array<ActorRef<never>> = []
    const family = (child: () => void | Promise<void>) =>
      setup<never>(ctx => {
        children.push(ctx.spawn(setup<never>(() => ({ receive: () => {}, stopping: child }))))
        return { receive: () => {} }
      })
    const gentle = system.spawn(family(() => {}))
    await clock.settle()
    expect(await reasons(children[0] as never, () => void system.stop(gentle))).to.equal('shutdown')
    // Its own hook gets five seconds, and ends just when its parent's patience does.
    const grim = system.spawn(
      setup<never>(ctx => {
        children.push(ctx.spawn(family(() => new Promise(() => {}))))
        return { receive: () => {} }
      })
    )
    await clock.settle()
    expect(await reasons(children[1] as never, () => void system.stop(grim), 10_000)).to.equal('killed')
  })

  it('can be heard as a message, whose last form counts', async () => {
    const { system, clock } = start()
    const got: string[] = []
    const bob = system.spawn(idle())
    system.spawn(
      receive(
        () => 0,
        (n: number, message: string) => {
          got.push(message)
          return n
        }
      )
    )
    const alice = system.spawn(
      setup<string>(ctx => ({
        receive(message) {
          if (message === 'watch') {
            ctx.watch(bob)
            ctx.watch(bob, reason => `bob is ${reason.kind}`)
          } else got.push(message)
        }
      }))
    )
    alice.send('watch')
    await clock.settle()
    await system.stop(bob)
    await clock.settle()
    expect(got).to.deep.equal(['bob is done'])
  })

  it('taken back is not heard, also when the notice is on its way', async () => {
    const { system, clock } = start()
    const heard: string[] = []
    let context: Context<string> | undefined
    const bob = system.spawn(idle())
    const carol = system.spawn(idle())
    const alice = system.spawn(
      setup<string>(ctx => {
        context = ctx
        ctx.watch(bob)
        ctx.watch(carol)
        return {
          async receive() {
            await new Promise<void>(resolve => void clock.timer(100, resolve))
            ctx.unwatch(bob)
          },
          stopped: ref => void heard.push(ref.label)
        }
      })
    )
    alice.send('wait')
    await clock.settle()
    context?.unwatch(carol)
    await system.stop(bob)
    await system.stop(carol)
    await clock.advance(100)
    expect(heard).to.deep.equal([])
  })

  it('refuses what is no ref', async () => {
    const { system, clock } = start()
    let code: unknown
    system.spawn(
      setup<never>(ctx => {
        code = codeOfThrow(() => ctx.watch({} as never))
        return { receive: () => {} }
      })
    )
    await clock.settle()
    expect(code).to.equal('ACTOR_BAD_OPTION')
  })

  it('finds the name free when it hears', async () => {
    const { system, clock } = start()
    const { actorName } = await import('whereabouts/core')
    const Bob = actorName<never>('bob')
    const bob = system.spawn(idle(), { name: Bob })
    expect(system.find(Bob)).to.equal(bob)
    expect(bob.label).to.equal('bob')
    expect(codeOfThrow(() => system.spawn(idle(), { name: Bob }))).to.equal('ACTOR_NAME_TAKEN')
    let successor: ActorRef<never> | undefined
    system.spawn(
      setup<never>(ctx => {
        ctx.watch(bob)
        return {
          receive: () => {},
          stopped() {
            successor = system.spawn(idle(), { name: Bob })
          }
        }
      })
    )
    await clock.settle()
    await system.stop(bob)
    await clock.settle()
    expect(system.find(Bob)).to.equal(successor)
    expect(successor).to.not.equal(bob)
  })
})
