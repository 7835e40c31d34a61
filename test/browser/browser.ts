// A real headless Chromium for tests, and pages for it: a module bundled from the sources, served on loopback, its exports called by name.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { bundleForBrowser } from '../../tools/bundle.mjs'
import { findChromium } from '../../tools/chromium.mjs'

export { bundleForBrowser }

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

export interface TestBrowser {
  /** Tabs of one browser share this. */
  readonly context: BrowserContext
  /** What went wrong inside pages: uncaught errors, and what was written with `console.error`. */
  readonly errors: readonly string[]
  openPage(url: string): Promise<Page>
  close(): Promise<void>
}

export async function launchBrowser(): Promise<TestBrowser> {
  const executablePath = findChromium()
  if (executablePath === undefined)
    throw new Error('no Chromium: run `npm run test:browser`, which finds or installs one')
  const browser = await chromium.launch({ executablePath, headless: true, args: flags })
  const context = await browser.newContext()
  const errors: string[] = []
  return {
    context,
    errors,
    async openPage(url) {
      const page = await context.newPage()
      page.on('pageerror', error => errors.push(error.stack ?? error.message))
      page.on('console', message => {
        if (message.type() === 'error') errors.push(message.text())
      })
      await page.goto(url)
      return page
    },
    close: () => browser.close()
  }
}

export interface ServedPage {
  readonly url: string
  /** Free for a WebSocket server to be attached to. */
  readonly server: Server
  close(): Promise<void>
}

/** Serves an empty page, and `entry` (a .ts file, by URL) bundled as /entry.js, on a free loopback port. */
export async function servePage(entry: URL): Promise<ServedPage> {
  const code = await bundleForBrowser(fileURLToPath(entry))
  const server = createServer((request, response) => {
    if (request.url === '/') {
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end('<!doctype html><title>test</title><link rel="icon" href="data:,">')
    } else if (request.url === '/entry.js') {
      response.setHeader('content-type', 'text/javascript; charset=utf-8')
      response.end(code)
    } else {
      response.statusCode = 404
      response.end()
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    server,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

/** Calls what `/entry.js` exports under this name, inside the page, and waits for the answer. */
export function call<R>(page: Page, name: string, ...args: readonly unknown[]): Promise<R> {
  return page.evaluate<R>(
    `import('/entry.js').then(module => module[${JSON.stringify(name)}](...${JSON.stringify(args)}))`
  )
}
