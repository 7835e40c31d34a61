// The children of an actor, or the roots of a system: a list through the cells themselves, in the order of their start.

import type { Cell } from './cell.ts'

export interface Family {
  lastChild: Cell | undefined
}

/** Whoever has children: an actor, or the system for its roots. Called in the child's turn: only takes note. */
export interface Parent {
  readonly family: Family
  childFailed(child: Cell, error: unknown): void
  /** A child has failed for good, and its options or its parent's answer make that the parent's own failure. */
  childEscalated(child: Cell, error: unknown): void
  childEnded(child: Cell): void
}

/** Joins as the youngest, or as the next older of `before`. */
export function join(family: Family, cell: Cell, before?: Cell): void {
  const older = before === undefined ? family.lastChild : before.older
  cell.older = older
  cell.younger = before
  if (older !== undefined) older.younger = cell
  if (before === undefined) family.lastChild = cell
  else before.older = cell
}

export function leave(family: Family, cell: Cell): void {
  const { older, younger } = cell
  if (older !== undefined) older.younger = younger
  if (younger !== undefined) younger.older = older
  else if (family.lastChild === cell) family.lastChild = older
  cell.older = cell.younger = undefined
}
