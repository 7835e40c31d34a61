// One pair of systems: what is sent here is disposed of there in order and once, over any number of paths. A peer
// (peer.ts) hands it batches of items and gets batches back; it hands frames to the best path it has. It knows neither
// sockets nor meaning, and takes time only as an argument of its port: the simulator runs this very class.
//
//   epoch    the life of one numbering. Both directions share its number, it only ever rises, and ending it ends both.
//   seq      numbers batches, from 1 in each epoch. A batch keeps its number and its bytes however often it is sent.
//   ack      all batches up to this number have been disposed of: in a mailbox, or a dead letter.
//   credit   bytes that may be sent in this epoch in all. Absolute, so lost or repeated grants do no harm.

import { appended, queued } from './appended.ts'
import { type Batch, Epoch, INITIAL_CREDIT } from './epoch.ts'
import {
  HEAD_BYTES,
  type Head,
  HeadKind,
  OPENING,
  RESEND,
  readHead,
  UNHEARD,
  writeHead,
  writeRoute,
  writeSeq
} from './frame.ts'
import { type Account, BATCH_COST } from './memory.ts'
import type { Path } from './path.ts'

/** An ack that nothing carries waits this long, in milliseconds, for traffic to ride on. */
export const ACK_DELAY = 50
/**
 * Received bytes after which an ack no longer waits, or a sixteenth of a larger window: each ack costs a write here and wakes the
 * other side (bench/websocket.mjs, 64 KiB one way, shows it).
 */
const ACK_BYTES = 131_072
/** A path with more than this waiting in the process gets no more until it has drained. */
const PATH_HIGH = 1_048_576
/** The least wait, in milliseconds, before silence is taken for loss: TCP's own lower bound (RFC 6298, 2.4). */
const PROBE_MIN = 1_000
const PROBE_MAX = 8_000
/** A timer this late, in milliseconds, means that this process was frozen: nobody is judged before a new probe. */
const FROZEN = 5_000

/** A peer that names an epoch this far ahead of all that is known of it is not believed: honest ones count by one. */
const MAX_LEAP = 65_536
/** Batches that wait behind a parked one; small ones weigh more here than the window says. What is beyond is asked for again. */
const MAX_HELD = 4_096

/**
 * What outlives an association that nobody holds: the highest epoch that is over, whether nothing was received in it, and
 * the round trip, so that a new one goes on as the old one would have.
 */
export interface Ended {
  readonly number: number
  readonly unheard: boolean
  readonly rtt: number | undefined
}

/** Why an epoch ended: nothing was heard for too long (or the peer had lost it), or the peer said goodbye. */
export type EndReason = 'unreachable' | 'goodbye'

export interface AssociationPort {
  /** Where an epoch that begins counts the bytes that it holds. */
  account(): Account
  now(): number
  /** Call `step` at this time, in milliseconds of `now`; replaces the earlier wish. Infinity: never. */
  wake(at: number): void
  /**
   * The items of the next batch, from `start` on. `false`: not all of them have found room; the batch is parked, and
   * `disposed` is to be called when the rest of it has been disposed of.
   */
  receive(frame: Uint8Array, start: number): boolean
  /** A new epoch begins; tables start empty. */
  opened(): void
  /**
   * The epoch is over; called once for each, before anything of the next. `held` arrived in order but found no room (the
   * first may be disposed of in part). So many messages were sent and not acknowledged: what became of them is not known.
   */
  ended(why: EndReason, held: readonly Uint8Array[], unacknowledged: number): void
  /** Bytes have been acknowledged or have left: there may be room again. */
  room(): void
  /** Whether somebody here waits for news of the peer, so that its silence must be noticed. */
  awaited(): boolean
}

export interface AssociationOptions {
  /** This system and the other one, 16 bytes each. */
  from: Uint8Array
  to: Uint8Array
  /** Bytes of items that may lie here not taken out of their mailboxes. May change; what was granted stays granted. */
  window: number
  /** Milliseconds of silence after which the peer is gone. */
  downAfter: number
  /** What is remembered of earlier associations of the two. */
  ended?: Ended | undefined
}

/** The first of those held has been disposed of. */
function release(epoch: Epoch): void {
  if (epoch.held.length === 1) epoch.held = []
  else epoch.held.shift()
}

/** How batches flow: freely, or not before the peer has said where to go on. */
type Flow = 'free' | 'resuming'

export class Association {
  readonly #port: AssociationPort
  readonly #options: AssociationOptions
  #paths: Path[] = []
  readonly #head: Head = { kind: 0, flags: 0, epoch: 0, ack: 0, credit: 0, seq: 0 }
  #path: Path | undefined
  #epoch: Epoch | undefined
  /** The highest epoch that is over. A frame of it, or of an earlier one, changes nothing here any more. */
  #ended = 0
  /** Nothing was received in that epoch. */
  #unheard = false
  #flow: Flow = 'free'
  /** Since when a sign of life is due; undefined while none is. */
  #waiting: number | undefined
  #probeAt = Number.POSITIVE_INFINITY
  #probes = 0
  #heard = 0
  #rtt: number | undefined
  #wakeAt = Number.POSITIVE_INFINITY
  #downAfter: number

  constructor(port: AssociationPort, options: AssociationOptions) {
    this.#port = port
    this.#options = options
    this.#downAfter = options.downAfter
    this.#ended = options.ended?.number ?? 0
    this.#unheard = options.ended?.unheard ?? false
    this.#rtt = options.ended?.rtt
  }

  get ended(): Ended {
    return { number: this.#ended, unheard: this.#unheard, rtt: this.#rtt }
  }

  get epoch(): Epoch | undefined {
    return this.#epoch
  }

  /** Bytes of items sent in this epoch and not acknowledged. */
  get unacked(): number {
    const epoch = this.#epoch
    return epoch === undefined ? 0 : epoch.total - epoch.ackedBytes
  }

  /** Batches sent in this epoch and not acknowledged. */
  get unackedBatches(): number {
    return this.#epoch?.queue.length ?? 0
  }

  /** Bytes of items that wait for a path, for credit, or for room in the path. */
  get unsent(): number {
    const epoch = this.#epoch
    if (epoch === undefined || epoch.cursor === epoch.last) return 0
    const behind = epoch.queue[epoch.cursor - epoch.acked - 1]
    return epoch.total - (behind === undefined ? epoch.ackedBytes : behind.upTo)
  }

  /** Smoothed round trip in milliseconds, as acks show it. */
  get rtt(): number | undefined {
    return this.#rtt
  }

  /** Something that was disposed of here is not acknowledged yet. */
  get owing(): boolean {
    return this.#epoch !== undefined && this.#epoch.disposed > this.#epoch.told.ack
  }

  /** Batches that arrived in order and wait to be disposed of. */
  get waiting(): number {
    return this.#epoch?.held.length ?? 0
  }

  get reachable(): boolean {
    return this.#path !== undefined && this.#flow === 'free'
  }

  get downAfter(): number {
    return this.#downAfter
  }

  set window(bytes: number) {
    this.#options.window = bytes
  }

  set downAfter(milliseconds: number) {
    this.#downAfter = milliseconds
    this.#plan()
  }

  /** The epoch that is open, opening one if there is none. */
  begin(): Epoch {
    return this.#epoch ?? this.#open(this.#ended + 1)
  }

  /** Sends a frame whose items, `mail` messages among them, start at HEAD_BYTES. The association owns the bytes from now on. */
  push(frame: Uint8Array, mail: number): void {
    const epoch = this.begin()
    epoch.last += 1
    epoch.total += frame.length - HEAD_BYTES
    epoch.account.take(frame.length - HEAD_BYTES + BATCH_COST)
    writeRoute(frame, this.#options.to, this.#options.from)
    writeSeq(frame, epoch.last)
    epoch.queue = queued(epoch.queue, { seq: epoch.last, frame, upTo: epoch.total, mail, at: 0, resent: false })
    if (this.#path === undefined && this.#waiting === undefined) this.#waiting = this.#port.now()
    this.#transmit(epoch)
    this.#plan()
  }

  /** The parked batch has been disposed of; goes on with those behind it. */
  disposed(): void {
    const epoch = this.#epoch
    if (epoch === undefined || epoch.held.length === 0) return
    this.#release(epoch)
    while (this.#epoch === epoch && epoch.held.length > 0) {
      if (!this.#port.receive(epoch.held[0] as Uint8Array, HEAD_BYTES)) break
      if (this.#epoch !== epoch) return
      this.#release(epoch)
    }
    this.#plan()
  }

  // paths ---------------------------------------------------------------------------------------------------------------

  /** A way to the peer has come up. The best one is used, and numbers are exchanged on it at once. */
  pathUp(path: Path): void {
    this.#paths = appended(this.#paths, path)
    this.#choose()
  }

  pathDown(path: Path): void {
    const index = this.#paths.indexOf(path)
    if (index < 0) return
    this.#paths.splice(index, 1)
    this.#choose()
  }

  /** A hub on this path does not know the peer. Only that path is in doubt, unless the peer was never heard at all. */
  pathRefused(path: Path): void {
    const epoch = this.#epoch
    if (epoch === undefined || path !== this.#path) return
    if (!epoch.answered) {
      this.#end('unreachable')
      return
    }
    const other = this.#paths.find(each => each !== path)
    if (other !== undefined) {
      this.pathDown(path)
      return
    }
    if (this.#waiting === undefined) this.#waiting = this.#port.now()
    if (this.#flow === 'free') {
      this.#flow = 'resuming'
      this.#probes = 0
      this.#probeAt = this.#port.now() + this.#probeDelay()
    }
    this.#plan()
  }

  pathDrained(path: Path): void {
    const epoch = this.#epoch
    if (path !== this.#path || epoch === undefined) return
    const moved = this.#transmit(epoch)
    this.#plan()
    if (moved) this.#port.room()
  }

  #choose(): void {
    let best: Path | undefined
    // Of equal ones the newest: an older one is likelier to be the one that has died.
    for (const path of this.#paths) if (best === undefined || path.cost <= best.cost) best = path
    if (best === this.#path) return
    this.#path = best
    const epoch = this.#epoch
    if (epoch === undefined) return
    const now = this.#port.now()
    if (best === undefined) {
      if (this.#waiting === undefined) this.#waiting = now
      this.#probeAt = Number.POSITIVE_INFINITY
    } else {
      // What was in flight may be lost on either side: nothing more is sent before the peer has said what it has.
      this.#flow = epoch.cursor > epoch.acked ? 'resuming' : 'free'
      this.#probes = 0
      this.#sync(epoch, RESEND)
      this.#transmit(epoch)
    }
    this.#plan()
  }

  // frames --------------------------------------------------------------------------------------------------------------

  /** A frame for this association has arrived by a path. Anything may arrive; what is not understood changes nothing. */
  accept(path: Path | undefined, frame: Uint8Array): void {
    const head = this.#head
    readHead(frame, head)
    const { kind, flags, ack, credit, seq } = head
    let epoch = this.#epoch
    if (head.epoch <= this.#ended || (epoch !== undefined && head.epoch < epoch.number)) {
      if (kind !== HeadKind.ended && kind !== HeadKind.goodbye) this.#over(path, head.epoch)
      return
    }
    if (head.epoch > Math.max(this.#ended, epoch?.number ?? 0) + MAX_LEAP) return
    if ((flags & UNHEARD) !== 0 && epoch?.answered === false) {
      // Both opened an epoch after the same one, or after ones that the other never heard of: one of them moves on.
      if (kind === HeadKind.ended) {
        this.#renumber(epoch, head.epoch + 1)
        return
      }
      if (head.epoch === epoch.number + 1) this.#renumber(epoch, head.epoch)
    }
    if (epoch === undefined || head.epoch > epoch.number) {
      const opens = (flags & OPENING) !== 0 && (kind === HeadKind.batch || kind === HeadKind.sync)
      // What programs send when they hear of the end is of the peer's new epoch, or of the one behind that which is over.
      this.#end(kind === HeadKind.goodbye ? 'goodbye' : 'unreachable', opens ? head.epoch - 1 : head.epoch)
      if (!opens) {
        // An epoch that the peer believes to be open, or that is over there: there is nothing of it here.
        if (kind !== HeadKind.ended && kind !== HeadKind.goodbye) this.#over(path, head.epoch)
        return
      }
      epoch = this.#epoch ?? this.#open(head.epoch)
    }
    if (kind === HeadKind.ended || kind === HeadKind.goodbye) {
      // The last word says what was disposed of: that much is not lost.
      if (kind === HeadKind.goodbye && ack <= epoch.last) this.#acknowledge(epoch, ack, this.#port.now())
      this.#end(kind === HeadKind.goodbye ? 'goodbye' : 'unreachable')
      return
    }
    if (ack > epoch.last) return
    const now = this.#port.now()
    epoch.answered = true
    this.#heard = now
    this.#probes = 0
    const freed = this.#acknowledge(epoch, ack, now)
    if (credit > epoch.granted) epoch.granted = credit
    if (kind === HeadKind.batch) this.#receive(epoch, frame, seq, now)
    else {
      if ((flags & RESEND) !== 0) this.#rewind(epoch, seq)
      if (kind === HeadKind.sync) this.#sendAck(epoch, HeadKind.ack, this.#starving(epoch) ? 0 : RESEND, path)
    }
    if (this.#epoch !== epoch) return
    // Only now is it known what is still to be answered.
    if (this.#waiting !== undefined) this.#waiting = this.#outstanding(epoch) ? this.#heard : undefined
    const moved = this.#transmit(epoch)
    this.#plan()
    if (freed || moved) this.#port.room()
  }

  #receive(epoch: Epoch, frame: Uint8Array, seq: number, now: number): void {
    const bytes = frame.length - HEAD_BYTES
    if (seq <= epoch.received) {
      // A repeat: its ack was lost, or the path changed. It is acknowledged again and goes nowhere.
      epoch.ackDue = Math.min(epoch.ackDue, now + ACK_DELAY)
      return
    }
    if (seq > epoch.received + 1) {
      if (epoch.asked === epoch.received || epoch.starved > 0) return
      epoch.asked = epoch.received
      this.#sendAck(epoch, HeadKind.ack, RESEND)
      return
    }
    // Beyond what was granted nothing is taken: an honest peer never gets here.
    if (epoch.receivedBytes + bytes > Math.max(epoch.told.credit, INITIAL_CREDIT)) return
    if (epoch.held.length >= MAX_HELD) return
    if (!epoch.account.admits(bytes)) {
      this.#starve(epoch, bytes)
      return
    }
    epoch.account.came(bytes)
    epoch.received = seq
    epoch.receivedBytes += bytes
    epoch.held = queued(epoch.held, frame)
    if (epoch.held.length === 1 && this.#port.receive(frame, HEAD_BYTES)) {
      if (this.#epoch !== epoch) return
      release(epoch)
      this.#disposed(epoch, now)
    } else if (this.#epoch === epoch) this.#keep(epoch, bytes + BATCH_COST)
    epoch.count()
  }

  #keep(epoch: Epoch, cost: number): void {
    epoch.heldCost += cost
    epoch.account.take(cost)
  }

  /** The first of those that were kept is done with. */
  #release(epoch: Epoch): void {
    const frame = epoch.held[0] as Uint8Array
    release(epoch)
    this.#keep(epoch, HEAD_BYTES - BATCH_COST - frame.length)
    this.#disposed(epoch, this.#port.now())
  }

  /** Memory is short: what comes is not taken, and asked for again when there is room. */
  #starve(epoch: Epoch, bytes: number): void {
    if (epoch.starved === 0) epoch.account.queue(this)
    epoch.starved = bytes
  }

  /** There is memory again: what was not taken is asked for. */
  plenty(): void {
    const epoch = this.#epoch
    if (epoch === undefined || epoch.starved === 0) return
    this.#fed(epoch)
    this.#sendAck(epoch, HeadKind.ack, RESEND)
  }

  #fed(epoch: Epoch): void {
    epoch.starved = 0
    epoch.account.forget(this)
  }

  /** Whether there is still no room for what was not taken. */
  #starving(epoch: Epoch): boolean {
    if (epoch.starved === 0) return false
    if (!epoch.account.admits(epoch.starved)) return true
    this.#fed(epoch)
    return false
  }

  #disposed(epoch: Epoch, now: number): void {
    epoch.count()
    epoch.disposed += 1
    epoch.ackDue = Math.min(epoch.ackDue, now + ACK_DELAY)
    const often = Math.max(ACK_BYTES, this.#options.window / 16)
    if (epoch.receivedBytes - epoch.told.received >= often) this.#sendAck(epoch, HeadKind.ack, 0)
  }

  /** @internal Bytes of mail of this epoch have left their mailbox. */
  consumed(epoch: Epoch, bytes: number): void {
    epoch.consumed += bytes
    if (epoch !== this.#epoch) return
    if (epoch.starved > 0 && epoch.account.admits(epoch.starved)) this.plenty()
    if (epoch.consumed + this.#options.window - epoch.told.credit >= this.#options.window / 4) {
      this.#sendAck(epoch, HeadKind.ack, 0)
    }
  }

  /** `true` when bytes were freed. */
  #acknowledge(epoch: Epoch, ack: number, now: number): boolean {
    if (ack <= epoch.acked) return false
    const count = ack - epoch.acked
    const batch = epoch.queue[count - 1] as Batch
    if (!batch.resent && batch.at > 0) {
      const sample = Math.max(0, now - batch.at)
      this.#rtt = this.#rtt === undefined ? sample : this.#rtt + (sample - this.#rtt) / 8
    }
    epoch.account.give(batch.upTo - epoch.ackedBytes + count * BATCH_COST)
    epoch.ackedBytes = batch.upTo
    if (count === epoch.queue.length) epoch.queue = []
    else epoch.queue.splice(0, count)
    epoch.acked = ack
    if (epoch.cursor < ack) epoch.cursor = ack
    this.#probes = 0
    return true
  }

  /** The peer has everything up to `received` and asks for what follows. */
  #rewind(epoch: Epoch, received: number): void {
    this.#flow = 'free'
    const from = Math.max(received, epoch.acked)
    if (from < epoch.cursor) epoch.cursor = from
  }

  /** Something was sent, or wants to be, that only the peer can answer. */
  #outstanding(epoch: Epoch): boolean {
    return epoch.last > epoch.acked || this.#flow === 'resuming'
  }

  // sending -------------------------------------------------------------------------------------------------------------

  /** Gives the path what it and the credit have room for; `true` when that was anything. */
  #transmit(epoch: Epoch): boolean {
    const path = this.#path
    if (path === undefined || this.#flow !== 'free') return false
    if (epoch.cursor === epoch.last) return false
    const before = epoch.cursor
    const now = this.#port.now()
    while (epoch.cursor < epoch.last && path === this.#path) {
      const batch = epoch.queue[epoch.cursor - epoch.acked] as Batch
      if (batch.upTo > epoch.granted || path.buffered > PATH_HIGH) break
      batch.resent = batch.at > 0
      batch.at = now
      epoch.cursor += 1
      this.#tellIn(epoch, batch.frame, HeadKind.batch, 0)
      if (this.#waiting === undefined) this.#waiting = now
      path.send(batch.frame)
    }
    return epoch.cursor !== before
  }

  #sync(epoch: Epoch, flags: number): void {
    this.#probeAt = this.#port.now() + this.#probeDelay()
    this.#probes += 1
    if (this.#waiting === undefined) this.#waiting = this.#port.now()
    this.#sendAck(epoch, HeadKind.sync, flags)
  }

  #sendAck(epoch: Epoch, kind: number, flags: number, by?: Path): void {
    const path = by ?? this.#path
    if (path === undefined) return
    const frame = this.#bare()
    this.#tellIn(epoch, frame, kind, flags)
    writeSeq(frame, epoch.received)
    path.send(frame)
  }

  /** Fills in the head: every frame tells the newest ack and credit. */
  #tellIn(epoch: Epoch, frame: Uint8Array, kind: number, flags: number): void {
    const { told } = epoch
    told.ack = epoch.disposed
    told.credit = Math.max(told.credit, epoch.consumed + this.#options.window)
    told.received = epoch.receivedBytes
    epoch.ackDue = Number.POSITIVE_INFINITY
    let all = flags
    if (!epoch.answered) all |= this.#unheard && this.#ended === epoch.number - 1 ? OPENING | UNHEARD : OPENING
    writeHead(frame, kind, all, epoch.number, told.ack, told.credit)
  }

  /** Answers a frame of an epoch that is over here. */
  #over(path: Path | undefined, asked: number): void {
    const by = path ?? this.#path
    if (by === undefined) return
    const over = this.#epoch === undefined ? this.#ended : this.#epoch.number - 1
    const frame = this.#bare()
    writeHead(frame, HeadKind.ended, asked === this.#ended && asked === over && this.#unheard ? UNHEARD : 0, over, 0, 0)
    by.send(frame)
  }

  /** The peer had used up this number before it heard of us: all that waits goes out under the next. */
  #renumber(epoch: Epoch, number: number): void {
    epoch.number = number
    epoch.cursor = 0
    this.#ended = number - 1
    this.#unheard = true
    this.#transmit(epoch)
    this.#plan()
  }

  #bare(): Uint8Array {
    const frame = new Uint8Array(HEAD_BYTES)
    writeRoute(frame, this.#options.to, this.#options.from)
    return frame
  }

  // time ----------------------------------------------------------------------------------------------------------------

  /** The time asked for by `wake` has come. */
  step(): void {
    // What is due within half a millisecond is due: sums of floats may put a timer a hair before its time, again and again.
    const now = this.#port.now() + 0.5
    const late = now - this.#wakeAt
    this.#wakeAt = Number.POSITIVE_INFINITY
    const epoch = this.#epoch
    if (epoch === undefined) return
    if (late > FROZEN && this.#waiting !== undefined) {
      this.#waiting = now
      if (this.#path !== undefined) this.#sync(epoch, RESEND)
    }
    if (this.#waiting !== undefined && now - this.#waiting >= this.#downAfter) {
      this.#end('unreachable')
      return
    }
    if (epoch.ackDue <= now) {
      epoch.ackDue = Number.POSITIVE_INFINITY
      if (
        epoch.disposed > epoch.told.ack ||
        epoch.receivedBytes > epoch.told.received ||
        epoch.disposed === epoch.received
      ) {
        this.#sendAck(epoch, HeadKind.ack, 0)
      }
    }
    if (this.#path !== undefined) {
      if (this.#probeDue(epoch) <= now) this.#sync(epoch, RESEND)
      else if (this.#keepaliveDue() <= now) this.#sync(epoch, 0)
    }
    this.#plan()
  }

  #probeDelay(): number {
    const base = Math.max(PROBE_MIN, 4 * (this.#rtt ?? 0))
    return Math.min(PROBE_MAX, base * 2 ** Math.min(this.#probes, 3))
  }

  #probeDue(epoch: Epoch): number {
    if (this.#path === undefined) return Number.POSITIVE_INFINITY
    if (this.#flow === 'resuming') return this.#probeAt
    const oldest = epoch.cursor > epoch.acked ? epoch.queue[0] : undefined
    const blocked = epoch.cursor < epoch.last && (epoch.queue[epoch.cursor - epoch.acked] as Batch).upTo > epoch.granted
    if (oldest === undefined && !blocked) return Number.POSITIVE_INFINITY
    const since = oldest === undefined ? this.#heard : Math.max(oldest.at, this.#heard - PROBE_MIN)
    const due = since + this.#probeDelay()
    return this.#probes > 0 ? Math.max(due, this.#probeAt) : due
  }

  #keepaliveDue(): number {
    if (this.#path === undefined || !this.#port.awaited()) return Number.POSITIVE_INFINITY
    const due = this.#heard + this.#downAfter / 3
    return this.#probes > 0 ? Math.max(due, this.#probeAt) : due
  }

  #plan(): void {
    const epoch = this.#epoch
    if (epoch === undefined) return
    let at = Math.min(epoch.ackDue, this.#probeDue(epoch), this.#keepaliveDue())
    if (this.#waiting !== undefined) at = Math.min(at, this.#waiting + this.#downAfter)
    // A timer that comes too early only plans again; it is not worth moving it back for every batch.
    if (at < this.#wakeAt) {
      this.#wakeAt = at
      this.#port.wake(at)
    }
  }

  // epochs --------------------------------------------------------------------------------------------------------------

  #open(number: number): Epoch {
    const epoch = new Epoch(number, this.#port.account(), this)
    this.#epoch = epoch
    this.#flow = 'free'
    this.#probes = 0
    this.#probeAt = Number.POSITIVE_INFINITY
    this.#heard = this.#port.now()
    this.#waiting = undefined
    this.#port.opened()
    return epoch
  }

  /** Ends the epoch if one is open; in any case, all up to the number `past` are over. */
  #end(why: EndReason, past = 0): void {
    const epoch = this.#epoch
    const over = epoch?.number ?? this.#ended
    this.#unheard = over >= past && (epoch === undefined ? this.#unheard : epoch.received === 0)
    this.#ended = Math.max(over, past)
    if (epoch === undefined) return
    this.#epoch = undefined
    this.#waiting = undefined
    this.#flow = 'free'
    if (epoch.starved > 0) this.#fed(epoch)
    const held = epoch.heldCost + epoch.total - epoch.ackedBytes + epoch.queue.length * BATCH_COST
    if (this.#wakeAt !== Number.POSITIVE_INFINITY) {
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.#port.wake(this.#wakeAt)
    }
    this.#port.ended(
      why,
      epoch.held,
      epoch.queue.reduce((sum, batch) => sum + batch.mail, 0)
    )
    // Only now: whoever waits for memory goes on at once, and what is said here then is of the next epoch.
    epoch.account.give(held)
  }

  /** Ends the epoch here without a word: a hub came back as somebody else, or the limits were broken. */
  abandon(): void {
    this.#end('unreachable')
  }

  /** The peer has said on its own link that it goes: without another way to it nothing more of this epoch will come. */
  parted(): void {
    if (this.#path === undefined) this.#end('goodbye')
  }

  /** Tells the peer that this system is ending, and ends the epoch here. */
  goodbye(): void {
    const epoch = this.#epoch
    if (epoch === undefined) return
    if (this.#path !== undefined) {
      const frame = this.#bare()
      writeHead(frame, HeadKind.goodbye, 0, epoch.number, epoch.disposed, epoch.told.credit)
      this.#path.send(frame)
    }
    this.#end('goodbye')
  }
}
