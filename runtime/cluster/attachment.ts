// A system that is attached to this one, through any number of connections: who it is, where it stands, and the wire it
// has right now. The hub (hub.ts) owns all of them.

import type { Limits } from '../actor/network.ts'
import type { Allowance } from '../peer/allowance.ts'
import { idBytes } from '../peer/identity.ts'
import type { Path } from '../peer/path.ts'
import type { Quota } from '../peer/quota.ts'
import { ANSWERED_BYTES, type Wire } from '../peer/wire.ts'
import { Backlog, BRISK, type Pool } from './backlog.ts'
import type { PeerFacts } from './peer-facts.ts'
import type { Relays } from './relays.ts'

/** The hub above, a system below, or an equal beside, which is never the way to anybody else's. */
export type Place = 'above' | 'below' | 'beside'

export interface AttachmentFacts extends PeerFacts {
  readonly place: Place
  readonly downAfter: number
  /** The largest message, in bytes, that it takes of us. */
  readonly takes: number
  /** What we take of it. */
  readonly limits: Limits
  /** Who its principal is, where the gateway can tell. */
  readonly subject?: string | undefined
  /** The secret that it proved its id with. The hub above may ask for it, and nobody else is told. */
  readonly secret?: string
}

/** What the hub's own system sends is counted as its own. */
const OWN = ''

export class Attachment {
  facts: AttachmentFacts
  /** To the attached system itself. */
  readonly direct: Path
  /** Through it, to systems behind it. */
  readonly relay: Path
  /** Whom it has been told about, before their first frame. */
  told: Set<string> | undefined
  /** The systems below it that it has announced. */
  announced: Set<string> | undefined
  /** Those of them that it has not named again since it came in anew. */
  unconfirmed: Set<string> | undefined
  /** How often a guest may announce something. */
  announcing: Quota | undefined
  /** Of a guest: to whom its frames may go on, as `authorize` has said. */
  relays: Relays | undefined
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
  readonly #pool: Pool
  /** What waits for it, while it is slow. */
  #backlog: Backlog | undefined

  constructor(facts: AttachmentFacts, pool: Pool) {
    this.facts = facts
    this.#pool = pool
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

  /** How many systems it has announced below it. */
  get below(): number {
    return this.announced?.size ?? 0
  }

  get status(): 'connected' | 'suspended' {
    return this.wire === undefined ? 'suspended' : 'connected'
  }

  send(frame: Uint8Array): void {
    this.wire?.send(frame)
  }

  /** Whether a word of the hub that may be lost can go now: the wire is up, and the other side takes what it is sent. */
  get roomy(): boolean {
    return this.wire !== undefined && this.wire.buffered <= ANSWERED_BYTES
  }

  /** Whether a frame of this sender, so many bytes, may go or wait now; then it is to be sent. */
  admits(source: string, bytes: number): boolean {
    if (this.wire === undefined) return false
    const { buffered } = this.wire
    if (buffered <= BRISK) {
      if (this.#backlog !== undefined) this.forgetBacklog()
      return true
    }
    this.#backlog ??= new Backlog(this.#pool)
    return this.#backlog.admits(source, bytes, buffered)
  }

  /** Bytes of the hub's own system that wait to leave; Infinity when others want their share. */
  get waiting(): number {
    const buffered = this.wire?.buffered ?? 0
    return this.#backlog === undefined || buffered <= BRISK ? buffered : this.#backlog.share(OWN, buffered)
  }

  /** It is slow no longer, or its wire is lost. */
  forgetBacklog(): void {
    this.#backlog?.clear()
    this.#backlog = undefined
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
  readonly #attachment: Attachment
  readonly #own: number

  constructor(attachment: Attachment, own: number) {
    this.#attachment = attachment
    this.#own = own
  }

  /** The hub above is asked last: who was announced from below is there. */
  get cost(): number {
    return this.#attachment.facts.place === 'above' ? 2 * this.#own : this.#own
  }

  get buffered(): number {
    return this.#attachment.waiting
  }

  /** What asks for an answer each time and never reads it gets no more. */
  send(frame: Uint8Array): void {
    if (this.#attachment.admits(OWN, frame.length)) this.#attachment.send(frame)
  }
}
