import { expect } from 'chai'
import { BrokenFrame, ByteBuffer, ByteReader } from '../../../runtime/peer/codec.ts'
import { hex, thrown } from '../../support/codec.ts'

function written(write: (into: ByteBuffer) => void): Uint8Array {
  const into = new ByteBuffer(1)
  write(into)
  return into.bytes.subarray(0, into.at)
}

describe('a byte buffer', () => {
  for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) {
    it(`gives the varint ${value} back`, () => {
      const bytes = written(into => into.varint(value))

      const reader = new ByteReader(bytes)

      expect(reader.varint()).to.equal(value)
      expect(reader.at).to.equal(bytes.length)
    })
  }

  for (const length of [0, 1, 7, 8, 11, 31, 32, 42, 127, 128, 5461, 5462, 16_383, 16_384, 16_385, 70_000]) {
    for (const unit of ['a', 'é', '漢', '😀']) {
      it(`gives text of ${length} times ${unit} back`, () => {
        const bytes = written(into => into.utf8(unit.repeat(length)))

        const reader = new ByteReader(bytes)

        expect(reader.utf8()).to.equal(unit.repeat(length))
        expect(reader.at).to.equal(bytes.length)
      })
    }
  }

  it('keeps a byte order mark and a zero in text', () => {
    const bytes = written(into => into.utf8('\ufeffa\0'))

    expect(new ByteReader(bytes).utf8()).to.equal('\ufeffa\0')
  })

  it('writes U+FFFD for a lone surrogate', () => {
    const bytes = written(into => into.utf8('a\ud800'))

    expect(new ByteReader(bytes).utf8()).to.equal('a\ufffd')
  })

  it('keeps its content while it grows', () => {
    const bytes = written(into => {
      for (let index = 0; index < 300; index++) into.u8(index & 0xff)
      into.f64(-0)
      into.raw(hex('01 02'))
    })

    const reader = new ByteReader(bytes)

    expect(Array.from({ length: 300 }, () => reader.u8())).to.deep.equal(
      Array.from({ length: 300 }, (_, index) => index & 0xff)
    )
    expect(reader.f64()).to.equal(-0)
    expect(reader.raw(2)).to.deep.equal(hex('01 02'))
  })

  it('writes numbers into the array it was given since', () => {
    const into = new ByteBuffer(8)
    into.f64(1)
    into.bytes = new Uint8Array(16)
    into.at = 0

    into.f64(2)

    expect(new ByteReader(into.bytes).f64()).to.equal(2)
  })
})

describe('a byte reader', () => {
  const cut: Array<[string, (reader: ByteReader) => unknown, string]> = [
    ['a byte', reader => reader.u8(), ''],
    ['a varint', reader => reader.varint(), '80 80'],
    ['a float', reader => reader.f64(), '00 00 00'],
    ['a text', reader => reader.utf8(), '05 61 62'],
    ['raw bytes', reader => reader.raw(3), '01 02'],
    ['a copy', reader => reader.copy(2 ** 40), '01 02']
  ]
  for (const [what, read, bytes] of cut) {
    it(`refuses ${what} that is cut, though the array goes on`, () => {
      const long = new Uint8Array([...hex(bytes), 1, 1, 1, 1, 1, 1, 1, 1])

      const error = thrown(() => read(new ByteReader(long, 0, hex(bytes).length)))

      expect(error).to.be.instanceOf(BrokenFrame)
      expect(error.code).to.equal('ACTOR_INVALID')
    })
  }

  for (const [what, bytes] of [
    ['more than 53 bits', 'ff ff ff ff ff ff ff 1f'],
    ['nine bytes', '80 80 80 80 80 80 80 80 01'],
    ['a longer form than needed', '81 00']
  ] as const) {
    it(`refuses a varint of ${what}`, () => {
      expect(thrown(() => new ByteReader(hex(bytes)).varint())).to.be.instanceOf(BrokenFrame)
    })
  }

  it('refuses text above the length that is allowed', () => {
    expect(new ByteReader(hex('02 61 62')).utf8(2)).to.equal('ab')
    expect(thrown(() => new ByteReader(hex('02 61 62')).utf8(1))).to.be.instanceOf(BrokenFrame)
  })

  for (const [what, bytes] of [
    ['an overlong form', 'c0 af'],
    ['a surrogate', 'ed a0 80'],
    ['a lone continuation', '61 80'],
    ['a sequence that is cut', 'e2 82'],
    ['a code point above U+10FFFF', 'f4 90 80 80']
  ] as const) {
    it(`refuses text with ${what}, and goes on behind it`, () => {
      const reader = new ByteReader(new Uint8Array([...hex(bytes), 7]))

      const error = thrown(() => reader.text(hex(bytes).length))

      expect(error).to.include({ code: 'ACTOR_INVALID' }).and.not.instanceOf(BrokenFrame)
      expect(reader.u8()).to.equal(7)
    })
  }

  it('copies into memory of its own, from the middle of a larger array too', () => {
    const bytes = Buffer.from([0, 1, 2, 3, 4]).subarray(1)

    const copy = new ByteReader(bytes, 1).copy(2)
    bytes.fill(9)

    expect(copy).to.deep.equal(new Uint8Array([2, 3]))
    expect(copy.buffer.byteLength).to.equal(2)
  })
})
