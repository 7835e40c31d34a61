// One of the two systems of a round, as the round moves it: in this process (`Side`), in another, or in a page. It has a door, where
// others get a corner each, and the corners it got elsewhere.

import { type ActorSystem, createSystem, type Gateway, type Link, type Listener, setup } from '../../runtime/index.ts'
import type { Transport } from '../../runtime/peer/transport.ts'
import type { System } from '../../runtime/system.ts'
import { quiet } from '../support/quiet.ts'
import { type Account, Corner, Door, type Meet } from './corner.ts'

export const SECRET = 'the secret of the two sides'

/** What a side tells of itself: the accounts of its conversations, in the order in which they began. */
export interface State {
  readonly accounts: Account[]
  readonly counters: Readonly<Record<'sent' | 'delivered' | 'refused' | 'deadLetters', number>>
  readonly held: { readonly peers: number; readonly refs: number; readonly hub: number; readonly doors: number }
  /** Open questions of this system and to it, and systems that have a place here. */
  readonly asking: number
  readonly asked: number
  readonly attached: number
}

export class Side {
  readonly system: ActorSystem
  readonly corners: Corner[] = []
  #gateway: Gateway | undefined
  #link: Link | undefined

  constructor(label: string) {
    this.system = createSystem({ label, logger: quiet })
  }

  /** The corner of the last conversation. */
  get corner(): Corner {
    const corner = this.corners.at(-1)
    if (corner === undefined) throw new Error(`${this.system.label} has met nobody`)
    return corner
  }

  async listen(listener: Listener, trust: 'guest' | 'node', downAfter: number): Promise<string> {
    this.system.spawn(
      setup<Meet>(() => ({
        receive: ({ who, replyTo }) => {
          const corner = new Corner(this.system, who)
          this.corners.push(corner)
          replyTo.send(corner.ref)
        }
      })),
      { name: Door }
    )
    this.#gateway = await this.system.listen(
      listener,
      trust === 'guest'
        ? { trust, downAfter, expose: [{ name: Door, unchecked: true }], limits: { pendingHandshakes: 2_000 } }
        : { trust: { node: { secret: SECRET } }, downAfter }
    )
    return this.#gateway.url as string
  }

  async join(transport: Transport, trust: 'guest' | 'node', backoff = { min: 20, max: 500 }): Promise<Link> {
    const credentials = trust === 'node' ? { secret: SECRET } : {}
    this.#link = await this.system.connect(transport, { ...credentials, within: 60_000, backoff })
    return this.#link
  }

  /** Begins a conversation with whoever has the door there. */
  async meet(): Promise<void> {
    const door = await this.system.lookup(Door, { within: 60_000 })
    const corner = new Corner(this.system)
    this.corners.push(corner)
    corner.meet(await door.ask({ type: 'meet', who: corner.ref }, { within: 60_000 }))
  }

  say = (count: number, pad?: number): Promise<void> => this.corner.say(count, pad)
  ask = (count: number, within?: number): Promise<void> => this.corner.ask(count, within)
  mortal = (words: number): Promise<void> => this.corner.mortal(words)

  state(): State {
    const { asking = 0, asked = 0, attached = 0 } = this.#gateway?.report() ?? {}
    return {
      accounts: this.corners.map(({ account }) => structuredClone(account)),
      counters: { ...this.system.counters },
      held: (this.system as System).held,
      asking,
      asked,
      attached
    }
  }

  /** Says goodbye. */
  async leave(): Promise<void> {
    await this.#link?.disconnect()
  }

  /** Lets go of those met. What their actors still hold ends with them. */
  async forget(): Promise<void> {
    await Promise.all(this.corners.splice(0).map(corner => this.system.stop(corner.ref)))
  }

  end(): Promise<void> {
    return this.system.shutdown({ within: 1_000 })
  }
}
