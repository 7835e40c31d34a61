// Where a message came from, as its handler sees it: what its envelope says of the sender, and the signal of the life that
// handles it.

import type { Life } from './life.ts'
import type { Origin, Trust } from './origin.ts'

export class Arrival implements Origin {
  readonly trust: Trust
  readonly principal: unknown
  readonly #life: Life

  constructor(life: Life, trust: Trust, principal: unknown) {
    this.#life = life
    this.trust = trust
    this.principal = principal
  }

  get signal(): AbortSignal {
    return this.#life.signal
  }
}
