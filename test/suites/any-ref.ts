// The conformance suite: the same cases for a ref wherever it lives. A place hands in its `setup`; what may differ between
// places is in `Traits`, and docs/semantics.md says why.

import { asks } from './any-ref/asks.ts'
import type { Cast, Traits } from './any-ref/cast.ts'
import { cuts } from './any-ref/cuts.ts'
import { letters } from './any-ref/letters.ts'
import { order } from './any-ref/order.ts'
import { refs } from './any-ref/refs.ts'
import { room } from './any-ref/room.ts'
import { kinds } from './any-ref/values.ts'
import { watches } from './any-ref/watches.ts'

export type { Cast, Traits }

export function anyRef(title: string, setup: () => Promise<Cast>, traits: Traits): void {
  describe(`a ref, ${title}`, () => {
    let playing: Cast | undefined

    beforeEach(async () => {
      playing = await setup()
    })

    afterEach(async () => {
      const ending = playing
      playing = undefined
      await ending?.end()
    })

    const cast = (): Cast => {
      if (playing === undefined) throw new Error('a cast plays inside of a case only')
      return playing
    }

    describe('order', () => order(cast, traits))
    describe('asks', () => asks(cast, traits))
    describe('watches and restarts', () => watches(cast, traits))
    describe('refs in messages', () => refs(cast, traits))
    describe('dead letters', () => letters(cast, traits))
    describe('values', () => kinds(cast, traits))
    describe('room', () => room(cast, traits))
    if (traits.cuts) describe('cuts', () => cuts(cast, traits))
  })
}
