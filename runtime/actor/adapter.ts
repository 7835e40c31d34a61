// A ref that speaks another actor's language: maps foreign messages into its owner's own. The map runs in the owner's turn, not in
// the sender's.

import type { Cell } from './cell.ts'
import { copy } from './copy.ts'
import type { DeadLetterReason } from './dead-letters.ts'
import { Envelope } from './envelope.ts'
import { HomeRef } from './home-ref.ts'
import type { Life } from './life.ts'
import type { LocalSystem } from './local-system.ts'
import type { Origin } from './origin.ts'
import type { Question } from './question.ts'
import { hasEnded } from './ready.ts'
import type { AskOptions } from './ref.ts'
import type { Watcher } from './watch.ts'

/** A foreign message on its way to its map; `inner` is the envelope that it came in. */
export class Adapted extends Envelope {
  readonly #adapter: AdapterRef
  readonly #inner: Envelope | undefined

  constructor(adapter: AdapterRef, message: unknown, inner: Envelope | undefined) {
    super(message, inner?.bytes ?? 0)
    this.#adapter = adapter
    this.#inner = inner
  }

  override get origin(): Origin {
    return this.#inner?.origin ?? this.#adapter.life.origin
  }
  override get wanted(): boolean {
    return this.#inner?.wanted ?? true
  }
  override disposed(): void {
    this.#inner?.disposed()
  }
  override died(reason: DeadLetterReason, error?: unknown): void {
    this.#inner?.died(reason, error)
  }

  /** `undefined`: filtered out, or the adapter has ended. */
  map(): unknown {
    if (!this.#adapter.closed) return this.#adapter.map(this.message)
    this.#adapter.home.deadLetters.add(this.#adapter, this, 'no-actor')
    return undefined
  }
}

export class AdapterRef extends HomeRef<unknown> {
  readonly life: Life
  readonly map: (message: unknown) => unknown
  closed = false
  readonly #cell: Cell
  readonly #watchers = new Set<Watcher>()

  constructor(life: Life, cell: Cell, map: (message: unknown) => unknown) {
    super()
    this.life = life
    this.#cell = cell
    this.map = map
  }

  get home(): LocalSystem {
    return this.#cell.home
  }
  protected override get alive(): boolean {
    return !this.closed
  }

  send(message: unknown): boolean {
    const { home } = this
    let mail = message
    try {
      if (home.copying) mail = copy(message)
    } catch (error) {
      home.sent++
      home.deadLetters.add(this, message, 'unserialisable', error)
      return true
    }
    if (!this.closed) return this.#cell.offer(new Adapted(this, mail, undefined))
    home.sent++
    home.deadLetters.add(this, mail, 'no-actor')
    return true
  }

  deliver(envelope: Envelope): boolean {
    if (!this.closed) return this.#cell.admit(new Adapted(this, envelope.message, envelope))
    envelope.disposed()
    this.home.deadLetters.add(this, envelope, 'no-actor')
    return true
  }

  question(question: Question): boolean {
    if (!this.deliver(question)) return false
    if (!this.closed) question.enter(this.#cell)
    return true
  }

  get pressed(): boolean {
    return this.#cell.ref.pressed
  }
  ready(options?: AskOptions): Promise<void> {
    return this.closed ? Promise.reject(hasEnded(this)) : this.#cell.ref.ready(options)
  }
  override onRoom(then: () => void): void {
    this.#cell.onRoom(then)
  }

  watch(watcher: Watcher): void {
    if (this.closed) watcher.stopped(this, { kind: 'unknown' })
    else this.#watchers.add(watcher)
  }
  unwatch(watcher: Watcher): void {
    this.#watchers.delete(watcher)
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.unexport()
    for (const watcher of this.#watchers) watcher.stopped(this, { kind: 'done' })
    this.#watchers.clear()
  }
}
