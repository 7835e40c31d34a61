// One object per address of another system while anybody holds it, so that refs can be compared with `===`. Held weakly:
// what a program has let go of is collected.

import type { Ref } from '../actor/ref.ts'
import type { RemoteRef } from './remote-ref.ts'

export class Refs {
  readonly #known = new Map<string, WeakRef<RemoteRef<never>>>()
  readonly #collected = new FinalizationRegistry<string>(address => {
    // By now another object may stand for the same address.
    if (this.#known.get(address)?.deref() === undefined) this.#known.delete(address)
  })

  get size(): number {
    return this.#known.size
  }

  get(address: string): Ref<never> | undefined {
    return this.#known.get(address)?.deref()
  }

  put<R extends RemoteRef<never>>(address: string, ref: R): R {
    this.#known.set(address, new WeakRef(ref))
    this.#collected.register(ref, address)
    return ref
  }
}
