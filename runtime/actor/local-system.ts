// The whole machine of one system: its roots, names and exported refs, and what all its actors share. `createSystem` of
// `whereabouts/core` hands it out as it is; runtime/system.ts adds the network.

import type { ActorSystem, SystemOptions } from './actor-system.ts'
import { formatAddress, parseAddress } from './address.ts'
import { Ask } from './ask.ts'
import { type Behavior, Receiving, Setting } from './behavior.ts'
import { Cell } from './cell.ts'
import { type Clock, systemClock } from './clock.ts'
import type { SpawnOptions } from './context.ts'
import { type DeadLetter, DeadLetters, type Subscription } from './dead-letters.ts'
import { Deadlines, type Wait } from './deadlines.ts'
import { drain } from './drain.ts'
import { type Entropy, systemEntropy, systemRandom } from './entropy.ts'
import { ActorError } from './errors.ts'
import type { Family, Parent } from './family.ts'
import { HomeRef } from './home-ref.ts'
import { fingerprint, idSource } from './ids.ts'
import { kill, patienceWith, start } from './life-cycle.ts'
import { LocalRef } from './local-ref.ts'
import { consoleLogger, type Logger, safeLogger } from './logger.ts'
import type { ActorName } from './names.ts'
import type { Claim, Gateway, Link } from './network.ts'
import { NowhereRef } from './nowhere-ref.ts'
import { badOption, checkRecord, checkSpawnOptions, duration, patience } from './options.ts'
import { ChunkPool } from './queue.ts'
import { type ActorRef, type AnyRef, type AskOptions, Ref } from './ref.ts'
import { Scheduler } from './scheduler.ts'
import { type Decision, decide } from './supervision.ts'
import { hasUnhandled } from './unhandled.ts'
import { DONE, SHUTDOWN } from './watch.ts'

/** As long as two children may take to stop, 5 s each: a system that hangs longer is killed. */
const SHUTDOWN_WITHIN = 10_000

type Running =
  | { is: 'running' }
  | { is: 'ending'; done: Promise<void>; finish: () => void }
  | { is: 'ended'; done: Promise<void> }

export class LocalSystem implements ActorSystem, Parent, Family {
  readonly id: string
  readonly label: string
  /** @internal What follows is for the runtime. */
  readonly clock: Clock
  readonly random: () => number
  readonly entropy: Entropy
  /** Safe: cannot throw. */
  readonly logger: Logger
  readonly scheduler: Scheduler
  readonly deadlines: Deadlines
  readonly deadLetters: DeadLetters
  readonly chunks = new ChunkPool()
  readonly copying: boolean
  readonly memoryBudget: number
  /** The root actors. */
  lastChild: Cell | undefined
  sent = 0
  delivered = 0
  refused = 0
  /** Answers that settled a question here: beside what was delivered and the dead letters, the rest of what was sent. */
  answered = 0
  /** Actors, and questions of this system that are not settled. */
  alive = 0
  asking = 0
  readonly #escalated: ((ref: AnyRef, error: unknown) => void) | undefined
  readonly #names = new Map<string, LocalRef<never>>()
  readonly #exported = new Map<string, Ref<never>>()
  #state: Running = { is: 'running' }
  #draining: Promise<void> | undefined
  #patience: Wait | undefined

  constructor(options: SystemOptions, identity: string) {
    checkRecord('options', options)
    this.id = identity
    this.label = options.label ?? fingerprint(identity)
    this.clock = options.clock ?? systemClock()
    this.random = options.random ?? systemRandom
    this.entropy = options.entropy ?? systemEntropy
    this.ids = { draw: idSource(this.entropy) }
    this.logger = safeLogger(options.logger ?? consoleLogger(), () => ({ system: this.label }))
    this.copying = options.copyMessages === true
    this.memoryBudget = options.memoryBudget ?? 256 * 2 ** 20
    if (!(this.memoryBudget >= 2 ** 20)) {
      throw new ActorError('ACTOR_BAD_OPTION', `memoryBudget is ${options.memoryBudget}; give bytes, 1 MiB or more`)
    }
    this.#escalated = options.escalated
    this.deadlines = new Deadlines(this.clock)
    this.scheduler = new Scheduler(this.clock, this.deadlines)
    this.deadLetters = new DeadLetters(this.clock, this.logger, f => this.scheduler.flushLater(f))
  }

  /** @internal */
  get family(): Family {
    return this
  }

  get counters(): Readonly<Record<'sent' | 'delivered' | 'refused' | 'deadLetters', number>> {
    return { sent: this.sent, delivered: this.delivered, refused: this.refused, deadLetters: this.deadLetters.count }
  }

  /** Ids that nobody can guess. */
  readonly ids: { draw(): string }

  spawn<M>(behavior: Behavior<M>, options?: SpawnOptions<M>): ActorRef<M> {
    if (this.#state.is !== 'running') throw this.#shutDown()
    return this.spawnUnder(this, behavior, options)
  }

  /** @internal A child of a cell, or a root. */
  spawnUnder<M>(parent: Parent, behavior: Behavior<M>, options: SpawnOptions<M> | undefined): LocalRef<M> {
    if (!(behavior instanceof Receiving || behavior instanceof Setting)) {
      throw badOption('behavior', behavior, 'what receive(...) or setup(...) made')
    }
    const cell = new Cell(this, parent, behavior)
    const ref = new LocalRef<M>(cell)
    let before: Cell | undefined
    cell.ref = ref as unknown as LocalRef<never>
    if (options !== undefined) {
      checkSpawnOptions(options as unknown as SpawnOptions<never>)
      if (options.before !== undefined) before = sibling(parent, options.before)
      const name = options.name?.name
      if (name !== undefined) {
        if (this.#names.has(name)) {
          throw new ActorError(
            'ACTOR_NAME_TAKEN',
            `'${name}' is taken in this system; stop its holder, or choose another`
          )
        }
        this.#names.set(name, cell.ref)
      }
      cell.configure(options as unknown as SpawnOptions<never>)
    }
    start(cell, before)
    return ref
  }

  stop(ref: AnyRef): Promise<void> {
    const cell = ref instanceof HomeRef ? ref.cell : undefined
    if (cell === undefined || cell.home !== this) {
      const label = ref instanceof Ref ? ref.label : String(ref)
      const mend = 'send it a message that makes it stop itself'
      return Promise.reject(new ActorError('ACTOR_FORBIDDEN', `${label} is no actor of this system; ${mend}`))
    }
    return new Promise(resolve => {
      cell.addWatcher({ stopped: () => resolve() })
      cell.signal({ type: 'stop', reason: DONE })
    })
  }

  find<M>(name: ActorName<M>): ActorRef<M> | undefined {
    return this.#names.get(name.name) as unknown as ActorRef<M> | undefined
  }

  ref<M>(address: string): ActorRef<M> {
    return this.revive(address) as unknown as ActorRef<M>
  }

  watchDeadLetters(each: (letter: DeadLetter) => void): Subscription {
    return this.deadLetters.watch(each)
  }

  shutdown(options?: { within?: number; drain?: number }): Promise<void> {
    if (this.#state.is !== 'running') return this.#state.done
    let within: number
    let budget: number
    try {
      within = duration('within', options?.within ?? SHUTDOWN_WITHIN, 0)
      budget = duration('drain', options?.drain ?? 0, 0)
    } catch (error) {
      return Promise.reject(error)
    }
    if (budget > 0) {
      const done = (): boolean => !hasUnhandled(this)
      const port = { clock: this.clock, logger: this.logger, quiet: done, deafen: () => {}, finished: done }
      this.#draining ??= drain(port, budget).then(() => this.shutdown({ within }))
      return this.#draining
    }
    let finish = () => {}
    const done = new Promise<void>(resolve => {
      finish = resolve
    })
    this.#state = { is: 'ending', done, finish }
    const killing = this.deadlines.wait(within, () => {
      this.logger.warn('shutdown took too long; what is left is killed', { within })
      for (let root = this.lastChild; root !== undefined; root = this.lastChild) kill(root)
    })
    void done.then(() => killing.cancel())
    this.#goOn()
    return done
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown()
  }

  // What the network adds; runtime/system.ts overrides all of it.

  lookup<M>(_name: ActorName<M>, _options?: AskOptions & { on?: string }): Promise<ActorRef<M>> {
    return Promise.reject(noNetwork('lookup'))
  }
  register(..._args: unknown[]): Promise<Claim> {
    return Promise.reject(noNetwork('register'))
  }
  join(..._args: unknown[]): Promise<Claim> {
    return Promise.reject(noNetwork('join'))
  }
  members(..._args: unknown[]): Subscription {
    throw noNetwork('members')
  }
  listen(..._args: unknown[]): Promise<Gateway> {
    return Promise.reject(noNetwork('listen'))
  }
  connect(..._args: unknown[]): Promise<Link> {
    return Promise.reject(noNetwork('connect'))
  }

  // For the runtime only.

  /** @internal What has left this system under this id: local actors, asks, adapters. */
  exported(id: string): Ref<never> | undefined {
    return this.#exported.get(id)
  }
  /** @internal */
  export(id: string, ref: Ref<never>): void {
    this.#exported.set(id, ref)
  }
  /** @internal */
  unexport(id: string): void {
    this.#exported.delete(id)
  }

  /** @internal One object per address. Never fails. */
  revive(address: string): Ref<never> {
    const parsed = typeof address === 'string' ? parseAddress(address) : undefined
    if (parsed === undefined) return new NowhereRef(this, formatAddress('actor', this.id, 'nowhere'), 'no-actor')
    if (parsed.system !== this.id) return this.foreign(address)
    const known = parsed.kind === 'actor' ? this.#exported.get(parsed.id) : undefined
    return known ?? new NowhereRef(this, address, 'no-actor')
  }

  /** @internal An address of another system: out of reach without a network. */
  foreign(address: string): Ref<never> {
    return new NowhereRef(this, address, 'unreachable')
  }

  /** @internal */
  roomFor(ref: Ref<never>, then: () => void): void {
    ref.onRoom(then)
  }

  /** @internal Every `ref.ask` comes here. */
  question(target: Ref<never>, question: object, options: AskOptions | undefined): Promise<never> {
    if (this.#state.is === 'ended') return Promise.reject(this.#shutDown())
    let within: number
    try {
      within = patience(options)
    } catch (error) {
      return Promise.reject(error)
    }
    if (options?.signal?.aborted) return Promise.reject(options.signal.reason)
    return new Ask(this, target, question, within, options?.signal).promise
  }

  /** @internal */
  get open(): boolean {
    return this.#state.is === 'running'
  }

  /** @internal A name is freed before watchers hear: one of them may spawn the successor at once. */
  release(name: string, ref: LocalRef<never>): void {
    if (this.#names.get(name) === ref) this.#names.delete(name)
  }

  /** @internal A root failed: its own options decide, and if they end it, that is for good. */
  childFailed(child: Cell, error: unknown): void {
    const { policy, history } = child.more()
    const decision = decide(policy, 'failed', history, this.clock.now(), this.random)
    const final: Decision = decision.directive === 'stop' ? { directive: 'escalate' } : decision
    child.signal({ type: 'decided', decision: final, error })
  }

  /** @internal A root failed for good. */
  childEscalated(child: Cell, error: unknown): void {
    this.logger.error('a root actor failed for good', { actor: child.ref.label, error })
    try {
      this.#escalated?.(child.ref, error)
    } catch (thrown) {
      this.logger.error('escalated threw', { error: thrown })
    }
  }

  /** @internal */
  childEnded(): void {
    if (this.#state.is === 'ending') this.#goOn()
  }

  /** Goes on with the shutdown: roots stop one after the other, the last started first. */
  #goOn(): void {
    const state = this.#state
    if (state.is !== 'ending') return
    this.#patience?.cancel()
    const root = this.lastChild
    if (root !== undefined) {
      this.#patience = this.deadlines.wait(patienceWith(root), () => kill(root))
      root.signal({ type: 'stop', reason: SHUTDOWN })
      return
    }
    this.#state = { is: 'ended', done: state.done }
    this.deadlines.abandon(new ActorError('ACTOR_SHUT_DOWN', 'the system has shut down'))
    this.#exported.clear()
    state.finish()
  }

  #shutDown(): ActorError {
    return new ActorError('ACTOR_SHUT_DOWN', `system ${this.label} has shut down; create another`)
  }
}

function noNetwork(what: string): ActorError {
  return new ActorError(
    'ACTOR_BAD_OPTION',
    `${what} needs the network: createSystem from 'whereabouts' has the network`
  )
}

/** The cell of a living child of `parent`. */
function sibling(parent: Parent, ref: AnyRef): Cell {
  const cell = ref instanceof HomeRef ? ref.cell : undefined
  if (cell !== undefined && cell.parent === parent && cell.phase.is !== 'stopped') return cell
  throw badOption('before', ref instanceof Ref ? ref.label : ref, 'a child of the same parent that has not ended')
}
