// The system lane: what comes to a cell before its mail. Never bounded, never seen by programs.

import type { Cell } from './cell.ts'
import type { JointRestart } from './joint-restart.ts'
import type { Decision } from './supervision.ts'
import type { StopReason } from './watch.ts'

export type Signal =
  | { readonly type: 'stop'; readonly reason: StopReason }
  /** It wishes to stop itself; its own options may bring it back. */
  | { readonly type: 'finish' }
  | { readonly type: 'restart' }
  /** What its supervisor has decided of its failure. */
  | { readonly type: 'decided'; readonly decision: Decision; readonly error: unknown }
  | { readonly type: 'child failed'; readonly child: Cell; readonly error: unknown }
  | { readonly type: 'escalated'; readonly error: unknown }
  /** Children that restart together have ended their lives. */
  | { readonly type: 'all held'; readonly joint: JointRestart }
  /** Something that its teardown waits for has happened. */
  | { readonly type: 'proceed' }
