// What this system wants of the registry, as intents: names it claims, groups it is in, listings it follows, names it looks
// for. They are kept here and asserted again with every new authority, so that a hub may forget and come back.

import { type Behavior, receive } from '../actor/behavior.ts'
import { type Clock, MAX_DELAY } from '../actor/clock.ts'
import type { Subscription } from '../actor/dead-letters.ts'
import { ActorError, codeOf } from '../actor/errors.ts'
import type { Logger } from '../actor/logger.ts'
import type { ActorName } from '../actor/names.ts'
import type { Claim } from '../actor/network.ts'
import { patience } from '../actor/options.ts'
import type { ActorRef, AnyRef, AskOptions } from '../actor/ref.ts'
import type { Flushable } from '../actor/scheduler.ts'
import type { Watcher } from '../actor/watch.ts'
import { Listing } from './registry-listing.ts'
import { RegistryMail } from './registry-mail.ts'
import { type Answer, type Member, type MembersMessage, type RegistryMessage, settle } from './registry-message.ts'

/** Intents of one system; more is a leak in the program. */
const MAX_INTENTS = 65_536
const LOOKUP_WITHIN = 5_000
/** Claims that are asserted again at the same time: a guest may have 64 questions open. */
const AT_ONCE = 32
/** Longer than an authority makes a guest's assertion wait, in milliseconds, unless its `downAfter` is most uncommon. */
const ASSERT_WITHIN = 300_000
/** Milliseconds until an assertion or a release that found no room is tried again. */
const AGAIN = 1_000
/** Milliseconds for which `release` waits to be confirmed. */
const RELEASE_WITHIN = 5_000

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
  watch(ref: AnyRef, watcher: Watcher): void
  unwatch(ref: AnyRef, watcher: Watcher): void
  isLocal(ref: AnyRef): boolean
  /** Calls `flush` at the end of the turn. */
  later(flushable: Flushable): void
}

type Members<M> = ReadonlyMap<ActorRef<M>, { label: string; reachable: boolean; facts: Record<string, unknown> }>

/** How an intent is said to an authority. */
interface Words {
  /** The same for whoever wants the same. */
  readonly key: string
  readonly name: string
  readonly ref: AnyRef
  assert(held: boolean, options: AskOptions): Promise<Answer<true>>
  release(options: AskOptions): Promise<Answer<true>>
}

/** `asking`: not granted yet, and asked again by who waits for it. */
interface Intent {
  readonly words: Words
  state: 'asking' | 'held' | 'over'
  lose(why?: ActorError): void
}

export class Claims {
  readonly #port: ClaimsPort
  readonly #intents = new Set<Intent>()
  /** How many intents want the same: the last one releases it. */
  readonly #wanted = new Map<string, number>()
  readonly #due = new Set<Intent>()
  #asserting = 0
  readonly #listings = new Map<ActorRef<MembersMessage>, { stale(): void; follow(): void }>()
  readonly #mail = new RegistryMail()
  readonly #changed = new Set<() => void>()
  /** Counts authorities: what was answered before the last change says nothing of the one after it. */
  #generation = 0
  #over = false

  constructor(port: ClaimsPort) {
    this.#port = port
  }

  /** There is an authority that may know nothing of us. `outlived`: we knew another before. */
  reassert(outlived: boolean): void {
    this.#generation += 1
    // Before all else: what we had under the other is not to be given away meanwhile.
    if (outlived) this.#mail.send(this.#port.authority(), { type: 'outlived' })
    for (const changed of [...this.#changed]) changed()
    this.#due.clear()
    for (const intent of this.#intents) if (intent.state === 'held') this.#due.add(intent)
    this.#assertDue()
    for (const listing of this.#listings.values()) listing.follow()
  }

  /** The authority has lost sight of us for a moment: what we had is to be said again, and what we follow listed anew. */
  lapsed(): void {
    for (const intent of this.#intents) if (intent.state === 'held') this.#due.add(intent)
    this.#assertDue()
    for (const listing of this.#listings.values()) listing.follow()
  }

  /** The authority is gone: what it listed is history until there is one again. */
  orphaned(): void {
    for (const listing of this.#listings.values()) listing.stale()
  }

  /** The system has shut down: nobody waits for an authority any more. */
  end(): void {
    this.#over = true
    for (const changed of [...this.#changed]) changed()
  }

  /** What this system claims under a name, or has put into its group. */
  *claimed(name: string): Iterable<AnyRef> {
    for (const { words } of this.#intents) if (words.name === name) yield words.ref
  }

  // lookups -------------------------------------------------------------------------------------------------------------

  async lookup<M>(
    name: ActorName<M>,
    options: AskOptions & { on?: string; hidden?: boolean } = {}
  ): Promise<ActorRef<M>> {
    const { within = LOOKUP_WITHIN, signal, on, hidden = false } = options
    if (!(within >= 0 && within <= MAX_DELAY)) {
      throw new ActorError(
        'ACTOR_BAD_OPTION',
        `lookup: within is ${String(within)}; give milliseconds from 0 (one look) to 2,147,483,647`
      )
    }
    const wait = within > 0
    const ask = async (asked: AskOptions): Promise<Answer<AnyRef | undefined>> => {
      const own = on === undefined && !hidden ? this.#port.find(name.name) : undefined
      if (own !== undefined) return { ok: own }
      if (on === undefined) {
        return this.#port.authority().ask({ type: 'lookup', name: name.name, wait, hidden }, asked)
      }
      return this.#port.registryOn(on).ask({ type: 'lookup', name: name.name, wait, hidden, here: true }, asked)
    }
    const patient = { within: wait ? within : LOOKUP_WITHIN, signal }
    let found: AnyRef | undefined
    try {
      found = await (on === undefined ? this.#persist(ask, patient) : ask(definite(patient)).then(settle))
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      const code = codeOf(error)
      const gone = on === undefined && code === 'ACTOR_UNREACHABLE'
      if (!(wait && (code === 'ACTOR_ASK_TIMEOUT' || gone))) throw error
    }
    if (found !== undefined) return found as ActorRef<M>
    throw notFound(name.name, within)
  }

  /** Asks the authority; and the next one, when that one is lost before it has answered. */
  async #persist<T>(
    ask: (options: AskOptions) => Promise<Answer<T>>,
    { within, signal }: { within: number; signal: AbortSignal | undefined }
  ): Promise<T> {
    const deadline = this.#port.clock.now() + within
    for (;;) {
      signal?.throwIfAborted()
      // A sum of floats comes back a hair longer, and a hair more than the longest wait is refused.
      const left = Math.min(within, deadline - this.#port.clock.now())
      if (this.#over) throw new ActorError('ACTOR_SHUT_DOWN', 'the system has shut down')
      if (left < 1) throw new ActorError('ACTOR_ASK_TIMEOUT', `no authority for names answered within ${within} ms`)
      const generation = this.#generation
      const renewed = new AbortController()
      const again = (): void => renewed.abort()
      signal?.addEventListener('abort', again)
      this.#changed.add(again)
      try {
        const answer = await ask({ within: left, signal: renewed.signal })
        if (generation === this.#generation) return settle(answer)
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        if (generation !== this.#generation) continue
        const code = codeOf(error)
        if (this.#over || (code !== 'ACTOR_UNREACHABLE' && code !== 'ACTOR_STOPPED')) throw error
        if (!(await this.#renewal(deadline, renewed.signal))) throw error
      } finally {
        this.#changed.delete(again)
        signal?.removeEventListener('abort', again)
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

  // claims --------------------------------------------------------------------------------------------------------------

  register<M>(name: ActorName<M>, ref: ActorRef<M>, options?: AskOptions): Promise<Claim> {
    const about = { name: name.name, ref: ref as AnyRef }
    const words: Words = {
      key: `name ${ref.address} ${name.name}`,
      name: name.name,
      ref: ref as AnyRef,
      assert: (held, asked) => this.#port.authority().ask({ type: 'claim', ...about, held }, asked),
      release: asked => this.#port.authority().ask({ type: 'release', ...about }, asked)
    }
    return this.#hold(words, options)
  }

  join<M>(
    name: ActorName<M>,
    ref: ActorRef<M>,
    facts: Record<string, unknown> = {},
    options?: AskOptions
  ): Promise<Claim> {
    const group = name.name
    const member: Member = { ref, label: ref.label, reachable: true, facts }
    const words: Words = {
      key: `group ${ref.address} ${group}`,
      name: group,
      ref: ref as AnyRef,
      assert: (_held, asked) => this.#port.authority().ask({ type: 'join', group, member }, asked),
      release: asked => this.#port.authority().ask({ type: 'leave', group, ref: ref as AnyRef }, asked)
    }
    return this.#hold(words, options)
  }

  async #hold(words: Words, options: AskOptions | undefined): Promise<Claim> {
    const patient = { within: patience(options), signal: options?.signal }
    if (this.#intents.size >= MAX_INTENTS) {
      throw new ActorError(
        'ACTOR_NO_ROOM',
        `this system holds ${MAX_INTENTS} claims; release those that are no longer needed`
      )
    }
    const { ref, key } = words
    const lost = new AbortController()
    const watcher = { stopped: () => intent.lose() }
    const intent: Intent = {
      words,
      state: 'asking',
      lose: why => {
        if (intent.state === 'over') return
        intent.state = 'over'
        this.#intents.delete(intent)
        this.#due.delete(intent)
        this.#want(key, -1)
        this.#port.unwatch(ref, watcher)
        lost.abort(why)
      }
    }
    this.#intents.add(intent)
    this.#want(key, 1)
    try {
      await this.#persist(asked => words.assert(false, asked), patient)
    } catch (error) {
      intent.lose()
      // It may have been granted all the same: an answer can come too late.
      void this.#release(words)
      throw error
    }
    intent.state = 'held'
    this.#port.watch(ref, watcher)
    return {
      lost: lost.signal,
      release: async () => {
        if (intent.state !== 'held') return
        intent.lose()
        await this.#released(words)
      }
    }
  }

  #want(key: string, more: 1 | -1): void {
    const wanted = (this.#wanted.get(key) ?? 0) + more
    if (wanted > 0) this.#wanted.set(key, wanted)
    else this.#wanted.delete(key)
  }

  /** Asserts what is due, some at a time. */
  #assertDue(): void {
    for (const intent of this.#due) {
      if (this.#asserting >= AT_ONCE) return
      this.#due.delete(intent)
      this.#asserting += 1
      void this.#assert(intent, this.#generation).finally(() => {
        this.#asserting -= 1
        this.#assertDue()
      })
    }
  }

  async #assert(intent: Intent, generation: number): Promise<void> {
    const renewed = new AbortController()
    const again = (): void => renewed.abort()
    this.#changed.add(again)
    let answer: Answer<true>
    try {
      answer = await intent.words.assert(true, { within: ASSERT_WITHIN, signal: renewed.signal })
    } catch (error) {
      answer = { code: codeOf(error) as `ACTOR_${string}`, message: '' }
    } finally {
      this.#changed.delete(again)
    }
    // The next authority is asked as well, and hears nothing of what was answered before.
    if (generation !== this.#generation || intent.state !== 'held' || 'ok' in answer) return
    switch (answer.code) {
      case 'ACTOR_UNREACHABLE':
      case 'ACTOR_STOPPED':
      case 'ACTOR_SHUT_DOWN':
        return
      case 'ACTOR_NO_ROOM':
      case 'ACTOR_ASK_TIMEOUT':
        this.#port.clock.timer(AGAIN, () => {
          if (generation !== this.#generation || intent.state !== 'held') return
          this.#due.add(intent)
          this.#assertDue()
        })
        return
      default:
        this.#port.logger.warn('a claim was lost', { code: answer.code })
        intent.lose(new ActorError(answer.code, answer.message))
    }
  }

  /** Resolves when the authority has heard it, or after some seconds. */
  async #released(words: Words): Promise<void> {
    let cancel = (): void => {}
    const late = new Promise<void>(resolve => {
      cancel = this.#port.clock.timer(RELEASE_WITHIN, resolve)
    })
    await Promise.race([this.#release(words), late])
    cancel()
  }

  /** Says it until it is heard, unless it is wanted again meanwhile. */
  async #release(words: Words): Promise<void> {
    while (!this.#wanted.has(words.key)) {
      try {
        await this.#persist(
          async asked => (this.#wanted.has(words.key) ? { ok: true as const } : words.release(asked)),
          { within: MAX_DELAY, signal: undefined }
        )
        return
      } catch (error) {
        if (codeOf(error) !== 'ACTOR_NO_ROOM') return
        await new Promise<void>(resolve => void this.#port.clock.timer(AGAIN, resolve))
      }
    }
  }

  // listings ------------------------------------------------------------------------------------------------------------

  members<M>(name: ActorName<M>, changed: (members: Members<M>) => void): Subscription {
    const group = name.name
    const listing = new Listing<M>(changed, this.#port)
    const to = this.#port.spawn(
      receive(undefined, (_state: undefined, message: MembersMessage) => void listing.hear(message))
    )
    const tell = (type: 'subscribe' | 'unsubscribe'): void => {
      if (!this.#mail.send(this.#port.authority(), { type, group, to })) {
        this.#port.logger.error('too many listings wait to be asked for', {})
      }
    }
    const follow = (): void => tell('subscribe')
    this.#listings.set(to, { follow, stale: () => listing.stale() })
    follow()
    return {
      unsubscribe: () => {
        if (!this.#listings.delete(to)) return
        listing.end()
        tell('unsubscribe')
        this.#port.stop(to)
      }
    }
  }
}

function definite({ within, signal }: { within: number; signal: AbortSignal | undefined }): AskOptions {
  return signal === undefined ? { within } : { within, signal }
}

function notFound(name: string, within: number): ActorError {
  const wait = within === 0 ? 'right now' : `within ${within} ms`
  return new ActorError(
    'ACTOR_NOT_FOUND',
    `nobody has the name '${name}' ${wait}, or it is not exposed to this system; spawn or register it under that name, and list it in expose`
  )
}
