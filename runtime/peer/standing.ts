// Who another system is here: what is agreed with it, as whom its mail arrives, and what it is counted in. The system tells
// (peer-port.ts), and may tell otherwise while the peer is attached; both halves of a peer act by it.

import { Allowance } from './allowance.ts'
import { RemoteOrigin } from './mail.ts'
import type { Notice } from './notice.ts'
import type { PeerPort, PeerTerms } from './peer-port.ts'
import { Quota } from './quota.ts'

export class Standing {
  terms: PeerTerms
  /** Where its plain mail is from. */
  origin: RemoteOrigin
  /** What is counted for it. */
  allowance: Allowance
  readonly #id: string
  readonly #port: PeerPort
  /** An allowance that is shared with nobody. */
  #own: Allowance | undefined

  constructor(id: string, port: PeerPort) {
    this.#id = id
    this.#port = port
    this.terms = port.terms(id)
    this.allowance = this.#allowed(undefined)
    this.origin = new RemoteOrigin(id, this.terms.trust, this.terms.principal)
  }

  get guest(): boolean {
    return this.terms.trust === 'guest'
  }

  /** Who it is may have been learnt, or have changed. */
  refresh(): void {
    this.terms = this.#port.terms(this.#id)
    this.allowance = this.#allowed(this.allowance)
    this.origin = new RemoteOrigin(this.#id, this.terms.trust, this.terms.principal)
  }

  /** It came to what this limit allows. */
  limited(limit: string): void {
    this.noticed({ type: 'limited', limit })
  }

  noticed(notice: Notice): void {
    this.#port.noticed(this.#id, notice)
  }

  warn(text: string, facts: object = {}): void {
    this.#port.strangers.warn(text, { peer: this.terms.label, ...facts })
  }

  /** The allowance of the guest that it is or came in by, or one of its own. */
  #allowed(before: Allowance | undefined): Allowance {
    const { allowance, messagesPerSecond } = this.terms
    if (allowance !== undefined) return allowance
    const { guest } = this
    if (before !== undefined && before === this.#own && before.account.guest === guest) return before
    const { memory, home } = this.#port
    this.#own = new Allowance(memory.account(guest), guest ? new Quota(messagesPerSecond, home.clock.now()) : undefined)
    return this.#own
  }
}
