// The end in good order: what was accepted is finished, and nothing more is taken after half of the time. A gateway that closes
// and a system that shuts down hand in what "finished" is.

import type { Clock } from './clock.ts'

/** Milliseconds between two looks: nothing tells that the last mailbox has emptied, and no message shall pay for telling it. */
const LOOK = 10

export interface DrainPort {
  readonly clock: Clock
  /** Nothing goes on between those who leave and us: no question is open either way, no mail waits, all is acknowledged. */
  quiet(): boolean
  /** From now on batches wait unread, so they are not acknowledged: what they hold was never accepted. Acks are still heard. */
  deafen(): void
  /** What was accepted before is finished, and those who asked know. */
  finished(): boolean
}

/**
 * Resolves when all is finished, after `within` milliseconds, or when `hurry` aborts. Whoever goes on sending and asking is
 * listened to for half of the time.
 */
export async function drain(port: DrainPort, within: number, hurry?: AbortSignal): Promise<void> {
  const began = port.clock.now()
  await until(port, () => port.quiet(), began + within / 2, hurry)
  port.deafen()
  await until(port, () => port.finished(), began + within, hurry)
}

function until(
  { clock }: DrainPort,
  done: () => boolean,
  deadline: number,
  hurry: AbortSignal | undefined
): Promise<void> {
  return new Promise(resolve => {
    let cancel = (): void => {}
    const end = (): void => {
      cancel()
      hurry?.removeEventListener('abort', end)
      resolve()
    }
    const look = (): void => {
      const left = deadline - clock.now()
      if (left <= 0 || hurry?.aborted || done()) end()
      else cancel = clock.timer(Math.min(LOOK, left), look)
    }
    hurry?.addEventListener('abort', end)
    look()
  })
}
