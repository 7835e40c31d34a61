// A question is an envelope that someone waits for. It lies in the mailbox of the actor asked, and in that actor's list of open
// questions until it is settled, so that the actor's end is heard. Local asks and questions from other systems extend it.

import { Envelope } from './envelope.ts'
import type { ActorError } from './errors.ts'
import type { Origin, Trust } from './origin.ts'
import type { Ref } from './ref.ts'

/** Whoever keeps open questions: the first of an intrusive list. */
export interface Asked {
  questions: Question | undefined
  /** A question has left the list: it is settled. */
  left?(question: Question): void
}

export abstract class Question extends Envelope {
  /** Neighbours in the list of the actor asked. */
  after: Question | undefined
  before: Question | undefined
  asked: Asked | undefined
  /** Answered, given up or died: nothing more happens to it. */
  settled = false
  /** The address to answer to, of a question that was asked in this system. */
  replyTo: Ref<never> | undefined
  #gone: AbortController | undefined

  override get wanted(): boolean {
    return !this.settled
  }

  /** Aborts when the asker gave up or the actor asked has ended; what `origin.signal` shows of this question. */
  get signal(): AbortSignal {
    if (this.#gone === undefined) {
      this.#gone = new AbortController()
      if (this.settled) this.#gone.abort()
    }
    return this.#gone.signal
  }

  /** It failed elsewhere, with this error. */
  failed(_error: ActorError): void {}

  /** Enters the list of the actor asked. */
  enter(asked: Asked): void {
    if (this.settled) return
    const first = asked.questions
    this.asked = asked
    this.after = first
    if (first !== undefined) first.before = this
    asked.questions = this
  }

  /** It needs no answer any more: leaves the list. Answered questions settle; those nobody waits for `giveUp`. */
  settle(): void {
    this.settled = true
    const asked = this.asked
    if (asked === undefined) return
    if (this.before === undefined) asked.questions = this.after
    else this.before.after = this.after
    if (this.after !== undefined) this.after.before = this.before
    this.asked = this.after = this.before = undefined
    asked.left?.(this)
  }

  /** Settles, and tells the handler that may still be at work. */
  giveUp(reason?: unknown): void {
    this.settle()
    this.#gone?.abort(reason)
  }
}

/** Where a question came from. */
export class QuestionOrigin implements Origin {
  readonly trust: Trust
  readonly principal: unknown
  readonly #question: Question

  constructor(question: Question, trust: Trust, principal: unknown) {
    this.#question = question
    this.trust = trust
    this.principal = principal
  }

  get signal(): AbortSignal {
    return this.#question.signal
  }
}
