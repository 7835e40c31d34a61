// The receiving half of a peer: reads the items of a batch one by one and hands each to what it is for. When an actor's
// mailbox has no room the scheduler runs; if there is still none, the rest of the batch is parked until there is.

import type { StopReason } from '../actor/watch.ts'
import { BrokenFrame, ByteReader } from './byte-buffer.ts'
import { Item, STOP_REASONS } from './items.ts'

/** Items of one stream that is being put together; a sender has one open at a time, a repeat of an epoch's end none. */
const MAX_STREAMS = 2

/** What the head of an item may add to the bytes of its message. */
export const SPARE = 1_024

/** What a peer does with the items that arrive. */
export interface InboxPort {
  /** The most bytes that one item may have. */
  readonly messageBytes: number
  define(id: string): void
  /**
   * Reads the message behind the head of an item that began at `start`. `owed`: its bytes go back to the sender when it is
   * out of its mailbox. `false`: it was taken out of the batch, but its mailbox has no room.
   */
  mail(target: number | string, reader: ByteReader, start: number, owed: boolean): boolean
  /** The same for an answer: what it answers is told by its address alone. */
  answered(ask: string, reader: ByteReader, start: number, owed: boolean): boolean
  asked(target: number | string, ask: string, reader: ByteReader, start: number, owed: boolean): boolean
  /** Tries the mail that found no room again. */
  retry(): boolean
  fail(ask: string, code: string, text: string): void
  cancel(ask: string): void
  watchedFrom(target: number | string): void
  unwatchedFrom(target: number | string): void
  actorEnded(id: string, reason: StopReason): void
  pressure(id: string, on: boolean): void
  /** Bytes of items that are not mail: disposed of on arrival. */
  give(bytes: number): void
  /** A message in parts begins. `false`: there is no memory for it now; the batch is parked before it. */
  begins(bytes: number): boolean
  /** It is complete, or will never be. */
  completed(bytes: number): void
}

/** A batch, or an item put together from chunks, whose bytes have been given back already. */
interface Reading {
  readonly reader: ByteReader
  readonly owed: boolean
}

interface Stream {
  readonly bytes: Uint8Array
  at: number
}

export class Inbox {
  readonly #port: InboxPort
  #streams: Map<number, Stream> | undefined
  /** Where reading stopped, innermost last: an item put together from chunks is read within the batch of its last chunk. */
  #parked: Reading[] = []

  constructor(port: InboxPort) {
    this.#port = port
  }

  /** Reads a batch. `false`: parked. Throws BrokenFrame for what no peer of this protocol sends. */
  receive(frame: Uint8Array, start: number): boolean {
    return this.#read({ reader: new ByteReader(frame, start, frame.length), owed: true })
  }

  /** Whether a batch was read in part. */
  get parked(): boolean {
    return this.#parked.length > 0
  }

  /** There may be room again: goes on where reading stopped. */
  resume(): boolean {
    if (this.#parked.length > 0 && !this.#port.retry()) return false
    while (this.#parked.length > 0) {
      const reading = this.#parked.pop() as Reading
      const outer = this.#parked
      this.#parked = []
      const done = this.#read(reading)
      // What stops inside an inner reader must be gone on with before the outer ones.
      this.#parked = [...outer, ...this.#parked]
      if (!done) return false
    }
    return true
  }

  /** Messages of which parts have come, and bytes of these: what does not change makes no progress. */
  get partial(): { readonly streams: number; readonly bytes: number } {
    let bytes = 0
    for (const { at } of this.#streams?.values() ?? []) bytes += at
    return { streams: this.#streams?.size ?? 0, bytes }
  }

  reset(): void {
    for (const { bytes } of this.#streams?.values() ?? []) this.#port.completed(bytes.length)
    this.#streams = undefined
    this.#parked = []
  }

  #read(reading: Reading): boolean {
    const { reader, owed } = reading
    while (reader.at < reader.end) {
      if (!this.#item(reader, owed)) {
        this.#parked.unshift(reading)
        return false
      }
    }
    return true
  }

  #item(reader: ByteReader, owed: boolean): boolean {
    const port = this.#port
    const start = reader.at
    switch (reader.u8()) {
      case Item.send:
        return port.mail(readTarget(reader), reader, start, owed)
      case Item.sendTo:
        return port.answered(reader.utf8(128), reader, start, owed)
      case Item.ask: {
        const target = readTarget(reader)
        return port.asked(target, reader.utf8(128), reader, start, owed)
      }
      case Item.define:
        port.define(reader.utf8(128))
        break
      case Item.fail: {
        const ask = reader.utf8(128)
        const code = reader.utf8(64)
        port.fail(ask, code, reader.utf8(2_048))
        break
      }
      case Item.cancel:
        port.cancel(reader.utf8(128))
        break
      case Item.watch:
        port.watchedFrom(readTarget(reader))
        break
      case Item.unwatch:
        port.unwatchedFrom(readTarget(reader))
        break
      case Item.stopped: {
        const id = reader.utf8(128)
        port.actorEnded(id, readReason(reader))
        break
      }
      case Item.pressure: {
        const id = reader.utf8(128)
        port.pressure(id, reader.u8() === 1)
        break
      }
      case Item.chunk:
        // One in another would be read with the stack as deep as the sender likes.
        if (!owed) throw new BrokenFrame('a chunk in a chunk')
        return this.#chunk(reader, start)
      default:
        throw new BrokenFrame('an item of a kind that this version does not know')
    }
    if (owed) port.give(reader.at - start)
    return true
  }

  #chunk(reader: ByteReader, start: number): boolean {
    const number = reader.varint()
    const left = reader.varint()
    this.#streams ??= new Map()
    const streams = this.#streams
    let stream = streams.get(number)
    if (stream === undefined) {
      if (left > this.#port.messageBytes + SPARE || streams.size >= MAX_STREAMS)
        throw new BrokenFrame('a message larger than agreed')
      if (!this.#port.begins(left)) {
        reader.at = start
        return false
      }
      stream = { bytes: new Uint8Array(left), at: 0 }
      streams.set(number, stream)
    }
    const bytes = reader.raw(reader.end - reader.at)
    // The window is for mail that waits; parts give their bytes back, and the whole is bounded by messageBytes.
    this.#port.give(reader.at - start)
    if (left !== stream.bytes.length - stream.at || bytes.length > left)
      throw new BrokenFrame('a chunk that does not fit its message')
    stream.bytes.set(bytes, stream.at)
    stream.at += bytes.length
    if (stream.at < stream.bytes.length) return true
    streams.delete(number)
    this.#port.completed(stream.bytes.length)
    return this.#read({ reader: new ByteReader(stream.bytes, 0, stream.bytes.length), owed: false })
  }
}

/** The number of an actor that was defined, or the id of one that was not. */
function readTarget(reader: ByteReader): number | string {
  const number = reader.varint()
  return number === 0 ? reader.utf8(128) : number - 1
}

function readReason(reader: ByteReader): StopReason {
  const kind = STOP_REASONS[reader.u8()]
  if (kind === undefined) throw new BrokenFrame('a reason that this version does not know')
  if (kind !== 'failed') return { kind }
  const name = reader.utf8(256)
  const message = reader.utf8(4_096)
  const code = reader.utf8(64)
  return { kind, error: code === '' ? { name, message } : { name, message, code } }
}
