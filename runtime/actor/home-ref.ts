// A ref of this system that may leave it: an actor's, an adapter's, or the temporary one of an ask.

import { formatAddress } from './address.ts'
import type { Cell } from './cell.ts'
import { fingerprint } from './ids.ts'
import { Ref } from './ref.ts'

/** Its id is drawn, and its entry made, when its address is first read. */
export abstract class HomeRef<in M> extends Ref<M> {
  #address: string | undefined

  get address(): string {
    if (this.#address === undefined) {
      const { home } = this
      const id = this.draw()
      this.#address = formatAddress('actor', home.id, id)
      if (this.alive) home.export(id, this as unknown as Ref<never>)
    }
    return this.#address
  }

  protected draw(): string {
    return this.home.ids.draw()
  }

  get label(): string {
    return fingerprint(this.address)
  }

  /** Whether anything sent here can still arrive. */
  protected abstract readonly alive: boolean

  /** The actor behind it, where there is one. */
  get cell(): Cell | undefined {
    return undefined
  }

  /** Its end: the address leads nowhere from now on. */
  unexport(): void {
    if (this.#address !== undefined) this.home.unexport(this.#address.slice(this.#address.indexOf('/') + 1))
  }
}
