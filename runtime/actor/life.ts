// One life of an actor, and the context that its behavior gets. All that a restart clears ends with it: state, timers, watches,
// adapters, `become`. What an old life still tries to do has no effect.

import type { ActorSystem } from './actor-system.ts'
import { AdapterRef } from './adapter.ts'
import { Arrival } from './arrival.ts'
import type { Behavior, Handlers, Step } from './behavior.ts'
import type { Cell } from './cell.ts'
import type { Context, SpawnOptions, Stash, Timers } from './context.ts'
import { type Errand, Notice, Outcome, type Watch } from './errand.ts'
import { ActorError } from './errors.ts'
import { HomeRef } from './home-ref.ts'
import { JointRestart } from './joint-restart.ts'
import type { LocalSystem } from './local-system.ts'
import { type Logger, safeLogger } from './logger.ts'
import { badOption } from './options.ts'
import type { Pending } from './pending.ts'
import { hasEnded } from './ready.ts'
import { type ActorRef, type AnyRef, type AskOptions, Ref } from './ref.ts'
import { LifeStash } from './stash.ts'
import { LifeTimers } from './timers.ts'
import { DONE, type StopReason } from './watch.ts'

/** Adapters per actor: each is a table entry that others may hold. */
const ADAPTERS = 64

/** What only some lives need. */
class Kit {
  timers: LifeTimers | undefined
  stash: LifeStash | undefined
  log: Logger | undefined
  abort: AbortController | undefined
  readonly watches = new Map<AnyRef, Watch>()
  readonly adapters = new Set<AdapterRef>()
  hooked = false
}

export class Life implements Context<unknown> {
  readonly cell: Cell
  readonly origin: Arrival
  /** Of `receive`: its step and its state. */
  step: Step | undefined
  state: unknown = undefined
  /** Of `setup`, or since `become`. */
  handlers: Handlers<never> | undefined
  pending: Pending | undefined
  ended = false
  #kit: Kit | undefined

  constructor(cell: Cell) {
    this.cell = cell
    this.origin = new Arrival(this, 'local', undefined)
  }

  get home(): LocalSystem {
    return this.cell.home
  }
  get self(): ActorRef<unknown> {
    return this.cell.ref as unknown as ActorRef<unknown>
  }
  get system(): ActorSystem {
    return this.home as unknown as ActorSystem
  }
  get timers(): Timers<unknown> {
    const kit = this.#more()
    kit.timers ??= new LifeTimers(this)
    return kit.timers
  }
  get stash(): Stash {
    const kit = this.#more()
    kit.stash ??= new LifeStash(this.cell)
    return kit.stash
  }
  get log(): Logger {
    const kit = this.#more()
    kit.log ??= safeLogger(this.home.logger, () => ({ actor: this.cell.ref.label }))
    return kit.log
  }

  send<N>(ref: ActorRef<N>, message: N): boolean {
    if (!this.ended) return ref.send(message)
    this.home.sent++
    this.home.deadLetters.add(ref, message, 'no-actor')
    return true
  }

  ask(ref: ActorRef<never>, question: unknown, options?: AskOptions): Promise<never> {
    if (this.ended) return Promise.reject(this.#over())
    return this.home.question(ref as Ref<never>, question as object, options)
  }

  spawn<N>(behavior: Behavior<N>, options?: SpawnOptions<N>): ActorRef<N> {
    const { is } = this.cell.phase
    // Its children are stopped already: one that came now would stay.
    if (this.ended || is === 'stopping' || is === 'restarting') throw this.#over()
    return this.home.spawnUnder(this.cell, behavior, options)
  }

  stop(child?: AnyRef): void {
    if (this.ended) return
    if (child === undefined || child === this.cell.ref) this.cell.signal({ type: 'finish' })
    else this.#child(child).signal({ type: 'stop', reason: DONE })
  }

  restart(child: AnyRef, ...others: AnyRef[]): void {
    if (this.ended) return
    const first = this.#child(child)
    if (others.length === 0) {
      first.signal({ type: 'restart' })
      return
    }
    const cells = [first, ...others.map(each => this.#child(each))]
    const rest = this.cell.more()
    rest.restarting ??= new JointRestart(this.cell)
    rest.restarting.add(cells)
  }

  watch(ref: AnyRef, as?: (reason: StopReason) => unknown): void {
    if (!(ref instanceof Ref)) throw badOption('ref', ref, 'an ActorRef')
    if (this.ended) return
    const { watches } = this.#more()
    const watch = watches.get(ref)
    if (watch !== undefined) {
      watch.as = as
      return
    }
    watches.set(ref, { as })
    ref.watch(this.cell)
  }

  unwatch(ref: AnyRef): void {
    if (this.#kit?.watches.delete(ref) && ref instanceof Ref) ref.unwatch(this.cell)
  }

  adapt<N>(map: (message: N) => unknown, options?: { signal?: AbortSignal }): ActorRef<N> {
    if (typeof map !== 'function') throw badOption('map', map, 'a function')
    if (this.ended) throw this.#over()
    const { adapters } = this.#more()
    if (adapters.size >= ADAPTERS) {
      throw new ActorError(
        'ACTOR_NO_ROOM',
        `${ADAPTERS} adapters are open; end them by their signal, or use one for all`
      )
    }
    const adapter = new AdapterRef(this, this.cell, map as (message: unknown) => unknown)
    adapters.add(adapter)
    const signal = options?.signal
    const close = () => {
      adapters.delete(adapter)
      adapter.close()
    }
    if (signal?.aborted) close()
    else signal?.addEventListener('abort', close, { once: true })
    return adapter as unknown as ActorRef<N>
  }

  pipe<T>(promise: Promise<T>, ok: (value: T) => unknown, failed: (error: unknown) => unknown): void {
    Promise.resolve(promise).then(
      value => this.errand(new Outcome(this, value, ok as (value: unknown) => unknown)),
      error => this.errand(new Outcome(this, error, failed))
    )
  }

  become(handlers: Handlers<unknown>): void {
    if (!this.ended) this.handlers = checkHandlers(handlers)
  }

  // For the cell.

  /** Mail of this life to itself. */
  errand(errand: Errand): void {
    if (!this.ended) this.cell.errand(errand)
  }

  /** One it watches has ended. */
  ending(ref: AnyRef, reason: StopReason): void {
    const watch = this.#kit?.watches.get(ref)
    if (watch !== undefined) this.errand(new Notice(this, watch, ref, reason))
  }

  /** Whether the notice is still wanted; it is heard once. */
  heard(ref: AnyRef, watch: Watch): boolean {
    const watches = this.#kit?.watches
    return watches?.get(ref) === watch && watches.delete(ref)
  }

  /** What it has put aside. */
  get aside(): readonly unknown[] {
    return this.#kit?.stash?.all ?? []
  }
  /** What it had put aside, oldest first. */
  unstash(): unknown[] | undefined {
    return this.#kit?.stash?.drain()
  }
  /** The message in hand, which it had put aside. */
  stashed(): unknown {
    return this.#kit?.stash?.pop()
  }

  /** Aborts when this life ends, or its actor is about to. */
  get signal(): AbortSignal {
    const kit = this.#more()
    if (kit.abort === undefined) {
      kit.abort = new AbortController()
      const { is } = this.cell.phase
      if (this.ended || is === 'stopping' || is === 'restarting') kit.abort.abort()
    }
    return kit.abort.signal
  }
  abort(): void {
    this.#kit?.abort?.abort()
  }

  /** `true` the first time: the `stopping` hook runs once a life. */
  hook(): boolean {
    const kit = this.#more()
    const first = !kit.hooked
    kit.hooked = true
    return first
  }

  close(): void {
    this.ended = true
    this.pending?.abandon()
    const kit = this.#kit
    if (kit === undefined) return
    kit.abort?.abort()
    kit.timers?.close()
    for (const ref of kit.watches.keys()) if (ref instanceof Ref) ref.unwatch(this.cell)
    kit.watches.clear()
    for (const adapter of kit.adapters) adapter.close()
    kit.adapters.clear()
  }

  #more(): Kit {
    this.#kit ??= new Kit()
    return this.#kit
  }

  #child(ref: AnyRef): Cell {
    const cell = ref instanceof HomeRef ? ref.cell : undefined
    if (cell !== undefined && cell.ref === ref && cell.parent === this.cell) return cell
    const label = ref instanceof Ref ? ref.label : String(ref)
    throw new ActorError('ACTOR_FORBIDDEN', `${label} is no child of ${this.cell.ref.label}; send it a message instead`)
  }

  #over(): ActorError {
    return hasEnded(this.cell.ref)
  }
}

export function checkHandlers(handlers: unknown): Handlers<never> {
  if (typeof (handlers as { receive?: unknown } | null | undefined)?.receive === 'function')
    return handlers as Handlers<never>
  throw badOption('handlers', handlers, '{ receive: message => ... }')
}
