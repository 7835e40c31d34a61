// The end of a Node process in good order: a signal starts the shutdown of a system with a drain, and the process ends within a
// budget whatever happens.

import process from 'node:process'
import { ActorError, type ActorSystem, type Subscription } from '../runtime/core.ts'

export interface DrainOptions {
  /** Default SIGTERM, which schedulers of containers send, and SIGINT, which is Ctrl+C. */
  signals?: readonly string[]
  /** Milliseconds from the signal to the end of the process, default 10,000: less than the scheduler waits before it kills. */
  within?: number
}

// Of the budget: first what was accepted is finished, then actors get to stop, and what is left is for last words and closing.
const FINISHING = 0.7
const STOPPING = 0.1
// The process is to be gone by then, not about to go.
const LAST_CALL = 0.95

/**
 * At the first of these signals the gateways of the system take nobody more and say so (their status is 503 at once), what was
 * accepted is finished, everybody hears goodbye, and the process exits with code 0, within the budget even if a handler never
 * ends. A second signal exits with code 1 at once. `unsubscribe` takes the handlers off. Throws ACTOR_BAD_OPTION.
 */
export function drainOnSignal(system: ActorSystem, options: DrainOptions = {}): Subscription {
  const { signals = ['SIGTERM', 'SIGINT'], within = 10_000 } = options
  if (!(within >= 1 && within < 2 ** 31)) {
    throw new ActorError('ACTOR_BAD_OPTION', `drainOnSignal: within is ${String(within)}; give milliseconds from 1 on`)
  }
  let ending = false
  const heard = (): void => {
    if (ending) process.exit(1)
    ending = true
    setTimeout(() => process.exit(0), within * LAST_CALL)
    void system.shutdown({ drain: within * FINISHING, within: within * STOPPING }).then(() => process.exit(0))
  }
  for (const signal of signals) process.on(signal, heard)
  return {
    unsubscribe: () => {
      for (const signal of signals) process.off(signal, heard)
    }
  }
}
