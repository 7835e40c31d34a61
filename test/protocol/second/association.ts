// The second implementation: one end of an association.

import { type Frame, HEAD, type KINDS, OPENING, RESEND, readFrame, UNHEARD, writeFrame } from './frames.ts'

const FIRST_CREDIT = 262_144
const NEVER = Number.POSITIVE_INFINITY

export interface AssociationPort {
  send(frame: Uint8Array): void
  /** The items of the next batch. `false`: there is no room, so it waits until `resume`. */
  take(items: Uint8Array): boolean
  opened(): void
  ended(why: 'unreachable' | 'goodbye', batches: number): void
}

interface Batch {
  readonly seq: number
  readonly items: Uint8Array
  readonly upTo: number
  at: number
}

interface Epoch {
  number: number
  heard: boolean
  batches: Batch[]
  /** The last batch that was sent, and the last one there is. */
  cursor: number
  last: number
  total: number
  acked: number
  credit: number
  received: number
  receivedBytes: number
  disposed: number
  given: number
  granted: number
  toldBytes: number
  ackDue: number
  asked: number
  readonly held: Uint8Array[]
}

export class Association {
  readonly #port: AssociationPort
  readonly #route: { to: Uint8Array; from: Uint8Array }
  readonly #window: number
  readonly #downAfter: number
  #over: { epoch: number; unheard: boolean }
  #open: Epoch | undefined
  #now = 0
  #up = false
  #resuming = false
  /** Since when an answer is due. */
  #waiting = NEVER
  #probes = 0
  #probeAt = NEVER

  constructor(
    port: AssociationPort,
    options: {
      to: Uint8Array
      from: Uint8Array
      window: number
      downAfter: number
      over?: { epoch: number; unheard: boolean } | undefined
    }
  ) {
    this.#port = port
    this.#route = { to: options.to, from: options.from }
    this.#window = options.window
    this.#downAfter = options.downAfter
    this.#over = options.over ?? { epoch: 0, unheard: false }
  }

  get pending(): number {
    return this.#open?.batches.length ?? 0
  }

  path(up: boolean): void {
    this.#up = up
    const open = this.#open
    if (open === undefined) return
    if (!up) {
      this.#waiting = Math.min(this.#waiting, this.#now)
      return
    }
    this.#resuming = open.cursor > open.acked
    this.#probes = 0
    this.#sync(open)
    this.#flow(open)
  }

  push(items: Uint8Array): void {
    const open = this.#open ?? this.#begin(this.#over.epoch + 1)
    open.last += 1
    open.total += items.length
    open.batches.push({ seq: open.last, items, upTo: open.total, at: NEVER })
    this.#flow(open)
  }

  /** Bytes of items are out of their mailboxes. */
  give(bytes: number): void {
    const open = this.#open
    if (open === undefined) return
    open.given += bytes
    if (open.given + this.#window - open.granted >= this.#window / 4) this.#say(open, 'ack', 0)
  }

  /** There is room again; the batch that found none was taken. */
  resume(): void {
    const open = this.#open
    if (open === undefined || open.held.length === 0) return
    open.held.shift()
    this.#disposed(open)
    while (open === this.#open && open.held.length > 0) {
      if (!this.#port.take(open.held[0] as Uint8Array)) return
      open.held.shift()
      this.#disposed(open)
    }
  }

  goodbye(): void {
    if (this.#open === undefined) return
    this.#say(this.#open, 'goodbye', 0)
    this.#end('goodbye', 0)
  }

  abandon(): void {
    this.#end('unreachable', 0)
  }

  /** When something is due. */
  get due(): number {
    const open = this.#open
    if (open === undefined) return NEVER
    return Math.min(open.ackDue, this.#probeDue(open), this.#waiting + this.#downAfter)
  }

  time(now: number): void {
    this.#now = now
    const open = this.#open
    if (open === undefined) return
    if (now - this.#waiting >= this.#downAfter) {
      this.#end('unreachable', 0)
      return
    }
    if (open.ackDue <= now) this.#say(open, 'ack', 0)
    if (this.#probeDue(open) <= now) this.#sync(open)
  }

  hear(bytes: Uint8Array): void {
    if (bytes.length < HEAD) return
    const frame = readFrame(bytes)
    const { kind, flags, epoch: e } = frame
    const last = kind === 'ended' || kind === 'goodbye'
    let open = this.#open
    // 1: it is over.
    if (e <= this.#over.epoch || (open !== undefined && e < open.number)) {
      if (!last) this.#answerEnded(e)
      return
    }
    if (e > Math.max(this.#over.epoch, open?.number ?? 0) + 65_536) return
    // 2: nobody has lost anything.
    if ((flags & UNHEARD) !== 0 && open !== undefined && !open.heard) {
      if (kind === 'ended') {
        this.#renumber(open, e + 1)
        return
      }
      if (e === open.number + 1) this.#renumber(open, e)
    }
    // 3: a later one.
    if (open === undefined || e > open.number) {
      const opens = (flags & OPENING) !== 0 && (kind === 'batch' || kind === 'sync')
      this.#end(kind === 'goodbye' ? 'goodbye' : 'unreachable', opens ? e - 1 : e)
      if (!opens) {
        if (!last) this.#answerEnded(e)
        return
      }
      open = this.#open ?? this.#begin(e)
    }
    // 4
    if (last) {
      if (kind === 'goodbye' && frame.ack <= open.last) this.#acknowledged(open, frame.ack)
      this.#end(kind === 'goodbye' ? 'goodbye' : 'unreachable', 0)
      return
    }
    // 5
    if (frame.ack > open.last) return
    open.heard = true
    this.#probes = 0
    this.#acknowledged(open, frame.ack)
    open.credit = Math.max(open.credit, frame.credit)
    if (kind === 'batch') this.#batch(open, frame)
    else {
      if ((flags & RESEND) !== 0) {
        this.#resuming = false
        open.cursor = Math.min(open.cursor, Math.max(frame.seq, open.acked))
      }
      if (kind === 'sync') this.#say(open, 'ack', RESEND)
    }
    if (this.#open !== open) return
    if (this.#waiting !== NEVER) this.#waiting = open.last > open.acked || this.#resuming ? this.#now : NEVER
    this.#flow(open)
  }

  #begin(number: number): Epoch {
    const epoch: Epoch = {
      number,
      heard: false,
      batches: [],
      cursor: 0,
      last: 0,
      total: 0,
      acked: 0,
      credit: FIRST_CREDIT,
      received: 0,
      receivedBytes: 0,
      disposed: 0,
      given: 0,
      granted: FIRST_CREDIT,
      toldBytes: 0,
      ackDue: NEVER,
      asked: -1,
      held: []
    }
    this.#open = epoch
    this.#resuming = false
    this.#waiting = this.#up ? NEVER : this.#now
    this.#probes = 0
    this.#port.opened()
    return epoch
  }

  /** Ends the open epoch, if there is one; all up to `past` is over. */
  #end(why: 'unreachable' | 'goodbye', past: number): void {
    const open = this.#open
    const epoch = open?.number ?? this.#over.epoch
    const unheard = open === undefined ? this.#over.unheard : open.received === 0
    this.#over = { epoch: Math.max(epoch, past), unheard: epoch >= past && unheard }
    this.#open = undefined
    this.#waiting = NEVER
    if (open !== undefined) this.#port.ended(why, open.batches.length)
  }

  #renumber(open: Epoch, number: number): void {
    open.number = number
    open.cursor = 0
    this.#over = { epoch: number - 1, unheard: true }
    this.#flow(open)
  }

  #answerEnded(asked: number): void {
    const epoch = this.#open === undefined ? this.#over.epoch : this.#open.number - 1
    const unheard = asked === epoch && epoch === this.#over.epoch && this.#over.unheard
    this.#frame({ kind: 'ended', flags: unheard ? UNHEARD : 0, epoch, ack: 0, credit: 0, seq: 0 })
  }

  #acknowledged(open: Epoch, ack: number): void {
    open.acked = Math.max(open.acked, ack)
    open.cursor = Math.max(open.cursor, open.acked)
    open.batches = open.batches.filter(({ seq }) => seq > open.acked)
  }

  #batch(open: Epoch, { seq, items }: Frame): void {
    if (seq <= open.received) {
      open.ackDue = Math.min(open.ackDue, this.#now + 50)
      return
    }
    if (seq > open.received + 1) {
      if (open.asked !== open.received) this.#say(open, 'ack', RESEND)
      open.asked = open.received
      return
    }
    if (open.receivedBytes + items.length > open.granted || open.held.length >= 4096) return
    open.received = seq
    open.receivedBytes += items.length
    open.held.push(items)
    if (open.held.length > 1 || !this.#port.take(items) || this.#open !== open) return
    open.held.shift()
    this.#disposed(open)
  }

  #disposed(open: Epoch): void {
    open.disposed += 1
    open.ackDue = Math.min(open.ackDue, this.#now + 50)
    if (open.receivedBytes - open.toldBytes >= Math.max(131_072, this.#window / 16)) this.#say(open, 'ack', 0)
  }

  /** Sends what may be sent. */
  #flow(open: Epoch): void {
    while (this.#up && !this.#resuming && open.cursor < open.last) {
      const batch = open.batches[open.cursor - open.acked] as Batch
      if (batch.upTo > open.credit) return
      open.cursor += 1
      batch.at = this.#now
      this.#waiting = Math.min(this.#waiting, this.#now)
      this.#say(open, 'batch', 0, batch)
    }
  }

  #probeDue(open: Epoch): number {
    if (!this.#up || (open.cursor === open.acked && !this.#resuming)) return NEVER
    if (this.#resuming || this.#probes > 0) return this.#probeAt
    return (open.batches[0]?.at ?? NEVER) + 1_000
  }

  #sync(open: Epoch): void {
    this.#probeAt = this.#now + Math.min(8_000, 1_000 * 2 ** this.#probes)
    this.#probes += 1
    this.#waiting = Math.min(this.#waiting, this.#now)
    this.#say(open, 'sync', RESEND)
  }

  #say(open: Epoch, kind: (typeof KINDS)[number], flags: number, batch?: Batch): void {
    open.granted = Math.max(open.granted, open.given + this.#window)
    open.toldBytes = open.receivedBytes
    open.ackDue = NEVER
    const unheard = this.#over.unheard && this.#over.epoch === open.number - 1
    const opening = open.heard || kind === 'goodbye' ? 0 : unheard ? OPENING | UNHEARD : OPENING
    this.#frame({
      kind,
      flags: flags | opening,
      epoch: open.number,
      ack: open.disposed,
      credit: open.granted,
      seq: batch?.seq ?? (kind === 'goodbye' ? 0 : open.received),
      items: batch?.items ?? new Uint8Array(0)
    })
  }

  #frame(frame: Omit<Frame, 'hops' | 'to' | 'from' | 'items'> & { items?: Uint8Array }): void {
    if (this.#up) this.#port.send(writeFrame({ hops: 8, items: new Uint8Array(0), ...this.#route, ...frame }))
  }
}
