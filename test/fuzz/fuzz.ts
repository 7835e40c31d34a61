// Feeds a target and watches it: a typed refusal or a well-typed value, at most 1 ms for each 64 KiB, at most 16 times the
// input in memory, and nothing that all objects share is touched.

import type { Random } from '../../runtime/testing/random.ts'
import type { Target } from './targets.ts'

export interface Fault {
  readonly target: string
  readonly what: string
  readonly bytes: Uint8Array
}

const TIMES_MEMORY = 16
/** What is allocated for the smallest input: an error with its text and stack, a reader. */
const LITTLE = 65_536
/** Whoever is interrupted by a garbage collection or another process may try again so often. */
const TRIES = 8
/** The prototypes are looked at after so many. */
const EVERY = 1_024

const SHARED = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  String.prototype,
  Map.prototype,
  Set.prototype,
  Error.prototype
]
const keysOfAll = (): string => SHARED.map(each => Reflect.ownKeys(each).map(String).join()).join(';')

/**
 * The first fault among so many inputs; `undefined`: none. `milliseconds`: what each may take, for every 64 KiB that have
 * begun. Memory is measured now and then, time always.
 */
export function fuzz(
  target: Target,
  cases: number,
  random: Random,
  { memory, milliseconds = 1 }: { memory: () => number; milliseconds?: number }
): Fault | undefined {
  const shared = keysOfAll()
  for (let n = 0; n < cases; n++) {
    const bytes = target.draw(random)
    const before = performance.now()
    const what = target.feed(bytes)
    const took = performance.now() - before
    const fault = (text: string): Fault => ({ target: target.name, what: text, bytes })
    if (what !== undefined) return fault(what)
    const may = milliseconds * Math.max(1, Math.ceil(bytes.length / 65_536))
    if (took > may) {
      const least = again(() => {
        const since = performance.now()
        target.feed(bytes)
        return performance.now() - since
      }, may)
      if (least > may) return fault(`it took ${least.toFixed(2)} ms for ${bytes.length} bytes`)
    }
    if (n % EVERY !== 0) continue
    const most = LITTLE + TIMES_MEMORY * bytes.length
    const least = again(() => {
      const since = memory()
      target.feed(bytes)
      return memory() - since
    }, most)
    if (least > most) return fault(`it allocated ${least} bytes for ${bytes.length}`)
    if (keysOfAll() !== shared) return fault('it changed what all objects share')
  }
  return undefined
}

/** The least of some measurements, as soon as one is no more than allowed. */
function again(measure: () => number, allowed: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < TRIES && least > allowed; tries++) least = Math.min(least, measure())
  return least
}
