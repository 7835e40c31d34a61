import { expect } from 'chai'
import { call, launchBrowser, type ServedPage, servePage, type TestBrowser } from './browser.ts'
import { hashes } from './simulator-page.ts'

const SEEDS = 20

describe('the simulator in a real browser', () => {
  let browser: TestBrowser
  let served: ServedPage

  before(async () => {
    browser = await launchBrowser()
    served = await servePage(new URL('./simulator-page.ts', import.meta.url))
  })

  after(async () => {
    await browser.close()
    await served.close()
  })

  it(`sees in ${SEEDS} seeds, to the last delivery, what it sees in Node`, async function () {
    this.timeout(120_000)
    const page = await browser.openPage(served.url)
    const [there, here] = await Promise.all([
      call<Awaited<ReturnType<typeof hashes>>>(page, 'hashes', 1, SEEDS),
      hashes(1, SEEDS)
    ])
    expect(there).to.deep.equal(here)
  })
})
