import { expect } from 'chai'
import { type ActorName, type ActorRef, type ActorSystem, actorName } from '../../runtime/index.ts'
import { failureCode, noting, until } from '../suites/any-ref/cast.ts'
import { attack, Desk, Open, type Stage } from './stage.ts'

type Ask = ActorRef<object>
/** The registry of the hub, for words that no honest system says. */
const registryOf = (mallory: ActorSystem, { hub }: Stage): Ask => mallory.ref(`actor:${hub.id}/registry`)
const own = (system: ActorSystem): ActorRef<unknown> => system.spawn(noting<unknown>([]))
const named = <M = unknown>(name: string): ActorName<M> => ({ name }) as ActorName<M>
const answer = (registry: Ask, word: object): Promise<unknown> =>
  registry.ask<unknown>(replyTo => ({ ...word, replyTo }), { within: 3_000 }).catch(({ code }) => code)

describe('a guest that wants a name', () => {
  const yes = { authorize: () => true }
  const squats: Array<[title: string, name: string]> = [
    ['of the house', 'system'],
    ['that is a path', '../desk'],
    ['of the good guest, in other letters', 'd\u0435sk'],
    ['of the good guest, in capitals', 'DESK'],
    ['of the good guest, with a space', 'desk '],
    ['of the good guest, with nothing behind it', 'desk\u200b'],
    ['of the good guest, composed otherwise', 'de\u0301sk'],
    ['that every object has', '__proto__'],
    ['that every object has, too', 'constructor'],
    ['that is empty', ''],
    ['with a zero', '\0desk'],
    ['of ten kilobytes', 'x'.repeat(10_240)],
    ['that reads backwards', '\u202eksed']
  ]
  for (const [title, name] of squats) {
    attack(
      `${title} does not get it, though authorize says yes to everything`,
      async stage => {
        const mallory = await stage.system()
        const registry = registryOf(mallory, stage)
        for (const held of [false, true]) {
          const said = await answer(registry, { type: 'claim', name, ref: own(mallory), held, guest: false })
          expect((said as { code?: string }).code).to.be.oneOf(['ACTOR_FORBIDDEN', 'ACTOR_INVALID'])
        }
        const group = await answer(registry, {
          type: 'join',
          group: name,
          member: { ref: own(mallory), label: 'x', reachable: true, facts: {} }
        })
        expect((group as { code?: string }).code).to.be.oneOf(['ACTOR_FORBIDDEN', 'ACTOR_INVALID'])
        expect(await failureCode(stage.hub.lookup(named(name), { within: 0 }))).to.be.oneOf([
          'ACTOR_NOT_FOUND',
          'ACTOR_INVALID'
        ])
      },
      yes
    )
  }

  attack(
    'that another has hears so, and gets it neither by asking again nor by asserting that it was its own',
    async stage => {
      const mallory = await stage.system()
      const before = await stage.good.lookup(Desk)
      for (let n = 0; n < 50; n++) {
        const word = { type: 'claim', name: 'desk', ref: own(mallory), held: n % 2 === 0 }
        expect(await answer(registryOf(mallory, stage), word)).to.include({ code: 'ACTOR_NAME_TAKEN' })
      }
      expect(await stage.good.lookup(Desk)).to.equal(before)
    },
    yes
  )

  attack(
    'for an actor that is not its own gets no answer',
    async stage => {
      const mallory = await stage.system()
      const registry = registryOf(mallory, stage)
      const victim = own(stage.hub)
      const words = [victim.address, own(stage.good).address].flatMap(address => [
        { type: 'claim', name: 'open', ref: mallory.ref(address), held: true },
        { type: 'release', name: 'open', ref: mallory.ref(address) },
        { type: 'leave', group: 'open', ref: mallory.ref(address) }
      ])
      const answers = await Promise.all(
        words.map(word =>
          registry.ask<unknown>(replyTo => ({ ...word, replyTo }), { within: 300 }).catch(({ code }) => code)
        )
      )
      expect(new Set(answers)).to.deep.equal(new Set(['ACTOR_ASK_TIMEOUT']))
    },
    yes
  )

  const policies: Array<[title: string, policy: () => boolean | Promise<boolean>]> = [
    ['throws', () => { throw new Error('a secret of the house') }], // biome-ignore format: one line says it
    ['rejects', () => Promise.reject(new Error('a secret of the house'))],
    ['answers with text', () => 'yes' as unknown as boolean],
    ['answers with a promise of text', () => Promise.resolve('yes' as unknown as boolean)]
  ]
  for (const [title, policy] of policies) {
    attack(
      `does not get it where authorize ${title}, nor hears why`,
      async stage => {
        const mallory = await stage.system()
        const said = await answer(registryOf(mallory, stage), {
          type: 'claim',
          name: 'open',
          ref: own(mallory),
          held: false
        })
        expect(said).to.include({ code: 'ACTOR_FORBIDDEN' })
        expect(JSON.stringify(said)).to.not.include('secret of the house')
        expect(await failureCode(mallory.lookup(Open, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
      },
      { authorize: principal => principal === 'good' || policy() }
    )
  }
})

describe('a guest that wants to know which names there are', () => {
  attack(
    'hears the same of those that there are not and those that it may not know, at once and after a wait',
    async stage => {
      stage.hub.spawn(noting<unknown>([]), { name: actorName<unknown>('vault') })
      const mallory = await stage.system()
      const registry = registryOf(mallory, stage)
      for (const name of ['vault', 'nothing', '__proto__', 'toString', 'registry']) {
        expect(await answer(registry, { type: 'lookup', name, wait: false }), name).to.deep.equal({ ok: undefined })
        expect(await answer(registry, { type: 'lookup', name, wait: false, hidden: false, here: true })).to.deep.equal({
          ok: undefined
        })
        const waited = registry.ask<unknown>(replyTo => ({ type: 'lookup', name, wait: true, replyTo }), {
          within: 100
        })
        expect(await failureCode(waited), name).to.equal('ACTOR_ASK_TIMEOUT')
      }
    }
  )

  attack('and says to the registry what is none of its words, has them dropped', async stage => {
    const mallory = await stage.system()
    const registry = registryOf(mallory, stage)
    const ref = own(mallory)
    for (const word of [
      null,
      0,
      'lookup',
      [],
      {},
      { type: 'stop' },
      { type: 'toString' },
      { type: '__proto__' },
      { type: ['claim'] },
      { type: 'claim' },
      { type: 'claim', name: {}, ref },
      { type: 'lookup', name: ['open'], replyTo: ref },
      { type: 'join', group: 'open', member: null, replyTo: ref },
      { type: 'subscribe', group: 'open', to: 'x' },
      { type: 'unsubscribe', group: 'nobody', to: ref },
      { type: 'reach', peer: stage.good.id, reachable: false },
      { type: 'named', name: 'desk' },
      { type: 'above' },
      { type: 'of age' },
      { type: 'outlived' }
    ]) {
      // biome-ignore format: a list
      registry.send(word as object)
    }
    await stage.served()
    expect(await stage.good.lookup(Desk, { within: 0 })).to.equal(await stage.good.lookup(Desk))
    expect(await mallory.lookup(Open)).to.have.property('send')
  })
})

describe('a guest that fills the registry', () => {
  attack('with lookups that wait leaves room for those of others, and nothing behind', async stage => {
    const mallory = await stage.system()
    const registry = registryOf(mallory, stage)
    const replyTo = own(mallory)
    let sent = 0
    for (let n = 0; n < 120_000; n++) {
      if (registry.send({ type: 'lookup', name: `nothing ${n}`, wait: true, replyTo })) sent += 1
      else await registry.ready({ within: 8_000 })
      if (n % 5_000 === 0) await stage.served()
    }
    expect(sent).to.be.greaterThan(100_000)
    const Late = actorName<unknown>('open')
    await stage.hub.stop(stage.open)
    const waiting = stage.good.lookup(Late, { within: 8_000 })
    await stage.served()
    stage.hub.spawn(noting<unknown>([]), { name: Late })
    expect(await waiting).to.have.property('send')
  }).timeout(40_000)

  attack('with questions has so many open, and the next hears ACTOR_NO_ROOM', async stage => {
    const mallory = await stage.system()
    const registry = registryOf(mallory, stage)
    const asked = Array.from({ length: 200 }, (_, n) =>
      registry
        .ask<unknown>(replyTo => ({ type: 'lookup', name: `nothing ${n}`, wait: true, replyTo }), { within: 500 })
        .catch(({ code }) => code)
    )
    const codes = await Promise.all(asked)
    expect(codes.filter(code => code === 'ACTOR_NO_ROOM')).to.have.length(200 - 64)
  })

  attack('with members and followers is in so many places, and not in more', async stage => {
    const mallory = await stage.system()
    let members = 0
    stage.good.members(Open, now => {
      members = now.size
    })
    const joined = await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const codes: unknown[] = []
        for (let k = 0; k < 5; k++) {
          codes.push(await mallory.join(Open, own(mallory), { n }).then(() => 'in', ({ code }) => code)) // biome-ignore format: one line says it
        }
        return codes
      })
    )
    const codes = joined.flat()
    expect(codes.filter(code => code === 'in').length).to.be.at.most(256)
    expect(codes).to.include('ACTOR_NO_ROOM')
    await mallory.shutdown({ within: 50 })
    await until(() => members === 0, 'all are gone with it')
  }).timeout(20_000)
})
