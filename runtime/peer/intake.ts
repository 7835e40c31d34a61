// When the batches of a peer are read: the association hands them here in order, and the inbox reads them item by item. What
// must wait (too much was said of late, or this system is about to leave) is not read, so its sender waits too; what cannot
// be read ends the epoch.

import { ActorError } from '../actor/errors.ts'
import type { Association } from './association.ts'
import { BrokenFrame } from './codec.ts'
import type { Epoch } from './epoch.ts'
import { HEAD_BYTES } from './frame.ts'
import type { Inbox } from './inbox.ts'
import type { PeerPort } from './peer-port.ts'
import type { Standing } from './standing.ts'

export class Intake {
  readonly #id: string
  readonly #port: PeerPort
  readonly #association: Association
  readonly #standing: Standing
  readonly #inbox: Inbox
  /** A batch that is not read yet, because its sender said too much of late. */
  #late: { cancel(): void } | undefined
  /** A batch that is not read, because this system or the gateway it came by is about to leave. */
  #unheard: { readonly frame: Uint8Array; readonly start: number } | undefined
  /** The epoch is ending: what finds no room now is refused. */
  #forced = false
  #reading = false
  /** The epoch whose batch is being read, and the last one that was opened. */
  #read: Epoch | undefined
  #last: Epoch | undefined

  constructor(id: string, port: PeerPort, association: Association, standing: Standing, inbox: Inbox) {
    this.#id = id
    this.#port = port
    this.#association = association
    this.#standing = standing
    this.#inbox = inbox
  }

  /** The epoch that is being read. A handler may have ended it: what it had to say is then of no more use. */
  get epoch(): Epoch {
    if (this.#forced) return this.#last as Epoch
    const { epoch } = this.#association
    if (epoch === undefined || epoch !== this.#read) throw new BrokenFrame('the epoch is over')
    return epoch
  }

  /** Whether this is the last reading of an epoch that is over: nothing waits for room any more. */
  get forced(): boolean {
    return this.#forced
  }

  /** Whether mail that waits would wait in vain. */
  get over(): boolean {
    return this.#forced || this.#association.epoch !== this.#read
  }

  /** A new epoch begins. */
  opened(): void {
    this.#last = this.#association.epoch
  }

  /** `false`: it waits, or its epoch is over. */
  receive(frame: Uint8Array, start: number): boolean {
    if (this.#port.deaf(this.#id)) {
      this.#unheard = { frame, start }
      return false
    }
    const { clock } = this.#port.home
    const wait = this.#standing.allowance.quota?.wait(clock.now()) ?? 0
    if (wait > 0) {
      this.#standing.limited('messagesPerSecond')
      // Not read is not acknowledged, and gives no credit: the sender waits too.
      const cancel = clock.timer(wait, () => this.#readLate(frame, start))
      this.#late = { cancel }
      return false
    }
    return this.#attempt(() => this.#inbox.receive(frame, start))
  }

  /** Goes on reading after all: only the gateway has left. */
  listen(): void {
    const unheard = this.#unheard
    this.#unheard = undefined
    if (unheard !== undefined) this.#readLate(unheard.frame, unheard.start)
  }

  /** There is room again for what the batch in hand stopped at. */
  resume(): void {
    if (this.#attempt(() => this.#inbox.resume())) this.#association.disposed()
  }

  /** What arrived in order but had no room is the last thing that an epoch disposes of here. */
  end(held: readonly Uint8Array[]): void {
    const late = this.#late
    this.#late = undefined
    late?.cancel()
    this.#unheard = undefined
    if (this.#reading || held.length === 0) return
    this.#forced = true
    try {
      // What is left unread was never taken: its sender hears of that.
      if (!this.#inbox.resume() || this.#port.deaf(this.#id)) return
      for (const frame of late === undefined ? held.slice(1) : held) if (!this.#inbox.receive(frame, HEAD_BYTES)) return
    } catch {
      // A frame that cannot be read ends here with its epoch.
    } finally {
      this.#forced = false
    }
  }

  #readLate(frame: Uint8Array, start: number): void {
    this.#late = undefined
    if (this.receive(frame, start)) this.#association.disposed()
    this.#port.home.scheduler.run()
  }

  /** A batch that breaks the protocol ends its epoch: nothing behind the fault could be read anyhow. */
  #attempt(read: () => boolean): boolean {
    const { epoch } = this.#association
    this.#read = epoch
    this.#reading = true
    try {
      return read() && epoch === this.#association.epoch
    } catch (error) {
      // An epoch that was ended while it was read is over already.
      if (epoch !== this.#association.epoch) return false
      // Not only frames that are broken: ids, too, are text that can be ill-formed.
      if (error instanceof ActorError && error.code === 'ACTOR_INVALID') {
        this.#standing.warn('a peer broke the protocol; the epoch ends', { fault: error.message })
        this.#standing.noticed({ type: 'broken', fault: error.message })
      } else {
        const { label } = this.#standing.terms
        this.#port.strangers.error('a batch could not be read; the epoch ends', { peer: label, error })
      }
      this.#association.abandon()
      return false
    } finally {
      this.#reading = false
    }
  }
}
