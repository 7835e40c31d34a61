// The checker of histories, held to histories of which it is known whether they could have been.

import { expect } from 'chai'
import { type Operation, unexplained } from '../../../runtime/testing/linearizable.ts'

type Step = Operation<string>

const write = (value: string, from: number, to: number, optional = false): Step => ({
  from,
  to,
  optional,
  text: `write ${value}`,
  apply: () => value
})
const read = (value: string, from: number, to: number): Step => ({
  from,
  to,
  optional: false,
  text: `read ${value}`,
  apply: state => (state === value ? state : undefined)
})
const claim = (value: string, from: number, to: number): Step => ({
  ...write(value, from, to),
  apply: state => (state === '' ? value : undefined)
})
const loss = (value: string, from: number, to: number): Step => ({
  from,
  to,
  optional: true,
  text: `loss of ${value}`,
  apply: state => (state === value ? '' : undefined)
})

describe('a history', () => {
  const could: Record<string, Step[]> = {
    'in which nothing happens': [],
    'of one after the other': [write('a', 0, 1), read('a', 2, 3), write('b', 4, 5), read('b', 6, 7)],
    'in which a read at the time of a write sees the old': [write('a', 0, 1), write('b', 2, 9), read('a', 3, 4)],
    'in which a read at the time of a write sees the new': [write('a', 0, 1), write('b', 2, 9), read('b', 3, 4)],
    'in which reads see two writes at the same time in one order': [
      write('a', 0, 9),
      write('b', 0, 9),
      read('a', 1, 2),
      read('b', 3, 4)
    ],
    'whose write never took effect': [write('a', 0, 1), write('b', 2, Number.POSITIVE_INFINITY, true), read('a', 5, 6)],
    'whose write took effect long after': [
      write('a', 0, 1),
      write('b', 2, Number.POSITIVE_INFINITY, true),
      read('a', 5, 6),
      read('b', 7, 8)
    ],
    'of claims with a loss between them': [claim('a', 0, 1), loss('a', 3, 4), claim('b', 5, 6)],
    'whose loss comes before what was called earlier': [
      claim('a', 0, 1),
      read('a', 2, 9),
      loss('a', 3, 4),
      read('', 5, 6),
      read('a', 7, 8),
      { ...claim('a', 3, 9), optional: true }
    ]
  }
  const couldNot: Record<string, Step[]> = {
    'of a value that nobody wrote': [write('a', 0, 1), read('b', 2, 3)],
    'in which a read sees what was overwritten before': [write('a', 0, 1), write('b', 2, 3), read('a', 4, 5)],
    'in which a read sees what is written after it': [read('a', 0, 1), write('a', 2, 3)],
    'in which two reads see two writes in two orders': [
      write('a', 0, 9),
      write('b', 0, 9),
      read('a', 1, 2),
      read('b', 3, 4),
      read('a', 5, 6)
    ],
    'of two claims and no loss': [claim('a', 0, 1), claim('b', 2, 3)],
    'whose loss comes too late': [claim('a', 0, 1), claim('b', 2, 3), loss('a', 4, 5)],
    'whose loss comes too early': [loss('a', 0, 1), claim('a', 2, 3), claim('b', 4, 5)]
  }

  for (const [what, history] of Object.entries(could)) {
    it(`${what} is explained`, () => {
      expect(unexplained('', history)).to.equal(undefined)
      expect(unexplained('', [...history].reverse())).to.equal(undefined)
    })
  }
  for (const [what, history] of Object.entries(couldNot)) {
    it(`${what} is not explained, and says by what`, () => {
      expect(unexplained('', history)).to.have.length.greaterThan(0)
      expect(unexplained('', [...history].reverse())).to.have.length.greaterThan(0)
    })
  }
})
