// One side: a real association, with its own time and what its system has seen, as a value. It takes one input and becomes
// another value; the same input always gives the same, so the search (search.ts) lets it happen once and remembers.

import type * as Module from '../../runtime/peer/association.ts'
import type { Epoch } from '../../runtime/peer/epoch.ts'
import { HEAD_BYTES, ROUTE_BYTES } from '../../runtime/peer/frame.ts'
import { type Account, Memory } from '../../runtime/peer/memory.ts'
import type { Path } from '../../runtime/peer/path.ts'

/** The module with its private fields open to reading (`?open`, tools/ts-hooks.mjs): the code is the same. */
export type Open = typeof Module
type Fields = Record<string, unknown>

/** The relay that is there from the start, and the better way that may come up, by their cost. */
export const LINES = [1, 0] as const
export const RELAY = 0
export const DOWN_AFTER = 30_000
const WINDOW = 1_048_576
/** No message of a search is ever short of memory. */
const PLENTY = new Memory(Number.MAX_SAFE_INTEGER)

export type Input =
  | { readonly is: 'say' | 'refused' | 'end' | 'jam' | 'ease' }
  | { readonly is: 'up' | 'down'; readonly line: number }
  | { readonly is: 'hear'; readonly line: number; readonly frame: Uint8Array }
  | { readonly is: 'age'; readonly by: number }

export interface Sent {
  readonly line: number
  readonly frame: Uint8Array
}

export class End implements Module.AssociationPort {
  readonly association: Module.Association
  readonly #module: Open
  readonly #paths: Path[]
  #time = 1
  #wakeAt = Number.POSITIVE_INFINITY
  /** The last message that was handed over, and whether an epoch began since. */
  #last = 0
  #fresh = false
  #parked: number | undefined
  jammed = false
  isOpen = false
  /** Messages said so far; sets of messages, as bits: what was handed over, what an end has left open. */
  said = 0
  got = 0
  unknown = 0
  /** Of the last input. */
  sent: Sent[] = []
  wrong: string | undefined

  constructor(module: Open) {
    this.#module = module
    this.#paths = LINES.map((cost, line) => ({
      cost,
      buffered: 0,
      send: frame => void this.sent.push({ line, frame: frame.slice() })
    }))
    this.association = new module.Association(this, {
      from: new Uint8Array(16),
      to: new Uint8Array(16),
      window: WINDOW,
      downAfter: DOWN_AFTER
    })
  }

  /** What becomes of it. */
  after(input: Input): End {
    const end = this.#copy()
    const { association } = end
    switch (input.is) {
      case 'say': {
        end.said += 1
        const frame = new Uint8Array(HEAD_BYTES + 1)
        frame[HEAD_BYTES] = end.said
        association.push(frame, 1)
        break
      }
      case 'hear':
        association.accept(end.#path(input.line), input.frame.slice())
        break
      case 'up':
        association.pathUp(end.#path(input.line))
        break
      case 'down':
        association.pathDown(end.#path(input.line))
        break
      case 'refused':
        association.pathRefused(end.#path(RELAY))
        break
      case 'end':
        association.abandon()
        break
      case 'jam':
        end.jammed = true
        break
      case 'ease':
        end.#ease()
        break
      case 'age':
        end.#time += input.by
        if (end.#wakeAt <= end.#time) {
          end.#wakeAt = Number.POSITIVE_INFINITY
          association.step()
        }
        break
      default:
        input satisfies never
    }
    return end
  }

  /** How long until its timer fires. */
  get due(): number {
    return this.#wakeAt - this.#time
  }

  /** Messages, as bits, that it takes for handed over at the other side. */
  get acknowledged(): number {
    const certain = this.said - this.association.unackedBatches
    return ((1 << (certain + 1)) - 2) & ~this.unknown
  }

  get settled(): boolean {
    return this.association.unackedBatches === 0
  }

  // the association's port ------------------------------------------------------------------------------------------------

  account(): Account {
    return PLENTY.account(false)
  }

  now(): number {
    return this.#time
  }

  wake(at: number): void {
    this.#wakeAt = at
  }

  receive(frame: Uint8Array, start: number): boolean {
    const message = frame[start] as number
    if (this.jammed) {
      this.#parked = message
      return false
    }
    this.#take(message)
    return true
  }

  opened(): void {
    if (this.isOpen) this.wrong = 'an epoch began while one was open'
    this.isOpen = true
    this.#fresh = true
  }

  ended(_why: Module.EndReason, held: readonly Uint8Array[], unacknowledged: number): void {
    if (!this.isOpen) this.wrong = 'the end of an epoch that was over'
    this.isOpen = false
    // What arrived and found no room becomes dead letters here, in order: disposed of all the same.
    for (const frame of held) this.#take(frame[HEAD_BYTES] as number)
    this.#parked = undefined
    for (let n = this.said; n > this.said - unacknowledged; n--) this.unknown |= 1 << n
  }

  room(): void {}

  awaited(): boolean {
    return this.isOpen
  }

  #take(message: number): void {
    if (message <= this.#last) this.wrong = `message ${message} after ${this.#last}`
    // Who had no epoch open has nobody to tell of a loss; within one epoch nothing lacks.
    else if (message > this.#last + 1 && !this.#fresh)
      this.wrong = `message ${message} after ${this.#last} in one epoch`
    this.#last = message
    this.#fresh = false
    this.got |= 1 << message
    this.association.epoch?.give(1)
  }

  #ease(): void {
    this.jammed = false
    if (this.#parked === undefined) return
    const message = this.#parked
    this.#parked = undefined
    this.#take(message)
    this.association.disposed()
  }

  // as a value ------------------------------------------------------------------------------------------------------------

  /** All that decides what it does from now on, with times counted from now. */
  get digest(): string {
    const parts: unknown[] = [
      this.due,
      this.#last,
      this.#fresh,
      this.#parked,
      this.jammed,
      this.isOpen,
      this.said,
      this.got,
      this.unknown
    ]
    for (const [field, value] of Object.entries(this.association)) {
      if (NOT_STATE.has(field)) continue
      if (field === '$paths') parts.push((value as Path[]).map(path => path.cost).join())
      else if (field === '$path') parts.push((value as Path | undefined)?.cost)
      else if (field === '$epoch') parts.push(value === undefined ? '-' : this.#digestOf(value as Fields))
      else parts.push(TIMES.has(field) && typeof value === 'number' ? value - this.#time : value)
    }
    return parts.join('|')
  }

  #digestOf(epoch: Fields): string {
    const parts: unknown[] = []
    for (const [field, value] of Object.entries(epoch)) {
      if (NOT_STATE.has(field)) continue
      if (field === 'queue') {
        for (const { at, resent, frame } of value as Batch[]) {
          parts.push(at === 0 ? 'new' : at - this.#time, resent, frame[HEAD_BYTES])
        }
      } else if (field === 'told') parts.push(Object.values(value as object).join())
      else parts.push(field === 'ackDue' ? (value as number) - this.#time : value)
    }
    return parts.join(';')
  }

  #path(line: number): Path {
    return this.#paths[line] as Path
  }

  #copy(): End {
    const copy = new End(this.#module)
    copy.#time = this.#time
    copy.#wakeAt = this.#wakeAt
    copy.#last = this.#last
    copy.#fresh = this.#fresh
    copy.#parked = this.#parked
    copy.jammed = this.jammed
    copy.isOpen = this.isOpen
    copy.said = this.said
    copy.got = this.got
    copy.unknown = this.unknown
    const to = copy.association as unknown as Fields
    const moved = (path: Path): Path => copy.#path(this.#paths.indexOf(path))
    for (const [field, value] of Object.entries(this.association)) {
      if (NOT_STATE.has(field)) continue
      if (field === '$paths') to[field] = (value as Path[]).map(moved)
      else if (field === '$path') to[field] = value === undefined ? undefined : moved(value as Path)
      else if (field === '$epoch') to[field] = value === undefined ? undefined : copy.#copyOf(value as Fields)
      else to[field] = value
    }
    return copy
  }

  #copyOf(epoch: Fields): Epoch {
    const Opened = epoch.constructor as typeof Epoch
    const copy = new Opened(epoch.number as number, PLENTY.account(false), this.association)
    const to = copy as unknown as Fields
    for (const [field, value] of Object.entries(epoch)) {
      if (NOT_STATE.has(field)) continue
      if (field === 'queue') to[field] = (value as Batch[]).map(batch => ({ ...batch, frame: batch.frame.slice() }))
      else if (field === 'told') to[field] = { ...(value as object) }
      else if (field === 'held') to[field] = [...(value as Uint8Array[])]
      else to[field] = value
    }
    return copy
  }
}

interface Batch {
  readonly at: number
  readonly resent: boolean
  readonly frame: Uint8Array
}

/** Fields of an association and its epoch that are given to them, or are scratch space. */
const NOT_STATE = new Set(['$port', '$options', '$head', '$feed', '$association', 'account'])
const TIMES = new Set(['$waiting', '$probeAt', '$heard', '$wakeAt'])

/** What of a frame decides what it does. */
export function textOf(frame: Uint8Array): string {
  return String.fromCharCode(...frame.subarray(ROUTE_BYTES))
}
