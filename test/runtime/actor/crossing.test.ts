import { createContext, runInContext } from 'node:vm'
import { expect } from 'chai'
import { isPlain, refusal } from '../../../runtime/actor/crossing.ts'

class Ref {}
const isRef = (value: unknown) => value instanceof Ref

describe('what may cross', () => {
  it('is all data and refs, whatever holds them', () => {
    const message = {
      plain: [1, 'a', null, undefined, true, 1n, Number.NaN],
      bare: Object.assign(Object.create(null), { a: 1 }),
      more: [
        new Map([[{ a: 1 }, new Set([new Date()])]]),
        new Uint8Array(1),
        new ArrayBuffer(1),
        new DataView(new ArrayBuffer(1))
      ],
      failed: new TypeError('no'),
      ref: new Ref(),
      // biome-ignore lint/suspicious/noSparseArray: what is shown
      sparse: [1, , 2]
    }

    expect(refusal(message, isRef)).to.equal(undefined)
  })

  it('includes plain objects of another realm', () => {
    const foreign: unknown = runInContext('({ a: { b: [1] } })', createContext({}))

    expect(isPlain(foreign as object)).to.equal(true)
    expect(refusal(foreign, isRef)).to.equal(undefined)
  })

  it('includes one object in two places, which is no cycle', () => {
    const shared = { a: 1 }

    expect(refusal([shared, shared, { shared }], isRef)).to.equal(undefined)
  })

  it('leaves symbol keys and hidden properties aside', () => {
    const message = Object.defineProperty({ [Symbol('x')]: () => {} }, 'hidden', { value: () => {} })

    expect(refusal(message, isRef)).to.equal(undefined)
  })

  for (const [title, message, text] of [
    ['a function', () => {}, 'message is a function; send data, and a ref where something is to be called'],
    ['the first of two faults', [1, Symbol('x'), () => {}], 'message[1] is a symbol; send a string'],
    ['a key that is no name', { 'a-b': { '7': Symbol('x') } }, 'message["a-b"]["7"] is a symbol; send a string'],
    [
      'a ref of another class',
      { ref: new (class Remote {})() },
      'message.ref is an instance of Remote; send a plain object'
    ],
    ['a promise', { a: Promise.resolve() }, 'message.a is a promise; await it before sending, or use ctx.pipe'],
    [
      'the key __proto__',
      JSON.parse('{"a":[{"__proto__":1}]}'),
      'message.a[0] has the key "__proto__"; use another key'
    ]
  ] as const) {
    it(`is told apart from ${title}`, () => {
      expect(refusal(message, isRef)).to.equal(text)
    })
  }
})
