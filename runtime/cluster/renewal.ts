// A credential at the dialer, on one connection: shows another one when asked to, and, if it can ask for tokens itself,
// before the old one ends. Made by the link (link.ts) for each connection.

import type { Clock } from '../actor/clock.ts'
import { ActorError } from '../actor/errors.ts'
import type { Logger } from '../actor/logger.ts'
import { closedError } from '../peer/dial.ts'
import { HANDSHAKE_TIME, readHandshake, writeShown } from '../peer/handshake.ts'
import { CloseCode, type CredentialPort, type Wire } from '../peer/wire.ts'
import { whenOver } from './wall.ts'

/** The part of a credential's life after which another is shown, and how much later it may be: not all at once. */
const AFTER = 0.75
const JITTER = 0.15
/** Not more often than a listener looks at them, in milliseconds. */
const LEAST = 1_000
/** For a new token, and for the listener's answer each, in milliseconds: its hook has 5 s. */
const PATIENCE = 2 * HANDSHAKE_TIME

export interface RenewalPort {
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
  /** Whether tokens are asked for, and may so be asked for without being told. */
  readonly renewable: boolean
  token(): Promise<string>
}

export class Renewal implements CredentialPort {
  readonly #port: RenewalPort
  readonly #wire: Wire
  #cancel = (): void => {}
  /** One is on its way; whoever asks meanwhile has the next. */
  #now: Promise<void> | undefined
  #next: Promise<void> | undefined
  #shown: { resolve: () => void; reject: (error: ActorError) => void } | undefined

  constructor(wire: Wire, expiresIn: number | undefined, port: RenewalPort) {
    this.#wire = wire
    this.#port = port
    this.#plan(expiresIn)
  }

  refresh(): Promise<void> {
    if (this.#now === undefined) {
      this.#now = this.#show().finally(() => {
        this.#now = undefined
      })
      return this.#now
    }
    const again = (): Promise<void> => {
      this.#next = undefined
      return this.refresh()
    }
    this.#next ??= this.#now.then(again, again)
    return this.#next
  }

  frame(frame: Uint8Array): void {
    try {
      const read = readHandshake(frame)
      if (read.kind !== 'admitted') return
      this.#plan(read.expiresIn)
      this.#shown?.resolve()
    } catch {
      this.#wire.close(CloseCode.protocol, 'a frame could not be read')
    }
  }

  closed(why: { code: number; reason: string }): void {
    this.#cancel()
    this.#shown?.reject(closedError(why, 'lost'))
  }

  async #show(): Promise<void> {
    const token = await this.#patiently(this.#port.token(), 'no token was given')
    if (!this.#wire.isOpen) throw closedError({ code: CloseCode.normal, reason: '' }, 'lost')
    const frame = writeShown({ kind: 'token', token })
    const answered = new Promise<void>((resolve, reject) => {
      this.#shown = { resolve, reject }
    })
    this.#wire.send(frame)
    await this.#patiently(answered, 'the listener did not answer a new token')
  }

  #patiently<T>(promise: Promise<T>, otherwise: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#port.clock.timer(PATIENCE, () =>
        reject(new ActorError('ACTOR_UNREACHABLE', `${otherwise} within ${PATIENCE} ms`))
      )
      promise.then(resolve, reject).finally(cancel)
    })
  }

  /** The credential lasts so long. By either clock: this one may sleep, and the other jump. */
  #plan(expiresIn: number | undefined): void {
    this.#cancel()
    if (expiresIn === undefined || !this.#port.renewable) return
    const { clock, random } = this.#port
    const [end, wallEnd] = [clock.now() + expiresIn, clock.wall() + expiresIn]
    const left = (): number => Math.min(end - clock.now(), wallEnd - clock.wall())
    const after = (part: number): void => {
      const rest = left() - Math.max(LEAST, left() * part)
      this.#cancel = whenOver(
        clock,
        () => left() - rest,
        () => {
          this.refresh().catch((error: unknown) => {
            if (!this.#wire.isOpen) return
            this.#port.logger.warn('a new token could not be shown; it is tried again', { error })
            // Too late for that is no harm: the listener ends the connection, and the next attempt asks for a token.
            if (left() > LEAST) after(0.5)
          })
        }
      )
    }
    after(AFTER + JITTER * random())
  }
}
