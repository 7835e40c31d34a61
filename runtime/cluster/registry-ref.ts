// The address under which others reach the registry of this system: writes on each message which peer it came from, so that
// nobody asks in another's name, and hands it on to the registry's actor. This system itself has that actor; an actor here
// that sends to the address does so because a stranger told it to, and would lend him its trust.

import { formatAddress } from '../actor/address.ts'
import type { Envelope } from '../actor/envelope.ts'
import type { LocalSystem } from '../actor/local-system.ts'
import type { Question } from '../actor/question.ts'
import { type ActorRef, type AskOptions, Ref } from '../actor/ref.ts'
import type { Watcher } from '../actor/watch.ts'
import { REGISTRY_ID } from '../peer/remote-ref.ts'
import type { RegistryMessage } from './registry-message.ts'

export class RegistryRef extends Ref<RegistryMessage> {
  readonly home: LocalSystem
  readonly #actor: Ref<RegistryMessage>

  constructor(home: LocalSystem, actor: ActorRef<RegistryMessage>) {
    super()
    this.home = home
    this.#actor = actor as unknown as Ref<RegistryMessage>
  }

  get address(): string {
    return formatAddress('actor', this.home.id, REGISTRY_ID)
  }

  get label(): string {
    return 'registry'
  }

  send(message: RegistryMessage): boolean {
    return this.#refuse(message)
  }

  get pressed(): boolean {
    return this.#actor.pressed
  }

  ready(options?: AskOptions): Promise<void> {
    return this.#actor.ready(options)
  }

  deliver(envelope: Envelope): boolean {
    return stamp(envelope) ? this.#actor.deliver(envelope) : this.#refuse(envelope)
  }

  question(question: Question): boolean {
    return stamp(question) ? this.#actor.question(question) : this.#refuse(question)
  }

  watch(watcher: Watcher): void {
    this.#actor.watch(watcher)
  }

  unwatch(watcher: Watcher): void {
    this.#actor.unwatch(watcher)
  }

  override onRoom(then: () => void): void {
    this.#actor.onRoom(then)
  }

  #refuse(mail: unknown): true {
    this.home.deadLetters.add(this, mail, 'forbidden')
    return true
  }
}

/** A decoded message is nobody else's, so it can be written on. `false`: it came from no peer. */
function stamp({ message, origin }: Envelope): boolean {
  const by = 'peer' in origin && typeof origin.peer === 'string' ? origin.peer : undefined
  if (typeof message === 'object' && message !== null) Object.assign(message, { by })
  return by !== undefined
}
