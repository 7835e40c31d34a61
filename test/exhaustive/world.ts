// Two sides and the lines between them, as small numbers: which value each side has (ends.ts), which frames are on the way,
// and what may still happen. It chooses nothing: it says what is possible, and what comes of it.

import { DOWN_AFTER, LINES, RELAY } from './end.ts'
import type { Ends, Outcome } from './ends.ts'

/** How much of each may happen. */
export interface Bounds {
  /** Messages of each side. */
  readonly messages: number
  readonly losses: number
  readonly repeats: number
  readonly reconnects: number
  /** Of these, how many each side notices in its own time; of the others both notice at once. */
  readonly apart: number
  readonly crashes: number
  /** Times at which a side ends an epoch without a word. */
  readonly endings: number
  readonly switches: number
  /** Times at which a mailbox is full. */
  readonly jams: number
  /** Times that pass until the next timer fires. */
  readonly waits: number
}

const COUNTED = [
  'losses',
  'repeats',
  'reconnects',
  'apart',
  'crashes',
  'endings',
  'switches',
  'jams',
  'waits',
  'refusals'
] as const
type Counted = (typeof COUNTED)[number]

type Side = 0 | 1
const SIDES = [0, 1] as const

/** `line` and `side` where they matter. */
export interface Event {
  readonly is:
    | 'say'
    | 'deliver'
    | 'lose'
    | 'repeat'
    | 'cut'
    | 'break'
    | 'notice'
    | 'join'
    | 'crash'
    | 'end'
    | 'refuse'
    | 'jam'
    | 'ease'
    | 'wait'
  readonly side: Side
  readonly line: number
}

/** A connection, or where one may be. */
const NONE = 0
const WHOLE = 1
/** What is sent is lost, and not both ends know. */
const BROKEN = 2

/** More frames on the way to one side than this are a protocol that talks to itself. */
const MOST_ON_THE_WAY = 64
const MOST_TIMERS = 1_000
const SETTLED_WITHIN = 4 * DOWN_AFTER

export class World {
  readonly #ends: Ends
  readonly #messages: number
  readonly #alive = [true, true]
  readonly #end: number[]
  readonly #state: number[] = LINES.map(() => NONE)
  /** By line and side. */
  readonly #up: boolean[][] = LINES.map(() => [false, false])
  readonly #queue: number[][][] = LINES.map(() => [[], []])
  readonly left: Record<Counted, number>
  wrong: string | undefined
  transitions: string[] = []

  private constructor(ends: Ends, messages: number, left: Record<Counted, number>) {
    this.#ends = ends
    this.#messages = messages
    this.#end = [ends.first, ends.first]
    this.left = left
  }

  /** Two systems that have just found each other. */
  static begin(bounds: Bounds, ends: Ends): World {
    const { messages, ...left } = bounds
    const world = new World(ends, messages, { ...left, refusals: bounds.crashes })
    world.#join(RELAY)
    return world
  }

  copy(): World {
    const copy = new World(this.#ends, this.#messages, { ...this.left })
    for (const side of SIDES) {
      copy.#alive[side] = this.#alive[side] as boolean
      copy.#end[side] = this.#end[side] as number
    }
    for (let line = 0; line < LINES.length; line++) {
      copy.#state[line] = this.#state[line] as number
      copy.#up[line] = [...(this.#up[line] as boolean[])]
      copy.#queue[line] = (this.#queue[line] as number[][]).map(queue => [...queue])
    }
    return copy
  }

  /** As text, exact and the same for two worlds that differ only in which side is which; `swapped`: it is of the other way round. */
  get form(): { key: string; swapped: boolean } {
    const one = this.#key(0)
    const other = this.#key(1)
    return one <= other ? { key: one, swapped: false } : { key: other, swapped: true }
  }

  /** The world that a text stands for. */
  static of(key: string, { messages }: Bounds, ends: Ends): World {
    const world = new World(ends, messages, {} as Record<Counted, number>)
    let at = 0
    const next = (): number => key.charCodeAt(at++)
    for (const side of SIDES) {
      const low = next()
      const high = next()
      world.#end[side] = low | ((high & 0xff) << 16)
      world.#alive[side] = high >= 0x100
    }
    for (let line = 0; line < LINES.length; line++) {
      const bits = next()
      world.#state[line] = bits & 3
      world.#up[line] = [(bits & 4) !== 0, (bits & 8) !== 0]
      for (const side of SIDES) {
        const queue = world.#queueTo(line, side)
        for (let length = next(); length > 0; length--) queue.push(next())
      }
    }
    for (const name of COUNTED) world.left[name] = next()
    return world
  }

  #key(first: Side): string {
    const second = (1 - first) as Side
    const codes: number[] = []
    for (const side of [first, second]) {
      const end = this.#end[side] as number
      codes.push(end & 0xffff, (end >> 16) | (this.#alive[side] ? 0x100 : 0))
    }
    for (let line = 0; line < LINES.length; line++) {
      const up = this.#up[line] as boolean[]
      codes.push((this.#state[line] as number) | (up[first] ? 4 : 0) | (up[second] ? 8 : 0))
      for (const side of [first, second]) {
        const queue = this.#queueTo(line, side)
        codes.push(queue.length, ...queue)
      }
    }
    for (const name of COUNTED) codes.push(this.left[name])
    return String.fromCharCode(...codes)
  }

  // what may happen -------------------------------------------------------------------------------------------------------

  possible(): Event[] {
    const { left } = this
    const events: Event[] = []
    for (const side of SIDES) {
      if (!this.#alive[side]) continue
      const end = this.#ends.get(this.#end[side] as number)
      if (end.said < this.#messages) events.push({ is: 'say', side, line: 0 })
      if (left.crashes > 0) events.push({ is: 'crash', side, line: 0 })
      if (left.endings > 0 && end.isOpen) events.push({ is: 'end', side, line: 0 })
      if (end.jammed) events.push({ is: 'ease', side, line: 0 })
      else if (left.jams > 0) events.push({ is: 'jam', side, line: 0 })
      // The relay knows that the other is gone, and says so.
      if (left.refusals > 0 && !this.#alive[1 - side] && this.#isUp(RELAY, side))
        events.push({ is: 'refuse', side, line: 0 })
    }
    for (let line = 0; line < LINES.length; line++) {
      const state = this.#state[line]
      for (const side of SIDES) {
        if (state === BROKEN && this.#isUp(line, side)) events.push({ is: 'notice', side, line })
        if (this.#queueTo(line, side).length === 0) continue
        events.push({ is: 'deliver', side, line })
        if (left.losses > 0) events.push({ is: 'lose', side, line })
        if (left.repeats > 0) events.push({ is: 'repeat', side, line })
      }
      const both = this.#alive[0] && this.#alive[1]
      if (state === WHOLE && both && left.reconnects > 0) {
        events.push({ is: 'cut', side: 0, line })
        if (left.apart > 0) events.push({ is: 'break', side: 0, line })
      }
      if (state === NONE && both && (line === RELAY || left.switches > 0)) events.push({ is: 'join', side: 0, line })
    }
    if (left.waits > 0 && this.#due() !== Number.POSITIVE_INFINITY) events.push({ is: 'wait', side: 0, line: 0 })
    return events
  }

  apply({ is, side, line }: Event): void {
    const { left } = this
    switch (is) {
      case 'say':
      case 'end':
      case 'jam':
      case 'ease':
        if (is === 'jam') left.jams -= 1
        if (is === 'end') left.endings -= 1
        this.#give(side, this.#ends.after(this.#end[side] as number, is))
        break
      case 'deliver':
        this.#deliver(line, side)
        break
      case 'lose':
        left.losses -= 1
        this.#queueTo(line, side).shift()
        break
      case 'repeat': {
        left.repeats -= 1
        // Delivered now, and once more behind all that is on the way.
        const queue = this.#queueTo(line, side)
        queue.push(queue[0] as number)
        this.#deliver(line, side)
        break
      }
      case 'cut':
        left.reconnects -= 1
        this.#break(line)
        for (const each of SIDES) this.#notice(line, each)
        break
      case 'break':
        left.reconnects -= 1
        left.apart -= 1
        this.#break(line)
        break
      case 'notice':
        this.#notice(line, side)
        break
      case 'join':
        if (line !== RELAY) left.switches -= 1
        this.#join(line)
        break
      case 'crash':
        left.crashes -= 1
        this.#crash(side)
        break
      case 'refuse':
        left.refusals -= 1
        this.#give(side, this.#ends.after(this.#end[side] as number, 'refused'))
        break
      case 'wait':
        left.waits -= 1
        this.#wait(this.#due())
        break
      default:
        is satisfies never
    }
    this.#check()
  }

  /** From here on nothing goes wrong any more: everything has to settle. */
  settle(): void {
    for (const side of SIDES) {
      if (this.#alive[side] && this.#ends.get(this.#end[side] as number).jammed) {
        this.#give(side, this.#ends.after(this.#end[side] as number, 'ease'))
      }
    }
    let passed = 0
    for (let timers = 0; ; timers++) {
      this.#deliverAll()
      const due = this.#due()
      if (this.wrong !== undefined || this.#quiet() || passed + due > SETTLED_WITHIN) break
      if (timers > MOST_TIMERS) this.wrong = 'timers fire for ever'
      passed += due
      this.#wait(due)
    }
    this.#check()
    const ends = this.#end.map(number => this.#ends.get(number))
    for (const side of SIDES) {
      const [end, other] = [ends[side], ends[1 - side]]
      if (end === undefined || other === undefined || !this.#alive[side]) continue
      if (!this.#alive[1 - side]) {
        if (end.isOpen) this.wrong ??= 'nobody heard that the other side is gone'
        continue
      }
      if (!end.settled) this.wrong ??= 'something waits for its ack for ever'
      if ((((1 << (end.said + 1)) - 2) & ~end.unknown & ~other.got) !== 0)
        this.wrong ??= 'a message was lost in silence'
      if (end.isOpen !== other.isOpen) this.wrong ??= 'an epoch is open at one side only'
    }
  }

  // how it happens --------------------------------------------------------------------------------------------------------

  #give(side: Side, { end, sent, wrong, transition }: Outcome): void {
    this.#end[side] = end
    this.wrong ??= wrong
    if (transition !== undefined) this.transitions.push(transition)
    const to = (1 - side) as Side
    for (let i = 0; i < sent.length; i += 2) {
      const line = sent[i] as number
      if (!this.#isUp(line, side)) this.wrong ??= 'a frame left by a path that is down'
      if (this.#state[line] !== WHOLE || !this.#alive[to]) continue
      const queue = this.#queueTo(line, to)
      queue.push(sent[i + 1] as number)
      if (queue.length > MOST_ON_THE_WAY) this.wrong ??= 'ever more frames are on the way'
    }
  }

  #deliver(line: number, side: Side): void {
    const frame = this.#queueTo(line, side).shift() as number
    this.#give(side, this.#ends.after(this.#end[side] as number, 'hear', 2 * frame + line))
  }

  #join(line: number): void {
    this.#state[line] = WHOLE
    const up = this.#up[line] as boolean[]
    for (const side of SIDES) up[side] = true
    for (const side of SIDES) this.#give(side, this.#ends.after(this.#end[side] as number, 'up', line))
  }

  #break(line: number): void {
    this.#state[line] = BROKEN
    for (const side of SIDES) this.#queueTo(line, side).length = 0
  }

  #notice(line: number, side: Side): void {
    const up = this.#up[line] as boolean[]
    up[side] = false
    // What had arrived before the connection broke is read before its end, or not at all.
    this.#queueTo(line, side).length = 0
    if (!up[0] && !up[1]) this.#state[line] = NONE
    this.#give(side, this.#ends.after(this.#end[side] as number, 'down', line))
  }

  #crash(side: Side): void {
    this.#alive[side] = false
    for (let line = 0; line < LINES.length; line++) {
      this.#queueTo(line, side).length = 0
      const up = this.#up[line] as boolean[]
      up[side] = false
      // The relay of the other side stays where it is; a direct line is broken.
      if (line !== RELAY && this.#state[line] === WHOLE) this.#state[line] = BROKEN
      if (!up[0] && !up[1]) this.#state[line] = NONE
    }
  }

  #due(): number {
    const due = (side: Side): number =>
      this.#alive[side] ? Math.max(0, this.#ends.get(this.#end[side] as number).due) : Number.POSITIVE_INFINITY
    return Math.min(due(0), due(1))
  }

  #wait(time: number): void {
    for (const side of SIDES) {
      if (this.#alive[side]) this.#give(side, this.#ends.after(this.#end[side] as number, 'age', time))
    }
  }

  #deliverAll(): void {
    for (let guard = 0; guard < 1_000; guard++) {
      let moved = false
      for (let line = 0; line < LINES.length; line++) {
        for (const side of SIDES) {
          if (this.#state[line] === BROKEN && this.#isUp(line, side)) {
            this.#notice(line, side)
            moved = true
          }
          if (this.#queueTo(line, side).length === 0) continue
          this.#deliver(line, side)
          moved = true
        }
      }
      if (this.#state[RELAY] === NONE && this.#alive[0] && this.#alive[1]) {
        this.#join(RELAY)
        moved = true
      }
      if (!moved) return
    }
    this.wrong ??= 'two sides talk without an end'
  }

  #quiet(): boolean {
    const [a, b] = this.#end.map(number => this.#ends.get(number))
    if (a === undefined || b === undefined) return true
    if (this.#alive[0] && this.#alive[1]) return a.settled && b.settled && a.isOpen === b.isOpen
    return !(this.#alive[0] && a.isOpen) && !(this.#alive[1] && b.isOpen)
  }

  /** An ack is true; what one side has heard in which order, it checks itself (end.ts). */
  #check(): void {
    for (const side of SIDES) {
      const end = this.#ends.get(this.#end[side] as number)
      const other = this.#ends.get(this.#end[1 - side] as number)
      if ((end.acknowledged & ~other.got) !== 0) this.wrong ??= 'a message was acknowledged and never handed over'
    }
  }

  #isUp(line: number, side: Side): boolean {
    return (this.#up[line] as boolean[])[side] === true
  }

  #queueTo(line: number, side: Side): number[] {
    return (this.#queue[line] as number[][])[side] as number[]
  }
}
