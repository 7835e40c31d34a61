// Every system is the hub of those attached to it: it knows who is where, has their frames forwarded (forwarding.ts), and offers
// the associations of its own system their paths.

import type { Clock } from '../actor/clock.ts'
import type { Logger } from '../actor/logger.ts'
import { Allowance } from '../peer/allowance.ts'
import type { Association } from '../peer/association.ts'
import { FrameKind } from '../peer/frame.ts'
import { Heartbeat } from '../peer/heartbeat.ts'
import type { Memory } from '../peer/memory.ts'
import { Quota } from '../peer/quota.ts'
import { CloseCode, type Wire } from '../peer/wire.ts'
import { Announcements } from './announcements.ts'
import { Attachment, type AttachmentFacts } from './attachment.ts'
import { Pool } from './backlog.ts'
import { Directory } from './directory.ts'
import { Forwarding, type ForwardingPort } from './forwarding.ts'
import type { PeerFacts } from './peer-facts.ts'

/** How a connection ended. */
export interface Ending {
  readonly code: number
  readonly reason: string
  /** Of a goodbye: milliseconds over which those who hear it shall spread their return. */
  readonly spread?: number
}

/** Why a place is given up: it said goodbye, stayed away, was sent off, or others needed the room. */
export type Cause = 'goodbye' | 'away' | 'closed' | 'room'

/** The longest spread that is kept to, in milliseconds. */
export const MAX_SPREAD = 30_000

/** What the hub asks of the system it belongs to. */
export interface HubPort extends Omit<ForwardingPort, 'refused'> {
  readonly clock: Clock
  readonly logger: Logger
  readonly memory: Memory
  /** The association with a peer, if there is one already. */
  association(id: string): Association | undefined
  associations(): Iterable<readonly [id: string, association: Association]>
  /** An attachment has come up, gone down (and how its connection ended), or ended for good, and by which cause. */
  changed(attachment: Attachment, what: 'up' | 'suspended' | 'gone', why?: Ending, cause?: Cause): void
  /** Who a peer is has been learnt, or has changed. */
  refresh(id: string): void
  /** The hub above says that there is a new authority for names. */
  renewed(): void
}

export class Hub {
  readonly #port: HubPort
  readonly #directory = new Directory()
  readonly #announcements: Announcements
  readonly #forwarding: Forwarding
  /** Those whose connection is interrupted, the longest first. */
  readonly #suspended = new Set<Attachment>()
  readonly #heartbeat: Heartbeat
  readonly #pool: Pool
  readonly #onFrame: (this: Wire, frame: Uint8Array) => void
  readonly #onDrain: (this: Wire) => void
  readonly #onClose: (this: Wire, why: { code: number; reason: string }) => void

  constructor(port: HubPort) {
    this.#port = port
    this.#heartbeat = new Heartbeat(port.clock)
    this.#announcements = new Announcements(port, this.#directory)
    const { id } = port
    this.#forwarding = new Forwarding(
      {
        id,
        arrived: (from, by, frame) => port.arrived(from, by, frame),
        refused: (lost, by) => port.association(lost)?.pathRefused(by.relay),
        relays: by => port.relays(by),
        noticed: (by, peer, notice) => port.noticed(by, peer, notice)
      },
      this.#directory
    )
    this.#pool = new Pool(port.memory)
    // Not closures of each attachment: there are thousands.
    const hub = this
    this.#onFrame = function (frame) {
      hub.#guarded(this.owner as Attachment, frame)
    }
    this.#onDrain = function () {
      hub.#drained(this.owner as Attachment)
    }
    this.#onClose = function (why) {
      hub.#lost(this.owner as Attachment, this, why)
    }
  }

  get above(): Attachment | undefined {
    return this.#directory.above
  }

  /** All that it knows of. */
  get size(): number {
    let size = this.#directory.size + this.#suspended.size
    for (const { told, relays } of this.#directory.attachments.values()) size += (told?.size ?? 0) + (relays?.size ?? 0)
    return size
  }

  attachment(id: string): Attachment | undefined {
    return this.#directory.attachments.get(id)
  }

  factsOf(id: string): PeerFacts {
    return this.#directory.factsOf(id)
  }

  wayTo(id: string): Attachment | undefined {
    return this.#directory.wayTo(id)
  }

  comesBy(id: string, peer: string): boolean {
    return this.#directory.comesBy(id, peer)
  }

  isBelow(id: string): boolean {
    return this.#directory.isBelow(id)
  }

  /** Whether there is any way at all to a peer, be it interrupted right now. */
  knows(id: string): boolean {
    return this.wayTo(id) !== undefined
  }

  /** The systems that are reached through an attachment, itself first. */
  through(attachment: Attachment): string[] {
    return [attachment.id, ...(attachment.announced ?? [])]
  }

  /** Gives a new association the paths that there are. */
  offerPaths(id: string, association: Association): void {
    const { attachments, announced, above } = this.#directory
    const own = attachments.get(id)
    const by = announced.get(id)?.by
    if (above?.wire !== undefined && own !== above) association.pathUp(above.relay)
    if (by?.wire !== undefined) association.pathUp(by.relay)
    if (own?.wire !== undefined) association.pathUp(own.direct)
  }

  /** A handshake has succeeded. An attachment of the same system takes the new wire, and an older wire is closed. */
  attach(facts: AttachmentFacts, wire: Wire): Attachment {
    const { attachments } = this.#directory
    const known = attachments.get(facts.id)
    const attachment = known ?? new Attachment(facts, this.#pool)
    if (known === undefined) attachments.set(facts.id, attachment)
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
    this.#announcements.renewed(attachment)
    if (known !== undefined) this.#renew(known, facts)
    if (facts.trust === 'guest') attachment.allowance ??= this.#allow(facts.limits.messagesPerSecond)
    else attachment.allowance = undefined
    if (facts.place === 'above') this.#directory.above = attachment
    wire.owner = attachment
    wire.receive = this.#onFrame
    wire.drained = this.#onDrain
    wire.closed = this.#onClose
    wire.keepTime(this.#heartbeat, facts.place !== 'below', facts.trust === 'guest')
    if (facts.place === 'above') this.#announcements.tellAll(attachment)
    else if (facts.place === 'below') this.#announcements.tellAbove(facts)
    this.#up(attachment)
    this.#port.changed(attachment, 'up')
    return attachment
  }

  #allow(messagesPerSecond: number): Allowance {
    const { memory, clock } = this.#port
    return new Allowance(memory.account(true), new Quota(messagesPerSecond, clock.now()))
  }

  /** What is said of an attached system is another now, though its connection is the same. */
  renew(attachment: Attachment, facts: AttachmentFacts): void {
    this.#renew(attachment, facts)
    if (facts.place === 'below') this.#announcements.tellAbove(facts)
    this.#port.refresh(facts.id)
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
    this.#gone(attachment, 'closed')
  }

  // wires ---------------------------------------------------------------------------------------------------------------

  #lost(attachment: Attachment, wire: Wire, why: Ending): void {
    if (attachment.wire !== wire) return
    this.#down(attachment)
    // An identity stays attached for a while: a network that blinks is no reason to tell anybody that it is gone.
    attachment.cancelGone = this.#port.clock.timer(attachment.facts.downAfter, () => this.#gone(attachment, 'away'))
    if (attachment.facts.place !== 'above') this.#keep(attachment)
    this.#port.changed(attachment, 'suspended', why)
  }

  /** Keeps the place of an interrupted system, which may cost somebody else's that has been away for longer. */
  #keep(attachment: Attachment): void {
    this.#suspended.add(attachment)
    if (this.#suspended.size <= attachment.facts.limits.suspended) return
    for (const longest of this.#suspended) {
      this.#gone(longest, 'room')
      break
    }
  }

  /** The same system has come in again: what is said of it now holds, and what was decided for it is asked again. */
  #renew(attachment: Attachment, facts: AttachmentFacts): void {
    const before = attachment.facts
    attachment.facts = facts
    attachment.relays = undefined
    if (before.place === 'below' && facts.place !== 'below') this.#announcements.tellAbove(facts)
    if (before.trust === facts.trust && before.principal === facts.principal && before.label === facts.label) return
    this.#announcements.untell([facts.id])
    // What is below a guest has its principal.
    if (facts.trust === 'guest') this.#announcements.vouch(attachment)
  }

  #gone(attachment: Attachment, cause: Cause, why?: Ending): void {
    attachment.cancelGone?.()
    attachment.cancelGone = undefined
    this.#suspended.delete(attachment)
    const { attachments } = this.#directory
    if (attachments.get(attachment.id) !== attachment) return
    const through = this.through(attachment)
    attachments.delete(attachment.id)
    if (this.above === attachment) this.#directory.above = undefined
    for (const id of through) {
      const announced = this.#directory.announced.get(id)
      if (announced?.by === attachment) this.#announcements.takeBack(announced)
    }
    if (attachment.facts.place === 'below') this.#announcements.tellAbove(attachment.facts)
    this.#announcements.forget(through)
    this.#port.changed(attachment, 'gone', why, cause)
  }

  #up(attachment: Attachment): void {
    this.#port.association(attachment.id)?.pathUp(attachment.direct)
    for (const association of this.#behind(attachment)) association.pathUp(attachment.relay)
  }

  #down(attachment: Attachment): void {
    attachment.wire = undefined
    attachment.forgetBacklog()
    this.#port.association(attachment.id)?.pathDown(attachment.direct)
    for (const association of this.#behind(attachment)) association.pathDown(attachment.relay)
  }

  #drained(attachment: Attachment): void {
    attachment.forgetBacklog()
    this.#port.association(attachment.id)?.pathDrained(attachment.direct)
    for (const association of this.#behind(attachment)) association.pathDrained(attachment.relay)
  }

  /** The associations whose frames may go through an attachment. */
  *#behind(attachment: Attachment): Iterable<Association> {
    if (attachment === this.above) {
      for (const [id, association] of this.#port.associations()) if (id !== attachment.id) yield association
      return
    }
    for (const id of attachment.announced ?? []) {
      const association = this.#port.association(id)
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
      this.#broken(attachment, 'a frame that cannot be read')
    }
  }

  #frame(attachment: Attachment, frame: Uint8Array): void {
    switch (frame[0]) {
      case FrameKind.relay:
        this.#forwarding.relay(attachment, frame)
        return
      case FrameKind.peer:
        // Only the hub above vouches for strangers. What anybody else says of others is not believed.
        if (attachment === this.above) this.#announcements.learn(frame)
        else this.#announcements.hear(attachment, frame)
        return
      case FrameKind.announced:
        this.#announcements.complete(attachment)
        return
      case FrameKind.undeliverable:
        this.#forwarding.undeliverable(attachment, frame)
        return
      case FrameKind.renewed:
        if (attachment === this.above && !this.isBelow(attachment.id)) this.#port.renewed()
        return
      case FrameKind.goodbye: {
        const wire = attachment.wire
        const why = readGoodbye(frame)
        this.#down(attachment)
        this.#gone(attachment, 'goodbye', why)
        if (wire !== undefined) {
          wire.closed = () => {}
          wire.close(CloseCode.normal, 'goodbye')
        }
        // Where only a gateway closes, its system is there still.
        if (why.spread === undefined) this.#port.association(attachment.id)?.parted()
        return
      }
      case FrameKind.hello:
      case FrameKind.challenge:
      case FrameKind.proof:
      case FrameKind.welcome:
      case FrameKind.refused:
        this.#broken(attachment, 'a greeting out of turn')
        return
      default:
        // Kinds that a later version adds are not for us.
        return
    }
  }

  #broken(attachment: Attachment, fault: string): void {
    this.#port.noticed(attachment, attachment.facts, { type: 'broken', fault })
    attachment.wire?.close(CloseCode.protocol, fault)
  }

  /** Tells those below that there is an authority that may know nothing of them. */
  tellRenewed(): void {
    for (const each of this.#directory.attachments.values()) {
      if (each.facts.place === 'below') each.send(Uint8Array.of(FrameKind.renewed))
    }
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
