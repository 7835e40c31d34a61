// Every system is the hub of those attached to it: it knows who is where, forwards frames by peer id without opening them,
// and offers the associations of its own system their paths. It may drop for a slow peer, never buffer without bound: the
// associations at the ends send again.

import type { Clock } from '../actor/clock.ts'
import { base64url } from '../actor/ids.ts'
import type { Logger } from '../actor/logger.ts'
import { Allowance } from '../peer/allowance.ts'
import type { Association } from '../peer/association.ts'
import { ByteBuffer, ByteReader } from '../peer/byte-buffer.ts'
import { Decoder, Encoder, GUEST_LIMITS, type GuardLimits } from '../peer/codec.ts'
import { FrameKind, hop, isRelay, routeFrom, routeTo } from '../peer/frame.ts'
import { Heartbeat } from '../peer/heartbeat.ts'
import { idBytes, proves } from '../peer/identity.ts'
import type { Memory } from '../peer/memory.ts'
import { Quota } from '../peer/quota.ts'
import { CloseCode, type Wire } from '../peer/wire.ts'
import { Attachment, type AttachmentFacts, type PeerFacts } from './attachment.ts'

/** Systems announced from below in all; each attachment has its own limit besides. */
const MAX_ANNOUNCED = 100_000
/** Strangers that one attachment has been told about, and systems that one guest may send to; then it begins anew, or stops. */
const MAX_TOLD = 16_384
const MAX_RELAYS = 10_000
/** Strangers whose facts the hub above has told us; the oldest are forgotten first, and told again before a frame. */
const MAX_FACTS = 100_000

/** How a connection ended. */
export interface Ending {
  readonly code: number
  readonly reason: string
  /** Of a goodbye: milliseconds over which those who hear it shall spread their return. */
  readonly spread?: number
}

/** The longest spread that is kept to, in milliseconds. */
export const MAX_SPREAD = 30_000

/** What the hub asks of the system it belongs to. */
export interface HubPort {
  readonly id: string
  readonly clock: Clock
  readonly logger: Logger
  readonly memory: Memory
  /** A frame for this system, from a source that the hub vouches for. */
  arrived(from: PeerFacts, by: Attachment, frame: Uint8Array): void
  /** The association with a peer, if there is one already. */
  association(id: string): Association | undefined
  associations(): Iterable<readonly [id: string, association: Association]>
  /** An attachment has come up, gone down (and how its connection ended), or ended for good. */
  changed(attachment: Attachment, what: 'up' | 'suspended' | 'gone', why?: Ending): void
  /** Who a peer is has been learnt, or has changed. */
  refresh(id: string): void
  /** Whether the frames of a guest may go on to another system. */
  relays(by: Attachment, to: string): boolean | Promise<boolean>
  /** The hub above says that there is a new authority for names. */
  renewed(): void
}

export class Hub {
  readonly #port: HubPort
  readonly #attachments = new Map<string, Attachment>()
  readonly #announced = new Map<string, { by: Attachment; facts: PeerFacts; secret: string | undefined }>()
  /** Those whose connection is interrupted, the longest first. */
  readonly #suspended = new Set<Attachment>()
  readonly #strangers = new Map<string, PeerFacts>()
  readonly #heartbeat: Heartbeat
  #above: Attachment | undefined

  constructor(port: HubPort) {
    this.#port = port
    this.#heartbeat = new Heartbeat(port.clock)
  }

  /** The hub above, the default way to everybody not attached here. */
  get above(): Attachment | undefined {
    return this.#above
  }

  /** All that it knows of. */
  get size(): number {
    return this.#attachments.size + this.#announced.size + this.#strangers.size + this.#suspended.size
  }

  attachment(id: string): Attachment | undefined {
    return this.#attachments.get(id)
  }

  attachments(): Iterable<Attachment> {
    return this.#attachments.values()
  }

  /** What is known of a peer; what nobody vouches for is a guest without a principal. */
  factsOf(id: string): PeerFacts {
    return (
      this.#attachments.get(id)?.facts ??
      this.#announced.get(id)?.facts ??
      this.#strangers.get(id) ?? { id, label: id.slice(0, 6), trust: 'guest', principal: undefined }
    )
  }

  /** The attachment that frames to a peer leave by. */
  wayTo(id: string): Attachment | undefined {
    return this.#attachments.get(id) ?? this.#announced.get(id)?.by ?? this.#above
  }

  /** Whether there is any way at all to a peer, be it interrupted right now. */
  knows(id: string): boolean {
    return this.wayTo(id) !== undefined
  }

  /** Gives a new association the paths that there are. */
  offerPaths(id: string, association: Association): void {
    const direct = this.#attachments.get(id)
    const announced = this.#announced.get(id)?.by
    if (this.#above?.wire !== undefined && direct !== this.#above) association.pathUp(this.#above.relay)
    if (announced?.wire !== undefined) association.pathUp(announced.relay)
    if (direct?.wire !== undefined) association.pathUp(direct.direct)
  }

  /** A handshake has succeeded. An attachment of the same system takes the new wire, and an older wire is closed. */
  attach(facts: AttachmentFacts, wire: Wire): Attachment {
    const known = this.#attachments.get(facts.id)
    const attachment = known ?? new Attachment(facts)
    if (known === undefined) this.#attachments.set(facts.id, attachment)
    else if (known.wire !== undefined) {
      const older = known.wire
      this.#down(known)
      older.closed = () => {}
      older.close(CloseCode.superseded, 'a newer connection of the same system took over')
    }
    attachment.cancelGone?.()
    attachment.cancelGone = undefined
    this.#suspended.delete(attachment)
    attachment.wire = wire
    attachment.told = undefined
    if (known !== undefined) this.#renew(known, facts)
    if (facts.trust === 'guest') attachment.allowance ??= this.#allow(facts.limits.messagesPerSecond)
    else attachment.allowance = undefined
    if (facts.place === 'above') this.#above = attachment
    wire.receive = frame => this.#guarded(attachment, frame)
    wire.drained = () => this.#drained(attachment)
    wire.closed = why => this.#lost(attachment, wire, why)
    wire.keepTime(this.#heartbeat, facts.place !== 'below', facts.trust === 'guest')
    if (facts.place === 'above') this.#announceAll(attachment)
    else if (facts.place === 'below') this.#announce(facts, true, facts.secret)
    this.#up(attachment)
    this.#port.changed(attachment, 'up')
    return attachment
  }

  #allow(messagesPerSecond: number): Allowance {
    const { memory, clock } = this.#port
    return new Allowance(memory.account(true), new Quota(messagesPerSecond, clock.now()))
  }

  /** Ends an attachment on purpose; the other side hears it first, and over how long its return is to be spread. */
  detach(attachment: Attachment, code: number, reason: string, spread = 0): void {
    const wire = attachment.wire
    if (wire !== undefined) {
      this.#down(attachment)
      wire.closed = () => {}
      wire.send(writeGoodbye(spread))
      wire.close(code, reason)
    }
    this.#gone(attachment)
  }

  // wires ---------------------------------------------------------------------------------------------------------------

  #lost(attachment: Attachment, wire: Wire, why: Ending): void {
    if (attachment.wire !== wire) return
    this.#down(attachment)
    // An identity stays attached for a while: a network that blinks is no reason to tell anybody that it is gone.
    attachment.cancelGone = this.#port.clock.timer(attachment.facts.downAfter, () => this.#gone(attachment))
    if (attachment.facts.place !== 'above') this.#keep(attachment)
    this.#port.changed(attachment, 'suspended', why)
  }

  /** Keeps the place of an interrupted system, which may cost somebody else's that has been away for longer. */
  #keep(attachment: Attachment): void {
    this.#suspended.add(attachment)
    if (this.#suspended.size <= attachment.facts.limits.suspended) return
    for (const longest of this.#suspended) {
      this.#gone(longest)
      break
    }
  }

  /** The same system has come in again: what is said of it now holds, and what was decided for it is asked again. */
  #renew(attachment: Attachment, facts: AttachmentFacts): void {
    const before = attachment.facts
    attachment.facts = facts
    attachment.relays = undefined
    if (before.trust === facts.trust && before.principal === facts.principal && before.label === facts.label) return
    for (const each of this.#attachments.values()) each.told?.delete(facts.id)
  }

  #gone(attachment: Attachment, why?: Ending): void {
    attachment.cancelGone?.()
    attachment.cancelGone = undefined
    this.#suspended.delete(attachment)
    if (this.#attachments.get(attachment.id) !== attachment) return
    this.#attachments.delete(attachment.id)
    if (this.#above === attachment) this.#above = undefined
    for (const [id, { by, facts }] of this.#announced) {
      if (by !== attachment) continue
      this.#announced.delete(id)
      this.#announce(facts, false)
    }
    if (attachment.facts.place === 'below') this.#announce(attachment.facts, false)
    this.#port.changed(attachment, 'gone', why)
  }

  #up(attachment: Attachment): void {
    this.#port.association(attachment.id)?.pathUp(attachment.direct)
    for (const association of this.#behind(attachment)) association.pathUp(attachment.relay)
  }

  #down(attachment: Attachment): void {
    attachment.wire = undefined
    this.#port.association(attachment.id)?.pathDown(attachment.direct)
    for (const association of this.#behind(attachment)) association.pathDown(attachment.relay)
  }

  #drained(attachment: Attachment): void {
    this.#port.association(attachment.id)?.pathDrained(attachment.direct)
    for (const association of this.#behind(attachment)) association.pathDrained(attachment.relay)
  }

  /** The associations whose frames may go through an attachment. */
  *#behind(attachment: Attachment): Iterable<Association> {
    if (attachment === this.#above) {
      for (const [id, association] of this.#port.associations()) if (id !== attachment.id) yield association
      return
    }
    for (const [id, { by }] of this.#announced) {
      const association = by === attachment ? this.#port.association(id) : undefined
      if (association !== undefined) yield association
    }
  }

  // frames --------------------------------------------------------------------------------------------------------------

  /** Nothing that a peer sends gets further than its own connection, not even by a fault of ours. */
  #guarded(attachment: Attachment, frame: Uint8Array): void {
    try {
      this.#frame(attachment, frame)
    } catch (error) {
      this.#port.logger.error('a frame could not be read; its connection ends', {
        label: attachment.facts.label,
        error
      })
      attachment.wire?.close(CloseCode.protocol, 'a frame could not be read')
    }
  }

  #frame(attachment: Attachment, frame: Uint8Array): void {
    switch (frame[0]) {
      case FrameKind.relay:
        this.#relay(attachment, frame)
        return
      case FrameKind.peer:
        // Only the hub above vouches for strangers. What anybody else says of others is not believed.
        if (attachment === this.#above) this.#learn(frame)
        else this.#hearAnnouncement(attachment, frame)
        return
      case FrameKind.undeliverable:
        this.#undeliverable(attachment, frame)
        return
      case FrameKind.renewed:
        if (attachment === this.#above) this.#port.renewed()
        return
      case FrameKind.goodbye: {
        const wire = attachment.wire
        this.#down(attachment)
        this.#gone(attachment, readGoodbye(frame))
        if (wire !== undefined) {
          wire.closed = () => {}
          wire.close(CloseCode.normal, 'goodbye')
        }
        return
      }
      case FrameKind.hello:
      case FrameKind.challenge:
      case FrameKind.proof:
      case FrameKind.welcome:
      case FrameKind.refused:
        attachment.wire?.close(CloseCode.protocol, 'a greeting out of turn')
        return
      default:
        // Kinds that a later version adds are not for us.
        return
    }
  }

  #relay(attachment: Attachment, frame: Uint8Array): void {
    if (!isRelay(frame)) return
    const source = routeFrom(frame)
    const own = attachment.is(source)
    const from = own ? attachment.id : base64url(source)
    // A source is accepted only from where it is attached or announced: nobody sends in another's name.
    if (!own && attachment !== this.#above && this.#announced.get(from)?.by !== attachment) return
    if (from === this.#port.id) return
    const to = base64url(routeTo(frame))
    if (to === this.#port.id) {
      this.#port.arrived(this.factsOf(from), attachment, frame)
      return
    }
    if (!hop(frame)) return
    const target = this.#wayTo(to, attachment)
    const allowed = target === undefined ? false : this.#mayRelay(attachment, from, target, to)
    if (target === undefined || allowed === false) {
      // Unknown and forbidden look alike.
      const answer = new Uint8Array(33)
      answer[0] = FrameKind.undeliverable
      answer.set(routeTo(frame), 1)
      answer.set(source, 17)
      if (attachment.roomy) attachment.send(answer)
      return
    }
    // Dropped while nobody has decided yet, or the target is slow: the sender's association sends it again.
    if (allowed === undefined || !target.roomy) return
    if (target !== this.#above && target.told?.has(from) !== true) {
      if (target.told === undefined || target.told.size >= MAX_TOLD) target.told = new Set()
      target.told.add(from)
      target.send(writeFacts(this.factsOf(from), true))
    }
    target.send(frame)
  }

  /** `undefined`: not decided yet. Who may send to somebody may also be answered. */
  #mayRelay(by: Attachment, from: string, target: Attachment, to: string): boolean | undefined {
    if (by.facts.trust !== 'guest' || target.relays?.get(from) === true) return true
    by.relays ??= new Map()
    const { relays } = by
    const known = relays.get(to)
    if (known !== undefined) return known === 'asked' ? undefined : known
    if (relays.size >= MAX_RELAYS) return false
    const answer = this.#port.relays(by, to)
    relays.set(to, typeof answer === 'boolean' ? answer : 'asked')
    if (typeof answer === 'boolean') return answer
    void answer.then(yes => relays.set(to, yes))
    return undefined
  }

  #undeliverable(by: Attachment, frame: Uint8Array): void {
    if (frame.length !== 33) return
    const lost = base64url(frame.subarray(1, 17))
    const asker = base64url(frame.subarray(17))
    if (asker === this.#port.id) {
      this.#port.association(lost)?.pathRefused(by.relay)
      return
    }
    // Believed only from where such frames were handed on to.
    const back = this.#attachments.get(asker) ?? this.#announced.get(asker)?.by
    if (back !== undefined && back !== by && back.roomy && this.wayTo(lost) === by) back.send(frame)
  }

  #wayTo(id: string, from: Attachment): Attachment | undefined {
    const target = this.#attachments.get(id) ?? this.#announced.get(id)?.by
    if (target !== undefined && target !== from) return target
    return this.#above === from ? undefined : this.#above
  }

  // who is where --------------------------------------------------------------------------------------------------------

  #learn(frame: Uint8Array): void {
    const told = readFacts(frame)
    if (told === undefined || told.facts.id === this.#port.id) return
    this.#strangers.delete(told.facts.id)
    this.#strangers.set(told.facts.id, told.facts)
    this.#port.refresh(told.facts.id)
    if (this.#strangers.size > MAX_FACTS) {
      for (const id of this.#strangers.keys()) {
        this.#strangers.delete(id)
        break
      }
    }
  }

  #hearAnnouncement(attachment: Attachment, frame: Uint8Array): void {
    const told = readFacts(frame, attachment.facts.trust === 'guest' ? GUEST_LIMITS : undefined)
    if (told === undefined) return
    const { id, label } = told.facts
    if (!told.there) {
      const entry = this.#announced.get(id)
      if (entry?.by !== attachment) return
      this.#announced.delete(id)
      attachment.below -= 1
      this.#announce(entry.facts, false)
      this.#port.association(id)?.pathDown(attachment.relay)
      return
    }
    if (id === this.#port.id || this.#attachments.has(id)) return
    const elsewhere = this.#announced.get(id)
    if (elsewhere !== undefined && elsewhere.by !== attachment && elsewhere.by.wire !== undefined) return
    const known = elsewhere?.by === attachment
    const guest = attachment.facts.trust === 'guest'
    // Whoever could announce any id would be sent that system's mail.
    if (guest && !proves(told.secret, id)) return
    const { subSystems } = attachment.facts.limits
    if (!known && (this.#announced.size >= MAX_ANNOUNCED || attachment.below >= subSystems)) {
      this.#port.logger.warn('a system announced more systems below it than it may', { label: attachment.facts.label })
      return
    }
    // A guest speaks for nobody but itself: what is below it is a guest with its principal.
    const facts = guest ? { id, label, trust: 'guest' as const, principal: attachment.facts.principal } : told.facts
    if (!known) {
      attachment.below += 1
      if (elsewhere !== undefined) elsewhere.by.below -= 1
    }
    this.#announced.set(id, { by: attachment, facts, secret: told.secret })
    this.#announce(facts, true, told.secret)
    this.#port.refresh(id)
    if (!known) this.#port.association(id)?.pathUp(attachment.relay)
  }

  /** Tells the hub above who is, or is no longer, below this one. */
  #announce(facts: PeerFacts, there: boolean, secret?: string): void {
    this.#above?.send(writeFacts(facts, there, secret))
  }

  /** Tells those below that there is an authority that may know nothing of them. */
  tellRenewed(): void {
    for (const each of this.#attachments.values()) {
      if (each.facts.place === 'below') each.send(Uint8Array.of(FrameKind.renewed))
    }
  }

  /** Whether a system is `peer`, or came in by the same attachment; of a peer that is attached or announced here. */
  comesBy(id: string, peer: string): boolean {
    const way = this.#attachments.get(peer) ?? this.#announced.get(peer)?.by
    return id === peer || (way !== undefined && way === this.wayTo(id))
  }

  /** The systems that are reached through an attachment, itself first. */
  *through(attachment: Attachment): Iterable<string> {
    yield attachment.id
    for (const [id, { by }] of this.#announced) if (by === attachment) yield id
  }

  #announceAll(above: Attachment): void {
    for (const attachment of this.#attachments.values()) {
      const { facts } = attachment
      if (facts.place === 'below') above.send(writeFacts(facts, true, facts.secret))
    }
    for (const { facts, secret } of this.#announced.values()) above.send(writeFacts(facts, true, secret))
  }
}

function writeGoodbye(spread: number): Uint8Array {
  if (spread === 0) return Uint8Array.of(FrameKind.goodbye)
  const frame = new Uint8Array(5)
  frame[0] = FrameKind.goodbye
  new DataView(frame.buffer).setUint32(1, spread)
  return frame
}

/** With a time in it, it comes from a gateway that closes. Nobody stays away for longer than is sane because of it. */
function readGoodbye(frame: Uint8Array): Ending {
  if (frame.length < 5) return { code: CloseCode.normal, reason: 'it said goodbye' }
  const spread = Math.min(new DataView(frame.buffer, frame.byteOffset).getUint32(1), MAX_SPREAD)
  return { code: CloseCode.draining, reason: 'the gateway is closing', spread }
}

// Facts cross with the codec, since a principal may be any value; there are no refs in them.
const NO_REFS = {
  isRef: (_value: unknown): _value is never => false,
  addressOf: () => '',
  refOf: () => {
    throw new RangeError('facts hold no refs')
  }
}

function writeFacts(facts: PeerFacts, there: boolean, secret?: string): Uint8Array {
  const buffer = new ByteBuffer(128)
  buffer.u8(FrameKind.peer)
  const { id, label, trust, principal } = facts
  try {
    new Encoder(NO_REFS).encodeAlone({ id, label, trust, principal, there, secret }, buffer)
  } catch {
    // A principal that cannot cross stays at the gateway that made it; the peer is no less what it is.
    buffer.at = 1
    new Encoder(NO_REFS).encodeAlone({ id, label, trust, principal: undefined, there, secret }, buffer)
  }
  return buffer.bytes.slice(0, buffer.at)
}

interface Told {
  readonly facts: PeerFacts
  readonly there: boolean
  readonly secret: string | undefined
}

/** What a guest announces passes the guard, as all bytes of guests do. */
function readFacts(frame: Uint8Array, guard?: GuardLimits): Told | undefined {
  if (frame.length > 16_384) return undefined
  try {
    const value = new Decoder(NO_REFS, guard).decode(new ByteReader(frame, 1, frame.length)) as Record<string, unknown>
    const { id, label, trust, principal, there, secret } = value
    if (typeof id !== 'string' || idBytes(id) === undefined || typeof label !== 'string') return undefined
    if (trust !== 'node' && trust !== 'guest') return undefined
    const proof = typeof secret === 'string' ? secret : undefined
    return { facts: { id, label: label.slice(0, 64), trust, principal }, there: there === true, secret: proof }
  } catch {
    return undefined
  }
}
