// The demo as a visitor sees it: the real server process, two tabs in a real Chromium, and the numbers on the screen.

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Locator, Page } from 'playwright-core'
import { launchBrowser, type TestBrowser } from './browser.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A program of the example, and what it prints. */
class Program {
  readonly #process: ChildProcess
  readonly #waiting = new Set<() => void>()
  printed = ''

  constructor(file: string, args: readonly string[] = [], env: Record<string, string> = {}) {
    this.#process = spawn(process.execPath, ['--import', './tools/ts.mjs', `examples/01-counters/${file}`, ...args], {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['pipe', 'pipe', 'pipe']
    })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.printed += text
        for (const look of this.#waiting) look()
      })
    }
  }

  press(key: string): void {
    this.#process.stdin?.write(key)
  }

  /** Resolves with the match once it has been printed. */
  prints(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = this.printed.match(pattern)
        if (match === null) return
        clearTimeout(patience)
        this.#waiting.delete(look)
        resolve(match)
      }
      const patience = setTimeout(() => reject(new Error(`${pattern} was not printed, but:\n${this.printed}`)), 30_000)
      this.#waiting.add(look)
      look()
    })
  }

  async stop(): Promise<number | null> {
    if (this.#process.exitCode !== null) return this.#process.exitCode
    const exited = new Promise<number | null>(resolve => this.#process.once('exit', code => resolve(code)))
    this.#process.kill('SIGTERM')
    return exited
  }
}

const cardOf = (page: Page, title: string): Locator => page.locator(`[data-counter="${title}"]`)
const elsewhere = (page: Page): Locator => page.locator('#others .card')
const here = (page: Page): Locator => cardOf(page, 'This tab')
const inNode = (page: Page): Locator => cardOf(page, 'Node')
const totalOf = (card: Locator): Locator => card.locator('[data-total]')
const press = (card: Locator, name: string): Promise<void> => card.getByRole('button', { name }).click()

async function shows(element: Locator, text: string): Promise<void> {
  await element.filter({ hasText: new RegExp(`^\\s*${text}\\s*$`) }).waitFor({ timeout: 15_000 })
}

async function exactly(card: Locator, total: string): Promise<void> {
  await shows(totalOf(card), total)
  await shows(card.locator('[data-verdict]'), 'exact')
}

describe('the demo in two tabs', function () {
  this.timeout(120_000)
  let server: Program
  let browser: TestBrowser
  let address: string
  let one: Page
  let two: Page

  beforeEach(async () => {
    server = new Program('server.ts', [], { PORT: '0' })
    ;[browser, address] = await Promise.all([launchBrowser(), server.prints(/http:\/\/\S+/).then(([url]) => url)])
    // Left alone, the wire would mend itself in the midst of a slow test.
    one = await browser.openPage(`${address}/?cut=100`)
    two = await browser.openPage(address)
    await Promise.all([one, two].map(page => elsewhere(page).waitFor()))
    await Promise.all([one, two].map(page => inNode(page).waitFor()))
  })

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await report()
    await browser?.close()
    await server?.stop()
  })

  /** What a failure left on the screens and in the terminal. */
  async function report(): Promise<void> {
    for (const page of [one, two]) {
      if (page?.isClosed() === false) console.error((await page.locator('main').textContent())?.replace(/\s+/g, ' '))
    }
    console.error(server?.printed, browser?.errors)
  }

  it('counts in Node, in this tab and in the other one, and everybody sees it', async () => {
    await press(inNode(one), 'Add 1 to')
    await press(inNode(two), 'Add 10,000')
    await press(here(one), 'Add 1 to')
    await press(elsewhere(one), 'Add 10,000')
    await press(elsewhere(two), 'Add 10,000')

    await Promise.all([one, two].map(page => exactly(inNode(page), '10,001')))
    await exactly(here(one), '10,001')
    await exactly(elsewhere(two), '10,001')
    await exactly(here(two), '10,000')
    await exactly(elsewhere(one), '10,000')
    await server.prints(/the counter is at 10,001/)
    expect(browser.errors).to.deep.equal([])
  })

  it('restarts a counter that crashes with ten thousand messages on the way, and loses none', async () => {
    await press(inNode(one), 'Add 10,000')
    await press(inNode(two), 'Crash')
    await press(inNode(one), 'Add 10,000')
    await press(elsewhere(one), 'Add 10,000')
    await press(elsewhere(one), 'Crash')
    await press(elsewhere(one), 'Add 1 to')

    for (const page of [one, two]) {
      await exactly(inNode(page), '20,000')
      await shows(inNode(page).locator('[data-life]'), 'life 2')
    }
    await exactly(here(two), '10,001')
    await exactly(elsewhere(one), '10,001')
    await shows(elsewhere(one).locator('[data-life]'), 'life 2')
    await server.prints(/the counter has crashed; life 2/)
    expect(browser.errors).to.deep.equal([])
  })

  it('keeps the numbers exact when a link is cut, added to from both sides, and mended', async () => {
    await press(inNode(one), 'Add 10,000')
    await one.getByRole('button', { name: 'Cut the link' }).click()
    await shows(one.locator('#status'), 'Cut off')
    await press(inNode(one), 'Add 10,000')
    await press(inNode(one), 'Add 1 to')
    await elsewhere(two).and(two.locator('[data-reachable="no"]')).waitFor()
    await press(elsewhere(two), 'Add 10,000')
    await press(inNode(two), 'Add 1 to')
    const before = await totalOf(here(one)).textContent()
    await one.getByRole('button', { name: /Mend it now/ }).click()

    await shows(one.locator('#status'), 'Connected')
    await Promise.all([one, two].map(page => exactly(inNode(page), '20,002')))
    await exactly(here(one), '10,000')
    await exactly(elsewhere(two), '10,000')
    await elsewhere(two).and(two.locator('[data-reachable="yes"]')).waitFor()
    expect(before).to.equal('0')
    await server.prints(/is cut/)
    await server.prints(/is back after/)
    expect(browser.errors).to.deep.equal([])
  })

  it('shows a round trip', async () => {
    await one.locator('#rtt', { hasText: /^[\d.]+ ms$/ }).waitFor()
  })

  it('forgets a tab that is closed, at once', async () => {
    const name = (await two.title()).split(' · ')[0] ?? ''
    await two.close()

    await elsewhere(one).waitFor({ state: 'detached', timeout: 5000 })
    await shows(one.locator('#log li').first().locator('span'), `${name} has left.`)
    await server.prints(new RegExp(`${name} has left`))
    expect(browser.errors).to.deep.equal([])
  })

  it('finds a new server process at the same address, and begins there from zero', async () => {
    await press(inNode(one), 'Add 10,000')
    await exactly(inNode(two), '10,000')

    await server.stop()
    await Promise.all([one, two].map(page => inNode(page).waitFor({ state: 'detached' })))
    server = new Program('server.ts', [], { PORT: new URL(address).port })
    await Promise.all([one, two].map(page => inNode(page).waitFor()))
    await Promise.all([one, two].map(page => elsewhere(page).waitFor()))
    await press(inNode(one), 'Add 1 to')
    await press(elsewhere(one), 'Add 1 to')

    await exactly(inNode(two), '1')
    await exactly(here(two), '1')
  })

  it('lets a terminal join, count and leave', async () => {
    const terminal = new Program('client.ts', [address])
    await elsewhere(one).nth(1).waitFor()

    terminal.press('t')
    await Promise.all([one, two].map(page => exactly(inNode(page), '10,000')))
    await press(elsewhere(one).nth(1), 'Add 10,000')
    await terminal.prints(/the counter of yours is at 10,000/)
    terminal.press('q')

    await terminal.prints(/sent 10,000, counted 10,000: exact/)
    await elsewhere(one).nth(1).waitFor({ state: 'detached', timeout: 5000 })
    expect(await terminal.stop()).to.equal(0)
  })
})
