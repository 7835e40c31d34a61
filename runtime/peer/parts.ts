// Memory for the messages of a peer that come in parts: the receiving half (receiver.ts) asks for it when one begins and
// gives it back when it is whole. A guest that begins what it does not end loses its epoch.

import type { Association } from './association.ts'
import type { Inbox } from './inbox.ts'
import type { Intake } from './intake.ts'
import type { Account, Waiting } from './memory.ts'
import type { PeerPort } from './peer-port.ts'
import type { Standing } from './standing.ts'

export class Parts implements Waiting {
  readonly #port: PeerPort
  readonly #association: Association
  readonly #standing: Standing
  readonly #inbox: Inbox
  readonly #intake: Intake
  /** Where they are counted, and what ends the patience with them. */
  #account: Account | undefined
  #cancel: (() => void) | undefined
  /** A batch that begins another waits for memory. */
  #short = false

  constructor(port: PeerPort, association: Association, standing: Standing, inbox: Inbox, intake: Intake) {
    this.#port = port
    this.#association = association
    this.#standing = standing
    this.#inbox = inbox
    this.#intake = intake
  }

  /** `false`: there is no memory now; reading goes on when there is. `forced`: it begins whatever there is. */
  begins(bytes: number, account: Account, forced: boolean): boolean {
    if (!account.free && !forced) {
      this.#short = true
      account.wait(this)
      return false
    }
    account.promise(bytes)
    this.#account = account
    if (this.#standing.guest) this.#expect()
    return true
  }

  completed(bytes: number): void {
    this.#account?.redeem(bytes)
  }

  /** There is memory again. */
  plenty(): void {
    if (!this.#short) return
    this.#short = false
    this.#intake.resume()
  }

  /** The epoch ends: nothing more is waited for. */
  reset(): void {
    this.#short = false
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** A guest that begins messages and never ends them would hold their memory for good: without progress its epoch ends. */
  #expect(): void {
    if (this.#cancel !== undefined) return
    const { streams, bytes } = this.#inbox.partial
    this.#cancel = this.#port.home.clock.timer(this.#standing.terms.downAfter, () => {
      this.#cancel = undefined
      const now = this.#inbox.partial
      if (now.streams === 0) return
      const idle = now.streams === streams && now.bytes === bytes && this.#association.waiting === 0
      if (!idle) this.#expect()
      else {
        this.#standing.warn('a guest does not end a message that it began; the epoch ends')
        this.#association.abandon()
      }
    })
  }
}
