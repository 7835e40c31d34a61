// One running system with the network: the local machine, its peers, its hub, its links and doors, wired together.

import type { ActorSystem, SystemOptions } from './actor/actor-system.ts'
import { parseAddress } from './actor/address.ts'
import type { Behavior } from './actor/behavior.ts'
import { MAX_DELAY } from './actor/clock.ts'
import type { SpawnOptions } from './actor/context.ts'
import type { Subscription } from './actor/dead-letters.ts'
import { drain } from './actor/drain.ts'
import { systemEntropy } from './actor/entropy.ts'
import { ActorError } from './actor/errors.ts'
import type { Parent } from './actor/family.ts'
import type { LocalRef } from './actor/local-ref.ts'
import { LocalSystem } from './actor/local-system.ts'
import type { ActorName, StandardSchema } from './actor/names.ts'
import type { Claim, ConnectOptions, Gateway, GatewayReport, Link, ListenOptions } from './actor/network.ts'
import { NowhereRef } from './actor/nowhere-ref.ts'
import { duration, patience } from './actor/options.ts'
import type { Asked } from './actor/question.ts'
import { type ActorRef, type AnyRef, type AskOptions, Ref } from './actor/ref.ts'
import { hasUnhandled } from './actor/unhandled.ts'
import type { Attachment, AttachmentFacts } from './cluster/attachment.ts'
import { Claims } from './cluster/claims.ts'
import { Door } from './cluster/gateway.ts'
import { type Cause, type Ending, Hub } from './cluster/hub.ts'
import { DOWN_AFTER, GUEST_LIMITS, NODE_LIMITS } from './cluster/limits.ts'
import { Dialer } from './cluster/link.ts'
import type { PeerFacts } from './cluster/peer-facts.ts'
import { noted, permitted } from './cluster/policy.ts'
import { registry } from './cluster/registry.ts'
import type { RegistryMessage } from './cluster/registry-message.ts'
import { RegistryRef } from './cluster/registry-ref.ts'
import { DEFAULT_BACKOFF } from './peer/backoff.ts'
import { GUEST_LIMITS as GUARD } from './peer/codec.ts'
import { INITIAL_CREDIT } from './peer/epoch.ts'
import type { Welcome } from './peer/handshake.ts'
import { drawIdentity, type Identity, idBytes } from './peer/identity.ts'
import { Memory } from './peer/memory.ts'
import type { Notice } from './peer/notice.ts'
import { Peer } from './peer/peer.ts'
import type { PeerPort, PeerTerms, PressureFollower } from './peer/peer-port.ts'
import { Peers } from './peer/peers.ts'
import { Refs } from './peer/refs.ts'
import { REGISTRY_ID, RemoteRef } from './peer/remote-ref.ts'
import type { Listener, Transport } from './peer/transport.ts'
import { CloseCode, type Wire } from './peer/wire.ts'

/** Bytes that may be on their way to one peer, sent and not acknowledged. */
const OUTBOUND = NODE_LIMITS.windowBytes
const OUTBOUND_TO_GUEST = 4_194_304
const OUTBOUND_BELOW_GUEST = 1_048_576
/** What is left of a shutdown for last words to be acknowledged, in milliseconds. */
const LAST_WORDS = 1_000

/**
 * A system: actors of its own, and the network to others. Nothing runs, listens or connects before it is told to. Throws
 * ACTOR_BAD_OPTION.
 */
export function createSystem(options: SystemOptions = {}): ActorSystem {
  return new System(options)
}

export class System extends LocalSystem {
  readonly identity: Identity
  /** @internal What is held for other systems. */
  readonly memory: Memory
  readonly #hub: Hub
  readonly #peerPort: PeerPort
  readonly #peers = new Peers()
  readonly #refs = new Refs()
  readonly #dialers = new Set<Dialer>()
  readonly #doors = new Set<Door>()
  readonly #doorOf = new Map<string, Door>()
  readonly #claims: Claims
  readonly #schemas = new WeakMap<AnyRef, StandardSchema<unknown>>()
  readonly #pressed = new WeakMap<AnyRef, Set<PressureFollower>>()
  readonly #progress = new Set<() => void>()
  #registry: ActorRef<RegistryMessage> | undefined
  /** The authority that knows what is claimed here. */
  #asserted: string | undefined
  /** The hub that what is claimed here was asserted to last, whatever has become of the link. */
  #outlived: string | undefined
  #ending: Promise<void> | undefined
  readonly #hurry = new AbortController()
  /** Nothing more is read of anybody, or of those who came in by these doors: what was accepted is being finished. */
  #deaf = false
  readonly #deafDoors = new Set<Door>()
  /** Actors of the runtime's own. */
  #own = 0

  constructor(options: SystemOptions) {
    const identity = drawIdentity(options?.entropy ?? systemEntropy)
    super(options, identity.id)
    this.identity = identity
    this.memory = new Memory(this.memoryBudget)
    this.#peerPort = this.#portOfPeers()
    const system = this
    this.#hub = new Hub({
      id: this.id,
      clock: this.clock,
      logger: this.logger,
      memory: this.memory,
      arrived: (from, by, frame) => this.#arrived(from, by, frame),
      association: id => this.#peers.get(id)?.association,
      *associations() {
        for (const peer of system.#peers) yield [peer.id, peer.association]
      },
      changed: (attachment, what, why, cause) => this.#changed(attachment, what, why, cause),
      refresh: id => this.#peers.get(id)?.refresh(),
      relays: (by, to) => this.#relays(by, to),
      noticed: (by, peer, notice) => this.#doorOf.get(by.id)?.notice(by, peer, notice),
      renewed: () => this.#assert()
    })
    this.#claims = new Claims({
      clock: this.clock,
      logger: this.logger,
      authority: () => this.#authority(),
      registryOn: peer => this.#registryOn(peer),
      find: name => this.find({ name } as ActorName<never>),
      spawn: behavior => this.#spawnOwn(behavior),
      stop: ref => void this.stop(ref),
      watch: (ref, watcher) => (ref as Ref<never>).watch(watcher),
      unwatch: (ref, watcher) => (ref as Ref<never>).unwatch(watcher),
      isLocal: ref => !(ref instanceof RemoteRef),
      later: flushable => this.scheduler.flushLater(flushable)
    })
  }

  // the public surface --------------------------------------------------------------------------------------------------

  override lookup<M>(name: ActorName<M>, options?: AskOptions & { on?: string }): Promise<ActorRef<M>> {
    return this.#open() ?? this.#claims.lookup(name, options)
  }

  override register<M>(name: ActorName<M>, ref: ActorRef<M>, options?: AskOptions): Promise<Claim> {
    this.#guard(ref, name.schema)
    this.#guardAs(ref, name.name)
    return this.#open() ?? this.#claims.register(name, ref, options)
  }

  override join<M>(
    name: ActorName<M>,
    ref: ActorRef<M>,
    facts?: Record<string, unknown>,
    options?: AskOptions
  ): Promise<Claim> {
    this.#guard(ref, name.schema)
    this.#guardAs(ref, name.name)
    return this.#open() ?? this.#claims.join(name, ref, facts, options)
  }

  override members<M>(
    name: ActorName<M>,
    changed: (
      members: ReadonlyMap<ActorRef<M>, { label: string; reachable: boolean; facts: Record<string, unknown> }>
    ) => void
  ): Subscription {
    return this.#claims.members(name, changed)
  }

  override async listen(listener: Listener, options: ListenOptions): Promise<Gateway> {
    await this.#open()
    this.#ownRegistry()
    const door = await Door.open(listener, options, {
      clock: this.clock,
      logger: this.logger,
      entropy: this.entropy,
      identity: this.identity,
      label: this.label,
      attach: (from, facts, wire) => this.#attachBelow(from, facts, wire),
      full: guest => this.memory.full(guest),
      // What is attached by a link of ours is not attached the other way round as well.
      attachable: id => this.#hub.attachment(id) === undefined || this.#doorOf.has(id),
      kept: id => this.#hub.attachment(id)?.facts,
      renewed: (attachment, facts) => this.#hub.renew(attachment, facts),
      detach: (attachment, spread) =>
        this.#hub.detach(attachment, CloseCode.draining, 'the gateway is closing', spread),
      finish: (closing, within, hurry) => this.#finishDoor(closing, within, hurry),
      census: () => this.#census(),
      closed: closed => {
        this.#doors.delete(closed)
        this.#hearAgain(closed)
      }
    })
    if (this.#ending !== undefined) {
      await door.close()
      await this.#open()
    }
    this.#doors.add(door)
    for (const name of door.schemas()) for (const ref of this.#known(name)) this.#guardAs(ref, name)
    return door
  }

  override async connect(transport: Transport, options: ConnectOptions = {}): Promise<Link> {
    await this.#open()
    // A peer may look a name up on this very system.
    this.#ownRegistry()
    const within = patience(options)
    const { signal, backoff = DEFAULT_BACKOFF } = options
    if (!(backoff.min > 0 && backoff.max >= backoff.min && backoff.max < 2 ** 31)) {
      throw new ActorError('ACTOR_BAD_OPTION', 'connect: backoff needs 0 < min <= max < 2^31 milliseconds')
    }
    signal?.throwIfAborted()
    // One hub above at most: another system that is connected to is an equal.
    const taken = [...this.#dialers].some(each => each.as === 'below')
    if (taken && options.as === 'below') {
      throw new ActorError(
        'ACTOR_BAD_OPTION',
        "connect: there is a hub above already; disconnect it, or connect { as: 'peer' }"
      )
    }
    const dialer = new Dialer(transport, { ...options, as: options.as ?? (taken ? 'peer' : 'below') }, backoff, {
      clock: this.clock,
      logger: this.logger,
      random: this.random,
      entropy: this.entropy,
      identity: this.identity,
      label: this.label,
      attach: (link, wire, welcome) => this.#attachAbove(link, wire, welcome),
      pending: attachment => this.#pendingBy(attachment),
      onAcknowledged: look => this.#onProgress(look),
      leave: attachment => this.#leave(attachment),
      replaced: attachment => {
        this.#peers.get(attachment.id)?.association.abandon()
        this.#hub.detach(attachment, CloseCode.normal, 'replaced')
      },
      closed: closed => this.#unlinked(closed)
    })
    this.#dialers.add(dialer)
    await this.#first(dialer, within, signal)
    return dialer
  }

  override shutdown(options: { within?: number; drain?: number } = {}): Promise<void> {
    try {
      for (const name of ['within', 'drain'] as const) {
        if (options[name] !== undefined) duration(name, options[name], 0)
      }
    } catch (error) {
      return Promise.reject(error)
    }
    // Who asks for no time to finish ends a drain that is under way.
    if (this.#ending !== undefined && !(Number(options.drain) > 0)) this.#hurry.abort()
    this.#ending ??= this.#shutdown(options)
    return this.#ending
  }

  override [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown()
  }

  /** @internal How many systems and refs of others are held here: what has come and gone is not to be among them. */
  get held(): { readonly peers: number; readonly refs: number; readonly hub: number; readonly doors: number } {
    return { peers: this.#peers.size, refs: this.#refs.size, hub: this.#hub.size, doors: this.#doorOf.size }
  }

  // for the local machine -----------------------------------------------------------------------------------------------

  override spawnUnder<M>(parent: Parent, behavior: Behavior<M>, options: SpawnOptions<M> | undefined): LocalRef<M> {
    const ref = super.spawnUnder(parent, behavior, options)
    const name = options?.name
    if (name !== undefined) {
      this.#guard(ref as unknown as AnyRef, name.schema)
      this.#guardAs(ref as unknown as AnyRef, name.name)
      this.#registry?.send({ type: 'named', name: name.name })
    }
    return ref
  }

  override foreign(address: string): Ref<never> {
    const known = this.#refs.get(address)
    if (known !== undefined) return known
    const parsed = parseAddress(address)
    if (parsed === undefined || parsed.kind !== 'actor' || idBytes(parsed.system) === undefined) {
      return new NowhereRef(this, address, 'no-actor')
    }
    return this.#refs.put(address, new RemoteRef<never>(this.#peer(parsed.system), parsed.id)) as unknown as Ref<never>
  }

  // peers ---------------------------------------------------------------------------------------------------------------

  /** What peers ask of the system; one for all of them, since thousands of guests are peers. */
  #portOfPeers(): PeerPort {
    return {
      home: this,
      memory: this.memory,
      bytes: idBytes(this.id) as Uint8Array,
      spare: [],
      terms: of => this.#terms(of),
      known: of => this.#hub.knows(of),
      revive: address => this.revive(address),
      remote: (of, actor) => this.foreign(`actor:${of}/${actor}`) as unknown as RemoteRef<never>,
      held: (of, actor) => this.#refs.get(`actor:${of}/${actor}`) as RemoteRef<never> | undefined,
      schemaOf: ref => this.#schemas.get(ref),
      followPressure: (ref, by) => this.#followPressure(ref, by),
      isRegistry: asked => this.#isRegistry(asked),
      deaf: of => this.#isDeaf(of),
      unfollowPressure: (ref, by) => void this.#pressed.get(ref)?.delete(by),
      noticed: (of, notice) => this.#noticed(of, notice),
      opened: of => this.#peers.opened(of),
      progress: (of, ended) => this.#progressed(of, ended)
    }
  }

  #peer(id: string): Peer {
    const known = this.#peers.get(id)
    if (known !== undefined) return known
    const peer = new Peer(id, this.#peerPort, this.#peers.lastEpoch(id))
    this.#peers.add(peer)
    this.#hub.offerPaths(id, peer.association)
    return peer
  }

  #terms(id: string): PeerTerms {
    const facts: PeerFacts & Partial<AttachmentFacts> = this.#hub.factsOf(id)
    const guest = facts.trust === 'guest'
    const attachment = this.#hub.wayTo(id)
    const way = attachment?.facts
    // What is below a guest has the limits of that one, and of each window only the least.
    const joint = guest && way?.trust === 'guest' ? way.limits : undefined
    const limits = facts.limits ?? joint ?? (guest ? GUEST_LIMITS : NODE_LIMITS)
    const below = joint !== undefined && way?.id !== id
    return {
      label: facts.label,
      trust: facts.trust,
      principal: facts.principal,
      takes: way?.takes ?? NODE_LIMITS.messageBytes,
      gives: limits.messageBytes,
      window: below ? INITIAL_CREDIT : limits.windowBytes,
      outbound: below ? OUTBOUND_BELOW_GUEST : guest ? OUTBOUND_TO_GUEST : OUTBOUND,
      downAfter: way?.downAfter ?? DOWN_AFTER,
      openAsks: limits.openAsks,
      watches: limits.watches,
      guard: guest ? { ...GUARD, depth: limits.depth, nodes: limits.nodes } : undefined,
      messagesPerSecond: limits.messagesPerSecond,
      allowance: joint === undefined ? undefined : attachment?.allowance
    }
  }

  /** A peer did what it may not: the door by which it came in is told. */
  #noticed(id: string, notice: Notice): void {
    const way = this.#hub.wayTo(id)
    if (way !== undefined) this.#doorOf.get(way.id)?.notice(way, this.#hub.factsOf(id), notice)
  }

  #arrived(from: PeerFacts, by: Attachment, frame: Uint8Array): void {
    this.#peer(from.id).arrived(by.id === from.id ? by.direct : by.relay, frame)
  }

  #followPressure(ref: Ref<never>, by: PressureFollower): void {
    const following = this.#pressed.get(ref)
    if (following !== undefined) {
      following.add(by)
      return
    }
    const followers = new Set([by])
    this.#pressed.set(ref, followers)
    ref.onPressure(on => {
      for (const follower of followers) follower.pressureChanged(ref, on)
    })
  }

  #progressed(peer: Peer, ended: boolean): void {
    if (ended) this.#peers.ended(peer)
    if (ended && peer.id === this.#asserted) {
      this.#asserted = undefined
      this.#claims.orphaned()
      if (this.#hub.above?.id === peer.id && this.#hub.above.wire !== undefined) this.clock.soon(() => this.#assert())
    }
    for (const look of [...this.#progress]) look()
  }

  // attachments ---------------------------------------------------------------------------------------------------------

  #attachBelow(door: Door, facts: AttachmentFacts, wire: Wire): Attachment {
    this.#doorOf.get(facts.id)?.forget(facts.id)
    this.#doorOf.set(facts.id, door)
    return this.#hub.attach(facts, wire)
  }

  #attachAbove(link: Dialer, wire: Wire, welcome: Welcome): Attachment {
    const came = this.#doorOf.has(welcome.id) ? this.#hub.attachment(welcome.id) : undefined
    if (came !== undefined) {
      // Two that dial each other at once see this on both sides: the one with the lower id stays the listener.
      if (this.id < welcome.id) {
        throw new ActorError(
          'ACTOR_REFUSED',
          'that system has connected to this one already, and one link of the two is enough; ' +
            'let only one of them connect (of two that do so at once, the one with the lower id listens)'
        )
      }
      this.#hub.detach(came, CloseCode.superseded, 'the other link of the two stays')
    }
    if (link.as === 'below' && this.#hub.isBelow(welcome.id)) {
      throw new ActorError('ACTOR_UNREACHABLE', 'that system is below this one: hubs in a loop; disconnect one of them')
    }
    return this.#hub.attach(
      {
        id: welcome.id,
        label: welcome.label.slice(0, 64),
        trust: 'node',
        principal: undefined,
        place: link.as === 'below' ? 'above' : 'beside',
        downAfter: welcome.downAfter,
        takes: welcome.messageBytes,
        limits: NODE_LIMITS
      },
      wire
    )
  }

  #changed(attachment: Attachment, what: 'up' | 'suspended' | 'gone', why?: Ending, cause?: Cause): void {
    const { id } = attachment
    // When the system has ended, so has its registry.
    const registry = this.open ? this.#registry : undefined
    for (const each of this.#hub.through(attachment)) {
      registry?.send({ type: 'reach', peer: each, reachable: what === 'up' })
    }
    if (what === 'up') {
      this.#peers.get(id)?.refresh()
      if (attachment === this.#hub.above) {
        for (const peer of this.#peers) peer.refresh()
        if (this.#asserted !== id) this.#assert()
      }
      return
    }
    for (const dialer of this.#dialers) {
      if (dialer.attachment === attachment) dialer.lost(why ?? { code: CloseCode.normal, reason: 'it is gone' })
    }
    const door = this.#doorOf.get(id)
    if (why?.code === CloseCode.slow) door?.notice(attachment, attachment.facts, { type: 'limited', limit: 'slow' })
    if (what === 'gone') {
      // Nothing may have been asserted in an epoch that could end; those who wait for its return are to hear of that.
      if (this.#asserted === id) this.#asserted = undefined
      door?.detached(attachment, cause)
      door?.forget(id)
      this.#doorOf.delete(id)
    }
  }

  /** Before a link is given up: those who are reached by it alone hear goodbye. */
  #leave(attachment: Attachment): void {
    for (const peer of this.#peers) if (this.#hub.wayTo(peer.id) === attachment) peer.goodbye()
    this.#hub.detach(attachment, CloseCode.normal, 'disconnected')
    if (this.#asserted === attachment.id) {
      this.#asserted = undefined
      this.#claims.orphaned()
    }
  }

  async #first(dialer: Dialer, within: number, signal: AbortSignal | undefined): Promise<void> {
    let cancel = (): void => {}
    let aborted = (): void => {}
    try {
      await Promise.race([
        dialer.attached,
        new Promise<never>((_, reject) => {
          aborted = () => reject(signal?.reason)
          signal?.addEventListener('abort', aborted)
          cancel = this.clock.timer(within, () => {
            const why = dialer.lastError?.message ?? 'no answer'
            reject(new ActorError('ACTOR_UNREACHABLE', `not connected within ${within} ms; the last attempt: ${why}`))
          })
        })
      ])
    } catch (error) {
      dialer.close(undefined)
      throw error
    } finally {
      cancel()
      signal?.removeEventListener('abort', aborted)
    }
  }

  #pendingBy(attachment: Attachment): number {
    let bytes = 0
    for (const peer of this.#peers) if (this.#hub.wayTo(peer.id) === attachment) bytes += peer.pending
    return bytes
  }

  #onProgress(look: () => void): Subscription {
    this.#progress.add(look)
    return { unsubscribe: () => void this.#progress.delete(look) }
  }

  #drained(within: number): Promise<void> {
    return new Promise(resolve => {
      const look = (): void => {
        for (const peer of this.#peers) {
          if (peer.pending > 0 && peer.association.reachable) return
        }
        done()
      }
      const done = (): void => {
        cancel()
        progress.unsubscribe()
        resolve()
      }
      const cancel = this.clock.timer(within, () => done())
      const progress = this.#onProgress(look)
      look()
    })
  }

  // names ---------------------------------------------------------------------------------------------------------------

  #authority(): ActorRef<RegistryMessage> {
    return this.#registryAbove() ?? this.#ownRegistry()
  }

  /** Who has lost its hub, or has not reached it yet, is no authority instead: what it granted would be granted twice. */
  #registryAbove(): ActorRef<RegistryMessage> | undefined {
    const { above } = this.#hub
    if (above !== undefined) return this.#registryOn(above.id)
    for (const { as } of this.#dialers) {
      if (as === 'below')
        return new NowhereRef(this, 'the hub above', 'unreachable') as unknown as ActorRef<RegistryMessage>
    }
    return undefined
  }

  #registryOn(peer: string): ActorRef<RegistryMessage> {
    if (peer === this.id) return this.#ownRegistry()
    return this.foreign(`actor:${peer}/${REGISTRY_ID}`) as unknown as ActorRef<RegistryMessage>
  }

  #ownRegistry(): ActorRef<RegistryMessage> {
    if (this.#registry !== undefined) return this.#registry
    const actor = this.#spawnOwn(
      registry({
        clock: this.clock,
        above: () => this.#registryAbove(),
        registryOn: system => this.#registryOn(system),
        lapsed: () => this.#claims.lapsed(),
        lookup: (name, { wait, hidden, signal }) =>
          this.#claims.lookup({ name } as ActorName<never>, { within: wait ? MAX_DELAY : 0, hidden, signal }),
        grace: () => Math.max(0, ...[...this.#doors].map(door => door.options.downAfter ?? DOWN_AFTER)),
        guestOf: peer => {
          const way = this.#hub.wayTo(peer)
          return way?.facts.trust === 'guest' ? way.id : peer
        },
        later: flushable => this.scheduler.flushLater(flushable),
        find: name => this.find({ name } as ActorName<never>),
        owns: (peer, ref) => ref instanceof RemoteRef && this.#hub.comesBy(ref.peer.id, peer),
        allowed: (peer, action, name) => this.#allowed(peer, action, name),
        systemOf: ref => (ref instanceof RemoteRef ? ref.peer.id : this.id),
        reachable: id => id === this.id || this.#hub.wayTo(id)?.status === 'connected',
        isRef: (value): value is AnyRef => value instanceof Ref
      })
    )
    this.#registry = actor
    this.export(REGISTRY_ID, new RegistryRef(this, actor) as unknown as Ref<never>)
    return actor
  }

  /** Actors of ours that hold a name or a place in its group. */
  *#known(name: string): Iterable<AnyRef> {
    const ref = this.find({ name } as ActorName<never>)
    if (ref !== undefined) yield ref
    yield* this.#claims.claimed(name)
  }

  /** Exposed with a schema, an actor is guarded by that, though it was spawned, registered or joined without. */
  #guardAs(ref: AnyRef, name: string): void {
    for (const door of this.#doors) this.#guard(ref, door.exposed(name)?.schema)
  }

  /** From now on what guests say to an actor of ours passes this schema, unless there is another already. */
  #guard(ref: AnyRef, schema: unknown): void {
    if (schema === undefined || ref instanceof RemoteRef || this.#schemas.has(ref)) return
    this.#schemas.set(ref, schema as StandardSchema<unknown>)
  }

  #allowed(peer: string, action: 'lookup' | 'register' | 'join', name: string): boolean | Promise<boolean> {
    const way = this.#hub.wayTo(peer)
    const door = way === undefined ? undefined : this.#doorOf.get(way.id)
    // A guest of another hub asks there: what is exposed here is not for it.
    if (door === undefined || way === undefined || way.facts.trust !== 'guest') return false
    const { authorize } = door.options
    // Claims are for those whom a policy grants them; to be in an exposed group, exposing it is grant enough.
    const answer =
      door.exposes(name) &&
      (authorize === undefined
        ? action !== 'register'
        : permitted(this, () => authorize(way.facts.principal, action, name)))
    return noted(answer, () => door.notice(way, this.#hub.factsOf(peer), { type: 'denied', action, target: name }))
  }

  #relays(by: Attachment, to: string): boolean | Promise<boolean> | undefined {
    const door = this.#doorOf.get(by.id)
    const authorize = door?.options.authorize
    // Who has no policy leaves it to the addresses: nobody can send to an actor whose ref it was not given.
    if (door === undefined || authorize === undefined) return undefined
    return noted(
      permitted(this, () => authorize(by.facts.principal, 'relay', to)),
      () => door.notice(by, by.facts, { type: 'denied', action: 'relay', target: to })
    )
  }

  #assert(): void {
    // The end of this system ends epochs too: nothing is claimed any more.
    if (!this.open) return
    const above = this.#hub.above?.id
    const outlived = above !== undefined && this.#outlived !== undefined && this.#outlived !== above
    this.#asserted = above
    this.#outlived = above ?? this.#outlived
    this.#registry?.send({ type: 'above' })
    this.#claims.reassert(outlived)
    this.#hub.tellRenewed()
  }

  /** A link has ended on purpose, or for good. Without a hub above this system is its own authority. */
  #unlinked(dialer: Dialer): void {
    this.#dialers.delete(dialer)
    if (dialer.as === 'below') this.#assert()
  }

  // the end -------------------------------------------------------------------------------------------------------------

  async #shutdown({ within, drain: budget = 0 }: { within?: number; drain?: number }): Promise<void> {
    for (const door of this.#doors) door.refuseAll()
    if (budget > 0) await this.#finish(budget)
    await super.shutdown(within === undefined ? {} : { within })
    this.#claims.end()
    for (const peer of this.#peers) peer.flush()
    await this.#drained(LAST_WORDS)
    for (const peer of this.#peers) peer.goodbye()
    for (const dialer of [...this.#dialers]) dialer.close(undefined)
    await Promise.all([...this.#doors].map(door => door.close()))
  }

  /** Finishes what was accepted, of everybody. What is not read by then is never read. */
  #finish(within: number): Promise<void> {
    const done = (both: boolean): boolean => {
      for (const peer of this.#peers) if (!peer.idle(both)) return false
      return !hasUnhandled(this)
    }
    return drain(
      {
        clock: this.clock,
        logger: this.logger,
        quiet: () => done(true),
        deafen: () => {
          this.#deaf = true
        },
        finished: () => done(false)
      },
      within,
      this.#hurry.signal
    )
  }

  /** The same for those who came in by one door; what others say goes on. */
  #finishDoor(door: Door, within: number, hurry: AbortSignal): Promise<void> {
    const by = (id: string): boolean => this.#doorTo(id) === door
    const done = (both: boolean): boolean => {
      for (const peer of this.#peers) if (by(peer.id) && !peer.idle(both)) return false
      return !hasUnhandled(this, by)
    }
    return drain(
      {
        clock: this.clock,
        logger: this.logger,
        quiet: () => done(true),
        deafen: () => void this.#deafDoors.add(door),
        finished: () => done(false)
      },
      within,
      hurry
    )
  }

  /** A door has closed. Those who came in by it may come in by another, and are heard there. */
  #hearAgain(door: Door): void {
    if (!this.#deafDoors.delete(door)) return
    for (const peer of this.#peers) peer.listen()
  }

  #isDeaf(peer: string): boolean {
    if (this.#deaf || this.#deafDoors.size === 0) return this.#deaf
    const door = this.#doorTo(peer)
    return door !== undefined && this.#deafDoors.has(door)
  }

  #doorTo(id: string): Door | undefined {
    const way = this.#hub.wayTo(id)
    return way === undefined ? undefined : this.#doorOf.get(way.id)
  }

  #isRegistry(asked: Asked | RemoteRef<never> | undefined): boolean {
    if (asked instanceof RemoteRef) return asked.id === REGISTRY_ID
    return asked !== undefined && asked === (this.#registry as unknown as LocalRef<never> | undefined)?.cell
  }

  /** An actor of the runtime's own, which nobody counts. */
  #spawnOwn<M>(behavior: Behavior<M>): ActorRef<M> {
    const ref = this.spawn(behavior)
    this.#own += 1
    ;(ref as unknown as Ref<never>).watch({
      stopped: () => {
        this.#own -= 1
      }
    })
    return ref
  }

  #census(): Pick<GatewayReport, 'actors' | 'asking' | 'asked' | 'counters'> {
    let asked = 0
    let lookups = 0
    for (const peer of this.#peers) {
      asked += peer.askedHere
      lookups += peer.lookups
    }
    const own = (this.#registry as unknown as LocalRef<never> | undefined)?.cell
    for (let each = own?.questions; each !== undefined; each = each.after) if (each.replyTo !== undefined) lookups += 1
    return { actors: this.alive - this.#own, asking: this.asking - lookups, asked, counters: this.counters }
  }

  #open(): Promise<never> | undefined {
    if (this.open && this.#ending === undefined) return undefined
    return Promise.reject(new ActorError('ACTOR_SHUT_DOWN', `system ${this.label} has shut down; create another`))
  }
}
