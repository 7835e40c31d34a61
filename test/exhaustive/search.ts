// Breadth first through everything that can happen to two associations within bounds. What is found first is a shortest way
// to it, so a violation is reported with few events.

import type { Open } from './end.ts'
import { Ends } from './ends.ts'
import { type Bounds, type Event, World } from './world.ts'

export interface Found {
  readonly states: number
  readonly steps: number
  /** States that one side alone has had: for each of these, and each input, the real association ran once. */
  readonly ends: number
  /** The changes of an association's phase that were seen. */
  readonly transitions: ReadonlySet<string>
  readonly violations: ReadonlyArray<{ readonly what: string; readonly events: readonly string[] }>
  /** Every way of so many events was seen; `complete`: and there are no longer ones within the bounds. */
  readonly depth: number
  readonly complete: boolean
}

export interface SearchOptions {
  /** States after which it gives up. */
  readonly most?: number
  /** A fault of tools/plants.mjs to put into the association: a search that cannot fail proves nothing. */
  readonly plant?: string
  readonly progress?: (states: number, waiting: number) => void
}

interface Trail {
  readonly event: Event
  readonly before: Trail | undefined
  /** What came of it is kept with its sides exchanged. */
  readonly swapped: boolean
}

const ENOUGH = 5
const OPEN = '../../runtime/peer/association.ts?open'

export async function search(bounds: Bounds, options: SearchOptions = {}): Promise<Found> {
  const { most = Number.POSITIVE_INFINITY, plant, progress } = options
  const source = plant === undefined ? OPEN : `${OPEN}&plant=${encodeURIComponent(plant)}`
  const ends = new Ends((await import(source)) as Open)
  const known = new Known()
  const transitions = new Set<string>()
  const violations: Array<{ what: string; events: string[] }> = []
  const { key } = World.begin(bounds, ends).form
  known.add(key)
  let layer: Array<{ key: string; trail: Trail | undefined }> = [{ key, trail: undefined }]
  let steps = 0
  let depth = 0
  layers: while (layer.length > 0) {
    const next: typeof layer = []
    for (const { key, trail } of layer) {
      const world = World.of(key, bounds, ends)
      for (const event of world.possible()) {
        const step = world.copy()
        step.apply(event)
        steps += 1
        for (const transition of step.transitions) transitions.add(transition)
        const { key, swapped } = step.form
        const way = { event, before: trail, swapped }
        if (step.wrong === undefined) {
          if (!known.add(key)) continue
          step.settle()
          if (step.wrong !== undefined) step.wrong = `nothing more goes wrong, and ${step.wrong}`
        }
        if (step.wrong === undefined) next.push({ key, trail: way })
        else violations.push({ what: step.wrong, events: eventsOf(way) })
      }
      if (violations.length >= ENOUGH || known.size >= most) break layers
    }
    progress?.(known.size, next.length)
    layer = next
    depth += 1
  }
  return { states: known.size, steps, ends: ends.size, transitions, violations, depth, complete: layer.length === 0 }
}

function eventsOf(trail: Trail): string[] {
  const trails: Trail[] = []
  for (let each: Trail | undefined = trail; each !== undefined; each = each.before) trails.unshift(each)
  let swapped = false
  return trails.map(({ event: { is, side, line }, swapped: now }) => {
    const who = ['a', 'b'][swapped ? 1 - side : side]
    if (now) swapped = !swapped
    return NAMES_LINE.has(is) ? `${is} ${who}, line ${line}` : `${is} ${who}`
  })
}

const NAMES_LINE = new Set(['deliver', 'lose', 'repeat', 'cut', 'break', 'notice', 'join'])

/** A set of texts by 64 bits of their hash: among ten million, two are taken for one with a chance of 1 in 370,000. */
class Known {
  #slots = new Uint32Array(1 << 17)
  size = 0

  /** `false` when it was there. */
  add(text: string): boolean {
    if (this.size * 4 > this.#slots.length) this.#grow()
    let low = 0x811c9dc5
    let high = 0x9e3779b9
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      low = Math.imul(low ^ code, 0x01000193)
      high = Math.imul(high ^ code, 0x85ebca6b)
      high ^= high >>> 15
    }
    // Two zeros are an empty slot.
    if (!put(this.#slots, low >>> 0, (high | 1) >>> 0)) return false
    this.size += 1
    return true
  }

  #grow(): void {
    const larger = new Uint32Array(this.#slots.length * 2)
    for (let at = 0; at < this.#slots.length; at += 2) {
      const high = this.#slots[at + 1] as number
      if (high !== 0) put(larger, this.#slots[at] as number, high)
    }
    this.#slots = larger
  }
}

/** Open addressing: the next free pair of slots after where the hash points. */
function put(slots: Uint32Array, low: number, high: number): boolean {
  const mask = slots.length - 1
  for (let at = ((low ^ (high >>> 7)) * 2) & mask; ; at = (at + 2) & mask) {
    if (slots[at + 1] === 0) {
      slots[at] = low
      slots[at + 1] = high
      return true
    }
    if (slots[at] === low && slots[at + 1] === high) return false
  }
}
