// A credential at the listener: what its hooks say of it when it is shown, and its life on one connection, on which it may
// be shown anew, and ends. Handed out by the gateway (gateway.ts), which hears what becomes of it. All of it fails closed.

import type { Clock } from '../actor/clock.ts'
import type { ListenOptions } from '../actor/network.ts'
import { HANDSHAKE_TIME, readHandshake, writeHandshake } from '../peer/handshake.ts'
import type { ConnectionHello } from '../peer/transport.ts'
import { CloseCode, type CredentialPort, type Wire } from '../peer/wire.ts'
import type { Attachment } from './attachment.ts'
import { whenOver } from './wall.ts'

/** A flood of tokens asks `authenticate` no more often than this, in milliseconds: the last one waits for its turn. */
const ADMIT_EVERY = 1_000

export type Shown = Parameters<NonNullable<ListenOptions['authenticate']>>[0]

/** What the hooks of a listener make of a credential. */
export interface Admission {
  readonly principal: unknown
  readonly subject: string | undefined
  /** By the wall clock, when there is an end. */
  readonly ends: number | undefined
}

/** Whether a credential belongs to another than the one before. */
export function isAnother(before: { readonly subject?: string | undefined } | undefined, now: Admission): boolean {
  return before?.subject !== undefined && now.subject !== undefined && before.subject !== now.subject
}

/** Rejects to refuse. Has no end of its own: whoever asks has a time limit. */
export async function admit(options: ListenOptions, shown: Shown, clock: Clock): Promise<Admission> {
  const { authenticate, subject, expires } = options
  const principal = await authenticate?.(shown)
  const who = subject?.(principal)
  if (subject !== undefined && typeof who !== 'string') throw new TypeError('`subject` did not answer with a text')
  const ends = expires?.(principal)
  // A comparison that holds for no other type, and not for NaN.
  if (ends !== undefined && !(typeof ends === 'number' && ends > clock.wall())) {
    throw new TypeError('`expires` did not answer with a time to come: the credential has ended')
  }
  return { principal, subject: who, ends: ends === Number.POSITIVE_INFINITY ? undefined : ends }
}

/** Milliseconds that a credential has left, as its owner is told. */
export function expiresIn({ ends }: Admission, clock: Clock): { expiresIn?: number } {
  return ends === undefined ? {} : { expiresIn: Math.max(0, ends - clock.wall()) }
}

/** One for each gateway. */
export interface TenurePort {
  readonly clock: Clock
  /** Asks the hooks again. */
  admit(tenure: Tenure, token: string): Promise<Admission>
  /** Another credential is good, if the answer is `true`; `false`: it belongs to somebody else. */
  renewed(tenure: Tenure, admission: Admission): boolean
  /** One was refused: the connection ends. */
  refused(tenure: Tenure, error: unknown): void
  /** Its time is over: the connection ends. */
  expired(tenure: Tenure): void
  /** Tokens come faster than they are looked at. */
  flooded(tenure: Tenure): void
  broken(tenure: Tenure): void
}

export class Tenure implements CredentialPort {
  readonly attachment: Attachment
  readonly from: ConnectionHello
  readonly #port: TenurePort
  readonly #wire: Wire
  #cancelEnd: (() => void) | undefined
  #cancelTurn: (() => void) | undefined
  /** The last token that was shown while another was being looked at, or too soon after it. */
  #next: string | undefined
  #busy = false
  #notBefore = 0

  constructor(wire: Wire, attachment: Attachment, from: ConnectionHello, admission: Admission, port: TenurePort) {
    this.attachment = attachment
    this.from = from
    this.#port = port
    this.#wire = wire
    this.#lasts(admission)
  }

  frame(frame: Uint8Array): void {
    let token: string | undefined
    try {
      const read = readHandshake(frame)
      // An admission is the listener's to give.
      if (read.kind === 'token') token = read.token
    } catch {
      // What cannot be read is no token either.
    }
    if (token === undefined) {
      this.#port.broken(this)
      this.#wire.close(CloseCode.protocol, 'a frame could not be read')
      return
    }
    if (this.#next !== undefined) this.#port.flooded(this)
    this.#next = token
    this.#turn()
  }

  closed(): void {
    this.#cancelEnd?.()
    this.#cancelTurn?.()
  }

  #lasts({ ends }: Admission): void {
    this.#cancelEnd?.()
    this.#cancelEnd = undefined
    if (ends === undefined) return
    const { clock } = this.#port
    this.#cancelEnd = whenOver(
      clock,
      () => ends - clock.wall(),
      () => {
        this.#port.expired(this)
        this.#wire.close(CloseCode.unauthenticated, 'the credential has ended')
      }
    )
  }

  #turn(): void {
    const token = this.#next
    if (this.#busy || token === undefined) return
    const { clock } = this.#port
    this.#cancelTurn?.()
    const wait = this.#notBefore - clock.now()
    if (wait > 0) {
      this.#cancelTurn = clock.timer(wait, () => this.#turn())
      return
    }
    this.#next = undefined
    this.#busy = true
    this.#notBefore = clock.now() + ADMIT_EVERY
    this.#cancelTurn = clock.timer(HANDSHAKE_TIME, () => this.#refuse('no answer in time'))
    this.#port
      .admit(this, token)
      .then(admission => this.#admitted(admission))
      .catch((error: unknown) => this.#refuse(error))
  }

  #admitted(admission: Admission): void {
    // An answer that comes after the end of the connection is nobody's.
    if (!this.#wire.isOpen) return
    this.#cancelTurn?.()
    if (!this.#port.renewed(this, admission)) {
      this.#wire.close(CloseCode.forbidden, 'not allowed here')
      return
    }
    this.#busy = false
    this.#lasts(admission)
    this.#wire.send(writeHandshake({ kind: 'admitted', ...expiresIn(admission, this.#port.clock) }))
    this.#turn()
  }

  #refuse(error: unknown): void {
    if (!this.#wire.isOpen) return
    this.#port.refused(this, error)
    this.#wire.close(CloseCode.unauthenticated, 'not authenticated')
  }
}
