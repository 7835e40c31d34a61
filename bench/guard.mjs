// What does the structural guard take of decoding what guests say, and what a schema besides?
// node --import ../tools/ts.mjs guard.mjs <"guarded" | "unguarded" | "zod" | "valibot" | "arktype"> <case>
//
//   guarded     as guests' bytes are decoded
//   unguarded   the same bytes as of a node that is trusted; what msgpackr has packed goes to it alone, and is not looked over
//   others      the check of the message that was decoded, and nothing else

// That of the package, not this folder's: that one has a native part, which the runtime does without.
import { Unpackr } from '../node_modules/msgpackr/unpack.js'
import { ByteBuffer, ByteReader, Decoder, Encoder, GUEST_LIMITS } from '../runtime/peer/codec.ts'
import { Tag } from '../runtime/peer/tag.ts'
import { name, peer, quick, report } from './program.mjs'

const text = 'the quick brown fox jumps over the lazy dog'

const messages = {
  'small, shaped': () => ({ type: 'add', n: 1, to: 'basket' }),
  'nested, 1 KiB': () => ({
    type: 'order',
    id: 'c6b1f6a4-27d1',
    customer: { name: 'Ada Lovelace', mail: 'ada@example.org', address: { street: text, city: 'London', code: 'W1' } },
    items: Array.from({ length: 12 }, (_, n) => ({ sku: `sku-${n}`, count: n, price: 9.99 + n, tags: ['new', text] }))
  }),
  'rows, 64 KiB': () => ({
    type: 'rows',
    rows: Array.from({ length: 640 }, (_, n) => ({ id: n, name: `${text} ${n}`, score: n / 7, open: n % 2 === 0 }))
  }),
  'binary, 64 KiB': () => ({ type: 'data', data: new Uint8Array(65_000).fill(7) })
}

/** Sends a message to itself twice: the second time its shapes are known, as they mostly are. */
function bytesOf(message) {
  const large = JSON.stringify(message).length > 60_000
  const encoder = new Encoder(refs)
  const [first, then] = [1, 2].map(() => {
    const buffer = new ByteBuffer()
    if (large) encoder.encodeAlone(message, buffer)
    else encoder.encode(message, buffer)
    return buffer.bytes.slice(0, buffer.at)
  })
  return { first, then }
}

const refs = { isRef: () => false, addressOf: () => '', refOf: () => undefined }

function decoding(guard) {
  const { first, then } = bytesOf(messages[name]())
  const decoder = new Decoder(refs, guard)
  const decode = bytes => decoder.decode(new ByteReader(bytes))
  decode(first)
  if (guard !== undefined || then[0] !== Tag.packed) return () => decode(then)
  const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true })
  const filled = new ByteReader(then, 1)
  filled.raw(filled.varint())
  // A hole is filled by the decoder; only a tree without any is msgpackr's alone.
  if (filled.varint() > 0) return () => decode(then)
  return () => {
    const reader = new ByteReader(then, 1)
    return unpackr.unpack(reader.raw(reader.varint()))
  }
}

const schemas = {
  async zod() {
    return built((await import('zod')).z)
  },

  async valibot() {
    return built(await import('valibot'))
  },

  async arktype() {
    const { type } = await import('arktype')
    const item = type({ sku: 'string', count: 'number', price: 'number', tags: 'string[]' })
    const address = { street: 'string', city: 'string', code: 'string' }
    const row = type({ id: 'number', name: 'string', score: 'number', open: 'boolean' })
    return {
      'small, shaped': () => type({ type: '"add"', n: 'number', to: 'string' }),
      'nested, 1 KiB': () =>
        type({
          type: '"order"',
          id: 'string',
          customer: { name: 'string', mail: 'string', address },
          items: item.array()
        }),
      'rows, 64 KiB': () => type({ type: '"rows"', rows: row.array() })
    }
  }
}

/** zod and valibot name what is used here alike. */
function built({ array, boolean, literal, number, object, string }) {
  const item = object({ sku: string(), count: number(), price: number(), tags: array(string()) })
  const address = object({ street: string(), city: string(), code: string() })
  const row = object({ id: number(), name: string(), score: number(), open: boolean() })
  return {
    'small, shaped': () => object({ type: literal('add'), n: number(), to: string() }),
    'nested, 1 KiB': () =>
      object({
        type: literal('order'),
        id: string(),
        customer: object({ name: string(), mail: string(), address }),
        items: array(item)
      }),
    'rows, 64 KiB': () => object({ type: literal('rows'), rows: array(row) })
  }
}

async function checking() {
  const schema = (await schemas[peer]())[name]()
  const message = messages[name]()
  return () => {
    const result = schema['~standard'].validate(message)
    if (result.issues !== undefined) throw new Error('the message does not fit its schema')
    return result.value
  }
}

const work = { guarded: () => decoding(GUEST_LIMITS), unguarded: () => decoding(undefined) }
const once = await (work[peer] ?? checking)()

/** Rounds by the time that this process had the processor; the best counts, since only other programs make one slower. */
let rate = 0
const length = quick ? 20_000 : 250_000
for (let round = 0; round < 8; round++) {
  const began = process.cpuUsage()
  let done = 0
  let micros = 0
  while (micros < length) {
    for (let n = 0; n < 256; n++) once()
    done += 256
    const { user, system } = process.cpuUsage(began)
    micros = user + system
  }
  rate = Math.max(rate, (done / micros) * 1e6)
}
report({ rate, unit: 'messages/s' })
