import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { file, vectors } from '../../tools/vectors.ts'
import { anyProtocol } from '../suites/any-protocol.ts'
import { ours } from './ours.ts'

describe('docs/protocol-vectors.json', () => {
  it('is what its sources say: `npm run vectors` writes it', () => {
    expect(readFileSync(file, 'utf8') === vectors(), 'run `npm run vectors`, and look at what has changed').to.equal(
      true
    )
  })
})

anyProtocol('the runtime', ours)
