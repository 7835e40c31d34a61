// Children of one actor that restart together. One after the other ends its life, the youngest first; when all have, all begin
// anew, the oldest first: who depends on an older one never meets it half restarted. The parent makes it, `ctx.restart`.

import type { Cell } from './cell.ts'

export class JointRestart {
  readonly #parent: Cell
  readonly #members = new Map<Cell, 'waits' | 'ends' | 'held'>()

  constructor(parent: Cell) {
    this.#parent = parent
  }

  add(cells: readonly Cell[]): void {
    for (const cell of cells) {
      if (this.#members.has(cell)) continue
      this.#members.set(cell, 'waits')
      cell.more().joint = this
    }
    this.#proceed()
  }

  /** Its life is over, and the next has to wait. */
  held(cell: Cell): void {
    this.#members.set(cell, 'held')
    this.#proceed()
  }

  /** It has ended for good instead. */
  left(cell: Cell): void {
    this.#members.delete(cell)
    this.#proceed()
  }

  /** In the parent's turn: all are held, none is in a turn of its own. Answers them, the oldest first. */
  release(): readonly Cell[] {
    const cells = this.#byAge()
    // One came in since, or is gone on its own: then this is called again.
    if (cells.some(cell => this.#members.get(cell) !== 'held')) return []
    this.#parent.more().restarting = undefined
    for (const cell of cells) cell.more().joint = undefined
    return cells.reverse()
  }

  #proceed(): void {
    const { is } = this.#parent.phase
    // Its teardown takes all its children along.
    if (is === 'stopping' || is === 'restarting' || is === 'stopped') return
    const cells = this.#byAge()
    if (cells.some(cell => this.#members.get(cell) === 'ends')) return
    const next = cells.find(cell => this.#members.get(cell) === 'waits')
    if (next === undefined) this.#parent.signal({ type: 'all held', joint: this })
    else {
      this.#members.set(next, 'ends')
      next.signal({ type: 'restart' })
    }
  }

  /** The youngest first. */
  #byAge(): Cell[] {
    const cells: Cell[] = []
    for (let cell = this.#parent.family.lastChild; cell !== undefined; cell = cell.older) {
      if (this.#members.has(cell)) cells.push(cell)
    }
    return cells
  }
}
