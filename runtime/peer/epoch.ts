// The life of one numbering, in both directions: what was sent in it and is not acknowledged, what was received and is not
// disposed of, and the bytes that all of it takes. The association (association.ts) decides; mail that leaves its mailbox
// (mail.ts) gives its bytes back here, to the epoch that it came in and not to a successor.

import type { Association } from './association.ts'
import { type Account, MAIL_COST } from './memory.ts'

/** Sent before the first grant arrives; every window is at least this large. */
export const INITIAL_CREDIT = 262_144
/** So many bytes are given back to memory at once, so that it costs nothing for each message. */
const TOGETHER = 4_096

export interface Batch {
  readonly seq: number
  readonly frame: Uint8Array
  /** Bytes of items of this epoch up to and with this batch: what credit is compared with. */
  readonly upTo: number
  /** Messages in it. */
  readonly mail: number
  at: number
  resent: boolean
}

/** The state of one epoch; credit is given back to the epoch that a message came in, not to its successor. */
export class Epoch {
  number: number
  readonly account: Account
  readonly #association: Association
  /** Batches that have not been acknowledged: `queue[0]` has the number `acked + 1`. */
  queue: Batch[] = []
  acked = 0
  ackedBytes = 0
  /** The last batch given to the path in use. Behind it everything waits for room, credit or a path. */
  cursor = 0
  last = 0
  total = 0
  granted = INITIAL_CREDIT
  /** The peer has shown that it knows this epoch: batches no longer open it. */
  answered = false

  received = 0
  receivedBytes = 0
  disposed = 0
  /** In order, but not disposed of: the first is parked, the others wait behind it. */
  held: Uint8Array[] = []
  /** What these count for in memory. */
  heldCost = 0
  /** Bytes of a batch that memory had no room for; 0: none. Nothing is asked for again before there is. */
  starved = 0
  consumed = 0
  /** What the last frame sent told of us. */
  told = { ack: 0, credit: INITIAL_CREDIT, received: 0 }
  ackDue = Number.POSITIVE_INFINITY
  /** The gap that a resend was asked for, to ask once. */
  asked = -1

  /** What mail in mailboxes takes, and as how much it is counted. */
  #mail = 0
  #counted = 0

  constructor(number: number, account: Account, association: Association) {
    this.number = number
    this.account = account
    this.#association = association
  }

  /** Mail of so many bytes waits in a mailbox. Counted in memory with its batch. */
  keep(bytes: number): void {
    this.#mail += bytes + MAIL_COST
  }

  /** It is out of it. Memory hears of some together, and of the last. */
  release(bytes: number): void {
    this.#mail -= bytes + MAIL_COST
    if (this.#mail === 0 || this.#counted - this.#mail >= TOGETHER) this.count()
  }

  count(): void {
    const more = this.#mail - this.#counted
    if (more === 0) return
    this.#counted = this.#mail
    this.account.take(more)
  }

  /** Bytes of mail have left their mailbox, or never needed one. */
  give(bytes: number): void {
    this.#association.consumed(this, bytes)
  }
}
