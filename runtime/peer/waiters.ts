// Those who wait in `ready` for the way to a peer to be clear again. The peer tells when it may be; each looks for itself.

import type { Clock } from '../actor/clock.ts'
import { ActorError } from '../actor/errors.ts'
import { patience } from '../actor/options.ts'
import { hasEnded } from '../actor/ready.ts'
import type { AskOptions } from '../actor/ref.ts'
import type { Watcher } from '../actor/watch.ts'
import type { RemoteRef } from './remote-ref.ts'

export interface WaitersPort {
  readonly clock: Clock
  /** How the way to an actor there is right now. */
  way(ref: RemoteRef<never>): 'clear' | 'full' | 'none'
}

export class Waiters {
  readonly #port: WaitersPort
  readonly #looks = new Set<() => void>()

  constructor(port: WaitersPort) {
    this.#port = port
  }

  /** The way may be clear, or gone. */
  look(): void {
    if (this.#looks.size > 0) for (const look of [...this.#looks]) look()
  }

  ready(ref: RemoteRef<never>, { signal, within }: AskOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const ended: Watcher = {
        stopped: (_, { kind }) => {
          if (kind === 'unreachable') look()
          else done(() => reject(hasEnded(ref)))
        }
      }
      const done = (settle: () => void): void => {
        if (!this.#looks.delete(look)) return
        cancel?.()
        ref.unwatch(ended)
        signal?.removeEventListener('abort', aborted)
        settle()
      }
      const aborted = (): void => done(() => reject(signal?.reason))
      const look = (): void => {
        const way = this.#port.way(ref)
        if (way === 'clear') done(resolve)
        else if (way === 'none') done(() => reject(outOfReach(ref)))
      }
      const cancel =
        within === undefined
          ? undefined
          : this.#port.clock.timer(patience({ within }), () => done(() => reject(noRoom(ref, within))))
      signal?.addEventListener('abort', aborted)
      this.#looks.add(look)
      look()
      // Its end is worth knowing only to who really waits.
      if (this.#looks.has(look)) ref.watch(ended)
    })
  }
}

function outOfReach(ref: RemoteRef<never>): ActorError {
  return new ActorError('ACTOR_UNREACHABLE', `${ref.label} is out of reach; wait for the link, or look it up again`)
}

function noRoom(ref: RemoteRef<never>, within: number): ActorError {
  return new ActorError('ACTOR_ASK_TIMEOUT', `${ref.label} had no room within ${within} ms; it is busy or cut off`)
}
