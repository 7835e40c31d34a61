// With `copyMessages` every local message is copied as if it had crossed the wire, and what could not cross is refused with the
// path to it. Also clones the initial state of each life.

import { ActorError } from './errors.ts'
import { Ref } from './ref.ts'

/** Deeper than any sane message; keeps a cycle from overflowing the stack. */
const DEPTH = 512

/** A deep copy. Throws ACTOR_UNSERIALISABLE with the path, `root` first. Refs stay themselves. */
export function copy(value: unknown, root: string): unknown {
  return copyAt(value, root, 0)
}

function copyAt(value: unknown, path: string, depth: number): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') throw refusal(path, `a ${typeof value}`)
  if (typeof value !== 'object' || value === null || value instanceof Ref) return value
  if (depth === DEPTH) throw refusal(path.slice(0, 80), `deeper than ${DEPTH}, or contains itself`)
  const next = depth + 1
  if (Array.isArray(value)) return Array.from(value, (each, at) => copyAt(each, `${path}[${at}]`, next))
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) {
    const result: Record<string, unknown> = {}
    for (const key of Object.keys(value)) {
      const each = copyAt((value as Record<string, unknown>)[key], `${path}.${key}`, next)
      // A plain assignment to this key would set the prototype.
      if (key === '__proto__') Object.defineProperty(result, key, { value: each, enumerable: true, configurable: true, writable: true })
      else result[key] = each
    }
    return result
  }
  if (value instanceof Date) return new Date(value.getTime())
  if (value instanceof Map) {
    const pair = ([key, each]: [unknown, unknown], at: number): [unknown, unknown] => [
      copyAt(key, `${path}.key(${at})`, next),
      copyAt(each, `${path}.value(${at})`, next)
    ]
    return new Map([...value].map(pair))
  }
  if (value instanceof Set) return new Set([...value].map((each, at) => copyAt(each, `${path}.value(${at})`, next)))
  if (value instanceof Error) return copyError(value)
  if (value instanceof ArrayBuffer || (ArrayBuffer.isView(value) && !isBuffer(value))) return structuredClone(value)
  if (value instanceof Uint8Array) return new Uint8Array(value)
  throw refusal(path, `a ${(value as { constructor?: { name?: string } }).constructor?.name || 'class instance'}`)
}

/** Name, message and code, as errors cross the wire. */
function copyError(error: Error): Error {
  const { code } = error as { code?: unknown }
  const result = new Error(error.message)
  Object.defineProperty(result, 'name', { value: error.name, configurable: true, writable: true })
  return typeof code === 'string' ? Object.assign(result, { code }) : result
}

/** A subclass such as Node's Buffer crosses as the bytes it is. */
function isBuffer(view: ArrayBufferView): boolean {
  return view instanceof Uint8Array && view.constructor !== Uint8Array
}

function refusal(path: string, what: string): ActorError {
  return new ActorError('ACTOR_UNSERIALISABLE', `${path} is ${what}, which cannot be sent; send plain data and refs`)
}
