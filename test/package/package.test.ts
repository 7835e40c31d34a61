// The packed tarball, installed in an empty folder: it runs in Node, its declarations are whole, and it bundles for a browser.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
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
      ...['ws', 'zod', '@types/ws', '@types/node'].map(name => `${name}@${pinned[name]}`)
    ])
    await cp(join(root, 'test/package/consumer'), folder, { recursive: true })
  })

  after(() => rm(folder, { recursive: true, force: true }))

  it('holds what it publishes and nothing of the workshop', () => {
    const published = [...entries.values()].flatMap(source => {
      const built = `dist/${source.replace(/\.ts$/, '')}`
      return [`${built}.js`, `${built}.d.ts`]
    })
    const beside = ['README.md', 'LICENSE', 'CHANGELOG.md', 'package.json', 'docs/protocol-vectors.json']
    expect(packed).to.include.members([...published, ...beside])
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

  it('has the server of docs/on-the-internet.md, which runs as it stands there', async () => {
    const guide = await readFile(join(folder, 'node_modules/whereabouts/docs/on-the-internet.md'), 'utf8')
    const files = [...guide.matchAll(/^```ts file=([\w.]+)\n([\s\S]*?)^```$/gm)] as unknown as string[][]
    await Promise.all(files.map(([, name, code]) => writeFile(join(folder, name as string), code as string)))
    const lib = ['esnext', 'dom', 'dom.iterable']
    const emit = { rewriteRelativeImportExtensions: true, skipLibCheck: true }
    await compile({ ...checked, ...emit, types: ['node'], lib }, ...files.map(([, name]) => name as string))

    const secrets = {
      TOKEN_KEY: 'the key of the tokens',
      PASSWORD: 'the password of all',
      NODE_SECRET: 'of two nodes only'
    }
    const env = { ...process.env, ...secrets, PORT: '0', NODE_PORT: '0', TOKEN_SECONDS: '3' }
    const started: Said[] = []
    const start = (args: string[], more: object = {}): Said => {
      const said = saying(spawn(process.execPath, args, { cwd: folder, env: { ...env, ...more } }))
      started.push(said)
      return said
    }
    try {
      const server = start(['server.js'])
      const [, hub] = await server.says(/for nodes","url":"([^"]+)/)
      const [, url = ''] = await server.says(/for guests","url":"ws:([^"]+)\/actors/)
      const worker = start(['worker.js'], { HUB: hub })
      await worker.says(/the worker shouts/)
      const ada = start(['guest.js', `http:${url}`, 'ada'])
      await ada.says(/IS ANYBODY THERE!/)
      const ben = start(['guest.js', `http:${url}`, 'ben'])
      await Promise.all([ada.says(/ben: hello from ben/), ben.says(/ada: hello from ada\n[\s\S]*ben: hello/)])
      await Promise.all([server.says(/"refreshed".*"user":"ada"/), server.says(/"refreshed".*"user":"ben"/)])
      expect(await (await fetch(`http:${url}/status`)).json()).to.include({ status: 'open', attached: 2 })
      const ends = server.says(/"user":"ada".*"why":"closed"/)
      expect(await server.end('SIGTERM')).to.equal(0)
      await Promise.all([ends, ada.says(/4503/), ben.says(/4503/)])
      expect(await worker.end('SIGTERM')).to.equal(0)
      expect(await ada.end('SIGINT')).to.equal(0)
    } finally {
      for (const { child } of started) child.kill('SIGKILL')
    }
  })

  /** Type-checks files as a user would, with the compiler of this repository. */
  async function compile(compilerOptions: object, ...files: string[]): Promise<void> {
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
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

/** A program that runs, and what it prints. */
interface Said {
  readonly child: ChildProcess
  /** Resolves when it has printed that. */
  says(what: RegExp): Promise<RegExpExecArray>
  /** Sends the signal and resolves with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

function saying(child: ChildProcess): Said {
  let said = ''
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text
      for (const look of [...waiting]) look()
    })
  }
  return {
    child,
    says: what =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = what.exec(said)
          if (found === null) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
        child.once('exit', () => reject(new Error(`it ended without saying ${what}:\n${said}`)))
      }),
    end: signal =>
      new Promise(resolve => {
        child.once('exit', code => resolve(code))
        child.kill(signal)
      })
  }
}
