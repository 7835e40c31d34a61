import type { Socket } from 'node:net'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { type ActorSystem, createSystem, setup } from 'whereabouts'
import { webSocketServer } from 'whereabouts/websocket-server'
import { quiet } from '../support/quiet.ts'
import { call, launchBrowser, type ServedPage, servePage, type TestBrowser } from './browser.ts'
import { type Count, Counter, Tabs } from './shared-worker-page.ts'

describe('tabs below a SharedWorker in a real browser', () => {
  let browser: TestBrowser
  let served: ServedPage
  let hub: ActorSystem
  const pages: Page[] = []
  const sockets = new Set<Socket>()
  const principals = new Set<unknown>()
  const upgrades: string[] = []

  before(async () => {
    browser = await launchBrowser()
    served = await servePage(new URL('./shared-worker-page.ts', import.meta.url))
    served.server.on('upgrade', (request, socket) => {
      upgrades.push(request.url ?? '')
      sockets.add(socket as Socket)
    })
    hub = createSystem({ label: 'hub', logger: quiet })
    await hub.listen(webSocketServer({ server: served.server, path: '/actors' }), {
      trust: 'guest',
      expose: [Counter, Tabs].map(name => ({ name, unchecked: true as const })),
      authenticate: ({ token }) => token
    })
    const last: Record<string, number> = {}
    hub.spawn(
      setup<Count>(() => ({
        receive(message, from) {
          principals.add(from.principal)
          if (message.type === 'totals') message.replyTo.send({ ...last })
          // In order, and none twice: of anything else the number stops.
          else if (message.n === (last[message.tab] ?? 0) + 1) last[message.tab] = message.n
        }
      })),
      { name: Counter }
    )
    const url = `${served.url.replace('http', 'ws')}actors`
    for (const label of ['left', 'right']) {
      const page = await browser.openPage(served.url)
      await call(page, 'enter', label, url)
      pages.push(page)
    }
  })

  after(async () => {
    await browser.close()
    await hub.shutdown()
    await served.close()
  })

  it('share one connection to the server, under the principal of the worker', async () => {
    await Promise.all(pages.map(page => call(page, 'add', 1_000)))
    expect(await call(pages[0] as Page, 'totals')).to.deep.equal({ left: 1_000, right: 1_000 })
    expect(upgrades).to.deep.equal(['/actors'])
    expect([...principals]).to.deep.equal(['ada'])
  })

  it('find each other by a group and talk by way of the worker', async () => {
    const [left, right] = pages as [Page, Page]
    await call(left, 'tell', 'right', 'hello')
    await call(right, 'tell', 'left', 'welcome')
    await call(left, 'tell', 'right', 'still here')
    expect(await call(right, 'read', 2)).to.deep.equal(['hello', 'still here'])
    expect(await call(left, 'read', 1)).to.deep.equal(['welcome'])
  })

  it('lose nothing when the connection of the worker breaks', async () => {
    const sent = Promise.all(pages.map(page => call(page, 'add', 0)))
    for (const socket of sockets) socket.destroy()
    await sent
    await Promise.all(pages.map(page => call(page, 'tell', 'left', 'meanwhile')))
    expect(await call(pages[1] as Page, 'totals')).to.deep.equal({ left: 1_000, right: 1_000 })
    expect(upgrades).to.have.length(2)
  })

  it('are gone from the group when they leave', async () => {
    await call(pages[0] as Page, 'leave')
    expect(await call(pages[1] as Page, 'tabs', 1)).to.deep.equal(['right'])
  })

  it('leave no error in the console', () => {
    expect(browser.errors).to.deep.equal([])
  })
})
