// Refs are values: they travel in messages, come home as what they were, and may be passed on.

import { expect } from 'chai'
import { type ActorRef, type AnyRef, setup } from '../../../runtime/index.ts'
import {
  allLetters,
  type Cases,
  type Echo,
  echo,
  endFar,
  expectNumbered,
  failureCode,
  noting,
  turn,
  until,
  watch,
  watcher
} from './cast.ts'

type Keep =
  | { type: 'keep'; ref: AnyRef }
  | { type: 'kept'; replyTo: ActorRef<AnyRef | undefined> }
  | { type: 'is'; ref: AnyRef; replyTo: ActorRef<boolean> }

/** Keeps a ref and gives it back. */
const keeper = () =>
  setup<Keep>(ctx => {
    let kept: AnyRef | undefined
    return {
      receive(message) {
        if (message.type === 'keep') kept = message.ref
        else if (message.type === 'kept') message.replyTo.send(kept)
        else message.replyTo.send(message.ref === ctx.self)
      }
    }
  })

export const refs: Cases = (cast, { remote }) => {
  it('takes messages through a ref that came in a message', async () => {
    const { near, place } = cast()
    const seen: string[] = []
    const home = near.spawn(noting(seen))
    const ref = await place(
      setup<{ to: ActorRef<string>; line: string }>(() => ({ receive: ({ to, line }) => void to.send(line) }))
    )
    ref.send({ to: home, line: 'hello' })
    await until(() => seen.length > 0, 'the greeting has come')
    expect(seen).to.deep.equal(['hello'])
  })

  it('finds refs at any depth: in objects, arrays, maps as key and value, and sets', async () => {
    type Deep = {
      one: { two: ActorRef<string> }
      list: [number, ActorRef<string>[]]
      map: Map<string, { ref: ActorRef<string> }>
      keys: Map<ActorRef<string>, number>
      set: Set<ActorRef<string>>
    }
    const { near, place } = cast()
    const seen: string[] = []
    const home = near.spawn(noting(seen))
    const ref = await place(
      setup<Deep>(() => ({
        receive({ one, list, map, keys, set }) {
          one.two.send('object')
          list[1][0]?.send('array')
          map.get('a')?.ref.send('map')
          for (const [key, n] of keys) key.send(`key ${n}`)
          for (const member of set) member.send('set')
        }
      }))
    )
    ref.send({
      one: { two: home },
      list: [1, [home]],
      map: new Map([['a', { ref: home }]]),
      keys: new Map([[home, 1]]),
      set: new Set([home])
    })
    await until(() => seen.length >= 5, 'all five have come')
    expect(seen).to.deep.equal(['object', 'array', 'map', 'key 1', 'set'])
  })

  it('gives a ref that comes home as the very one that left', async () => {
    const { near, place } = cast()
    const home = near.spawn(noting<string>([]))
    const ref = await place(keeper())
    ref.send({ type: 'keep', ref: home })
    expect(await ref.ask({ type: 'kept' })).to.equal(home)
    expect(await ref.ask({ type: 'is', ref })).to.equal(true)
  })

  it('gives one ref for one address', async () => {
    const { near, far, place } = cast()
    const other = far.spawn(noting<string>([]))
    const ref = await place(
      setup<{ type: 'who'; replyTo: ActorRef<AnyRef[]> }>(() => ({
        receive: ({ replyTo }) => void replyTo.send([other, other])
      }))
    )
    const [first, second] = await ref.ask({ type: 'who' })
    const [third] = await ref.ask({ type: 'who' })
    expect(first).to.equal(second)
    expect(first).to.equal(third)
    expect(near.ref(other.address)).to.equal(first)
  })

  it('revives a ref from its address, and from JSON', async () => {
    const { near, far, place } = cast()
    const home = near.spawn(noting<string>([]))
    const ref = await place(echo())
    expect(near.ref(ref.address)).to.equal(ref)
    expect(near.ref(home.address)).to.equal(home)
    const stored = JSON.parse(JSON.stringify({ ref })) as { ref: { $ref: string } }
    const revived = near.ref<Echo>(stored.ref.$ref)
    expect(revived).to.equal(ref)
    expect(await revived.ask({ type: 'echo', value: 1 })).to.equal(1)
    expect(far.ref(home.address).address).to.equal(home.address)
  })

  it('introduces two actors that did not know each other', async () => {
    type Meet = { type: 'meet'; peer: ActorRef<Meet> } | { type: 'hello'; from: ActorRef<Meet>; turns: number }
    const { near, place } = cast()
    const said: number[] = []
    const social = () =>
      setup<Meet>(ctx => ({
        receive(message) {
          if (message.type === 'meet') message.peer.send({ type: 'hello', from: ctx.self, turns: 0 })
          else {
            said.push(message.turns)
            if (message.turns < 9) message.from.send({ type: 'hello', from: ctx.self, turns: message.turns + 1 })
          }
        }
      }))
    const first = await place(social())
    const second = await place(social())
    const third = near.spawn(social())
    first.send({ type: 'meet', peer: second })
    await until(() => said.length === 10, 'ten turns were taken')
    second.send({ type: 'meet', peer: third })
    await until(() => said.length === 20, 'ten more were taken')
    expectNumbered(said.slice(10), 10)
  })

  it('watches a ref that came in a message', async () => {
    const { near, far, place } = cast()
    const other = far.spawn(setup<string>(ctx => ({ receive: () => ctx.stop() })))
    const ref = await place(
      setup<{ type: 'who'; replyTo: ActorRef<ActorRef<string>> }>(() => ({
        receive: ({ replyTo }) => void replyTo.send(other)
      }))
    )
    const found = await ref.ask({ type: 'who' })
    const probe = watcher(near)
    await watch(cast(), probe, found)
    found.send('end')
    await until(() => probe.heard.length > 0, 'the end was heard')
    expect(probe.heard).to.deep.equal([{ ended: found, reason: { kind: 'done' } }])
  })

  it('carries 1,000 refs in one message', async () => {
    const { near, place } = cast()
    const seen: number[] = []
    const homes = Array.from({ length: 1000 }, () => near.spawn(noting(seen)))
    const ref = await place(
      setup<{ type: 'count'; refs: ActorRef<number>[]; replyTo: ActorRef<ActorRef<number>[]> }>(() => ({
        async receive({ refs: all, replyTo }) {
          for (const [index, one] of all.entries()) {
            one.send(index)
            if (index % 100 === 99) await turn()
          }
          replyTo.send(all)
        }
      }))
    )
    const back = await ref.ask({ type: 'count', refs: homes })
    await until(() => seen.length === 1000, 'each has heard')
    expect(back.length).to.equal(1000)
    expect(back.findIndex((one, index) => one !== homes[index])).to.equal(-1)
    expect([...seen].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 1000 }, (_, n) => n))
  })

  it('maps foreign messages through an adapter, and filters', async () => {
    const { near, place } = cast()
    const heard: string[] = []
    const ref = await place(
      setup<{ to: ActorRef<number> }>(() => ({
        receive({ to }) {
          for (let n = 0; n < 6; n++) to.send(n)
        }
      }))
    )
    near.spawn(
      setup<string>(ctx => {
        ref.send({ to: ctx.adapt((n: number) => (n % 2 === 0 ? `even ${n}` : undefined)) })
        return { receive: line => void heard.push(line) }
      })
    )
    await until(() => heard.length >= 3, 'three have come')
    expect(heard).to.deep.equal(['even 0', 'even 2', 'even 4'])
  })

  it('ends an adapter with its signal', async () => {
    const { near, place } = cast()
    const heard: number[] = []
    const ref = await place(
      setup<{ to: ActorRef<number>; n: number }>(() => ({ receive: ({ to, n }) => void to.send(n) }))
    )
    const controller = new AbortController()
    let adapter: ActorRef<number> | undefined
    near.spawn(
      setup<number>(ctx => {
        adapter = ctx.adapt((n: number) => n, { signal: controller.signal })
        return { receive: n => void heard.push(n) }
      })
    )
    await until(() => adapter !== undefined, 'it has started')
    const to = adapter as ActorRef<number>
    ref.send({ to, n: 1 })
    await until(() => heard.length === 1, 'one has come')
    const found = allLetters(cast())
    controller.abort()
    ref.send({ to, n: 2 })
    await until(() => found.length > 0, 'the second is a dead letter')
    expect(heard).to.deep.equal([1])
    expect(found.map(letter => letter.reason)).to.deep.equal(['no-actor'])
  })

  it('pipes the answer of an actor there, or its failure, into messages here', async () => {
    const { near, place } = cast()
    const ref = await place(echo())
    const heard: unknown[] = []
    const asker = near.spawn(
      setup<{ ask: number } | { answer: unknown } | { code: string }>(ctx => ({
        receive(message) {
          if (!('ask' in message)) return void heard.push(message)
          ctx.pipe(
            ref.ask({ type: 'echo', value: message.ask }),
            answer => ({ answer }),
            error => ({ code: (error as { code: string }).code })
          )
        }
      }))
    )
    asker.send({ ask: 1 })
    await until(() => heard.length === 1, 'the answer has come')
    await endFar(cast(), ref)
    asker.send({ ask: 2 })
    await until(() => heard.length === 2, 'the failure has come')
    expect(heard).to.deep.equal([{ answer: 1 }, { code: 'ACTOR_STOPPED' }])
  })

  it('shows labels and no addresses in errors', async () => {
    const { place } = cast()
    const ref = await place(noting<{ type: 'q'; replyTo: ActorRef<number> }>([]))
    const waited = await ref.ask({ type: 'q' }, { within: 20 }).catch((error: unknown) => error as Error)
    await endFar(cast(), ref)
    const stopped = await ref.ask({ type: 'q' }).catch((error: unknown) => error as Error)
    for (const error of [waited, stopped]) {
      expect(error).to.be.an('error')
      expect((error as Error).message).to.include(ref.label)
      expect((error as Error).message).to.not.include(ref.address.slice(ref.address.indexOf('/') + 1))
    }
  })

  if (remote) {
    it('fails with ACTOR_UNREACHABLE where the system of the ref is not known', async () => {
      const ref = cast().near.ref<{ type: 'q'; replyTo: ActorRef<number> }>(
        'actor:BwcHBwcHBwcHBwcHBwcHBw/0123456789abcdefghijk'
      )
      expect(await failureCode(ref.ask({ type: 'q' }))).to.equal('ACTOR_UNREACHABLE')
    })
  }
}
