// The receiving half of a peer: the inbox hands it items; it decodes mail and checks it, and hands it on to the actors here
// as what it is to them. What finds no room waits, and the batch that it came in with it (intake.ts).

import { actorIdOf } from '../actor/address.ts'
import { reasonError } from '../actor/ask.ts'
import type { DeadLetterReason } from '../actor/dead-letters.ts'
import { ActorError } from '../actor/errors.ts'
import type { LocalSystem } from '../actor/local-system.ts'
import { hasEnded } from '../actor/ready.ts'
import type { Ref } from '../actor/ref.ts'
import type { StopReason } from '../actor/watch.ts'
import type { Association } from './association.ts'
import { BrokenFrame, type ByteReader, Decoder, type HeardRefs } from './codec.ts'
import { Inbox, type InboxPort, SPARE } from './inbox.ts'
import { Intake } from './intake.ts'
import type { Ledger } from './ledger.ts'
import { type Asker, RemoteMail, RemoteQuestion } from './mail.ts'
import { Parts } from './parts.ts'
import type { PeerPort } from './peer-port.ts'
import { isOnce, REGISTRY_ID, type RemoteRef } from './remote-ref.ts'
import { checked, Unfit } from './schema.ts'
import { type Sender, textOf } from './sender.ts'
import type { Standing } from './standing.ts'
import { Targets } from './targets.ts'

export class Receiver implements InboxPort, Asker, HeardRefs {
  readonly intake: Intake
  readonly #id: string
  readonly #home: LocalSystem
  readonly #port: PeerPort
  readonly #association: Association
  readonly #standing: Standing
  readonly #ledger: Ledger
  readonly #sender: Sender
  readonly #inbox: Inbox
  readonly #parts: Parts
  readonly #targets: Targets
  #decoder: Decoder | undefined
  /** Refs of theirs whose home says that their mailboxes fill up. */
  #crowded: Set<RemoteRef<never>> | undefined
  /** Mail that found no room. */
  #waiting: { readonly ref: Ref<never>; readonly mail: RemoteMail | RemoteQuestion } | undefined
  /** While a question is decoded: the address to answer to. */
  #replyTo: Ref<never> | undefined

  constructor(
    id: string,
    port: PeerPort,
    association: Association,
    standing: Standing,
    ledger: Ledger,
    sender: Sender
  ) {
    this.#id = id
    this.#home = port.home
    this.#port = port
    this.#association = association
    this.#standing = standing
    this.#ledger = ledger
    this.#sender = sender
    this.#inbox = new Inbox(this)
    this.intake = new Intake(id, port, association, standing, this.#inbox)
    this.#parts = new Parts(port, association, standing, this.#inbox, this.intake)
    this.#targets = new Targets(port, standing, sender)
  }

  /** Whether mail was decoded in this epoch. */
  get begun(): boolean {
    return this.#decoder !== undefined
  }

  /** Whether a batch was read in part. */
  get parked(): boolean {
    return this.#inbox.parked
  }

  /** The epoch ends: what arrived and had no room is disposed of now. */
  end(held: readonly Uint8Array[]): void {
    this.#parts.reset()
    this.intake.end(held)
  }

  /** Tables start empty. */
  reset(): void {
    this.#inbox.reset()
    this.#decoder = undefined
    this.#targets.clear()
    for (const ref of this.#crowded ?? []) ref.crowded = false
    this.#crowded = undefined
  }

  // the inbox's port ----------------------------------------------------------------------------------------------------

  get messageBytes(): number {
    return this.#standing.terms.gives
  }

  define(id: string): void {
    this.#targets.define(id)
  }

  mail(target: number | string, reader: ByteReader, start: number, owed: boolean): boolean {
    const { epoch } = this.intake
    // The answer from whom was asked: nothing has to be called off there.
    if (typeof target === 'string') this.#ledger.asks?.delete(target)
    const ref = this.#targets.at(target)
    let message: unknown
    try {
      message = this.#decode(reader, target, ref)
    } catch (error) {
      return this.#unread(ref, error, reader.at - start, owed)
    }
    const bytes = this.#taken(reader, start)
    return this.#place(ref, new RemoteMail(message, bytes, this.#standing.origin, epoch, owed ? bytes : 0))
  }

  answered(ask: string, reader: ByteReader, start: number, owed: boolean): boolean {
    // No schema is asked here, so no other actor may be reached this way.
    if (!isOnce(ask)) throw new BrokenFrame('an answer to what is no question')
    return this.mail(ask, reader, start, owed)
  }

  asked(target: number | string, ask: string, reader: ByteReader, start: number, owed: boolean): boolean {
    if (!isOnce(ask)) throw new BrokenFrame('a question without an address of its own')
    const { epoch } = this.intake
    const ref = this.#targets.at(target)
    const replyTo = this.#port.remote(this.#id, ask)
    this.#replyTo = replyTo as unknown as Ref<never>
    let message: unknown
    try {
      message = this.#decode(reader, target, ref)
    } catch (error) {
      if (!(error instanceof BrokenFrame)) this.#sender.fail(ask, 'ACTOR_INVALID', textOf(error))
      return this.#unread(ref, error, reader.at - start, owed)
    } finally {
      this.#replyTo = undefined
    }
    const bytes = this.#taken(reader, start)
    const { origin, terms, allowance } = this.#standing
    if (this.#ledger.asked?.has(ask)) throw new BrokenFrame('two questions with one id')
    const question = new RemoteQuestion(ask, message, bytes, origin, epoch, owed ? bytes : 0, this)
    this.#ledger.questioned(question)
    if (allowance.asks > terms.openAsks) {
      this.#standing.limited('openAsks')
      question.disposed()
      this.#home.deadLetters.add(ref, question, 'refused')
      return true
    }
    replyTo.answers = question
    return this.#place(ref, question)
  }

  retry(): boolean {
    const waiting = this.#waiting
    if (waiting === undefined) return true
    this.#waiting = undefined
    return this.#place(waiting.ref, waiting.mail)
  }

  fail(ask: string, code: string, text: string): void {
    const asking = this.#ledger.asks?.get(ask)
    if (asking === undefined) return
    this.#ledger.asks?.delete(ask)
    const { question, ref } = asking
    question.settle()
    const known = code.startsWith('ACTOR_') ? (code as `ACTOR_${string}`) : 'ACTOR_FAILED'
    question.failed(known === 'ACTOR_STOPPED' ? hasEnded(ref) : new ActorError(known, `${ref.label}: ${text}`))
  }

  cancel(ask: string): void {
    const question = this.#ledger.asked?.get(ask)
    if (question === undefined) return
    this.#ledger.settled(ask)
    question.giveUp()
  }

  actorEnded(id: string, reason: StopReason): void {
    // Mail before it may have found no room: then its end must not be heard as if all had come. The epoch's end is told instead.
    if (this.intake.forced) return
    const ref = this.#ledger.watched?.get(id)
    this.#ledger.watched?.delete(id)
    ref?.ended(reason)
  }

  watchedFrom(target: number | string): void {
    const ref = this.#targets.at(target)
    if (!this.#ledger.watchedBy(ref, actorIdOf(ref.address))) return
    const { allowance, terms } = this.#standing
    if (allowance.watches <= terms.watches) ref.watch(this.#sender)
    else {
      this.#standing.warn('a peer watches more than it may')
      this.#standing.limited('watches')
      this.#sender.stopped(ref, { kind: 'unreachable' })
    }
  }

  unwatchedFrom(target: number | string): void {
    const ref = this.#targets.at(target)
    if (this.#ledger.unwatched(ref)) ref.unwatch(this.#sender)
  }

  pressure(id: string, on: boolean): void {
    // A ref that nobody holds is not worth a place in a table: whoever revives it learns by refusals.
    const ref = this.#port.held(this.#id, id)
    if (ref === undefined) return
    ref.crowded = on
    if (on) {
      this.#crowded ??= new Set()
      this.#crowded.add(ref)
    } else if (this.#crowded?.delete(ref) === true) this.#sender.look()
  }

  give(bytes: number): void {
    this.#association.epoch?.give(bytes)
  }

  begins(bytes: number): boolean {
    const { epoch, forced } = this.intake
    return this.#parts.begins(bytes, epoch.account, forced)
  }

  completed(bytes: number): void {
    this.#parts.completed(bytes)
  }

  // the decoder's port --------------------------------------------------------------------------------------------------

  refOf(address: string): Ref<never> {
    // A ref is a permission, but this one anybody can make up: whoever answered to it would speak there for a stranger.
    if (this.#standing.guest && address.endsWith(`/${REGISTRY_ID}`))
      throw new ActorError('ACTOR_INVALID', 'a received message passes on the address of a registry')
    if (address !== '') return this.#port.revive(address)
    if (this.#replyTo === undefined)
      throw new ActorError('ACTOR_INVALID', 'mail that is no question has no address to answer to')
    return this.#replyTo
  }

  // questions from there ------------------------------------------------------------------------------------------------

  /** One of them came to nothing here: its asker is told. */
  died(question: RemoteQuestion, reason: DeadLetterReason, error: unknown): void {
    if (!this.#ledger.settled(question.id) && question.settled === false) return
    const told = reasonError({ label: 'the actor' }, reason, error)
    this.#sender.failTold(question.id, told.code, told.message)
  }

  #decode(reader: ByteReader, target: number | string, ref: Ref<never>): unknown {
    this.#decoder ??= new Decoder(this, this.#standing.terms.guard)
    const message = this.#decoder.decode(reader)
    const schema = this.#targets.schemaOf(target, ref)
    return schema === undefined ? message : checked(schema, message)
  }

  /** Counts a message that was read. One in one batch is small; beside those in parts, it counts where less was agreed. */
  #taken(reader: ByteReader, start: number): number {
    const bytes = reader.at - start
    if (bytes > this.#standing.terms.gives + SPARE) throw new BrokenFrame('a message larger than agreed')
    this.#standing.allowance.quota?.spend()
    return bytes
  }

  /** Hands mail to its actor; when its mailbox is full the actors run, and then it waits. */
  #place(ref: Ref<never>, mail: RemoteMail | RemoteQuestion): boolean {
    if (take(ref, mail)) return true
    if (!this.intake.forced) {
      this.#home.scheduler.run()
      if (take(ref, mail)) return true
    }
    // Mail of an epoch that is over, or ends, waits no longer.
    if (this.intake.over) {
      mail.disposed()
      this.#home.deadLetters.add(ref, mail, 'refused')
      return true
    }
    this.#waiting = { ref, mail }
    ref.onRoom(() => {
      if (this.#waiting?.mail === mail) this.intake.resume()
    })
    return false
  }

  #unread(ref: Ref<never>, error: unknown, bytes: number, owed: boolean): true {
    if (error instanceof BrokenFrame) throw error
    if (owed) this.give(bytes)
    this.#home.deadLetters.add(ref, undefined, 'invalid', error)
    const by = error instanceof Unfit ? 'schema' : 'guard'
    this.#standing.noticed({ type: 'invalid', by, target: ref.label })
    return true
  }
}

function take(ref: Ref<never>, mail: RemoteMail | RemoteQuestion): boolean {
  return mail instanceof RemoteQuestion ? ref.question(mail) : ref.deliver(mail)
}
