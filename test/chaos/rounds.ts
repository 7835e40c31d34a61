// The rounds: what is done to two systems on real sockets, and what has to be seen.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from '../support/child.ts'
import type { Proxy as Line } from '../support/proxy.ts'
import type { Account } from './corner.ts'
import { namespaces } from './namespaces.ts'
import type { Peer } from './peer.ts'
import { restart } from './restart.ts'
import type { Side } from './side.ts'
import { addsUp, exact, holds, onStage, type Round } from './stage.ts'

/** Longer than anything on a loaded machine takes, where nothing may end. */
const LONG = 30_000

const last = (side: Side): Account => side.corner.account
const farAccount = async (far: Child<Peer>): Promise<Account> => (await far.call('state')).accounts.at(-1) as Account

/** Both have heard all that was said, and no ask is open. */
const quietNow = (home: Side, far: Child<Peer>, round: Round): Promise<boolean> =>
  holds(
    'all is heard',
    async () => {
      const [here, there] = [last(home), await farAccount(far)]
      return here.heard === there.said && there.heard === here.said && here.asks.open + there.asks.open === 0
    },
    round.wrong
  )

/** What may happen to a line that stays within what is promised to lose nothing. */
const strikes: Record<string, (line: Line, round: Round) => Promise<void>> = {
  async 'cut at a byte'(line, { random }) {
    line.cutAfter(random.int(1, 20_000))
  },
  async cut(line, { random }) {
    line.cut()
    await sleep(random.int(0, 300))
    line.mend()
  },
  async reset(line) {
    line.reset()
  },
  async 'end told to the caller'(line) {
    line.halfClose('caller')
  },
  async 'end told to the server'(line) {
    line.halfClose('callee')
  },
  async hold(line, { random }) {
    line.hold()
    await sleep(random.int(20, 600))
    if (random.chance(0.3)) line.reset()
    line.release()
  },
  async delay(line, { random }) {
    line.delay(random.int(1, 40))
    await sleep(random.int(20, 200))
    line.delay(0)
  }
}

/** Ten thousand messages each way over a bad line. */
async function line(round: Round): Promise<void> {
  const { random, size, told } = round
  await onStage(round, LONG, async ({ home, far, line }) => {
    await quietNow(home, far, round)
    const before = [home.state(), await far.call('state')]
    const done: Record<string, number> = {}
    const questions: Promise<unknown>[] = []
    for (let n = 0; n < size.strikes; n++) {
      const portion = Math.ceil(size.messages / size.strikes)
      const pad = random.int(0, 120)
      const saying = [home.say(portion, pad), far.call('say', portion, pad)]
      questions.push(
        home.ask(5),
        far.call('ask', 5),
        home.mortal(random.int(0, 20)),
        far.call('mortal', random.int(0, 20))
      )
      await sleep(random.int(0, 30))
      const strike = random.pick(Object.keys(strikes))
      done[strike] = (done[strike] ?? 0) + 1
      await strikes[strike]?.(line, round)
      await Promise.all(saying)
    }
    await Promise.all(questions)
    await quietNow(home, far, round)
    const after = [home.state(), await far.call('state')]
    const [here, there] = [last(home), await farAccount(far)]
    exact('home', here, there, round)
    exact('far', there, here, round)
    told(
      `${Object.entries(done)
        .map(([strike, n]) => `${n} x ${strike}`)
        .join(', ')}; ${here.heard} and ${there.heard} heard`
    )
    addsUp(before, after, round)
  })
}

/** A process is stopped for less than `downAfter`: nobody is to notice more than a delay. */
async function pause(round: Round): Promise<void> {
  const { random, size, told } = round
  // Once in a while longer than a connection may be silent, which is 15 s.
  const long = size.long && random.chance(0.15)
  const downAfter = long ? 60_000 : 8_000
  await onStage(round, downAfter, async ({ home, far, line }) => {
    await quietNow(home, far, round)
    const before = [home.state(), await far.call('state')]
    const questions = [home.ask(8), far.call('ask', 8), home.mortal(5)]
    await sleep(random.int(0, 20))
    const time = long ? random.int(17_000, 22_000) : random.int(500, size.long ? 3_000 : 1_000)
    const cut = random.chance(0.5)
    far.signal('SIGSTOP')
    questions.push(home.ask(8), home.say(200), home.mortal(3))
    if (cut) {
      line.cut()
      await sleep(time / 2)
      line.mend()
    }
    await sleep(time / (cut ? 2 : 1))
    far.signal('SIGCONT')
    questions.push(far.call('say', 200), far.call('mortal', 3))
    await Promise.all(questions)
    await quietNow(home, far, round)
    const after = [home.state(), await far.call('state')]
    const [here, there] = [last(home), await farAccount(far)]
    exact('home', here, there, round)
    exact('far', there, here, round)
    told(`stopped for ${time} of ${downAfter} ms${cut ? ', its line cut meanwhile' : ''}; nothing ended`)
    addsUp(before, after, round)
  })
}

/** Out of reach for longer than `downAfter`, and back: gone exactly once for each side, and then a new epoch. */
async function gone(round: Round): Promise<void> {
  const { random, size, told } = round
  const downAfter = size.long ? random.int(800, 2_000) : 500
  await onStage(round, downAfter, async ({ home, far, line }) => {
    await Promise.all([home.say(100), far.call('say', 100), home.ask(8), far.call('ask', 8)])
    await quietNow(home, far, round)
    const way = random.pick(['stopped', 'cut off', 'held'])
    if (way === 'stopped') far.signal('SIGSTOP')
    if (way === 'cut off') line.cut()
    if (way === 'held') line.hold()
    const lost = [home.ask(8), home.say(50), ...(way === 'stopped' ? [] : [far.call('ask', 8), far.call('say', 50)])]
    const began = performance.now()
    await holds('home is told of the end', () => last(home).ends.length > 0, round.wrong)
    const took = performance.now() - began
    if (took < downAfter / 2) round.wrong(`it was gone after ${Math.round(took)} of ${downAfter} ms`)
    await sleep(random.int(0, 2 * downAfter))
    far.signal('SIGCONT')
    line.mend()
    line.release()
    await Promise.all(lost)
    await holds('far is told of the end', async () => (await farAccount(far)).ends.length > 0, round.wrong)

    // A new epoch, from either side.
    await Promise.all([home.say(100), far.call('say', 100)])
    await holds('home can ask again', () => answered(home.ask(1, 1_000), last(home)), round.wrong)
    await Promise.all([home.ask(8), far.call('ask', 8), home.mortal(5), far.call('mortal', 5)])
    const [here, there] = [last(home), await farAccount(far)]
    for (const [name, account, lostAsks] of [
      ['home', here, 8],
      ['far', there, way === 'stopped' ? 0 : 8]
    ] as const) {
      if (account.ends.join() !== 'unreachable') round.wrong(`${name} was told ${account.ends}`)
      const { UNREACHABLE: failed = 0, ...others } = failures(account)
      if (failed < lostAsks) round.wrong(`of ${lostAsks} asks of ${name} only ${failed} have failed`)
      if (Object.keys(others).length > 0) round.wrong(`asks of ${name} failed: ${JSON.stringify(others)}`)
      if (account.asks.open > 0) round.wrong(`${account.asks.open} asks of ${name} are open`)
      for (const fault of account.faults) round.wrong(fault)
    }
    told(`${way} for longer than ${downAfter} ms: gone after ${Math.round(took)} ms, once on each side, and back`)
  })
}

const failures = ({ asks }: Account): Record<string, number> =>
  Object.fromEntries(Object.entries(asks.failed).map(([code, n]) => [code.replace('ACTOR_', ''), n]))

async function answered(asking: Promise<unknown>, { asks }: Account): Promise<boolean> {
  const before = asks.answered
  await asking
  return asks.answered > before
}

/** A process dies in the middle of everything: gone once, asks fail once, and another in its place is somebody else. */
async function kill(round: Round): Promise<void> {
  const { random, size, told } = round
  const downAfter = size.long ? random.int(500, 1_500) : 300
  await onStage(round, downAfter, async ({ home, far, replaced }) => {
    const dead = home.corner
    const until = random.int(1, 10_000)
    let over = false
    const talk = async (): Promise<void> => {
      while (!over) await Promise.all([home.say(200), far.call('say', 200)])
    }
    const talking = talk().catch(() => {})
    await holds('there is talk', () => dead.account.heard >= until, round.wrong)
    const asking = home.ask(16)
    far.signal('SIGKILL')
    await far.ended
    over = true
    const began = performance.now()
    await holds('its end is told', () => dead.account.ends.length > 0, round.wrong)
    const took = performance.now() - began
    await Promise.all([talking, asking])
    const next = await replaced()
    if (home.corner === dead) round.wrong('the next process was taken for the one before')
    await Promise.all([home.say(200), next.call('say', 200), home.ask(8), next.call('ask', 8), home.mortal(5)])
    await quietNow(home, next, round)
    const [here, there] = [last(home), await farAccount(next)]
    exact('home', here, there, round)
    exact('far', there, here, round)
    // Who is dead stays so, for refs that are kept.
    await dead.ask(1)
    const { UNREACHABLE: failed = 0, ...others } = failures(dead.account)
    if (dead.account.ends.join() !== 'unreachable') round.wrong(`of the dead one home was told ${dead.account.ends}`)
    if (dead.account.asks.open > 0 || failed + dead.account.asks.answered !== 17 || Object.keys(others).length > 0) {
      round.wrong(`asks to the dead one: ${JSON.stringify(dead.account.asks)}`)
    }
    for (const fault of dead.account.faults) round.wrong(fault)
    told(
      `killed after ${dead.account.heard} words; gone ${Math.round(took)} ms later (downAfter ${downAfter}), ${failed} asks failed`
    )
  })
}

export const rounds = { line, pause, gone, kill, restart, namespaces } satisfies Record<
  string,
  (round: Round) => Promise<void>
>
