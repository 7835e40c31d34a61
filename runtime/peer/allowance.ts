// What one system may have here, counted: a guest has one for itself and all that is below it together, so that nobody gets
// more by announcing more. The hub keeps it with the attachment, peers (ledger.ts) count in it.

import type { Account } from './memory.ts'
import type { Quota } from './quota.ts'

export class Allowance {
  readonly account: Account
  /** Of a guest: how many messages a second are taken. */
  readonly quota: Quota | undefined
  /** Questions that are not settled, and watches of actors here. */
  asks = 0
  watches = 0

  constructor(account: Account, quota?: Quota) {
    this.account = account
    this.quota = quota
  }
}
