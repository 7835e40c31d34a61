// `npm test`: every check, one after the other, each to its end, then one line with the sum. `node tools/test.mjs unit docs` runs some.

import { spawn } from 'node:child_process'
import { manifest, root } from './entries.mjs'

const all = Object.keys(manifest.scripts)
  .filter(name => name.startsWith('test:'))
  .map(name => name.slice(5))
const wanted = process.argv.slice(2)
const unknown = wanted.filter(name => !all.includes(name))
if (unknown.length > 0) {
  console.error(`no such check: ${unknown.join(', ')}; there are ${all.join(', ')}`)
  process.exit(2)
}

let passed = 0
let failed = 0
const broken = []
for (const name of wanted.length > 0 ? wanted : all) {
  console.log(`\n--- ${name}`)
  const began = performance.now()
  const { code, output } = await run(name)
  const tests = sum(output, /^\s*(\d+) passing\b/gm)
  const failures = sum(output, /^\s*(\d+) failing\b/gm)
  passed += tests
  // A check that failed without naming a test counts as one failure.
  failed += failures === 0 && code !== 0 ? 1 : failures
  if (code !== 0) broken.push(name)
  console.log(`--- ${name} ${code === 0 ? 'ok' : 'FAILED'} in ${((performance.now() - began) / 1000).toFixed(1)} s`)
}
console.log(broken.length === 0 ? '\nall checks are fine' : `\nfailed: ${broken.join(', ')}`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = broken.length === 0 ? 0 : 1

/** Runs one npm script; what it prints is shown at once and kept. */
function run(name) {
  return new Promise(resolve => {
    const child = spawn('npm', ['run', '--silent', `test:${name}`], {
      cwd: root,
      stdio: ['inherit', 'pipe', 'inherit']
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      output += text
      process.stdout.write(text)
    })
    child.on('close', code => resolve({ code: code ?? 1, output }))
  })
}

function sum(output, pattern) {
  return [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0)
}
