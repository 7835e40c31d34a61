// The module hooks behind tools/ts.mjs. Node runs them in a thread of their own.

import { readFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { transform } from 'esbuild'
import { entries, root } from './entries.mjs'
import { planted } from './plants.mjs'

export async function resolve(specifier, context, next) {
  const source = entries.get(specifier)
  if (source !== undefined) return { url: pathToFileURL(root + source).href, format: 'module', shortCircuit: true }
  // What an opened module is made of is open too.
  const from = context.parentURL === undefined ? undefined : new URL(context.parentURL)
  if (from?.searchParams.has('open') && specifier.startsWith('./')) return next(specifier + from.search, context)
  return next(specifier, context)
}

export async function load(url, context, next) {
  const { pathname, searchParams } = new URL(url)
  if (!url.startsWith('file:') || !/\.[mc]?ts$/.test(pathname)) return next(url, context)
  const file = fileURLToPath(url)
  const text = await readFile(file, 'utf8')
  const fault = process.env.WHEREABOUTS_PLANT ?? searchParams.get('plant')
  const source = fault === null ? text : planted(fault, file, text)
  // `?open`: the same code with its private fields open to reading, for a search that copies and compares states.
  const opened = searchParams.has('open') ? source.replace(/#(?=[a-z])/gi, '$') : source
  const { code } = await transform(opened, {
    loader: 'ts',
    format: 'esm',
    target: 'es2022',
    sourcefile: file,
    sourcemap: 'inline',
    sourcesContent: false,
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, target: 'es2022' } }
  })
  return { format: 'module', source: code, shortCircuit: true }
}
