// The end of a system, and of one door, in good order: what was accepted is finished, nothing more is read, and last words are
// acknowledged. The system (system.ts) says when; peers ask whether they are heard.

import type { Subscription } from '../actor/dead-letters.ts'
import { drain } from '../actor/drain.ts'
import type { LocalSystem } from '../actor/local-system.ts'
import { type From, hasUnhandled } from '../actor/unhandled.ts'
import type { Peers } from '../peer/peers.ts'
import type { Doors } from './doors.ts'
import type { Door } from './gateway.ts'

/** What is left of a shutdown for last words to be acknowledged, in milliseconds. */
const LAST_WORDS = 1_000

export class Finish {
  readonly #home: LocalSystem
  readonly #peers: Peers
  readonly #doors: Doors
  /** Nothing more is read of anybody, or of those who came in by these doors: what was accepted is being finished. */
  #deaf = false
  readonly #deafDoors = new Set<Door>()
  readonly #hurry = new AbortController()
  readonly #progress = new Set<() => void>()

  constructor(home: LocalSystem, peers: Peers, doors: Doors) {
    this.#home = home
    this.#peers = peers
    this.#doors = doors
  }

  /** Finishes what was accepted, of everybody. What is not read by then is never read. */
  everything(within: number): Promise<void> {
    const deafen = (): void => {
      this.#deaf = true
    }
    return this.#finish(within, this.#hurry.signal, deafen)
  }

  /** The same for those who came in by one door; what others say goes on. */
  by(door: Door, within: number, hurry: AbortSignal): Promise<void> {
    const from = (id: string): boolean => this.#doors.before(id)?.door === door
    return this.#finish(within, hurry, () => void this.#deafDoors.add(door), from)
  }

  /** Whoever waits for everything to be finished waits no longer. */
  hurry(): void {
    this.#hurry.abort()
  }

  isDeaf(peer: string): boolean {
    if (this.#deaf || this.#deafDoors.size === 0) return this.#deaf
    const { door } = this.#doors.before(peer) ?? {}
    return door !== undefined && this.#deafDoors.has(door)
  }

  /** A door has closed. Those who came in by it may come in by another, and are heard there. */
  hearAgain(door: Door): void {
    if (!this.#deafDoors.delete(door)) return
    for (const peer of this.#peers) peer.listen()
  }

  /** Bytes were acknowledged, or an epoch has ended. */
  progressed(): void {
    if (this.#progress.size > 0) for (const look of [...this.#progress]) look()
  }

  onProgress(look: () => void): Subscription {
    this.#progress.add(look)
    return { unsubscribe: () => void this.#progress.delete(look) }
  }

  /** Resolves when those who can be reached have acknowledged all, or soon. */
  lastWords(): Promise<void> {
    return new Promise(resolve => {
      const look = (): void => {
        for (const peer of this.#peers) {
          if (peer.pending > 0 && peer.association.reachable) return
        }
        done()
      }
      const done = (): void => {
        cancel()
        progress.unsubscribe()
        resolve()
      }
      const cancel = this.#home.clock.timer(LAST_WORDS, () => done())
      const progress = this.onProgress(look)
      look()
    })
  }

  #finish(within: number, hurry: AbortSignal, deafen: () => void, from?: From): Promise<void> {
    const done = (both: boolean): boolean => {
      for (const peer of this.#peers) if (from?.(peer.id) !== false && !peer.idle(both)) return false
      return !hasUnhandled(this.#home, from)
    }
    const { clock, logger } = this.#home
    return drain({ clock, logger, quiet: () => done(true), deafen, finished: () => done(false) }, within, hurry)
  }
}
