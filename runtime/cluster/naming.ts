// Names and groups as one system has them: which authority it asks, the registry that it is for others, what it claims, and
// which schemas guard its actors. The system (system.ts) tells it how links come and go; claims.ts and registry.ts do the work.

import type { Behavior } from '../actor/behavior.ts'
import { MAX_DELAY } from '../actor/clock.ts'
import type { Subscription } from '../actor/dead-letters.ts'
import type { LocalRef } from '../actor/local-ref.ts'
import type { LocalSystem } from '../actor/local-system.ts'
import type { ActorName, StandardSchema } from '../actor/names.ts'
import type { Claim } from '../actor/network.ts'
import { NowhereRef } from '../actor/nowhere-ref.ts'
import type { Asked } from '../actor/question.ts'
import { type ActorRef, type AnyRef, type AskOptions, Ref } from '../actor/ref.ts'
import { REGISTRY_ID, RemoteRef } from '../peer/remote-ref.ts'
import type { Attachment } from './attachment.ts'
import { Claims } from './claims.ts'
import type { Doors } from './doors.ts'
import type { Door } from './gateway.ts'
import { DOWN_AFTER } from './limits.ts'
import type { Policy } from './policy.ts'
import { registry } from './registry.ts'
import type { RegistryMessage } from './registry-message.ts'
import { RegistryRef } from './registry-ref.ts'

export interface NamingPort {
  readonly home: LocalSystem
  readonly doors: Doors
  readonly policy: Policy
  /** The hub above, once it has been reached. */
  above(): Attachment | undefined
  /** Whether there is to be a hub above, reached or not. */
  wantsAbove(): boolean
  wayTo(id: string): Attachment | undefined
  /** Whether a system is another, or came in by it. */
  comesBy(id: string, peer: string): boolean
  /** Spawns an actor of the runtime's own. */
  spawn<M>(behavior: Behavior<M>): ActorRef<M>
  /** Tells those below that there is an authority that may know nothing of them. */
  tellRenewed(): void
}

export class Naming {
  readonly #port: NamingPort
  readonly #claims: Claims
  readonly #schemas = new WeakMap<AnyRef, StandardSchema<unknown>>()
  #registry: ActorRef<RegistryMessage> | undefined
  /** The authority that knows what is claimed here. */
  #asserted: string | undefined
  /** The hub that what is claimed here was asserted to last, whatever has become of the link. */
  #outlived: string | undefined

  constructor(port: NamingPort) {
    this.#port = port
    const { home } = port
    this.#claims = new Claims({
      clock: home.clock,
      logger: home.logger,
      authority: () => this.#authority(),
      registryOn: peer => this.#registryOn(peer),
      find: name => this.#find(name),
      spawn: behavior => port.spawn(behavior),
      stop: ref => void home.stop(ref),
      watch: (ref, watcher) => (ref as Ref<never>).watch(watcher),
      unwatch: (ref, watcher) => (ref as Ref<never>).unwatch(watcher),
      isLocal: ref => !(ref instanceof RemoteRef),
      later: flushable => home.scheduler.flushLater(flushable)
    })
  }

  // what the system's program asks --------------------------------------------------------------------------------------

  lookup<M>(name: ActorName<M>, options?: AskOptions & { on?: string }): Promise<ActorRef<M>> {
    return this.#claims.lookup(name, options)
  }

  register<M>(name: ActorName<M>, ref: ActorRef<M>, options?: AskOptions): Promise<Claim> {
    this.#guardFor(name, ref)
    return this.#claims.register(name, ref, options)
  }

  join<M>(
    name: ActorName<M>,
    ref: ActorRef<M>,
    facts: Record<string, unknown> | undefined,
    options: AskOptions | undefined
  ): Promise<Claim> {
    this.#guardFor(name, ref)
    return this.#claims.join(name, ref, facts, options)
  }

  members<M>(
    name: ActorName<M>,
    changed: (
      members: ReadonlyMap<ActorRef<M>, { label: string; reachable: boolean; facts: Record<string, unknown> }>
    ) => void
  ): Subscription {
    return this.#claims.members(name, changed)
  }

  /** An actor here has got a name. */
  spawned<M>(name: ActorName<M>, ref: AnyRef): void {
    this.#guardFor(name, ref)
    this.#registry?.send({ type: 'named', name: name.name })
  }

  /** The system has shut down. */
  end(): void {
    this.#claims.end()
  }

  // what becomes of links -----------------------------------------------------------------------------------------------

  /** There may be another authority, which hears what is claimed here, or the same, which knows nothing of it any more. */
  assert(): void {
    // The end of this system ends epochs too: nothing is claimed any more.
    if (!this.#port.home.open) return
    const above = this.#port.above()?.id
    const outlived = above !== undefined && this.#outlived !== undefined && this.#outlived !== above
    this.#asserted = above
    this.#outlived = above ?? this.#outlived
    this.#registry?.send({ type: 'above' })
    this.#claims.reassert(outlived)
    this.#port.tellRenewed()
  }

  /** The hub above is connected, for the first time or again. */
  reached(id: string): void {
    if (this.#asserted !== id) this.assert()
  }

  /** A system is gone. Nothing may have been asserted in an epoch that could end; those who wait for its return are to hear of that. */
  gone(id: string): void {
    if (this.#asserted === id) this.#asserted = undefined
  }

  /** The link to a system is given up. */
  left(id: string): void {
    if (this.#asserted !== id) return
    this.#asserted = undefined
    this.#claims.orphaned()
  }

  /** An epoch with a system has ended, and if that was the authority, with it all that it knew. */
  ended(id: string): void {
    if (this.#asserted !== id) return
    this.left(id)
    const above = this.#port.above()
    if (above?.id === id && above.wire !== undefined) this.#port.home.clock.soon(() => this.assert())
  }

  /** Whether these are connected has changed. */
  reach(systems: Iterable<string>, reachable: boolean): void {
    // When the system has ended, so has its registry.
    if (this.#registry === undefined || !this.#port.home.open) return
    for (const peer of systems) this.#registry.send({ type: 'reach', peer, reachable })
  }

  // the registry of this system -----------------------------------------------------------------------------------------

  /** From now on others may ask here. */
  serve(): void {
    this.#ownRegistry()
  }

  isRegistry(asked: Asked | RemoteRef<never> | undefined): boolean {
    if (asked instanceof RemoteRef) return asked.id === REGISTRY_ID
    return asked !== undefined && asked === this.#cell()
  }

  /** Questions that it has been asked and has not answered. */
  get lookups(): number {
    let count = 0
    for (let each = this.#cell()?.questions; each !== undefined; each = each.after) {
      if (each.replyTo !== undefined) count += 1
    }
    return count
  }

  #cell(): LocalRef<never>['cell'] | undefined {
    return (this.#registry as unknown as LocalRef<never> | undefined)?.cell
  }

  #authority(): ActorRef<RegistryMessage> {
    return this.#registryAbove() ?? this.#ownRegistry()
  }

  /** Who has lost its hub, or has not reached it yet, is no authority instead: what it granted would be granted twice. */
  #registryAbove(): ActorRef<RegistryMessage> | undefined {
    const above = this.#port.above()
    if (above !== undefined) return this.#registryOn(above.id)
    if (!this.#port.wantsAbove()) return undefined
    return new NowhereRef(this.#port.home, 'the hub above', 'unreachable') as unknown as ActorRef<RegistryMessage>
  }

  #registryOn(peer: string): ActorRef<RegistryMessage> {
    const { home } = this.#port
    if (peer === home.id) return this.#ownRegistry()
    return home.foreign(`actor:${peer}/${REGISTRY_ID}`) as unknown as ActorRef<RegistryMessage>
  }

  #ownRegistry(): ActorRef<RegistryMessage> {
    if (this.#registry !== undefined) return this.#registry
    const port = this.#port
    const { home, doors, policy } = port
    const actor = port.spawn(
      registry({
        clock: home.clock,
        above: () => this.#registryAbove(),
        registryOn: system => this.#registryOn(system),
        lapsed: () => this.#claims.lapsed(),
        lookup: (name, { wait, hidden, signal }) =>
          this.#claims.lookup({ name } as ActorName<never>, { within: wait ? MAX_DELAY : 0, hidden, signal }),
        grace: () => Math.max(0, ...[...doors].map(door => door.options.downAfter ?? DOWN_AFTER)),
        guestOf: peer => {
          const way = port.wayTo(peer)
          return way?.facts.trust === 'guest' ? way.id : peer
        },
        later: flushable => home.scheduler.flushLater(flushable),
        find: name => this.#find(name),
        owns: (peer, ref) => ref instanceof RemoteRef && port.comesBy(ref.peer.id, peer),
        allowed: (peer, action, name) => policy.allows(peer, action, name),
        systemOf: ref => (ref instanceof RemoteRef ? ref.peer.id : home.id),
        reachable: id => id === home.id || port.wayTo(id)?.status === 'connected',
        isRef: (value): value is AnyRef => value instanceof Ref
      })
    )
    this.#registry = actor
    home.export(REGISTRY_ID, new RegistryRef(home, actor) as unknown as Ref<never>)
    return actor
  }

  #find(name: string): AnyRef | undefined {
    return this.#port.home.find({ name } as ActorName<never>)
  }

  // schemas -------------------------------------------------------------------------------------------------------------

  /** What guests' messages to an actor here must pass. */
  schemaOf(ref: AnyRef): StandardSchema<unknown> | undefined {
    return this.#schemas.get(ref)
  }

  /** A door has been opened: what it exposes with a schema is guarded by that, by whoever it is known here already. */
  exposed(door: Door): void {
    for (const name of door.schemas()) for (const ref of this.#known(name)) this.#guardAs(ref, name)
  }

  /** Actors of ours that hold a name or a place in its group. */
  *#known(name: string): Iterable<AnyRef> {
    const ref = this.#find(name)
    if (ref !== undefined) yield ref
    yield* this.#claims.claimed(name)
  }

  #guardFor<M>(name: ActorName<M>, ref: AnyRef): void {
    this.#guard(ref, name.schema)
    this.#guardAs(ref, name.name)
  }

  /** Exposed with a schema, an actor is guarded by that, though it was spawned, registered or joined without. */
  #guardAs(ref: AnyRef, name: string): void {
    for (const door of this.#port.doors) this.#guard(ref, door.exposed(name)?.schema)
  }

  /** From now on what guests say to an actor of ours passes this schema, unless there is another already. */
  #guard(ref: AnyRef, schema: unknown): void {
    if (schema === undefined || ref instanceof RemoteRef || this.#schemas.has(ref)) return
    this.#schemas.set(ref, schema as StandardSchema<unknown>)
  }
}
