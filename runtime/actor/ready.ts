// `ref.ready()` of a local actor: waits for a mailbox to get short again.

import type { Cell } from './cell.ts'
import { ActorError } from './errors.ts'
import { duration } from './options.ts'
import type { AskOptions } from './ref.ts'

/** Someone who waits for room. */
export interface Waiter {
  /** With an error: the actor has ended. */
  wake(error?: ActorError): void
}

export function whenReady(cell: Cell, options: AskOptions | undefined): Promise<void> {
  if (cell.phase.is === 'stopped') return Promise.reject(hasEnded(cell.ref))
  if (cell.rest?.pressed !== true) return Promise.resolve()
  const { signal, within } = options ?? {}
  return new Promise((resolve, reject) => {
    if (within !== undefined) duration('within', within)
    if (signal?.aborted) throw signal.reason
    const rest = cell.more()
    rest.waiters ??= new Set()
    const { waiters } = rest
    const done = () => {
      waiters.delete(waiter)
      deadline?.cancel()
      signal?.removeEventListener('abort', aborted)
    }
    const aborted = () => {
      done()
      reject(signal?.reason)
    }
    const waiter: Waiter = {
      wake(error) {
        done()
        if (error === undefined) resolve()
        else reject(error)
      }
    }
    const deadline =
      within === undefined
        ? undefined
        : cell.home.deadlines.wait(within, () =>
            waiter.wake(new ActorError('ACTOR_ASK_TIMEOUT', `${cell.ref.label} had no room within ${within} ms`))
          )
    waiters.add(waiter)
    signal?.addEventListener('abort', aborted)
  })
}

export function hasEnded(ref: { readonly label: string }): ActorError {
  return new ActorError('ACTOR_STOPPED', `${ref.label} has stopped; watch it to learn when and why`)
}
