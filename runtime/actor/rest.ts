// What only some actors need, made on first use, so that the many that are idle stay small.

import type { Cell } from './cell.ts'
import type { SpawnOptions } from './context.ts'
import type { Family } from './family.ts'
import type { JointRestart } from './joint-restart.ts'
import { Latest } from './latest.ts'
import type { Waiter } from './ready.ts'
import type { Signal } from './signal.ts'
import { DEFAULT_POLICY, type History, NO_HISTORY, type Policy, policyOf } from './supervision.ts'
import type { Watcher } from './watch.ts'

/** Messages waiting for one actor. */
export const CAPACITY = 65_536
/** Bytes waiting for one actor, of mail from other systems. */
export const BYTES = 16 * 2 ** 20
/** From so many waiting messages on a ref is `pressed`: queues this short stay in the processor's cache. */
export const HIGH = 256

export interface Bounds {
  readonly capacity: number
  readonly bytes: number
  readonly high: number
  /** At so many or fewer it is no longer pressed. */
  readonly low: number
  readonly overflow: 'reject' | 'drop-oldest' | 'drop-newest'
}

export const BOUNDS: Bounds = Object.freeze({
  capacity: CAPACITY,
  bytes: BYTES,
  high: HIGH,
  low: HIGH / 4,
  overflow: 'reject'
})

export class Rest implements Family {
  name: string | undefined
  policy: Policy = DEFAULT_POLICY
  history: History = NO_HISTORY
  bounds: Bounds = BOUNDS
  latest: Latest | undefined
  /** Failures of children that wait for this actor's own failure to be decided. */
  held: Signal[] | undefined
  lastChild: Cell | undefined
  /** The restart together with siblings that it takes part in, and the one that its own children take part in. */
  joint: JointRestart | undefined
  restarting: JointRestart | undefined
  /** Milliseconds for its pending handler, for its `stopping` hook, and in all for its end when its parent ends. */
  shutdown: number | undefined
  watchers: Set<Watcher> | undefined
  /** Bytes of the mail that waits. */
  bytes = 0
  pressed = false
  pressureChanged: ((on: boolean) => void) | undefined = undefined
  /** Who waits for `ready`, and who for room. */
  waiters: Set<Waiter> | undefined
  room: Array<() => void> | undefined = undefined
  refusedAt = Number.NEGATIVE_INFINITY

  configure(options: SpawnOptions<never>): void {
    this.name = options.name?.name
    this.policy = policyOf(options)
    this.shutdown = options.shutdown
    if (options.mailbox === undefined) return
    const { capacity = CAPACITY, bytes = BYTES, overflow = 'reject' } = options.mailbox
    const high = Math.min(HIGH, Math.ceil(capacity))
    const kind = typeof overflow === 'object' ? 'reject' : overflow
    this.bounds = { capacity, bytes, high, low: high >> 2, overflow: kind }
    if (typeof overflow === 'object') this.latest = new Latest(overflow.latest)
  }
}
