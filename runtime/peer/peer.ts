// Another system as seen from here: what the two hold of each other. Refs hand it mail, questions and watches, the outbox
// makes items of them, the association carries those over; what arrives goes through the inbox to the actors here. When an
// epoch ends, everything that hung on it is settled before the next begins.

import { formatAddress } from '../actor/address.ts'
import { reasonError } from '../actor/ask.ts'
import type { DeadLetterReason } from '../actor/dead-letters.ts'
import { ActorError, codeOf } from '../actor/errors.ts'
import type { LocalSystem } from '../actor/local-system.ts'
import type { StandardSchema } from '../actor/names.ts'
import { NowhereRef } from '../actor/nowhere-ref.ts'
import type { Trust } from '../actor/origin.ts'
import type { Asked, Question } from '../actor/question.ts'
import { hasEnded } from '../actor/ready.ts'
import { type AnyRef, type AskOptions, Ref } from '../actor/ref.ts'
import type { StopReason, Watcher } from '../actor/watch.ts'
import { Allowance } from './allowance.ts'
import { appended } from './appended.ts'
import { Association, type AssociationPort, type Ended, type EndReason, type Epoch } from './association.ts'
import { BrokenFrame, type ByteBuffer, type ByteReader } from './byte-buffer.ts'
import { Decoder, Encoder, type GuardLimits, type WireRefs } from './codec.ts'
import { HEAD_BYTES } from './frame.ts'
import { idBytes } from './identity.ts'
import { Inbox, type InboxPort, SPARE } from './inbox.ts'
import { Item, MAX_NUMBERED, STOP_REASONS } from './items.ts'
import { type Asker, RemoteMail, RemoteOrigin, RemoteQuestion } from './mail.ts'
import type { Account, Memory } from './memory.ts'
import type { Notice } from './notice.ts'
import { Outbox, type OutboxPort } from './outbox.ts'
import type { Path } from './path.ts'
import { Quota } from './quota.ts'
import { isOnce, REGISTRY_ID, type RemoteRef } from './remote-ref.ts'
import { checked, Unfit } from './schema.ts'
import { Waiters } from './waiters.ts'

/** How far a peer is trusted, and what is agreed with it. */
export interface PeerTerms {
  readonly label: string
  readonly trust: Trust
  readonly principal: unknown
  /** The largest message, in bytes, that it takes of us, and that we take of it. */
  readonly takes: number
  readonly gives: number
  /** Bytes of its mail that may wait here, and of ours that may be on their way to it. */
  readonly window: number
  readonly outbound: number
  readonly downAfter: number
  readonly openAsks: number
  readonly watches: number
  /** What a guest's message may make us build; of a node's, any. */
  readonly guard: GuardLimits | undefined
  readonly messagesPerSecond: number
  /** What counts all that for everybody who comes in by the same guest. */
  readonly allowance: Allowance | undefined
}

/** What a peer asks of the system it belongs to. */
export interface PeerPort {
  readonly home: LocalSystem
  readonly memory: Memory
  /** Its id. */
  readonly bytes: Uint8Array
  /** Buffers that no peer has mail in right now. */
  readonly spare: ByteBuffer[]
  terms(id: string): PeerTerms
  /** Whether there is any way to it, be it interrupted right now. */
  known(id: string): boolean
  revive(address: string): Ref<never>
  remote(peer: string, id: string): RemoteRef<never>
  /** The ref of theirs with this id, if anybody holds it. */
  held(peer: string, id: string): RemoteRef<never> | undefined
  /** What guests' messages to an actor here must pass. */
  schemaOf(ref: Ref<never>): StandardSchema<unknown> | undefined
  /** Tells `peer` when the mailbox of an actor here fills up, until it does not follow it any more. */
  followPressure(ref: Ref<never>, peer: Peer): void
  unfollowPressure(ref: Ref<never>, peer: Peer): void
  /** Whether this is the registry of this system, or a ref of another's. */
  isRegistry(asked: Asked | RemoteRef<never> | undefined): boolean
  /** Whether batches of a peer are left unread, because what was accepted is being finished. */
  deaf(peer: Peer): boolean
  /** What a peer did that it may not. */
  noticed(peer: string, notice: Notice): void
  /** An epoch has been opened. */
  opened(peer: Peer): void
  /** Bytes were acknowledged, or an epoch has ended. */
  progress(peer: Peer, ended: boolean): void
}

export class Peer implements Watcher, Asked, Asker, AssociationPort, InboxPort, OutboxPort, WireRefs {
  readonly id: string
  readonly home: LocalSystem
  readonly association: Association
  /** The first of the questions that were asked there and are not settled. */
  questions: Question | undefined = undefined
  readonly #port: PeerPort
  readonly #outbox: Outbox
  readonly #inbox: Inbox
  #terms: PeerTerms
  #origin: RemoteOrigin
  /** What is counted for it, and that of these which is shared with nobody. */
  #allowance: Allowance
  #own: Allowance | undefined
  #cancelTimer: (() => void) | undefined
  #flushing = false
  #warnedAt = Number.NEGATIVE_INFINITY

  // Of the open epoch:
  #encoder: Encoder | undefined
  #decoder: Decoder | undefined
  /** What the peer's target numbers stand for. */
  #targets: Array<Ref<never>> = []
  /** What mail to them must pass, by the same numbers; empty for a peer that is no guest. */
  #schemas: Array<StandardSchema<unknown> | undefined> = []
  // Tables are made when first needed: thousands of guests are idle, and an empty table takes 180 bytes.
  /** Refs of theirs that are watched from here, by id. */
  #watched: Map<string, RemoteRef<never>> | undefined
  /** Actors here that are watched from there, and the id they are known by. */
  #watchedHere: Map<AnyRef, string> | undefined
  /** Refs of theirs whose home says that their mailboxes fill up. */
  #crowded: Set<RemoteRef<never>> | undefined
  /** Questions asked there, by the id of the address to answer to. */
  #asks: Map<string, { question: Question; ref: RemoteRef<never> }> | undefined
  /** Questions from there that are not settled. */
  #asked: Map<string, RemoteQuestion> | undefined
  /** Where messages in parts are counted, and what ends the patience with them. */
  #parts: Account | undefined
  #cancelParts: (() => void) | undefined
  /** What a batch that begins another waits for. */
  #short: Account | undefined
  /** Mail that found no room. */
  #waiting: { readonly ref: Ref<never>; readonly mail: RemoteMail | RemoteQuestion } | undefined
  /** A batch that is not read yet, because its sender said too much of late. */
  #late: { cancel(): void } | undefined
  /** A batch that is not read, because this system or the gateway it came by is about to leave. */
  #unheard: { readonly frame: Uint8Array; readonly start: number } | undefined
  /** The epoch is ending: what finds no room now is refused. */
  #forcing = false
  #reading = false
  /** The epoch whose batch is being read, and the last one that was opened. */
  #read: Epoch | undefined
  #current: Epoch | undefined

  /** While a question is encoded or decoded: the address to answer to, which stands for itself. */
  #replyTo: Ref<never> | undefined
  #waiters: Waiters | undefined

  constructor(id: string, port: PeerPort, ended?: Ended) {
    this.id = id
    this.#port = port
    this.home = port.home
    this.#terms = port.terms(id)
    this.#allowance = this.#allowed(undefined)
    this.#origin = new RemoteOrigin(id, this.#terms.trust, this.#terms.principal)
    this.association = new Association(this, {
      from: port.bytes,
      to: idBytes(id) as Uint8Array,
      window: this.#terms.window,
      downAfter: this.#terms.downAfter,
      ended
    })
    this.#outbox = new Outbox(this)
    this.#inbox = new Inbox(this)
  }

  get label(): string {
    return this.#terms.label
  }

  /** Bytes sent and not acknowledged. */
  get pending(): number {
    return this.#outbox.backlog
  }

  /** Who the peer is may be learnt, or change, while it is attached. */
  refresh(): void {
    const before = this.#terms.trust
    this.#terms = this.#port.terms(this.id)
    const allowance = this.#allowed(this.#allowance)
    if (allowance !== this.#allowance) {
      this.#count(-(this.#asked?.size ?? 0), -(this.#watchedHere?.size ?? 0))
      this.#allowance = allowance
      this.#count(this.#asked?.size ?? 0, this.#watchedHere?.size ?? 0)
    }
    // What was agreed with a node does not hold for a guest: nothing of it goes on.
    if (before === 'node' && this.#terms.trust === 'guest' && this.#decoder !== undefined) this.association.abandon()
    this.#origin = new RemoteOrigin(this.id, this.#terms.trust, this.#terms.principal)
    this.association.window = this.#terms.window
    this.association.downAfter = this.#terms.downAfter
  }

  /** What it counts in: the allowance of the guest that it is or came in by, or one of its own. */
  #allowed(before: Allowance | undefined): Allowance {
    const { trust, allowance, messagesPerSecond } = this.#terms
    if (allowance !== undefined) return allowance
    const guest = trust === 'guest'
    if (before !== undefined && before === this.#own && before.account.guest === guest) return before
    this.#own = new Allowance(
      this.#port.memory.account(guest),
      guest ? new Quota(messagesPerSecond, this.now()) : undefined
    )
    return this.#own
  }

  #count(asks: number, watches: number): void {
    this.#allowance.asks += asks
    this.#allowance.watches += watches
  }

  /** A question from there is settled. */
  #settled(id: string): boolean {
    if (this.#asked?.delete(id) !== true) return false
    if (this.#asked.size === 0) this.#asked = undefined
    this.#count(-1, 0)
    return true
  }

  #unwatched(ref: AnyRef): boolean {
    if (this.#watchedHere?.delete(ref) !== true) return false
    this.#count(0, -1)
    return true
  }

  /** A frame has come in by a path. Runs the actors that got mail. */
  arrived(path: Path | undefined, frame: Uint8Array): void {
    this.association.accept(path, frame)
    this.home.scheduler.run()
  }

  // what refs hand over -------------------------------------------------------------------------------------------------

  send(ref: RemoteRef<never>, message: unknown): boolean {
    const { home } = this
    if (this.#full(ref)) return this.#refuse(ref, message)
    home.sent += 1
    if (!this.#reachable()) {
      home.deadLetters.add(ref, message, 'unreachable')
      return true
    }
    try {
      if (ref.once) {
        this.#answered(ref)
        this.#outbox.sendTo(ref.id, message, this.#terms.takes)
      } else this.#outbox.send(ref, message, this.#terms.takes)
    } catch (error) {
      home.deadLetters.add(ref, message, reasonOf(error), error)
      // Whoever waits for this answer would wait in vain.
      if (ref.once) this.#failTold(ref.id, codeOf(error) ?? 'ACTOR_UNSERIALISABLE', textOf(error))
    }
    return true
  }

  /** The question that this address belongs to has its answer. */
  #answered(ref: RemoteRef<never>): void {
    const question = ref.answers
    ref.answers = undefined
    if (question === undefined) return
    this.#settled(question.id)
    question.settle()
  }

  /** Answers need no memory but their own: they let others go on. */
  #full(ref: RemoteRef<never>): boolean {
    return this.#outbox.load >= this.#terms.outbound || (!ref.once && !this.#allowance.account.admits(0))
  }

  /** `false`: no room. What cannot be asked fails at once. */
  ask(ref: RemoteRef<never>, question: Question): boolean {
    if (this.#full(ref)) return false
    if (!this.#reachable()) {
      question.settle()
      this.home.deadLetters.add(ref, question, 'unreachable')
      return true
    }
    const { replyTo } = question
    const id = idOf(replyTo)
    this.#replyTo = replyTo
    try {
      this.#outbox.ask(ref, id, question.message, this.#terms.takes)
      question.enter(this)
      this.#asks ??= new Map()
      this.#asks.set(id, { question, ref })
    } catch (error) {
      question.settle()
      this.home.deadLetters.add(ref, question, reasonOf(error), error)
    } finally {
      this.#replyTo = undefined
    }
    return true
  }

  /** A question of ours is settled: answered, or given up, in which case its actor hears. */
  left(question: Question): void {
    const id = idOf(question.replyTo)
    if (this.#asks?.delete(id) && this.association.epoch !== undefined) this.#signal(Item.cancel, id)
  }

  get pressed(): boolean {
    return this.#outbox.load >= this.#terms.outbound / 4 || !this.#allowance.account.free
  }

  ready(ref: RemoteRef<never>, options?: AskOptions): Promise<void> {
    this.#waiters ??= new Waiters({ clock: this.home.clock, way: of => this.#way(of) })
    return this.#waiters.ready(ref, options)
  }

  watch(ref: RemoteRef<never>): void {
    if (!this.#reachable()) {
      this.home.clock.soon(() => ref.ended({ kind: 'unreachable' }))
      return
    }
    this.association.begin()
    this.#watched ??= new Map()
    this.#watched.set(ref.id, ref)
    this.#outbox.signalTarget(Item.watch, ref)
  }

  unwatch(ref: RemoteRef<never>): void {
    if (this.#watched?.delete(ref.id) && this.association.epoch !== undefined)
      this.#outbox.signalTarget(Item.unwatch, ref)
  }

  /** An actor here that is watched from there has ended. What it sent there before is ahead of this in the outbox. */
  stopped(ref: AnyRef, reason: StopReason): void {
    const id = this.#watchedHere?.get(ref)
    if (!this.#unwatched(ref) || id === undefined || this.association.epoch === undefined) return
    this.#outbox.signal(buffer => {
      buffer.u8(Item.stopped)
      buffer.utf8(id)
      buffer.u8(STOP_REASONS.indexOf(reason.kind))
      if (reason.kind !== 'failed') return
      const guest = this.#terms.trust === 'guest'
      // What went wrong in here is not for strangers.
      buffer.utf8(guest ? 'Error' : reason.error.name.slice(0, 60))
      buffer.utf8(guest ? 'the actor failed' : reason.error.message.slice(0, 1_000))
      buffer.utf8((reason.error.code ?? '').slice(0, 60))
    })
  }

  /** Says goodbye: nothing that is on its way will be answered. */
  goodbye(): void {
    this.#outbox.flush()
    this.association.goodbye()
  }

  flush(): void {
    this.#flushing = false
    this.#outbox.flush()
    // Signals and answers' failures are never refused; a peer that causes them and never acknowledges is given up.
    if (this.#outbox.load > 2 * this.#terms.outbound + this.#terms.takes) {
      this.#warn('a peer does not acknowledge what it caused; the epoch ends')
      this.#limited('unacknowledged')
      this.association.abandon()
    }
  }

  #refuse(ref: RemoteRef<never>, message: unknown): false {
    const { home } = this
    home.refused += 1
    const now = home.clock.now()
    if (now - ref.refusedAt >= 1_000) {
      ref.refusedAt = now
      home.deadLetters.publish(ref, message, 'refused')
    }
    return false
  }

  #reachable(): boolean {
    return this.association.epoch !== undefined || this.#port.known(this.id)
  }

  #signal(kind: number, id: string): void {
    this.#outbox.signal(buffer => {
      buffer.u8(kind)
      buffer.utf8(id)
    })
  }

  // the outbox's port ---------------------------------------------------------------------------------------------------

  encoder(): Encoder {
    this.#encoder ??= new Encoder(this)
    return this.#encoder
  }

  flushLater(): void {
    if (this.#flushing) return
    this.#flushing = true
    this.home.scheduler.flushLater(this)
  }

  get spare(): ByteBuffer[] {
    return this.#port.spare
  }

  // the codec's port ----------------------------------------------------------------------------------------------------

  isRef(value: unknown): boolean {
    return value instanceof Ref
  }

  addressOf(ref: Ref<never>): string {
    return ref === this.#replyTo ? '' : ref.address
  }

  refOf(address: string): Ref<never> {
    // A ref is a permission, but this one anybody can make up: whoever answered to it would speak there for a stranger.
    if (this.#terms.trust === 'guest' && address.endsWith(`/${REGISTRY_ID}`))
      throw new ActorError('ACTOR_INVALID', 'a received message passes on the address of a registry')
    if (address !== '') return this.#port.revive(address)
    if (this.#replyTo === undefined)
      throw new ActorError('ACTOR_INVALID', 'mail that is no question has no address to answer to')
    return this.#replyTo
  }

  // the association's port ----------------------------------------------------------------------------------------------

  account(): Account {
    this.refresh()
    return this.#allowance.account
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
    if (this.#port.deaf(this)) {
      this.#unheard = { frame, start }
      return false
    }
    const wait = this.#allowance.quota?.wait(this.now()) ?? 0
    if (wait > 0) {
      this.#limited('messagesPerSecond')
      // Not read is not acknowledged, and gives no credit: the sender waits too.
      const cancel = this.home.clock.timer(wait, () => this.#readLate(frame, start))
      this.#late = { cancel }
      return false
    }
    return this.#attempt(() => this.#inbox.receive(frame, start))
  }

  /** Goes on reading after all: only the gateway has left. */
  listen(): void {
    const unheard = this.#unheard
    this.#unheard = undefined
    if (unheard !== undefined) this.#readLate(unheard.frame, unheard.start)
  }

  #readLate(frame: Uint8Array, start: number): void {
    this.#late = undefined
    if (this.receive(frame, start)) this.association.disposed()
    this.home.scheduler.run()
  }

  opened(): void {
    this.#current = this.association.epoch
    this.#port.opened(this)
  }

  /**
   * Whether everything between the two is done: all of ours acknowledged, all of theirs that was taken disposed of and
   * acknowledged, their questions answered. `both`: and ours answered, and nothing of theirs waits to be read.
   */
  idle(both: boolean): boolean {
    if (this.#inbox.parked) return false
    // What is out of reach now cannot be told anything, and tells nothing.
    if (!this.association.reachable) return true
    if (this.pending > 0 || this.association.owing || this.askedHere > 0) return false
    return !both || ((this.#asks?.size ?? 0) === this.lookups && this.association.waiting === 0)
  }

  /** Questions from there that are not settled. Without those to a registry: a lookup may wait for long. */
  get askedHere(): number {
    let count = 0
    for (const { asked } of this.#asked?.values() ?? []) if (!this.#port.isRegistry(asked)) count += 1
    return count
  }

  /** Questions to the registry there. */
  get lookups(): number {
    let count = 0
    for (const { ref } of this.#asks?.values() ?? []) if (this.#port.isRegistry(ref)) count += 1
    return count
  }

  awaited(): boolean {
    return some(this.#watched) || some(this.#watchedHere) || some(this.#asks) || some(this.#asked)
  }

  room(): void {
    this.#outbox.flush()
    this.#waiters?.look()
    this.#port.progress(this, false)
  }

  ended(why: EndReason, held: readonly Uint8Array[], unacknowledged: number): void {
    const { home } = this
    this.#short = undefined
    this.#cancelParts?.()
    this.#cancelParts = undefined
    // First everything of the old epoch goes, then programs hear of it: what they send then is of the next.
    this.#refuseHeld(held)
    const asked = [...(this.#asked?.values() ?? [])]
    const watchedHere = [...(this.#watchedHere?.keys() ?? [])]
    this.#count(-asked.length, -watchedHere.length)
    this.#asked = undefined
    this.#watchedHere = undefined
    for (const ref of watchedHere) (ref as Ref<never>).unwatch(this)
    const lost = unacknowledged + this.#outbox.reset()
    this.#inbox.reset()
    this.#encoder = undefined
    this.#decoder = undefined
    for (const ref of this.#targets) this.#port.unfollowPressure(ref, this)
    this.#targets = []
    this.#schemas = []
    for (const ref of this.#crowded ?? []) ref.crowded = false
    this.#crowded = undefined
    const asks = [...(this.#asks?.values() ?? [])]
    this.#asks = undefined
    const watched = [...(this.#watched?.values() ?? [])]
    this.#watched = undefined
    for (const question of asked) question.giveUp()
    for (const { question } of asks) {
      question.settle()
      question.died('unreachable')
    }
    for (const ref of watched) ref.ended({ kind: 'unreachable' })
    this.#lose(lost, why)
    this.#waiters?.look()
    home.logger.debug('an epoch ended', { peer: this.label, why, lost })
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

  /** What arrived in order but had no room is the last thing this epoch disposes of here. */
  #refuseHeld(held: readonly Uint8Array[]): void {
    const late = this.#late
    this.#late = undefined
    late?.cancel()
    this.#unheard = undefined
    if (this.#reading || held.length === 0) return
    this.#forcing = true
    try {
      // What is left unread was never taken: its sender hears of that.
      if (!this.#inbox.resume() || this.#port.deaf(this)) return
      for (const frame of late === undefined ? held.slice(1) : held) if (!this.#inbox.receive(frame, HEAD_BYTES)) return
    } catch {
      // A frame that cannot be read ends here with its epoch.
    } finally {
      this.#forcing = false
    }
  }

  #way(ref: RemoteRef<never>): 'clear' | 'full' | 'none' {
    if (!this.#reachable()) return 'none'
    const { account } = this.#allowance
    if (!account.roomy) {
      account.wait(this)
      return 'full'
    }
    return !ref.crowded && this.#outbox.load <= this.#terms.outbound / 8 ? 'clear' : 'full'
  }

  // the inbox's port ----------------------------------------------------------------------------------------------------

  get messageBytes(): number {
    return this.#terms.gives
  }

  define(id: string): void {
    if (this.#targets.length >= MAX_NUMBERED) throw new BrokenFrame('more actors numbered than an epoch may')
    const ref = this.#local(id)
    const guest = this.#terms.trust === 'guest'
    this.#targets = appended(this.#targets, ref)
    if (guest) this.#schemas = appended(this.#schemas, this.#port.schemaOf(ref))
    this.#port.followPressure(ref, this)
    if (ref.pressed) this.pressureChanged(ref, true)
  }

  mail(target: number | string, reader: ByteReader, start: number, owed: boolean): boolean {
    const epoch = this.#open()
    // The answer from whom was asked: nothing has to be called off there.
    if (typeof target === 'string') this.#asks?.delete(target)
    const ref = this.#target(target)
    let message: unknown
    try {
      message = this.#decode(reader)
      const schema = this.#schemaOf(target, ref)
      if (schema !== undefined) message = checked(schema, message)
    } catch (error) {
      return this.#unread(ref, error, reader.at - start, owed)
    }
    const bytes = this.#bytesOf(reader, start)
    this.#allowance.quota?.spend()
    return this.#place(ref, new RemoteMail(message, bytes, this.#origin, epoch, owed ? bytes : 0))
  }

  answered(ask: string, reader: ByteReader, start: number, owed: boolean): boolean {
    // No schema is asked here, so no other actor may be reached this way.
    if (!isOnce(ask)) throw new BrokenFrame('an answer to what is no question')
    return this.mail(ask, reader, start, owed)
  }

  asked(target: number | string, ask: string, reader: ByteReader, start: number, owed: boolean): boolean {
    if (!isOnce(ask)) throw new BrokenFrame('a question without an address of its own')
    const epoch = this.#open()
    const ref = this.#target(target)
    const replyTo = this.#port.remote(this.id, ask)
    this.#replyTo = replyTo as unknown as Ref<never>
    let message: unknown
    try {
      message = this.#decode(reader)
      const schema = this.#schemaOf(target, ref)
      if (schema !== undefined) message = checked(schema, message)
    } catch (error) {
      if (!(error instanceof BrokenFrame)) this.#fail(ask, 'ACTOR_INVALID', textOf(error))
      return this.#unread(ref, error, reader.at - start, owed)
    } finally {
      this.#replyTo = undefined
    }
    const bytes = this.#bytesOf(reader, start)
    this.#allowance.quota?.spend()
    this.#asked ??= new Map()
    if (this.#asked.has(ask)) throw new BrokenFrame('two questions with one id')
    const question = new RemoteQuestion(ask, message, bytes, this.#origin, epoch, owed ? bytes : 0, this)
    this.#asked.set(ask, question)
    this.#count(1, 0)
    if (this.#allowance.asks > this.#terms.openAsks) {
      this.#limited('openAsks')
      question.disposed()
      this.home.deadLetters.add(ref, question, 'refused')
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
    const asked = this.#asks?.get(ask)
    if (asked === undefined) return
    this.#asks?.delete(ask)
    const { question, ref } = asked
    question.settle()
    const known = code.startsWith('ACTOR_') ? (code as `ACTOR_${string}`) : 'ACTOR_FAILED'
    question.failed(known === 'ACTOR_STOPPED' ? hasEnded(ref) : new ActorError(known, `${ref.label}: ${text}`))
  }

  cancel(ask: string): void {
    const question = this.#asked?.get(ask)
    if (question === undefined) return
    this.#settled(ask)
    question.giveUp()
  }

  actorEnded(id: string, reason: StopReason): void {
    // Mail before it may have found no room: then its end must not be heard as if all had come. The epoch's end is told instead.
    if (this.#forcing) return
    const ref = this.#watched?.get(id)
    this.#watched?.delete(id)
    ref?.ended(reason)
  }

  watchedFrom(target: number | string): void {
    const ref = this.#target(target)
    this.#watchedHere ??= new Map()
    if (this.#watchedHere.has(ref)) return
    this.#watchedHere.set(ref, idOf(ref))
    this.#count(0, 1)
    if (this.#allowance.watches <= this.#terms.watches) ref.watch(this)
    else {
      this.#warn('a peer watches more than it may')
      this.#limited('watches')
      this.stopped(ref, { kind: 'unreachable' })
    }
  }

  unwatchedFrom(target: number | string): void {
    const ref = this.#target(target)
    if (this.#unwatched(ref)) ref.unwatch(this)
  }

  pressure(id: string, on: boolean): void {
    // A ref that nobody holds is not worth a place in a table: whoever revives it learns by refusals.
    const ref = this.#port.held(this.id, id)
    if (ref === undefined) return
    ref.crowded = on
    if (on) {
      this.#crowded ??= new Set()
      this.#crowded.add(ref)
    } else if (this.#crowded?.delete(ref) === true) this.#waiters?.look()
  }

  give(bytes: number): void {
    this.association.epoch?.give(bytes)
  }

  begins(bytes: number): boolean {
    const { account } = this.#open()
    if (!account.free && !this.#forcing) {
      this.#short = account
      account.wait(this)
      return false
    }
    account.promise(bytes)
    this.#parts = account
    if (this.#terms.trust === 'guest') this.#expectParts()
    return true
  }

  /** There is memory again. */
  plenty(): void {
    if (this.#short !== undefined) {
      this.#short = undefined
      this.#resume()
    }
    this.#waiters?.look()
  }

  /** A guest that begins messages and never ends them would hold their memory for good: without progress its epoch ends. */
  #expectParts(): void {
    if (this.#cancelParts !== undefined) return
    const { streams, bytes } = this.#inbox.partial
    this.#cancelParts = this.home.clock.timer(this.#terms.downAfter, () => {
      this.#cancelParts = undefined
      const now = this.#inbox.partial
      if (now.streams === 0) return
      const idle = now.streams === streams && now.bytes === bytes && this.association.epoch?.held.length === 0
      if (!idle) this.#expectParts()
      else {
        this.#warn('a guest does not end a message that it began; the epoch ends')
        this.association.abandon()
      }
    })
  }

  completed(bytes: number): void {
    this.#parts?.redeem(bytes)
  }

  /** The mailbox of an actor here fills up, or is clear again: those who send to it from there are told. */
  pressureChanged(ref: Ref<never>, on: boolean): void {
    if (this.association.epoch === undefined) return
    const id = idOf(ref)
    this.#outbox.signal(buffer => {
      buffer.u8(Item.pressure)
      buffer.utf8(id)
      buffer.u8(on ? 1 : 0)
    })
  }

  /** A message in one batch is small; beside those in parts, it counts where less was agreed. */
  #bytesOf(reader: ByteReader, start: number): number {
    const bytes = reader.at - start
    if (bytes > this.#terms.gives + SPARE) throw new BrokenFrame('a message larger than agreed')
    return bytes
  }

  #decode(reader: ByteReader): unknown {
    this.#decoder ??= new Decoder(this, this.#terms.guard)
    return this.#decoder.decode(reader)
  }

  #target(target: number | string): Ref<never> {
    if (typeof target === 'string') return this.#local(target)
    const ref = this.#targets[target]
    if (ref === undefined) throw new BrokenFrame('a number that stands for no actor')
    if (!(ref instanceof NowhereRef)) return ref
    // The one id that is known before its actor is there is the registry's.
    const now = this.#local(ref.address.slice(ref.address.indexOf('/') + 1))
    this.#targets[target] = now
    return now
  }

  #schemaOf(target: number | string, ref: Ref<never>): StandardSchema<unknown> | undefined {
    if (typeof target === 'number') return this.#schemas[target]
    return this.#terms.trust === 'guest' ? this.#port.schemaOf(ref) : undefined
  }

  /** The epoch that is being read. A handler may have ended it: what it had to say is then of no more use. */
  #open(): Epoch {
    const { epoch } = this.association
    if (this.#forcing) return this.#current as Epoch
    if (epoch === undefined || epoch !== this.#read) throw new BrokenFrame('the epoch is over')
    return epoch
  }

  #local(id: string): Ref<never> {
    return (
      this.home.exported(id) ??
      new NowhereRef(this.home, formatAddress('actor', this.home.id, id), isOnce(id) ? 'late-answer' : 'no-actor')
    )
  }

  /** Hands mail to its actor; when its mailbox is full the actors run, and then it waits. */
  #place(ref: Ref<never>, mail: RemoteMail | RemoteQuestion): boolean {
    if (take(ref, mail)) return true
    if (!this.#forcing) {
      this.home.scheduler.run()
      if (take(ref, mail)) return true
    }
    // Mail of an epoch that is over, or ends, waits no longer.
    if (this.#forcing || this.association.epoch !== this.#read) {
      mail.disposed()
      this.home.deadLetters.add(ref, mail, 'refused')
      return true
    }
    this.#waiting = { ref, mail }
    ref.onRoom(() => {
      if (this.#waiting?.mail === mail) this.#resume()
    })
    return false
  }

  #resume(): void {
    if (this.#attempt(() => this.#inbox.resume())) this.association.disposed()
  }

  /** A batch that breaks the protocol ends its epoch: nothing behind the fault could be read anyhow. */
  #attempt(read: () => boolean): boolean {
    const epoch = this.association.epoch
    this.#read = epoch
    this.#reading = true
    try {
      return read() && epoch === this.association.epoch
    } catch (error) {
      // An epoch that was ended while it was read is over already.
      if (epoch !== this.association.epoch) return false
      // Not only frames that are broken: ids, too, are text that can be ill-formed.
      if (error instanceof ActorError && error.code === 'ACTOR_INVALID') {
        this.#warn('a peer broke the protocol; the epoch ends', { fault: error.message })
        this.#port.noticed(this.id, { type: 'broken', fault: error.message })
      } else this.home.logger.error('a batch could not be read; the epoch ends', { peer: this.label, error })
      this.association.abandon()
      return false
    } finally {
      this.#reading = false
    }
  }

  /** Once a second: what a peer does again and again fills no log. */
  #warn(text: string, facts: object = {}): void {
    const now = this.now()
    if (now - this.#warnedAt < 1_000) return
    this.#warnedAt = now
    this.home.logger.warn(text, { peer: this.label, ...facts })
  }

  #unread(ref: Ref<never>, error: unknown, bytes: number, owed: boolean): true {
    if (error instanceof BrokenFrame) throw error
    if (owed) this.give(bytes)
    this.home.deadLetters.add(ref, undefined, 'invalid', error)
    const by = error instanceof Unfit ? 'schema' : 'guard'
    this.#port.noticed(this.id, { type: 'invalid', by, target: ref.label })
    return true
  }

  #limited(limit: string): void {
    this.#port.noticed(this.id, { type: 'limited', limit })
  }

  /** A question from there came to nothing here: its asker is told. */
  died(question: RemoteQuestion, reason: DeadLetterReason, error: unknown): void {
    if (!this.#settled(question.id) && question.settled === false) return
    const told = reasonError({ label: 'the actor' }, reason, error)
    this.#failTold(question.id, told.code, told.message)
  }

  /** A guest hears the code; what went wrong in here is not for strangers. */
  #failTold(ask: string, code: string, text: string): void {
    this.#fail(ask, code, this.#terms.trust === 'guest' ? code : text)
  }

  #fail(ask: string, code: string, text: string): void {
    if (this.association.epoch === undefined) return
    this.#outbox.signal(buffer => {
      buffer.u8(Item.fail)
      buffer.utf8(ask)
      buffer.utf8(code)
      buffer.utf8(text.slice(0, 500))
    })
  }
}

function some(table: { readonly size: number } | undefined): boolean {
  return table !== undefined && table.size > 0
}

/** The part of an address that tells its actor from the others of its system. */
function idOf(ref: Ref<never> | undefined): string {
  const address = ref?.address ?? ''
  return address.slice(address.indexOf('/') + 1)
}

function take(ref: Ref<never>, mail: RemoteMail | RemoteQuestion): boolean {
  return mail instanceof RemoteQuestion ? ref.question(mail) : ref.deliver(mail)
}

function reasonOf(error: unknown): DeadLetterReason {
  return codeOf(error) === 'ACTOR_TOO_LARGE' ? 'too-large' : 'unserialisable'
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
