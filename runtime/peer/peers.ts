// The peers of one system. One is held here while an epoch with it is open; after that only refs and the program hold it,
// and what is kept is the number of its last epoch, so that late frames of that one change nothing.

import type { Ended } from './association.ts'
import type { Peer } from './peer.ts'

/** Systems that are gone and whose last epoch is remembered; the longest gone are forgotten first. */
const MAX_REMEMBERED = 65_536

export class Peers {
  readonly #open = new Map<string, Peer>()
  readonly #idle = new Map<string, WeakRef<Peer>>()
  readonly #ended = new Map<string, Ended>()
  readonly #collected = new FinalizationRegistry<string>(id => {
    // By now there may be another object for the same peer.
    if (this.#idle.get(id)?.deref() === undefined) this.#idle.delete(id)
  })

  get(id: string): Peer | undefined {
    return this.#open.get(id) ?? this.#idle.get(id)?.deref()
  }

  /** How the last epoch with a peer went; `undefined`: there was none that is remembered. */
  lastEpoch(id: string): Ended | undefined {
    return this.#ended.get(id)
  }

  /** All that there are. */
  *[Symbol.iterator](): Iterator<Peer> {
    yield* [...this.#open.values()]
    for (const held of [...this.#idle.values()]) {
      const peer = held.deref()
      if (peer !== undefined) yield peer
    }
  }

  /** Those held here, and those that were when they were last looked at. */
  get size(): number {
    return this.#open.size + this.#idle.size
  }

  add(peer: Peer): void {
    this.#idle.set(peer.id, new WeakRef(peer))
    this.#collected.register(peer, peer.id)
  }

  opened(peer: Peer): void {
    this.#idle.delete(peer.id)
    this.#open.set(peer.id, peer)
  }

  ended(peer: Peer): void {
    const { ended, epoch } = peer.association
    this.#ended.delete(peer.id)
    this.#ended.set(peer.id, ended)
    if (this.#ended.size > MAX_REMEMBERED) {
      for (const id of this.#ended.keys()) {
        this.#ended.delete(id)
        break
      }
    }
    if (epoch !== undefined || !this.#open.delete(peer.id)) return
    this.#idle.set(peer.id, new WeakRef(peer))
  }
}
