import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import { codeOf } from '../../../runtime/actor/errors.ts'
import { BrokenFrame, ByteBuffer, ByteReader, Decoder, Encoder, GUEST_LIMITS } from '../../../runtime/peer/codec.ts'
import { MAX_ADDRESSES, MAX_SHAPES, MAX_TABLE_BYTES } from '../../../runtime/peer/fast-lane.ts'
import { hex, PaperRef, pair, paperRefs, thrown } from '../../support/codec.ts'

const wide = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`key${index}`, index]))
const ref = new PaperRef('actor:system/a')

/** A batch that shows every kind of value, defined, numbered and packed. */
const batch: unknown[] = [
  { type: 'inc', n: 1 },
  { type: 'inc', n: -70_000 },
  { type: 'say', text: 'é', by: ref, tags: ['a', 'x'.repeat(40), null, undefined, true] },
  { type: 'say', text: 'b', by: ref, tags: [1.5, -0, 2 ** 40] },
  { type: 'say', text: '', by: ref, tags: [] },
  { ...wide, ref, un: undefined, deep: [{ a: -0 }, 'text', 300, -300, 1.25] },
  new Map<unknown, unknown>([
    ['a', new Set([1, 2])],
    [{ k: 1 }, new Date(5)]
  ]),
  [new Uint8Array([1, 2, 3]), new Float64Array([1.5]), 12345678901234567890n, -5n],
  Object.assign(new Error('no'), { code: 'E_NO' })
]

function encoded(messages: readonly unknown[]): { bytes: Uint8Array; ends: number[] } {
  const encoder = new Encoder(paperRefs())
  const into = new ByteBuffer()
  const ends = messages.map(message => {
    encoder.encode(message, into)
    return into.at
  })
  return { bytes: into.bytes.slice(0, into.at), ends }
}

/** All messages of a batch, with `undefined` where only the content was at fault, up to the first broken frame. */
function decoded(bytes: Uint8Array, guest: boolean) {
  const decoder = new Decoder(paperRefs(), guest ? GUEST_LIMITS : undefined)
  const reader = new ByteReader(bytes)
  const messages: unknown[] = []
  while (reader.at < bytes.length) {
    const { at } = reader
    try {
      messages.push(decoder.decode(reader))
    } catch (error) {
      if (codeOf(error) !== 'ACTOR_INVALID') throw error
      if (error instanceof BrokenFrame) return { messages, broken: true }
      messages.push(undefined)
    }
    if (reader.at <= at || reader.at > bytes.length) expect.fail(`went from ${at} to ${reader.at} of ${bytes.length}`)
  }
  return { messages, broken: false }
}

const built: readonly unknown[] = [
  ...[Object, Array, Map, Set, Date, Error, PaperRef, ArrayBuffer, DataView, Int8Array, Uint8Array, Uint8ClampedArray],
  ...[Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array]
].map(one => one.prototype)

/** Only what may be built: data with the platform's own prototypes, refs, and nothing that can be called. */
function expectData(value: unknown): void {
  if (typeof value === 'function' || typeof value === 'symbol') expect.fail(`a ${typeof value} was built`)
  if (typeof value !== 'object' || value === null) return
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!built.includes(prototype)) expect.fail('an object of another class was built')
  if (value instanceof Map) for (const entry of value) entry.forEach(expectData)
  else if (value instanceof Set) value.forEach(expectData)
  else if (prototype === Object.prototype || Array.isArray(value)) Object.values(value).forEach(expectData)
}

/** A guest's packed message with a body of one's own making. */
function packed(body: string, holes: string[] = []): Uint8Array {
  const into = new ByteBuffer()
  into.u8(0xce)
  into.varint(hex(body).length)
  into.raw(hex(body))
  into.varint(holes.length)
  for (const hole of holes) into.raw(hex(hole))
  return into.bytes.slice(0, into.at)
}

describe('hostile bytes', () => {
  const before = Object.getOwnPropertyNames(Object.prototype)

  afterEach(() => expect(Object.getOwnPropertyNames(Object.prototype)).to.deep.equal(before))

  for (const [who, guest] of [
    ['a node', false],
    ['a guest', true]
  ] as const) {
    it(`of ${who}, cut at any byte, give the messages before the cut and no more`, () => {
      const { bytes, ends } = encoded(batch)
      const whole = decoded(bytes, guest).messages
      for (let cut = 0; cut < bytes.length; cut++) {
        const { messages, broken } = decoded(bytes.slice(0, cut), guest)
        const complete = ends.filter(end => end <= cut).length
        expect(isDeepStrictEqual(messages, whole.slice(0, complete)), `cut at ${cut}`).to.equal(true)
        expect(broken).to.equal(!ends.includes(cut) && cut > 0)
      }
    })

    it(`of ${who}, with any single bit flipped, give well-formed data or ACTOR_INVALID`, () => {
      const { bytes } = encoded(batch)
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = bytes.slice()
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
        expectData(decoded(flipped, guest).messages)
      }
    })

    it(`of ${who}, at random, give well-formed data or ACTOR_INVALID`, () => {
      const anything = fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc
          .array(fc.oneof(fc.integer({ min: 0xb0, max: 0xd6 }), fc.integer({ min: 0, max: 40 })), { maxLength: 200 })
          .map(list => Uint8Array.from(list)),
        fc.uint8Array({ maxLength: 60 }).map(body => new Uint8Array([0xce, body.length, ...body, 0]))
      )
      fc.assert(
        fc.property(anything, bytes => expectData(decoded(bytes, guest).messages)),
        { numRuns: 3000 }
      )
    })
  }

  for (const [title, bytes] of [
    ['an array that announces more than follows', 'c8 ff ff ff ff 07'],
    ['a map that announces more than follows', 'd2 ff ff ff ff 07'],
    ['a set that announces more than follows', 'd3 ff ff ff ff 07'],
    ['bytes that announce more than follow', 'cf 01 ff ff ff ff 07 00'],
    ['a bigint that announces more than follows', 'd1 ff ff ff ff 07 00'],
    ['text that announces more than follows', 'c7 ff ff ff ff 07 61'],
    ['packed bytes that announce more than follow', 'ce ff ff ff ff 07 01'],
    ['arrays that announce much, in one another', 'c8 40 c8 40 c8 40'],
    ['an unknown kind of value', 'ff'],
    ['a shape that was not defined', '40'],
    ['a shape far beyond the table', 'c9 ff ff ff ff 07'],
    ['an address that was not defined', 'cb 00'],
    ['a shape of too many keys', 'ca ff'],
    ['a shape with a key twice', 'ca 04 01 61 01 61 01 02'],
    ['a shape with a type but no such key', 'ca 03 01 61 01 62 00'],
    ['a shape with a long key', `ca 02 41 ${'61'.repeat(65)} 00`],
    ['an address that is too long', `cd 81 02 ${'61'.repeat(257)}`]
  ] as const) {
    it(`are a broken frame: ${title}`, () => {
      for (const guest of [true, false]) {
        const decoder = new Decoder(paperRefs(), guest ? GUEST_LIMITS : undefined)
        expect(thrown(() => decoder.decode(new ByteReader(hex(bytes))))).to.be.instanceOf(BrokenFrame)
      }
    })
  }

  for (const [title, bytes, says] of [
    ['17 arrays in one another', hex(`${'a1'.repeat(16)} a0`), 'nested deeper than 16'],
    ['100,000 arrays in one another', hex(`${'a1'.repeat(100_000)} a0`), 'nested deeper than 16'],
    ['100,000 maps in one another', hex(`${'d2 01 00'.repeat(100_000)} 00`), 'nested deeper than 16'],
    ['100,000 objects in one another', hex(`ca 02 01 61 ${'40'.repeat(100_000)} 00`), 'nested deeper than 16'],
    ['100,000 packed values in one another', hex(`${'ce 03 d40000 01'.repeat(100_000)} 00`), 'no container'],
    ['100,000 packed arrays in one another', hex(`${'ce 04 91d40000 01'.repeat(100_000)} 00`), 'nested deeper than 16'],
    ['100,000 errors in one another', hex(`${'d4 00 00'.repeat(100_000)} 00`), 'ill-formed code'],
    ['10,001 values', hex(`c8 91 4e ${'00'.repeat(10_001)}`), 'more than 10000 values'],
    ['overlong text', hex('82 c0 af'), 'ill-formed text'],
    ['no address', hex('cd 03 61 62 63'), 'ill-formed address'],
    ['an address that is ill-formed text', hex('cc 02 ff ff'), 'ill-formed address'],
    ['a bigint of more than 64 bits', hex(`d1 12 ${'01'.repeat(9)}`), 'more than 64 bits'],
    ['a bigint of a million digits', hex(`d1 80 b5 18 ${'01'.repeat(200_000)}`), 'more than 64 bits'],
    ['a bigint with a leading zero', hex('d1 04 00 01'), 'ill-formed bigint'],
    ['a negative zero bigint', hex('d1 01'), 'ill-formed bigint'],
    ['a typed array of half an element', hex('cf 0a 03 00 00 00'), 'no Float64Array'],
    ['bytes of an unknown kind', hex('cf 63 01 00'), 'unknown kind'],
    ['a map that holds a key twice', hex('d2 02 01 01 01 02'), 'a key twice'],
    ['a set that holds a value twice', hex('d3 02 01 01'), 'a value twice'],
    ['an error whose code is an array', hex('d4 00 00 a0'), undefined],
    [
      'the key __proto__ in a shape',
      hex(`ca 02 09 ${Buffer.from('__proto__').toString('hex')} ca 02 01 61 01`),
      '__proto__'
    ],
    ['the key constructor in a shape', hex(`ca 02 0b ${Buffer.from('constructor').toString('hex')} 01`), 'constructor'],
    ['ill-formed text in a shape', hex('ca 02 01 ff 01'), 'ill-formed text'],
    ['packed: 320 bytes that announce 4 GiB', packed('dd00ffffff'.repeat(64)), 'announces more'],
    ['packed: text that claims 2 GiB', packed('db80000000 61'), 'announces more'],
    ['packed: a map of a million keys', packed(`df000f4240 ${'a16101'.repeat(1000)}`), 'announces more'],
    ['packed: 10,001 values', packed(`dc2711 ${'c0'.repeat(10_001)}`), 'more than 10000 values'],
    ['packed: a key of 300 bytes', packed(`81 da012c ${'61'.repeat(300)} 01`), 'longer than 128'],
    ['packed: a key twice', packed('82 a161 01 a161 02'), 'a key twice'],
    ['packed: a key that is no text', packed('81 01 02'), 'no text'],
    ['packed: the key __proto__', packed(`81 a9 ${Buffer.from('__proto__').toString('hex')} 81 a161 01`), '__proto__'],
    ['packed: a RegExp', packed('c70378 a161 a0'), 'extension'],
    ['packed: an Error', packed('c70165 90'), 'extension'],
    ['packed: a pointer', packed('d67000000000'), 'extension'],
    ['packed: a record', packed('d4 72 40 91 a161 01'), 'extension'],
    ['packed: the byte c1', packed('91 c1'), 'extension'],
    ['packed: bytes behind the value', packed('0101'), 'goes on behind'],
    ['packed: fewer holes than values for them', packed('91 d40000', ['01', '02']), 'number of holes'],
    ['packed: more holes than values for them', packed('92 d40000 d40000', ['01']), 'number of holes']
  ] as const) {
    it(`of a guest are refused, and the message behind them is readable: ${title}`, () => {
      const decoder = new Decoder(paperRefs(), GUEST_LIMITS)
      const reader = new ByteReader(new Uint8Array([...bytes, 0x07]))

      const error = thrown(() => decoder.decode(reader))

      expect(error).to.include({ code: 'ACTOR_INVALID' })
      expect(error).not.to.be.instanceOf(BrokenFrame)
      if (says !== undefined) expect(error.message).to.include(says)
      expect(decoder.decode(reader)).to.equal(7)
    })
  }

  it('keep definitions in step when the message that made them is refused', () => {
    const { encoder, decoder } = pair({ guard: 'guest' })
    const into = new ByteBuffer()
    let deep: unknown = { type: 'inner', ref }
    for (let depth = 0; depth < 20; depth++) deep = [deep]
    const first = { type: 'deep', deep, behind: { x: 1, ref } }
    const second = { type: 'deep', deep: { type: 'inner', ref }, behind: { x: 2, ref } }
    encoder.encode(first, into)
    encoder.encode({ constructor: 1 }, into)
    encoder.encode({ constructor: 2 }, into)
    encoder.encode(second, into)
    const reader = new ByteReader(into.bytes, 0, into.at)

    expect(thrown(() => decoder.decode(reader)).message).to.include('nested deeper')
    expect(thrown(() => decoder.decode(reader)).message).to.include('constructor')
    expect(thrown(() => decoder.decode(reader)).message).to.include('constructor')
    expect(decoder.decode(reader)).to.deep.equal(second)
  })

  it('are refused when the system cannot make a ref of an address', () => {
    const decoder = new Decoder({ ...paperRefs(), refOf: () => { throw new RangeError('mine') } }, GUEST_LIMITS) // biome-ignore format: one line says it
    const reader = new ByteReader(new Uint8Array([...encoded([ref]).bytes, 7]))

    const error = thrown(() => decoder.decode(reader))

    expect(error).to.include({ code: 'ACTOR_INVALID' })
    expect(decoder.decode(reader)).to.equal(7)
  })

  it('cannot define more shapes than an epoch may have', () => {
    const decoder = new Decoder(paperRefs(), GUEST_LIMITS)
    const define = (index: number) => hex(`ca 02 04 ${Buffer.from(String(1000 + index)).toString('hex')} 00`)
    for (let index = 0; index < MAX_SHAPES; index++) decoder.decode(new ByteReader(define(index)))

    expect(thrown(() => decoder.decode(new ByteReader(define(MAX_SHAPES))))).to.be.instanceOf(BrokenFrame)
  })

  it('cannot define more addresses than an epoch may have', () => {
    const decoder = new Decoder(paperRefs(), GUEST_LIMITS)
    const define = (index: number) => hex(`cc 0c ${Buffer.from(`actor:s/${1000 + index}`).toString('hex')}`)
    for (let index = 0; index < MAX_ADDRESSES; index++) decoder.decode(new ByteReader(define(index)))

    expect(thrown(() => decoder.decode(new ByteReader(define(MAX_ADDRESSES))))).to.be.instanceOf(BrokenFrame)
  })

  it('cannot define more bytes than an epoch may have', () => {
    const decoder = new Decoder(paperRefs(), GUEST_LIMITS)
    const address = (index: number) => `actor:s/${String(index).padStart(120, '0')}`
    const define = (index: number) => hex(`cc 80 01 ${Buffer.from(address(index)).toString('hex')}`)
    const fit = MAX_TABLE_BYTES / 128
    for (let index = 0; index < fit; index++) decoder.decode(new ByteReader(define(index)))

    expect(thrown(() => decoder.decode(new ByteReader(define(fit))))).to.be.instanceOf(BrokenFrame)
  })

  it('of a guest that sends little else are a broken frame in the end', () => {
    const decoder = new Decoder(paperRefs(), GUEST_LIMITS)
    const bad = () => thrown(() => decoder.decode(new ByteReader(hex('81 ff'))))
    for (let times = 0; times < 64; times++) expect(bad()).not.to.be.instanceOf(BrokenFrame)

    expect(bad()).to.be.instanceOf(BrokenFrame)
  })

  it('of a guest among good messages are never more than refused', () => {
    const decoder = new Decoder(paperRefs(), GUEST_LIMITS)
    for (let times = 0; times < 64_000; times++) {
      decoder.decode(new ByteReader(hex('01')))
      if (times % 64 === 0) {
        const error = thrown(() => decoder.decode(new ByteReader(hex('81 ff'))))
        if (error instanceof BrokenFrame) throw error
      }
    }
  })

  it('are read as ever when somebody has polluted Object.prototype', () => {
    const { carry } = pair({ guard: 'guest' })
    const polluted = { value: 1, enumerable: true, configurable: true, writable: true }
    Object.defineProperty(Object.prototype, 'polluted', polluted)
    const keys = [1, 2].map(n => Object.keys(carry({ type: 'a', n }) as object))
    delete (Object.prototype as { polluted?: number }).polluted

    expect(keys).to.deep.equal([
      ['type', 'n'],
      ['type', 'n']
    ])
  })
})
