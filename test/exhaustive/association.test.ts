// Two real associations through everything that can happen to them within small bounds. Larger ones: `npm run explore`.

import { expect } from 'chai'
import { search } from './search.ts'
import type { Bounds } from './world.ts'

const NOTHING: Bounds = {
  messages: 1,
  losses: 0,
  repeats: 0,
  reconnects: 0,
  apart: 0,
  crashes: 0,
  endings: 0,
  switches: 0,
  jams: 0,
  waits: 0
}

/** What each is about, and how much it takes: all of it is seen, in some seconds together. */
const SEARCHES: ReadonlyArray<readonly [title: string, bounds: Partial<Bounds>]> = [
  ['frames are lost and a connection is cut', { messages: 2, losses: 1, reconnects: 1 }],
  ['frames come twice while another path takes over', { repeats: 1, switches: 1, losses: 1 }],
  ['a connection is cut and the sides notice it apart', { reconnects: 1, apart: 1, waits: 1, losses: 1 }],
  ['a side dies, beside a path that takes over', { messages: 2, crashes: 1, switches: 1 }],
  ['a side ends the epoch without a word, and a frame comes twice', { endings: 1, repeats: 1, reconnects: 1 }],
  ['both sides end an epoch that the other has never heard of', { messages: 2, endings: 2 }],
  ['a mailbox is full while frames are lost', { messages: 2, jams: 1, losses: 1, waits: 1 }],
  ['three messages each way, of which two frames are lost and one comes twice', { messages: 3, losses: 2, repeats: 1 }]
]

/** Faults of tools/plants.mjs in the association, and bounds within which each shows. */
const PLANTS: ReadonlyArray<readonly [name: string, bounds: Partial<Bounds>]> = [
  ['a stale first frame opens a new epoch', { repeats: 1, endings: 1 }],
  ['ack before the mailbox has it', { jams: 1 }],
  ['a repeat is accepted after a path change', { repeats: 1 }],
  ['a frame lost in a relay is sent again by nobody', { losses: 1 }]
]

describe('two associations, exhaustively', function () {
  this.timeout(120_000)

  for (const [title, bounds] of SEARCHES) {
    it(`keep their promises whatever happens when ${title}`, async () => {
      const { violations, complete } = await search({ ...NOTHING, ...bounds })
      expect(violations).to.deep.equal([])
      expect(complete).to.equal(true)
    })
  }

  for (const [plant, bounds] of PLANTS) {
    it(`break one as soon as ${plant}`, async () => {
      const { violations } = await search({ ...NOTHING, ...bounds }, { plant })
      expect(violations).to.not.deep.equal([])
    })
  }
})
