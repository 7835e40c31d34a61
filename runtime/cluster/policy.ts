// Asks a program's `authorize` and fails closed: only `true` within the time is a yes. The hub (relays) and the registry
// (names and groups) ask through it.

import type { Clock } from '../actor/clock.ts'
import type { Logger } from '../actor/logger.ts'
import { HANDSHAKE_TIME } from '../peer/handshake.ts'

export interface PolicyPort {
  readonly clock: Clock
  readonly logger: Logger
}

export function permitted(port: PolicyPort, ask: () => boolean | Promise<boolean>): boolean | Promise<boolean> {
  let answer: unknown
  try {
    answer = ask()
  } catch (error) {
    return failed(port, error)
  }
  if (typeof answer === 'boolean') return answer
  return new Promise(resolve => {
    const cancel = port.clock.timer(HANDSHAKE_TIME, () => resolve(failed(port, 'no answer in time')))
    Promise.resolve(answer)
      .then(
        yes => resolve(yes === true),
        error => resolve(failed(port, error))
      )
      .finally(cancel)
  })
}

/** Calls `no` when the answer is one, now or later. */
export function noted(answer: boolean | Promise<boolean>, no: () => void): boolean | Promise<boolean> {
  if (answer === false) no()
  else if (answer !== true) void answer.then(yes => yes || no())
  return answer
}

function failed({ logger }: PolicyPort, error: unknown): false {
  logger.warn('authorize failed, which is a no', { error })
  return false
}
