// A hundred thousand inputs on every run; `npm run fuzz` feeds as many as one likes.

import { expect } from 'chai'
import { seeded } from '../../runtime/testing/random.ts'
import { corpus } from './corpus.ts'
import { fuzz } from './fuzz.ts'
import { TARGETS, type Target, targetOf } from './targets.ts'

/** A machine that runs other tests beside is given more time than the command, which asks for 1 ms. */
const milliseconds = 5
const memory = (): number => process.memoryUsage().heapUsed
const SHARE = { values: 80_000, handshakes: 10_000, system: 10_000 }

/** Five bytes for whoever wants to misbehave. */
const target = (feed: (bytes: Uint8Array) => string | undefined): Target => ({
  name: 'broken',
  draw: random => random.bytes(5),
  feed
})

describe('bytes that are nearly right', function () {
  this.timeout(120_000)

  for (const name of TARGETS) {
    it(`get a typed refusal or a well-typed value of the ${name}, in bounded time and memory`, async () => {
      const fault = fuzz(await targetOf(name, corpus()), SHARE[name], seeded(20_261_121), { memory, milliseconds })
      expect(fault === undefined ? 'none' : `${fault.what}: ${Buffer.from(fault.bytes).toString('hex')}`).to.equal(
        'none'
      )
    })
  }
})

describe('the fuzzer', () => {
  it('sees what a target complains of', () => {
    expect(
      fuzz(
        target(() => 'it threw'),
        1,
        seeded(1),
        { memory }
      )?.what
    ).to.equal('it threw')
  })

  it('sees an input that takes too long each time', () => {
    const slow = target(() => {
      const until = performance.now() + 2
      while (performance.now() < until);
      return undefined
    })
    expect(fuzz(slow, 1, seeded(1), { memory })?.what).to.include('ms for 5 bytes')
  })

  it('sees an input that allocates too much each time', () => {
    let taken = 0
    const greedy = target(() => {
      taken += 1_000_000
      return undefined
    })
    expect(fuzz(greedy, 1, seeded(1), { memory: () => taken })?.what).to.equal('it allocated 1000000 bytes for 5')
  })

  it('sees a prototype that was changed', () => {
    const polluting = target(() => {
      Object.assign(Object.prototype, { polluted: true })
      return undefined
    })
    try {
      expect(fuzz(polluting, 1, seeded(1), { memory })?.what).to.equal('it changed what all objects share')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted')
    }
  })
})
