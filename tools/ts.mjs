// Lets Node run the sources as they are: `node --import ./tools/ts.mjs file.ts`. Types are taken out by esbuild, and imports of
// `whereabouts/...` find the sources instead of dist.

import { register } from 'node:module'

process.setSourceMapsEnabled(true)
register('./ts-hooks.mjs', import.meta.url)
