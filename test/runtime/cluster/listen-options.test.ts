// What `listen` refuses, before anybody can connect.

import { expect } from 'chai'
import { type ActorError, actorName, createSystem, type ListenOptions } from '../../../runtime/index.ts'
import { memory } from '../../../transports/memory.ts'

const Name = actorName<{ type: 'any' }>('name')

const refused: ReadonlyArray<readonly [what: string, options: unknown, fact: RegExp]> = [
  ['no trust', {}, /trust/],
  ['a short secret', { trust: { node: { secret: 'short' } } }, /16 characters/],
  ['an exposed name without a schema', { trust: 'guest', expose: [Name] }, /unchecked/],
  ['a downAfter of 0', { trust: 'guest', downAfter: 0 }, /downAfter is 0/],
  [
    'a window below where credit begins',
    { trust: 'guest', limits: { windowBytes: 1_000 } },
    /limits.windowBytes is 1000/
  ],
  ['messages that hold nothing', { trust: 'guest', limits: { messageBytes: 10 } }, /limits.messageBytes is 10/],
  ['a limit that is no number', { trust: 'guest', limits: { openAsks: '64' } }, /limits.openAsks is 64/],
  ['a limit that is not a number', { trust: 'guest', limits: { nodes: Number.NaN } }, /limits.nodes is NaN/],
  ['a limit that there is not', { trust: 'guest', limits: { bytes: 1 } }, /no limit 'bytes'/]
]

describe('listen', () => {
  for (const [what, options, fact] of refused) {
    it(`refuses ${what}`, async () => {
      await using system = createSystem()
      const error: ActorError = await system.listen(memory().listener, options as ListenOptions).then(
        () => expect.fail('it was not refused'),
        (thrown: ActorError) => thrown
      )
      expect(error.code).to.equal('ACTOR_BAD_OPTION')
      expect(error.message).to.match(fact)
    })
  }
})
