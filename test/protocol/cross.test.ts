// What one implementation writes, whatever forms it chooses, the other reads: random messages of one epoch, both ways.

import { expect } from 'chai'
import fc from 'fast-check'
import { Paper, plain } from '../../tools/vectors/notation.ts'
import type { Implementation } from './implementation.ts'
import { ours } from './ours.ts'
import { second } from './second/vectors.ts'

const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 60 }))
const key = fc.oneof(
  fc.constantFrom('type', 'a', 'b', 'é', '1', '0', '-1', 'constructor'),
  text.filter(each => each !== '__proto__')
)
const address = fc.constantFrom('a', 'b', 'c~d', 'registry').map(id => new Paper(`actor:${'A'.repeat(22)}/${id}`))
const leaf = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  text,
  fc.boolean(),
  fc.constantFrom(null, undefined, -0, 2 ** 53, new Paper('')),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array(),
  fc.float64Array(),
  address,
  text.map(message => new TypeError(message))
)
const { message } = fc.letrec(tie => ({
  message: fc.oneof({ maxDepth: 5, depthSize: 'small' }, leaf, tie('list'), tie('fields'), tie('map'), tie('set')),
  list: fc.array(tie('message'), { maxLength: 20 }),
  fields: fc.oneof(
    fc.dictionary(key, tie('message'), { maxKeys: 30, noNullPrototype: true }),
    fc.record({ type: fc.constantFrom('add', 'read', 'naïve'), n: tie('message') })
  ),
  map: fc.array(fc.tuple(leaf, tie('message')), { maxLength: 5 }).map(entries => new Map(entries)),
  set: fc.array(leaf, { maxLength: 5 }).map(items => new Set(items))
}))

const ways: ReadonlyArray<readonly [string, Implementation, Implementation]> = [
  ['what the runtime writes the second implementation reads', ours, second],
  ['what the second implementation writes the runtime reads', second, ours]
]

describe('two implementations', () => {
  for (const [title, writer, reader] of ways) {
    it(title, () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(message, fc.boolean()), { maxLength: 8 }), messages => {
          const of = { guest: false, question: true }
          const [out, back] = [writer.values(of), reader.values(of)]
          for (const [value, alone] of messages) {
            const read = back.read(out.write(value, alone))
            // As text: the order of keys counts.
            expect(JSON.stringify(plain(read))).to.equal(JSON.stringify(plain(value)))
          }
        }),
        { seed: 4711, numRuns: 500 }
      )
    })
  }
})
