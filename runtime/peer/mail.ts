// Mail that came from another system: its weight goes back to the sender as credit when it leaves its mailbox.

import type { DeadLetterReason } from '../actor/dead-letters.ts'
import { Envelope } from '../actor/envelope.ts'
import type { Origin, Trust } from '../actor/origin.ts'
import { Question, QuestionOrigin } from '../actor/question.ts'
import type { Epoch } from './epoch.ts'

/** What all plain mail of one peer shares. */
export class RemoteOrigin implements Origin {
  /** The id of the system. */
  readonly peer: string
  readonly trust: Trust
  readonly principal: unknown

  constructor(peer: string, trust: Trust, principal: unknown) {
    this.peer = peer
    this.trust = trust
    this.principal = principal
  }

  /** Nobody waits for plain mail; what a handler sees is the signal of its own actor, which the cell puts here. */
  get signal(): AbortSignal {
    return new AbortController().signal
  }
}

export class RemoteMail extends Envelope {
  readonly origin: Origin
  /** The epoch that its bytes go back to, and how many. */
  readonly #epoch: Epoch
  readonly #owed: number

  constructor(message: unknown, bytes: number, origin: Origin, epoch: Epoch, owed: number) {
    super(message, bytes)
    this.origin = origin
    this.#epoch = epoch
    this.#owed = owed
    epoch.keep(bytes)
  }

  override disposed(): void {
    this.#epoch.release(this.bytes)
    this.#epoch.give(this.#owed)
  }
}

class RemoteQuestionOrigin extends QuestionOrigin {
  readonly peer: string

  constructor(question: Question, from: RemoteOrigin) {
    super(question, from.trust, from.principal)
    this.peer = from.peer
  }
}

/** The peer that a question came from, which tells the one who asked there. */
export interface Asker {
  died(question: RemoteQuestion, reason: DeadLetterReason, error: unknown): void
}

/** A question from another system. What becomes of it here is told to its asker there. */
export class RemoteQuestion extends Question {
  readonly id: string
  readonly origin: RemoteQuestionOrigin
  readonly #epoch: Epoch
  readonly #owed: number
  readonly #asker: Asker

  constructor(
    id: string,
    message: unknown,
    bytes: number,
    from: RemoteOrigin,
    epoch: Epoch,
    owed: number,
    asker: Asker
  ) {
    super(message, bytes)
    this.id = id
    this.origin = new RemoteQuestionOrigin(this, from)
    this.#epoch = epoch
    this.#owed = owed
    this.#asker = asker
    epoch.keep(bytes)
  }

  override disposed(): void {
    this.#epoch.release(this.bytes)
    this.#epoch.give(this.#owed)
  }

  override died(reason: DeadLetterReason, error?: unknown): void {
    this.#asker.died(this, reason, error)
  }
}
