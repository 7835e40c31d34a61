// P5 and P7: whoever watches hears once of an end, after all that was said before it; a restart is no end.

import { expect } from 'chai'
import { type ActorRef, type AnyRef, type Behavior, type StopReason, setup } from '../../../runtime/index.ts'
import { type Cases, endFar, failureCode, gate, letters, stuck, until, watch, watcher } from './cast.ts'

type Fate = 'done' | 'throw' | 'reject' | { marks: number; to: ActorRef<{ type: 'mark'; value: unknown }> }

/** Ends as it is told to. */
const mortal = (): Behavior<Fate> =>
  setup<Fate>(ctx => ({
    receive(fate): void | Promise<void> {
      if (fate === 'throw') throw Object.assign(new TypeError('told to fail'), { code: 'TOLD' })
      if (fate === 'reject') return Promise.reject(new RangeError('told to reject'))
      if (fate !== 'done') for (let value = 0; value < fate.marks; value++) fate.to.send({ type: 'mark', value })
      ctx.stop()
    }
  }))

export const watches: Cases = (cast, { remote, trust }) => {
  /** A guest hears that an actor failed and with which code, not what went wrong inside. */
  const failed = (name: string, message: string, code?: string): StopReason => ({
    kind: 'failed',
    error: {
      ...(trust === 'guest' ? { name: 'Error', message: 'the actor failed' } : { name, message }),
      ...(code !== undefined && { code })
    }
  })

  const ends: Array<[string, (ref: ActorRef<Fate>) => unknown, StopReason]> = [
    ["'done' when it stopped itself", ref => ref.send('done'), { kind: 'done' }],
    ["'done' when its system was told to stop it", ref => endFar(cast(), ref), { kind: 'done' }],
    [
      "'failed' with the error's name, message and code when it threw",
      ref => ref.send('throw'),
      failed('TypeError', 'told to fail', 'TOLD')
    ],
    ["'failed' when its promise rejected", ref => ref.send('reject'), failed('RangeError', 'told to reject')]
  ]
  for (const [title, end, reason] of ends) {
    it(`tells a watcher ${title}`, async () => {
      const { near, place, settled } = cast()
      const ref = await place(mortal(), { restart: 'never' })
      const probe = watcher(near)
      await watch(cast(), probe, ref)
      await end(ref)
      await until(() => probe.heard.length > 0, 'the end was heard')
      await settled()
      expect(probe.heard).to.have.length(1)
      expect(probe.heard[0]).to.have.property('ended', ref)
      expect(probe.heard[0]).to.have.deep.property('reason', reason)
    })
  }

  it("tells a watcher 'shutdown' when the parent has stopped", async () => {
    type Raise = { type: 'raise'; replyTo: ActorRef<AnyRef> }
    const { near, place } = cast()
    const parent = await place(
      setup<Raise>(ctx => ({ receive: ({ replyTo }) => void replyTo.send(ctx.spawn(mortal())) }))
    )
    const ref = await parent.ask({ type: 'raise' })
    const probe = watcher(near)
    await watch(cast(), probe, ref)
    await endFar(cast(), parent)
    await until(() => probe.heard.length > 0, 'the end was heard')
    expect(probe.heard).to.deep.equal([{ ended: ref, reason: { kind: 'shutdown' } }])
  })

  it("tells a watcher 'killed' when the actor did not stop in its time", async () => {
    type Raise = { type: 'raise'; replyTo: ActorRef<ActorRef<string>> }
    const { near, place } = cast()
    const { opened, open } = gate()
    const parent = await place(
      setup<Raise>(ctx => ({
        receive: ({ replyTo }) => void replyTo.send(ctx.spawn(stuck<string>([], opened), { shutdown: 20 }))
      }))
    )
    const ref = await parent.ask({ type: 'raise' })
    const probe = watcher(near)
    await watch(cast(), probe, ref)
    ref.send('hang')
    await cast().settled()
    await endFar(cast(), parent)
    await until(() => probe.heard.length > 0, 'the end was heard')
    open()
    expect(probe.heard).to.deep.equal([{ ended: ref, reason: { kind: 'killed' } }])
  })

  it("tells a watcher 'unknown' when the actor is already gone", async () => {
    const { near, place } = cast()
    const ref = await place(mortal())
    await endFar(cast(), ref)
    const probe = watcher(near)
    await watch(cast(), probe, ref)
    await until(() => probe.heard.length > 0, 'the end was heard')
    expect(probe.heard).to.deep.equal([{ ended: ref, reason: { kind: 'unknown' } }])
  })

  it("tells a watcher 'unknown' when there never was such an actor", async () => {
    const { near, far } = cast()
    const ref = near.ref<never>(`actor:${far.id}/0123456789abcdefghijk`)
    const probe = watcher(near)
    await watch(cast(), probe, ref)
    await until(() => probe.heard.length > 0, 'the end was heard')
    expect(probe.heard).to.deep.equal([{ ended: ref, reason: { kind: 'unknown' } }])
  })

  it("tells a watcher 'unreachable' when there is no such system", async () => {
    const { near } = cast()
    const ref = near.ref<never>('actor:BwcHBwcHBwcHBwcHBwcHBw/0123456789abcdefghijk')
    const probe = watcher(near)
    await watch(cast(), probe, ref)
    await until(() => probe.heard.length > 0, 'the end was heard')
    expect(probe.heard).to.deep.equal([{ ended: ref, reason: { kind: 'unreachable' } }])
  })

  it('tells of the end once, however often it was watched', async () => {
    const { near, place, settled } = cast()
    const ref = await place(mortal())
    const probe = watcher(near)
    for (let n = 0; n < 3; n++) await watch(cast(), probe, ref)
    ref.send('done')
    await until(() => probe.heard.length > 0, 'the end was heard')
    await settled()
    expect(probe.heard).to.have.length(1)
  })

  it('tells each of many watchers', async () => {
    const { near, far, place } = cast()
    const ref = await place(mortal())
    const probes = [watcher(near), watcher(near), watcher(far)]
    for (const probe of probes) await watch(cast(), probe, ref)
    ref.send('done')
    await until(() => probes.every(probe => probe.heard.length === 1), 'all three have heard')
  })

  it('tells of the end after everything that the actor sent before it', async () => {
    const { near, place, settled } = cast()
    const ref = await place(mortal())
    const probe = watcher(near)
    await watch(cast(), probe, ref)
    ref.send({ marks: 200, to: probe.ref })
    await until(() => probe.heard.some(entry => 'ended' in entry), 'the end was heard')
    await settled()
    const marks = Array.from({ length: 200 }, (_, mark) => ({ mark }))
    expect(probe.heard).to.deep.equal([...marks, { ended: ref, reason: { kind: 'done' } }])
  })

  it('tells nothing after unwatch', async () => {
    const { near, place, settled } = cast()
    const ref = await place(mortal())
    const probe = watcher(near)
    const other = watcher(near)
    await watch(cast(), probe, ref)
    await watch(cast(), other, ref)
    await probe.ref.ask({ type: 'unwatch', ref })
    ref.send('done')
    await until(() => other.heard.length === 1, 'the other has heard')
    await settled()
    expect(probe.heard).to.deep.equal([])
  })

  it('hears again of what was unwatched and watched anew', async () => {
    const { near, place, settled } = cast()
    const ref = await place(mortal())
    const probe = watcher(near)
    await watch(cast(), probe, ref)
    await probe.ref.ask({ type: 'unwatch', ref })
    await watch(cast(), probe, ref)
    ref.send('done')
    await until(() => probe.heard.length > 0, 'the end was heard')
    await settled()
    expect(probe.heard).to.have.length(1)
  })

  it("gives the end as one of the watcher's own messages", async () => {
    const { near, place } = cast()
    const ref = await place(mortal())
    const heard: string[] = []
    let watched = false
    near.spawn(
      setup<string>(ctx => {
        ctx.watch(ref, reason => `it is ${reason.kind}`)
        watched = true
        return { receive: line => void heard.push(line) }
      })
    )
    await until(() => watched, 'it is watched')
    ref.send('done')
    await until(() => heard.length > 0, 'the end was heard')
    expect(heard).to.deep.equal(['it is done'])
  })

  it('makes no dead letter of the news for a watcher that has ended itself', async () => {
    const { near, far, place, settled } = cast()
    const ref = await place(mortal())
    const probe = watcher(near)
    const other = watcher(near)
    await watch(cast(), probe, ref)
    await watch(cast(), other, ref)
    const found = [letters(near), letters(far)]
    await near.stop(probe.ref)
    ref.send('done')
    await until(() => other.heard.length === 1, 'the other has heard')
    await settled()
    expect(found.flat()).to.deep.equal([])
  })

  it('lets an actor there watch an actor here', async () => {
    const { near, place } = cast()
    const home = near.spawn(mortal())
    const reasons: string[] = []
    const ref = await place(
      setup<{ type: 'watch'; ref: AnyRef; replyTo: ActorRef<true> }>(ctx => ({
        receive(message) {
          ctx.watch(message.ref)
          message.replyTo.send(true)
        },
        stopped: (_ref, reason) => void reasons.push(reason.kind)
      }))
    )
    await ref.ask({ type: 'watch', ref: home })
    home.send('done')
    await until(() => reasons.length > 0, 'the end was heard')
    expect(reasons).to.deep.equal(['done'])
  })

  it('keeps the ref and the waiting mail through a restart, of which watchers hear nothing', async () => {
    type Life = { type: 'crash' } | { type: 'note'; n: number } | { type: 'life'; replyTo: ActorRef<number[]> }
    const { near, far, place } = cast()
    let lives = 0
    const seen: number[][] = []
    const ref = await place(
      setup<Life>(() => {
        const life = ++lives
        return {
          receive(message) {
            if (message.type === 'crash') throw new Error('told to fail')
            if (message.type === 'note') seen.push([life, message.n])
            else message.replyTo.send([life])
          }
        }
      })
    )
    const probe = watcher(near)
    await watch(cast(), probe, ref)
    const found = letters(far)
    ref.send({ type: 'note', n: 0 })
    ref.send({ type: 'crash' })
    ref.send({ type: 'note', n: 1 })
    ref.send({ type: 'note', n: 2 })
    expect(await ref.ask({ type: 'life' })).to.deep.equal([2])
    expect(seen).to.deep.equal([
      [1, 0],
      [2, 1],
      [2, 2]
    ])
    expect(probe.heard).to.deep.equal([])
    expect(found.map(({ reason, message }) => ({ reason, message }))).to.deep.equal([
      { reason: 'crashed', message: { type: 'crash' } }
    ])
    expect(found[0]?.error).to.have.property('message', 'told to fail')
  })

  it("ends 'failed' when it failed too often, and questions that wait fail with it", async () => {
    const { near, place } = cast()
    const ref = await place(
      setup<{ type: 'ask'; replyTo: ActorRef<number> } | 'crash'>(() => ({
        receive() {
          throw new Error('always')
        }
      })),
      { limit: { restarts: 2, within: 5000 } }
    )
    const probe = watcher(near)
    await watch(cast(), probe, ref)
    for (let n = 0; n < 3; n++) ref.send('crash')
    expect(await failureCode(ref.ask({ type: 'ask' }))).to.equal('ACTOR_STOPPED')
    await until(() => probe.heard.length > 0, 'the end was heard')
    expect(probe.heard).to.have.deep.nested.property('[0].reason', failed('Error', 'always'))
  })

  if (remote) {
    it("tells watchers 'shutdown' when the system of the actor shuts down", async () => {
      const { near, far, place } = cast()
      const ref = await place(mortal())
      const probe = watcher(near)
      await watch(cast(), probe, ref)
      await far.shutdown()
      await until(() => probe.heard.length > 0, 'the end was heard')
      expect(probe.heard).to.deep.equal([{ ended: ref, reason: { kind: 'shutdown' } }])
    })
  }
}
