// Another system as seen from here. Refs hand its sending half (sender.ts) mail, questions and watches, the association
// carries them over; what arrives goes through its receiving half (receiver.ts) to the actors here. When an epoch ends,
// everything that hung on it (ledger.ts) is settled before the next begins.

import { ActorError } from '../actor/errors.ts'
import type { LocalSystem } from '../actor/local-system.ts'
import type { Ref } from '../actor/ref.ts'
import { Association, type AssociationPort, type Ended, type EndReason } from './association.ts'
import { idBytes } from './identity.ts'
import { Ledger } from './ledger.ts'
import type { Account } from './memory.ts'
import type { Path } from './path.ts'
import type { PeerPort } from './peer-port.ts'
import { Receiver } from './receiver.ts'
import { Sender } from './sender.ts'
import { Standing } from './standing.ts'

export class Peer implements AssociationPort {
  readonly id: string
  readonly home: LocalSystem
  readonly association: Association
  readonly sender: Sender
  readonly #port: PeerPort
  readonly #standing: Standing
  readonly #ledger: Ledger
  readonly #receiver: Receiver
  #cancelTimer: (() => void) | undefined

  constructor(id: string, port: PeerPort, ended?: Ended) {
    this.id = id
    this.home = port.home
    this.#port = port
    this.#standing = new Standing(id, port)
    this.#ledger = new Ledger(this.#standing)
    const { window, downAfter } = this.#standing.terms
    const to = idBytes(id) as Uint8Array
    this.association = new Association(this, { from: port.bytes, to, window, downAfter, ended })
    this.sender = new Sender(id, port, this.association, this.#standing, this.#ledger)
    this.#receiver = new Receiver(id, port, this.association, this.#standing, this.#ledger, this.sender)
  }

  get label(): string {
    return this.#standing.terms.label
  }

  /** Bytes sent and not acknowledged. */
  get pending(): number {
    return this.sender.backlog
  }

  /** Who the peer is may be learnt, or change, while it is attached. */
  refresh(): void {
    const { guest, allowance } = this.#standing
    this.#standing.refresh()
    if (this.#standing.allowance !== allowance) this.#ledger.moved(allowance)
    // What was agreed with a node does not hold for a guest: nothing of it goes on.
    if (!guest && this.#standing.guest && this.#receiver.begun) this.association.abandon()
    const { window, downAfter } = this.#standing.terms
    this.association.window = window
    this.association.downAfter = downAfter
  }

  /** A frame has come in by a path. Runs the actors that got mail. */
  arrived(path: Path | undefined, frame: Uint8Array): void {
    this.association.accept(path, frame)
    this.home.scheduler.run()
  }

  flush(): void {
    this.sender.flush()
  }

  /** Says goodbye: nothing that is on its way will be answered. */
  goodbye(): void {
    this.sender.flush()
    this.association.goodbye()
  }

  // the end of what was accepted (drain.ts) -----------------------------------------------------------------------------

  /**
   * Whether everything between the two is done: all of ours acknowledged, all of theirs that was taken disposed of and
   * acknowledged, their questions answered. `both`: and ours answered, and nothing of theirs waits to be read.
   */
  idle(both: boolean): boolean {
    if (this.#receiver.parked) return false
    // What is out of reach now cannot be told anything, and tells nothing.
    if (!this.association.reachable) return true
    if (this.pending > 0 || this.association.owing || this.askedHere > 0) return false
    return !both || ((this.#ledger.asks?.size ?? 0) === this.lookups && this.association.waiting === 0)
  }

  /** Questions from there that are not settled. Without those to a registry: a lookup may wait for long. */
  get askedHere(): number {
    let count = 0
    for (const { asked } of this.#ledger.asked?.values() ?? []) if (!this.#port.isRegistry(asked)) count += 1
    return count
  }

  /** Questions to the registry there. */
  get lookups(): number {
    let count = 0
    for (const { ref } of this.#ledger.asks?.values() ?? []) if (this.#port.isRegistry(ref)) count += 1
    return count
  }

  /** Goes on reading after all: only the gateway has left. */
  listen(): void {
    this.#receiver.intake.listen()
  }

  // the association's port ----------------------------------------------------------------------------------------------

  account(): Account {
    this.refresh()
    return this.#standing.allowance.account
  }

  now(): number {
    return this.home.clock.now()
  }

  wake(at: number): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (at === Number.POSITIVE_INFINITY) return
    this.#cancelTimer = this.home.clock.timer(Math.max(0, at - this.now()), () => {
      this.#cancelTimer = undefined
      this.association.step()
      this.home.scheduler.run()
    })
  }

  receive(frame: Uint8Array, start: number): boolean {
    return this.#receiver.intake.receive(frame, start)
  }

  awaited(): boolean {
    return this.#ledger.open
  }

  room(): void {
    this.sender.room()
    this.#port.progress(this, false)
  }

  opened(): void {
    this.#receiver.intake.opened()
    this.#port.opened(this)
  }

  ended(why: EndReason, held: readonly Uint8Array[], unacknowledged: number): void {
    // First everything of the old epoch goes, then programs hear of it: what they send then is of the next.
    this.#receiver.end(held)
    const { asks, asked, watched, watchedHere } = this.#ledger.close()
    for (const ref of watchedHere) (ref as Ref<never>).unwatch(this.sender)
    const lost = unacknowledged + this.sender.reset()
    this.#receiver.reset()
    for (const question of asked) question.giveUp()
    for (const { question } of asks) {
      question.settle()
      question.died('unreachable')
    }
    for (const ref of watched) ref.ended({ kind: 'unreachable' })
    this.#lose(lost, why)
    this.sender.look()
    this.home.logger.debug('an epoch ended', { peer: this.label, why, lost })
    this.#port.progress(this, true)
  }

  /** What was sent and never acknowledged: it may have been handled, but nobody will know. Counted, and told once. */
  #lose(count: number, why: EndReason): void {
    const { deadLetters } = this.home
    if (count <= 0) return
    deadLetters.count += count - 1
    deadLetters.add(
      { label: this.label },
      undefined,
      'unreachable',
      new ActorError(
        'ACTOR_UNREACHABLE',
        `${count} messages to ${this.label} were not acknowledged before ${why === 'goodbye' ? 'it said goodbye' : 'it was out of reach for too long'}`
      )
    )
  }
}
