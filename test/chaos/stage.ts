// The stage of a round: a hub in this process, another system in a process of its own, and a line between them that can be cut. At
// its end nothing of anybody is held.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../runtime/testing/random.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { memory } from '../load/figures.ts'
import { type Child, child } from '../support/child.ts'
import { type Proxy as Line, proxy } from '../support/proxy.ts'
import type { Account } from './corner.ts'
import type { Peer } from './peer.ts'
import { Side, type State } from './side.ts'

/** How large a round is: small in the unit tests. */
export interface Size {
  /** Each way, and faults meanwhile. */
  readonly messages: number
  readonly strikes: number
  /** Of a server that comes again. */
  readonly guests: number
  /** Some rounds take their time. */
  readonly long: boolean
}

export const SMALL: Size = { messages: 1_000, strikes: 8, guests: 40, long: false }
export const FULL: Size = { messages: 10_000, strikes: 20, guests: 500, long: true }

export interface Round {
  readonly random: Random
  readonly size: Size
  /** What was done and seen, in words. */
  told(what: string): void
  /** What is not as promised. */
  wrong(what: string): void
}

export interface Stage {
  readonly home: Side
  readonly far: Child<Peer>
  readonly line: Line
  readonly trust: 'guest' | 'node'
  /** Another process in the place of one that is no more. */
  replaced(): Promise<Child<Peer>>
}

export const startPeer = (on?: string): Child<Peer> =>
  child<Peer>(new URL('./peer.ts', import.meta.url), on === undefined ? {} : { on })

/** Raises a stage where the two have met, plays on it, and looks whether it is left clean. */
export async function onStage(
  { random, told, wrong }: Round,
  downAfter: number,
  play: (stage: Stage) => Promise<void>
): Promise<void> {
  const home = new Side('home')
  const trust = random.pick(['guest', 'node'] as const)
  const url = await home.listen(webSocketServer({ port: 0 }), trust, downAfter)
  const line = await proxy(Number(new URL(url).port))
  const peers: Child<Peer>[] = []
  const start = async (): Promise<Child<Peer>> => {
    const peer = startPeer()
    peers.push(peer)
    await peer.call('join', `ws://127.0.0.1:${line.port}`, trust)
    await peer.call('meet')
    return peer
  }
  told(`a ${trust}`)
  try {
    await play({ home, far: await start(), line, trust, replaced: start })
    const last = peers.at(-1) as Child<Peer>
    await Promise.all([home.forget(), last.call('forget')])
    await last.call('leave')
    await empty(
      'home',
      async () => {
        await memory()
        return home.state()
      },
      wrong
    )
    await empty('far', () => last.call('state'), wrong)
  } finally {
    await Promise.all(peers.map(peer => peer.end()))
    await home.end()
    await line.close()
  }
}

/** Waits, for long, until it holds; otherwise that is wrong. */
export async function holds(
  what: string,
  test: () => boolean | Promise<boolean>,
  wrong: Round['wrong'],
  within = 60_000
): Promise<boolean> {
  const end = performance.now() + within
  while (!(await test())) {
    if (performance.now() > end) {
      wrong(`waited ${within} ms in vain until ${what}`)
      return false
    }
    await sleep(20)
  }
  return true
}

/** Waits until a side holds nothing of anybody any more; otherwise that is wrong. */
export async function empty(who: string, look: () => Promise<State>, wrong: Round['wrong']): Promise<void> {
  let left = ''
  const isEmpty = async (): Promise<boolean> => {
    const { held, asking, asked, attached } = await look()
    const figures = Object.entries({ ...held, asking, asked, attached }).filter(([, n]) => n > 0)
    left = figures.map(([name, n]) => `${n} ${name}`).join(', ')
    return figures.length === 0
  }
  const end = performance.now() + 20_000
  while (!(await isEmpty()) && performance.now() < end) await sleep(50)
  if (left !== '') wrong(`${who} still holds ${left}`)
}

/** What one has said has been heard by the other, all of it and with no end between; every ask was answered. */
export function exact(name: string, one: Account, other: Account, { wrong }: Round): void {
  if (one.said !== other.heard) wrong(`${name} has said ${one.said}, and ${other.heard} were heard`)
  if (one.ends.length > 0) wrong(`${name} heard of an end: ${one.ends}`)
  if (one.asks.open > 0) wrong(`${one.asks.open} asks of ${name} are open`)
  if (Object.keys(one.asks.failed).length > 0) wrong(`asks of ${name} failed: ${JSON.stringify(one.asks.failed)}`)
  const ended = one.mortals.ended.done ?? 0
  if (ended !== one.mortals.watched || Object.keys(one.mortals.ended).length > 1) {
    wrong(`${name} watched ${one.mortals.watched}, and was told ${JSON.stringify(one.mortals.ended)}`)
  }
  for (const fault of one.faults) wrong(fault)
}

/** Everything that was sent on either side was handed to a handler, answered a question, or is a dead letter. */
export function addsUp(before: readonly State[], after: readonly State[], { wrong, told }: Round): void {
  const sum = (states: readonly State[], figure: (state: State) => number): number =>
    states.reduce((total, state) => total + figure(state), 0)
  const more = (figure: (state: State) => number): number => sum(after, figure) - sum(before, figure)
  const answered = more(({ accounts }) => accounts.reduce((n, { asks }) => n + asks.answered, 0))
  const sent = more(({ counters }) => counters.sent)
  const delivered = more(({ counters }) => counters.delivered)
  const dead = more(({ counters }) => counters.deadLetters)
  told(`sent ${sent} = delivered ${delivered} + answers ${answered} + dead letters ${dead}`)
  if (sent !== delivered + answered + dead) wrong('the counters do not add up')
}
