import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { call, launchBrowser, type ServedPage, servePage, type TestBrowser } from './browser.ts'

describe('one system in a real browser', () => {
  let browser: TestBrowser
  let served: ServedPage
  let page: Page

  before(async () => {
    browser = await launchBrowser()
    served = await servePage(new URL('./core-page.ts', import.meta.url))
    page = await browser.openPage(served.url)
  })

  after(async () => {
    await browser.close()
    await served.close()
  })

  it('spawns an actor, sends to it and asks it', async () => {
    expect(await call<number>(page, 'addUp', 1000)).to.equal(500_500)
  })

  it('loses nothing when a producer is faster than the mailbox', async () => {
    expect(await call<number>(page, 'addUp', 100_000)).to.equal(5_000_050_000)
  })

  it('fails the ask to an actor that has ended with a code', async () => {
    expect(await call(page, 'askTheDead')).to.equal('ACTOR_STOPPED')
  })

  it('leaves no error in the console', () => {
    expect(browser.errors).to.deep.equal([])
  })
})
