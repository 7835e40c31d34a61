import { expect } from 'chai'
import { type ActorSystem, createSystem } from 'whereabouts'
import { webSocketServer } from 'whereabouts/websocket-server'
import { Door } from '../suites/any-ref/meet.ts'
import { quiet } from '../support/quiet.ts'
import { call, launchBrowser, type ServedPage, servePage, type TestBrowser } from './browser.ts'
import type { Outcome } from './page-runner.ts'

describe('the conformance suite in a real browser', () => {
  let browser: TestBrowser
  let served: ServedPage
  let hub: ActorSystem

  before(async () => {
    browser = await launchBrowser()
    served = await servePage(new URL('./conformance-page.ts', import.meta.url))
    hub = createSystem({ label: 'hub', logger: quiet })
    await hub.listen(webSocketServer({ server: served.server, path: '/actors' }), {
      trust: 'guest',
      expose: [{ name: Door, unchecked: true }],
      authorize: () => true
    })
  })

  after(async () => {
    await browser.close()
    await hub.shutdown()
    await served.close()
  })

  for (const [title, place] of [
    ['in one system of a page', 'local'],
    ['over a MessagePort of a page', 'overMessagePort'],
    ['over WebSockets of a page and a hub in Node', 'overWebSocket']
  ]) {
    it(`holds for a ref ${title}`, async function () {
      this.timeout(300_000)
      const page = await browser.openPage(served.url)
      const url = `${served.url.replace('http', 'ws')}actors`
      const { passed, failures } = await call<Outcome>(page, 'conform', place, url)
      await page.close()
      expect(failures).to.deep.equal([])
      expect(passed).to.be.greaterThan(100)
    })
  }
})
