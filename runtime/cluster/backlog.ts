// What waits for one slow system, by who sent it: so that one who floods it leaves room for the others, and all slow systems of
// a hub together stay within bounds. Nothing is kept here but counts, and those only while more waits than BRISK.

import { MAX_FRAME } from '../peer/frame.ts'
import type { Account, Memory } from '../peer/memory.ts'

/** With no more than this waiting, in bytes, a system is not slow: nothing is counted, everything goes. */
export const BRISK = 65_536
/** The most that may wait for one system. */
export const MAX_WAITING = 4_194_304
/** What has left is known to this many bytes: one table for each such piece, not for each frame. */
const PIECE = 65_536

/** What waits for all slow systems of a hub together: a part of what the system may hold for others. */
export class Pool {
  readonly #account: Account

  constructor(memory: Memory) {
    this.#account = memory.account(false)
  }

  get free(): number {
    const { held, memory } = this.#account
    return Math.max(0, Math.min(memory.budget / 4 - held, memory.room))
  }

  take(bytes: number): void {
    this.#account.take(bytes)
  }

  give(bytes: number): void {
    this.#account.give(bytes)
  }
}

interface Piece {
  bytes: number
  readonly by: Map<string, number>
}

export class Backlog {
  readonly #pool: Pool
  /** In the order in which they leave. */
  readonly #pieces: Piece[] = []
  readonly #by = new Map<string, number>()
  #total = 0

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /**
   * Whether a frame may join what waits: nobody has more here than is free for others, and one system not more than is free
   * for other systems. So whoever comes new finds room, however many there are.
   */
  admits(source: string, bytes: number, buffered: number): boolean {
    this.#settle(buffered)
    if (this.#of(source) + bytes > this.#free(buffered)) return false
    this.#add(source, bytes)
    return true
  }

  /** Bytes of one sender that wait; Infinity when it has no room for another frame. */
  share(source: string, buffered: number): number {
    this.#settle(buffered)
    const bytes = this.#of(source)
    return bytes + MAX_FRAME > this.#free(buffered) ? Number.POSITIVE_INFINITY : bytes
  }

  /** It has drained, or its connection is lost. */
  clear(): void {
    this.#pool.give(this.#total)
    this.#total = 0
    this.#pieces.length = 0
    this.#by.clear()
  }

  #of(source: string): number {
    return this.#by.get(source) ?? 0
  }

  #free(buffered: number): number {
    return Math.min(MAX_WAITING, this.#pool.free + BRISK) - buffered
  }

  #add(source: string, bytes: number): void {
    let piece = this.#pieces.at(-1)
    if (piece === undefined || piece.bytes >= PIECE) {
      piece = { bytes: 0, by: new Map() }
      this.#pieces.push(piece)
    }
    piece.bytes += bytes
    piece.by.set(source, (piece.by.get(source) ?? 0) + bytes)
    this.#by.set(source, this.#of(source) + bytes)
    this.#total += bytes
    this.#pool.take(bytes)
  }

  /** What was there before anything was counted, and what is not offered here, leaves unseen: counts err to its favour. */
  #settle(buffered: number): void {
    for (;;) {
      const oldest = this.#pieces[0]
      if (oldest === undefined || this.#total - oldest.bytes < buffered) return
      this.#pieces.shift()
      this.#total -= oldest.bytes
      this.#pool.give(oldest.bytes)
      for (const [source, bytes] of oldest.by) {
        const left = this.#of(source) - bytes
        if (left > 0) this.#by.set(source, left)
        else this.#by.delete(source)
      }
    }
  }
}
