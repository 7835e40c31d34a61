// Death watch: who must hear of whose end. Whatever can be watched is a Ref; whatever can watch is a Watcher: a cell, the
// association with a peer whose actors watch ours, a question that waits for its answer.

import type { AnyRef } from './ref.ts'

/** Why an actor is no longer there. */
export type StopReason =
  | { kind: 'done' }
  | { kind: 'shutdown' }
  | { kind: 'killed' }
  | { kind: 'failed'; error: { name: string; message: string; code?: string } }
  /** There is no such actor: it never existed, or it ended before it was watched. */
  | { kind: 'unknown' }
  /** Its system is gone, or gone from here. */
  | { kind: 'unreachable' }

export interface Watcher {
  /** Called once for each `watch` that was not taken back, after everything the actor sent here before it ended. */
  stopped(ref: AnyRef, reason: StopReason): void
}

/** It stopped itself, or was asked to. */
export const DONE: StopReason = Object.freeze({ kind: 'done' })
/** Its parent, or its system, ends. */
export const SHUTDOWN: StopReason = Object.freeze({ kind: 'shutdown' })
export const KILLED: StopReason = Object.freeze({ kind: 'killed' })
