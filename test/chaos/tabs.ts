// A round: a tab of a real Chromium that is frozen, closed, reloaded or killed. Frozen is its whole renderer, by a signal: a visible
// page is not frozen by `Page.setWebLifecycleState`, and a headless one is always visible.

import { setTimeout as sleep } from 'node:timers/promises'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { call, launchBrowser, servePage, type TestBrowser } from '../browser/browser.ts'
import { memory } from '../load/figures.ts'
import type { Account } from './corner.ts'
import { Side, type State } from './side.ts'
import { empty, exact, holds, type Round } from './stage.ts'

export const FATES = [
  'frozen',
  'frozen for too long',
  'closed',
  'reloaded',
  'reloaded while it talks',
  'killed'
] as const
export type Fate = (typeof FATES)[number]

/** A page that leaves says so: it is gone long before this. While it talks, its goodbye may not leave the browser. */
const AT_ONCE = 5_000

export const tabs = (round: Round): Promise<void> => tab(round.random.pick(FATES), round)

export async function tab(fate: Fate, round: Round): Promise<void> {
  const { random, told, wrong } = round
  const downAfter = fate === 'frozen' || fate === 'closed' || fate === 'reloaded' ? 20_000 : 2_000
  const home = new Side('home')
  const browser = await launchBrowser()
  const served = await servePage(new URL('./tab-page.ts', import.meta.url))
  try {
    await home.listen(webSocketServer({ server: served.server, path: '/actors' }), 'guest', downAfter)
    const url = `${served.url.replace('http', 'ws')}actors`
    const page = await browser.openPage(served.url)
    let current = page
    await call(page, 'join', url)
    await holds('the tab is there', () => home.corners.length === 1, wrong)
    await Promise.all([
      home.say(500),
      call(page, 'say', 500),
      home.ask(8),
      call(page, 'ask', 8),
      call(page, 'mortal', 5)
    ])
    const met = home.corner
    const signal = await rendererOf(browser)
    const began = performance.now()

    if (fate === 'frozen') {
      const time = random.int(1_000, 4_000)
      await signal('SIGSTOP')
      const waiting = [home.ask(8), home.say(500), home.mortal(5)]
      await sleep(time)
      if (met.account.asks.open === 0) wrong('a tab that is frozen has answered')
      await signal('SIGCONT')
      await Promise.all([...waiting, call(page, 'say', 500), call(page, 'ask', 8)])
      const there = async (): Promise<Account> => (await call<State>(page, 'state')).accounts[0] as Account
      await holds('all is heard', async () => (await there()).heard === met.account.said, wrong)
      await holds('all is heard here', () => met.account.heard === 1_000, wrong)
      exact('home', met.account, await there(), round)
      exact('tab', await there(), met.account, round)
      told(`${fate} for ${time} of ${downAfter} ms; nothing ended`)
    } else if (fate === 'frozen for too long') {
      await signal('SIGSTOP')
      const lost = [home.ask(8), home.say(50)]
      await holds('home is told of the end', () => met.account.ends.length > 0, wrong)
      const took = performance.now() - began
      await sleep(random.int(0, 5_000))
      await signal('SIGCONT')
      await Promise.all(lost)
      const there = async (): Promise<Account> => (await call<State>(page, 'state')).accounts[0] as Account
      await holds('the tab is told of the end', async () => (await there()).ends.length > 0, wrong)
      await Promise.all([call(page, 'say', 100), call(page, 'ask', 8), home.say(100), home.ask(8)])
      for (const [name, account] of [
        ['home', met.account],
        ['tab', await there()]
      ] as const) {
        if (account.ends.join() !== 'unreachable') wrong(`${name} was told ${account.ends}`)
        if (account.asks.open > 0) wrong(`${account.asks.open} asks of ${name} are open`)
        for (const fault of account.faults) wrong(fault)
      }
      if (met.account.asks.failed.ACTOR_UNREACHABLE !== 8) wrong(`asks: ${JSON.stringify(met.account.asks)}`)
      told(`${fate}: gone after ${Math.round(took)} ms (downAfter ${downAfter}), once on each side, and back`)
    } else {
      const lost: Promise<unknown>[] = []
      if (fate === 'reloaded while it talks') lost.push(call(page, 'say', 5_000).catch(() => {}))
      else await holds('all is heard', () => met.account.heard === 500, wrong)
      if (fate === 'closed') await page.close()
      if (fate.startsWith('reloaded')) await page.reload()
      if (fate === 'killed') await signal('SIGKILL')
      lost.push(home.ask(8))
      await holds('home is told of the end', () => met.account.ends.length > 0, wrong)
      const took = performance.now() - began
      if ((fate === 'closed' || fate === 'reloaded') && took > AT_ONCE)
        wrong(`a tab that is ${fate} was gone after ${Math.round(took)} ms only`)
      await Promise.all(lost)
      const next = fate.startsWith('reloaded') ? page : await browser.openPage(served.url)
      current = next
      await call(next, 'join', url)
      await holds('the next tab is there', () => home.corners.length === 2, wrong)
      await Promise.all([home.say(100), call(next, 'say', 100), home.ask(8), call(next, 'ask', 8)])
      const there = async (): Promise<Account> => (await call<State>(next, 'state')).accounts[0] as Account
      await holds('all is heard', async () => (await there()).heard === 100 && home.corner.account.heard === 100, wrong)
      exact('home', home.corner.account, await there(), round)
      exact('tab', await there(), home.corner.account, round)
      if (met.account.ends.join() !== 'unreachable') wrong(`home was told ${met.account.ends}`)
      if (met.account.asks.open > 0) wrong(`${met.account.asks.open} asks are open`)
      for (const fault of met.account.faults) wrong(fault)
      told(`${fate}: gone after ${Math.round(took)} ms (downAfter ${downAfter}), once; the next tab is somebody else`)
    }
    await call(current, 'leave')
    if (browser.errors.length > 0) wrong(`the page says: ${browser.errors.join('; ')}`)
  } finally {
    await browser.close()
    await home.forget()
    await empty(
      'home',
      async () => {
        await memory()
        return home.state()
      },
      wrong
    )
    await home.end()
    await served.close()
  }
}

/** Signals to the process of a tab. It is the only one, so all renderers are its own or spare. */
async function rendererOf({ context }: TestBrowser): Promise<(name: NodeJS.Signals) => Promise<void>> {
  const session = await context.browser()?.newBrowserCDPSession()
  return async name => {
    const { processInfo = [] } = (await session?.send('SystemInfo.getProcessInfo')) ?? {}
    for (const { type, id } of processInfo) if (type === 'renderer') process.kill(id, name)
  }
}
