// The states of a cell: where it is in its life, and whether it waits for a turn.

import type { Wait } from './deadlines.ts'
import type { History } from './supervision.ts'
import type { StopReason } from './watch.ts'

/** `fresh`: this life has not begun. `held`: nor may it, before its siblings have ended theirs. `starting`: its `setup` has not resolved. `failed`: its supervisor has yet to decide. */
export type Phase =
  | { readonly is: 'fresh' | 'held' | 'living' }
  | { readonly is: 'starting'; readonly slow: Wait }
  | { readonly is: 'failed'; readonly started: boolean }
  | Teardown
  | { readonly is: 'backoff'; readonly cancel: () => void }
  | { readonly is: 'stopped' }

/** The ordered end of a life: the handler at work, then the children, the last first, then the `stopping` hook. */
export type Teardown = {
  readonly to: Target
  step: 'handler' | 'children' | 'hook' | 'over'
  wait: Wait | undefined
} & ({ readonly is: 'stopping' } | { readonly is: 'restarting' })

/** What comes after it. */
export type Target =
  | { readonly is: 'end'; readonly reason: StopReason }
  | { readonly is: 'life'; readonly error: unknown; readonly after: number; readonly history: History | undefined }

export const FRESH: Phase = Object.freeze({ is: 'fresh' })
export const HELD: Phase = Object.freeze({ is: 'held' })
export const LIVING: Phase = Object.freeze({ is: 'living' })
export const STOPPED: Phase = Object.freeze({ is: 'stopped' })

/** Whether a cell is in the run queue: numbers, because every message compares them. */
export type Run = 0 | 1 | 2 | 3 | 4 | 5
/** Nothing to do; mail schedules it. */
export const IDLE = 0
export const QUEUED = 1
/** In its turn, with its system lane or its start: no message is in hand. */
export const ATTENDING = 2
/** In its turn, with a message in hand. */
export const RUNNING = 3
/** The same, and its system lane has something for after this message. */
export const BREAKING = 4
/** Mail does not schedule it: it waits for a promise, a decision, a teardown, or has ended. */
export const PARKED = 5
