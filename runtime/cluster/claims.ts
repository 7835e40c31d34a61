// What this system wants of the registry, as intents: names it claims, groups it is in, listings it follows, names it looks
// for. They are kept here and asserted again with every new authority, so that a hub may forget and come back.

import type { Behavior } from '../actor/behavior.ts'
import { receive } from '../actor/behavior.ts'
import type { Clock } from '../actor/clock.ts'
import type { Subscription } from '../actor/dead-letters.ts'
import { ActorError, codeOf } from '../actor/errors.ts'
import type { Logger } from '../actor/logger.ts'
import type { ActorName } from '../actor/names.ts'
import type { Claim } from '../actor/network.ts'
import type { ActorRef, AnyRef, AskOptions } from '../actor/ref.ts'
import { type Answer, type Member, type MembersMessage, type RegistryMessage, settle } from './registry-message.ts'

/** Intents of one system; more is a leak in the program. */
const MAX_INTENTS = 65_536
const LOOKUP_WITHIN = 5_000

export interface ClaimsPort {
  readonly clock: Clock
  readonly logger: Logger
  /** The registry to ask right now: the hub's above, or this system's own. */
  authority(): ActorRef<RegistryMessage>
  /** The registry of one peer. */
  registryOn(peer: string): ActorRef<RegistryMessage>
  find(name: string): AnyRef | undefined
  spawn<M>(behavior: Behavior<M>): ActorRef<M>
  stop(ref: AnyRef): void
  watchEnd(ref: AnyRef, ended: () => void): void
  isLocal(ref: AnyRef): boolean
}

type Members<M> = ReadonlyMap<ActorRef<M>, { label: string; reachable: boolean; facts: Record<string, unknown> }>

interface Intent {
  assert(options?: AskOptions): Promise<Answer<true>>
  lose(): void
}

export class Claims {
  readonly #port: ClaimsPort
  readonly #intents = new Set<Intent>()
  readonly #listings = new Map<ActorRef<MembersMessage>, { follow(): void; stale(): void }>()
  readonly #changed = new Set<() => void>()

  constructor(port: ClaimsPort) {
    this.#port = port
  }

  /** There is an authority that may know nothing of us. */
  reassert(): void {
    for (const intent of [...this.#intents]) {
      void intent.assert().then(
        answer => {
          if (!('ok' in answer)) {
            this.#port.logger.warn('a claim was lost to another owner', { code: answer.code })
            intent.lose()
          }
        },
        // The next attachment asserts it again.
        () => {}
      )
    }
    for (const listing of this.#listings.values()) listing.follow()
    for (const changed of [...this.#changed]) changed()
  }

  /** The authority is gone: what it listed is history until there is one again. */
  orphaned(): void {
    for (const listing of this.#listings.values()) listing.stale()
  }

  async lookup<M>(name: ActorName<M>, options: AskOptions & { on?: string } = {}): Promise<ActorRef<M>> {
    const { within = LOOKUP_WITHIN, signal, on } = options
    if (!(within >= 0 && within < 2 ** 31)) {
      throw new ActorError(
        'ACTOR_BAD_OPTION',
        `lookup: within is ${String(within)}; give milliseconds from 0 (one look) to 2,147,483,647`
      )
    }
    const deadline = this.#port.clock.now() + within
    for (;;) {
      const own = on === undefined ? this.#port.find(name.name) : undefined
      if (own !== undefined) return own as ActorRef<M>
      const left = deadline - this.#port.clock.now()
      if (within > 0 && left < 1) throw notFound(name.name, within)
      const renewed = new AbortController()
      const again = (): void => renewed.abort()
      const cancelled = (): void => renewed.abort(signal?.reason)
      signal?.addEventListener('abort', cancelled)
      this.#changed.add(again)
      try {
        signal?.throwIfAborted()
        const registry = on === undefined ? this.#port.authority() : this.#port.registryOn(on)
        const answer = await registry.ask(
          { type: 'lookup', name: name.name, wait: within > 0 },
          { within: within > 0 ? left : LOOKUP_WITHIN, signal: renewed.signal }
        )
        const found = settle(answer)
        if (found !== undefined) return found as ActorRef<M>
        throw notFound(name.name, within)
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        if (renewed.signal.aborted) continue
        const code = codeOf(error)
        if (code === 'ACTOR_ASK_TIMEOUT') throw notFound(name.name, within)
        if (within > 0 && (code === 'ACTOR_UNREACHABLE' || code === 'ACTOR_STOPPED')) {
          if (!(await this.#renewal(deadline, renewed.signal))) throw notFound(name.name, within)
          continue
        }
        throw error
      } finally {
        this.#changed.delete(again)
        signal?.removeEventListener('abort', cancelled)
      }
    }
  }

  /** Waits for the next authority; `false` when the deadline came first. */
  #renewal(deadline: number, renewed: AbortSignal): Promise<boolean> {
    return new Promise(resolve => {
      if (renewed.aborted) return resolve(true)
      const cancel = this.#port.clock.timer(Math.max(1, deadline - this.#port.clock.now()), () => resolve(false))
      renewed.addEventListener('abort', () => {
        cancel()
        resolve(true)
      })
    })
  }

  register<M>(name: ActorName<M>, ref: ActorRef<M>, options?: AskOptions): Promise<Claim> {
    return this.#hold(
      ref,
      asked => this.#port.authority().ask({ type: 'claim', name: name.name, ref }, asked),
      () => this.#port.authority().send({ type: 'release', name: name.name, ref }),
      options
    )
  }

  join<M>(
    name: ActorName<M>,
    ref: ActorRef<M>,
    facts: Record<string, unknown> = {},
    options?: AskOptions
  ): Promise<Claim> {
    const group = name.name
    const member: Member = { ref, label: ref.label, reachable: true, facts }
    return this.#hold(
      ref,
      asked => this.#port.authority().ask({ type: 'join', group, member }, asked),
      () => this.#port.authority().send({ type: 'leave', group, ref }),
      options
    )
  }

  members<M>(name: ActorName<M>, changed: (members: Members<M>) => void): Subscription {
    const group = name.name
    // By address: an actor of this system that has ended comes home as another ref than it left.
    let listed = new Map<string, Member>()
    const tell = (): void => {
      try {
        changed(
          new Map(
            [...listed.values()].map(({ ref, label, reachable, facts }) => [
              ref as ActorRef<M>,
              { label, reachable, facts }
            ])
          )
        )
      } catch (error) {
        this.#port.logger.error('a listener of members threw', { error })
      }
    }
    const to = this.#port.spawn(
      receive(undefined, (_state: undefined, message: MembersMessage) => {
        if (message.type === 'members') listed = new Map()
        else for (const ref of message.left) listed.delete(ref.address)
        for (const member of message.members) listed.set(member.ref.address, member)
        tell()
        return undefined
      })
    )
    const follow = (): void => {
      this.#port.authority().send({ type: 'subscribe', group, to })
    }
    const stale = (): void => {
      for (const [address, member] of listed) {
        if (!this.#port.isLocal(member.ref)) listed.set(address, { ...member, reachable: false })
      }
      tell()
    }
    this.#listings.set(to, { follow, stale })
    follow()
    return {
      unsubscribe: () => {
        if (!this.#listings.delete(to)) return
        this.#port.authority().send({ type: 'unsubscribe', group, to })
        this.#port.stop(to)
      }
    }
  }

  async #hold(
    ref: AnyRef,
    assert: (options?: AskOptions) => Promise<Answer<true>>,
    release: () => void,
    options: AskOptions | undefined
  ): Promise<Claim> {
    if (this.#intents.size >= MAX_INTENTS) {
      throw new ActorError(
        'ACTOR_NO_ROOM',
        `this system holds ${MAX_INTENTS} claims; release those that are no longer needed`
      )
    }
    const lost = new AbortController()
    const intent: Intent = {
      assert,
      lose: () => {
        if (this.#intents.delete(intent)) lost.abort()
      }
    }
    this.#intents.add(intent)
    try {
      settle(await assert(options))
    } catch (error) {
      this.#intents.delete(intent)
      // It may have been granted all the same: an answer can come too late.
      release()
      throw error
    }
    this.#port.watchEnd(ref, () => intent.lose())
    return {
      lost: lost.signal,
      release: async () => {
        if (!this.#intents.has(intent)) return
        intent.lose()
        release()
      }
    }
  }
}

function notFound(name: string, within: number): ActorError {
  const wait = within === 0 ? 'right now' : `within ${within} ms`
  return new ActorError(
    'ACTOR_NOT_FOUND',
    `nobody has the name '${name}' ${wait}, or it is not exposed to this system; spawn or register it under that name, and list it in expose`
  )
}
