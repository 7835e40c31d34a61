// One MessagePort, of a browser or of node:worker_threads, as transport on one side and listener on the other. Both ends of a
// connection meet here; how the port got to the other side is its owner's business, and so is closing it.

import { ActorError } from '../runtime/actor/errors.ts'
import type { Connection, Listener, Transport } from '../runtime/peer/transport.ts'
import { type Ending, Inbox, MAX_FRAME, NOT_OPENED, type Receiver, shortReason, tooLarge } from './pipe.ts'

/** What is used of a port: `on`, `ref` and `unref` where Node has them, otherwise the events of a browser. */
interface Port {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void
  start?(): void
  ref?(): void
  unref?(): void
  on?(type: string, listener: (data: unknown) => void): void
  addEventListener?(type: string, listener: (event: { data?: unknown }) => void): void
}

// A port has no connections, so they are made here: one after another, each with the number its dialler drew. Frames carry no
// number: a port keeps order, so after `open` comes nothing of an older connection, and after `opened` nothing either.
type Note =
  | { whereabouts: 'open' | 'opened'; number: number }
  | { whereabouts: 'close'; number: number; code: number; reason: string }

type Accept = Parameters<Listener['listen']>[0]
type Dialling = { is: 'dialling'; number: number; opened(): void; refused(why: string): void }

/** Where this side of the port stands. It dials or listens, one connection at a time. */
type State =
  | { is: 'idle' }
  | Dialling
  | { is: 'dialled'; end: End }
  | { is: 'listening'; accept: Accept; end: End | undefined }
  | { is: 'gone' }

// Up to here copying is as fast as handing the memory over; a frame of 64 KiB goes 2.6 times as fast when handed over.
const TRANSFER_FROM = 4096

/**
 * A transport and a listener over one end of a MessageChannel: `connect` here meets `listen` at the other end, whichever comes
 * first. One connection at a time; after it has ended the port may be dialled again. A port that closes ends its connection
 * where the platform tells; elsewhere the link's own heartbeat finds out. A dial that nobody answers waits for the signal.
 */
export function messagePort(port: unknown): Transport & Listener {
  if (!isPort(port)) {
    throw new ActorError('ACTOR_BAD_OPTION', 'messagePort: pass one end of a MessageChannel, or what has its methods.')
  }
  const side = new Side(port)
  return {
    kind: 'message-port',
    connect: signal => side.connect(signal),
    listen: accept => side.listen(accept)
  }
}

class Side {
  #state: State = { is: 'idle' }
  #attached = false
  // Drawn, so that a second messagePort on the same port does not begin with the numbers of the first.
  #number = Math.floor(Math.random() * 2 ** 32)
  readonly #port: Port

  constructor(port: Port) {
    this.#port = port
  }

  connect(signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      if (this.#state.is !== 'idle') throw taken('ACTOR_UNREACHABLE', this.#state)
      const number = ++this.#number
      const leave = (): void => signal.removeEventListener('abort', abort)
      const abort = (): void => {
        this.#enter({ is: 'idle' })
        this.#post({ whereabouts: 'close', number, code: 1000, reason: 'the call was given up' })
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      this.#enter({
        is: 'dialling',
        number,
        opened: () => {
          leave()
          const end: End = new End(this.#port, number, () => this.#left(end))
          this.#enter({ is: 'dialled', end })
          resolve(end)
        },
        refused: why => {
          leave()
          this.#enter({ is: 'idle' })
          reject(new ActorError('ACTOR_UNREACHABLE', `the other end of the port does not answer: ${why}.`))
        }
      })
      this.#attach()
      this.#post({ whereabouts: 'open', number })
    })
  }

  async listen(accept: Accept): Promise<{ close(): Promise<void> }> {
    if (this.#state.is !== 'idle') throw taken('ACTOR_LISTEN_FAILED', this.#state)
    const mine: State = { is: 'listening', accept, end: undefined }
    this.#enter(mine)
    this.#attach()
    return {
      close: async () => {
        mine.end?.close(1001, 'the listener has closed')
        if (this.#state === mine) this.#enter({ is: 'idle' })
      }
    }
  }

  // An idle side stays attached, so that a caller it does not want hears so; but it does not keep a process alive.
  #enter(state: State): void {
    this.#state = state
    if (state.is === 'idle' || state.is === 'gone') this.#port.unref?.()
    else this.#port.ref?.()
  }

  #left(end: End): void {
    const state = this.#state
    if (state.is === 'dialled' && state.end === end) this.#enter({ is: 'idle' })
    if (state.is === 'listening' && state.end === end) state.end = undefined
  }

  #attach(): void {
    if (this.#attached) return
    this.#attached = true
    const port = this.#port
    const hear = (type: string, listener: (data: unknown) => void): void => {
      if (port.on !== undefined) port.on(type, listener)
      else port.addEventListener?.(type, event => listener(event.data))
    }
    hear('message', data => this.#arrived(data))
    hear('messageerror', () => this.#end()?.close(1007, 'a message could not be read'))
    hear('close', () => this.#gone())
    // A worker thread says 'exit' instead.
    hear('exit', () => this.#gone())
    port.start?.()
  }

  #arrived(data: unknown): void {
    if (data instanceof Uint8Array) {
      this.#end()?.arrived(data)
      return
    }
    const note = noteOf(data)
    if (note?.whereabouts === 'open') this.#called(note.number)
    if (note?.whereabouts === 'opened') this.#dialling(note.number)?.opened()
    if (note?.whereabouts !== 'close') return
    this.#dialling(note.number)?.refused(note.reason)
    if (this.#end()?.number === note.number) this.#end()?.ended(note)
  }

  /** The other side dials. It would not, had it not left the connection before. */
  #called(number: number): void {
    const state = this.#state
    if (state.is !== 'listening') {
      this.#post({ whereabouts: 'close', number, code: 1013, reason: 'nobody listens there' })
      return
    }
    state.end?.ended({ code: 1001, reason: 'the other side has dialled again' })
    const end: End = new End(this.#port, number, () => this.#left(end))
    state.end = end
    this.#post({ whereabouts: 'opened', number })
    state.accept(end, {})
  }

  #gone(): void {
    const state = this.#state
    if (state.is === 'dialling') state.refused('the port has closed')
    this.#end()?.ended({ code: 1006, reason: 'the port has closed' })
    this.#enter({ is: 'gone' })
  }

  #end(): End | undefined {
    const state = this.#state
    return state.is === 'dialled' || state.is === 'listening' ? state.end : undefined
  }

  #dialling(number: number): Dialling | undefined {
    const state = this.#state
    return state.is === 'dialling' && state.number === number ? state : undefined
  }

  #post(note: Note): void {
    this.#port.postMessage(note, [])
  }
}

class End implements Connection {
  readonly maxFrame = MAX_FRAME
  /** A port takes everything at once and does not tell when it is read; the association's window bounds it. */
  readonly buffered = 0
  readonly number: number
  readonly #port: Port
  readonly #inbox = new Inbox()
  readonly #left: () => void

  constructor(port: Port, number: number, left: () => void) {
    this.#port = port
    this.number = number
    this.#left = left
  }

  send(frame: Uint8Array): void {
    if (this.#inbox.over) return
    if (frame.byteLength > MAX_FRAME) {
      this.#finish(tooLarge(frame))
      return
    }
    // The copy is this connection's own, so its memory may be handed over. Cloning a view would clone all the memory it looks at.
    const copy = new Uint8Array(frame)
    this.#port.postMessage(copy, copy.byteLength < TRANSFER_FROM ? [] : [copy.buffer])
  }

  open(on: Receiver): void {
    this.#inbox.open(on)
  }

  close(code = 1000, reason = ''): void {
    this.#finish({ code, reason: shortReason(reason) })
  }

  arrived(frame: Uint8Array): void {
    if (frame.byteLength > MAX_FRAME) this.#finish(tooLarge(frame))
    else if (!this.#inbox.frame(frame)) this.#finish(NOT_OPENED)
  }

  ended({ code, reason }: Ending): void {
    this.#left()
    this.#inbox.ended({ code, reason })
  }

  #finish({ code, reason }: Ending): void {
    if (this.#inbox.over) return
    this.#left()
    this.#port.postMessage({ whereabouts: 'close', number: this.number, code, reason } satisfies Note, [])
    this.#inbox.end({ code, reason })
  }
}

function taken(code: 'ACTOR_UNREACHABLE' | 'ACTOR_LISTEN_FAILED', { is }: State): ActorError {
  return new ActorError(
    code,
    is === 'gone'
      ? 'the port has closed; make a new MessageChannel.'
      : `this port is ${is} already and carries one connection at a time; end that first, or make another MessageChannel.`
  )
}

/** Whoever shares the port may post what he likes: what is not exactly a note is nobody's here. */
function noteOf(data: unknown): Note | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const { whereabouts, number, code, reason } = data as Partial<Record<string, unknown>>
  if (typeof number !== 'number') return undefined
  if (whereabouts === 'open' || whereabouts === 'opened') return { whereabouts, number }
  if (whereabouts !== 'close' || typeof code !== 'number' || typeof reason !== 'string') return undefined
  return { whereabouts, number, code, reason: shortReason(reason) }
}

function isPort(port: unknown): port is Port {
  if (typeof port !== 'object' || port === null) return false
  const { postMessage, on, addEventListener } = port as Partial<Record<string, unknown>>
  return typeof postMessage === 'function' && (typeof on === 'function' || typeof addEventListener === 'function')
}
