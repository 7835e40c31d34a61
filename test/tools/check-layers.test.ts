import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { root } from '../../tools/entries.mjs'

describe('the layer check', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'whereabouts-layers-'))
    await cp(join(root, 'tools'), join(folder, 'tools'), { recursive: true })
    await cp(join(root, 'package.json'), join(folder, 'package.json'))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  })

  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('accepts imports downwards, and names of globals in comments, strings and locals', async () => {
    await write('runtime/actor/cell.ts', `export const cell = (performance: number) => performance // Date.now()\n`)
    await write(
      'runtime/peer/path.ts',
      `import { cell } from '../actor/cell.ts'\nexport const path = [cell, 'process']\n`
    )
    expect(await check()).to.deep.equal({ code: 0, complaints: [] })
  })

  it('accepts the platform where a port holds it', async () => {
    await write('runtime/actor/clock.ts', `export const now = () => performance.now()\n`)
    expect(await check()).to.deep.equal({ code: 0, complaints: [] })
  })

  it('refuses an import upwards, whatever its form', async () => {
    await write('runtime/peer/path.ts', `export const path = 1\n`)
    await write('runtime/actor/static.ts', `import {\n  path\n} from '../peer/path.ts'\nexport const one = path\n`)
    await write('runtime/actor/again.ts', `export * from '../peer/path.ts'\n`)
    await write('runtime/actor/late.ts', `export const late = () => import('node:fs')\n`)
    const { code, complaints } = await check()
    expect(code).to.equal(1)
    expect(complaints).to.include.members([
      'runtime/actor/static.ts:1 imports runtime/peer/path.ts',
      'runtime/actor/again.ts:1 imports runtime/peer/path.ts',
      'runtime/actor/late.ts:1 imports node:fs'
    ])
  })

  it('refuses a platform global inside runtime/', async () => {
    await write('runtime/actor/cell.ts', `export const at = () => [Date.now(), typeof process, new Date()]\n`)
    const { code, complaints } = await check()
    expect(code).to.equal(1)
    expect(complaints.filter(line => line.startsWith('runtime/actor/cell.ts takes'))).to.have.length(3)
  })

  it('refuses a cycle of imports, and lets one of types pass', async () => {
    await write('runtime/actor/a.ts', `import { b } from './b.ts'\nexport const a = b\n`)
    await write('runtime/actor/b.ts', `import { a } from './a.ts'\nexport const b = () => a\n`)
    await write('runtime/actor/c.ts', `import type { D } from './d.ts'\nexport type C = D\n`)
    await write('runtime/actor/d.ts', `import type { C } from './c.ts'\nexport type D = C[]\n`)
    const { code, complaints } = await check()
    expect(code).to.equal(1)
    expect(complaints.filter(line => line.startsWith('import cycle'))).to.deep.equal([
      'import cycle (type-only imports do not count): runtime/actor/a.ts -> runtime/actor/b.ts -> runtime/actor/a.ts'
    ])
  })

  async function write(path: string, text: string): Promise<void> {
    await mkdir(join(folder, dirname(path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }

  function check(): Promise<{ code: number; complaints: string[] }> {
    return new Promise(resolve => {
      execFile(process.execPath, ['tools/check-layers.mjs'], { cwd: folder }, (error, _stdout, stderr) => {
        resolve({ code: error === null ? 0 : 1, complaints: stderr.split('\n').filter(line => line !== '') })
      })
    })
  }
})
