// Builds dist/: all published entries in one run, so that they share chunks and therefore classes, then their declarations.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'
import { entries, root } from './entries.mjs'

rmSync(`${root}dist`, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: [...entries.values()],
  outbase: '.',
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  packages: 'external',
  splitting: true,
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  charset: 'utf8',
  sourcemap: false
})
const { status } = spawnSync(
  process.execPath,
  [`${root}node_modules/typescript/bin/tsc`, '-p', 'tsconfig.build.json'],
  { cwd: root, stdio: 'inherit' }
)
process.exitCode = status ?? 1

// Declarations keep the `.ts` of the sources' imports, which not every tool of a user follows to a `.d.ts`.
for (const name of readdirSync(`${root}dist`, { recursive: true })) {
  if (!name.endsWith('.d.ts')) continue
  const text = readFileSync(`${root}dist/${name}`, 'utf8')
  writeFileSync(`${root}dist/${name}`, text.replace(/((?:from |import\()['"]\.[^'"]*)\.ts(?=['"])/g, '$1.js'))
}
