// The packed tarball, installed in an empty folder: it runs in Node, its declarations are whole, and it bundles for a browser.

import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { build } from 'esbuild'
import { entries, manifest, root } from '../../tools/entries.mjs'

const tsc = join(root, 'node_modules/typescript/bin/tsc')
const checked = {
  target: 'es2022',
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false
}

describe('the packed package', function () {
  this.timeout(180_000)
  let folder: string
  let packed: string[]

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'whereabouts-package-'))
    const report = JSON.parse(await run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], root))
    const [tarball] = Object.values(report) as [{ filename: string; files: Array<{ path: string }> }]
    packed = tarball.files.map(file => file.path)
    const pinned: Record<string, string> = manifest.devDependencies
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
    await run('npm', [
      'install',
      '--prefer-offline',
      '--silent',
      join(folder, tarball.filename),
      ...['ws', '@types/ws', '@types/node'].map(name => `${name}@${pinned[name]}`)
    ])
    await cp(join(root, 'test/package/consumer'), folder, { recursive: true })
  })

  after(() => rm(folder, { recursive: true, force: true }))

  it('holds what it publishes and nothing of the workshop', () => {
    const published = [...entries.values()].flatMap(source => {
      const built = `dist/${source.replace(/\.ts$/, '')}`
      return [`${built}.js`, `${built}.d.ts`]
    })
    expect(packed).to.include.members([...published, 'README.md', 'LICENSE', 'CHANGELOG.md', 'package.json'])
    expect(packed.filter(path => /^(test|tools|bench|examples|runtime|\.)/.test(path))).to.deep.equal([])
  })

  it('connects two systems over memory and over a WebSocket in Node', async () => {
    await compile({ ...checked, types: ['node'], lib: ['esnext'] }, 'two-systems.ts')
    const said = await run(process.execPath, ['two-systems.js'])
    expect(said.trim().split('\n')).to.deep.equal(['memory 500500', 'websocket 500500'])
  })

  it('has what a server needs to be hosted', async () => {
    await compile({ ...checked, types: ['node'], lib: ['esnext'] }, 'hosted.ts')
    expect(await run(process.execPath, ['hosted.js'])).to.equal('status 200, then 503\n')
  })

  it('has whole declarations for a browser module that knows nothing of Node', async () => {
    await compile({ ...checked, types: [], lib: ['esnext', 'dom'], noEmit: true }, 'page.ts')
  })

  it('bundles for a browser without a Node module, ws or xstate', async () => {
    const { metafile, warnings } = await build({
      absWorkingDir: folder,
      entryPoints: ['page.ts'],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      logLevel: 'silent'
    })
    const packages = Object.keys(metafile.inputs).map(input => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1])
    expect(warnings).to.deep.equal([])
    expect(packages).to.include('whereabouts').and.not.include.oneOf(['ws', 'xstate', '@types/node'])
  })

  it('gives one and the same thing through both doors', async () => {
    const program = `
      const [whole, core] = await Promise.all([import('whereabouts'), import('whereabouts/core')])
      const shared = Object.keys(core).filter(name => name in whole && name !== 'createSystem')
      console.log(JSON.stringify({ shared, same: shared.filter(name => core[name] === whole[name]) }))`
    const { shared, same } = JSON.parse(await run(process.execPath, ['--input-type=module', '-e', program]))
    expect(same).to.deep.equal(shared).and.include.members(['ActorError', 'receive', 'setup'])
  })

  /** Type-checks one file as a user would, with the compiler of this repository. */
  async function compile(compilerOptions: object, file: string): Promise<void> {
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }))
    await run(process.execPath, [tsc, '-p', 'tsconfig.json'])
  }

  /** What a program prints; if it fails, all it said is in the error. */
  async function run(program: string, args: string[], cwd = folder): Promise<string> {
    const { stdout } = await promisify(execFile)(program, args, { cwd, maxBuffer: 2 ** 24 }).catch(error => {
      throw new Error(`${program} ${args.join(' ')} failed\n${error.stdout}\n${error.stderr}`)
    })
    return stdout
  }
})
