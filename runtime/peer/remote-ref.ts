// A reference to an actor that lives elsewhere: hands everything to the sending half of the peer that stands for its system. One object per
// address and system while anybody holds it (refs.ts).

import { formatAddress } from '../actor/address.ts'
import type { Envelope } from '../actor/envelope.ts'
import { fingerprint } from '../actor/ids.ts'
import type { LocalSystem } from '../actor/local-system.ts'
import type { Question } from '../actor/question.ts'
import { type AskOptions, Ref } from '../actor/ref.ts'
import type { StopReason, Watcher } from '../actor/watch.ts'
import type { RemoteQuestion } from './mail.ts'
import type { Target } from './outbox.ts'
import type { Peer } from './peer.ts'

export class RemoteRef<M> extends Ref<M> implements Target {
  readonly peer: Peer
  readonly id: string
  readonly once: boolean
  /** What it is called in an epoch of the association, once it has been sent to. */
  number = 0
  epoch = -1
  /** Its home says that its mailbox fills up. */
  crowded = false
  /** When a refusal was last published, in milliseconds of the clock. */
  refusedAt = Number.NEGATIVE_INFINITY
  /** Of the address that an open question from there is to be answered to. */
  answers: RemoteQuestion | undefined = undefined
  #watchers: Set<Watcher> | undefined

  constructor(peer: Peer, id: string) {
    super()
    this.peer = peer
    this.id = id
    this.once = isOnce(id)
  }

  get home(): LocalSystem {
    return this.peer.home
  }

  get address(): string {
    return formatAddress('actor', this.peer.id, this.id)
  }

  get label(): string {
    return `${this.peer.label}/${fingerprint(this.id)}`
  }

  send(message: M): boolean {
    return this.peer.sender.send(this, message)
  }

  get pressed(): boolean {
    return this.crowded || this.peer.sender.pressed
  }

  ready(options?: AskOptions): Promise<void> {
    return this.peer.sender.ready(this, options)
  }

  deliver(envelope: Envelope): boolean {
    if (!this.peer.sender.send(this, envelope.message as M)) return false
    envelope.disposed()
    return true
  }

  question(question: Question): boolean {
    return this.peer.sender.ask(this, question)
  }

  watch(watcher: Watcher): void {
    if (this.#watchers === undefined) {
      this.#watchers = new Set()
      this.peer.sender.watch(this)
    }
    this.#watchers.add(watcher)
  }

  unwatch(watcher: Watcher): void {
    if (this.#watchers?.delete(watcher) !== true || this.#watchers.size > 0) return
    this.#watchers = undefined
    this.peer.sender.unwatch(this)
  }

  /** Its home has told its end, or the epoch has ended: those who watch hear it, once. */
  ended(reason: StopReason): void {
    const watchers = this.#watchers
    this.#watchers = undefined
    for (const watcher of watchers ?? []) watcher.stopped(this as unknown as Ref<never>, reason)
  }
}

/** Every registry has the same id: to know a hub is to know its registry. What may be asked there is its own decision. */
export const REGISTRY_ID = 'registry'

/** The ids of addresses that end with one answer begin with `~`: they are not worth a number in an epoch. */
export function isOnce(id: string): boolean {
  return id.charCodeAt(0) === 126
}
