// A mailbox against a model of ten lines, through whatever fast-check thinks of.

import { expect } from 'chai'
import fc from 'fast-check'
import { type MailboxOptions, setup } from 'whereabouts/core'
import { machine } from '../runtime/actor/machine.ts'

interface Mail {
  readonly key: string
  readonly n: number
}
type Policy = 'reject' | 'drop-oldest' | 'drop-newest' | 'latest'

class Model {
  readonly handled: number[] = []
  readonly dropped: number[] = []
  #waiting: Mail[] = []
  #busy = false
  readonly #policy: Policy
  readonly #capacity: number

  constructor(policy: Policy, capacity: number) {
    this.#policy = policy
    this.#capacity = capacity
  }

  send(mail: Mail): boolean {
    if (this.#policy === 'latest') {
      const older = this.#waiting.find(each => each.key === mail.key)
      if (older !== undefined) {
        this.dropped.push(older.n)
        this.#waiting = this.#waiting.filter(each => each !== older)
      }
    }
    if (this.#waiting.length >= this.#capacity) {
      if (this.#policy === 'drop-newest') this.dropped.push(mail.n)
      if (this.#policy === 'drop-newest') return true
      if (this.#policy !== 'drop-oldest') return false
      this.dropped.push((this.#waiting.shift() as Mail).n)
    }
    this.#waiting.push(mail)
    if (!this.#busy) this.#begin()
    return true
  }

  /** The handler at work is done. */
  done(): void {
    this.#busy = false
    this.#begin()
  }

  #begin(): void {
    const next = this.#waiting.shift()
    if (next === undefined) return
    this.#busy = true
    this.handled.push(next.n)
  }
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ send: fc.constantFrom('a', 'b', 'c', 'd') }) },
  { weight: 1, arbitrary: fc.constant('done' as const) }
)

const overflowOf = (policy: Policy): MailboxOptions<Mail>['overflow'] =>
  policy === 'latest' ? { latest: message => message.key } : policy

describe('a mailbox, whatever comes when,', function () {
  this.timeout(60_000)

  for (const copyMessages of [false, true]) {
    for (const policy of ['reject', 'drop-oldest', 'drop-newest', 'latest'] as const) {
      it(`takes, drops and refuses as its model does: ${policy}${copyMessages ? ', messages copied' : ''}`, () =>
        fc.assert(
          fc.asyncProperty(
            fc.integer({ min: 1, max: 5 }),
            fc.array(step, { maxLength: 60 }),
            async (capacity, steps) => {
              const { system, clock, letters } = machine({ copyMessages })
              const model = new Model(policy, capacity)
              const handled: number[] = []
              let done = (): void => {}
              const ref = system.spawn(
                setup<Mail>(() => ({
                  receive({ n }) {
                    handled.push(n)
                    return new Promise<void>(resolve => {
                      done = resolve
                    })
                  }
                })),
                { mailbox: { capacity, overflow: overflowOf(policy) as 'reject' } }
              )
              let n = 0
              for (const each of steps) {
                if (each === 'done') {
                  done()
                  model.done()
                } else {
                  n += 1
                  expect(ref.send({ key: each.send, n })).to.equal(model.send({ key: each.send, n }))
                }
                await clock.settle()
                expect(handled).to.deep.equal(model.handled)
              }
              const dropped = letters
                .filter(({ reason }) => reason === 'dropped')
                .map(({ message }) => (message as Mail).n)
              expect(dropped).to.deep.equal(model.dropped)
            }
          ),
          { numRuns: 150 }
        ))
    }
  }
})
