// One WebSocket as a Connection, for the transport that dials (websocket.ts) and the listeners that accept (websocket-server.ts, websocket-upgraded.ts).
// It knows two dialects: the browser's, and that of `ws`, which tells when bytes have left and can gather frames in one write.

import type { Connection } from '../runtime/peer/transport.ts'
import { type Ending, Inbox, LOW_WATER, MAX_FRAME, NOT_OPENED, type Receiver, shortReason, tooLarge } from './pipe.ts'

/** The part of the browser's WebSocket that is used here. */
export interface WebSocketLike {
  binaryType: string
  readonly readyState: number
  readonly bufferedAmount: number
  send(data: Uint8Array, sent?: () => void): void
  close(code?: number, reason?: string): void
  addEventListener(type: string, listener: (event: WebSocketEvent) => void): void
  /** `ws` only: ends it without waiting for the other side. */
  terminate?(): void
  /** `ws` only: the same events without an object for each. */
  on?(type: string, listener: (...facts: unknown[]) => void): void
}

/** What the events of a WebSocket may carry, in a browser or in `ws`. */
export interface WebSocketEvent {
  readonly data?: unknown
  readonly code?: number
  readonly reason?: string
  readonly message?: string
  readonly error?: unknown
}

/** What `ws` is told on both sides. A frame has at most 64 fragments, so that nobody makes thousands of objects of one. */
export const WS_OPTIONS = {
  perMessageDeflate: false,
  maxPayload: MAX_FRAME,
  maxFragments: 64,
  maxBufferedChunks: 4096,
  // The other side's goodbye is not waited for longer than this; what was handed over before has so long to leave.
  closeTimeout: 5000
}

const OPEN = 1

// The browser has no event for a buffer that empties. 20 ms lets 1 Gbit/s run dry for less time than a hidden tab's timer does.
const POLL = 20

interface Stream {
  cork(): void
  uncork(): void
}

const CONNECTION = Symbol('connection')

interface NodeSocket extends WebSocketLike {
  on(type: string, listener: (...facts: unknown[]) => void): void
  [CONNECTION]: WebSocketConnection
}

/** Wraps a socket that is open or about to open; from here on nothing that arrives is missed. */
export class WebSocketConnection implements Connection {
  readonly maxFrame = MAX_FRAME
  readonly #socket: WebSocketLike
  readonly #inbox = new Inbox()
  readonly #tellsWhenSent: boolean
  #stream: Stream | undefined
  #corked = false
  #high = false
  /** Made when there is first something to wait for. */
  #whenSent: (() => void) | undefined
  #failure = ''

  constructor(socket: WebSocketLike) {
    this.#socket = socket
    this.#tellsWhenSent = socket.on !== undefined
    if (socket.on !== undefined) this.#hearNode(socket as NodeSocket)
    else this.#hearBrowser(socket)
  }

  get buffered(): number {
    return this.#socket.bufferedAmount
  }

  /** The stream below, if its frames of one turn shall leave in one write. */
  gather(stream: Stream): void {
    this.#stream = stream
  }

  send(frame: Uint8Array): void {
    const socket = this.#socket
    if (this.#inbox.over || socket.readyState !== OPEN) return
    if (frame.byteLength > MAX_FRAME) {
      this.#end(tooLarge(frame))
      return
    }
    if (socket.bufferedAmount + frame.byteLength > LOW_WATER && !this.#high) this.#watchBuffer()
    if (this.#stream !== undefined && !this.#corked) this.#cork(this.#stream)
    // Every frame of a high buffer reports: whichever leaves last finds it low.
    if (this.#high && this.#tellsWhenSent) socket.send(frame, this.#whenSent)
    else socket.send(frame)
  }

  open(on: Receiver): void {
    this.#inbox.open(on)
  }

  close(code = 1000, reason = ''): void {
    this.#end({ code, reason: shortReason(reason) })
  }

  #sent(): void {
    if (!this.#high || this.#socket.bufferedAmount > LOW_WATER) return
    this.#high = false
    this.#inbox.drained()
  }

  #hearNode(socket: NodeSocket): void {
    socket.binaryType = 'nodebuffer'
    socket[CONNECTION] = this
    socket.on('message', WebSocketConnection.#message)
    socket.on('error', WebSocketConnection.#error)
    socket.on('close', WebSocketConnection.#close)
  }

  // Called as methods of the socket, so that thousands of idle ones need no closures of their own.

  static readonly #message = function (this: NodeSocket, data: unknown, isBinary: unknown): void {
    this[CONNECTION].#arrived(isBinary === true ? (data as Uint8Array) : undefined)
  }

  static readonly #error = function (this: NodeSocket, error: unknown): void {
    this[CONNECTION].#failure = error instanceof Error ? error.message : String(error)
  }

  static readonly #close = function (this: NodeSocket, code: unknown, reason: unknown): void {
    this[CONNECTION].#ended(Number(code), String(reason))
  }

  #hearBrowser(socket: WebSocketLike): void {
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('message', ({ data }) => {
      this.#arrived(data instanceof ArrayBuffer ? new Uint8Array(data) : undefined)
    })
    socket.addEventListener('close', ({ code, reason }) => this.#ended(code ?? 1006, reason ?? ''))
  }

  #arrived(frame: Uint8Array | undefined): void {
    if (frame === undefined) this.#end({ code: 1003, reason: 'only binary frames are understood here' })
    // A browser has no limit of its own; `ws` has refused it before.
    else if (frame.byteLength > MAX_FRAME) this.#end(tooLarge(frame))
    else if (!this.#inbox.frame(frame)) this.#end(NOT_OPENED)
    // A hidden tab gets one timer a minute, but its messages arrive: an answer means that something has left.
    if (this.#high) this.#sent()
  }

  #ended(code: number, reason: string): void {
    this.#high = false
    this.#inbox.ended({ code, reason: reason === '' ? shortReason(this.#failure) : reason })
  }

  #end(ending: Ending): void {
    if (this.#inbox.over) return
    this.#inbox.end(ending)
    this.#socket.close(this.#allowed(ending.code), ending.reason)
  }

  // Browsers let a page say 1000 and 3000-4999 only. What else there is becomes the same number from 4000 on: 1009 is 4009.
  #allowed(code: number): number {
    if (code === 1000 || (code >= 3000 && code <= 4999)) return code
    const spoken = (code >= 1001 && code <= 1003) || (code >= 1007 && code <= 1014)
    if (this.#tellsWhenSent && spoken) return code
    return spoken ? 3000 + code : 4000
  }

  #watchBuffer(): void {
    this.#high = true
    if (this.#tellsWhenSent) {
      this.#whenSent ??= () => this.#sent()
      return
    }
    const poll = (): void => {
      this.#sent()
      if (this.#high && !this.#inbox.over) setTimeout(poll, POLL)
    }
    setTimeout(poll, POLL)
  }

  #cork(stream: Stream): void {
    this.#corked = true
    stream.cork()
    queueMicrotask(() => {
      this.#corked = false
      stream.uncork()
    })
  }
}
