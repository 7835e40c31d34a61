import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { root } from '../../tools/entries.mjs'
import { hexOf } from '../../tools/vectors/notation.ts'
import { file, vectors } from '../../tools/vectors.ts'
import { anyProtocol } from '../suites/any-protocol.ts'
import { vectors as written } from './implementation.ts'
import { ours } from './ours.ts'

describe('docs/protocol-vectors.json', () => {
  it('is what its sources say: `npm run vectors` writes it', async () => {
    expect(
      readFileSync(file, 'utf8') === (await vectors()),
      'run `npm run vectors`, and look at what has changed'
    ).to.equal(true)
  })

  it('has the session that docs/protocol.md shows, byte for byte', () => {
    const page = readFileSync(`${root}docs/protocol.md`, 'utf8')
    const [, block = ''] = /\n## A session\n[\s\S]*?```text\n([\s\S]*?)```/.exec(page) ?? []
    const shown = block.split('\n').map(line => {
      if (/^ {2}[{"]/.test(line)) return hexOf(new TextEncoder().encode(line.slice(2)))
      return (/^ {2}([0-9a-f ]+?)(?: {2}|$)/.exec(line)?.[1] ?? '').replaceAll(' ', '')
    })
    const said = written.session.flatMap(({ says, hears }) => [says, ...hears])
    expect(shown.join('')).to.equal(said.join(''))
  })
})

anyProtocol('the runtime', ours)
