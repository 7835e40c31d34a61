// Runs the browser tests, or says in words why it does not. With CI=true a missing browser is a failure.

import { spawnSync } from 'node:child_process'
import { findChromium, installChromium } from './chromium.mjs'
import { root } from './entries.mjs'

const chromium = findChromium() ?? installChromium()
if (chromium === undefined) {
  console.log('browser tests left out: no Chromium found; install one, or name it in CHROMIUM')
  process.exitCode = process.env.CI === 'true' ? 1 : 0
} else {
  const mocha = spawnSync(
    process.execPath,
    [
      `${root}node_modules/mocha/bin/mocha.js`,
      '--spec',
      'test/browser/**/*.test.ts',
      '--timeout',
      '30000',
      ...process.argv.slice(2)
    ],
    { cwd: root, env: { ...process.env, CHROMIUM: chromium }, stdio: 'inherit' }
  )
  process.exitCode = mocha.status ?? 1
}
