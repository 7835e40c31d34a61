import { expect } from 'chai'
import { noted, permitted } from '../../../runtime/cluster/policy.ts'
import { turn } from '../../suites/any-ref/cast.ts'
import { handClock } from '../../support/hand-clock.ts'
import { quiet } from '../../support/quiet.ts'

describe('a policy', () => {
  const no: Array<[string, () => unknown]> = [
    [
      'throws',
      () => {
        throw new Error('no database')
      }
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
    ['answers with what never settles', () => Object.defineProperty({}, 'then', { value: () => {} })],
    [
      'answers with a getter that throws',
      () =>
        Object.defineProperty({}, 'then', {
          get() {
            throw new Error('no database')
          }
        })
    ],
    ['answers with nearly a yes', () => 'true'],
    ['promises nearly a yes', () => Promise.resolve(1)],
    ['says no', () => false],
    ['promises a no', () => Promise.resolve(false)]
  ]
  for (const [what, ask] of no) {
    it(`that ${what} is a no, and noted once`, async () => {
      const clock = handClock()
      let notes = 0
      const answer = noted(permitted({ clock, logger: quiet }, ask as () => boolean), () => {
        notes += 1
      })
      clock.advance(5_000)
      expect(await answer).to.equal(false)
      await turn()
      expect(notes).to.equal(1)
    })
  }

  it('that says yes too late has said no', async () => {
    const clock = handClock()
    let say: (answer: boolean) => void = () => {}
    const late = new Promise<boolean>(resolve => {
      say = resolve
    })
    const answer = permitted({ clock, logger: quiet }, () => late)
    clock.advance(5_000)
    say(true)
    expect(await answer).to.equal(false)
  })

  it('that says yes, or promises it, is not noted', async () => {
    const clock = handClock()
    for (const yes of [true, Promise.resolve(true)]) {
      const answer = permitted({ clock, logger: quiet }, () => yes)
      expect(await noted(answer, () => expect.fail('it was noted'))).to.equal(true)
    }
  })
})
