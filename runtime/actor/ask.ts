// A question of this system: a temporary address, one promise, and an end for sure. It ends with its answer, its deadline, its
// signal, the end of the actor asked, or its own death as a letter, whichever comes first.

import { copy } from './copy.ts'
import type { DeadLetterReason } from './dead-letters.ts'
import type { Deadline, DueQueue } from './deadlines.ts'
import type { Envelope } from './envelope.ts'
import { ActorError, type ErrorCode, factsOf } from './errors.ts'
import { HomeRef } from './home-ref.ts'
import type { LocalSystem } from './local-system.ts'
import type { Origin, Trust } from './origin.ts'
import { Question } from './question.ts'
import { hasEnded } from './ready.ts'
import type { Ref } from './ref.ts'
import type { Watcher } from './watch.ts'

class LocalQuestion extends Question implements Origin {
  constructor(message: unknown, ask: Ask) {
    super(message, 0)
    this.replyTo = ask
  }

  get trust(): Trust {
    return 'local'
  }
  get principal(): undefined {
    return undefined
  }
  /** Itself: one object less for each ask. */
  override get origin(): Origin {
    return this
  }

  override died(reason: DeadLetterReason, error?: unknown): void {
    ;(this.replyTo as Ask).died(reason, error)
  }

  override failed(error: ActorError): void {
    ;(this.replyTo as Ask).abandon(error)
  }
}

export class Ask extends HomeRef<unknown> implements Deadline {
  readonly home: LocalSystem
  readonly promise: Promise<never>
  due: DueQueue | undefined
  dueAt = 0
  dueBefore: Deadline | undefined
  dueAfter: Deadline | undefined
  readonly #target: Ref<never>
  readonly #within: number
  readonly #question: LocalQuestion
  readonly #signal: AbortSignal | undefined
  #open = true
  #watchers: Set<Watcher> | undefined
  #resolve!: (answer: never) => void
  #reject!: (error: unknown) => void

  constructor(
    home: LocalSystem,
    target: Ref<never>,
    question: object,
    within: number,
    signal: AbortSignal | undefined
  ) {
    super()
    this.home = home
    home.asking++
    this.#target = target
    this.#within = within
    this.#signal = signal
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    let message: unknown
    let failure: { error: unknown } | undefined
    try {
      // `replyTo` first: V8 clones the shape of what follows ten times faster than it adds to it.
      message = typeof question === 'function' ? question(this) : { replyTo: this, ...question }
    } catch (error) {
      failure = { error }
    }
    if (home.copying && failure === undefined) {
      try {
        message = copy(message)
      } catch (error) {
        failure = { error }
        home.sent++
        home.deadLetters.add(target, message, 'unserialisable', error)
      }
    }
    this.#question = new LocalQuestion(message, this)
    if (failure !== undefined) {
      this.#fail(failure.error)
      return
    }
    home.deadlines.add(this, within)
    signal?.addEventListener('abort', this)
    if (target.question(this.#question)) {
      home.sent++
      return
    }
    home.refused++
    this.#fail(
      new ActorError('ACTOR_NO_ROOM', `${target.label} has no room for a question; await ref.ready() and ask again`)
    )
  }

  protected override get alive(): boolean {
    return this.#open
  }
  /** By the `~` other systems know an address that ends with one answer. */
  protected override draw(): string {
    return `~${super.draw()}`
  }
  get pressed(): boolean {
    return false
  }
  ready(): Promise<void> {
    return this.#open ? Promise.resolve() : Promise.reject(hasEnded(this))
  }

  send(answer: unknown): boolean {
    const { home } = this
    home.sent++
    if (!this.#open) {
      home.deadLetters.add(this, answer, 'late-answer')
      return true
    }
    if (!home.copying) return this.#answer(answer)
    try {
      return this.#answer(copy(answer))
    } catch (error) {
      home.deadLetters.add(this, answer, 'unserialisable', error)
      // No other will come.
      this.#fail(error)
      return true
    }
  }

  deliver(envelope: Envelope): boolean {
    envelope.disposed()
    if (this.#open) return this.#answer(envelope.message)
    this.home.deadLetters.add(this, envelope, 'late-answer')
    return true
  }

  /** Who asks an answer's address sends it an answer, and gets none. */
  question(question: Question): boolean {
    return this.deliver(question)
  }

  watch(watcher: Watcher): void {
    if (!this.#open) watcher.stopped(this, { kind: 'unknown' })
    else {
      this.#watchers ??= new Set()
      this.#watchers.add(watcher)
    }
  }
  unwatch(watcher: Watcher): void {
    this.#watchers?.delete(watcher)
  }

  /** Its time is over. */
  expired(): void {
    const { label } = this.#target
    const { message } = this.#question as { message: { type?: unknown } | undefined }
    const mend = 'it may be busy or stopped: watch it, or pass a longer { within }'
    const fact = `${label} did not answer '${String(message?.type)}' within ${this.#within} ms`
    this.#fail(new ActorError('ACTOR_ASK_TIMEOUT', `${fact}; ${mend}`))
  }

  /** The signal aborted. */
  handleEvent(): void {
    this.#fail(this.#signal?.reason)
  }

  /** The question became a dead letter, or the actor asked has ended. */
  died(reason: DeadLetterReason, error: unknown): void {
    if (this.#open) this.#fail(reasonError(this.#target, reason, error))
  }

  /** The system ends before the question does. */
  abandon(error: ActorError): void {
    this.#fail(error)
  }

  /** An ActorError, also one that came by a link, is no answer: it says why there is none. */
  #answer(answer: unknown): boolean {
    this.home.answered++
    if (answer instanceof Error && answer.name === 'ActorError') {
      this.#fail(answer)
      return true
    }
    this.#resolve(answer as never)
    this.#question.settle()
    this.#end()
    return true
  }

  #fail(error: unknown): void {
    if (!this.#open) return
    this.#reject(error)
    this.#question.giveUp()
    this.#end()
  }

  #end(): void {
    this.#open = false
    this.home.asking--
    this.home.deadlines.remove(this)
    this.unexport()
    this.#signal?.removeEventListener('abort', this)
    if (this.#watchers !== undefined) {
      for (const watcher of this.#watchers) watcher.stopped(this, { kind: 'done' })
      this.#watchers = undefined
    }
  }
}

/** What an asker hears when the question became a dead letter. */
export function reasonError(
  { label }: { readonly label: string },
  reason: DeadLetterReason,
  error: unknown
): ActorError {
  if (reason === 'no-actor') return hasEnded({ label })
  if (error instanceof ActorError && (reason === 'unserialisable' || reason === 'too-large')) return error
  if (reason === 'crashed') {
    const fact = `${label} failed at this question: ${factsOf(error).message}`
    return new ActorError('ACTOR_FAILED', fact, { cause: error })
  }
  const cause = error === undefined ? {} : { cause: error }
  return new ActorError(CODES[reason] ?? 'ACTOR_FAILED', `the question to ${label} died: ${reason}`, cause)
}

const CODES: { readonly [R in DeadLetterReason]?: ErrorCode } = {
  refused: 'ACTOR_NO_ROOM',
  dropped: 'ACTOR_NO_ROOM',
  unreachable: 'ACTOR_UNREACHABLE',
  unserialisable: 'ACTOR_UNSERIALISABLE',
  'too-large': 'ACTOR_TOO_LARGE',
  invalid: 'ACTOR_INVALID',
  forbidden: 'ACTOR_FORBIDDEN',
  expired: 'ACTOR_EXPIRED'
}
