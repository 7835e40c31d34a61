// The docs are held to what they say: code in README and docs/ type-checks, and runs where it is marked `ts run`; links lead
// somewhere; error codes and sizes are those of the source.
//
// ```ts             a module of its own
// ```ts continued   goes on where the `ts` block above it ended
// ```ts run         is run as well; a ```text block right below it is what it prints
// ```ts file=a.ts   is a file beside the others of its page, which may import it

import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { root } from '../tools/entries.mjs'
import { bundles, measure } from '../tools/size.mjs'

interface Block {
  readonly page: string
  readonly line: number
  readonly code: string
  readonly run: boolean
  readonly prints: string | undefined
  /** Its name among the files of its page. */
  readonly file: string | undefined
}

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs')).flatMap(name => (name.endsWith('.md') ? [`docs/${name}`] : []))
]
const text = new Map(pages.map(page => [page, readFileSync(join(root, page), 'utf8')]))
const blocks = pages.flatMap(blocksOf)

describe('code in the docs', function () {
  this.timeout(60_000)
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'whereabouts-docs-'))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    await Promise.all(
      blocks.map(async block => {
        const file = join(folder, fileOf(block))
        await mkdir(dirname(file), { recursive: true })
        await writeFile(file, block.code)
      })
    )
  })

  after(() => rm(folder, { recursive: true, force: true }))

  it('type-checks', async () => {
    const config = { extends: join(root, 'tsconfig.json'), files: blocks.map(fileOf), include: [] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const said = await execute([join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
    expect(said.output, said.output).to.equal('')
  })

  for (const block of blocks.filter(({ run }) => run)) {
    it(`runs: ${block.page} line ${block.line}`, async () => {
      const said = await execute(['--import', join(root, 'tools/ts.mjs'), fileOf(block)])
      expect(said.code, said.output).to.equal(0)
      if (block.prints !== undefined) expect(said.output.trimEnd()).to.equal(block.prints.trimEnd())
    })
  }

  async function execute(args: string[]): Promise<{ code: number; output: string }> {
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 30_000 })
      return { code: 0, output: stdout + stderr }
    } catch (error) {
      const { code, stdout, stderr } = error as { code?: number; stdout: string; stderr: string }
      return { code: code ?? 1, output: stdout + stderr }
    }
  }
})

describe('facts in the docs', () => {
  const codes = (where: string) => new Set(where.match(/\bACTOR_[A-Z]+(?:_[A-Z]+)*\b/g) ?? [])
  const declared = codes(readFileSync(join(root, 'runtime/actor/errors.ts'), 'utf8'))
  const used = new Set(
    ['runtime', 'transports', 'actors'].flatMap(sourcesIn).flatMap(file => [...codes(readFileSync(file, 'utf8'))])
  )

  it('docs/errors.md has a section for every code and no other', () => {
    const sections = [...(text.get('docs/errors.md') ?? '').matchAll(/^## `(ACTOR_[A-Z_]+)`$/gm)].map(
      ([, code]) => code
    )
    expect([...sections].sort()).to.deep.equal([...new Set([...declared, ...used])].sort())
  })

  it('every declared code is used', () => {
    const elsewhere = ['runtime', 'transports', 'actors']
      .flatMap(sourcesIn)
      .filter(file => !file.endsWith('actor/errors.ts'))
    const raised = new Set(elsewhere.flatMap(file => [...codes(readFileSync(file, 'utf8'))]))
    expect([...declared].filter(code => !raised.has(code))).to.deep.equal([])
  })

  it('no page names a code that does not exist', () => {
    const strangers = pages.flatMap(page =>
      [...codes(text.get(page) ?? '')].flatMap(code =>
        declared.has(code) || used.has(code) ? [] : [`${page}: ${code}`]
      )
    )
    expect(strangers).to.deep.equal([])
  })

  it('relative links lead to files', () => {
    const broken = pages.flatMap(page =>
      [...(text.get(page) ?? '').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)].flatMap(([, target]) =>
        existsSync(join(root, dirname(page), target as string)) ? [] : [`${page}: ${target}`]
      )
    )
    expect(broken).to.deep.equal([])
  })

  it('sizes in the README are within 5 % of the measured ones', async function () {
    this.timeout(30_000)
    const quoted = sizesIn(text.get('README.md') ?? '')
    expect(quoted, 'a table with a row for each bundle of tools/size.mjs and a column gzip').to.include.keys('core')
    for (const bundle of bundles) {
      const claims = quoted.get(bundle.name)
      if (claims === undefined) continue
      const measured: Record<string, unknown> = await measure(bundle)
      for (const [column, bytes] of claims) {
        expect(bytes, `${bundle.name}, ${column}`).to.be.closeTo(
          measured[column] as number,
          (measured[column] as number) * 0.05
        )
      }
    }
  })
})

/** Rows of tables with a column `gzip`: bundle name -> column -> bytes. Cells read like `4.9 kB`. */
function sizesIn(page: string): Map<string, Map<string, number>> {
  const found = new Map<string, Map<string, number>>()
  let columns: string[] = []
  for (const line of page.split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .split('|')
          .slice(1, -1)
          .map(cell => cell.trim())
      : []
    if (cells.length === 0) columns = []
    else if (columns.length === 0) columns = cells
    else if (columns.includes('gzip')) {
      const bytes = cells.flatMap((cell, at): Array<[string, number]> => {
        const size = /^([\d.]+) kB$/.exec(cell)
        return size === null ? [] : [[columns[at] ?? '', Number(size[1]) * 1000]]
      })
      if (bytes.length > 0) found.set((cells[0] ?? '').replaceAll('`', ''), new Map(bytes))
    }
  }
  return found
}

function blocksOf(page: string): Block[] {
  const lines = (text.get(page) ?? '').split('\n')
  const found: Block[] = []
  let before = ''
  for (let at = 0; at < lines.length; at++) {
    const opening = /^```ts(?: (run|continued|file=([\w.-]+)))?$/.exec(lines[at] ?? '')
    if (opening === null) continue
    const end = lines.indexOf('```', at + 1)
    const code = `${lines.slice(at + 1, end).join('\n')}\n`
    const whole = opening[1] === 'continued' ? before + code : code
    const next = lines.findIndex((line, index) => index > end && line !== '')
    const prints =
      lines[next] === '```text' ? lines.slice(next + 1, lines.indexOf('```', next + 1)).join('\n') : undefined
    found.push({ page, line: at + 1, code: `${whole}export {}\n`, run: opening[1] === 'run', prints, file: opening[2] })
    before = whole
    at = end
  }
  return found
}

function fileOf({ page, line, file }: Block): string {
  if (file !== undefined) return `${page.replace(/\W/g, '-')}/${file}`
  return `${page.replace(/\W/g, '-')}-line-${line}.ts`
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).flatMap(name =>
    name.endsWith('.ts') ? [join(root, folder, name)] : []
  )
}
