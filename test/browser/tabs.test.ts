import { expect } from 'chai'
import { seeded } from '../../runtime/testing/random.ts'
import { SMALL } from '../chaos/stage.ts'
import { FATES, tab } from '../chaos/tabs.ts'

describe('a tab that others talk to', () => {
  for (const fate of FATES) {
    it(`keeps what is promised when it is ${fate}`, async function () {
      this.timeout(60_000)
      const wrong: string[] = []

      await tab(fate, { random: seeded(1), size: SMALL, told() {}, wrong: what => void wrong.push(what) })

      expect(wrong).to.deep.equal([])
    })
  }
})
