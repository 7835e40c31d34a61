// A ref of what is not there: an unknown address of this system, or one of another system that cannot be reached. What is sent
// to it is a dead letter, so nobody has to ask whether a ref is good.

import type { DeadLetterReason } from './dead-letters.ts'
import type { Envelope } from './envelope.ts'
import { ActorError } from './errors.ts'
import { fingerprint } from './ids.ts'
import type { LocalSystem } from './local-system.ts'
import type { Question } from './question.ts'
import { Ref } from './ref.ts'
import type { Watcher } from './watch.ts'

export class NowhereRef extends Ref<never> {
  readonly home: LocalSystem
  readonly address: string
  readonly #reason: 'no-actor' | 'unreachable' | 'late-answer'

  constructor(
    home: LocalSystem,
    address: string,
    reason: Extract<DeadLetterReason, 'no-actor' | 'unreachable' | 'late-answer'>
  ) {
    super()
    this.home = home
    this.address = address
    this.#reason = reason
  }

  get label(): string {
    return fingerprint(this.address)
  }

  send(message: never): boolean {
    this.home.sent++
    this.home.deadLetters.add(this, message, this.#reason)
    return true
  }

  deliver(envelope: Envelope): boolean {
    envelope.disposed()
    this.home.deadLetters.add(this, envelope, this.#reason)
    return true
  }

  question(question: Question): boolean {
    return this.deliver(question)
  }

  get pressed(): boolean {
    return false
  }

  ready(): Promise<void> {
    if (this.#reason === 'unreachable') {
      return Promise.reject(new ActorError('ACTOR_UNREACHABLE', `${this.label} cannot be reached from here`))
    }
    return Promise.reject(new ActorError('ACTOR_STOPPED', `${this.label} is not there`))
  }

  watch(watcher: Watcher): void {
    watcher.stopped(this, { kind: this.#reason === 'unreachable' ? 'unreachable' : 'unknown' })
  }

  unwatch(): void {}
}
