import { expect } from 'chai'
import {
  type ChildOptions,
  child,
  type SupervisorMessage,
  type SupervisorOptions,
  supervisor
} from '../../actors/supervisor.ts'
import {
  type ActorRef,
  type ActorSystem,
  type AnyRef,
  actorName,
  createSystem,
  receive,
  setup
} from '../../runtime/core.ts'
import { failureCode, gate, letters, turn, until, watcher } from '../suites/any-ref/cast.ts'
import { type HandClock, handClock } from '../support/hand-clock.ts'
import { quiet } from '../support/quiet.ts'

type Work = { type: 'fail' } | { type: 'done' } | { type: 'life'; replyTo: ActorRef<number> } | { type: 'hang' }

for (const copyMessages of [false, true])
  describe(`supervisor${copyMessages ? ', where messages are copied' : ''}`, () => {
    let system: ActorSystem
    let clock: HandClock
    let escalated: unknown[]
    /** Starts and stops of children, as they happen. */
    let log: string[]
    /** What a child that hangs waits for. */
    let hanging: ReturnType<typeof gate>

    beforeEach(() => {
      clock = handClock()
      escalated = []
      log = []
      hanging = gate()
      system = createSystem({
        clock,
        copyMessages,
        logger: quiet,
        escalated: (_ref, error) => void escalated.push(error)
      })
    })

    afterEach(async () => {
      const ended = system.shutdown({ within: 0 })
      for (let n = 0; n < 5; n++) await turn()
      clock.advance(60_000)
      await ended
    })

    const worker = (id: string) => {
      let lives = 0
      return () =>
        setup<Work>(ctx => {
          const life = ++lives
          log.push(`start ${id}`)
          return {
            receive(message): void | Promise<void> {
              switch (message.type) {
                case 'fail':
                  throw new Error(`${id} was told to fail`)
                case 'done':
                  return ctx.stop()
                case 'life':
                  message.replyTo.send(life)
                  return
                case 'hang':
                  return hanging.opened
              }
            },
            stopping: () => void log.push(`stop ${id}`)
          }
        })
    }

    const spec = (id: string, options?: ChildOptions) => child(id, worker(id), options)

    type Family = ActorRef<SupervisorMessage>

    const spawn = (options: SupervisorOptions): Family => system.spawn(supervisor(options), { restart: 'never' })

    const children = async (family: Family) => await family.ask({ type: 'children' })

    const ref = async (family: Family, id: string): Promise<ActorRef<Work>> => {
      const found = (await children(family)).find(each => each.id === id)
      expect(found?.ref, `a ref of '${id}'`).to.not.equal(undefined)
      return found?.ref as unknown as ActorRef<Work>
    }

    const refsOf = async (family: Family): Promise<Array<AnyRef | undefined>> =>
      (await children(family)).map(each => each.ref)

    const logged = async (family: Family, count: number): Promise<string[]> => {
      await until(() => log.length >= count, `there are ${count} starts and stops, not ${log}`, 1000)
      await children(family)
      return log
    }

    describe('starting and stopping', () => {
      it('starts its children in order', async () => {
        const family = spawn({ children: [spec('a'), spec('b'), spec('c')] })
        expect(await logged(family, 3)).to.deep.equal(['start a', 'start b', 'start c'])
        expect((await children(family)).map(({ id, restarts }) => [id, restarts])).to.deep.equal([
          ['a', 0],
          ['b', 0],
          ['c', 0]
        ])
      })

      it('stops them in reverse, each before the next', async () => {
        const family = spawn({ children: [spec('a'), spec('b'), spec('c')] })
        await logged(family, 3)
        log.length = 0
        await system.stop(family)
        expect(log).to.deep.equal(['stop c', 'stop b', 'stop a'])
      })

      it('makes a child with an ActorName known by it', async () => {
        const Counter = actorName<{ type: 'get'; replyTo: ActorRef<number> }>('counter')
        const family = spawn({
          children: [
            child(Counter, () =>
              receive(7, (count: number, message: { type: 'get'; replyTo: ActorRef<number> }) => {
                message.replyTo.send(count)
                return count
              })
            )
          ]
        })
        await children(family)
        expect(await system.find(Counter)?.ask({ type: 'get' })).to.equal(7)
        expect((await children(family))[0]?.id).to.equal('counter')
      })

      for (const [what, make] of [
        ['an unknown strategy', () => supervisor({ strategy: 'all-for-one' as never })],
        ['a limit below 0', () => supervisor({ limit: { restarts: -1, within: 1000 } })],
        ['a limit in no time', () => supervisor({ limit: { restarts: 1, within: 0 } })],
        ['a child without a name', () => child('', worker('a'))],
        ['a child without a start', () => child('a', worker('a')() as never)],
        ['an unknown restart', () => spec('a', { restart: 'transient' as never })],
        ['a shutdown that is no time', () => spec('a', { shutdown: Number.NaN })]
      ] as Array<[string, () => unknown]>) {
        it(`refuses ${what} where it is written`, () => {
          expect(make).to.throw().with.property('code', 'ACTOR_BAD_OPTION')
        })
      }

      it('refuses two children of one id, and what is no child', () => {
        expect(() => supervisor({ children: [spec('a'), spec('a')] }))
          .to.throw()
          .with.property('code', 'ACTOR_NAME_TAKEN')
        expect(() => supervisor({ children: [{ id: 'a' } as never] }))
          .to.throw()
          .with.property('code', 'ACTOR_BAD_OPTION')
      })

      it('leaves a child that does not stop within its time behind, and goes on', async () => {
        const family = spawn({ children: [spec('a'), spec('b', { shutdown: 100 })] })
        const b = await ref(family, 'b')
        const probe = watcher(system)
        await probe.ref.ask({ type: 'watch', ref: b })
        b.send({ type: 'hang' })
        await logged(family, 2)
        const ending = system.stop(family)
        await turn()
        clock.advance(99)
        await turn()
        expect(log).to.deep.equal(['start a', 'start b'])
        clock.advance(2)
        await ending
        expect(log).to.deep.equal(['start a', 'start b', 'stop a'])
        await until(() => probe.heard.length > 0, 'the end was heard')
        expect(probe.heard).to.have.deep.nested.property('[0].reason', { kind: 'killed' })
        hanging.open()
      })
    })

    describe('one-for-one', () => {
      it('restarts the one that failed, in place, and no other', async () => {
        const family = spawn({ children: [spec('a'), spec('b'), spec('c')] })
        const before = await refsOf(family)
        const b = await ref(family, 'b')
        b.send({ type: 'fail' })
        expect(await b.ask({ type: 'life' })).to.equal(2)
        expect(log.slice(3)).to.deep.equal(['stop b', 'start b'])
        expect(await refsOf(family)).to.deep.equal(before)
        expect((await children(family)).map(({ restarts }) => restarts)).to.deep.equal([0, 1, 0])
      })

      it('keeps the waiting mail of the one that failed', async () => {
        const family = spawn({ children: [spec('a')] })
        const a = await ref(family, 'a')
        const found = letters(system)
        a.send({ type: 'fail' })
        const life = a.ask({ type: 'life' })
        a.send({ type: 'fail' })
        expect(await life).to.equal(2)
        expect(await a.ask({ type: 'life' })).to.equal(3)
        expect(found.map(({ reason }) => reason)).to.deep.equal(['crashed', 'crashed'])
      })
    })

    describe('one-for-all', () => {
      it('stops the others in reverse, then starts all in order, each in place', async () => {
        const family = spawn({ strategy: 'one-for-all', children: [spec('a'), spec('b'), spec('c')] })
        const before = await refsOf(family)
        await logged(family, 3)
        log.length = 0
        ;(await ref(family, 'b')).send({ type: 'fail' })
        expect(await logged(family, 6)).to.deep.equal(['stop c', 'stop b', 'stop a', 'start a', 'start b', 'start c'])
        expect(await refsOf(family)).to.deep.equal(before)
        for (const id of ['a', 'b', 'c']) expect(await (await ref(family, id)).ask({ type: 'life' })).to.equal(2)
        expect((await children(family)).map(({ restarts }) => restarts)).to.deep.equal([1, 1, 1])
      })

      it('counts a restart of all as one', async () => {
        const family = spawn({
          strategy: 'one-for-all',
          limit: { restarts: 2, within: 1000 },
          children: [spec('a'), spec('b')]
        })
        const a = await ref(family, 'a')
        for (const life of [2, 3]) {
          a.send({ type: 'fail' })
          expect(await a.ask({ type: 'life' })).to.equal(life)
        }
        expect(escalated).to.deep.equal([])
      })

      it('does not bring back a child that is never restarted', async () => {
        const family = spawn({
          strategy: 'one-for-all',
          children: [spec('a'), spec('b', { restart: 'never' }), spec('c')]
        })
        const a = await ref(family, 'a')
        a.send({ type: 'fail' })
        expect(await a.ask({ type: 'life' })).to.equal(2)
        await until(() => log.includes('stop b'), 'b has stopped')
        await turn()
        expect((await children(family)).map(({ id }) => id)).to.deep.equal(['a', 'c'])
        expect(log.filter(line => line === 'start b')).to.have.length(1)
      })

      it('starts a child again that was done', async () => {
        const family = spawn({ strategy: 'one-for-all', children: [spec('a'), spec('b')] })
        ;(await ref(family, 'b')).send({ type: 'done' })
        await until(() => log.includes('stop b'), 'b is done')
        await turn()
        expect((await refsOf(family))[1]).to.equal(undefined)
        ;(await ref(family, 'a')).send({ type: 'fail' })
        expect(await (await ref(family, 'a')).ask({ type: 'life' })).to.equal(2)
        expect(await (await ref(family, 'b')).ask({ type: 'life' })).to.equal(2)
      })
    })

    describe('rest-for-one', () => {
      it('restarts the one that failed and those started after it', async () => {
        const family = spawn({ strategy: 'rest-for-one', children: [spec('a'), spec('b'), spec('c'), spec('d')] })
        await logged(family, 4)
        log.length = 0
        ;(await ref(family, 'b')).send({ type: 'fail' })
        expect(await logged(family, 6)).to.deep.equal(['stop d', 'stop c', 'stop b', 'start b', 'start c', 'start d'])
        expect((await children(family)).map(({ restarts }) => restarts)).to.deep.equal([0, 1, 1, 1])
      })
    })

    describe('restart', () => {
      it('always: starts a child that is done again, as a new actor', async () => {
        const family = spawn({ children: [spec('a', { restart: 'always' })] })
        const a = await ref(family, 'a')
        a.send({ type: 'done' })
        await until(() => log.length === 3, 'a is back')
        const again = await ref(family, 'a')
        expect(again).to.not.equal(a)
        expect(await again.ask({ type: 'life' })).to.equal(2)
        expect((await children(family))[0]?.restarts).to.equal(1)
      })

      it('always: gives a child that comes back its old place in the order', async () => {
        const family = spawn({
          strategy: 'one-for-all',
          children: [spec('a', { restart: 'always' }), spec('b'), spec('c')]
        })
        await system.stop(await ref(family, 'a'))
        await until(() => log.filter(line => line.startsWith('start')).length === 6, 'all are back')
        await children(family)
        log.length = 0
        ;(await ref(family, 'c')).send({ type: 'fail' })
        expect(await logged(family, 6)).to.deep.equal(['stop c', 'stop b', 'stop a', 'start a', 'start b', 'start c'])
        log.length = 0
        await system.stop(family)
        expect(log).to.deep.equal(['stop c', 'stop b', 'stop a'])
      })

      it('always: starts a child again that somebody else has stopped', async () => {
        const family = spawn({ children: [spec('a', { restart: 'always' })] })
        await system.stop(await ref(family, 'a'))
        await until(() => log.length === 3, 'a is back')
        expect(await (await ref(family, 'a')).ask({ type: 'life' })).to.equal(2)
      })

      it('on-failure: lets a child be done, and keeps its place', async () => {
        const family = spawn({ children: [spec('a'), spec('b')] })
        await system.stop(await ref(family, 'a'))
        expect((await children(family)).map(({ id, ref: each }) => [id, each === undefined])).to.deep.equal([
          ['a', true],
          ['b', false]
        ])
        expect(log).to.deep.equal(['start a', 'start b', 'stop a'])
      })

      it('never: forgets a child that failed, and leaves the others alone', async () => {
        const family = spawn({ strategy: 'one-for-all', children: [spec('a', { restart: 'never' }), spec('b')] })
        const a = await ref(family, 'a')
        const probe = watcher(system)
        await probe.ref.ask({ type: 'watch', ref: a })
        a.send({ type: 'fail' })
        await until(() => probe.heard.length > 0, 'the end was heard')
        expect((await children(family)).map(({ id }) => id)).to.deep.equal(['b'])
        expect(await (await ref(family, 'b')).ask({ type: 'life' })).to.equal(1)
        expect(probe.heard).to.have.nested.property('[0].reason.kind', 'failed')
      })
    })

    describe('limit', () => {
      it('fails itself with the error of the child that failed once too often, and stops the others in reverse', async () => {
        const family = spawn({ children: [spec('a'), spec('b'), spec('c')] })
        const a = await ref(family, 'a')
        const b = await ref(family, 'b')
        const probe = watcher(system)
        await probe.ref.ask({ type: 'watch', ref: family })
        for (const each of [a, b, a]) {
          each.send({ type: 'fail' })
          await each.ask({ type: 'life' })
        }
        log.length = 0
        a.send({ type: 'fail' })
        await until(() => probe.heard.length > 0, 'the supervisor has ended')
        expect(probe.heard).to.have.deep.nested.property('[0].reason', {
          kind: 'failed',
          error: { name: 'Error', message: 'a was told to fail' }
        })
        expect(escalated).to.have.length(1)
        expect(log.filter(line => line.startsWith('start'))).to.deep.equal([])
        expect(log.filter(line => line !== 'stop a')).to.deep.equal(['stop c', 'stop b'])
      })

      it('forgets restarts that are long ago', async () => {
        const family = spawn({ limit: { restarts: 2, within: 1000 }, children: [spec('a')] })
        const a = await ref(family, 'a')
        for (let life = 2; life < 12; life++) {
          a.send({ type: 'fail' })
          expect(await a.ask({ type: 'life' })).to.equal(life)
          clock.advance(501)
        }
        expect(escalated).to.deep.equal([])
      })

      it('fails when a child that is always restarted ends too often', async () => {
        const family = spawn({ limit: { restarts: 1, within: 1000 }, children: [spec('a', { restart: 'always' })] })
        const probe = watcher(system)
        await probe.ref.ask({ type: 'watch', ref: family })
        ;(await ref(family, 'a')).send({ type: 'done' })
        await until(() => log.length === 3, 'a is back')
        ;(await ref(family, 'a')).send({ type: 'done' })
        await until(() => probe.heard.length > 0, 'the supervisor has ended')
        expect(probe.heard).to.have.nested.property('[0].reason.kind', 'failed')
        expect(escalated).to.have.length(1)
      })

      it('counts a child that fails in its start', async () => {
        let starts = 0
        const family = spawn({
          children: [
            child('a', () =>
              setup<never>(() => {
                starts++
                throw new RangeError('never starts')
              })
            )
          ]
        })
        const probe = watcher(system)
        await probe.ref.ask({ type: 'watch', ref: family })
        await until(() => probe.heard.length > 0, 'the supervisor has ended')
        expect(starts).to.equal(4)
        expect(escalated).to.have.length(1)
        expect(escalated[0]).to.have.property('message', 'never starts')
      })

      if (!copyMessages) {
        it('restarts in its turn when its own supervisor says so, with its declared children', async () => {
          const top = spawn({
            children: [
              child('family', () =>
                supervisor({ limit: { restarts: 0, within: 1000 }, children: [spec('a'), spec('b')] })
              )
            ]
          })
          const family = (await ref(top, 'family')) as unknown as Family
          await family.ask({ type: 'add', child: spec('c') })
          await logged(family, 3)
          ;(await ref(family, 'a')).send({ type: 'fail' })
          await until(() => log.filter(line => line === 'start b').length === 2, 'b is back')
          expect((await children(family)).map(({ id }) => id)).to.deep.equal(['a', 'b'])
          expect((await children(top)).map(({ restarts }) => restarts)).to.deep.equal([1])
        })
      }
    })

    describe('at run time', () => {
      if (!copyMessages) {
        it('adds a child as the youngest, and answers with its ref', async () => {
          const family = spawn({ children: [spec('a')] })
          const b = (await family.ask({ type: 'add', child: spec('b') })) as unknown as ActorRef<Work>
          expect(await b.ask({ type: 'life' })).to.equal(1)
          expect((await children(family)).map(({ id, ref: each }) => [id, each === (b as AnyRef)])).to.deep.equal([
            ['a', false],
            ['b', true]
          ])
          await system.stop(family)
          expect(log.slice(2)).to.deep.equal(['stop b', 'stop a'])
        })
      }

      if (!copyMessages) {
        it('fails the ask for a child whose id is in use with ACTOR_NAME_TAKEN, and goes on', async () => {
          const family = spawn({ children: [spec('a')] })
          expect(await failureCode(family.ask({ type: 'add', child: spec('a') }))).to.equal('ACTOR_NAME_TAKEN')
          expect(await children(family)).to.have.length(1)
          expect(await (await ref(family, 'a')).ask({ type: 'life' })).to.equal(1)
        })
      }

      if (!copyMessages) {
        it('fails the ask for a child whose name is in use in the system with ACTOR_NAME_TAKEN, and goes on', async () => {
          const Taken = actorName<Work>('taken')
          system.spawn(worker('other')(), { name: Taken })
          const family = spawn({ children: [] })
          expect(await failureCode(family.ask({ type: 'add', child: child(Taken, worker('a')) }))).to.equal(
            'ACTOR_NAME_TAKEN'
          )
          expect(await children(family)).to.deep.equal([])
        })
      }

      if (!copyMessages) {
        it('removes a child, whose id may then be used again', async () => {
          const family = spawn({ strategy: 'one-for-all', children: [spec('a', { restart: 'always' }), spec('b')] })
          const a = await ref(family, 'a')
          const probe = watcher(system)
          await probe.ref.ask({ type: 'watch', ref: a })
          family.send({ type: 'remove', id: 'a' })
          await until(() => probe.heard.length > 0, 'a has ended')
          expect((await children(family)).map(({ id }) => id)).to.deep.equal(['b'])
          expect(log).to.deep.equal(['start a', 'start b', 'stop a'])
          await family.ask({ type: 'add', child: spec('a') })
          expect((await children(family)).map(({ id }) => id)).to.deep.equal(['b', 'a'])
        })
      }

      it('removes a child that does not stop in its time', async () => {
        const family = spawn({ children: [spec('a', { shutdown: 50 })] })
        const a = await ref(family, 'a')
        a.send({ type: 'hang' })
        await turn()
        family.send({ type: 'remove', id: 'a' })
        expect((await children(family)).map(({ id }) => id)).to.deep.equal(['a'])
        // The runtime looks at the clock once the event loop goes on; from then the time runs.
        await turn()
        clock.advance(51)
        await until(() => log.includes('stop a'), 'a was stopped')
        expect(await children(family)).to.deep.equal([])
        hanging.open()
      })

      it('cannot be sent a child where messages are copied: it holds code', async () => {
        await using copying = createSystem({ copyMessages: true, logger: quiet })
        const family = copying.spawn(supervisor({ children: [spec('a')] }))
        expect(await failureCode(family.ask({ type: 'add', child: spec('b') }))).to.equal('ACTOR_UNSERIALISABLE')
        expect(await family.ask({ type: 'children' })).to.have.length(1)
      })

      it('does not take the word of others for its own timers', async () => {
        const family = spawn({ limit: { restarts: 1, within: 1000 }, children: [spec('a')] })
        const a = await ref(family, 'a')
        a.send({ type: 'fail' })
        await a.ask({ type: 'life' })
        family.send({ type: 'forgotten' } as never)
        await children(family)
        a.send({ type: 'fail' })
        await until(() => escalated.length > 0, 'the supervisor has ended')
      })

      it('takes no offence at the removal of an unknown child', async () => {
        const family = spawn({ children: [spec('a')] })
        family.send({ type: 'remove', id: 'z' })
        expect(await children(family)).to.have.length(1)
      })
    })
  })
