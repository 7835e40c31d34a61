// A handler whose promise is not settled yet: the user lane waits for it, the system lane does not.

import type { Cell } from './cell.ts'
import type { Deadline, DueQueue } from './deadlines.ts'
import type { Life } from './life.ts'
import { PARKED } from './phase.ts'

/** Milliseconds after which a pending handler is worth a line in the log. */
const SLOW = 20_000

export class Pending implements Deadline {
  due: DueQueue | undefined
  dueAt = 0
  dueBefore: Deadline | undefined
  dueAfter: Deadline | undefined
  readonly #cell: Cell
  readonly #life: Life

  constructor(cell: Cell, life: Life, answer: PromiseLike<unknown>) {
    this.#cell = cell
    this.#life = life
    cell.home.deadlines.add(this, SLOW)
    // By way of a promise of our own: a foreign `then` may answer twice, or throw.
    Promise.resolve(answer).then(
      state => this.#done(state),
      error => this.#failed(error)
    )
  }

  expired(): void {
    this.#cell.home.logger.warn('a handler is still at work', { actor: this.#cell.ref.label, milliseconds: SLOW })
  }

  /** The life goes on, or ends, without it. */
  abandon(): void {
    this.#cell.home.deadlines.remove(this)
    if (this.#life.pending === this) this.#life.pending = undefined
  }

  #done(state: unknown): void {
    if (this.#life.pending !== this) return
    this.abandon()
    if (this.#life.handlers === undefined) this.#life.state = state
    this.#cell.finish()
    this.#goOn()
  }

  #failed(error: unknown): void {
    if (this.#life.pending !== this) return
    // The message is in hand until it is buried.
    this.#cell.crash(error)
    this.abandon()
    this.#goOn()
  }

  #goOn(): void {
    const cell = this.#cell
    if (cell.phase.is === 'stopping' || cell.phase.is === 'restarting') cell.signal({ type: 'proceed' })
    if (cell.rest !== undefined) cell.relax()
    if (cell.run === PARKED) cell.rejoin()
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
