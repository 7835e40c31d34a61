// Trees of supervisors against a model: who is alive, and how often each was started, after any ends at any times.

import { expect } from 'chai'
import fc from 'fast-check'
import { type ActorRef, setup } from 'whereabouts/core'
import { child, supervisor } from 'whereabouts/supervisor'
import { machine } from '../runtime/actor/machine.ts'

type Restart = 'always' | 'on-failure' | 'never'

interface Spec {
  readonly restart: Restart
  /** `undefined`: a worker. */
  readonly group?: {
    readonly strategy: 'one-for-one' | 'one-for-all' | 'rest-for-one'
    readonly limit: { readonly restarts: number; readonly within: number }
    readonly children: readonly Spec[]
  }
}

const restart = fc.constantFrom<Restart>('always', 'on-failure', 'on-failure', 'never')
const limit = fc.record({ restarts: fc.integer({ min: 0, max: 4 }), within: fc.constantFrom(100, 1_000) })
const { group } = fc.letrec<{ worker: Spec; tree: Spec; group: Spec }>(tie => ({
  worker: fc.record({ restart }),
  tree: fc.oneof({ maxDepth: 2, depthSize: 'small' }, tie('worker'), tie('group')),
  group: fc.record({
    restart,
    group: fc.record({
      strategy: fc.constantFrom('one-for-one', 'one-for-all', 'rest-for-one'),
      limit,
      children: fc.array(tie('tree'), { minLength: 1, maxLength: 4 })
    })
  })
}))

const step = fc.record({
  do: fc.constantFrom('fail', 'fail', 'fail', 'finish', 'pass'),
  who: fc.nat(20),
  time: fc.integer({ min: 1, max: 400 })
})

/** A worker or a supervisor, alive or not, as OTP's rules have it. */
class Node {
  alive = false
  starts = 0
  readonly spec: Spec
  readonly #parent: Node | undefined
  readonly #children: Node[]
  /** Those the supervisor still knows. */
  #known: Node[] = []
  #restarts: number[] = []

  constructor(spec: Spec, parent?: Node) {
    this.spec = spec
    this.#parent = parent
    this.#children = (spec.group?.children ?? []).map(each => new Node(each, this))
  }

  /** The workers, in the order of their specs. */
  get workers(): Node[] {
    return this.spec.group === undefined ? [this] : this.#children.flatMap(each => each.workers)
  }

  start(): void {
    this.alive = true
    this.starts += 1
    this.#known = [...this.#children]
    this.#restarts = []
    for (const each of this.#children) each.start()
  }

  stop(): void {
    this.alive = false
    for (const each of this.#children) each.stop()
  }

  ends(exit: 'failed' | 'ended', now: number): void {
    this.stop()
    this.#parent?.lost(this, exit, now)
  }

  lost(gone: Node, exit: 'failed' | 'ended', now: number): void {
    const { strategy, limit } = this.spec.group as NonNullable<Spec['group']>
    const { restart } = gone.spec
    if (restart === 'never') {
      this.#known = this.#known.filter(each => each !== gone)
      return
    }
    // It is done, which is no reason to disturb anybody; its place is kept.
    if (restart === 'on-failure' && exit === 'ended') return
    this.#restarts = this.#restarts.filter(time => now - time < limit.within)
    if (this.#restarts.length >= limit.restarts) {
      this.ends('failed', now)
      return
    }
    this.#restarts.push(now)
    const place = this.#known.indexOf(gone)
    const concerned = this.#known.filter(
      (each, index) => each === gone || strategy === 'one-for-all' || (strategy === 'rest-for-one' && index > place)
    )
    for (const each of concerned) each.stop()
    this.#known = this.#known.filter(each => !concerned.includes(each) || each.spec.restart !== 'never')
    for (const each of concerned) if (each.spec.restart !== 'never') each.start()
  }
}

/** What of a tree can be seen: its workers. */
const shown = (workers: ReadonlyArray<{ alive: boolean; starts: number }>): string[] =>
  workers.map(({ alive, starts }, index) => `${index}: ${alive ? 'alive' : 'gone'}, started ${starts} times`)

describe('a tree of supervisors, whoever ends when,', () => {
  it('has those alive that its model has, each started as often', () =>
    fc.assert(
      fc.asyncProperty(group, fc.array(step, { maxLength: 25 }), async (root, steps) => {
        const { system, clock } = machine()
        const model = new Node(root)
        const workers: Array<{ alive: boolean; starts: number; ref: ActorRef<'fail' | 'finish'> | undefined }> = []
        const specOf = (spec: Spec, id: string): ReturnType<typeof child> => {
          if (spec.group !== undefined) {
            const { strategy, limit, children } = spec.group
            const specs = children.map((each, index) => specOf(each, `${id}.${index}`))
            return child(id, () => supervisor({ strategy, limit, children: specs }), { restart: spec.restart })
          }
          const worker: (typeof workers)[number] = { alive: false, starts: 0, ref: undefined }
          workers.push(worker)
          const behavior = () =>
            setup<'fail' | 'finish'>(ctx => {
              worker.alive = true
              worker.starts += 1
              worker.ref = ctx.self
              return {
                receive(message) {
                  if (message === 'fail') throw new Error('as told')
                  ctx.stop()
                },
                stopping: () => {
                  worker.alive = false
                }
              }
            })
          return child(id, behavior, { restart: spec.restart })
        }
        const { strategy, limit, children } = root.group as NonNullable<Spec['group']>
        const specs = children.map((each, index) => specOf(each, `${index}`))
        system.spawn(supervisor({ strategy, limit, children: specs }), { restart: 'never' })
        model.start()
        await clock.settle()
        for (const { do: what, who, time } of steps) {
          const at = who % workers.length
          if (what === 'pass') await clock.advance(time)
          else if (workers[at]?.alive === true) {
            workers[at]?.ref?.send(what)
            await clock.settle()
            ;(model.workers[at] as Node).ends(what === 'fail' ? 'failed' : 'ended', clock.now())
          }
          expect(shown(workers)).to.deep.equal(shown(model.workers))
        }
        await system.shutdown()
      }),
      { numRuns: 300 }
    )).timeout(60_000)
})
