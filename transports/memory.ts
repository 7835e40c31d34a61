// Two ends in one process, for tests and for systems that share a page: `connect` hands an end to the link that dialled and the
// other to the one that listens. Frames go over in microtasks, so a whole exchange runs without the event loop going on.

import { ActorError } from '../runtime/actor/errors.ts'
import type { Connection, Listener, Transport } from '../runtime/peer/transport.ts'
import { type Ending, Inbox, LOW_WATER, MAX_FRAME, NOT_OPENED, type Receiver, shortReason, tooLarge } from './pipe.ts'

/** The wires between the ends, for a test to meddle with. */
export interface MemoryNetwork {
  /** Connections that are up. */
  readonly size: number
  /** Breaks every connection: both ends hear code 1006, and what is on its way is lost. */
  cut(): void
  /** While on, `connect` rejects with ACTOR_UNREACHABLE; connections that are up stay. */
  refuse(on: boolean): void
  /** From here on nothing arrives; it piles up in `buffered`. */
  hold(): void
  /** What was held arrives, and everything after it. */
  release(): void
}

/**
 * A transport and a listener that meet in this process. `transport` may be dialled any number of times, at once as well;
 * one `listener` takes them all. Frames are copied, so that neither side can change what the other keeps.
 */
export function memory(): { transport: Transport; listener: Listener; network: MemoryNetwork } {
  const network = new Network()
  return { transport: network.transport, listener: network.listener, network }
}

type Accept = Parameters<Listener['listen']>[0]

class Network implements MemoryNetwork {
  #accept: Accept | undefined
  #refusing = false
  #held = false
  readonly #pairs = new Set<Pair>()

  readonly transport: Transport = {
    kind: 'memory',
    connect: async signal => {
      signal.throwIfAborted()
      // The answer of a real network is never there at once.
      await undefined
      signal.throwIfAborted()
      const accept = this.#accept
      if (accept === undefined || this.#refusing) {
        const why = this.#refusing ? 'the memory network refuses connections' : 'nobody listens on this memory network'
        throw new ActorError('ACTOR_UNREACHABLE', `${why}; listen first, or dial again later.`)
      }
      const pair = new Pair(this, this.#held)
      this.#pairs.add(pair)
      accept(pair.accepted, {})
      return pair.dialled
    }
  }

  readonly listener: Listener = {
    kind: 'memory',
    listen: async accept => {
      if (this.#accept !== undefined) {
        throw new ActorError(
          'ACTOR_LISTEN_FAILED',
          'this memory network has its listener already; close that one first, or make another with memory().'
        )
      }
      const mine: Accept = (connection, hello) => accept(connection, hello)
      this.#accept = mine
      return {
        close: async () => {
          if (this.#accept !== mine) return
          this.#accept = undefined
          for (const pair of [...this.#pairs]) pair.accepted.close(1001, 'the listener has closed')
        }
      }
    }
  }

  get size(): number {
    return this.#pairs.size
  }

  cut(): void {
    for (const pair of [...this.#pairs]) pair.cut()
  }

  refuse(on: boolean): void {
    this.#refusing = on
  }

  hold(): void {
    this.#held = true
    for (const pair of this.#pairs) pair.hold(true)
  }

  release(): void {
    this.#held = false
    for (const pair of this.#pairs) pair.hold(false)
  }

  gone(pair: Pair): void {
    this.#pairs.delete(pair)
  }
}

/** One connection: two ends and the wire from each to the other. */
class Pair {
  readonly dialled: End
  readonly accepted: End
  readonly #network: Network

  constructor(network: Network, held: boolean) {
    this.#network = network
    const towards: Wire = new Wire(held, () => this.accepted)
    const back: Wire = new Wire(held, () => this.dialled)
    this.dialled = new End(towards, this)
    this.accepted = new End(back, this)
  }

  hold(on: boolean): void {
    this.dialled.out.hold(on)
    this.accepted.out.hold(on)
  }

  cut(): void {
    this.dialled.cut()
    this.accepted.cut()
    this.#network.gone(this)
  }

  /** A goodbye has arrived. While one is held the pair stays, or nobody would release it. */
  over(): void {
    this.#network.gone(this)
  }

  other(end: End): End {
    return end === this.dialled ? this.accepted : this.dialled
  }
}

/** One direction: what was sent and has not arrived. */
class Wire {
  buffered = 0
  #mail: Array<Uint8Array | Ending> = []
  #held: boolean
  #scheduled = false
  readonly #to: () => End

  constructor(held: boolean, to: () => End) {
    this.#held = held
    this.#to = to
  }

  put(mail: Uint8Array | Ending): void {
    this.#mail.push(mail)
    if (mail instanceof Uint8Array) this.buffered += mail.byteLength
    this.#schedule()
  }

  hold(on: boolean): void {
    this.#held = on
    this.#schedule()
  }

  clear(): void {
    this.#mail = []
    this.buffered = 0
  }

  #schedule(): void {
    if (this.#scheduled || this.#held || this.#mail.length === 0) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  // What is put while a frame is being delivered waits for the next round: a receiver is never entered twice.
  #deliver(): void {
    const end = this.#to()
    let round = this.#mail.length
    while (round-- > 0 && !this.#held) {
      const mail = this.#mail.shift()
      if (mail === undefined) break
      if (mail instanceof Uint8Array) {
        this.buffered -= mail.byteLength
        end.arrived(mail)
      } else end.ended(mail)
    }
    end.read()
    this.#schedule()
  }
}

class End implements Connection {
  readonly maxFrame = MAX_FRAME
  readonly out: Wire
  readonly #inbox = new Inbox()
  readonly #pair: Pair
  #high = false

  constructor(out: Wire, pair: Pair) {
    this.out = out
    this.#pair = pair
  }

  get buffered(): number {
    return this.out.buffered
  }

  send(frame: Uint8Array): void {
    if (this.#inbox.over) return
    if (frame.byteLength > MAX_FRAME) this.#end(tooLarge(frame))
    else this.out.put(new Uint8Array(frame))
    if (this.out.buffered > LOW_WATER) this.#high = true
  }

  open(on: Receiver): void {
    this.#inbox.open(on)
  }

  close(code = 1000, reason = ''): void {
    this.#end({ code, reason: shortReason(reason) })
  }

  arrived(frame: Uint8Array): void {
    if (!this.#inbox.frame(frame)) this.#end(NOT_OPENED)
  }

  ended(ending: Ending): void {
    // What this end still had on its way has nobody to read it any more.
    this.out.clear()
    this.#inbox.ended(ending)
    this.#pair.over()
  }

  /** The wire to this end has been emptied as far as it may: the other end can send again. */
  read(): void {
    this.#pair.other(this).drain()
  }

  drain(): void {
    if (!this.#high || this.out.buffered > LOW_WATER) return
    this.#high = false
    this.#inbox.drained()
  }

  cut(): void {
    this.out.clear()
    this.#inbox.end({ code: 1006, reason: 'the connection was cut' })
  }

  #end(ending: Ending): void {
    if (this.#inbox.over) return
    this.#inbox.end(ending)
    this.out.put(ending)
  }
}
