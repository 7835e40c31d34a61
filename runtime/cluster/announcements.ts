// Who is where, as hubs tell each other: what is announced from below, and told to the hub above. It keeps the directory, the
// hub (hub.ts) forwards by it.

import type { Clock } from '../actor/clock.ts'
import type { Logger } from '../actor/logger.ts'
import type { Association } from '../peer/association.ts'
import { GUEST_LIMITS } from '../peer/codec.ts'
import { FrameKind, MAX_HOPS } from '../peer/frame.ts'
import { proves } from '../peer/identity.ts'
import type { Notice } from '../peer/notice.ts'
import { Quota } from '../peer/quota.ts'
import { CloseCode } from '../peer/wire.ts'
import type { Attachment } from './attachment.ts'
import type { Announced, Directory } from './directory.ts'
import { type PeerFacts, readFacts, writeGone, writeThere } from './peer-facts.ts'

/** Systems announced from below in all; each attachment has its own limit besides. */
const MAX_ANNOUNCED = 100_000
/** Announcements of a guest, a second, for each system that it may announce: enough for all of them to come and go at once. */
const ANNOUNCING = 2

/** So long, in milliseconds, the hub above may be heard from below: who dials sees a loop, and goes back. */
const LOOP = 1_000

export interface AnnouncementsPort {
  readonly id: string
  readonly clock: Clock
  readonly logger: Logger
  association(id: string): Association | undefined
  /** Who a peer is has been learnt, or has changed. */
  refresh(id: string): void
  /** What a system that came in by an attachment did that it may not. */
  noticed(by: Attachment, peer: PeerFacts, notice: Notice): void
}

export class Announcements {
  readonly #port: AnnouncementsPort
  readonly #directory: Directory

  constructor(port: AnnouncementsPort, directory: Directory) {
    this.#port = port
    this.#directory = directory
  }

  /** A system is here anew, and begins to announce what is below it. */
  renewed(attachment: Attachment): void {
    attachment.unconfirmed = attachment.announced && new Set(attachment.announced)
  }

  /** It has announced all that is below it. */
  complete(attachment: Attachment): void {
    for (const id of attachment.unconfirmed ?? []) this.#gone(attachment, id)
    attachment.unconfirmed = undefined
  }

  /** The hub above tells who a stranger is. */
  learn(frame: Uint8Array): void {
    const told = readFacts(frame)
    if (told === undefined || told.facts.id === this.#port.id) return
    // Those below who were told of it are told again: it may be another by now.
    if (this.#directory.learn(told.facts)) this.untell([told.facts.id])
    this.#port.refresh(told.facts.id)
  }

  hear(attachment: Attachment, frame: Uint8Array): void {
    const guest = attachment.facts.trust === 'guest'
    if (guest && !this.#mayAnnounce(attachment)) {
      this.#port.noticed(attachment, attachment.facts, { type: 'limited', limit: 'announcements' })
      attachment.wire?.close(CloseCode.tooMany, 'too many announcements')
      return
    }
    const told = readFacts(frame, guest ? GUEST_LIMITS : undefined)
    if (told === undefined) return
    const { facts, there, secret, via, away } = told
    const { id, label } = facts
    if (!there) {
      this.#gone(attachment, id)
      return
    }
    if (id === this.#port.id || id === attachment.id) return
    // It went round a loop of hubs.
    if (via.includes(this.#port.id) || via.length >= MAX_HOPS) return
    // Whoever could announce any id would be sent that system's mail.
    if (guest && !proves(secret, id)) return
    const before = this.#directory.announced.get(id)
    if (before?.by !== attachment) {
      // It has moved: who has it now is right, and who had it is not heard any more.
      if (before !== undefined && away) return
      const full = before === undefined && this.#directory.announced.size >= MAX_ANNOUNCED
      if (full || attachment.below >= attachment.facts.limits.subSystems) {
        this.#port.logger.warn('a system announced more systems below it than it may', {
          label: attachment.facts.label
        })
        this.#port.noticed(attachment, attachment.facts, { type: 'limited', limit: 'subSystems' })
        return
      }
    }
    attachment.unconfirmed?.delete(id)
    // A guest speaks for nobody but itself: what is below it is a guest with its principal.
    const { principal } = attachment.facts
    const vouched = guest ? { id, label, trust: 'guest' as const, principal } : facts
    this.#directory.announce({ by: attachment, facts: vouched, secret, via, away: false })
    this.untell([id])
    if (attachment.facts.place === 'below') this.tellAbove(vouched)
    this.#port.refresh(id)
    if (before?.by !== attachment) {
      const association = this.#port.association(id)
      association?.pathUp(attachment.relay)
      if (before !== undefined) association?.pathDown(before.by.relay)
    }
    if (id === this.#directory.above?.id) this.#port.clock.timer(LOOP, () => this.#cutLoop(id))
  }

  /** Hubs in a loop would hand questions up for ever. The link up dials again, and fails for as long as there would be one. */
  #cutLoop(id: string): void {
    const { above } = this.#directory
    if (above?.id !== id || above.wire === undefined || !this.#directory.isBelow(id)) return
    this.#port.logger.error('the hub above is below this one; the link up ends', { label: above.facts.label })
    above.wire.close(CloseCode.goingAway, 'a loop of hubs')
  }

  /** A guest has another principal, and so have those that it announced. */
  vouch(by: Attachment): void {
    for (const id of by.announced ?? []) {
      const entry = this.#directory.announced.get(id)
      if (entry === undefined) continue
      const facts = { ...entry.facts, principal: by.facts.principal }
      this.#directory.announced.set(id, { ...entry, facts })
      this.untell([id])
      this.tellAbove(facts)
      this.#port.refresh(id)
    }
  }

  #mayAnnounce(attachment: Attachment): boolean {
    const now = this.#port.clock.now()
    const { subSystems } = attachment.facts.limits
    attachment.announcing ??= new Quota(Math.max(1, ANNOUNCING * subSystems), now)
    if (attachment.announcing.wait(now) > 0) return false
    attachment.announcing.spend()
    return true
  }

  #gone(attachment: Attachment, id: string): void {
    const announced = this.#directory.announced.get(id)
    if (announced?.by !== attachment) return
    this.takeBack(announced)
    this.forget([id])
  }

  takeBack({ facts, by }: Announced): void {
    this.#directory.takeBack(facts.id)
    this.tellAbove(facts)
    this.#port.association(facts.id)?.pathDown(by.relay)
  }

  /** These have left: nothing of them is kept. */
  forget(ids: readonly string[]): void {
    for (const { told, relays } of this.#directory.attachments.values()) {
      if (told === undefined && relays === undefined) continue
      for (const id of ids) {
        told?.delete(id)
        relays?.forget(id)
      }
    }
  }

  /** Those who were told who a system is are told again before its next frame: it has changed, or is gone. */
  untell(ids: readonly string[]): void {
    for (const { told } of this.#directory.attachments.values())
      if (told !== undefined) for (const id of ids) told.delete(id)
  }

  /** Tells the hub above whether a system is below this one, as it is known by now. */
  tellAbove(facts: PeerFacts): void {
    const { above } = this.#directory
    if (above?.wire === undefined) return
    const known = this.#directory.below(facts.id)
    if (known === undefined) above.send(writeGone(facts))
    else above.send(writeThere(known.facts, { ...known, via: [...known.via, this.#port.id] }))
  }

  tellAll(above: Attachment): void {
    const { attachments, announced } = this.#directory
    for (const { facts } of attachments.values()) if (facts.place === 'below') this.tellAbove(facts)
    for (const [id, { facts }] of announced) if (attachments.get(id)?.facts.place !== 'below') this.tellAbove(facts)
    above.send(Uint8Array.of(FrameKind.announced))
  }
}
