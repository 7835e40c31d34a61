import { expect } from 'chai'
import { DEFAULT_BACKOFF, delayBefore } from '../../../runtime/peer/backoff.ts'
import { Quota } from '../../../runtime/peer/quota.ts'

describe('a backoff', () => {
  it('is anything from 0 to a bound that doubles up to the largest', () => {
    const bounds = [0, 1, 2, 3, 7, 8, 100].map(attempt => delayBefore(attempt, DEFAULT_BACKOFF, 1 - 2 ** -53))
    expect(bounds).to.deep.equal([249, 499, 999, 1_999, 29_999, 29_999, 29_999])
    expect(delayBefore(5, DEFAULT_BACKOFF, 0)).to.equal(0)
  })

  it('is the same for the same randomness', () => {
    expect(delayBefore(3, { min: 100, max: 1_000 }, 0.5)).to.equal(400)
    expect(delayBefore(3, { min: 100, max: 1_000 }, 0.5)).to.equal(400)
  })
})

describe('a quota', () => {
  it('lets as many through at once as in a second, and then so many a second', () => {
    const quota = new Quota(10, 0)
    for (let n = 0; n < 10; n++) {
      expect(quota.wait(0)).to.equal(0)
      quota.spend()
    }
    expect(quota.wait(0)).to.equal(100)
    expect(quota.wait(100)).to.equal(0)
  })

  it('has a debt paid off by time, and saves up no more than a second', () => {
    const quota = new Quota(10, 0)
    for (let n = 0; n < 30; n++) quota.spend()
    expect(quota.wait(0)).to.equal(2_100)
    expect(quota.wait(2_000)).to.equal(100)
    expect(quota.wait(1e9)).to.equal(0)
    for (let n = 0; n < 10; n++) quota.spend()
    expect(quota.wait(1e9)).to.equal(100)
  })
})
