// The sending half of a peer: refs (remote-ref.ts) hand it mail, questions and watches, actors here that are watched from
// there their ends, the receiving half (receiver.ts) what became of questions. It says no where there is no room or no way,
// and hands the rest to the outbox.

import { actorIdOf } from '../actor/address.ts'
import type { DeadLetterReason } from '../actor/dead-letters.ts'
import { codeOf } from '../actor/errors.ts'
import type { LocalSystem } from '../actor/local-system.ts'
import type { Asked, Question } from '../actor/question.ts'
import { type AnyRef, type AskOptions, Ref } from '../actor/ref.ts'
import type { StopReason, Watcher } from '../actor/watch.ts'
import type { Association } from './association.ts'
import { type ByteBuffer, Encoder, type SentRefs } from './codec.ts'
import { Item, STOP_REASONS } from './items.ts'
import type { Ledger } from './ledger.ts'
import type { Waiting } from './memory.ts'
import { Outbox, type OutboxPort } from './outbox.ts'
import type { PeerPort, PressureFollower } from './peer-port.ts'
import type { RemoteRef } from './remote-ref.ts'
import type { Standing } from './standing.ts'
import { Waiters } from './waiters.ts'

export class Sender implements Watcher, Asked, Waiting, PressureFollower, OutboxPort, SentRefs {
  readonly association: Association
  /** The first of the questions that were asked there and are not settled. */
  questions: Question | undefined = undefined
  readonly #id: string
  readonly #home: LocalSystem
  readonly #port: PeerPort
  readonly #standing: Standing
  readonly #ledger: Ledger
  readonly #outbox: Outbox
  #encoder: Encoder | undefined
  #flushing = false
  /** While a question is encoded: the address to answer to, which stands for itself. */
  #replyTo: Ref<never> | undefined
  #waiters: Waiters | undefined

  constructor(id: string, port: PeerPort, association: Association, standing: Standing, ledger: Ledger) {
    this.association = association
    this.#id = id
    this.#home = port.home
    this.#port = port
    this.#standing = standing
    this.#ledger = ledger
    this.#outbox = new Outbox(this)
  }

  /** Bytes accepted here and not acknowledged there. */
  get backlog(): number {
    return this.#outbox.backlog
  }

  // what refs hand over -------------------------------------------------------------------------------------------------

  send(ref: RemoteRef<never>, message: unknown): boolean {
    const home = this.#home
    if (this.#full(ref)) return this.#refuse(ref, message)
    home.sent += 1
    if (!this.#reachable()) {
      home.deadLetters.add(ref, message, 'unreachable')
      return true
    }
    try {
      if (ref.once) {
        this.#answered(ref)
        this.#outbox.sendTo(ref.id, message, this.#standing.terms.takes)
      } else this.#outbox.send(ref, message, this.#standing.terms.takes)
    } catch (error) {
      home.deadLetters.add(ref, message, reasonOf(error), error)
      // Whoever waits for this answer would wait in vain.
      if (ref.once) this.failTold(ref.id, codeOf(error) ?? 'ACTOR_UNSERIALISABLE', textOf(error))
    }
    return true
  }

  /** `false`: no room. What cannot be asked fails at once. */
  ask(ref: RemoteRef<never>, question: Question): boolean {
    if (this.#full(ref)) return false
    if (!this.#reachable()) {
      question.settle()
      this.#home.deadLetters.add(ref, question, 'unreachable')
      return true
    }
    const { replyTo } = question
    const id = askId(question)
    this.#replyTo = replyTo
    try {
      this.#outbox.ask(ref, id, question.message, this.#standing.terms.takes)
      question.enter(this)
      this.#ledger.asking(id, question, ref)
    } catch (error) {
      question.settle()
      this.#home.deadLetters.add(ref, question, reasonOf(error), error)
    } finally {
      this.#replyTo = undefined
    }
    return true
  }

  /** A question of ours is settled: answered, or given up, in which case its actor hears. */
  left(question: Question): void {
    const id = askId(question)
    if (!this.#ledger.asks?.delete(id) || this.association.epoch === undefined) return
    this.#outbox.signal(buffer => {
      buffer.u8(Item.cancel)
      buffer.utf8(id)
    })
  }

  get pressed(): boolean {
    return this.#outbox.load >= this.#standing.terms.outbound / 4 || !this.#standing.allowance.account.free
  }

  ready(ref: RemoteRef<never>, options?: AskOptions): Promise<void> {
    this.#waiters ??= new Waiters({ clock: this.#home.clock, way: of => this.#way(of) })
    return this.#waiters.ready(ref, options)
  }

  watch(ref: RemoteRef<never>): void {
    if (!this.#reachable()) {
      this.#home.clock.soon(() => ref.ended({ kind: 'unreachable' }))
      return
    }
    this.association.begin()
    this.#ledger.watching(ref)
    this.#outbox.signalTarget(Item.watch, ref)
  }

  unwatch(ref: RemoteRef<never>): void {
    if (this.#ledger.watched?.delete(ref.id) && this.association.epoch !== undefined)
      this.#outbox.signalTarget(Item.unwatch, ref)
  }

  // what is told from here ----------------------------------------------------------------------------------------------

  /** An actor here that is watched from there has ended. What it sent there before is ahead of this in the outbox. */
  stopped(ref: AnyRef, reason: StopReason): void {
    const id = this.#ledger.watchedHere?.get(ref)
    if (!this.#ledger.unwatched(ref) || id === undefined || this.association.epoch === undefined) return
    this.#outbox.signal(buffer => {
      buffer.u8(Item.stopped)
      buffer.utf8(id)
      buffer.u8(STOP_REASONS.indexOf(reason.kind))
      if (reason.kind !== 'failed') return
      const { guest } = this.#standing
      // What went wrong in here is not for strangers.
      buffer.utf8(guest ? 'Error' : reason.error.name.slice(0, 60))
      buffer.utf8(guest ? 'the actor failed' : reason.error.message.slice(0, 1_000))
      buffer.utf8((reason.error.code ?? '').slice(0, 60))
    })
  }

  /** The mailbox of an actor here fills up, or is clear again: those who send to it from there are told. */
  pressureChanged(ref: Ref<never>, on: boolean): void {
    if (this.association.epoch === undefined) return
    const id = actorIdOf(ref.address)
    this.#outbox.signal(buffer => {
      buffer.u8(Item.pressure)
      buffer.utf8(id)
      buffer.u8(on ? 1 : 0)
    })
  }

  /** A guest hears the code; what went wrong in here is not for strangers. */
  failTold(ask: string, code: string, text: string): void {
    this.fail(ask, code, this.#standing.guest ? code : text)
  }

  /** There will be no answer to a question from there. */
  fail(ask: string, code: string, text: string): void {
    if (this.association.epoch === undefined) return
    this.#outbox.signal(buffer => {
      buffer.u8(Item.fail)
      buffer.utf8(ask)
      buffer.utf8(code)
      buffer.utf8(text.slice(0, 500))
    })
  }

  // room ----------------------------------------------------------------------------------------------------------------

  flush(): void {
    this.#flushing = false
    this.#outbox.flush()
    // Signals and answers' failures are never refused; a peer that causes them and never acknowledges is given up.
    const { terms } = this.#standing
    if (this.#outbox.load > 2 * terms.outbound + terms.takes) {
      this.#standing.warn('a peer does not acknowledge what it caused; the epoch ends')
      this.#standing.limited('unacknowledged')
      this.association.abandon()
    }
  }

  /** Bytes have been acknowledged or have left: there may be room again. */
  room(): void {
    this.#outbox.flush()
    this.look()
  }

  /** The way to an actor there may be clear, or gone. */
  look(): void {
    this.#waiters?.look()
  }

  /** There is memory again. */
  plenty(): void {
    this.look()
  }

  /** Tables start empty. Answers how many messages had not been handed over. */
  reset(): number {
    this.#encoder = undefined
    return this.#outbox.reset()
  }

  // the outbox's and the encoder's port ---------------------------------------------------------------------------------

  encoder(): Encoder {
    this.#encoder ??= new Encoder(this)
    return this.#encoder
  }

  flushLater(): void {
    if (this.#flushing) return
    this.#flushing = true
    this.#home.scheduler.flushLater(this)
  }

  get spare(): ByteBuffer[] {
    return this.#port.spare
  }

  isRef(value: unknown): boolean {
    return value instanceof Ref
  }

  addressOf(ref: Ref<never>): string {
    return ref === this.#replyTo ? '' : ref.address
  }

  /** The question that this address belongs to has its answer. */
  #answered(ref: RemoteRef<never>): void {
    const question = ref.answers
    ref.answers = undefined
    if (question === undefined) return
    this.#ledger.settled(question.id)
    question.settle()
  }

  /** Answers need no memory but their own: they let others go on. */
  #full(ref: RemoteRef<never>): boolean {
    const { terms, allowance } = this.#standing
    return this.#outbox.load >= terms.outbound || (!ref.once && !allowance.account.admits(0))
  }

  #refuse(ref: RemoteRef<never>, message: unknown): false {
    const home = this.#home
    home.refused += 1
    const now = home.clock.now()
    if (now - ref.refusedAt >= 1_000) {
      ref.refusedAt = now
      home.deadLetters.publish(ref, message, 'refused')
    }
    return false
  }

  #reachable(): boolean {
    return this.association.epoch !== undefined || this.#port.known(this.#id)
  }

  #way(ref: RemoteRef<never>): 'clear' | 'full' | 'none' {
    if (!this.#reachable()) return 'none'
    const { terms, allowance } = this.#standing
    if (!allowance.account.roomy) {
      allowance.account.wait(this)
      return 'full'
    }
    return !ref.crowded && this.#outbox.load <= terms.outbound / 8 ? 'clear' : 'full'
  }
}

function askId({ replyTo }: Question): string {
  return actorIdOf(replyTo?.address ?? '')
}

function reasonOf(error: unknown): DeadLetterReason {
  return codeOf(error) === 'ACTOR_TOO_LARGE' ? 'too-large' : 'unserialisable'
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
