// The ref of an actor that lives here. `send` is the hottest path of the runtime: one compare decides whether anything is special.

import type { Cell } from './cell.ts'
import type { Envelope } from './envelope.ts'
import { HomeRef } from './home-ref.ts'
import type { LocalSystem } from './local-system.ts'
import { IDLE } from './phase.ts'
import type { Question } from './question.ts'
import { whenReady } from './ready.ts'
import type { AskOptions } from './ref.ts'
import type { Watcher } from './watch.ts'

export class LocalRef<in M> extends HomeRef<M> {
  readonly #cell: Cell

  constructor(cell: Cell) {
    super()
    this.#cell = cell
  }

  override get cell(): Cell {
    return this.#cell
  }
  override get home(): LocalSystem {
    return this.#cell.home
  }
  override get label(): string {
    return this.#cell.rest?.name ?? super.label
  }
  protected override get alive(): boolean {
    return this.#cell.phase.is !== 'stopped'
  }

  override send(message: M): boolean {
    const cell = this.#cell
    const count = cell.count
    if (count >= cell.mark) return cell.take(message)
    cell.count = count + 1
    cell.home.sent++
    if (count === 0) {
      cell.slot = message
      if (cell.run === IDLE) cell.schedule()
    } else cell.enqueue(message)
    return true
  }

  override deliver(envelope: Envelope): boolean {
    return this.#cell.admit(envelope)
  }

  override question(question: Question): boolean {
    if (!this.#cell.admit(question)) return false
    question.enter(this.#cell)
    return true
  }

  override get pressed(): boolean {
    return this.#cell.rest?.pressed === true
  }

  override ready(options?: AskOptions): Promise<void> {
    return whenReady(this.#cell, options)
  }

  override watch(watcher: Watcher): void {
    this.#cell.addWatcher(watcher)
  }
  override unwatch(watcher: Watcher): void {
    this.#cell.rest?.watchers?.delete(watcher)
  }

  override onRoom(then: () => void): void {
    this.#cell.onRoom(then)
  }
  override onPressure(changed: ((on: boolean) => void) | undefined): void {
    if (this.alive) this.#cell.more().pressureChanged = changed
  }
}
