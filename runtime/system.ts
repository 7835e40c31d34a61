// One running system with the network: the local machine, its peers, its hub, its links and doors, wired together.

import type { ActorSystem, SystemOptions } from './actor/actor-system.ts'
import { parseAddress } from './actor/address.ts'
import type { Behavior } from './actor/behavior.ts'
import type { SpawnOptions } from './actor/context.ts'
import type { Subscription } from './actor/dead-letters.ts'
import { systemEntropy } from './actor/entropy.ts'
import { ActorError } from './actor/errors.ts'
import type { Parent } from './actor/family.ts'
import type { LocalRef } from './actor/local-ref.ts'
import { LocalSystem } from './actor/local-system.ts'
import type { Logger } from './actor/logger.ts'
import type { ActorName } from './actor/names.ts'
import type { Claim, ConnectOptions, Gateway, GatewayReport, Link, ListenOptions } from './actor/network.ts'
import { NowhereRef } from './actor/nowhere-ref.ts'
import { duration, patience } from './actor/options.ts'
import type { ActorRef, AnyRef, AskOptions, Ref } from './actor/ref.ts'
import type { Attachment, AttachmentFacts } from './cluster/attachment.ts'
import { Doors } from './cluster/doors.ts'
import { Finish } from './cluster/finish.ts'
import { Door } from './cluster/gateway.ts'
import { type Cause, type Ending, Hub } from './cluster/hub.ts'
import { Dialer } from './cluster/link.ts'
import { Naming } from './cluster/naming.ts'
import { Policy } from './cluster/policy.ts'
import { termsOf } from './cluster/terms.ts'
import { DEFAULT_BACKOFF } from './peer/backoff.ts'
import { Followers } from './peer/followers.ts'
import { drawIdentity, type Identity, idBytes } from './peer/identity.ts'
import { Memory } from './peer/memory.ts'
import { Peer } from './peer/peer.ts'
import type { PeerPort } from './peer/peer-port.ts'
import { Peers } from './peer/peers.ts'
import { Refs } from './peer/refs.ts'
import { RemoteRef } from './peer/remote-ref.ts'
import { seldomLogger } from './peer/seldom.ts'
import type { Listener, Transport } from './peer/transport.ts'
import { CloseCode, type Wire } from './peer/wire.ts'

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
  /** The log, for what others do: nobody fills it. */
  readonly #strangers: Logger
  readonly #hub: Hub
  readonly #peerPort: PeerPort
  readonly #peers = new Peers()
  readonly #refs = new Refs()
  readonly #dialers = new Set<Dialer>()
  readonly #followers = new Followers()
  readonly #doors: Doors
  readonly #finish: Finish
  readonly #naming: Naming
  #ending: Promise<void> | undefined
  /** Actors of the runtime's own. */
  #own = 0

  constructor(options: SystemOptions) {
    const identity = drawIdentity(options?.entropy ?? systemEntropy)
    super(options, identity.id)
    this.identity = identity
    this.memory = new Memory(this.memoryBudget)
    this.#strangers = seldomLogger(this.logger, this.clock)
    this.#peerPort = this.#portOfPeers()
    const system = this
    this.#doors = new Doors({ wayTo: id => this.#hub.wayTo(id), factsOf: id => this.#hub.factsOf(id) })
    this.#finish = new Finish(this, this.#peers, this.#doors)
    const { clock } = this
    const policy = new Policy({ clock, logger: this.#strangers, factsOf: id => this.#hub.factsOf(id) }, this.#doors)
    this.#hub = new Hub({
      id: this.id,
      clock,
      logger: this.#strangers,
      memory: this.memory,
      arrived: (from, by, frame) => this.#peer(from.id).arrived(by.id === from.id ? by.direct : by.relay, frame),
      association: id => this.#peers.get(id)?.association,
      *associations() {
        for (const peer of system.#peers) yield [peer.id, peer.association]
      },
      changed: (attachment, what, why, cause) => this.#changed(attachment, what, why, cause),
      refresh: id => this.#peers.get(id)?.refresh(),
      relays: by => policy.relays(by),
      noticed: (by, peer, notice) => this.#doors.of(by.id)?.notice(by, peer, notice),
      renewed: () => this.#naming.assert()
    })
    this.#naming = new Naming({
      home: this,
      doors: this.#doors,
      policy,
      above: () => this.#hub.above,
      wantsAbove: () => this.#wantsAbove(),
      wayTo: id => this.#hub.wayTo(id),
      comesBy: (id, peer) => this.#hub.comesBy(id, peer),
      spawn: behavior => this.#spawnOwn(behavior),
      tellRenewed: () => this.#hub.tellRenewed()
    })
  }

  // the public surface --------------------------------------------------------------------------------------------------

  override lookup<M>(name: ActorName<M>, options?: AskOptions & { on?: string }): Promise<ActorRef<M>> {
    return this.#open() ?? this.#naming.lookup(name, options)
  }

  override register<M>(name: ActorName<M>, ref: ActorRef<M>, options?: AskOptions): Promise<Claim> {
    return this.#open() ?? this.#naming.register(name, ref, options)
  }

  override join<M>(
    name: ActorName<M>,
    ref: ActorRef<M>,
    facts?: Record<string, unknown>,
    options?: AskOptions
  ): Promise<Claim> {
    return this.#open() ?? this.#naming.join(name, ref, facts, options)
  }

  override members<M>(
    name: ActorName<M>,
    changed: (
      members: ReadonlyMap<ActorRef<M>, { label: string; reachable: boolean; facts: Record<string, unknown> }>
    ) => void
  ): Subscription {
    return this.#naming.members(name, changed)
  }

  override async listen(listener: Listener, options: ListenOptions): Promise<Gateway> {
    await this.#open()
    this.#naming.serve()
    const door = await Door.open(listener, options, {
      clock: this.clock,
      logger: this.#strangers,
      entropy: this.entropy,
      identity: this.identity,
      label: this.label,
      attach: (from, facts, wire) => {
        this.#doors.enter(from, facts.id)
        return this.#hub.attach(facts, wire)
      },
      full: guest => this.memory.full(guest),
      // What is attached by a link of ours is not attached the other way round as well.
      attachable: id => this.#hub.attachment(id) === undefined || this.#doors.of(id) !== undefined,
      kept: id => this.#hub.attachment(id)?.facts,
      renewed: (attachment, facts) => this.#hub.renew(attachment, facts),
      detach: (attachment, spread) =>
        this.#hub.detach(attachment, CloseCode.draining, 'the gateway is closing', spread),
      finish: (closing, within, hurry) => this.#finish.by(closing, within, hurry),
      census: () => this.#census(),
      closed: closed => {
        this.#doors.closed(closed)
        this.#finish.hearAgain(closed)
      }
    })
    if (this.#ending !== undefined) {
      await door.close()
      await this.#open()
    }
    this.#doors.opened(door)
    this.#naming.exposed(door)
    return door
  }

  override async connect(transport: Transport, options: ConnectOptions = {}): Promise<Link> {
    await this.#open()
    // A peer may look a name up on this very system.
    this.#naming.serve()
    const within = patience(options)
    const { signal, backoff = DEFAULT_BACKOFF } = options
    if (!(backoff.min > 0 && backoff.max >= backoff.min && backoff.max < 2 ** 31)) {
      throw new ActorError('ACTOR_BAD_OPTION', 'connect: backoff needs 0 < min <= max < 2^31 milliseconds')
    }
    signal?.throwIfAborted()
    const taken = this.#wantsAbove()
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
      attach: (facts, wire) => this.#attachAbove(facts, wire),
      pending: attachment => this.#pendingBy(attachment),
      onAcknowledged: look => this.#finish.onProgress(look),
      leave: attachment => this.#leave(attachment),
      replaced: attachment => {
        this.#peers.get(attachment.id)?.association.abandon()
        this.#hub.detach(attachment, CloseCode.normal, 'replaced')
      },
      closed: closed => this.#unlinked(closed)
    })
    this.#dialers.add(dialer)
    await dialer.first(within, signal)
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
    if (this.#ending !== undefined && !(Number(options.drain) > 0)) this.#finish.hurry()
    this.#ending ??= this.#shutdown(options)
    return this.#ending
  }

  override [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown()
  }

  /** @internal How many systems and refs of others are held here: what has come and gone is not to be among them. */
  get held(): { readonly peers: number; readonly refs: number; readonly hub: number; readonly doors: number } {
    return { peers: this.#peers.size, refs: this.#refs.size, hub: this.#hub.size, doors: this.#doors.size }
  }

  // for the local machine -----------------------------------------------------------------------------------------------

  override spawnUnder<M>(parent: Parent, behavior: Behavior<M>, options: SpawnOptions<M> | undefined): LocalRef<M> {
    const ref = super.spawnUnder(parent, behavior, options)
    const name = options?.name
    if (name !== undefined) this.#naming.spawned(name, ref as unknown as AnyRef)
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
      strangers: this.#strangers,
      bytes: idBytes(this.id) as Uint8Array,
      spare: [],
      terms: of => termsOf(of, this.#hub.factsOf(of), this.#hub.wayTo(of)),
      known: of => this.#hub.knows(of),
      revive: address => this.revive(address),
      remote: (of, actor) => this.foreign(`actor:${of}/${actor}`) as unknown as RemoteRef<never>,
      held: (of, actor) => this.#refs.get(`actor:${of}/${actor}`) as RemoteRef<never> | undefined,
      schemaOf: ref => this.#naming.schemaOf(ref),
      followPressure: (ref, by) => this.#followers.follow(ref, by),
      unfollowPressure: (ref, by) => this.#followers.unfollow(ref, by),
      isRegistry: asked => this.#naming.isRegistry(asked),
      deaf: of => this.#finish.isDeaf(of),
      noticed: (of, notice) => this.#doors.notice(of, notice),
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

  #progressed(peer: Peer, ended: boolean): void {
    if (ended) {
      this.#peers.ended(peer)
      this.#naming.ended(peer.id)
    }
    this.#finish.progressed()
  }

  // attachments ---------------------------------------------------------------------------------------------------------

  #attachAbove(facts: AttachmentFacts, wire: Wire): Attachment {
    const came = this.#doors.of(facts.id) === undefined ? undefined : this.#hub.attachment(facts.id)
    if (came !== undefined) {
      // Two that dial each other at once see this on both sides: the one with the lower id stays the listener.
      if (this.id < facts.id) {
        throw new ActorError(
          'ACTOR_REFUSED',
          'that system has connected to this one already, and one link of the two is enough; ' +
            'let only one of them connect (of two that do so at once, the one with the lower id listens)'
        )
      }
      this.#hub.detach(came, CloseCode.superseded, 'the other link of the two stays')
    }
    if (facts.place === 'above' && this.#hub.isBelow(facts.id)) {
      throw new ActorError('ACTOR_UNREACHABLE', 'that system is below this one: hubs in a loop; disconnect one of them')
    }
    return this.#hub.attach(facts, wire)
  }

  #changed(attachment: Attachment, what: 'up' | 'suspended' | 'gone', why?: Ending, cause?: Cause): void {
    const { id } = attachment
    this.#naming.reach(this.#hub.through(attachment), what === 'up')
    if (what === 'up') {
      this.#peers.get(id)?.refresh()
      if (attachment === this.#hub.above) {
        for (const peer of this.#peers) peer.refresh()
        this.#naming.reached(id)
      }
      return
    }
    for (const dialer of this.#dialers) {
      if (dialer.attachment === attachment) dialer.lost(why ?? { code: CloseCode.normal, reason: 'it is gone' })
    }
    const door = this.#doors.of(id)
    if (why?.code === CloseCode.slow) door?.notice(attachment, attachment.facts, { type: 'limited', limit: 'slow' })
    if (what === 'gone') {
      this.#naming.gone(id)
      door?.detached(attachment, cause)
      this.#doors.leave(id)
    }
  }

  /** Before a link is given up: those who are reached by it alone hear goodbye. */
  #leave(attachment: Attachment): void {
    for (const peer of this.#peers) if (this.#hub.wayTo(peer.id) === attachment) peer.goodbye()
    this.#hub.detach(attachment, CloseCode.normal, 'disconnected')
    this.#naming.left(attachment.id)
  }

  /** One hub above at most: another system that is connected to is an equal. */
  #wantsAbove(): boolean {
    for (const { as } of this.#dialers) if (as === 'below') return true
    return false
  }

  #pendingBy(attachment: Attachment): number {
    let bytes = 0
    for (const peer of this.#peers) if (this.#hub.wayTo(peer.id) === attachment) bytes += peer.pending
    return bytes
  }

  /** A link has ended on purpose, or for good. Without a hub above this system is its own authority. */
  #unlinked(dialer: Dialer): void {
    this.#dialers.delete(dialer)
    if (dialer.as === 'below') this.#naming.assert()
  }

  // the end -------------------------------------------------------------------------------------------------------------

  async #shutdown({ within, drain: budget = 0 }: { within?: number; drain?: number }): Promise<void> {
    for (const door of this.#doors) door.refuseAll()
    if (budget > 0) await this.#finish.everything(budget)
    await super.shutdown(within === undefined ? {} : { within })
    this.#naming.end()
    for (const peer of this.#peers) peer.flush()
    await this.#finish.lastWords()
    for (const peer of this.#peers) peer.goodbye()
    for (const dialer of [...this.#dialers]) dialer.close(undefined)
    await Promise.all([...this.#doors].map(door => door.close()))
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
    let { lookups } = this.#naming
    for (const peer of this.#peers) {
      asked += peer.askedHere
      lookups += peer.lookups
    }
    return { actors: this.alive - this.#own, asking: this.asking - lookups, asked, counters: this.counters }
  }

  #open(): Promise<never> | undefined {
    if (this.open && this.#ending === undefined) return undefined
    return Promise.reject(new ActorError('ACTOR_SHUT_DOWN', `system ${this.label} has shut down; create another`))
  }
}
