// The attachment to one hub or peer as its dialer sees it, through reconnects: dials, greets, hands the wire to the hub,
// and dials again when it is lost. Intent is apart from state: after `disconnect` nothing reconnects.

import type { Clock } from '../actor/clock.ts'
import type { Subscription } from '../actor/dead-letters.ts'
import { ActorError, codeOf } from '../actor/errors.ts'
import type { Logger } from '../actor/logger.ts'
import type { ConnectOptions, Link, LinkStatus } from '../actor/network.ts'
import type { AskOptions } from '../actor/ref.ts'
import { type Backoff, delayBefore } from '../peer/backoff.ts'
import { closedError, dial, TokenRefused } from '../peer/dial.ts'
import { FrameKind } from '../peer/frame.ts'
import { HANDSHAKE_TIME, isFinal, type Welcome } from '../peer/handshake.ts'
import type { Identity } from '../peer/identity.ts'
import type { Transport } from '../peer/transport.ts'
import { CloseCode, type Wire } from '../peer/wire.ts'
import type { Attachment, AttachmentFacts } from './attachment.ts'
import type { Ending } from './hub.ts'
import { NODE_LIMITS } from './limits.ts'
import { Renewal } from './renewal.ts'

export interface LinkPort {
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
  readonly entropy: (bytes: number) => Uint8Array
  readonly identity: Identity
  readonly label: string
  /** The handshake is done: the hub takes the wire. May refuse by throwing an ActorError. */
  attach(facts: AttachmentFacts, wire: Wire): Attachment
  /** Bytes sent by way of an attachment and not acknowledged. */
  pending(attachment: Attachment): number
  /** Calls `changed` whenever bytes were acknowledged or an epoch ended, until unsubscribed. */
  onAcknowledged(changed: () => void): Subscription
  /** Says goodbye to those reached through the attachment and gives it up. */
  leave(attachment: Attachment): void
  /** Another system answers where the attached one was: what was between us and that one is over. */
  replaced(attachment: Attachment): void
  closed(link: Dialer): void
}

type State =
  | { readonly is: 'dialing'; readonly attempt: number; readonly abort: AbortController }
  | { readonly is: 'greeting'; readonly attempt: number; readonly wire: Wire }
  | {
      readonly is: 'up'
      readonly wire: Wire
      readonly attachment: Attachment
      readonly renewal: Renewal
      readonly since: number
    }
  | { readonly is: 'waiting'; readonly attempt: number; readonly cancel: () => void }
  | { readonly is: 'closed' }

/** A connection that held this long, in milliseconds, was a good one: the next attempt counts from the start. */
const STABLE = 30_000

export class Dialer implements Link {
  readonly #port: LinkPort
  readonly #transport: Transport
  readonly #options: ConnectOptions
  readonly #backoff: Backoff
  readonly #listeners = new Set<(status: LinkStatus, why?: { code: string; message: string }) => void>()
  readonly #first: { resolve: () => void; reject: (error: unknown) => void }
  readonly #attached: Promise<void>
  #state: State = { is: 'closed' }
  #attachment: Attachment | undefined
  /** Ends that the transport wakes it. */
  readonly #deaf: (() => void) | undefined
  #status: LinkStatus = 'connecting'
  /** What ended the last attempt, for the error of a `connect` that ran out of time. */
  #lastError: ActorError | undefined

  constructor(transport: Transport, options: ConnectOptions, backoff: Backoff, port: LinkPort) {
    this.#transport = transport
    this.#options = options
    this.#backoff = backoff
    this.#port = port
    let first: { resolve: () => void; reject: (error: unknown) => void } = { resolve: () => {}, reject: () => {} }
    this.#attached = new Promise((resolve, reject) => {
      first = { resolve, reject }
    })
    this.#attached.catch(() => {})
    this.#first = first
    this.#deaf = transport.whenBack?.(() => this.wake())
    this.#dial(0)
  }

  get status(): LinkStatus {
    return this.#status
  }

  get attachment(): Attachment | undefined {
    return this.#attachment
  }

  get as(): 'below' | 'peer' {
    return this.#options.as ?? 'below'
  }

  /** Settles with the first attachment, or a final refusal; when the time is over, or `signal` aborts, the link is closed. */
  async first(within: number, signal: AbortSignal | undefined): Promise<void> {
    let cancel = (): void => {}
    let aborted = (): void => {}
    try {
      await Promise.race([
        this.#attached,
        new Promise<never>((_, reject) => {
          aborted = () => reject(signal?.reason)
          signal?.addEventListener('abort', aborted)
          cancel = this.#port.clock.timer(within, () => {
            const why = this.#lastError?.message ?? 'no answer'
            reject(new ActorError('ACTOR_UNREACHABLE', `not connected within ${within} ms; the last attempt: ${why}`))
          })
        })
      ])
    } catch (error) {
      this.close(undefined)
      throw error
    } finally {
      cancel()
      signal?.removeEventListener('abort', aborted)
    }
  }

  onStatus(changed: (status: LinkStatus, why?: { code: string; message: string }) => void): Subscription {
    this.#listeners.add(changed)
    return { unsubscribe: () => void this.#listeners.delete(changed) }
  }

  get pending(): number {
    return this.#attachment === undefined ? 0 : this.#port.pending(this.#attachment)
  }

  get rtt(): number | undefined {
    return this.#state.is === 'up' ? this.#state.wire.rtt : undefined
  }

  flushed(options: AskOptions = {}): Promise<void> {
    const { within = 5_000, signal } = options
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.pending === 0) done(resolve)
        else if (this.#status === 'closed') {
          done(() =>
            reject(new ActorError('ACTOR_UNREACHABLE', 'the link was closed before everything was acknowledged'))
          )
        }
      }
      const aborted = (): void => done(() => reject(signal?.reason))
      const cancel = this.#port.clock.timer(within, () =>
        done(() =>
          reject(new ActorError('ACTOR_ASK_TIMEOUT', `${this.pending} bytes were not acknowledged within ${within} ms`))
        )
      )
      const acknowledged = this.#port.onAcknowledged(look)
      const status = this.onStatus(look)
      const done = (settle: () => void): void => {
        cancel()
        acknowledged.unsubscribe()
        status.unsubscribe()
        signal?.removeEventListener('abort', aborted)
        settle()
      }
      if (signal?.aborted) aborted()
      else {
        signal?.addEventListener('abort', aborted)
        look()
      }
    })
  }

  async refresh(): Promise<void> {
    if (this.#options.token === undefined) {
      throw new ActorError('ACTOR_BAD_OPTION', 'refresh: there is no token to show; connect with { token }')
    }
    if (this.#state.is !== 'up') {
      throw new ActorError('ACTOR_UNREACHABLE', 'refresh: not connected; the next attempt shows a new token anyhow')
    }
    await this.#state.renewal.refresh()
  }

  async disconnect(): Promise<void> {
    this.close(undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect()
  }

  /** The network may be back: an attempt that waits is made now. */
  wake(): void {
    if (this.#state.is !== 'waiting') return
    this.#state.cancel()
    this.#dial(this.#state.attempt)
  }

  /** The hub has let go of the wire: it was lost, or the other side closed it, which may be for good. */
  lost(why: Ending): void {
    const state = this.#state
    if (state.is !== 'up') return
    const error = closedError(why, 'lost')
    const stable = this.#port.clock.now() - state.since >= STABLE
    if (this.#final(error)) this.close(error)
    else if (why.spread === undefined) this.#wait(stable ? 0 : 1, error)
    else this.#wait(0, error, this.#port.random() * why.spread)
  }

  /** Ends the link: on purpose, or because of an error that trying again does not cure. */
  close(error: ActorError | undefined): void {
    const state = this.#state
    if (state.is === 'closed' && this.#status === 'closed') return
    this.#state = { is: 'closed' }
    this.#deaf?.()
    if (state.is === 'dialing') state.abort.abort()
    if (state.is === 'waiting') state.cancel()
    if (state.is === 'greeting') state.wire.close(CloseCode.normal, 'disconnected')
    if (this.#attachment !== undefined) this.#port.leave(this.#attachment)
    this.#port.closed(this)
    this.#tell('closed', error)
    this.#first.reject(error ?? new ActorError('ACTOR_SHUT_DOWN', 'the link was closed before it was up'))
  }

  #dial(attempt: number): void {
    const abort = new AbortController()
    this.#state = { is: 'dialing', attempt, abort }
    const cancel = this.#port.clock.timer(2 * HANDSHAKE_TIME, () => abort.abort())
    void this.#connect(abort.signal).then(
      ({ connection, token }) => {
        cancel()
        if (this.#state.is !== 'dialing' || this.#state.abort !== abort) {
          connection.open({ frame: () => {}, close: () => {} })
          connection.close(CloseCode.normal, 'no longer wanted')
          return
        }
        const wire = dial(
          connection,
          { ...this.#port, token, shared: this.#options.secret, as: this.as, identity: this.#port.identity },
          (taken, welcome) => this.#welcomed(taken, welcome),
          error => this.#failed(attempt, error)
        )
        if (this.#state.is === 'dialing' && this.#state.abort === abort) this.#state = { is: 'greeting', attempt, wire }
      },
      (error: unknown) => {
        cancel()
        if (this.#state.is === 'dialing' && this.#state.abort === abort) this.#failed(attempt, asUnreachable(error))
      }
    )
  }

  async #connect(signal: AbortSignal) {
    // A function that hangs is not to hang the link.
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () =>
        reject(new ActorError('ACTOR_UNREACHABLE', `no token within ${2 * HANDSHAKE_TIME} ms`))
      )
    })
    const token = await Promise.race([this.#token(), late])
    return { connection: await this.#transport.connect(signal), token }
  }

  async #token(): Promise<string | undefined> {
    const { token } = this.#options
    return typeof token === 'function' ? token() : token
  }

  #welcomed(wire: Wire, welcome: Welcome): void {
    const state = this.#state
    if (state.is === 'closed') {
      wire.close(CloseCode.normal, 'disconnected')
      return
    }
    const before = this.#attachment
    if (before !== undefined && before.id !== welcome.id) {
      this.#attachment = undefined
      this.#port.replaced(before)
    }
    try {
      this.#attachment = this.#port.attach(this.#factsOf(welcome), wire)
    } catch (error) {
      wire.closed = () => {}
      const later = codeOf(error) === 'ACTOR_UNREACHABLE'
      // It is to keep no place for what is not coming.
      if (later) wire.send(Uint8Array.of(FrameKind.goodbye))
      wire.close(CloseCode.forbidden, 'not wanted here')
      if (later && 'attempt' in state) this.#failed(state.attempt, error as ActorError)
      else this.close(error as ActorError)
      return
    }
    const { clock, logger, random } = this.#port
    const renewal = new Renewal(wire, welcome.expiresIn, {
      clock,
      logger,
      random,
      renewable: typeof this.#options.token === 'function',
      token: async () => (await this.#token()) ?? ''
    })
    wire.credential = renewal
    this.#state = { is: 'up', wire, attachment: this.#attachment, renewal, since: clock.now() }
    this.#lastError = undefined
    this.#first.resolve()
    this.#tell('connected', undefined)
  }

  /** Dialling is trusting: who answers is a node. */
  #factsOf({ id, label, downAfter, messageBytes }: Welcome): AttachmentFacts {
    return {
      id,
      label: label.slice(0, 64),
      trust: 'node',
      principal: undefined,
      place: this.as === 'below' ? 'above' : 'beside',
      downAfter,
      takes: messageBytes,
      limits: NODE_LIMITS
    }
  }

  #failed(attempt: number, error: ActorError): void {
    if (this.#state.is === 'closed') return
    if (this.#final(error)) this.close(error)
    else this.#wait(attempt + 1, error)
  }

  /** Whether trying again does not cure it. */
  #final(error: ActorError): boolean {
    if (this.#attachment === undefined) return isFinal(error)
    // A listener that was one of ours and now talks nonsense may be so again: a proxy in between answers while it restarts.
    if (error.code === 'ACTOR_REFUSED') return false
    // A token that was good has ended: the next may be as good.
    if (error instanceof TokenRefused) return typeof this.#options.token !== 'function'
    return isFinal(error)
  }

  #wait(attempt: number, error: ActorError, wait?: number): void {
    this.#lastError = error
    const delay = wait ?? delayBefore(attempt, this.#backoff, this.#port.random())
    const cancel = this.#port.clock.timer(delay, () => this.#dial(attempt))
    this.#state = { is: 'waiting', attempt, cancel }
    this.#tell(this.#attachment === undefined ? 'connecting' : 'suspended', error)
  }

  #tell(status: LinkStatus, error: ActorError | undefined): void {
    const changed = status !== this.#status
    this.#status = status
    if (!changed && error === undefined) return
    for (const listener of [...this.#listeners]) {
      try {
        if (error === undefined) listener(status)
        else listener(status, { code: error.code, message: error.message })
      } catch (thrown) {
        this.#port.logger.error('a listener of onStatus threw', { error: thrown })
      }
    }
  }
}

function asUnreachable(error: unknown): ActorError {
  if (error instanceof ActorError) return error
  const text = error instanceof Error ? error.message : String(error)
  const code = codeOf(error)
  return new ActorError('ACTOR_UNREACHABLE', `cannot connect: ${text}${code === undefined ? '' : ` (${code})`}`, {
    cause: error
  })
}
