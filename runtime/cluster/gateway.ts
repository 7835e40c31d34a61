// The guarded door: accepts connections of a listener, lets in whoever has proved who he is (caller.ts) and is authenticated,
// and hands the wire to the hub. Strict by default; whatever goes wrong here costs that connection only.

import type { Clock } from '../actor/clock.ts'
import type { Logger } from '../actor/logger.ts'
import type {
  AnyName,
  Gateway,
  GatewayReport,
  GatewayStatus,
  Limits,
  LinkStatus,
  ListenOptions
} from '../actor/network.ts'
import { duration } from '../actor/options.ts'
import { type Hello, PROTOCOL, writeHandshake } from '../peer/handshake.ts'
import type { Identity } from '../peer/identity.ts'
import type { Notice } from '../peer/notice.ts'
import type { Connection, ConnectionHello, Listener } from '../peer/transport.ts'
import { CloseCode, type CredentialPort, Wire } from '../peer/wire.ts'
import type { Attachment, AttachmentFacts } from './attachment.ts'
import { Audit, who } from './audit.ts'
import { Caller, type CallerPort, type Refusal } from './caller.ts'
import { type Cause, MAX_SPREAD } from './hub.ts'
import { DOWN_AFTER, GUEST_LIMITS, NODE_LIMITS } from './limits.ts'
import { checkListenOptions } from './listen-options.ts'
import type { PeerFacts } from './peer-facts.ts'
import { type Admission, admit, expiresIn, isAnother, Tenure, type TenurePort } from './tenure.ts'

/** Handshakes that one address may have unfinished. */
const PENDING_PER_ADDRESS = 10
const LOOPBACK = /^(::ffff:)?127\.|^::1$/

export interface GatewayPort {
  readonly clock: Clock
  readonly logger: Logger
  readonly entropy: (bytes: number) => Uint8Array
  readonly identity: Identity
  readonly label: string
  /** The handshake has succeeded. */
  attach(gateway: Door, facts: AttachmentFacts, wire: Wire): Attachment
  /** Whether there is no memory left for another system. */
  full(guest: boolean): boolean
  /** Whether that system may come in; it may not while it is attached by a link of ours. */
  attachable(id: string): boolean
  /** What holds of a system whose place is kept. */
  kept(id: string): AttachmentFacts | undefined
  /** It has shown another credential. */
  renewed(attachment: Attachment, facts: AttachmentFacts): void
  /** `spread`: milliseconds over which those who are told shall come back. */
  detach(attachment: Attachment, spread: number): void
  /** Finishes what was accepted by this door: resolves when that is done, the time is over, or `hurry` aborts. */
  finish(gateway: Door, within: number, hurry: AbortSignal): Promise<void>
  /** What the system counts. */
  census(): Pick<GatewayReport, 'actors' | 'asking' | 'asked' | 'counters'>
  closed(gateway: Door): void
}

export class Door implements Gateway {
  readonly options: ListenOptions
  readonly #port: GatewayPort
  readonly #limits: Limits
  readonly #audit: Audit
  readonly #tenures: TenurePort
  readonly #attached = new Map<string, Attachment>()
  /** Those who have not finished their handshake. */
  readonly #pending = new Set<Caller>()
  readonly #callers: CallerPort
  #listening: { close(): Promise<void>; readonly url?: string } | undefined
  #status: GatewayStatus = 'open'
  #closing: Promise<void> | undefined
  /** Ends a drain before its time. */
  readonly #hurry = new AbortController()

  private constructor(options: ListenOptions, port: GatewayPort) {
    this.options = options
    this.#port = port
    this.#audit = new Audit(options.audit, port.clock, port.logger)
    this.#tenures = this.#tenurePort()
    this.#callers = this.#callerPort()
    this.#limits = { ...(options.trust === 'guest' ? GUEST_LIMITS : NODE_LIMITS), ...options.limits }
  }

  /** Rejects with ACTOR_LISTEN_FAILED or ACTOR_BAD_OPTION. */
  static async open(listener: Listener, options: ListenOptions, port: GatewayPort): Promise<Door> {
    checkListenOptions(options)
    const door = new Door(options, port)
    door.#listening = await listener.listen(
      (connection, hello) => door.#accept(connection, hello),
      () => door.report()
    )
    return door
  }

  get url(): string | undefined {
    return this.#listening?.url
  }

  get status(): GatewayStatus {
    return this.#status
  }

  report(): GatewayReport {
    let suspended = 0
    let below = 0
    for (const attachment of this.#attached.values()) {
      if (attachment.status === 'suspended') suspended += 1
      below += attachment.below
    }
    const { actors, asking, asked, counters } = this.#port.census()
    return {
      status: this.#status,
      attached: this.#attached.size,
      suspended,
      pending: this.#pending.size,
      below,
      actors,
      asking,
      asked,
      counters
    }
  }

  get peers(): ReadonlySet<{ id: string; label: string; principal: unknown; status: LinkStatus }> {
    const peers = new Set<{ id: string; label: string; principal: unknown; status: LinkStatus }>()
    for (const { facts, status } of this.#attached.values()) {
      peers.add({ id: facts.id, label: facts.label, principal: facts.principal, status })
    }
    return peers
  }

  /** Whether guests of this door may look up a name. */
  exposes(name: string): boolean {
    return this.options.trust !== 'guest' || this.exposed(name) !== undefined
  }

  /** The names that are exposed with a schema. */
  *schemas(): Iterable<string> {
    for (const each of this.options.expose ?? []) if (!('unchecked' in each)) yield each.name
  }

  /** What it was exposed as. */
  exposed(name: string): AnyName | undefined {
    const names = (this.options.expose ?? []).map(each => ('unchecked' in each ? each.name : each))
    return names.find(each => each.name === name)
  }

  /** A system has left, or came in by another door. */
  forget(id: string): void {
    this.#attached.delete(id)
  }

  /** For the audit: its place is given up. */
  detached(attachment: Attachment, why: Cause = 'closed'): void {
    this.#audit.tell({ type: 'detached', ...who(attachment.facts), why })
  }

  /** For the audit: what was noticed of a system that came in by an attachment. */
  notice(attachment: Attachment, peer: PeerFacts, notice: Notice): void {
    this.#audit.notice(attachment, peer, notice)
  }

  close(options: { drain?: number } = {}): Promise<void> {
    let within: number
    try {
      within = duration('drain', options.drain ?? 0, 0)
    } catch (error) {
      return Promise.reject(error)
    }
    // Whoever asks for less time gets less; nobody gets more.
    if (this.#closing !== undefined && within === 0) this.#hurry.abort()
    this.#closing ??= this.#close(within)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** From now on nobody gets in, and whoever asks for the status hears so. */
  refuseAll(): void {
    if (this.#status !== 'open') return
    this.#status = 'draining'
    for (const { wire } of [...this.#pending]) wire.close(CloseCode.draining, 'closing')
  }

  async #close(within: number): Promise<void> {
    this.refuseAll()
    if (within > 0) await this.#port.finish(this, within, this.#hurry.signal)
    const attached = [...this.#attached.values()]
    // A machine that is there again takes some hundred handshakes a second.
    const spread = Math.min(MAX_SPREAD, Math.max(1_000, 2 * attached.length))
    for (const attachment of attached) this.#port.detach(attachment, spread)
    this.#attached.clear()
    this.#port.closed(this)
    await this.#listening?.close()
    this.#status = 'closed'
  }

  #accept(connection: Connection, from: ConnectionHello): void {
    const wire = new Wire(connection, this.#port.clock)
    const refusal = this.#turnedAway(from)
    if (refusal === undefined) this.#pending.add(new Caller(wire, from, this.#callers))
    wire.open()
    if (refusal === undefined) return
    wire.close(refusal.close, refusal.message)
    this.#refused(refusal, from)
  }

  /** Why nobody, or nobody from there, is listened to now. */
  #turnedAway(from: ConnectionHello): Refusal | undefined {
    if (this.#status !== 'open') {
      return { code: 'ACTOR_UNREACHABLE', message: 'closing', close: CloseCode.draining }
    }
    if (this.#pending.size < this.#limits.pendingHandshakes && !this.#crowded(from)) return undefined
    return {
      code: 'ACTOR_UNREACHABLE',
      message: 'no room for another handshake',
      close: CloseCode.tooMany,
      limit: 'pendingHandshakes'
    }
  }

  #callerPort(): CallerPort {
    const { clock, logger, entropy, identity } = this.#port
    return {
      clock,
      logger,
      entropy,
      identity,
      options: this.options,
      unfit: id => this.#unfit(id),
      admit: (label, from, token) => this.#admit(label, from, token),
      isAnother: (id, admission) => isAnother(this.#port.kept(id), admission),
      welcome: (caller, hello, secret, admission) => {
        this.#pending.delete(caller)
        this.#welcome(caller, hello, secret, admission)
      },
      refused: (caller, refusal, label) => {
        this.#pending.delete(caller)
        this.#refused(refusal, caller.from, label)
      },
      left: caller => void this.#pending.delete(caller)
    }
  }

  #unfit(id: string): Refusal | undefined {
    const refuse = (message: string): Refusal => ({ code: 'ACTOR_REFUSED', message, close: CloseCode.forbidden })
    if (id === this.#port.identity.id) return refuse('a system cannot be attached to itself')
    if (!this.#port.attachable(id)) {
      return refuse('its system has connected to this one already, and one link of the two is enough')
    }
    // Who has a place comes back to it: only then is what is held for it taken.
    if (this.#attached.has(id) || !this.#port.full(this.options.trust === 'guest')) return undefined
    return {
      code: 'ACTOR_NO_ROOM',
      message: 'no memory for another system',
      close: CloseCode.tooMany,
      limit: 'memoryBudget'
    }
  }

  /** One address alone may not keep the others out. This machine's own is spared: a proxy here speaks for many. */
  #crowded({ address }: ConnectionHello): boolean {
    if (address === undefined || LOOPBACK.test(address)) return false
    let count = 0
    for (const { from } of this.#pending) if (from.address === address) count += 1
    return count >= PENDING_PER_ADDRESS
  }

  #refused({ code, close, limit }: Omit<Refusal, 'message'>, from: ConnectionHello, label?: string): void {
    this.#port.logger.info('a connection was refused', { code, address: from.address })
    const shown = label === undefined ? {} : { label: cleanLabel(label) }
    this.#audit.tell({ type: 'refused', code, close, ...shown, ...where(from) })
    if (limit !== undefined) this.#audit.notice(this, undefined, { type: 'limited', limit })
  }

  #admit(label: string, from: ConnectionHello, token: string | undefined): Promise<Admission> {
    const shown = { label: cleanLabel(label), ...from, ...(token === undefined ? {} : { token }) }
    return admit(this.options, shown, this.#port.clock)
  }

  #welcome({ wire, from }: Caller, hello: Hello, secret: string | undefined, admission: Admission): void {
    const guest = this.options.trust === 'guest'
    const facts: AttachmentFacts = {
      id: hello.id,
      label: cleanLabel(hello.label),
      trust: guest ? 'guest' : 'node',
      principal: admission.principal,
      place: hello.as === 'peer' ? 'beside' : 'below',
      downAfter: this.options.downAfter ?? DOWN_AFTER,
      takes: NODE_LIMITS.messageBytes,
      limits: this.#limits,
      subject: admission.subject,
      ...(secret === undefined ? {} : { secret })
    }
    const { identity, label, clock } = this.#port
    wire.send(
      writeHandshake({
        kind: 'welcome',
        version: PROTOCOL,
        id: identity.id,
        label,
        trust: guest ? 'guest' : 'node',
        downAfter: facts.downAfter,
        messageBytes: this.#limits.messageBytes,
        windowBytes: this.#limits.windowBytes,
        ...expiresIn(admission, clock)
      })
    )
    const again = this.#port.kept(facts.id) !== undefined
    const attachment = this.#port.attach(this, facts, wire)
    this.#attached.set(facts.id, attachment)
    this.#audit.tell({ type: 'attached', ...who(facts), again, ...where(from) })
    // Who asks for no credentials keeps nothing of them.
    wire.credential =
      this.options.authenticate === undefined ? ANYBODY : new Tenure(wire, attachment, from, admission, this.#tenures)
  }

  /** What becomes of credentials while their connections last. */
  #tenurePort(): TenurePort {
    return {
      clock: this.#port.clock,
      admit: ({ attachment, from }, token) => this.#admit(attachment.facts.label, from, token),
      renewed: ({ attachment, from }, admission) => {
        const { facts } = attachment
        if (isAnother(facts, admission)) {
          this.#refused({ code: 'ACTOR_FORBIDDEN', close: CloseCode.forbidden }, from, facts.label)
          return false
        }
        const { principal, subject } = admission
        this.#port.renewed(attachment, { ...facts, principal, subject })
        this.#audit.tell({ type: 'refreshed', ...who(attachment.facts) })
        return true
      },
      refused: ({ attachment, from }, error) => {
        this.#port.logger.info('authenticate refused', { error })
        this.#refused({ code: 'ACTOR_FORBIDDEN', close: CloseCode.unauthenticated }, from, attachment.facts.label)
      },
      expired: ({ attachment }) => this.#audit.tell({ type: 'expired', ...who(attachment.facts) }),
      flooded: ({ attachment }) => this.notice(attachment, attachment.facts, { type: 'limited', limit: 'refresh' }),
      broken: ({ attachment }) =>
        this.notice(attachment, attachment.facts, { type: 'broken', fault: 'a token that is none' })
    }
  }
}

/** Where everybody is let in, every token is good. */
const ANYBODY: CredentialPort = {
  frame: (_, wire) => wire.answer(writeHandshake({ kind: 'admitted' })),
  closed: () => {}
}

/** Where a connection comes from, as far as others may be told: headers hold secrets. */
function where({ address, origin }: ConnectionHello): { address?: string; origin?: string } {
  return { ...(address === undefined ? {} : { address }), ...(origin === undefined ? {} : { origin }) }
}

/** A label is shown to people and written to logs: short, and without what could end a line there. */
function cleanLabel(label: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return label.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '').slice(0, 64)
}
