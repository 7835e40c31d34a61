// What every transport in this folder shares: the size of a frame, the low-water mark, and the inbox that keeps arrivals until
// the link above opens the connection and then hears of its end exactly once.

import { ActorError } from '../runtime/actor/errors.ts'
import type { Connection } from '../runtime/peer/transport.ts'

/** 60 KiB is what the association sends at most; the rest is room for its headers and those of hubs on the way. */
export const MAX_FRAME = 65_536

/** A connection whose `buffered` rose above this calls `drain` when it is at or below it again. */
export const LOW_WATER = 16_384

/** A caller that is not opened yet may not fill the memory: about sixteen frames of full size. */
export const MAX_KEPT = 1_048_576

/** The end of a connection, as `close` hears it. */
export interface Ending {
  readonly code: number
  readonly reason: string
}

/** What a connection is opened with. */
export type Receiver = Parameters<Connection['open']>[0]

type State =
  | { is: 'keeping'; frames: Uint8Array[]; bytes: number; on: Receiver | undefined; ending: Ending | undefined }
  | { is: 'open'; on: Receiver }
  | { is: 'over' }

/** Arrivals of one connection, on their way to the receiver it is opened with. */
export class Inbox {
  #state: State = { is: 'keeping', frames: [], bytes: 0, on: undefined, ending: undefined }

  /** The connection has ended, for whatever reason: nothing may be sent any more. */
  get over(): boolean {
    return this.#state.is === 'over' || (this.#state.is === 'keeping' && this.#state.ending !== undefined)
  }

  /** Delivery begins in a microtask, so that no frame arrives before the caller of `open` is done with it. */
  open(on: Receiver): void {
    const kept = this.#state
    if (kept.is !== 'keeping' || kept.on !== undefined) {
      throw new ActorError('ACTOR_BAD_OPTION', 'a connection is opened once; keep the first receiver.')
    }
    kept.on = on
    queueMicrotask(() => {
      this.#state = { is: 'open', on }
      for (const frame of kept.frames) this.frame(frame)
      if (kept.ending !== undefined) this.ended(kept.ending)
    })
  }

  /** A frame has arrived. `false`: too much waits for a receiver, the connection is to be closed. */
  frame(data: Uint8Array): boolean {
    const state = this.#state
    if (state.is === 'open') state.on.frame(data)
    if (state.is !== 'keeping' || state.ending !== undefined) return true
    state.bytes += data.byteLength
    if (state.bytes > MAX_KEPT) return false
    state.frames.push(data)
    return true
  }

  /** `buffered` is low again. */
  drained(): void {
    if (this.#state.is === 'open') this.#state.on.drain?.()
  }

  /** The other side, or the pipe itself, has ended it: told after everything that arrived before. */
  ended(ending: Ending): void {
    const state = this.#state
    if (state.is === 'keeping') state.ending ??= ending
    if (state.is !== 'open') return
    this.#state = { is: 'over' }
    state.on.close(ending)
  }

  /** This side has ended it: what arrives from here on is dropped, and the receiver is told once its caller is done. */
  end(ending: Ending): void {
    const state = this.#state
    if (state.is === 'open') {
      this.#state = { is: 'over' }
      queueMicrotask(() => state.on.close(ending))
    }
    if (state.is !== 'keeping' || state.ending !== undefined) return
    state.frames = []
    state.ending = ending
  }
}

/** Why a connection is closed that was handed a frame larger than `maxFrame`. */
export function tooLarge(frame: Uint8Array): Ending {
  return { code: 1009, reason: `a frame of ${frame.byteLength} bytes; at most ${MAX_FRAME} are taken` }
}

/** Why a connection is closed that sends on and on before it is opened. */
export const NOT_OPENED: Ending = { code: 1008, reason: 'too much was sent before the connection was opened' }

/** The reason of a close is at most 123 bytes of UTF-8 on a WebSocket, and so everywhere. */
export function shortReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason)
  if (bytes.length <= 123) return reason
  // `stream` holds a character cut in two back instead of making it U+FFFD, which would be three bytes again.
  return new TextDecoder().decode(bytes.subarray(0, 123), { stream: true })
}
