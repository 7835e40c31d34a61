// Bundles for the browser with esbuild, `whereabouts/...` taken from the sources. The demo, the browser tests and the sizes use it.

import { build } from 'esbuild'
import { entries, root } from './entries.mjs'

/**
 * An esbuild plugin: `whereabouts/...` is the source file that the package publishes under that name.
 * @type {import('esbuild').Plugin}
 */
export const sources = {
  name: 'whereabouts-sources',
  setup(build) {
    build.onResolve({ filter: /^whereabouts(\/|$)/ }, ({ path }) => {
      const source = entries.get(path)
      if (source === undefined) return { errors: [{ text: `the package does not publish ${path}` }] }
      return { path: root + source, sideEffects: false }
    })
  }
}

/**
 * One ES module as text, ready for a `<script type="module">`.
 * @param {string} entry path of a .ts, .js or .css file
 * @param {import('esbuild').BuildOptions} [options]
 * @returns {Promise<string>}
 */
export async function bundleForBrowser(entry, options = {}) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    sourcemap: 'inline',
    logLevel: 'silent',
    plugins: [sources],
    ...options
  })
  return outputFiles[0].text
}
