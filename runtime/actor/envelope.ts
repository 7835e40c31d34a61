// Mail that carries more than its message: where it came from, what it weighs, who waits for an answer. Plain local sends
// need none of this and lie in the mailbox bare.

import type { DeadLetterReason } from './dead-letters.ts'
import type { Origin } from './origin.ts'

export abstract class Envelope {
  readonly message: unknown
  /** What it counts against a mailbox's bound in bytes; 0 for local mail. */
  readonly bytes: number

  constructor(message: unknown, bytes: number) {
    this.message = message
    this.bytes = bytes
  }

  abstract readonly origin: Origin

  /** Asked when its turn comes. `false`: nobody waits for it any more, it is not handled (dead letter `expired`). */
  get wanted(): boolean {
    return true
  }

  /** It has left the mailbox, or never got into one. Called once; gives its room back to the association it came by. */
  disposed(): void {}

  /** It became a dead letter (already published). A question fails its ask with that reason. */
  died(_reason: DeadLetterReason, _error?: unknown): void {}
}
