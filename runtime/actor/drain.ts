// The end in good order: what was accepted is finished, and nothing more is taken after half of the time. A gateway that closes
// and a system that shuts down hand in what "finished" is.

import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'

/** Milliseconds between two looks: nothing tells that the last mailbox has emptied, and no message shall pay for telling it. */
const LOOK = 10

export interface DrainPort {
  readonly clock: Clock
  readonly logger: Logger
  /** Nothing goes on between those who leave and us: no question is open either way, no mail waits, all is acknowledged. */
  quiet(): boolean
  /** From now on batches wait unread, so they are not acknowledged: what they hold was never accepted. Acks are still heard. */
  deafen(): void
  /** What was accepted before is finished, and those who asked know. */
  finished(): boolean
}

/**
 * Resolves when all is finished, after `within` milliseconds, or when `hurry` aborts; what is not finished then is logged. Whoever
 * goes on sending and asking is listened to for half of the time.
 */
export async function drain(port: DrainPort, within: number, hurry?: AbortSignal): Promise<void> {
  const began = port.clock.now()
  await until(port, () => port.quiet(), began + within / 2, hurry)
  port.deafen()
  if (await until(port, () => port.finished(), began + within, hurry)) return
  port.logger.warn('a drain is over before all that was accepted is finished', { within })
}

function until(
  { clock }: DrainPort,
  holds: () => boolean,
  deadline: number,
  hurry: AbortSignal | undefined
): Promise<boolean> {
  return new Promise(resolve => {
    let cancel = (): void => {}
    const end = (held: boolean): void => {
      cancel()
      hurry?.removeEventListener('abort', hurried)
      resolve(held)
    }
    const hurried = (): void => end(false)
    const look = (): void => {
      const held = holds()
      const left = deadline - clock.now()
      if (held || left <= 0 || hurry?.aborted) end(held)
      else cancel = clock.timer(Math.min(LOOK, left), look)
    }
    hurry?.addEventListener('abort', hurried)
    look()
  })
}
