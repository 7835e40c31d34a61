// What a browser pays: bundles each browser entry as a user's bundler would and holds the budgets. `npm run test:size`
// `--json` prints the figures for other tools.

import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { sources } from './bundle.mjs'
import { root } from './entries.mjs'

/** Gzip bytes, `gzip` in all, `ours` without packages. A budget is what holds today; `wanted` is what it should come down to. */
export const bundles = [
  {
    name: 'core',
    code: `export { actorName, createSystem, receive, setup } from 'whereabouts/core'`,
    budget: { gzip: 16_500 },
    wanted: 8_000
  },
  {
    name: 'core + websocket client + codec',
    code: `export { actorName, createSystem, receive, setup } from 'whereabouts'; export { webSocket } from 'whereabouts/websocket'`,
    budget: { gzip: 79_000, ours: 63_500 },
    wanted: 26_000
  },
  {
    name: 'websocket alone',
    code: `export { webSocket } from 'whereabouts/websocket'`,
    budget: { gzip: 2_500 },
    wanted: 2_500
  },
  {
    name: 'message-port alone',
    code: `export { messagePort } from 'whereabouts/message-port'`,
    budget: { gzip: 2_500 },
    wanted: 2_500
  },
  { name: 'memory alone', code: `export { memory } from 'whereabouts/memory'`, budget: { gzip: 2_500 }, wanted: 2_500 },
  {
    name: 'supervisor with core',
    code: `export { createSystem } from 'whereabouts/core'; export { child, supervisor } from 'whereabouts/supervisor'`,
    budget: { gzip: 18_000 },
    wanted: 10_000
  }
]

/** Never in a browser: parts of the platform, and peer dependencies. */
const forbidden = /^(node:|ws$|ws\/|xstate)/

export async function measure({ name, code, budget, wanted }) {
  const whole = await bundle(code, [])
  const packages = Object.keys(whole.metafile.inputs).filter(input => input.includes('node_modules/'))
  const kept = packages.length === 0 ? whole : await bundle(code, packagesOf(packages))
  const strangers = [
    ...Object.values(whole.metafile.outputs).flatMap(output => output.imports.map(({ path }) => path)),
    ...packages.map(packageOf)
  ].filter(path => forbidden.test(path))
  return {
    name,
    min: whole.text.length,
    gzip: gzipSync(whole.text, { level: 9 }).length,
    ours: gzipSync(kept.text, { level: 9 }).length,
    packages: packagesOf(packages),
    strangers: [...new Set(strangers)],
    budget,
    wanted
  }
}

/** The same bundle with packages left outside is what is ours. */
async function bundle(contents, external) {
  const { metafile, outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['node:*', 'ws', 'xstate', ...external],
    plugins: [sources],
    logLevel: 'error'
  })
  return { metafile, text: Buffer.from(outputFiles[0].contents) }
}

function packageOf(input) {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? input
}

function packagesOf(inputs) {
  return [...new Set(inputs.map(packageOf))]
}

if (process.argv[1] === `${root}tools/size.mjs`) {
  const rows = []
  for (const each of bundles) rows.push(await measure(each))
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify(rows))
  } else {
    console.log(
      'bytes in a browser bundle'.padEnd(36),
      ...['min', 'gzip', 'ours', 'budget', 'wanted'].map(text => text.padStart(8))
    )
    for (const { name, min, gzip, ours, budget, wanted } of rows) {
      const figures = [min, gzip, ours, budget.gzip, wanted]
      console.log(name.padEnd(36), ...figures.map(bytes => String(bytes).padStart(8)))
    }
  }
  const problems = rows.flatMap(({ name, gzip, ours, budget, strangers }) => [
    ...strangers.map(path => `${name}: pulls ${path} into the browser`),
    ...(gzip > budget.gzip ? [`${name}: ${gzip} bytes gzip, the budget is ${budget.gzip}`] : []),
    ...(budget.ours !== undefined && ours > budget.ours
      ? [`${name}: ${ours} bytes ours, the budget is ${budget.ours}`]
      : [])
  ])
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length === 0 ? 0 : 1
}
