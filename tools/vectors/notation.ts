// How docs/protocol-vectors.json writes down what JSON has no form for: an object with the key `$`. Both implementations that
// are held to the vectors read this, so it knows nothing of either.

export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain }

/** A ref that is nothing but its address; '' is the address to answer to. */
export class Paper {
  readonly address: string

  constructor(address: string) {
    this.address = address
  }
}

/** The lines that open the file. */
export const NOTATION: Readonly<Record<string, string>> = {
  '{"$":"undefined"}': 'undefined',
  '{"$":"number","is":"NaN"}': 'NaN, Infinity, -Infinity, -0',
  '{"$":"bigint","is":"12"}': 'a bigint, in decimal',
  '{"$":"bytes","kind":"Uint8Array","hex":"00ff"}': 'an ArrayBuffer, typed array or DataView',
  '{"$":"date","at":0}': 'a Date, in milliseconds since 1970; null for the invalid one',
  '{"$":"map","of":[["key","value"]]}': 'a Map',
  '{"$":"set","of":["value"]}': 'a Set',
  '{"$":"error","name":"Error","message":"text","code":"A_CODE"}': 'an Error; its code, text or number, may be missing',
  '{"$":"ref","to":"actor:system/id"}': 'a ref, by its address',
  '{"$":"replyTo"}': 'the address to answer to'
}

export function plain(value: unknown): Plain {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (value === undefined) return { $: 'undefined' }
  if (typeof value === 'bigint') return { $: 'bigint', is: String(value) }
  if (typeof value === 'number') {
    const odd = !Number.isFinite(value) || Object.is(value, -0)
    return odd ? { $: 'number', is: Object.is(value, -0) ? '-0' : String(value) } : value
  }
  if (value instanceof Paper) return value.address === '' ? { $: 'replyTo' } : { $: 'ref', to: value.address }
  if (value instanceof Date) return { $: 'date', at: Number.isNaN(value.getTime()) ? null : value.getTime() }
  if (value instanceof Map) return { $: 'map', of: [...value].map(([key, item]) => [plain(key), plain(item)]) }
  if (value instanceof Set) return { $: 'set', of: [...value].map(plain) }
  if (value instanceof Error) {
    const { code } = value as { code?: string | number }
    return { $: 'error', name: value.name, message: value.message, ...(code === undefined ? {} : { code }) }
  }
  if (value instanceof ArrayBuffer) return { $: 'bytes', kind: 'ArrayBuffer', hex: hexOf(new Uint8Array(value)) }
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    return { $: 'bytes', kind: Object.prototype.toString.call(value).slice(8, -1), hex: hexOf(bytes) }
  }
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, plain(item)]))
}

export function revived(from: Plain): unknown {
  if (Array.isArray(from)) return from.map(revived)
  if (typeof from !== 'object' || from === null) return from
  switch (from.$) {
    case undefined:
      return Object.fromEntries(Object.entries(from).map(([key, item]) => [key, revived(item)]))
    case 'undefined':
      return undefined
    case 'number':
      return Number(from.is)
    case 'bigint':
      return BigInt(from.is as string)
    case 'date':
      return new Date(from.at === null ? Number.NaN : (from.at as number))
    case 'map':
      return new Map((from.of as Plain[][]).map(([key, item]) => [revived(key as Plain), revived(item as Plain)]))
    case 'set':
      return new Set((from.of as Plain[]).map(revived))
    case 'error': {
      const error = new Error(from.message as string)
      Object.defineProperty(error, 'name', { value: from.name })
      return from.code === undefined ? error : Object.assign(error, { code: from.code })
    }
    case 'bytes':
      return bytesAs(from.kind as string, bytesOf(from.hex as string))
    case 'ref':
      return new Paper(from.to as string)
    case 'replyTo':
      return new Paper('')
    default:
      throw new RangeError(`no notation: ${JSON.stringify(from)}`)
  }
}

function bytesAs(kind: string, { buffer }: Uint8Array<ArrayBuffer>): unknown {
  if (kind === 'ArrayBuffer') return buffer
  const view = (globalThis as unknown as Record<string, new (from: ArrayBuffer) => unknown>)[kind]
  if (view === undefined) throw new RangeError(`this platform has no ${kind}`)
  return new view(buffer)
}

export function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  const digits = hex.replaceAll(' ', '')
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) =>
    Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16)
  )
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
