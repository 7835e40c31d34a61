// What each actor has in a registry: names, places in groups, listings that it follows. So its end, the reach of its system
// and the share of a guest are found without a search.

import type { AnyRef } from '../actor/ref.ts'

/** Names, places and listings of one guest together with the systems below it: as many as it may watch. */
export const MAX_OF_GUEST = 256

export type Kind = 'names' | 'groups' | 'follows'

export interface Holder extends Readonly<Record<Kind, Set<string>>> {
  /** The guest whose share this counts against, when it is the registry's own to count. */
  readonly guest: string | undefined
}

export interface HoldersPort {
  systemOf(ref: AnyRef): string
  watch(ref: AnyRef): void
  unwatch(ref: AnyRef): void
}

export class Holders {
  readonly #port: HoldersPort
  readonly #holders = new Map<AnyRef, Holder>()
  readonly #bySystem = new Map<string, Set<AnyRef>>()
  readonly #shares = new Map<string, number>()

  constructor(port: HoldersPort) {
    this.#port = port
  }

  /** Whether a guest may have one thing more. */
  hasRoom(guest: string, ref: AnyRef, kind: Kind, name: string): boolean {
    return (this.#shares.get(guest) ?? 0) < MAX_OF_GUEST || this.#holders.get(ref)?.[kind].has(name) === true
  }

  get(ref: AnyRef): Holder | undefined {
    return this.#holders.get(ref)
  }

  of(system: string): Iterable<AnyRef> {
    return this.#bySystem.get(system) ?? []
  }

  /** From its first thing on an actor is watched. */
  add(ref: AnyRef, kind: Kind, name: string, guest?: string): void {
    let holder = this.#holders.get(ref)
    if (holder === undefined) {
      holder = { names: new Set(), groups: new Set(), follows: new Set(), guest }
      this.#holders.set(ref, holder)
      const system = this.#port.systemOf(ref)
      const all = this.#bySystem.get(system)
      if (all === undefined) this.#bySystem.set(system, new Set([ref]))
      else all.add(ref)
      this.#port.watch(ref)
    }
    if (holder[kind].has(name)) return
    holder[kind].add(name)
    this.#share(holder, 1)
  }

  delete(ref: AnyRef, kind: Kind, name: string): void {
    const holder = this.#holders.get(ref)
    if (holder?.[kind].delete(name) !== true) return
    this.#share(holder, -1)
    if (sizeOf(holder) > 0) return
    this.#port.unwatch(ref)
    this.#forget(ref)
  }

  /** It has ended. */
  take(ref: AnyRef): Holder | undefined {
    const holder = this.#holders.get(ref)
    if (holder === undefined) return undefined
    this.#share(holder, -sizeOf(holder))
    this.#forget(ref)
    return holder
  }

  clear(): void {
    for (const ref of this.#holders.keys()) this.#port.unwatch(ref)
    this.#holders.clear()
    this.#bySystem.clear()
    this.#shares.clear()
  }

  #share({ guest }: Holder, more: number): void {
    if (guest === undefined) return
    const share = (this.#shares.get(guest) ?? 0) + more
    if (share > 0) this.#shares.set(guest, share)
    else this.#shares.delete(guest)
  }

  #forget(ref: AnyRef): void {
    this.#holders.delete(ref)
    const system = this.#port.systemOf(ref)
    const all = this.#bySystem.get(system)
    all?.delete(ref)
    if (all?.size === 0) this.#bySystem.delete(system)
  }
}

function sizeOf({ names, groups, follows }: Holder): number {
  return names.size + groups.size + follows.size
}
