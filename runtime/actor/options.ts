// Checks of what programs hand in: everything unusable is refused where it was written, with the option's name and the mend.

import { MAX_DELAY } from './clock.ts'
import type { SpawnOptions } from './context.ts'
import { ActorError } from './errors.ts'
import type { AskOptions } from './ref.ts'

/** Milliseconds until an ask gives up, unless it says otherwise. */
const ASK_WITHIN = 5000

export function badOption(name: string, value: unknown, mend: string): ActorError {
  const shown = typeof value === 'string' ? `'${value}'` : typeof value === 'object' ? 'an object' : String(value)
  return new ActorError('ACTOR_BAD_OPTION', `${name} is ${shown}; give ${mend}`)
}

/** A number of `min` to `max`. */
export function number(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw badOption(name, value, `a number of ${min} to ${max}`)
}

/** Milliseconds that a timer can wait. */
export function duration(name: string, value: unknown, min = 1): number {
  if (typeof value === 'number' && value >= min && value <= MAX_DELAY) return value
  throw badOption(name, value, `${min} to ${MAX_DELAY} milliseconds`)
}

/** The `within` of an ask, or its default. */
export function patience(options: AskOptions | undefined): number {
  const within = options?.within
  return within === undefined ? ASK_WITHIN : duration('within', within)
}

export function checkRecord(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw badOption(name, value, 'a record')
}

export function checkSpawnOptions(options: SpawnOptions<never>): void {
  checkRecord('options', options)
  const { name, restart, limit, backoff, shutdown, mailbox } = options
  if (name !== undefined && typeof (name as { name?: unknown } | null)?.name !== 'string') {
    throw badOption('name', name, "a name made with actorName('...')")
  }
  if (restart !== undefined && restart !== 'always' && restart !== 'on-failure' && restart !== 'never') {
    throw badOption('restart', restart, "'always', 'on-failure' or 'never'")
  }
  if (limit !== undefined) {
    checkRecord('limit', limit)
    number('limit.restarts', limit.restarts, 0, 1000)
    duration('limit.within', limit.within)
  }
  if (backoff !== undefined) {
    checkRecord('backoff', backoff)
    duration('backoff.min', backoff.min)
    duration('backoff.max', backoff.max, backoff.min)
    if (backoff.jitter !== undefined) number('backoff.jitter', backoff.jitter, 0, 1)
  }
  if (shutdown !== undefined) duration('shutdown', shutdown, 0)
  if (mailbox !== undefined) {
    checkRecord('mailbox', mailbox)
    const { capacity, bytes, overflow } = mailbox
    if (capacity !== undefined) number('mailbox.capacity', capacity, 1, 2 ** 30)
    if (bytes !== undefined) number('mailbox.bytes', bytes, 1, 2 ** 40)
    if (overflow === undefined || overflow === 'reject' || overflow === 'drop-oldest' || overflow === 'drop-newest')
      return
    if (typeof (overflow as { latest?: unknown } | null)?.latest !== 'function') {
      throw badOption(
        'mailbox.overflow',
        overflow,
        "'reject', 'drop-oldest', 'drop-newest' or { latest: message => key }"
      )
    }
  }
}
