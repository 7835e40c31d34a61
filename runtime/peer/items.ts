// What one batch holds: items, one after the other. The first byte of each says which; docs/protocol.md has the table.
// A target is the number that `define` gave it, plus 1; or 0 and its actor id, when the numbers of the epoch are used up.

export const Item = {
  /** The next target number stands for this actor id: `id`. Numbers count up from 0 in each epoch. */
  define: 1,
  /** Mail: `target, message`. */
  send: 2,
  /** Mail to an address that ends with one answer: `ask id, message`. */
  sendTo: 3,
  /** A question: `target, ask id, message`. The ask id is the actor id of the address to answer to. */
  ask: 4,
  /** A question became a dead letter, or its actor ended: `ask id, code, text`. */
  fail: 5,
  /** The asker does not wait any more: `ask id`. */
  cancel: 6,
  /** Tell when this actor ends: `target`. */
  watch: 7,
  unwatch: 8,
  /** A watched actor has ended: `actor id, reason, and for a failure name, message, code`. */
  stopped: 9,
  /** An actor here is (1) or is no longer (0) under pressure: `actor id, 0 or 1`. */
  pressure: 10,
  /** A part of an item that is too large for one batch: `stream number, bytes to come (this part included), bytes`. */
  chunk: 11
} as const

/** Actors that one epoch may number; the receiver keeps a table of them. */
export const MAX_NUMBERED = 65_536

export const STOP_REASONS = ['done', 'shutdown', 'killed', 'failed', 'unknown', 'unreachable'] as const
