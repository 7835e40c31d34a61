// A system that is attached to this one, through any number of connections: who it is, where it stands, and the wire it
// has right now. The hub (hub.ts) owns all of them.

import type { Limits } from '../actor/network.ts'
import type { Trust } from '../actor/origin.ts'
import { idBytes } from '../peer/identity.ts'
import type { Path } from '../peer/path.ts'
import type { Quota } from '../peer/quota.ts'
import type { Wire } from '../peer/wire.ts'

/** The hub above, a system below, or an equal beside, which is never the way to anybody else's. */
export type Place = 'above' | 'below' | 'beside'

/** Who a system is, as its hub vouches for it. */
export interface PeerFacts {
  readonly id: string
  readonly label: string
  readonly trust: Trust
  readonly principal: unknown
}

export interface AttachmentFacts extends PeerFacts {
  readonly place: Place
  readonly downAfter: number
  /** The largest message, in bytes, that it takes of us. */
  readonly takes: number
  /** What we take of it. */
  readonly limits: Limits
}

/** Relayed bytes that may wait for one slow peer; beyond it the hub drops, and the associations send again. */
const RELAY_HIGH = 4_194_304

export class Attachment {
  readonly facts: AttachmentFacts
  readonly bytes: Uint8Array
  /** To the attached system itself. */
  readonly direct: Path
  /** Through it, to systems behind it. */
  readonly relay: Path
  /** Whom it has been told about, before their first frame. */
  readonly told = new Set<string>()
  /** What it, and those below it, may send a second; a node as much as it likes. */
  quota: Quota | undefined
  wire: Wire | undefined
  /** Ends its place in the table when it stays away. */
  cancelGone: (() => void) | undefined

  constructor(facts: AttachmentFacts) {
    this.facts = facts
    this.bytes = idBytes(facts.id) as Uint8Array
    this.direct = this.#path(0)
    this.relay = this.#path(1)
  }

  get id(): string {
    return this.facts.id
  }

  get status(): 'connected' | 'suspended' {
    return this.wire === undefined ? 'suspended' : 'connected'
  }

  send(frame: Uint8Array): void {
    this.wire?.send(frame)
  }

  /** Relays for others; `false` when it was dropped, because the wire is down or slow. */
  forward(frame: Uint8Array): boolean {
    const wire = this.wire
    if (wire === undefined || wire.buffered > RELAY_HIGH) return false
    wire.send(frame)
    return true
  }

  /** Whether these 16 bytes are its id. */
  is(bytes: Uint8Array): boolean {
    for (let i = 0; i < bytes.length; i++) if (bytes[i] !== this.bytes[i]) return false
    return true
  }

  #path(cost: number): Path {
    const attachment = this
    return {
      cost,
      get buffered() {
        return attachment.wire?.buffered ?? 0
      },
      send: frame => attachment.wire?.send(frame)
    }
  }
}
