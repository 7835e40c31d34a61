import { expect } from 'chai'
import { GUEST_LIMITS, scan } from '../../../runtime/peer/guard.ts'
import { hex, thrown } from '../../support/codec.ts'

/** MessagePack text behind a head of the given form. */
function text(bytes: string): string {
  return `${(0xa0 | hex(bytes).length).toString(16)} ${bytes}`
}

const ascii = (word: string) => text(Array.from(word, letter => letter.charCodeAt(0).toString(16)).join(''))

describe('the guard', () => {
  for (const [title, bytes, counted] of [
    ['a small integer', '05', { nodes: 1, keys: 0, holes: 0 }],
    [
      'every form of number',
      '9a 7f e0 cc ff cd ffff ce ffffffff d0 80 d1 8000 d2 80000000 cb 3ff8000000000000 c0',
      { nodes: 11 }
    ],
    ['booleans', '92 c2 c3', { nodes: 3 }],
    ['every form of text', 'a161 d901 61 da0001 61 db00000001 61', undefined],
    ['text in every width of UTF-8', text('24 c2a2 e0a080 ed9fbf ee8080 f0908080 f48fbfbf'), { nodes: 1 }],
    ['a map', '82 a161 01 a162 91 02', { nodes: 4, keys: 2 }],
    ['maps and arrays with long heads', 'de0001 a161 df00000001 a162 dc0001 dd00000001 c0', { nodes: 5, keys: 2 }],
    ['holes', '92 d40000 81 a161 d40000', { nodes: 4, keys: 1, holes: 2 }],
    ['an empty map', '80', { nodes: 1, keys: 0 }]
  ] as const) {
    it(`lets ${title} pass`, () => {
      if (counted === undefined) {
        for (const one of bytes.split(/ (?=d[9ab])/)) scan(hex(one), GUEST_LIMITS, 1, true)
      } else {
        expect(scan(hex(bytes), GUEST_LIMITS, 1, true)).to.include(counted)
      }
    })
  }

  for (const [title, bytes, says] of [
    ['nothing', '', 'ends early'],
    ['an array that is cut', '92 01', 'announces more'],
    ['a map without its last value', '82 a161 01 a1 62', 'ends early'],
    ['a number that is cut', '92 01 cd 01', 'ends early'],
    ['more than one value', '01 02', 'goes on behind its end'],
    ['320 bytes that announce 4 GiB', 'dd00ffffff'.repeat(64), 'announces more than it holds'],
    ['arrays of 32-bit lengths', 'ddffffffff', 'announces more than it holds'],
    ['a map of 32-bit length', 'dfffffffff', 'announces more than it holds'],
    ['text that claims 2 GiB', 'db80000000 61', 'announces more than it holds'],
    ['bytes that claim 2 GiB', 'c680000000 61', 'extension'],
    ['an extension that claims 2 GiB', 'c980000000 01 61', 'extension'],
    ['a length that is cut', 'db0000', 'ends early'],
    ['the byte c1', 'c1', 'extension'],
    ['a float of 32 bits', 'ca3f800000', 'extension'],
    ['integers of 64 bits', 'cf0000000000000001', 'extension'],
    ['a map with a number as key', '81 01 02', 'a key that is no text'],
    ['a map with null as key', '81 c0 02', 'a key that is no text'],
    ['a map with a map as key', '81 80 02', 'a key that is no text'],
    ['a key of 129 bytes', `81 d981 ${'61'.repeat(129)} 01`, 'a key longer than 128 bytes'],
    ['the key __proto__', `81 ${ascii('__proto__')} 01`, 'the key "__proto__"'],
    ['the key constructor', `81 ${ascii('constructor')} 01`, 'the key "constructor"'],
    ['the key prototype', `91 81 ${ascii('prototype')} 01`, 'the key "prototype"'],
    ['17 arrays in one another', `${'91'.repeat(16)}90`, 'nested deeper than 16'],
    ['10,000 arrays in one another', '91'.repeat(10_000), 'nested deeper than 16'],
    ['10,001 values', `dc2710 ${'c0'.repeat(10_000)}`, 'more than 10000 values'],
    ['overlong UTF-8', text('c0af'), 'ill-formed text'],
    ['overlong UTF-8 of three bytes', text('e09fbf'), 'ill-formed text'],
    ['overlong UTF-8 of four bytes', text('f08fbfbf'), 'ill-formed text'],
    ['a lone surrogate', text('eda080'), 'ill-formed text'],
    ['a lone continuation', text('80'), 'ill-formed text'],
    ['a sequence that is cut', text('e282'), 'ill-formed text'],
    ['a sequence that is broken', text('e28261'), 'ill-formed text'],
    ['a code point above U+10FFFF', text('f4908080'), 'ill-formed text'],
    ['an ill-formed key', '81 a1ff 01', 'ill-formed text']
  ] as const) {
    it(`stops ${title}`, () => {
      const error = thrown(() => scan(hex(bytes), GUEST_LIMITS, 1, true))

      expect(error).to.include({ code: 'ACTOR_INVALID' })
      expect(error.message).to.include(says)
    })
  }

  it('stops every extension type in every form, except the hole', () => {
    for (let type = 0; type < 256; type++) {
      const byte = type.toString(16).padStart(2, '0')
      const filled = '00'.repeat(16)
      for (const form of [
        `d4${byte}01`,
        `d5${byte}0000`,
        `d6${byte}00000000`,
        `d7${byte}${filled.slice(16)}`,
        `d8${byte}${filled}`,
        `c700${byte}`,
        `c80000${byte}`,
        `c900000000${byte}`
      ]) {
        // biome-ignore format: the forms of one type
        expect(thrown(() => scan(hex(form), GUEST_LIMITS, 1, true)), form).to.include({ code: 'ACTOR_INVALID' })
      }
      if (type > 0)
        expect(thrown(() => scan(hex(`d4${byte}00`), GUEST_LIMITS, 1, true))).to.include({ code: 'ACTOR_INVALID' })
    }
  })

  it('lets each limit be reached', () => {
    scan(hex(`${'91'.repeat(15)}90`), GUEST_LIMITS, 1, true)
    scan(hex('90'), GUEST_LIMITS, 16, true)
    scan(hex(`dc270f ${'c0'.repeat(9999)}`), GUEST_LIMITS, 1, true)
    scan(hex(`81 d980 ${'61'.repeat(128)} 01`), GUEST_LIMITS, 1, true)
    expect(thrown(() => scan(hex('90'), GUEST_LIMITS, 17, true)).message).to.include('nested deeper')
  })

  for (const [title, bytes, distinct] of [
    ['another each', `83 ${ascii('a')} 01 ${ascii('b')} 02 ${ascii('ab')} 03`, true],
    [
      'the same in maps in and behind each other',
      `92 82 ${ascii('a')} 81 ${ascii('a')} 01 ${ascii('b')} 02 81 ${ascii('a')} 01`,
      true
    ],
    ['the same twice', `82 ${ascii('a')} 01 ${ascii('a')} 02`, false],
    ['the same around a map', `82 ${ascii('a')} 81 ${ascii('b')} 01 ${ascii('a')} 02`, false],
    ['the same in two forms', '82 a161 01 d90161 02', false],
    ['the empty one twice', '82 a0 01 a0 02', false],
    [
      'more than are compared',
      `de0011 ${Array.from({ length: 17 }, (_, n) => `${ascii(`k${n}`)} 01`).join(' ')}`,
      false
    ]
  ] as const) {
    it(`tells whether keys may be the same: ${title}`, () => {
      expect(scan(hex(bytes), GUEST_LIMITS, 1, true).distinct).to.equal(distinct)
    })
  }

  it('takes constructor and prototype as keys from nodes', () => {
    scan(hex(`82 ${ascii('constructor')} 01 ${ascii('prototype')} 02`), GUEST_LIMITS, 1, false)
    expect(thrown(() => scan(hex(`81 ${ascii('__proto__')} 01`), GUEST_LIMITS, 1, false)).message).to.include(
      '__proto__'
    )
  })
})
