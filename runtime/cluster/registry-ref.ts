// The address under which others reach the registry of this system: writes on each message which peer it came from, so that
// nobody asks in another's name, and hands it on to the registry's actor.

import { formatAddress } from '../actor/address.ts'
import type { Envelope } from '../actor/envelope.ts'
import type { LocalSystem } from '../actor/local-system.ts'
import type { Question } from '../actor/question.ts'
import { type ActorRef, type AskOptions, Ref } from '../actor/ref.ts'
import type { Watcher } from '../actor/watch.ts'
import type { RegistryMessage } from './registry-message.ts'

/** Every registry has the same id: to know a hub is to know its registry. What may be asked there is its own decision. */
export const REGISTRY_ID = 'registry'

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
    return this.#actor.send(message)
  }

  get pressed(): boolean {
    return this.#actor.pressed
  }

  ready(options?: AskOptions): Promise<void> {
    return this.#actor.ready(options)
  }

  deliver(envelope: Envelope): boolean {
    stamp(envelope)
    return this.#actor.deliver(envelope)
  }

  question(question: Question): boolean {
    stamp(question)
    return this.#actor.question(question)
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
}

/** A decoded message is nobody else's, so it can be written on. */
function stamp({ message, origin }: Envelope): void {
  if (typeof message !== 'object' || message === null) return
  const by = 'peer' in origin && typeof origin.peer === 'string' ? origin.peer : undefined
  Object.assign(message, { by })
}
