// Where a Chromium is, for the browser tests. Debian's is installed when none is there and this runs as root.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/**
 * CHROMIUM in the environment wins.
 * @returns {string | undefined}
 */
export function findChromium() {
  return [process.env.CHROMIUM, ...places].find(path => path !== undefined && existsSync(path))
}

/**
 * Installs Debian's package; answers what `findChromium` then finds.
 * @returns {string | undefined}
 */
export function installChromium() {
  const mayInstall = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (!mayInstall) return undefined
  console.log('no chromium here: installing it with apt-get')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium']
  ]) {
    const { status } = spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
    if (status !== 0) return undefined
  }
  return findChromium()
}
