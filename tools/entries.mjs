// What the package publishes: read from `exports` in package.json, so that loader, bundler, sizes and checks cannot disagree with it.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

export const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

/** Published name -> source file, relative to the root: `whereabouts/core` -> `runtime/core.ts`. */
export const entries = new Map(
  Object.entries(manifest.exports).map(([subpath, targets]) => [
    `${manifest.name}${subpath.slice(1)}`,
    targets.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts')
  ])
)
