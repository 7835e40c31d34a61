import { expect } from 'chai'
import type { Logger } from '../../../runtime/index.ts'
import { Seldom, seldomLogger } from '../../../runtime/peer/seldom.ts'
import { type HandClock, handClock } from '../../support/hand-clock.ts'

describe('what strangers do again and again', () => {
  it('is told once a second, and of all else so many things', () => {
    const seldom = new Seldom(2)
    expect(['a', 'a', 'b', 'c', 'a'].map(what => seldom.tells(what, 0))).to.deep.equal([
      true,
      false,
      true,
      false,
      false
    ])
    expect(['c', 'a', 'b'].map(what => seldom.tells(what, 999))).to.deep.equal([false, false, false])
    expect(['c', 'a', 'b'].map(what => seldom.tells(what, 1_000))).to.deep.equal([true, true, false])
  })

  describe('in the log', () => {
    let clock: HandClock
    let lines: Array<[level: string, text: string, facts: object | undefined]>
    let log: Logger

    beforeEach(() => {
      clock = handClock()
      lines = []
      const line = (level: string) => (text: string, facts?: object) => void lines.push([level, text, facts])
      log = seldomLogger({ debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }, clock)
    })

    it('is ten lines of one text a second, then how many were left out', () => {
      for (let n = 0; n < 1_000; n++) log.info('refused', { from: n })
      expect(lines.map(([, , facts]) => facts)).to.deep.equal([...new Array(10).keys()].map(from => ({ from })))
      clock.advance(1_000)
      expect(lines.slice(10)).to.deep.equal([['info', 'refused', { leftOut: 990 }]])
      clock.advance(60_000)
      expect(lines.length).to.equal(11)
      log.info('refused', { from: 0 })
      expect(lines.length).to.equal(12)
    })

    it('is the same line once, and others beside it', () => {
      for (let n = 0; n < 3; n++) log.warn('broken', { peer: 'Ada' })
      log.warn('broken', { peer: 'Ben' })
      log.error('full', { peer: 'Ada' })
      clock.advance(1_000)
      expect(lines).to.deep.equal([
        ['warn', 'broken', { peer: 'Ada' }],
        ['warn', 'broken', { peer: 'Ben' }],
        ['error', 'full', { peer: 'Ada' }],
        ['warn', 'broken', { leftOut: 2 }]
      ])
    })

    it('is told apart by the messages of errors, and what else was thrown is not looked at', () => {
      const odd = { toString: () => expect.fail('nobody asks') }
      const thrown = [new Error('one'), new Error('two'), new Error('one'), odd, null, Symbol('three')]
      for (const error of thrown) log.info('refused', { error })
      expect(lines.map(([, , facts]) => (facts as { error: unknown }).error)).to.deep.equal(
        [0, 1, 3, 5].map(n => thrown[n])
      )
    })
  })
})
