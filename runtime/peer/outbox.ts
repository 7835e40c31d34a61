// The sending half of a peer: turns mail and signals into items, gathers a turn's items into one batch, and splits what is
// too large into chunks between which other mail goes on. Hands batches to the association.

import { ActorError } from '../actor/errors.ts'
import type { Association } from './association.ts'
import { ByteBuffer } from './byte-buffer.ts'
import type { Encoder } from './codec.ts'
import { HEAD_BYTES, MAX_BATCH } from './frame.ts'
import { Item, MAX_NUMBERED } from './items.ts'
import { type Account, BATCH_COST } from './memory.ts'

/** A batch leaves when it has this many bytes, at the end of the turn otherwise: bench/websocket, 16 KiB is where more gains nothing. */
const BATCH_BYTES = 16_384
/** Strings and byte arrays from this size on make their message go aside at once, instead of after it was encoded in vain. */
const WEIGHTY = 49_152
/** Chunks are made while fewer bytes than this wait: enough to keep a path busy, few enough that mail gets between. */
const CHUNKS_AHEAD = 262_144
/** What a chunk's own head takes at most. */
const CHUNK_HEAD = 16
/** Room for what a message that goes aside has beside what makes it so large; most have less, and nothing is moved as it grows. */
const AROUND = 1_024

/** Buffers that are kept for the next turn. */
const MAX_SPARE = 8

/** Who an item is for: to keep the order of what one actor gets, whatever goes aside. */
export interface Target {
  readonly id: string
  /** Its number in an epoch, and which epoch that was. */
  number: number
  epoch: number
}

interface Aside {
  readonly bytes: Uint8Array
  at: number
  readonly stream: number
  readonly mail: number
  /** `undefined`: a signal; everything that is sent after it waits behind it. */
  readonly target: Target | undefined
}

export interface OutboxPort {
  readonly association: Association
  /** Buffers that nobody writes in: shared by all outboxes of a system, since most are idle most of the time. */
  readonly spare: ByteBuffer[]
  encoder(): Encoder
  /** Ask for `flush` at the end of the turn. */
  flushLater(): void
}

export class Outbox {
  readonly #port: OutboxPort
  #buffer: ByteBuffer | undefined
  /** Messages in the buffer. */
  #mailed = 0
  /** The numbers of this epoch by actor id: a ref that was let go of and found again keeps its number. */
  #numbers: Map<string, number> | undefined
  #aside: Aside[] = []
  #asideBytes = 0
  /** Where they are counted. */
  #account: Account | undefined
  #streams = 0

  constructor(port: OutboxPort) {
    this.#port = port
  }

  /** Bytes accepted here and not acknowledged there. */
  get backlog(): number {
    return this.#port.association.unacked + (this.#buffer?.at ?? 0) + this.#asideBytes
  }

  /** The memory that those bytes take, about: what bounds are compared with. */
  get load(): number {
    return this.backlog + this.#port.association.unackedBatches * BATCH_COST
  }

  /** Mail. Throws ACTOR_UNSERIALISABLE or ACTOR_TOO_LARGE, and has then left nothing behind. */
  send(target: Target, message: unknown, limit: number): void {
    this.#mail(Item.send, target, undefined, message, limit)
  }

  ask(target: Target, id: string, message: unknown, limit: number): void {
    this.#mail(Item.ask, target, id, message, limit)
  }

  /** An answer. Comes after everything sent before it, to whomever. */
  sendTo(id: string, message: unknown, limit: number): void {
    this.#mail(Item.sendTo, undefined, id, message, limit)
  }

  /** A signal: `write` appends its item. Never refused; it comes after everything sent before it. */
  signal(write: (buffer: ByteBuffer) => void): void {
    if (this.#aside.length > 0) {
      const buffer = new ByteBuffer(64)
      write(buffer)
      this.#putAside(buffer.bytes.slice(0, buffer.at), undefined, 0)
    } else {
      const buffer = this.#open()
      const start = buffer.at
      write(buffer)
      this.#close(buffer, start, 0)
    }
  }

  /** A signal about a target, which is defined first where needed. */
  signalTarget(kind: number, target: Target): void {
    if (this.#aside.length > 0) {
      const alone = new ByteBuffer(64)
      this.#head(alone, kind, target, undefined)
      this.#putAside(alone.bytes.slice(0, alone.at), undefined, 0)
      return
    }
    const buffer = this.#open()
    const start = buffer.at
    this.#head(buffer, kind, target, undefined)
    this.#close(buffer, start, 0)
  }

  /** Sends what has gathered, and chunks as far as there is room for them. */
  flush(): void {
    const buffer = this.#buffer
    if (buffer !== undefined && buffer.at > 0) {
      this.#pushBuffer(buffer)
      // An idle peer keeps none. A burst may have made it large.
      if (buffer.at === 0 && this.#buffer === buffer) {
        this.#buffer = undefined
        const { spare } = this.#port
        if (spare.length < MAX_SPARE && buffer.bytes.length <= 4 * BATCH_BYTES) spare.push(buffer)
      }
    }
    this.#pump()
  }

  /** A new epoch: numbers and chunks of the old one mean nothing in it. Answers how many messages had not been handed over. */
  reset(): number {
    const lost = this.#aside.reduce((sum, each) => sum + each.mail, this.#mailed)
    this.#buffer = undefined
    this.#mailed = 0
    this.#numbers = undefined
    this.#aside = []
    this.#account?.give(this.#asideBytes)
    this.#account = undefined
    this.#asideBytes = 0
    return lost
  }

  #mail(kind: number, target: Target | undefined, id: string | undefined, message: unknown, limit: number): void {
    this.#port.association.begin()
    const weight = weightOf(message)
    if (weight >= WEIGHTY || (this.#aside.length > 0 && this.#mustWait(target))) {
      this.#mailAside(kind, target, id, message, limit, weight)
      return
    }
    const encoder = this.#port.encoder()
    const buffer = this.#open()
    if (target !== undefined) this.#define(buffer, target)
    const start = buffer.at
    const mark = encoder.mark()
    this.#head(buffer, kind, target, id)
    try {
      encoder.encode(message, buffer)
    } catch (error) {
      buffer.at = start
      throw error
    }
    const size = buffer.at - start
    if (size > MAX_BATCH) {
      buffer.at = start
      encoder.rollback(mark)
      this.#mailAside(kind, target, id, message, limit, size)
      return
    }
    if (size > limit) {
      buffer.at = start
      encoder.rollback(mark)
      throw tooLarge(size, limit)
    }
    this.#close(buffer, start, 1)
  }

  #mailAside(
    kind: number,
    target: Target | undefined,
    id: string | undefined,
    message: unknown,
    limit: number,
    weight: number
  ): void {
    const buffer = new ByteBuffer(weight + AROUND)
    this.#head(buffer, kind, target, id)
    this.#port.encoder().encodeAlone(message, buffer)
    const bytes = buffer.bytes.subarray(0, buffer.at)
    if (bytes.length > limit) throw tooLarge(bytes.length, limit)
    this.#putAside(bytes, target, 1)
  }

  #putAside(bytes: Uint8Array, target: Target | undefined, mail: number): void {
    this.#aside.push({ bytes, at: 0, stream: this.#streams++, mail, target })
    this.#asideBytes += bytes.length
    this.#account = this.#port.association.begin().account
    this.#account.take(bytes.length)
    this.#port.flushLater()
  }

  /** Whether something that waits aside must come first: mail of the same target, or any signal. */
  #mustWait(target: Target | undefined): boolean {
    if (target === undefined) return true
    for (const each of this.#aside) if (each.target === undefined || each.target.id === target.id) return true
    return false
  }

  #define(buffer: ByteBuffer, target: Target): void {
    const { number } = this.#port.association.begin()
    if (target.epoch === number) return
    this.#numbers ??= new Map()
    const known = this.#numbers.get(target.id)
    if (known === undefined && this.#numbers.size >= MAX_NUMBERED) return
    target.epoch = number
    target.number = known ?? this.#numbers.size
    if (known !== undefined) return
    this.#numbers.set(target.id, target.number)
    buffer.u8(Item.define)
    buffer.utf8(target.id)
  }

  #head(buffer: ByteBuffer, kind: number, target: Target | undefined, id: string | undefined): void {
    const { number } = this.#port.association.begin()
    if (target !== undefined && target.epoch !== number) {
      // A definition belongs to the small items, which come before whatever is aside.
      const small = this.#open()
      this.#define(small, target)
      if (buffer !== small) this.#port.flushLater()
    }
    buffer.u8(kind)
    if (target?.epoch === number) buffer.varint(target.number + 1)
    else if (target !== undefined) {
      buffer.varint(0)
      buffer.utf8(target.id)
    }
    if (id !== undefined) buffer.utf8(id)
  }

  #open(): ByteBuffer {
    this.#buffer ??= this.#port.spare.pop() ?? new ByteBuffer(256)
    return this.#buffer
  }

  /** An item has been written. Batches hold whole items, so what came before it leaves first if both do not fit. */
  #close(buffer: ByteBuffer, start: number, mail: number): void {
    if (buffer.at > MAX_BATCH) {
      this.#push(buffer.bytes, start, this.#mailed)
      this.#mailed = 0
      buffer.bytes.copyWithin(0, start, buffer.at)
      buffer.at -= start
    }
    this.#mailed += mail
    if (buffer.at >= BATCH_BYTES) this.#pushBuffer(buffer)
    else this.#port.flushLater()
  }

  #pushBuffer(buffer: ByteBuffer): void {
    const mail = this.#mailed
    const size = buffer.at
    // Before the push: what the association does then may send again.
    this.#mailed = 0
    buffer.at = 0
    this.#push(buffer.bytes, size, mail)
  }

  /** The exact copy that is sent is also the one that is kept until it is acknowledged. */
  #push(bytes: Uint8Array, size: number, mail: number): void {
    const frame = new Uint8Array(HEAD_BYTES + size)
    frame.set(bytes.length === size ? bytes : bytes.subarray(0, size), HEAD_BYTES)
    this.#port.association.push(frame, mail)
  }

  #pump(): void {
    const { association } = this.#port
    while (this.#aside.length > 0 && association.unsent < CHUNKS_AHEAD) {
      const first = this.#aside[0] as Aside
      const left = first.bytes.length - first.at
      if (first.at === 0 && left <= MAX_BATCH) {
        first.at = left
        this.#push(first.bytes, left, first.mail)
      } else {
        const size = Math.min(left, MAX_BATCH - CHUNK_HEAD)
        const head = new ByteBuffer(CHUNK_HEAD)
        head.u8(Item.chunk)
        head.varint(first.stream)
        head.varint(left)
        const frame = new Uint8Array(HEAD_BYTES + head.at + size)
        frame.set(head.bytes.subarray(0, head.at), HEAD_BYTES)
        frame.set(first.bytes.subarray(first.at, first.at + size), HEAD_BYTES + head.at)
        first.at += size
        association.push(frame, first.at === first.bytes.length ? first.mail : 0)
      }
      if (first.at === first.bytes.length) {
        this.#aside.shift()
        this.#asideBytes -= first.bytes.length
        this.#account?.give(first.bytes.length)
      }
    }
  }
}

function tooLarge(size: number, limit: number): ActorError {
  return new ActorError(
    'ACTOR_TOO_LARGE',
    `the message has ${size} bytes, the other side takes ${limit}; send it in parts, or raise messageBytes in its listener's limits`
  )
}

/** A look at the top of a message, to find the usual large ones without encoding them twice: how much of it is long texts and bytes. */
function weightOf(message: unknown): number {
  if (typeof message === 'string') return message.length
  if (typeof message !== 'object' || message === null) return 0
  if (ArrayBuffer.isView(message)) return message.byteLength
  let weight = 0
  for (const key in message) {
    const value = (message as Record<string, unknown>)[key]
    if (typeof value === 'string') weight += value.length
    else if (ArrayBuffer.isView(value)) weight += value.byteLength
  }
  return weight
}
