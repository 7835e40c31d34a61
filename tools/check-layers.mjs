// Refuses imports against the layers, import cycles, and platform globals inside runtime/. `npm run test:layers`
// The tables below are the whole rule, and what it prints when it is broken.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { transformSync } from 'esbuild'
import { entries, root } from './entries.mjs'

/**
 * Folder or file -> what its files may import. The longest match counts. `node:*` and `whereabouts/*` stand for all of theirs,
 * `type x` allows an `import type` of x.
 */
const layers = {
  // ActorSystem speaks of transports, so it needs the port's types; it runs without them.
  'runtime/actor': ['runtime/actor', 'nanoid', 'type runtime/peer/transport.ts'],
  'runtime/peer': ['runtime/peer', 'runtime/actor', 'msgpackr', '@noble/hashes', 'nanoid'],
  'runtime/cluster': ['runtime/cluster', 'runtime/peer', 'runtime/actor'],
  'runtime/core.ts': ['runtime/actor'],
  runtime: ['runtime/core.ts', 'runtime/system.ts', 'runtime/cluster', 'runtime/peer', 'runtime/actor'],
  'runtime/testing': ['runtime'],
  transports: ['transports', 'runtime/peer/transport.ts', 'runtime/actor/errors.ts'],
  'transports/websocket-server.ts': [
    'transports',
    'hosting/status.ts',
    'runtime/peer/transport.ts',
    'runtime/actor/errors.ts',
    'ws',
    'node:*'
  ],
  hosting: ['hosting', 'runtime/core.ts', 'runtime/index.ts'],
  'hosting/drain.ts': ['hosting', 'runtime/core.ts', 'runtime/index.ts', 'node:*'],
  actors: ['actors', 'runtime/core.ts', 'runtime/index.ts'],
  examples: ['examples', 'whereabouts/*', 'node:*', 'ws', 'tools/bundle.mjs'],
  bench: ['bench', 'whereabouts/*', 'node:*', 'any package'],
  // Nothing that is published decodes without a system.
  'bench/guard.mjs': ['bench', 'runtime/peer', 'node_modules/msgpackr', 'any package']
}

/** What runtime/ takes from nobody but its ports, and the files that hold the platform's own version of a port. */
const globals = {
  time: [
    'Date.now',
    'performance',
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'setImmediate',
    'clearImmediate',
    'queueMicrotask',
    'requestAnimationFrame',
    'MessageChannel',
    'scheduler',
    'AbortSignal.timeout'
  ],
  entropy: ['Math.random', 'crypto'],
  log: ['console'],
  platform: [
    'globalThis',
    'process',
    'Buffer',
    'require',
    'window',
    'self',
    'document',
    'navigator',
    'location',
    'localStorage',
    'indexedDB',
    'fetch',
    'WebSocket',
    'Worker',
    'SharedWorker',
    'BroadcastChannel',
    'RTCPeerConnection'
  ]
}
const ports = {
  'runtime/actor/clock.ts': ['time'],
  'runtime/actor/entropy.ts': ['entropy'],
  'runtime/actor/logger.ts': ['log']
}

const problems = []
const folders = [...new Set(Object.keys(layers).map(key => key.split('/')[0]))]
const files = folders.flatMap(sources)
const graph = new Map(files.map(file => [file, importsOf(file)]))

for (const [file, imports] of graph) {
  const key = layerOf(file)
  for (const { line, target, typeOnly } of imports) {
    if (!layers[key].some(allowed => covers(allowed, target) || (typeOnly && covers(allowed, `type ${target}`)))) {
      problems.push(`${file}:${line} imports ${target}\n    ${key} may import: ${layers[key].join(', ')}`)
    }
  }
}
for (const cycle of cycles()) problems.push(`import cycle (type-only imports do not count): ${cycle.join(' -> ')}`)
for (const file of files) if (file.startsWith('runtime/')) problems.push(...globalsIn(file))

if (problems.length > 0) {
  console.error(`${problems.join('\n')}\n\n${problems.length} against the layers. What may be imported where:`)
  for (const [key, allowed] of Object.entries(layers)) console.error(`  ${key.padEnd(32)} ${allowed.join(', ')}`)
  console.error(`Inside runtime/ time, randomness, logging and platform come in as ports; the exceptions:`)
  for (const [file, kinds] of Object.entries(ports)) console.error(`  ${file.padEnd(32)} ${kinds.join(', ')}`)
  process.exitCode = 1
} else {
  console.log(`layers: ${files.length} files, as they should be`)
}

function sources(folder) {
  if (!existsSync(root + folder)) return []
  return readdirSync(root + folder, { withFileTypes: true }).flatMap(entry => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'dist' ? [] : sources(path)
    return /\.[mc]?[jt]sx?$/.test(path) ? [path] : []
  })
}

/** The formatter puts every import and re-export at the start of a line; dynamic imports are found anywhere. */
function importsOf(file) {
  const text = readFileSync(root + file, 'utf8')
  const found = []
  const patterns = [
    /^(?:import|export)\s+(?<type>type\s)?(?:[\w*][^'";]*?|\{[^}]*\}\s*)from\s*['"](?<specifier>[^'"]+)['"]/gm,
    /^import\s*['"](?<specifier>[^'"]+)['"]/gm,
    /\bimport\(\s*['"](?<specifier>[^'"]+)['"]/gm
  ]
  for (const pattern of patterns) {
    for (const match of text.matchAll(pattern)) {
      const { specifier, type } = match.groups
      found.push({
        line: text.slice(0, match.index).split('\n').length,
        target: specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier,
        typeOnly: type !== undefined
      })
    }
  }
  return found
}

function layerOf(file) {
  return Object.keys(layers)
    .filter(key => covers(key, file))
    .reduce((longest, key) => (key.length > longest.length ? key : longest), '')
}

function covers(allowed, target) {
  if (allowed === 'whereabouts/*') return entries.has(target)
  if (allowed === 'node:*') return target.startsWith('node:')
  if (allowed === 'any package') return /^[@a-z]/.test(target) && !existsSync(root + target)
  return target === allowed || target.startsWith(`${allowed}/`)
}

function cycles() {
  const found = []
  const state = new Map()
  const path = []
  const visit = file => {
    state.set(file, 'open')
    path.push(file)
    for (const { target, typeOnly } of graph.get(file) ?? []) {
      if (typeOnly || !graph.has(target)) continue
      if (state.get(target) === 'open') found.push([...path.slice(path.indexOf(target)), target])
      else if (!state.has(target)) visit(target)
    }
    path.pop()
    state.set(file, 'closed')
  }
  for (const file of files) if (!state.has(file)) visit(file)
  return found
}

/** esbuild's `define` replaces a name only where it is free, so locals, comments and strings of the same name do not count. */
function globalsIn(file) {
  const allowed = new Set((ports[file] ?? []).flatMap(kind => globals[kind]))
  const banned = Object.values(globals)
    .flat()
    .filter(name => !allowed.has(name))
  const mark = name => `taken_from_platform_${name.replace('.', '_dot_')}`
  const { code } = transformSync(readFileSync(root + file, 'utf8'), {
    loader: 'ts',
    target: 'es2022',
    define: Object.fromEntries(banned.map(name => [name, mark(name)]))
  })
  const found = banned.filter(name => new RegExp(`\\b${mark(name)}\\b`).test(code))
  if (/\bnew Date\(\)/.test(code)) found.push('new Date()')
  return found.map(name => `${file} takes ${name} from the platform: it is a port, see Clock and SystemOptions`)
}
