// With `copyMessages` every local message is copied as if it had crossed to another system, and what could not cross is refused
// with the sentence that the codec would give. Also clones the initial state of each life.

import { isPlain, MAX_DEPTH, refusal } from './crossing.ts'
import { ActorError } from './errors.ts'
import { Ref } from './ref.ts'

/** A deep copy; refs stay themselves. Throws ACTOR_UNSERIALISABLE with the path to what cannot cross. */
export function copy(value: unknown): unknown {
  const why = refusal(value, each => each instanceof Ref)
  if (why !== undefined) throw new ActorError('ACTOR_UNSERIALISABLE', why)
  return copyAt(value, 0)
}

function copyAt(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Ref) return value
  // Only a getter that answers otherwise the second time gets here.
  if (depth > MAX_DEPTH) throw new ActorError('ACTOR_UNSERIALISABLE', 'the message changes')
  const inside = (each: unknown) => copyAt(each, depth + 1)
  if (Array.isArray(value)) return Array.from(value, inside)
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [inside(key), inside(each)]))
  if (value instanceof Set) return new Set([...value].map(inside))
  if (value instanceof Error) return copyError(value)
  // A subclass such as Node's Buffer crosses as the bytes it is.
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (!isPlain(value)) return structuredClone(value)
  const result: Record<string, unknown> = {}
  for (const key of Object.keys(value)) result[key] = inside(value[key])
  return result
}

/** Name, message and code, as errors cross. */
function copyError(error: Error): Error {
  const { code } = error as { code?: unknown }
  const result = new Error(error.message)
  Object.defineProperty(result, 'name', { value: error.name, configurable: true, writable: true })
  return typeof code === 'string' ? Object.assign(result, { code }) : result
}
