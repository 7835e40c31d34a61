import { expect } from 'chai'
import { type Exit, type Plan, planFor, type Restart, type Strategy } from '../../actors/strategy.ts'

const always: Restart[] = ['always', 'always', 'always', 'always']
const none: Plan = { restart: [], forget: [] }

/** Strategy, children, the one that ended, how, and what follows. */
const table: Array<[Strategy, Restart[], number, Exit, Plan]> = [
  ['one-for-one', always, 0, 'failed', { restart: [0], forget: [] }],
  ['one-for-one', always, 3, 'failed', { restart: [3], forget: [] }],
  ['one-for-one', always, 1, 'ended', { restart: [1], forget: [] }],
  ['one-for-all', always, 1, 'failed', { restart: [0, 1, 2, 3], forget: [] }],
  ['one-for-all', always, 0, 'ended', { restart: [0, 1, 2, 3], forget: [] }],
  ['one-for-all', ['always'], 0, 'failed', { restart: [0], forget: [] }],
  ['rest-for-one', always, 0, 'failed', { restart: [0, 1, 2, 3], forget: [] }],
  ['rest-for-one', always, 2, 'failed', { restart: [2, 3], forget: [] }],
  ['rest-for-one', always, 3, 'failed', { restart: [3], forget: [] }],

  ['one-for-one', ['on-failure', 'always'], 0, 'failed', { restart: [0], forget: [] }],
  ['one-for-all', ['on-failure', 'always'], 0, 'ended', none],
  ['rest-for-one', ['on-failure', 'always'], 0, 'ended', none],
  ['one-for-all', ['always', 'on-failure'], 0, 'failed', { restart: [0, 1], forget: [] }],

  ['one-for-one', ['never', 'always'], 0, 'failed', { restart: [], forget: [0] }],
  ['one-for-all', ['never', 'always'], 0, 'failed', { restart: [], forget: [0] }],
  ['rest-for-one', ['never', 'always'], 0, 'ended', { restart: [], forget: [0] }],
  ['one-for-all', ['always', 'never', 'always'], 0, 'failed', { restart: [0, 2], forget: [1] }],
  ['rest-for-one', ['never', 'always', 'never', 'always', 'never'], 1, 'ended', { restart: [1, 3], forget: [4, 2] }]
]

describe('the strategy of a supervisor', () => {
  for (const [strategy, children, ended, exit, plan] of table) {
    it(`${strategy}: [${children.join(', ')}], and ${ended} ${exit}`, () => {
      expect(planFor(strategy, children, ended, exit)).to.deep.equal(plan)
    })
  }
})
