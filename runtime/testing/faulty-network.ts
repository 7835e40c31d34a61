// A network that misbehaves as told: connections between simulated systems, whose frames take time, get lost, come twice,
// are held back, and which are cut. Order within one direction of one connection is kept, as every transport keeps it.

import { ActorError } from '../actor/errors.ts'
import { FrameKind } from '../peer/frame.ts'
import type { Connection, Listener, Transport } from '../peer/transport.ts'
import type { Random } from './random.ts'
import type { VirtualClock, VirtualTime } from './virtual-time.ts'

/** What may happen to frames between two systems right now: probabilities for each frame, milliseconds for delays. */
export interface Weather {
  delay: number
  jitter: number
  drop: number
  repeat: number
  /** A copy comes again up to 40 s later, by whatever connection there is then: a relay had it in a queue. */
  stale: number
}

export const FAIR: Weather = { delay: 5, jitter: 0, drop: 0, repeat: 0, stale: 0 }

export type Fault = 'drop' | 'repeat' | 'stale' | 'delay' | 'hold' | 'cut' | 'one-way' | 'half-open' | 'reorder'

type On = Parameters<Connection['open']>[0]

/** One way between two systems, over any number of connections. */
export class FaultyNetwork {
  readonly #time: VirtualTime
  readonly #random: Random
  readonly #struck: (fault: Fault) => void
  /** Told of each frame between associations, as it is sent. */
  readonly #seen: (frame: Uint8Array) => void
  /** The dialler's and the listener's: a process that sleeps reads nothing. */
  readonly #clocks: [VirtualClock, VirtualClock]
  readonly #pairs = new Set<Pair>()
  weather: Weather = { ...FAIR }
  #accept: Parameters<Listener['listen']>[0] | undefined
  #refusing = false
  #held = false
  /** What happens when so many more frames have been sent. */
  #trap: { frames: number; spring: (pair: Pair, from: 0 | 1) => void } | undefined

  constructor(
    time: VirtualTime,
    random: Random,
    struck: (fault: Fault) => void,
    clocks: readonly [VirtualClock, VirtualClock],
    seen: (frame: Uint8Array) => void = () => {}
  ) {
    this.#seen = seen
    this.#time = time
    this.#random = random
    this.#struck = struck
    this.#clocks = [...clocks]
  }

  readonly transport: Transport = {
    kind: 'faulty',
    connect: signal =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new ActorError('ACTOR_UNREACHABLE', 'given up')))
        const dialler = this.#clocks[0]
        const connected = (): void => {
          const accept = this.#accept
          if (accept === undefined || this.#refusing) {
            reject(new ActorError('ACTOR_UNREACHABLE', 'the simulated network refuses'))
            return
          }
          const pair = new Pair(this, [dialler, this.#clocks[1]])
          this.#pairs.add(pair)
          // The machine of a process that sleeps accepts for it.
          pair.whenAwake(1, () => accept(pair.ends[1], {}))
          resolve(pair.ends[0])
        }
        this.#time.after(this.weather.delay, () => dialler.whenAwake(connected))
      })
  }

  readonly listener: Listener = {
    kind: 'faulty',
    listen: async accept => {
      this.#accept = accept
      return {
        close: async () => {
          this.#accept = undefined
        }
      }
    }
  }

  get held(): boolean {
    return this.#held
  }

  /** Breaks what is connected: what is on its way is lost, both sides hear it. */
  cut(): void {
    for (const pair of [...this.#pairs]) {
      this.#struck('cut')
      pair.break()
    }
  }

  /** Breaks what is connected when so many more frames have been sent: the last of them is lost, or just not. */
  cutIn(frames: number, last: boolean): void {
    this.#trap = {
      frames,
      spring: pair => {
        this.#struck('cut')
        if (last) pair.break()
        else this.#time.after(this.weather.delay + 1, () => pair.break())
      }
    }
  }

  /**
   * When so many more frames have been sent, their sender ends the connection in good order: they still arrive, while
   * the sender goes on by another.
   */
  leaveIn(frames: number): void {
    this.#trap = {
      frames,
      spring: (pair, from) => {
        this.#struck('reorder')
        pair.leave(from)
      }
    }
  }

  /** One side hears that it is cut off; the other goes on talking to nobody. */
  halfOpen(side: 0 | 1): void {
    for (const pair of [...this.#pairs]) {
      this.#struck('half-open')
      pair.abandon(side)
    }
  }

  /** From now on nothing arrives in one direction; nobody is told. */
  cutOneWay(direction: 0 | 1): void {
    for (const pair of this.#pairs) {
      this.#struck('one-way')
      pair.deaf[direction] = true
    }
  }

  refuse(on: boolean): void {
    this.#refusing = on
  }

  /** Frames pile up on the way, and go on in order when released. */
  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    for (const pair of this.#pairs) pair.release()
  }

  /** Another process stands where the dialler (0) or the listener (1) was. */
  replace(side: 0 | 1, clock: VirtualClock): void {
    this.#clocks[side] = clock
  }

  /** Everything fine from now on. */
  mend(): void {
    this.weather = { ...FAIR, delay: this.weather.delay }
    this.#refusing = false
    this.#trap = undefined
    this.release()
    for (const pair of this.#pairs) if (pair.deaf[0] || pair.deaf[1]) pair.break()
  }

  send(pair: Pair, from: 0 | 1, frame: Uint8Array): void {
    // Handshakes and pings have deadlines of their own; what is told of loss is told of frames between associations.
    const relayed = frame[0] === FrameKind.relay
    if (pair.deaf[from]) return
    if (relayed) {
      pair.greeted[from] = true
      this.#seen(frame)
    }
    this.#travel(pair, from, frame, relayed)
    const trap = this.#trap
    if (!relayed || trap === undefined || --trap.frames > 0) return
    this.#trap = undefined
    trap.spring(pair, from)
  }

  #travel(pair: Pair, from: 0 | 1, frame: Uint8Array, relayed: boolean): void {
    const { weather } = this
    if (relayed && this.#random.chance(weather.drop)) {
      this.#struck('drop')
      return
    }
    if (relayed && this.#random.chance(weather.stale)) {
      const copy = frame.slice()
      this.#time.after(this.#random.int(500, 40_000), () => this.#comeAgain(from, copy))
    }
    const copies = relayed && this.#random.chance(weather.repeat) ? 2 : 1
    if (copies === 2) this.#struck('repeat')
    for (let i = 0; i < copies; i++) {
      let delay = weather.delay
      if (weather.jitter > 0) {
        delay += this.#random.int(0, weather.jitter)
        this.#struck('delay')
      }
      pair.travel(from, frame.slice(), this.#time.now + delay)
    }
  }

  #comeAgain(from: 0 | 1, frame: Uint8Array): void {
    for (const pair of this.#pairs) {
      if (!pair.greeted[from]) continue
      this.#struck('stale')
      pair.travel(from, frame, this.#time.now)
      return
    }
  }

  /** At a moment; 0: now. */
  later(at: number, run: () => void): void {
    this.#time.after(at - this.#time.now, run)
  }

  heldUp(): void {
    this.#struck('hold')
  }

  gone(pair: Pair): void {
    this.#pairs.delete(pair)
  }
}

class Pair {
  readonly deaf: [boolean, boolean] = [false, false]
  /** Frames between associations have passed: the handshake is over. */
  readonly greeted: [boolean, boolean] = [false, false]
  readonly ends: readonly [End, End]
  readonly #network: FaultyNetwork
  readonly #clocks: readonly [VirtualClock, VirtualClock]
  readonly #arrivesAt: [number, number] = [0, 0]
  readonly #heldBack: [Uint8Array[], Uint8Array[]] = [[], []]
  #open = true
  #broken = false

  constructor(network: FaultyNetwork, clocks: readonly [VirtualClock, VirtualClock]) {
    this.#network = network
    this.#clocks = clocks
    this.ends = [new End(network, this, 0), new End(network, this, 1)]
  }

  get isOpen(): boolean {
    return this.#open
  }

  whenAwake(side: 0 | 1, run: () => void): void {
    this.#clocks[side].whenAwake(run)
  }

  travel(from: 0 | 1, frame: Uint8Array, at: number): void {
    this.#arrivesAt[from] = Math.max(this.#arrivesAt[from], at)
    this.#network.later(this.#arrivesAt[from], () => this.#arrive(from, frame))
  }

  release(): void {
    for (const from of [0, 1] as const) {
      const frames = this.#heldBack[from].splice(0)
      for (const frame of frames) this.#arrive(from, frame)
    }
  }

  break(): void {
    if (!this.#open) return
    this.#open = false
    this.#broken = true
    this.#network.gone(this)
    for (const side of [0, 1] as const) {
      const closed = () => this.ends[side].closed({ code: 1006, reason: 'cut' })
      this.#network.later(0, () => this.whenAwake(side, closed))
    }
  }

  /** The side that ends it hears so at once. */
  leave(by: 0 | 1): void {
    this.close(by, 1000, 'left')
    this.#network.later(0, () => this.whenAwake(by, () => this.ends[by].closed({ code: 1006, reason: 'left' })))
  }

  abandon(by: 0 | 1): void {
    if (!this.#open) return
    this.#open = false
    this.#broken = true
    this.#network.gone(this)
    this.#network.later(0, () => this.whenAwake(by, () => this.ends[by].closed({ code: 1006, reason: 'cut' })))
  }

  close(by: 0 | 1, code: number, reason: string): void {
    if (!this.#open) return
    this.#open = false
    this.#network.gone(this)
    const other = by === 0 ? 1 : 0
    // What was handed over before still arrives, then the end of it.
    const closed = () => this.ends[other].closed({ code, reason })
    this.#network.later(this.#arrivesAt[by], () => this.whenAwake(other, closed))
  }

  #arrive(from: 0 | 1, frame: Uint8Array): void {
    if (this.#broken) return
    if (this.#network.held) {
      this.#network.heldUp()
      this.#heldBack[from].push(frame)
      return
    }
    const to = from === 0 ? 1 : 0
    this.whenAwake(to, () => this.ends[to].arrived(frame))
  }
}

class End implements Connection {
  readonly maxFrame = 65_536
  readonly buffered = 0
  readonly #network: FaultyNetwork
  readonly #pair: Pair
  readonly #side: 0 | 1
  #on: On | undefined
  #early: Uint8Array[] = []
  #ended: { code: number; reason: string } | undefined

  constructor(network: FaultyNetwork, pair: Pair, side: 0 | 1) {
    this.#network = network
    this.#pair = pair
    this.#side = side
  }

  send(frame: Uint8Array): void {
    if (this.#pair.isOpen) this.#network.send(this.#pair, this.#side, frame)
  }

  open(on: On): void {
    this.#on = on
    for (const frame of this.#early.splice(0)) on.frame(frame)
    if (this.#ended !== undefined) on.close(this.#ended)
  }

  close(code = 1000, reason = ''): void {
    this.#pair.close(this.#side, code, reason)
  }

  arrived(frame: Uint8Array): void {
    if (this.#ended !== undefined) return
    if (this.#on === undefined) this.#early.push(frame)
    else this.#on.frame(frame)
  }

  closed(why: { code: number; reason: string }): void {
    if (this.#ended !== undefined) return
    this.#ended = why
    this.#on?.close(why)
  }
}
