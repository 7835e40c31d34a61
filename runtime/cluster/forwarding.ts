// Frames between systems, as a hub forwards them without opening them: from where one may come, whether it may go on, and by
// which attachment. The hub (hub.ts) hands it every such frame and keeps the directory. It may drop, never buffer without bound.

import { base64url } from '../actor/ids.ts'
import { FrameKind, hop, isRelay, isTo, routeFrom, routeTo } from '../peer/frame.ts'
import { idBytes } from '../peer/identity.ts'
import type { Notice } from '../peer/notice.ts'
import type { Attachment } from './attachment.ts'
import type { Directory } from './directory.ts'
import { type PeerFacts, writeThere } from './peer-facts.ts'
import { Relays } from './relays.ts'

/** Strangers that one attachment has been told about; then it begins anew. */
const MAX_TOLD = 16_384

export interface ForwardingPort {
  readonly id: string
  /** A frame for this system, from a source that the hub vouches for. */
  arrived(from: PeerFacts, by: Attachment, frame: Uint8Array): void
  /** A hub could not deliver what this system sent to another. */
  refused(lost: string, by: Attachment): void
  /** Who decides whether the frames of a guest may go on to another system; `undefined`: nobody has a say in it. */
  relays(by: Attachment): ((to: string) => boolean | Promise<boolean>) | undefined
  /** What a system that came in by an attachment did that it may not. */
  noticed(by: Attachment, peer: PeerFacts, notice: Notice): void
}

export class Forwarding {
  readonly #port: ForwardingPort
  /** The id of its system. */
  readonly #bytes: Uint8Array
  readonly #directory: Directory

  constructor(port: ForwardingPort, directory: Directory) {
    this.#port = port
    this.#bytes = idBytes(port.id) as Uint8Array
    this.#directory = directory
  }

  relay(by: Attachment, frame: Uint8Array): void {
    if (!isRelay(frame)) return
    const source = routeFrom(frame)
    const own = by.is(source)
    const from = own ? by.id : base64url(source)
    const directory = this.#directory
    // A source is accepted only from where it is attached or announced: nobody sends in another's name.
    if (!own && by !== directory.above && !this.#speaksFor(by, from)) {
      // What we have sent on and comes in again has been round a loop of hubs.
      if (by.facts.trust === 'node' && directory.at(from) !== undefined) answerUndeliverable(by, frame)
      return
    }
    if (from === this.#port.id) return
    if (isTo(frame, this.#bytes)) {
      this.#port.arrived(directory.factsOf(from), by, frame)
      return
    }
    const to = base64url(routeTo(frame))
    const target = directory.wayOn(to, by)
    const allowed = hop(frame) && this.#mayRelay(by, from, target, to)
    // Dropped while nobody has decided yet, or the target is slow: the sender's association sends it again.
    if (allowed === undefined) return
    if (target === undefined || !allowed) {
      // Unknown and forbidden look alike.
      if (target === undefined) by.relays?.forget(to)
      answerUndeliverable(by, frame)
      return
    }
    if (!target.admits(from, frame.length)) return
    if (target !== directory.above && target.told?.has(from) !== true) {
      if (target.told === undefined || target.told.size >= MAX_TOLD) target.told = new Set()
      target.told.add(from)
      target.send(writeThere(directory.factsOf(from)))
    }
    target.send(frame)
  }

  undeliverable(by: Attachment, frame: Uint8Array): void {
    if (frame.length !== 33) return
    const lost = base64url(frame.subarray(1, 17))
    const asker = base64url(frame.subarray(17))
    if (asker === this.#port.id) {
      this.#port.refused(lost, by)
      return
    }
    // Believed only from where such frames are handed on to, or when nobody else could know better by now.
    const back = this.#directory.at(asker)
    if (back === undefined || back === by || !back.roomy) return
    const way = this.#directory.wayOn(lost, back)
    if (way === by || way === undefined) back.send(frame)
  }

  /** Whether an attached system has announced another. A guest is not believed of who is connected here itself. */
  #speaksFor(by: Attachment, id: string): boolean {
    if (by.announced?.has(id) !== true) return false
    return by.facts.trust === 'node' || this.#directory.at(id) === by
  }

  /** `undefined`: not decided yet. Who may send to somebody may also be answered. */
  #mayRelay(by: Attachment, from: string, target: Attachment | undefined, to: string): boolean | undefined {
    if (by.facts.trust !== 'guest' || target?.relays?.get(from) === true) return true
    const known = by.relays?.get(to)
    if (known !== undefined) return known
    const ask = this.#port.relays(by)
    if (ask === undefined) return true
    by.relays ??= new Relays()
    if (by.relays.full) {
      this.#port.noticed(by, by.facts, { type: 'limited', limit: 'relays' })
      return false
    }
    return by.relays.decide(to, ask)
  }
}

function answerUndeliverable(by: Attachment, frame: Uint8Array): void {
  if (!by.roomy) return
  const answer = new Uint8Array(33)
  answer[0] = FrameKind.undeliverable
  answer.set(routeTo(frame), 1)
  answer.set(routeFrom(frame), 17)
  by.send(answer)
}
