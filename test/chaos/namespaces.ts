// A round: two systems in network namespaces of their own, with a wire between. It is pulled, so that nobody hears of an end,
// and it is slow and loses packets, where the kernel has what makes it so. Needs Linux, root and `ip`.

import { execFile, spawnSync } from 'node:child_process'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Account } from './corner.ts'
import { empty, exact, holds, type Round, startPeer } from './stage.ts'

const run = promisify(execFile)
const ip = (...args: string[]): Promise<unknown> => run('ip', args)

/** Why there are none to be had here, in words. */
export function noNamespaces(): string | undefined {
  const name = `wa-${process.pid}-try`
  const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' })
  if (made.error !== undefined) return `no \`ip\`: ${made.error.message}`
  if (made.status !== 0) return made.stderr.trim()
  const pair = [`wa${process.pid}x`, `wa${process.pid}y`] as const
  const wire = spawnSync('ip', ['link', 'add', pair[0], 'type', 'veth', 'peer', 'name', pair[1]], { encoding: 'utf8' })
  spawnSync('ip', ['link', 'del', pair[0]])
  spawnSync('ip', ['netns', 'del', name])
  return wire.status === 0 ? undefined : wire.stderr.trim()
}

interface Wire {
  /** The namespaces at its ends, and the address of the first. */
  readonly ends: readonly [string, string]
  readonly address: string
  /** Nothing passes, and nobody is told. */
  pull(): Promise<unknown>
  plug(): Promise<unknown>
  /** Slow and lossy, as far as the kernel can; answers how. */
  spoil(): Promise<string>
  remove(): Promise<void>
}

let made = 0

async function wire(): Promise<Wire> {
  const name = `wa${process.pid}n${++made}`
  const ends = [`${name}a`, `${name}b`] as const
  const address = '10.213.7.1'
  for (const end of ends) await ip('netns', 'add', end)
  await ip('link', 'add', ends[0], 'netns', ends[0], 'type', 'veth', 'peer', 'name', ends[1], 'netns', ends[1])
  for (const [n, end] of ends.entries()) {
    await ip('-n', end, 'addr', 'add', `10.213.7.${n + 1}/24`, 'dev', end)
    await ip('-n', end, 'link', 'set', end, 'up')
    await ip('-n', end, 'link', 'set', 'lo', 'up')
  }
  // However the run ends.
  const sweep = (): void => {
    for (const end of ends) spawnSync('ip', ['netns', 'del', end])
  }
  process.once('exit', sweep)
  const shape = (...how: string[]): Promise<unknown> =>
    Promise.all(ends.map(end => run('tc', ['-n', end, 'qdisc', 'replace', 'dev', end, 'root', ...how])))
  return {
    ends,
    address,
    pull: () => ip('-n', ends[1], 'link', 'set', ends[1], 'down'),
    plug: () => ip('-n', ends[1], 'link', 'set', ends[1], 'up'),
    spoil: () =>
      shape('netem', 'delay', '20ms', '10ms', 'loss', '3%').then(
        () => 'delayed by 10 to 30 ms and losing 3 %',
        // A short queue that is drained slowly loses what does not fit.
        () =>
          shape('tbf', 'rate', '4mbit', 'burst', '4kb', 'limit', '6kb').then(
            () => 'at 4 Mbit/s with a queue of 6 KB that overflows (no netem in this kernel)',
            () => 'as it is (this kernel can neither delay nor lose)'
          )
      ),
    async remove() {
      process.off('exit', sweep)
      for (const end of ends) await ip('netns', 'del', end).catch(() => {})
    }
  }
}

export async function namespaces(round: Round): Promise<void> {
  const { random, size, told, wrong } = round
  const line = await wire()
  const [near, far] = line.ends.map(end => startPeer(end)) as [
    ReturnType<typeof startPeer>,
    ReturnType<typeof startPeer>
  ]
  const downAfter = 6_000
  const trust = random.pick(['guest', 'node'] as const)
  const accounts = async (): Promise<[Account, Account]> => {
    const [one, other] = await Promise.all([near.call('state'), far.call('state')])
    return [one.accounts.at(-1) as Account, other.accounts.at(-1) as Account]
  }
  const allHeard = async (): Promise<boolean> => {
    const [one, other] = await accounts()
    return one.heard === other.said && other.heard === one.said
  }
  try {
    const url = await near.call('listen', line.address, 0, trust, downAfter)
    await far.call('join', url, trust)
    await far.call('meet')
    const how = await line.spoil()
    const portion = Math.ceil(size.messages / 10)
    let pulls = 0
    for (let n = 0; n < 10; n++) {
      const saying = [near, far].flatMap(side => [
        side.call('say', portion, 20),
        side.call('ask', 5),
        side.call('mortal', 3)
      ])
      if (n % 3 === 0) {
        await sleep(random.int(0, 200))
        await line.pull()
        await sleep(random.int(100, 2_000))
        await line.plug()
        pulls += 1
      }
      await Promise.all(saying)
    }
    await holds('all is heard', allHeard, wrong)
    const [one, other] = await accounts()
    exact('near', one, other, round)
    exact('far', other, one, round)

    // And now for too long.
    await line.pull()
    const lost = [near.call('ask', 4), far.call('ask', 4)]
    await Promise.all(lost)
    const ends = async (): Promise<boolean> => (await accounts()).every(account => account.ends.length > 0)
    await holds('both are told of the end', ends, wrong)
    await line.plug()
    // The wire that is back is noticed by the next ping, or by whoever dials again.
    const again = async (): Promise<boolean> => {
      const before = (await accounts())[1].asks.answered
      await far.call('ask', 1, 2_000)
      return (await accounts())[1].asks.answered > before
    }
    await holds('far can ask again', again, wrong)
    await Promise.all([near.call('say', 50), far.call('say', 50), near.call('ask', 4)])
    for (const [n, account] of (await accounts()).entries()) {
      const name = ['near', 'far'][n]
      if (account.ends.join() !== 'unreachable') wrong(`${name} was told ${account.ends}`)
      if ((account.asks.failed.ACTOR_UNREACHABLE ?? 0) < 4) wrong(`asks of ${name}: ${JSON.stringify(account.asks)}`)
      if (account.asks.open > 0) wrong(`${account.asks.open} asks of ${name} are open`)
      for (const fault of account.faults) wrong(fault)
    }
    told(
      `a ${trust} on a wire ${how}: ${one.heard} and ${other.heard} heard, pulled ${pulls} times; ` +
        `then for longer than ${downAfter} ms: gone once on each side, and back`
    )
    await Promise.all([near.call('forget'), far.call('forget')])
    await far.call('leave')
    await empty('near', () => near.call('state'), wrong)
    await empty('far', () => far.call('state'), wrong)
  } finally {
    await Promise.all([near.end(), far.end()])
    await line.remove()
  }
}
