// What the numbers and ids in a peer's mail stand for: actors here, and what mail to them must pass. The receiving half of a
// peer (receiver.ts) asks for each item.

import { actorIdOf, formatAddress } from '../actor/address.ts'
import type { StandardSchema } from '../actor/names.ts'
import { NowhereRef } from '../actor/nowhere-ref.ts'
import type { Ref } from '../actor/ref.ts'
import { appended } from './appended.ts'
import { BrokenFrame } from './codec.ts'
import { MAX_NUMBERED } from './items.ts'
import type { PeerPort, PressureFollower } from './peer-port.ts'
import { isOnce } from './remote-ref.ts'
import type { Standing } from './standing.ts'

export class Targets {
  readonly #port: PeerPort
  readonly #standing: Standing
  /** Who tells the peer that the mailbox of one of them fills up. */
  readonly #follower: PressureFollower
  #refs: Array<Ref<never>> = []
  /** By the same numbers; empty for a peer that is no guest. */
  #schemas: Array<StandardSchema<unknown> | undefined> = []

  constructor(port: PeerPort, standing: Standing, follower: PressureFollower) {
    this.#port = port
    this.#standing = standing
    this.#follower = follower
  }

  /** The next number stands for the actor with this id. */
  define(id: string): void {
    if (this.#refs.length >= MAX_NUMBERED) throw new BrokenFrame('more actors numbered than an epoch may')
    const ref = this.#local(id)
    const { guest } = this.#standing
    this.#refs = appended(this.#refs, ref)
    if (guest) this.#schemas = appended(this.#schemas, this.#port.schemaOf(ref))
    this.#port.followPressure(ref, this.#follower)
    if (ref.pressed) this.#follower.pressureChanged(ref, true)
  }

  /** A number that was defined, or an id. */
  at(target: number | string): Ref<never> {
    if (typeof target === 'string') return this.#local(target)
    const ref = this.#refs[target]
    if (ref === undefined) throw new BrokenFrame('a number that stands for no actor')
    if (!(ref instanceof NowhereRef)) return ref
    // The one id that is known before its actor is there is the registry's.
    const now = this.#local(actorIdOf(ref.address))
    this.#refs[target] = now
    return now
  }

  schemaOf(target: number | string, ref: Ref<never>): StandardSchema<unknown> | undefined {
    if (typeof target === 'number') return this.#schemas[target]
    return this.#standing.guest ? this.#port.schemaOf(ref) : undefined
  }

  /** The epoch is over, and the numbers mean nothing. */
  clear(): void {
    for (const ref of this.#refs) this.#port.unfollowPressure(ref, this.#follower)
    this.#refs = []
    this.#schemas = []
  }

  #local(id: string): Ref<never> {
    const { home } = this.#port
    return (
      home.exported(id) ??
      new NowhereRef(home, formatAddress('actor', home.id, id), isOnce(id) ? 'late-answer' : 'no-actor')
    )
  }
}
