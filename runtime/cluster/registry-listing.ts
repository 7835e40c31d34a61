// One followed group as its follower keeps it: listings and changes come in parts (registry-groups.ts), and the program is
// told of wholes only, once a turn.

import type { Logger } from '../actor/logger.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'
import type { Flushable } from '../actor/scheduler.ts'
import type { Member, MembersMessage } from './registry-message.ts'

type Shown = { readonly label: string; readonly reachable: boolean; readonly facts: Record<string, unknown> }

export interface ListingPort {
  readonly logger: Logger
  isLocal(ref: AnyRef): boolean
  /** Calls `flush` at the end of the turn. */
  later(flushable: Flushable): void
}

export class Listing<M> implements Flushable {
  readonly #port: ListingPort
  readonly #changed: (members: ReadonlyMap<ActorRef<M>, Shown>) => void
  /** What the program sees: one map that is kept up to date, since a copy for each change would cost the size of the group. */
  readonly #shown = new Map<ActorRef<M>, Shown>()
  /** By address: an actor of this system that has ended comes home as another ref than it left. */
  readonly #refs = new Map<string, ActorRef<M>>()
  /** A listing of which there is more to come, and changes likewise: not shown yet. */
  #coming: Member[] | undefined
  #parts: Array<Extract<MembersMessage, { type: 'changed' }>> = []
  #due = false
  #over = false

  constructor(changed: (members: ReadonlyMap<ActorRef<M>, Shown>) => void, port: ListingPort) {
    this.#changed = changed
    this.#port = port
  }

  hear(message: MembersMessage): void {
    if (message.type === 'members') {
      if (message.part === 0) {
        this.#coming = []
        this.#parts = []
      }
      this.#coming?.push(...message.members)
    } else this.#parts.push(message)
    if (message.more) return
    this.#apply()
    this.#tell()
  }

  /** The authority is gone: what it listed is history until there is one again. */
  stale(): void {
    this.#coming = undefined
    this.#parts = []
    for (const [ref, shown] of this.#shown) {
      if (!this.#port.isLocal(ref as AnyRef)) this.#shown.set(ref, { ...shown, reachable: false })
    }
    this.#tell()
  }

  end(): void {
    this.#over = true
  }

  flush(): void {
    this.#due = false
    if (this.#over) return
    try {
      this.#changed(this.#shown)
    } catch (error) {
      this.#port.logger.error('a listener of members threw', { error })
    }
  }

  #apply(): void {
    if (this.#coming !== undefined) {
      this.#shown.clear()
      this.#refs.clear()
      for (const member of this.#coming) this.#put(member)
      this.#coming = undefined
    }
    for (const { members, reach, left } of this.#parts) {
      for (const ref of left) this.#remove(ref)
      for (const member of members) this.#put(member)
      for (const { ref, reachable } of reach) {
        const listed = this.#refs.get(ref.address)
        const shown = listed && this.#shown.get(listed)
        if (listed !== undefined && shown !== undefined) this.#shown.set(listed, { ...shown, reachable })
      }
    }
    this.#parts = []
  }

  #put({ ref, label, reachable, facts }: Member): void {
    const { address } = ref
    let listed = this.#refs.get(address)
    if (listed === undefined) {
      listed = ref as ActorRef<M>
      this.#refs.set(address, listed)
    }
    this.#shown.set(listed, { label, reachable, facts })
  }

  #remove({ address }: AnyRef): void {
    const listed = this.#refs.get(address)
    if (listed === undefined) return
    this.#refs.delete(address)
    this.#shown.delete(listed)
  }

  #tell(): void {
    if (this.#due) return
    this.#due = true
    this.#port.later(this)
  }
}
