// A logger for tests that fail actors on purpose.

import type { Logger } from '../../runtime/index.ts'

export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} }
