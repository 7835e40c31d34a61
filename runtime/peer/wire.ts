// One connection from its first frame to its end: reads and writes frames, measures the round trip, and notices silence.
// The handshake takes its first frames, then an attachment takes the rest.

import type { Clock } from '../actor/clock.ts'
import { FrameKind } from './frame.ts'
import { type Beating, type Heartbeat, TICK } from './heartbeat.ts'
import type { Connection } from './transport.ts'

/** Milliseconds between pings of the side that keeps time. Answered from the frame handler, so a throttled tab answers too. */
export const PING_EVERY = 5_000
/** Silence, in milliseconds, after which a connection is taken for dead: a hidden tab's own timers fire once a minute. */
export const SILENCE = 3 * PING_EVERY

/** Close codes of our own; docs/protocol.md lists them. */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocol: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  timeout: 4408,
  superseded: 4409,
  version: 4426,
  tooMany: 4429,
  draining: 4503,
  slow: 4508
} as const

/** More than this waits for the other side to take it, in bytes, and it takes nothing: a slow consumer. An association stops here. */
const SLOW_BYTES = 1_048_576
/** For how long it may take nothing, in milliseconds; looked at with each ping. */
const SLOW_GUEST = 10_000
const SLOW_NODE = 30_000

/** Bytes that may wait for the other side when it is to be answered: who asks on and on and takes no answer gets no more. */
export const ANSWERED_BYTES = 65_536

const nothing = (): void => {}

/** Takes the frames about credentials of one connection, on either side, and hears its end. */
export interface CredentialPort {
  frame(frame: Uint8Array, wire: Wire): void
  closed(why: { code: number; reason: string }): void
}

export class Wire implements Beating {
  readonly #connection: Connection
  readonly #clock: Clock
  /** Takes every frame that is no ping; changed once, when the handshake is over. */
  receive: (frame: Uint8Array) => void = nothing
  closed: (why: { code: number; reason: string }) => void = nothing
  drained: () => void = nothing
  /** Whose it is after the handshake: those three are then functions that many wires share, called as methods of each. */
  owner: object | undefined = undefined
  /** In place once the handshake is over. */
  credential: CredentialPort | undefined = undefined
  rtt: number | undefined
  #heard: number
  #open = true
  #patience = SLOW_NODE
  /** Bytes handed over in all, the most of them that had left at the last look, and when that was more than before. */
  #sent = 0
  #taken = 0
  #takenAt = 0
  #heartbeat: Heartbeat | undefined
  /** Pings also when the other side is heard: of two one is enough, and the one that dialled knows the round trip then. */
  #leads = true
  #due = 0
  #doubted = false

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
    this.#heard = clock.now()
  }

  /** Begins to read. `receive` and `closed` must be in place. */
  open(): void {
    this.#connection.open(new Ear(this))
  }

  get isOpen(): boolean {
    return this.#open
  }

  get buffered(): number {
    return this.#connection.buffered
  }

  send(frame: Uint8Array): void {
    if (!this.#open) return
    this.#sent += frame.length
    this.#connection.send(frame)
  }

  /** Sends what the other side has asked for, if it takes what it is sent. */
  answer(frame: Uint8Array): void {
    if (this.#connection.buffered <= ANSWERED_BYTES) this.send(frame)
  }

  /**
   * Starts the heartbeat, once the handshake is over. Who does not lead pings only when nothing is heard; a guest may be slow
   * for less long than a node.
   */
  keepTime(heartbeat: Heartbeat, leads: boolean, guest = false): void {
    const now = this.#clock.now()
    this.#heartbeat = heartbeat
    this.#leads = leads
    this.#patience = guest ? SLOW_GUEST : SLOW_NODE
    this.#takenAt = now
    heartbeat.add(this)
    this.beat(now)
  }

  close(code: number, reason: string): void {
    if (!this.#open) return
    this.#connection.close(code, reason)
    this.ended({ code, reason })
  }

  beat(now: number): void {
    if (now < this.#due || !this.#open) return
    // Half a tick before its time: looks come a hair late, and would make every ping a whole one late.
    this.#due = Math.floor(now) + PING_EVERY - TICK / 2
    const silence = now - this.#heard
    if (silence > SILENCE) {
      // After a freeze of this process everything looks silent: one more ping decides.
      if (silence < 2 * SILENCE || this.#doubted) {
        this.close(CloseCode.timeout, 'nothing was heard for too long')
        return
      }
      this.#doubted = true
    }
    if (this.#slow(now)) {
      this.close(CloseCode.slow, 'what was sent was not taken for too long')
      return
    }
    if (this.#leads || silence > PING_EVERY) this.send(stamp(FrameKind.ping, now))
  }

  #slow(now: number): boolean {
    const { buffered } = this.#connection
    const taken = this.#sent - buffered
    // What a connection counts besides, such as heads of its frames, makes this less, and is no sign of life.
    if (buffered <= SLOW_BYTES || taken > this.#taken) this.#takenAt = now
    this.#taken = taken
    return now - this.#takenAt >= this.#patience
  }

  /** @internal For the connection. */
  heard(frame: Uint8Array): void {
    if (!this.#open) return
    this.#heard = this.#clock.now()
    this.#doubted = false
    const kind = frame[0]
    if (kind === FrameKind.ping && frame.length === 9) {
      const answer = frame.slice()
      answer[0] = FrameKind.pong
      this.answer(answer)
    } else if (kind === FrameKind.pong && frame.length === 9) {
      const sent = new DataView(frame.buffer, frame.byteOffset).getFloat64(1)
      const took = this.#clock.now() - sent
      // A peer may answer with any number; only what can be a round trip is one.
      if (took >= 0 && took <= SILENCE) this.rtt = took
    } else if ((kind === FrameKind.token || kind === FrameKind.admitted) && this.credential !== undefined) {
      this.credential.frame(frame, this)
    } else this.receive(frame)
  }

  /** @internal For the connection. */
  ended(why: { code: number; reason: string }): void {
    if (!this.#open) return
    this.#open = false
    this.#heartbeat?.delete(this)
    this.credential?.closed(why)
    this.closed(why)
  }
}

/** What a connection is opened with: one object, where closures would be four. */
class Ear {
  readonly #wire: Wire

  constructor(wire: Wire) {
    this.#wire = wire
  }

  frame(frame: Uint8Array): void {
    this.#wire.heard(frame)
  }

  close(why: { code: number; reason: string }): void {
    this.#wire.ended(why)
  }

  drain(): void {
    this.#wire.drained()
  }
}

function stamp(kind: number, now: number): Uint8Array {
  const frame = new Uint8Array(9)
  frame[0] = kind
  new DataView(frame.buffer).setFloat64(1, now)
  return frame
}
