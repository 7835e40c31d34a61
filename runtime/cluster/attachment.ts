// A system that is attached to this one, through any number of connections: who it is, where it stands, and the wire it
// has right now. The hub (hub.ts) owns all of them.

import type { Limits } from '../actor/network.ts'
import type { Trust } from '../actor/origin.ts'
import type { Allowance } from '../peer/allowance.ts'
import { idBytes } from '../peer/identity.ts'
import type { Path } from '../peer/path.ts'
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
  /** The secret that it proved its id with. The hub above may ask for it, and nobody else is told. */
  readonly secret?: string
}

/** Relayed bytes that may wait for one slow peer; beyond it the hub drops, and the associations send again. */
const RELAY_HIGH = 4_194_304

export class Attachment {
  facts: AttachmentFacts
  /** To the attached system itself. */
  readonly direct: Path
  /** Through it, to systems behind it. */
  readonly relay: Path
  /** Whom it has been told about, before their first frame. */
  told: Set<string> | undefined
  /** How many systems it has announced below it. */
  below = 0
  /** Of a guest: to whom its frames may go on, as `authorize` has said. */
  relays: Map<string, boolean | 'asked'> | undefined
  /** What a guest and those below it may have here together; each node has its own. */
  allowance: Allowance | undefined
  wire: Wire | undefined
  /** Ends its place in the table when it stays away. */
  cancelGone: (() => void) | undefined
  // Its id as four words: an array of 16 bytes takes 200.
  readonly #first: number
  readonly #second: number
  readonly #third: number
  readonly #fourth: number

  constructor(facts: AttachmentFacts) {
    this.facts = facts
    const bytes = idBytes(facts.id) as Uint8Array
    this.#first = wordAt(bytes, 0)
    this.#second = wordAt(bytes, 4)
    this.#third = wordAt(bytes, 8)
    this.#fourth = wordAt(bytes, 12)
    this.direct = new Way(this, 0)
    this.relay = new Way(this, 1)
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

  /** Whether a frame that may be lost can go now: the wire is up, and not too slow. */
  get roomy(): boolean {
    return this.wire !== undefined && this.wire.buffered <= RELAY_HIGH
  }

  /** Whether these 16 bytes are its id. */
  is(bytes: Uint8Array): boolean {
    return (
      wordAt(bytes, 0) === this.#first &&
      wordAt(bytes, 4) === this.#second &&
      wordAt(bytes, 8) === this.#third &&
      wordAt(bytes, 12) === this.#fourth
    )
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16)
  return high | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
}

/** The way through an attachment, as an association sees it: a class, because object literals with getters take 600 bytes more. */
class Way implements Path {
  readonly cost: number
  readonly #attachment: Attachment

  constructor(attachment: Attachment, cost: number) {
    this.#attachment = attachment
    this.cost = cost
  }

  get buffered(): number {
    return this.#attachment.wire?.buffered ?? 0
  }

  /** What asks for an answer each time and never reads it gets no more. */
  send(frame: Uint8Array): void {
    if (this.#attachment.roomy) this.#attachment.send(frame)
  }
}
