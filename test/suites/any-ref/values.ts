// P10: every value that may be sent arrives as what it was.

import { expect } from 'chai'
import { type Origin, setup } from '../../../runtime/index.ts'
import { type Cases, echo, expectNumbered, hand, handAll, noting, numbers, until } from './cast.ts'

const nested = {
  text: 'Größe, 大きさ, 🙂',
  list: [1, [2, [3, [4]]], { five: 5 }],
  nothing: null,
  missing: undefined,
  map: new Map<unknown, unknown>([
    ['a', new Set([1, 2])],
    [2, new Map([['b', { c: new Date(86_400_000) }]])]
  ]),
  big: 2n ** 62n,
  bytes: new Uint8Array([0, 1, 255])
}

const values: Array<[title: string, value: unknown]> = [
  ['true and false', [true, false]],
  [
    'whole numbers of all sizes',
    [0, 1, -1, 127, 128, -128, -129, 65_535, 65_536, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1]
  ],
  ['fractions and huge numbers', [0.1, -2.5, 1e300, 5e-324, Number.MAX_VALUE]],
  ['NaN and the infinities', [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
  ['-0', -0],
  ['-0 in an object', { zero: -0 }],
  ['null and undefined', [null, undefined, { field: undefined }]],
  ['an undefined field', { there: undefined }],
  ['strings', ['', 'a', 'ü', '大', '🙂', '\u0000', 'x'.repeat(100), 'y'.repeat(70_000)]],
  ['bigints', [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]],
  ['dates', [new Date(0), new Date(1_700_000_000_123), new Date(-1)]],
  ['an empty object and an empty array', [{}, []]],
  ['an object whose keys are odd', { '': 1, 'a b': 2, ä: 3, '0': 4, 'constructor-like': 5, $ref: 'no ref' }],
  ['a map', new Map([['a', 1]])],
  [
    'a map with keys of many kinds',
    new Map<unknown, unknown>([
      [1, 'n'],
      ['1', 's'],
      [true, 'b'],
      [null, 'z']
    ])
  ],
  ['a set', new Set(['a', 1, null])],
  ['an empty map and an empty set', [new Map(), new Set()]],
  ['bytes', new Uint8Array([1, 2, 3])],
  ['no bytes', new Uint8Array(0)],
  ['part of a buffer', new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 3)],
  [
    'typed arrays',
    [
      new Int8Array([-1]),
      new Uint8ClampedArray([255]),
      new Int16Array([-300]),
      new Uint16Array([65_535]),
      new Int32Array([-70_000]),
      new Uint32Array([2 ** 32 - 1]),
      new Float32Array([0.5]),
      new Float64Array([0.1]),
      new BigInt64Array([-1n]),
      new BigUint64Array([2n ** 64n - 1n])
    ]
  ],
  ['a value nested in everything', nested],
  ['12 levels', Array.from({ length: 6 }).reduce<unknown>(value => ({ value: [value] }), 'bottom')],
  ['the same object twice', [nested, nested]],
  ['an object with 100 fields', Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`field${n}`, n]))]
]

export const kinds: Cases = (cast, { copies, remote, trust, messageBytes }) => {
  for (const [title, value] of values) {
    it(`carries ${title}`, async () => {
      const ref = await cast().place(echo())
      expect(await ref.ask({ type: 'echo', value })).to.deep.equal(value)
    })
  }

  it('carries an undefined field as a field', async () => {
    const ref = await cast().place(echo())
    expect(Object.keys((await ref.ask({ type: 'echo', value: { a: undefined, b: 1 } })) as object)).to.include('a')
  })

  it("carries an error's name, message and code", async () => {
    const ref = await cast().place(echo())
    const error = Object.assign(new TypeError('wrong'), { code: 'E_WRONG' })
    const back = (await ref.ask({ type: 'echo', value: { error } })) as { error: Error }
    expect(back.error).to.include({ name: 'TypeError', message: 'wrong', code: 'E_WRONG' })
    if (trust !== 'guest') expect(back.error).to.be.an.instanceOf(Error)
  })

  it('carries one shape again and again while the kinds of its fields change', async () => {
    const seen: unknown[] = []
    const ref = await cast().place(noting(seen))
    const pool = [1, -1, 0.5, 'text', '', null, true, undefined, -0, 2 ** 40, 10n, [1], { deep: 1 }, new Date(5), 'ü']
    const sent = Array.from({ length: 600 }, (_, n) => ({
      type: 'same',
      a: pool[n % pool.length],
      b: pool[(n * 7) % pool.length],
      n
    }))
    await handAll(ref, sent)
    await until(() => seen.length >= sent.length, 'all have come')
    expect(seen).to.deep.equal(sent)
  })

  it('does not mix up objects of the same fields in another order', async () => {
    const seen: unknown[] = []
    const ref = await cast().place(noting(seen))
    const sent = Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? { a: n, b: 'x' } : { b: 'y', a: n }))
    await handAll(ref, sent)
    await until(() => seen.length >= sent.length, 'all have come')
    expect(seen.map(message => Object.entries(message as object))).to.deep.equal(sent.map(each => Object.entries(each)))
  })

  it('tells the handler how far the sender is trusted', async () => {
    const trusts: string[] = []
    const ref = await cast().place(
      setup<string>(() => ({ receive: (_message, from: Origin) => void trusts.push(from.trust) }))
    )
    ref.send('hello')
    await until(() => trusts.length > 0, 'it has come')
    expect(trusts).to.deep.equal([trust])
  })

  if (trust !== 'guest') {
    it('carries 500 levels', async () => {
      const ref = await cast().place(echo())
      const value = Array.from({ length: 249 }).reduce<unknown>(inner => ({ value: [inner] }), 'bottom')
      expect(await ref.ask({ type: 'echo', value })).to.deep.equal(value)
    })
  }

  const size = Math.min(5 * 2 ** 20, Math.floor((messageBytes ?? Number.POSITIVE_INFINITY) * 0.9))

  it(`carries a message of ${(size / 2 ** 20).toFixed(1)} MiB with small ones to others in between`, async () => {
    const { place, settled } = cast()
    const bulks: Array<Uint8Array | number> = []
    const notes: number[] = []
    const bulk = await place(noting(bulks))
    const other = await place(noting(notes))
    const bytes = new Uint8Array(size)
    for (let at = 0; at < size; at += 997) bytes[at] = at % 251
    await hand(bulk, 0)
    await hand(bulk, bytes)
    await hand(bulk, 1)
    await handAll(other, numbers(100))
    await until(() => bulks.length === 3 && notes.length === 100, 'all have come')
    await settled()
    expectNumbered(notes, 100)
    expect(bulks[0]).to.equal(0)
    expect(bulks[2]).to.equal(1)
    const came = bulks[1] as Uint8Array
    expect(came.length).to.equal(size)
    expect(came.findIndex((byte, at) => byte !== bytes[at])).to.equal(-1)
    if (copies || remote) expect(came).to.not.equal(bytes)
  })
}
