// Wishes for a registry that nobody waits for an answer to: sent in order, and again when there was no room for them.

import type { ActorRef } from '../actor/ref.ts'
import type { RegistryMessage } from './registry-message.ts'

/** Wishes that wait for room. */
const MAX_WAITING = 65_536

export class RegistryMail {
  #waiting: RegistryMessage[] = []
  #to: ActorRef<RegistryMessage> | undefined

  /** `false`: too many wait. */
  send(to: ActorRef<RegistryMessage>, message: RegistryMessage): boolean {
    // Another registry is told everything anew.
    if (to !== this.#to) this.#waiting = []
    this.#to = to
    if (this.#waiting.length === 0 && to.send(message)) return true
    if (this.#waiting.length >= MAX_WAITING) return false
    this.#waiting.push(message)
    if (this.#waiting.length === 1) this.#retry(to)
    return true
  }

  #retry(to: ActorRef<RegistryMessage>): void {
    const waiting = this.#waiting
    to.ready().then(
      () => {
        if (waiting !== this.#waiting) return
        let sent = 0
        while (sent < waiting.length && to.send(waiting[sent] as RegistryMessage)) sent += 1
        waiting.splice(0, sent)
        if (waiting.length > 0) this.#retry(to)
      },
      () => {
        if (waiting === this.#waiting) this.#waiting = []
      }
    )
  }
}
