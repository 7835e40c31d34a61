// Timers against a model: keys replace, cancelled ones never arrive, ticks keep their time.

import { expect } from 'chai'
import fc from 'fast-check'
import { type Context, setup } from 'whereabouts/core'
import { machine } from '../runtime/actor/machine.ts'

interface Entry {
  readonly key: string
  readonly message: number
  readonly interval: number | undefined
  due: number
  /** Of two that are due at once, the one that was set first fires first. */
  order: number
}

class Model {
  readonly fired: Array<readonly [at: number, message: number]> = []
  readonly #entries = new Map<string, Entry>()
  #now = 0
  #order = 0

  set(key: string, delay: number, message: number, interval: number | undefined): void {
    this.#order += 1
    this.#entries.set(key, { key, message, interval, due: this.#now + delay, order: this.#order })
  }

  cancel(key: string): void {
    this.#entries.delete(key)
  }

  cancelAll(): void {
    this.#entries.clear()
  }

  advance(by: number): void {
    const until = this.#now + by
    for (;;) {
      const next = [...this.#entries.values()].sort((a, b) => a.due - b.due || a.order - b.order)[0]
      if (next === undefined || next.due > until) break
      this.#now = next.due
      this.fired.push([this.#now, next.message])
      if (next.interval === undefined) this.#entries.delete(next.key)
      else {
        this.#order += 1
        next.due += next.interval
        next.order = this.#order
      }
    }
    this.#now = until
  }
}

const key = fc.constantFrom('a', 'b', 'c')
const step = fc.oneof(
  fc.record({ do: fc.constant('once' as const), key, time: fc.integer({ min: 0, max: 50 }) }),
  fc.record({ do: fc.constant('every' as const), key, time: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ do: fc.constant('cancel' as const), key, time: fc.constant(0) }),
  fc.record({ do: fc.constant('pass' as const), key, time: fc.integer({ min: 0, max: 100 }) }),
  fc.record({ do: fc.constant('restart' as const), key, time: fc.constant(0) })
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

describe('the timers of an actor, however they are set,', () => {
  it('fire as their model does', () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
        const { system, clock } = machine()
        const model = new Model()
        const fired: Array<readonly [number, number]> = []
        let n = 0
        const act = (ctx: Context<Step | number>, { do: what, key: of, time }: Step): void => {
          if (what === 'once') ctx.timers.once(of, time, n)
          else if (what === 'every') ctx.timers.every(of, time, n)
          else if (what === 'cancel') ctx.timers.cancel(of)
          else if (what === 'restart') throw new Error('again')
        }
        const ref = system.spawn(
          setup<Step | number>(ctx => ({
            receive(message) {
              if (typeof message === 'number') fired.push([clock.now(), message])
              else act(ctx, message)
            }
          })),
          { limit: { restarts: 1_000, within: 1_000 } }
        )
        for (const each of steps) {
          n += 1
          if (each.do === 'pass') {
            await clock.advance(each.time)
            model.advance(each.time)
          } else {
            ref.send(each)
            await clock.settle()
            if (each.do === 'once') model.set(each.key, each.time, n, undefined)
            else if (each.do === 'every') model.set(each.key, each.time, n, each.time)
            else if (each.do === 'cancel') model.cancel(each.key)
            else model.cancelAll()
          }
          expect(fired).to.deep.equal(model.fired)
        }
      }),
      { numRuns: 300 }
    )).timeout(60_000)
})
