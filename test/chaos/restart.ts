// A round: a server that comes again at the same address while hundreds of guests are with it. They do not return all at once, and
// each is told once that what was before is over.

import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { webSocket } from '../../transports/websocket.ts'
import type { Child } from '../support/child.ts'
import type { Account } from './corner.ts'
import type { Peer } from './peer.ts'
import { Side } from './side.ts'
import { empty, exact, holds, type Round, startPeer } from './stage.ts'

/** What programs get that say nothing of it. */
const BACKOFF = { min: 250, max: 30_000 }
/** Of all guests, what may return within this time. */
const SHARE = 0.25
/** Of a few dozen guests so many may come at once: a busy machine wakes late, and then for all who were due. */
const FEW = 25
const WITHIN = 100

export async function restart(round: Round): Promise<void> {
  const { random, size, told, wrong } = round
  const guests = Array.from({ length: size.guests }, (_, n) => new Side(`guest ${n}`))
  const servers: Child<Peer>[] = []
  const serve = async (port: number): Promise<string> => {
    const server = startPeer()
    servers.push(server)
    return server.call('listen', '127.0.0.1', port, 'guest', 20_000)
  }
  try {
    const url = await serve(0)
    const first = servers[0] as Child<Peer>
    const returned: number[] = []
    let began = Number.POSITIVE_INFINITY
    await each(guests, async guest => {
      const link = await guest.join(webSocket(url, { WebSocket }), 'guest', BACKOFF)
      link.onStatus(status => {
        if (status === 'connected') returned.push(performance.now() - began)
      })
      await guest.meet()
      await guest.say(5)
    })
    const asking = guests.map(guest => guest.ask(1))
    await sleep(random.int(0, 20))
    const polite = random.chance(0.5)
    began = performance.now()
    if (polite) await first.call('end')
    await first.end()
    await sleep(random.int(0, 300))
    await serve(Number(new URL(url).port))
    const up = performance.now() - began
    await holds(`${guests.length} guests are back`, () => returned.length === guests.length, wrong)
    await Promise.all(asking)
    await holds('all are told of the end', () => guests.every(({ corner }) => corner.account.ends.length > 0), wrong)
    const before = guests.map(({ corner }) => corner.account)
    for (const { ends, asks, faults } of before) {
      if (ends.length !== 1) wrong(`a guest was told ${ends}`)
      if (asks.open > 0) wrong('an ask is open')
      for (const fault of faults) wrong(fault)
    }

    const second = servers[1] as Child<Peer>
    await each(guests, async guest => {
      await guest.meet()
      await Promise.all([guest.say(20), guest.ask(2)])
    })
    const heard = async (): Promise<Account[]> => (await second.call('state')).accounts
    await holds('all is heard', async () => (await heard()).every(account => account.heard === 20), wrong)
    const there = await heard()
    if (there.length !== guests.length) wrong(`${there.length} of ${guests.length} guests are there`)
    for (const [n, { corner }] of guests.entries()) exact(`guest ${n}`, corner.account, there[n] as Account, round)

    const peak = mostWithin(returned, WITHIN)
    if (peak > Math.max(FEW, SHARE * guests.length)) wrong(`${peak} returned within ${WITHIN} ms`)
    told(
      `${guests.length} guests of a server that ${polite ? 'said goodbye' : 'was killed'} and was back after ${Math.round(up)} ms; ` +
        `they were so after ${Math.round(Math.min(...returned))} to ${Math.round(Math.max(...returned))} ms, ` +
        `at most ${peak} within ${WITHIN} ms`
    )
    await each(guests, guest => guest.leave())
    await second.call('forget')
    await empty('the server', () => second.call('state'), wrong)
  } finally {
    await Promise.all(servers.map(server => server.end()))
    await Promise.all(guests.map(guest => guest.end()))
  }
}

/** Some at a time: a thousand dials at once are another test. */
async function each(guests: readonly Side[], act: (guest: Side) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < guests.length; at += 50) await Promise.all(guests.slice(at, at + 50).map(act))
}

/** The most of these moments that lie within a stretch of time. */
function mostWithin(moments: readonly number[], stretch: number): number {
  const sorted = [...moments].sort((a, b) => a - b)
  let from = 0
  let most = 0
  for (const [to, moment] of sorted.entries()) {
    while (moment - (sorted[from] as number) > stretch) from += 1
    most = Math.max(most, to - from + 1)
  }
  return most
}
