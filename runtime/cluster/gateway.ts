// The guarded door: accepts connections of a listener, learns who is there (the listener's half of the handshake),
// authenticates, and hands the wire to the hub. Strict by default; whatever goes wrong here costs that connection only.

import type { Clock } from '../actor/clock.ts'
import { base64url } from '../actor/ids.ts'
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
import {
  HANDSHAKE_TIME,
  type HandshakeFrame,
  type Hello,
  PROTOCOL,
  readHandshake,
  writeHandshake
} from '../peer/handshake.ts'
import { type Identity, idBytes, proofOf, proves, sameText } from '../peer/identity.ts'
import type { Notice } from '../peer/notice.ts'
import type { Connection, ConnectionHello, Listener } from '../peer/transport.ts'
import { CloseCode, type CredentialPort, Wire } from '../peer/wire.ts'
import type { Attachment, AttachmentFacts } from './attachment.ts'
import { Audit, who } from './audit.ts'
import { type Cause, MAX_SPREAD } from './hub.ts'
import { DOWN_AFTER, GUEST_LIMITS, NODE_LIMITS } from './limits.ts'
import { checkListenOptions } from './listen-options.ts'
import type { PeerFacts } from './peer-facts.ts'
import { type Admission, admit, expiresIn, isAnother, Tenure, type TenurePort } from './tenure.ts'

/** Handshakes that one address may have unfinished. */
const PENDING_PER_ADDRESS = 10
const NOT_AUTHENTICATED = 'not authenticated'
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
  /** Those who have not finished their handshake, and where they come from. */
  readonly #pending = new Map<Wire, string | undefined>()
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
    for (const wire of [...this.#pending.keys()]) wire.close(CloseCode.draining, 'closing')
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
    const closing = this.#status !== 'open'
    if (closing || this.#pending.size >= this.#limits.pendingHandshakes || this.#crowded(from)) {
      wire.open()
      const code = closing ? CloseCode.draining : CloseCode.tooMany
      wire.close(code, closing ? 'closing' : 'no room for another handshake')
      this.#refused('ACTOR_UNREACHABLE', code, from)
      if (!closing) this.#audit.notice(this, undefined, { type: 'limited', limit: 'pendingHandshakes' })
      return
    }
    const refuse = (code: string, message: string, close: number): void => {
      if (!this.#pending.delete(wire)) return
      cancel()
      wire.closed = () => {}
      wire.send(writeHandshake({ kind: 'refused', code, message, version: PROTOCOL, close }))
      wire.close(close, code)
      this.#refused(code, close, from, hello?.label)
    }
    let authenticating = false
    let hello: Hello | undefined
    const cancel = this.#port.clock.timer(HANDSHAKE_TIME, () => {
      if (authenticating) refuse('ACTOR_FORBIDDEN', NOT_AUTHENTICATED, CloseCode.unauthenticated)
      else refuse('ACTOR_UNREACHABLE', 'the handshake took too long', CloseCode.timeout)
    })
    wire.closed = () => {
      cancel()
      this.#pending.delete(wire)
    }
    const forbid = (): void => refuse('ACTOR_FORBIDDEN', 'not allowed here', CloseCode.forbidden)
    const attachable = ({ id }: Hello): boolean => {
      const fits = id !== this.#port.identity.id && this.#port.attachable(id)
      const why =
        id === this.#port.identity.id
          ? 'a system cannot be attached to itself'
          : 'its system has connected to this one already, and one link of the two is enough'
      if (!fits) refuse('ACTOR_REFUSED', why, CloseCode.forbidden)
      // Who has a place comes back to it: only then is what is held for it taken.
      else if (!this.#attached.has(id) && this.#port.full(this.options.trust === 'guest')) {
        refuse('ACTOR_NO_ROOM', 'no memory for another system', CloseCode.tooMany)
        this.#audit.notice(this, undefined, { type: 'limited', limit: 'memoryBudget' })
        return false
      }
      return fits
    }
    /** It is who it says. Only then does it hear anything that is of its id. */
    const proved = (hello: Hello, { secret, token }: Pick<Hello, 'secret' | 'token'>): void => {
      if (!attachable(hello)) return
      authenticating = true
      const welcome = (admission: Admission): void => {
        // While it was authenticated it may have become the hub above.
        if (!this.#pending.has(wire) || !attachable(hello)) return
        if (isAnother(this.#port.kept(hello.id), admission)) {
          forbid()
          return
        }
        this.#pending.delete(wire)
        cancel()
        this.#welcome(wire, from, hello, secret, admission)
      }
      if (this.options.authenticate === undefined)
        welcome({ principal: undefined, subject: undefined, ends: undefined })
      else {
        this.#admit(hello.label, from, token)
          .then(welcome)
          .catch((error: unknown) => {
            // What the hook says goes to the log: a stranger learns only that the answer is no.
            this.#port.logger.info('authenticate refused', { error })
            refuse('ACTOR_FORBIDDEN', NOT_AUTHENTICATED, CloseCode.unauthenticated)
          })
      }
    }
    this.#pending.set(wire, from.address)
    let nonce = ''
    wire.receive = bytes => {
      let frame: HandshakeFrame
      try {
        frame = readHandshake(bytes)
      } catch {
        refuse('ACTOR_REFUSED', 'the first frame is no greeting of this protocol', CloseCode.protocol)
        return
      }
      if (frame.kind === 'hello' && hello === undefined) {
        hello = frame
        if (frame.version !== PROTOCOL) {
          refuse('ACTOR_VERSION', `this listener speaks version ${PROTOCOL}`, CloseCode.version)
        } else if (idBytes(frame.id) === undefined) {
          refuse('ACTOR_REFUSED', 'that id cannot be attached here', CloseCode.forbidden)
        } else if (this.options.trust === 'guest') {
          if (proves(frame.secret, frame.id) && this.#originAllowed(from)) proved(frame, frame)
          else forbid()
        } else if (frame.nonce === undefined) forbid()
        else {
          nonce = base64url(this.#port.entropy(16))
          const { id } = this.#port.identity
          const proof = proofOf(this.options.trust.node.secret, 'listener', [frame.nonce, nonce], [frame.id, id])
          wire.send(writeHandshake({ kind: 'challenge', id, nonce, proof }))
        }
      } else if (frame.kind === 'proof' && hello !== undefined && nonce !== '' && this.options.trust !== 'guest') {
        const asker = hello
        const ids = [asker.id, this.#port.identity.id]
        const proof = proofOf(this.options.trust.node.secret, 'dialer', [asker.nonce ?? '', nonce], ids)
        nonce = ''
        if (sameText(frame.proof, proof) && proves(frame.secret, asker.id)) proved(asker, frame)
        else forbid()
      } else refuse('ACTOR_REFUSED', 'that frame is out of turn', CloseCode.protocol)
    }
    wire.open()
  }

  /** One address alone may not keep the others out. This machine's own is spared: a proxy here speaks for many. */
  #crowded({ address }: ConnectionHello): boolean {
    if (address === undefined || LOOPBACK.test(address)) return false
    let count = 0
    for (const each of this.#pending.values()) if (each === address) count += 1
    return count >= PENDING_PER_ADDRESS
  }

  #refused(code: string, close: number, from: ConnectionHello, label?: string): void {
    this.#port.logger.info('a connection was refused', { code, address: from.address })
    const shown = label === undefined ? {} : { label: cleanLabel(label) }
    this.#audit.tell({ type: 'refused', code, close, ...shown, ...where(from) })
  }

  #admit(label: string, from: ConnectionHello, token: string | undefined): Promise<Admission> {
    const shown = { label: cleanLabel(label), ...from, ...(token === undefined ? {} : { token }) }
    return admit(this.options, shown, this.#port.clock)
  }

  #originAllowed(from: ConnectionHello): boolean {
    const { origin } = from
    // No origin: not a browser, which always tells one. Such a caller could claim any.
    if (origin === undefined) return true
    const { origins } = this.options
    if (origins !== undefined) return origins.includes(origin)
    return origin.replace(/^[a-z]+:\/\//, '') === from.headers?.host
  }

  #welcome(wire: Wire, from: ConnectionHello, hello: Hello, secret: string | undefined, admission: Admission): void {
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
          this.#refused('ACTOR_FORBIDDEN', CloseCode.forbidden, from, facts.label)
          return false
        }
        const { principal, subject } = admission
        this.#port.renewed(attachment, { ...facts, principal, subject })
        this.#audit.tell({ type: 'refreshed', ...who(attachment.facts) })
        return true
      },
      refused: ({ attachment, from }, error) => {
        this.#port.logger.info('authenticate refused', { error })
        this.#refused('ACTOR_FORBIDDEN', CloseCode.unauthenticated, from, attachment.facts.label)
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
