import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import { ByteBuffer, ByteReader, Decoder, Encoder } from '../../../runtime/peer/codec.ts'
import { MAX_ADDRESSES, MAX_KEYS, MAX_SHAPES } from '../../../runtime/peer/fast-lane.ts'
import { hex, PaperRef, pair, paperRefs, thrown, toHex } from '../../support/codec.ts'

function error(name: string, message: string, code?: string | number): Error {
  const made = new Error(message)
  made.name = name
  return code === undefined ? made : Object.assign(made, { code })
}

/** A key that the language gives a meaning; here it is data. */
const then = 'then'

const wide = Object.fromEntries(Array.from({ length: MAX_KEYS + 8 }, (_, index) => [`key${index}`, index]))

/** What is sent, and what arrives where that differs. */
const values: Array<[string, unknown, unknown?]> = [
  ['zero', 0],
  ['minus zero', -0],
  ['63', 63],
  ['64', 64],
  ['-1', -1],
  ['-16', -16],
  ['-17', -17],
  ['2 ** 31', 2 ** 31],
  ['-(2 ** 31)', -(2 ** 31)],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER],
  ['the smallest safe integer', Number.MIN_SAFE_INTEGER],
  ['2 ** 53', 2 ** 53],
  ['1e300', 1e300],
  ['the smallest float', Number.MIN_VALUE],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['null', null],
  ['undefined', undefined],
  ['true', true],
  ['false', false],
  ['no text', ''],
  ['short text', 'inc'],
  ['text of 31 and of 32 letters', ['x'.repeat(31), 'x'.repeat(32)]],
  ['text in several scripts', 'é 漢 😀 \0 \ufeff'],
  ['long text', 'long '.repeat(20_000)],
  ['text with a lone surrogate', ['a\ud800b', { '\udc00': 1 }], ['a\ufffdb', { '\ufffd': 1 }]],
  ['an empty object', {}],
  ['a small object', { type: 'inc', n: 1 }],
  ['an object without type', { x: 1.5, y: -2 }],
  ['a type that is no text', { type: 7 }],
  ['a type that is long', { type: 'long'.repeat(40) }],
  ['a wide object', wide],
  ['odd keys', { '': 1, 'a b': 2, '7': 3, ключ: 4, toJSON: 5, [then]: 6, valueOf: 7, hasOwnProperty: 8 }],
  ['keys that look like a class', { constructor: 1, prototype: 2 }],
  ['a wide object with such keys', { ...wide, constructor: { name: 'x' }, hasOwnProperty: 1, toJSON: 2, [then]: 3 }],
  ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ['nested objects', { type: 'a', b: { type: 'a', b: { c: [{ d: {} }] } } }],
  ['an empty array', []],
  ['an array of 15 and of 16', [Array(15).fill(1), Array(16).fill(1)]],
  ['undefined inside', { a: undefined, b: [undefined, null], ...wide, c: undefined }],
  // biome-ignore lint/suspicious/noSparseArray: what is shown
  ['a hole in an array', [1, , 3], [1, undefined, 3]],
  ['numbers msgpackr would bend', { ...wide, a: -0, b: Number.NaN, c: [-0], d: 2 ** 53, e: 2 ** 63 }],
  ['a Date', new Date(1_700_000_000_123)],
  ['an invalid Date', new Date(Number.NaN)],
  [
    'a Map',
    new Map<unknown, unknown>([
      ['a', 1],
      [{ b: 2 }, new Map([[1, undefined]])]
    ])
  ],
  ['a Set', new Set([1, 'a', { b: 2 }])],
  ['a small bigint', [0n, 1n, -1n, 255n, 256n, -256n]],
  ['a bigint of 64 bits', [2n ** 64n - 1n, -(2n ** 63n)]],
  ['an Error', error('TypeError', 'no', 'E_NO')],
  ['an Error with a number as code', error('Error', '', 7)],
  [
    'all of them in a wide object',
    { ...wide, d: new Date(5), m: new Map([[1, { ...wide, s: new Set([1n]) }]]), u: new Uint8Array(3) }
  ],
  ['ArrayBuffer', new Uint8Array([1, 2, 3]).buffer],
  ['DataView', new DataView(new Uint8Array([1, 2, 3]).buffer)],
  ['Uint8Array', new Uint8Array([1, 2, 3])],
  ['an empty Uint8Array', new Uint8Array()],
  ['Int8Array', new Int8Array([-1, 2])],
  ['Uint8ClampedArray', new Uint8ClampedArray([1, 255])],
  ['Int16Array', new Int16Array([-1, 256])],
  ['Uint16Array', new Uint16Array([1, 65_535])],
  ['Int32Array', new Int32Array([-1, 2 ** 31 - 1])],
  ['Uint32Array', new Uint32Array([1, 2 ** 32 - 1])],
  ['Float32Array', new Float32Array([1.5, Number.NaN])],
  ['Float64Array', new Float64Array([1.1, -0])],
  ['BigInt64Array', new BigInt64Array([-1n])],
  ['BigUint64Array', new BigUint64Array([2n ** 64n - 1n])],
  ['a Buffer', Buffer.from([1, 2, 3]), new Uint8Array([1, 2, 3])],
  ['a part of a larger array', new Uint16Array([1, 2, 3, 4]).subarray(1, 3), new Uint16Array([2, 3])]
]

const ways: Array<[string, Parameters<typeof pair>[0], 'alone'?]> = [
  ['the fast lane', {}],
  ['messages packed', { lanes: false }],
  ['messages encoded alone', {}, 'alone'],
  ['the guard of a guest', { guard: 'guest' }]
]

describe('the codec', () => {
  for (const [way, options, how] of ways) {
    describe(`with ${way}`, () => {
      for (const [title, sent, arrives] of values) {
        if (options?.guard === 'guest' && /Error|all of them|look like|such keys/.test(title)) continue
        it(`carries ${title}`, () => {
          const { carry } = pair(options)

          const first = carry({ value: sent }, how)
          const again = carry({ value: sent }, how)
          const bare = carry(sent, how)

          const expected = arrives === undefined ? sent : arrives
          expect(first).to.deep.equal({ value: expected })
          expect(again).to.deep.equal({ value: expected })
          expect(bare).to.deep.equal(expected)
        })
      }

      it('gives the keys of an object in their order', () => {
        const { carry } = pair(options)
        const message = { ...wide, zebra: 1, type: 'order', apple: { b: 1, a: 2 } }

        expect(JSON.stringify(carry(message, how))).to.equal(JSON.stringify(message))
        expect(JSON.stringify(carry({ n: 1, type: 'b', a: 2 }, how))).to.equal('{"n":1,"type":"b","a":2}')
      })

      it('gives one ref for one address', () => {
        const { carry } = pair(options)
        const ref = new PaperRef('actor:system/a')

        const one = carry({ type: 'ref', ref, ...wide }, how) as { ref: unknown }
        const [two, three] = carry([ref, new Map([[ref, ref]])], how) as [unknown, Map<unknown, unknown>]

        expect(one.ref).to.be.instanceOf(PaperRef).and.deep.equal(ref)
        expect(two).to.equal(one.ref)
        expect(three.get(two)).to.equal(two)
      })

      it('carries any message of plain data', () => {
        const { carry } = pair(options)
        const key = fc
          .string({ unit: 'binary', maxLength: 20 })
          .filter(text => !/^(__proto__|constructor|prototype)$/.test(text))
        const { message } = fc.letrec(tie => ({
          message: fc.oneof(
            { maxDepth: 6, withCrossShrink: true },
            fc.oneof(
              fc.integer(),
              fc.double(),
              fc.string({ unit: 'binary' }),
              fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }),
              fc.constantFrom(null, undefined, true, false, -0, ''),
              fc.date({ noInvalidDate: true }),
              fc.uint8Array(),
              fc.float64Array()
            ),
            fc.array(tie('message'), { maxLength: 20 }),
            fc.dictionary(key, tie('message'), { maxKeys: 30, noNullPrototype: true }),
            fc.record({ type: fc.constantFrom('a', 'b', 'c'), n: tie('message') }, { noNullPrototype: true }),
            fc.array(tie('message'), { maxLength: 5 }).map(items => new Set(items)),
            fc.array(fc.tuple(tie('message'), tie('message')), { maxLength: 5 }).map(entries => new Map(entries))
          )
        }))

        fc.assert(
          fc.property(message, sent => isDeepStrictEqual(carry(sent, how), sent)),
          { numRuns: 300 }
        )
      })
    })
  }

  it('carries a bigint of any size between nodes', () => {
    const { carry } = pair()

    expect(carry([7n ** 5000n, -(7n ** 5000n)])).to.deep.equal([7n ** 5000n, -(7n ** 5000n)])
  })

  it('gives an Error without class, stack and further fields', () => {
    const { carry } = pair()
    class Failed extends Error {
      override name = 'Failed'
      secret = 1
    }

    const arrived = carry(new Failed('no', { cause: 'a secret' })) as Error

    expect(arrived).to.be.instanceOf(Error)
    expect(Object.getPrototypeOf(arrived)).to.equal(Error.prototype)
    expect(arrived).to.include({ name: 'Failed', message: 'no', stack: 'Failed: no' })
    expect(arrived.cause).to.equal(undefined)
    expect(Object.keys(arrived)).to.deep.equal([])
  })

  it('gives an Error of a guest as plain data', () => {
    const { carry } = pair({ guard: 'guest' })

    expect(carry(error('TypeError', 'no', 'E_NO'))).to.deep.equal({ name: 'TypeError', message: 'no', code: 'E_NO' })
    expect(carry(error('TypeError', 'no'))).to.deep.equal({ name: 'TypeError', message: 'no' })
  })

  it("gives large bytes of a node as a view on the frame, which is the receiver's", () => {
    const { bytesOf, read } = pair()
    const bytes = bytesOf({ type: 'part', data: new Uint8Array(65_536).fill(7) })

    const { data } = read(bytes) as { data: Uint8Array }

    expect(data.every(byte => byte === 7)).to.equal(true)
    expect(data.buffer).to.equal(bytes.buffer)
    expect(bytes.length).to.be.below(65_536 + 32)
  })

  it('gives bytes of a guest in memory of their own, unless they are half of what they came in', () => {
    for (const [size, own] of [
      [400, true],
      [600, false]
    ] as const) {
      const { bytesOf, read } = pair({ guard: 'guest' })
      const frame = new Uint8Array(1_100)
      const bytes = bytesOf({ type: 'part', data: new Uint8Array(size).fill(7) })
      frame.set(bytes)

      const { data } = read(frame.subarray(0, bytes.length)) as { data: Uint8Array }

      expect([...data]).to.deep.equal(new Array(size).fill(7))
      expect(data.buffer === frame.buffer).to.equal(!own)
      expect(data.buffer.byteLength).to.be.at.most(2 * size)
    }
  })

  it('reads a getter once and sends what it gave', () => {
    const { carry } = pair()
    let count = 0
    const message = { get n() { return ++count } } // biome-ignore format: one line says it

    expect(carry(message)).to.deep.equal({ n: 1 })
    expect(carry({ ...wide, inner: Object.defineProperty({}, 'hidden', { value: 1 }) })).to.deep.equal({
      ...wide,
      inner: {}
    })
  })

  it('never calls what a message holds under toJSON, then or valueOf', () => {
    const { encoder } = pair()
    const called: string[] = []
    const trap = (name: string) => () => called.push(name)

    for (const name of ['toJSON', 'then', 'valueOf', 'toString', 'hasOwnProperty']) {
      const message = { ...wide, [name]: trap(name) }
      expect(thrown(() => encoder.encode(message, new ByteBuffer())).message).to.include(
        `message.${name} is a function`
      )
      expect(thrown(() => encoder.encode({ [name]: trap(name) }, new ByteBuffer())).message).to.include('is a function')
    }

    expect(called).to.deep.equal([])
  })
})

describe('the bytes', () => {
  const ref = new PaperRef('actor:sys/one')
  const golden: Array<[unknown, string, unknown?]> = [
    [0, '00'],
    [63, '3f'],
    [64, 'c4 40'],
    [300, 'c4 ac 02'],
    [Number.MAX_SAFE_INTEGER, 'c4 ff ff ff ff ff ff ff 0f'],
    [-1, 'b0'],
    [-16, 'bf'],
    [-17, 'c5 10'],
    [1.5, 'c6 00 00 00 00 00 00 f8 3f'],
    [-0, 'c6 00 00 00 00 00 00 00 80'],
    [Number.NaN, 'c6 00 00 00 00 00 00 f8 7f'],
    ['', '80'],
    ['inc', '83 69 6e 63'],
    ['é', 'c7 02 c3 a9'],
    [null, 'c0'],
    [undefined, 'c1'],
    [false, 'c2'],
    [true, 'c3'],
    [[], 'a0'],
    [[1, [2]], 'a2 01 a1 02'],
    [Array(16).fill(0), `c8 10 ${'00 '.repeat(16).trim()}`],
    [{}, 'ca 00'],
    [{ type: 'inc', n: 1 }, 'ca 05 04 74 79 70 65 01 6e 03 69 6e 63 01'],
    [{ x: 1 }, 'ca 02 01 78 01'],
    [ref, 'cd 0d 61 63 74 6f 72 3a 73 79 73 2f 6f 6e 65'],
    [new Date(1000), 'd0 00 00 00 00 00 40 8f 40'],
    [0n, 'd1 00'],
    [255n, 'd1 02 ff'],
    [-256n, 'd1 05 01 00'],
    [new Uint8Array([1, 2]), 'cf 01 02 01 02'],
    [new Uint8Array([9]).buffer, 'cf 00 01 09'],
    [new Uint16Array([1, 256]), 'cf 06 04 01 00 00 01'],
    [new Map([['a', 1]]), 'd2 01 81 61 01'],
    [new Set([1, 2]), 'd3 02 01 02'],
    [error('RangeError', 'no', 'E'), 'd4 0a 52 61 6e 67 65 45 72 72 6f 72 02 6e 6f 81 45']
  ]
  for (const [value, bytes] of golden) {
    it(`are ${bytes.length > 40 ? `${bytes.slice(0, 40)}...` : bytes}`, () => {
      expect(toHex(pair().bytesOf(value))).to.equal(bytes)
      expect(pair().read(hex(bytes))).to.deep.equal(value)
    })
  }

  it('name a shape once and number it then', () => {
    const { bytesOf, read } = pair()
    const sequence: Array<[unknown, string]> = [
      [{ type: 'inc', n: 1 }, 'ca 05 04 74 79 70 65 01 6e 03 69 6e 63 01'],
      [{ type: 'inc', n: 2 }, '40 02'],
      [{ type: 'dec', n: 2 }, 'ca 05 04 74 79 70 65 01 6e 03 64 65 63 02'],
      [{ type: 'dec', n: { type: 'inc', n: 3 } }, '41 40 03'],
      [{ n: 1, type: 'inc' }, 'ca 05 01 6e 04 74 79 70 65 03 69 6e 63 01'],
      [{ n: 1, type: 'inc' }, '42 01']
    ]
    for (const [message, bytes] of sequence) {
      expect(toHex(bytesOf(message))).to.equal(bytes)
      expect(read(hex(bytes))).to.deep.equal(message)
    }
  })

  it('name an address in full, then with a number, then by it: an ask is never sent twice', () => {
    const { bytesOf, read } = pair()
    for (const bytes of [
      'cd 0d 61 63 74 6f 72 3a 73 79 73 2f 6f 6e 65',
      'cc 0d 61 63 74 6f 72 3a 73 79 73 2f 6f 6e 65',
      'cb 00',
      'cb 00'
    ]) {
      expect(toHex(bytesOf(ref))).to.equal(bytes)
      expect(read(hex(bytes))).to.deep.equal(ref)
    }
  })

  it('of a message alone neither make nor use a definition', () => {
    const { encoder, bytesOf } = pair()
    const before = encoder.mark()
    for (let times = 0; times < 3; times++) {
      expect(toHex(bytesOf({ type: 'inc', n: 1 }, 'alone'))).to.equal('ce 0d 82 a4 74 79 70 65 a3 69 6e 63 a1 6e 01 00')
      expect(toHex(bytesOf([ref, 1n], 'alone'))).to.equal(
        'ce 07 92 d4 00 00 d4 00 00 02 cd 0d 61 63 74 6f 72 3a 73 79 73 2f 6f 6e 65 d1 02 01'
      )
    }
    expect(encoder.mark()).to.equal(before)
  })
})

describe('the definitions of an epoch', () => {
  it('stay in step over many messages, alone ones between them in any order', () => {
    const { bytesOf, read } = pair()
    const late: Array<[unknown, Uint8Array]> = []
    for (let index = 0; index < 3000; index++) {
      const ref = new PaperRef(`actor:system/${index % 70}`)
      const message = { type: `t${index % 90}`, [`k${index % 31}`]: [ref, { x: index, y: { z: ref } }], text: 'é' }
      if (index % 7 === 0) late.push([message, bytesOf(message, 'alone')])
      expect(read(bytesOf(message))).to.deep.equal(message)
    }
    for (const [message, bytes] of late.reverse()) expect(read(bytes)).to.deep.equal(message)
  })

  it('are bounded: shapes and addresses beyond travel in full', () => {
    const { encoder, bytesOf, read } = pair()
    for (let index = 0; index < MAX_SHAPES + 50; index++) {
      const message = { [`k${index}`]: index }
      expect(read(bytesOf(message))).to.deep.equal(message)
    }
    expect(encoder.mark()).to.equal(MAX_SHAPES)
    for (let index = 0; index < MAX_ADDRESSES + 50; index++) {
      const ref = new PaperRef(`actor:s/${index}`)
      expect(read(bytesOf([ref, ref, ref]))).to.deep.equal([ref, ref, ref])
    }
    expect(encoder.mark()).to.equal(MAX_SHAPES + MAX_ADDRESSES)
    expect(toHex(bytesOf({ k3: 1 }))).to.equal('43 01')
  })

  it('are bounded in bytes too', () => {
    const { encoder, bytesOf, read } = pair()
    for (let index = 0; index < MAX_SHAPES; index++) {
      const message = Object.fromEntries(
        Array.from({ length: 20 }, (_, key) => [`${index}-${key}`.padEnd(60, '-'), key])
      )
      expect(read(bytesOf(message))).to.deep.equal(message)
    }
    expect(encoder.mark()).to.be.within(100, 120)
  })

  it('are not used up by types that a program makes up', () => {
    const { encoder, bytesOf, read } = pair()
    for (let index = 0; index < 500; index++) {
      const message = { type: `order/${index}`, n: index }
      expect(read(bytesOf(message))).to.deep.equal(message)
    }

    expect(encoder.mark()).to.equal(65)
    expect(bytesOf({ type: 'order/7', n: 7 })).to.have.length(2)
  })

  it('are not used up by asks', () => {
    const { encoder, bytesOf } = pair()
    bytesOf({ type: 'get', replyTo: new PaperRef('actor:s/first') })
    const before = encoder.mark()

    for (let index = 0; index < 5000; index++) bytesOf({ type: 'get', replyTo: new PaperRef(`actor:s/${index}`) })

    expect(encoder.mark()).to.equal(before)
  })

  it('can be taken back when a message was not sent after all', () => {
    const { encoder, bytesOf, read } = pair()
    const ref = new PaperRef('actor:s/a')
    const kept = { type: 'kept', n: 1 }
    read(bytesOf(kept))
    const mark = encoder.mark()

    for (let times = 0; times < 3; times++) {
      bytesOf({ type: 'lost', kept, inner: { x: [ref, ref] } })
      bytesOf({ type: 'kept', m: 1 })
      encoder.rollback(mark)
    }

    expect(encoder.mark()).to.equal(mark)
    expect(toHex(bytesOf(kept))).to.equal('40 01')
    const next = { type: 'lost', kept, inner: { x: [ref, ref] } }
    expect(read(bytesOf(next))).to.deep.equal(next)
    expect(read(bytesOf(next))).to.deep.equal(next)
  })

  it('are as before after a refusal, and so is the buffer', () => {
    const { encoder, read } = pair()
    const into = new ByteBuffer(1)
    encoder.encode({ type: 'a', n: 1 }, into)
    const mark = encoder.mark()
    const at = into.at

    const error = thrown(() => encoder.encode({ type: 'b', x: { y: 1 }, done: () => {} }, into))

    expect(error).to.include({ code: 'ACTOR_UNSERIALISABLE' })
    expect(encoder.mark()).to.equal(mark)
    expect(into.at).to.equal(at)
    read(into.bytes.slice(0, at))
    into.at = 0
    encoder.encode({ type: 'b', x: { y: 1 } }, into)
    expect(read(into.bytes.slice(0, into.at))).to.deep.equal({ type: 'b', x: { y: 1 } })
  })

  it('agree after any sequence of sent, refused and taken back messages', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'type')
    const value = fc.oneof(
      fc.integer(),
      fc.constantFrom('x', 'y'),
      fc.constantFrom('1', '2', '3').map(id => new PaperRef(`actor:s/${id}`)),
      fc.dictionary(key, fc.constantFrom('x', 'y', 1), { maxKeys: 3, noNullPrototype: true })
    )
    const step = fc.record({
      message: fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true }),
      fate: fc.constantFrom('sent', 'sent', 'refused', 'taken back', 'alone')
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const { encoder, bytesOf, read } = pair()
        for (const { message, fate } of steps) {
          const mark = encoder.mark()
          if (fate === 'refused') thrown(() => bytesOf({ ...message, bad: Symbol('no') }))
          else if (fate === 'taken back') {
            bytesOf(message)
            encoder.rollback(mark)
          } else if (!isDeepStrictEqual(read(bytesOf(message, fate === 'alone' ? 'alone' : undefined)), message))
            return false
        }
        return true
      })
    )
  })
})

describe('what may not cross', () => {
  class User {
    name = 'ada'
  }
  const cycle: Record<string, unknown> = { type: 'a' }
  cycle.self = { cycle }
  const list: unknown[] = []
  list.push(list)
  let deep: unknown = 1
  for (let depth = 0; depth < 513; depth++) deep = [deep]
  let deepest: unknown = 1
  for (let depth = 0; depth < 512; depth++) deepest = [deepest]

  const refused: Array<[string, unknown, string]> = [
    ['a function', () => {}, 'message is a function; send data, and a ref where something is to be called'],
    ['a function deep inside', { items: [1, 2, 3, { done() {} }] }, 'message.items[3].done is a function'],
    ['a symbol', { a: Symbol('x') }, 'message.a is a symbol; send a string'],
    ['a promise', [Promise.resolve()], 'message[0] is a promise; await it before sending, or use ctx.pipe'],
    ['a class instance', { user: new User() }, 'message.user is an instance of User; send a plain object'],
    ['a RegExp', { 'a b': /x/ }, 'message["a b"] is an instance of RegExp'],
    ['a WeakMap', new Map([[1, new WeakMap()]]), 'message.values()[0] is an instance of WeakMap'],
    [
      'a function as a key of a Map',
      new Map([
        [1, 1],
        [() => {}, 1]
      ] as never),
      'message.keys()[1] is a function'
    ],
    ['a symbol in a Set', { s: new Set([Symbol('x')]) }, 'message.s.values()[0] is a symbol'],
    ['a boxed number', Object(1), 'message is an instance of Number'],
    ['a URL', { url: new URL('http://a.example') }, 'message.url is an instance of URL'],
    ['shared memory', new SharedArrayBuffer(1), 'message is an instance of SharedArrayBuffer'],
    ['a class without a name', new (class {})(), 'message is an instance of a class without a name'],
    ['a cycle', cycle, 'message.self.cycle is message again (a cycle); send a tree, or ids'],
    ['an array in itself', { list }, 'message.list[0] is message.list again (a cycle)'],
    ['513 containers in one another', deep, 'is nested deeper than 512; send a flatter message'],
    ['the key __proto__', { a: JSON.parse('{"__proto__":1}') }, 'message.a has the key "__proto__"; use another key']
  ]
  for (const [title, message, text] of refused) {
    for (const [way, options, how] of ways.slice(0, 3)) {
      it(`is refused with the path: ${title}, with ${way}`, () => {
        const { bytesOf } = pair(options)

        const error = thrown(() => bytesOf(message, how))

        expect(error).to.include({ code: 'ACTOR_UNSERIALISABLE', name: 'ActorError' })
        expect(error.message).to.include(text)
      })
    }
  }

  it('does not include 512 containers in one another', () => {
    expect(pair().carry(deepest)).to.deep.equal(deepest)
    expect(pair().carry(deepest, 'alone')).to.deep.equal(deepest)
  })

  it('is refused in a wide object too, and the path is cut to what helps', () => {
    const { bytesOf } = pair()
    let message: unknown = () => {}
    for (let depth = 0; depth < 100; depth++) message = { ...wide, step: message }

    const error = thrown(() => bytesOf(message))

    expect(error.message).to.match(/^message\.step\.step.*\.\.\. is a function/)
    expect(error.message.length).to.be.below(300)
  })

  it('is refused when reading it throws', () => {
    const { bytesOf } = pair()
    const message = { get a(): never { throw new Error('mine') } } // biome-ignore format: one line says it

    const error = thrown(() => bytesOf(message))

    expect(error).to.include({ code: 'ACTOR_UNSERIALISABLE' })
    expect(error.cause).to.include({ message: 'mine' })
  })

  it('is refused when reading it sends another message', () => {
    const { encoder } = pair()
    const into = new ByteBuffer()
    const message = { get a() { encoder.encode(1, into); return 1 } } // biome-ignore format: one line says it

    expect(thrown(() => encoder.encode(message, into))).to.include({ code: 'ACTOR_UNSERIALISABLE' })
    expect(into.at).to.equal(0)
    encoder.encode(7, into)
    expect(into.at).to.equal(1)
  })

  it('is too large above 64 MiB, also when one object stands in many places', () => {
    const { bytesOf } = pair()
    let doubled: unknown = ['x'.repeat(1000)]
    for (let depth = 0; depth < 40; depth++) doubled = [doubled, doubled]

    expect(thrown(() => bytesOf([new Uint8Array(67_108_865)]))).to.include({ code: 'ACTOR_TOO_LARGE' })
    expect(thrown(() => bytesOf(doubled, 'alone'))).to.include({ code: 'ACTOR_TOO_LARGE' })
  }).timeout(30_000)
})

describe('an encoder and a decoder', () => {
  it('leave what stands before and behind a message alone', () => {
    const refs = paperRefs()
    const encoder = new Encoder(refs)
    const decoder = new Decoder(refs)
    const into = new ByteBuffer(4)
    into.u8(0xee)
    encoder.encode({ a: 1 }, into)
    encoder.encode('two', into)
    into.u8(0xee)
    const reader = new ByteReader(into.bytes, 1, into.at)

    expect(decoder.decode(reader)).to.deep.equal({ a: 1 })
    expect(decoder.decode(reader)).to.equal('two')
    expect(reader.u8()).to.equal(0xee)
  })
})
