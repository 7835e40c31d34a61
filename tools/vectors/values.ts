// Values and their bytes: what the encoder writes, what else a decoder takes, and what it refuses. tools/vectors.ts adds the
// bytes to what is said here by value alone.

import { Paper } from './notation.ts'

/** One epoch, from its beginning: definitions of a message count for those behind it. */
export interface Epoch {
  readonly title: string
  readonly messages: ReadonlyArray<{ readonly value: unknown; readonly hex?: string }>
  /** Encoded so that they may be read late: without definitions. */
  readonly alone?: true
  /** There are other ways to write it; a reader takes these bytes, a writer need not make them. */
  readonly choice?: true
  /** Of this value a writer makes the bytes, but not the value of the bytes. */
  readonly encodeOnly?: true
}

export interface Refused {
  readonly title: string
  readonly hex: string
  /** `invalid`: the message is dropped, its definitions count. `broken`: nothing behind it can be read. */
  readonly outcome: 'invalid' | 'broken'
  /** Only a guest is refused; a node's is this value. */
  readonly guest?: { readonly value: unknown }
  /** Of an epoch that begins with the refused message, the next one. */
  readonly next?: { readonly hex: string; readonly value: unknown }
}

const SYSTEM = 'AAECAwQFBgcICQoLDA0ODw'
const ada = new Paper(`actor:${SYSTEM}/ada-4711`)
const replyTo = new Paper('')
const coded = (code: string | number): Error => Object.assign(new TypeError('no such thing'), { code })
const keys = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n]))
const named = (name: string, message: string): Error =>
  Object.defineProperty(new Error(message), 'name', { value: name })
const nested = (depth: number): unknown => (depth === 0 ? [] : [nested(depth - 1)])

/** Each value alone in its epoch. */
const alone: ReadonlyArray<readonly [title: string, ...values: unknown[]]> = [
  ['integers of one byte', 0, 1, 63, -1, -16],
  ['integers of two bytes', 64, 127, -17, -128],
  ['integers at the bounds of varints', 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455, 268_435_456],
  ['integers above 32 bits', 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 35 - 1, 2 ** 35, 2 ** 42, 2 ** 49 - 1, 2 ** 49],
  ['the largest and the smallest integers', Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -129, -(2 ** 31) - 1],
  ['other numbers', 0.5, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, 1e300, 5e-324],
  ['nothing, and truth', null, undefined, false, true],
  ['text in ASCII', '', 'a', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(127), 'x'.repeat(128), 'a\u0000b'],
  ['long text beyond ASCII', 'ü'.repeat(64)],
  ['arrays', [], [1], Array.from({ length: 15 }, (_, n) => n), Array.from({ length: 16 }, (_, n) => n), nested(3)],
  ['objects', {}, { a: 1 }, { type: 'x' }, { type: 'add', by: 2 }, { by: 2, type: 'add' }, { type: 7, n: 1 }],
  ['objects within', { at: { x: 1, y: { z: null } }, list: [{ x: 2 }, { x: 3 }] }, { a: undefined }],
  ['the most keys and the longest words of a shape', keys(24), { ['w'.repeat(64)]: 1 }, { type: 't'.repeat(64) }],
  ['a type too long, or not in ASCII, is a value', { type: 't'.repeat(65) }, { type: 'ü'.repeat(32) }],
  ['refs', ada, [ada], { to: ada, from: new Paper(`name:${SYSTEM}/later`) }],
  ['the address to answer to', replyTo, { type: 'read', replyTo }],
  ['dates', new Date(0), new Date(1_700_000_000_123), new Date(-1), new Date(Number.NaN)],
  ['bigints', 0n, 1n, -1n, 255n, 256n, -256n, 2n ** 64n - 1n, -(2n ** 64n) + 1n],
  [
    'maps and sets',
    new Map(),
    new Map<unknown, unknown>([
      ['a', 1],
      [2, new Map()]
    ]),
    new Set(),
    new Set([1, 'a', null])
  ],
  ['errors', new Error('it broke'), coded('ENOENT'), coded(42), new RangeError('')],
  [
    'bytes',
    new Uint8Array([1, 2, 255]),
    new Uint8Array(0),
    new Uint8Array([0, 1]).buffer,
    new DataView(new Uint8Array([9, 8]).buffer),
    new Int8Array([-1]),
    new Uint8ClampedArray([255]),
    new Int16Array([-2]),
    new Uint16Array([258]),
    new Int32Array([-3]),
    new Uint32Array([16_909_060]),
    new Float32Array([0.5]),
    new Float64Array([0.5]),
    new BigInt64Array([-1n]),
    new BigUint64Array([1n])
  ]
]

/** Several messages of one epoch. */
const together: readonly Epoch[] = [
  {
    title: 'a shape is defined at first use, and a number from then on',
    messages: [
      { a: 1, b: 'x' },
      { a: 2, b: 'y' },
      { a: { a: 3, b: 'z' }, b: null }
    ].map(value => ({ value }))
  },
  {
    title: 'another order of keys is another shape, and so is another type',
    messages: [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
      { type: 'one', n: 1 },
      { type: 'two', n: 2 },
      { type: 'one', n: 3 },
      { type: 5, n: 4 },
      { type: 'two', n: 5 }
    ].map(value => ({ value }))
  },
  {
    title: 'the numbers of shapes above 63 have a form of their own',
    messages: [Array.from({ length: 65 }, (_, n) => ({ [`k${n}`]: n })), { k63: 1 }, { k64: 1 }].map(value => ({
      value
    }))
  },
  {
    title: 'a ref is written in full, gets a number when it is sent again, and is a number from then on',
    choice: true,
    messages: [{ value: ada }, { value: [ada, ada] }, { value: ada }]
  },
  {
    title: 'packed, when its keys are no words of a shape, with a hole for what MessagePack has no form for',
    choice: true,
    messages: [
      { ä: 1, b: [true, false, null, -1, 1.5, 'x', 300, -300, 70_000, -70_000, 2 ** 33] },
      { ä: undefined, n: -0, d: new Date(5), list: [1n, [new Set([1])]], to: ada },
      { ü: 'x', 2: undefined, 1: 3n },
      { ä: { b: { c: [] } } }
    ].map(value => ({ value }))
  },
  {
    title: 'short text beyond ASCII',
    choice: true,
    messages: ['é', '€', '🦉', '\ufeffbom', 'naïve café', '\ufffd'].map(value => ({ value }))
  },
  { title: 'packed, when it has more keys than a shape may', choice: true, messages: [{ value: keys(25) }] },
  {
    title: 'without definitions: for messages in chunks, and for facts of systems',
    alone: true,
    choice: true,
    messages: [{ type: 'x', n: 1 }, [1, { a: null }], [ada, ada], 'text', 7].map(value => ({ value }))
  },
  {
    title: 'a lone surrogate, which UTF-8 cannot hold, is written as U+FFFD',
    encodeOnly: true,
    messages: [{ value: `\ud800${'x'.repeat(31)}` }]
  }
]

export const epochs: readonly Epoch[] = [
  ...alone.flatMap(([title, ...values]) => values.map(value => ({ title, messages: [{ value }] }))),
  ...together
]

/** Nobody has to write these, everybody has to read them. */
export const decodeOnly: readonly Epoch[] = [
  { title: 'a short form is never a must: 5', messages: [{ hex: 'c405', value: 5 }] },
  { title: 'a short form is never a must: -1', messages: [{ hex: 'c500', value: -1 }] },
  { title: 'an integer as a float', messages: [{ hex: 'c6000000000000f03f', value: 1 }] },
  { title: 'short text in the long form', messages: [{ hex: 'c70161', value: 'a' }] },
  { title: 'text beyond ASCII in the short form', messages: [{ hex: '82c3a9', value: 'é' }] },
  { title: 'a short array in the long form', messages: [{ hex: 'c80107', value: [7] }] },
  {
    title: 'shape 0 in the long form',
    messages: [
      { hex: 'ca02016107', value: { a: 7 } },
      { hex: 'c90008', value: { a: 8 } }
    ]
  },
  {
    title: 'a shape that is defined again gets a number of its own',
    messages: [
      { hex: 'ca02016107', value: { a: 7 } },
      { hex: 'ca02016108', value: { a: 8 } },
      { hex: '4109', value: { a: 9 } }
    ]
  },
  {
    title: 'a ref that gets a number at first sight',
    messages: [
      { hex: 'cc09616374 6f723a782f79', value: new Paper('actor:x/y') },
      { hex: 'cb00', value: new Paper('actor:x/y') }
    ]
  },
  { title: 'an array that could go without being packed', messages: [{ hex: 'ce03 920102 00', value: [1, 2] }] },
  { title: 'an error without a code', messages: [{ hex: 'd4 0145 0161 c1', value: named('E', 'a') }] }
]

const A_TO_7 = 'ca02 0161 07'
const long = (count: number): string => '6b'.repeat(count)

export const refused: readonly Refused[] = [
  { title: 'nothing at all', hex: '', outcome: 'broken' },
  { title: 'an unknown tag', hex: 'd6', outcome: 'broken' },
  { title: 'text that ends early', hex: '8561', outcome: 'broken' },
  { title: 'a varint longer than needed', hex: 'c4 8000', outcome: 'broken' },
  { title: 'a varint beyond 53 bits', hex: 'c4 ffffffffffffff7f', outcome: 'broken' },
  { title: 'more values announced than bytes remain', hex: 'c8 ff7f 00', outcome: 'broken' },
  { title: 'a shape that was not defined', hex: '40', outcome: 'broken' },
  { title: 'a ref that was not defined', hex: 'cb00', outcome: 'broken' },
  { title: 'a shape of 25 keys', hex: 'ca32', outcome: 'broken' },
  { title: 'a shape with a type but without the key', hex: 'ca03 0161 0174', outcome: 'broken' },
  { title: 'a shape with a key twice', hex: 'ca04 0161 0161 07 08', outcome: 'broken' },
  { title: 'a word of 65 bytes', hex: `ca02 41 ${long(65)} 07`, outcome: 'broken' },
  { title: 'an address of 257 bytes', hex: `cd 8102 ${long(257)}`, outcome: 'broken' },
  { title: 'ill-formed UTF-8', hex: '81ff', outcome: 'invalid' },
  { title: 'UTF-8 longer than needed', hex: '82c080', outcome: 'invalid' },
  { title: 'a surrogate in UTF-8', hex: '83eda080', outcome: 'invalid' },
  {
    title: 'definitions in a refused message count',
    hex: `a2 ${A_TO_7} 81ff`,
    outcome: 'invalid',
    next: { hex: '4008', value: { a: 8 } }
  },
  {
    title: 'a shape that may not be is numbered all the same',
    hex: 'ca02 01ff 07',
    outcome: 'invalid',
    next: { hex: 'ca02016107', value: { a: 7 } }
  },
  { title: 'the key __proto__', hex: 'ca02 09 5f5f70726f746f5f5f 07', outcome: 'invalid' },
  {
    title: 'the key constructor',
    hex: 'ca02 0b 636f6e7374727563746f72 07',
    outcome: 'invalid',
    guest: { value: { constructor: 7 } }
  },
  {
    title: 'the key prototype',
    hex: 'ca02 09 70726f746f74797065 07',
    outcome: 'invalid',
    guest: { value: { prototype: 7 } }
  },
  { title: 'a map with a key twice', hex: 'd202 01 02 01 03', outcome: 'invalid' },
  { title: 'a set with a value twice', hex: 'd302 01 01', outcome: 'invalid' },
  { title: 'a bigint with a leading zero', hex: 'd104 0001', outcome: 'invalid' },
  { title: 'a negative zero', hex: 'd101', outcome: 'invalid' },
  {
    title: 'a bigint of 72 bits',
    hex: 'd112 010000000000000000',
    outcome: 'invalid',
    guest: { value: 2n ** 64n }
  },
  { title: 'what is no address', hex: 'cd03 626164', outcome: 'invalid' },
  { title: 'the address to answer to, in mail that is no question', hex: 'd5', outcome: 'invalid' },
  { title: 'bytes of an unknown kind', hex: 'cf 0e 01 00', outcome: 'invalid' },
  { title: 'an Int16Array of one byte', hex: 'cf 05 01 00', outcome: 'invalid' },
  { title: 'an error whose code is an array', hex: 'd4 0145 00 a0', outcome: 'invalid' },
  { title: 'an error whose code is an error', hex: 'd4 0145 00 d4 0145 00 c1', outcome: 'invalid' },
  {
    title: '17 levels',
    hex: `${'a1'.repeat(16)}a0`,
    outcome: 'invalid',
    guest: { value: nested(16) }
  },
  { title: 'packed: no container', hex: 'ce01 07 00', outcome: 'invalid' },
  { title: 'packed: an extension', hex: 'ce04 91d40100 00', outcome: 'invalid' },
  { title: 'packed: bin', hex: 'ce04 91c40100 00', outcome: 'invalid' },
  { title: 'packed: a float of 32 bits', hex: 'ce06 91ca3f000000 00', outcome: 'invalid' },
  { title: 'packed: an integer of 64 bits', hex: 'ce0a 91d30000000000000001 00', outcome: 'invalid' },
  { title: 'packed: something behind its end', hex: 'ce02 9090 00', outcome: 'invalid' },
  { title: 'packed: more announced than it holds', hex: 'ce05 ddffffffff 00', outcome: 'invalid' },
  { title: 'packed: a key that is no text', hex: 'ce03 810102 00', outcome: 'invalid' },
  { title: 'packed: fewer holes than values for them', hex: 'ce01 90 01 07', outcome: 'invalid' },
  { title: 'packed: more holes than values for them', hex: 'ce04 91d40000 00', outcome: 'invalid' },
  { title: 'packed: the key __proto__', hex: 'ce0c 81a95f5f70726f746f5f5f07 00', outcome: 'invalid' },
  { title: 'packed: a key twice', hex: 'ce07 82a16101a16102 00', outcome: 'invalid', guest: { value: { a: 2 } } },
  {
    title: 'packed: a key of 129 bytes',
    hex: `ce 8501 81d981${long(129)}07 00`,
    outcome: 'invalid',
    guest: { value: { ['k'.repeat(129)]: 7 } }
  }
]
