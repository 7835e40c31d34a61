// What happens to an actor that failed: a pure function of its policy, its history and the time. Cells act on the answer.

import type { Directive } from './behavior.ts'
import type { SpawnOptions } from './context.ts'

export interface Policy {
  readonly restart: 'always' | 'on-failure' | 'never'
  readonly limit: { readonly restarts: number; readonly within: number }
  readonly backoff: { readonly min: number; readonly max: number; readonly jitter?: number } | undefined
}

/** Three restarts in five seconds: a bad message is survived, a bad state that comes back is not. */
export const DEFAULT_POLICY: Policy = Object.freeze({
  restart: 'on-failure',
  limit: Object.freeze({ restarts: 3, within: 5000 }),
  backoff: undefined
})

/** When an actor was restarted: `count` ever, `series` without a quiet time between, `times` as far as its limit looks back. */
export interface History {
  readonly count: number
  readonly series: number
  readonly times: readonly number[]
}

export const NO_HISTORY: History = Object.freeze({ count: 0, series: 0, times: Object.freeze([]) })

/** `stop` and `escalate` both end the actor as failed; with `escalate` its parent fails too. */
export type Decision =
  | { readonly directive: 'restart'; readonly after: number; readonly history: History }
  | { readonly directive: 'resume' | 'stop' | 'escalate' }

export function policyOf(options: SpawnOptions<never>): Policy {
  return {
    restart: options.restart ?? DEFAULT_POLICY.restart,
    limit: options.limit ?? DEFAULT_POLICY.limit,
    backoff: options.backoff
  }
}

/** What the actor's own options say of an end by failure, or, `done`, of one by its own wish. */
export function decide(
  policy: Policy,
  end: 'failed' | 'done',
  history: History,
  now: number,
  random: () => number
): Decision {
  const { restart, limit } = policy
  if (restart === 'never' || (restart === 'on-failure' && end === 'done')) return { directive: 'stop' }
  const recent = history.times.filter(time => now - time < limit.within)
  if (recent.length >= limit.restarts) return { directive: 'escalate' }
  return restartAgain(policy, history, now, random)
}

/** What a parent's directive comes to: it knows better than the limit, but the backoff still holds. */
export function direct(
  directive: Directive,
  policy: Policy,
  history: History,
  now: number,
  random: () => number
): Decision {
  return directive === 'restart' ? restartAgain(policy, history, now, random) : { directive }
}

function restartAgain(policy: Policy, history: History, now: number, random: () => number): Decision {
  const { limit, backoff } = policy
  const last = history.times.at(-1) ?? Number.NEGATIVE_INFINITY
  // The wait itself does not count as quiet, or a backoff longer than the limit's time would never grow.
  const series = now - last < limit.within + (backoff?.max ?? 0) ? history.series + 1 : 0
  // The limit never asks for more times than it allows restarts.
  const times = [...history.times.filter(time => now - time < limit.within).slice(1 - Math.max(1, limit.restarts)), now]
  const after = backoff === undefined ? 0 : delay(backoff, series, random)
  return { directive: 'restart', after, history: { count: history.count + 1, series, times } }
}

/** `min`, doubled for each restart of the series, at most `max`; of that the share `jitter` is random. */
function delay(backoff: { min: number; max: number; jitter?: number }, series: number, random: () => number): number {
  const full = Math.min(backoff.max, backoff.min * 2 ** series)
  return full * (1 - (backoff.jitter ?? 0.5) * random())
}
