// Lets Node run the sources as they are: `node --import ./tools/ts.mjs file.ts`. Types are taken out by esbuild, and imports of
// `whereabouts/...` find the sources instead of dist.

import { createRequire, register } from 'node:module'
import { pathToFileURL } from 'node:url'

process.setSourceMapsEnabled(true)
register('./ts-hooks.mjs', import.meta.url)

// mocha tries `require` before `import`, and when both fail shows what `require` said. So that says what `import` says.
createRequire(import.meta.url).extensions['.ts'] = (_module, file) => {
  const error = new Error(`${file} is a module: import it`)
  import(pathToFileURL(file).href).catch(reason => {
    error.message = reason?.message ?? String(reason)
    error.stack = reason?.stack ?? error.message
  })
  throw error
}
