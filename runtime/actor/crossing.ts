// What may cross from one system to another, and for what may not the sentence that says where it is and what to do
// instead. The codec and copyMessages refuse by the same rules and give the same text.

/** Containers inside containers, the message itself counted. Beyond it a message is refused: nothing honest is deeper. */
export const MAX_DEPTH = 512

/** A path is a hint for people; a longer one says less. */
const MAX_PATH = 200

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

/**
 * Whether an object is data by itself: `{}`, `Object.create(null)`, or the plain object of another realm (an iframe, a
 * vm), whose prototype is a foreign Object.prototype and so has no prototype itself.
 */
export function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Why a message may not cross, with the path to the first fault; `undefined` when all of it may. */
export function refusal(message: unknown, isRef: (value: unknown) => boolean): string | undefined {
  return refusalAt(message, 'message', [], isRef)
}

/** `above` holds the containers around `value`, outermost first, each with its path. */
function refusalAt(
  value: unknown,
  path: string,
  above: Array<{ container: object; path: string }>,
  isRef: (value: unknown) => boolean
): string | undefined {
  if (typeof value === 'function') {
    return `${shown(path)} is a function; send data, and a ref where something is to be called`
  }
  if (typeof value === 'symbol') return `${shown(path)} is a symbol; send a string`
  if (typeof value !== 'object' || value === null || isRef(value)) return undefined
  if (value instanceof Date || value instanceof Error || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return undefined
  }
  const parts = partsOf(value, path)
  if (typeof parts === 'string') return parts
  const seen = above.find(one => one.container === value)
  if (seen !== undefined) return `${shown(path)} is ${shown(seen.path)} again (a cycle); send a tree, or ids`
  if (above.length >= MAX_DEPTH) return `${shown(path)} is nested deeper than ${MAX_DEPTH}; send a flatter message`
  above.push({ container: value, path })
  for (const [part, at] of parts) {
    const found = refusalAt(part, at, above, isRef)
    if (found !== undefined) return found
  }
  above.pop()
  return undefined
}

/** What a container holds, each with its path, in the order in which it crosses; or why it cannot. */
function partsOf(value: object, path: string): Iterable<readonly [unknown, string]> | string {
  if (Array.isArray(value)) return indexed(value, path)
  if (value instanceof Map) return entries(value, path)
  if (value instanceof Set) return indexed([...value], `${path}.values()`)
  if (!isPlain(value)) {
    if (value instanceof Promise) return `${shown(path)} is a promise; await it before sending, or use ctx.pipe`
    return `${shown(path)} is an instance of ${classOf(value)}; send a plain object`
  }
  if (Object.hasOwn(value, '__proto__') && Object.keys(value).includes('__proto__')) {
    return `${shown(path)} has the key "__proto__"; use another key`
  }
  return fields(value, path)
}

function* indexed(items: readonly unknown[], path: string): Iterable<readonly [unknown, string]> {
  for (let index = 0; index < items.length; index++) yield [items[index], `${path}[${index}]`]
}

function* entries(map: ReadonlyMap<unknown, unknown>, path: string): Iterable<readonly [unknown, string]> {
  let index = 0
  for (const [key, value] of map) {
    yield [key, `${path}.keys()[${index}]`]
    yield [value, `${path}.values()[${index}]`]
    index++
  }
}

function* fields(value: Record<string, unknown>, path: string): Iterable<readonly [unknown, string]> {
  for (const key of Object.keys(value)) {
    yield [value[key], IDENTIFIER.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`]
  }
}

function classOf(value: object): string {
  const made: unknown = value.constructor
  return (typeof made === 'function' && made.name) || 'a class without a name'
}

function shown(path: string): string {
  return path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}...` : path
}
