// A supervisor: an ordinary actor that starts children in order and decides what happens when one of them ends. Made with
// the public surface only; whoever needs other rules writes his own beside it.

import {
  ActorError,
  type ActorName,
  type ActorRef,
  type AnyRef,
  type Behavior,
  type Context,
  type Directive,
  type StopReason,
  setup
} from '../runtime/core.ts'
import { type Exit, planFor, type Restart, type Strategy } from './strategy.ts'

declare const made: unique symbol

/** A child to be: made by `child`, given to a supervisor. It holds code, so it cannot leave its system. */
export interface ChildSpec {
  readonly id: string
  readonly [made]: true
}

export interface ChildOptions {
  /**
   * `on-failure` (the default, as for any actor; OTP's 'transient'): restarted when it fails. `always` ('permanent'): also
   * when it is done or was stopped, then as a new actor with a new ref. `never` ('temporary'): forgotten when it ends, and
   * when others are restarted with which it would have to go.
   */
  restart?: Restart
  /** Milliseconds that its stop may take before it is ended without. Default 5000. */
  shutdown?: number
}

export interface SupervisorOptions {
  /** Whom a restart concerns: the child that ended alone (`one-for-one`, the default), all, or it and all younger ones. */
  strategy?: Strategy
  /** Restarts of all children together; one more, and the supervisor fails with that child's error. Default 3 in 5000 ms. */
  limit?: { restarts: number; within: number }
  /** Started in this order, whenever the supervisor starts. */
  children?: readonly ChildSpec[]
}

export type SupervisorMessage =
  /** The children in their order; `ref` is undefined for one that has ended and waits for no restart. */
  | { type: 'children'; replyTo: ActorRef<ReadonlyArray<{ id: string; ref: AnyRef | undefined; restarts: number }>> }
  /** One more, the youngest; it is not there any more after a restart of the supervisor. ACTOR_NAME_TAKEN: the id is in use. */
  | { type: 'add'; child: ChildSpec; replyTo: ActorRef<AnyRef> }
  /** Stops a child and forgets it. Its id is free when it has ended. */
  | { type: 'remove'; id: string }

/** Sent by a timer: a restart is so long ago that it does not count any more. A class, so that nobody else can say so. */
class Forgotten {}

/**
 * What to start as a child: `start` makes its behavior, each time a new actor is made of it. With an ActorName the child is
 * known in its system by that name. Throws ACTOR_BAD_OPTION.
 */
export function child<M>(id: string | ActorName<M>, start: () => Behavior<M>, options: ChildOptions = {}): ChildSpec {
  const { restart = 'on-failure', shutdown = 5000 } = options
  check(
    typeof id === 'string' ? id !== '' : typeof id?.name === 'string',
    'child(id, …)',
    'a name, or one of actorName'
  )
  check(typeof start === 'function', 'child(…, start)', 'a function that makes a behavior')
  check(RESTARTS.includes(restart), 'restart', RESTARTS.join(', '))
  check(shutdown >= 0 && shutdown < 2 ** 31, 'shutdown', 'milliseconds, 0 or more')
  return new Spec(id, start, restart, shutdown)
}

/**
 * An actor that keeps others running. Its children are started in order and stopped in reverse. One that fails is restarted
 * in place: its ref and its waiting mail stay, and whoever watches it hears nothing. Those that restart with it do so as one:
 * they stop one after the other, the youngest first, and when all have, they start, the oldest first. Throws
 * ACTOR_BAD_OPTION, and ACTOR_NAME_TAKEN for two children of one id.
 */
export function supervisor(options: SupervisorOptions): Behavior<SupervisorMessage> {
  const { strategy = 'one-for-one', limit = { restarts: 3, within: 5000 }, children = [] } = options
  check(STRATEGIES.includes(strategy), 'strategy', STRATEGIES.join(', '))
  check(limit.restarts >= 0, 'limit.restarts', 'a number, 0 or more')
  check(limit.within >= 1 && limit.within < 2 ** 31, 'limit.within', 'milliseconds, 1 or more')
  // Here, where the mistake is, and not in the supervisor's first turn.
  const ids = new Set<string>()
  for (const spec of children) {
    if (ids.has(specOf(spec).id)) throw taken(spec.id)
    ids.add(spec.id)
  }
  return setup<SupervisorMessage | Forgotten>(ctx => {
    const family = new Family(ctx, strategy, limit)
    for (const spec of children) family.add(spec)
    return {
      receive: message => family.receive(message),
      failed: ref => family.failed(ref),
      stopped: (ref, reason) => family.stopped(ref, reason)
    }
  })
}

const STRATEGIES: readonly Strategy[] = ['one-for-one', 'one-for-all', 'rest-for-one']
const RESTARTS: readonly Restart[] = ['always', 'on-failure', 'never']

function check(holds: boolean, what: string, mend: string): void {
  if (!holds) throw new ActorError('ACTOR_BAD_OPTION', `supervisor: ${what} must be ${mend}.`)
}

function taken(id: string): ActorError {
  const mend = 'remove it first and wait for its end, or choose another id'
  return new ActorError('ACTOR_NAME_TAKEN', `supervisor: there is a child '${id}' already; ${mend}.`)
}

class Spec<M> implements ChildSpec {
  declare readonly [made]: true
  readonly id: string
  readonly restart: Restart
  readonly #start: () => Behavior<M>
  readonly #name: ActorName<M> | undefined
  readonly #shutdown: number

  constructor(id: string | ActorName<M>, start: () => Behavior<M>, restart: Restart, shutdown: number) {
    this.id = typeof id === 'string' ? id : id.name
    this.restart = restart
    this.#start = start
    this.#name = typeof id === 'string' ? undefined : id
    this.#shutdown = shutdown
  }

  spawn(ctx: Pick<Context<never>, 'spawn'>, before: AnyRef | undefined): AnyRef {
    return ctx.spawn(this.#start(), {
      shutdown: this.#shutdown,
      ...(this.#name !== undefined && { name: this.#name }),
      ...(before !== undefined && { before })
    })
  }
}

function specOf(spec: ChildSpec): Spec<unknown> {
  if (spec instanceof Spec) return spec
  throw new ActorError('ACTOR_BAD_OPTION', 'supervisor: a child is made by child(id, start, options).')
}

interface Member {
  readonly spec: Spec<unknown>
  state: { is: 'running' | 'leaving'; ref: AnyRef } | { is: 'ended' }
  restarts: number
}

/** The children of one life of a supervisor, in the order of their start. */
class Family {
  readonly #ctx: Context<SupervisorMessage | Forgotten>
  readonly #strategy: Strategy
  readonly #limit: { readonly restarts: number; readonly within: number }
  readonly #members: Member[] = []
  /** Restarts that still count, and how many there ever were: each has a timer of its own that makes it forgotten. */
  #recent = 0
  #ever = 0

  constructor(
    ctx: Context<SupervisorMessage | Forgotten>,
    strategy: Strategy,
    limit: { readonly restarts: number; readonly within: number }
  ) {
    this.#ctx = ctx
    this.#strategy = strategy
    this.#limit = limit
  }

  receive(message: SupervisorMessage | Forgotten): void {
    if (message instanceof Forgotten) {
      this.#recent--
      return
    }
    switch (message.type) {
      case 'children':
        message.replyTo.send(
          this.#members.map(({ spec, state, restarts }) => ({ id: spec.id, ref: refOf(state), restarts }))
        )
        break
      case 'add':
        this.#adopt(message.child, message.replyTo)
        break
      case 'remove':
        this.#leave(this.#members.find(({ spec }) => spec.id === message.id))
    }
  }

  /** Throws what `start` throws, and ACTOR_NAME_TAKEN. */
  add(spec: ChildSpec): AnyRef {
    const member: Member = { spec: specOf(spec), state: { is: 'ended' }, restarts: 0 }
    if (this.#members.some(each => each.spec.id === spec.id)) throw taken(spec.id)
    const ref = this.#start(member)
    this.#members.push(member)
    return ref
  }

  /** A child has failed and waits to hear what becomes of it. */
  failed(ref: AnyRef): Directive {
    const member = this.#find(ref)
    if (member?.state.is !== 'running' || member.spec.restart === 'never') return 'stop'
    if (!this.#mayRestart()) return 'escalate'
    this.#carryOut(member, 'failed')
    return 'restart'
  }

  /** A child is gone, and its name is free. */
  stopped(ref: AnyRef, reason: StopReason): void {
    const member = this.#find(ref)
    if (member === undefined) return
    const leaving = member.state.is === 'leaving'
    member.state = { is: 'ended' }
    if (leaving) {
      this.#leave(member)
      return
    }
    const exit = reason.kind === 'failed' || reason.kind === 'killed' ? 'failed' : 'ended'
    const { id, restart } = member.spec
    const again = restart === 'always' || (restart === 'on-failure' && exit === 'failed')
    if (again && !this.#mayRestart()) {
      const { restarts, within } = this.#limit
      throw new ActorError(
        'ACTOR_FAILED',
        `supervisor: child '${id}' has ended (${reason.kind}), and more than ${restarts} restarts in ${within} ms are too many. ` +
          'Let it live longer, or pass a wider { limit }.'
      )
    }
    this.#carryOut(member, exit)
  }

  #adopt(spec: ChildSpec, replyTo: ActorRef<AnyRef>): void {
    try {
      replyTo.send(this.add(spec))
    } catch (error) {
      refuse(replyTo, error)
    }
  }

  #carryOut(ended: Member, exit: Exit): void {
    const members = [...this.#members]
    const kinds = members.map(({ spec, state }) => (state.is === 'leaving' ? 'never' : spec.restart))
    const plan = planFor(this.#strategy, kinds, members.indexOf(ended), exit)
    for (const index of plan.forget) this.#leave(members[index])
    const running: AnyRef[] = []
    for (const index of plan.restart) {
      const member = members[index] as Member
      member.restarts++
      if (member.state.is === 'running') running.push(member.state.ref)
      else this.#start(member)
    }
    const [first, ...others] = running
    if (first !== undefined) this.#ctx.restart(first, ...others)
  }

  /** A child that comes back takes its old place, so that the order of stops stays that of the specs. */
  #start(member: Member): AnyRef {
    const place = this.#members.indexOf(member)
    const younger = place < 0 ? undefined : this.#members.slice(place + 1).find(({ state }) => state.is !== 'ended')
    const ref = member.spec.spawn(this.#ctx, younger && refOf(younger.state))
    this.#ctx.watch(ref)
    member.state = { is: 'running', ref }
    return ref
  }

  /** It goes, and is forgotten when it has. */
  #leave(member: Member | undefined): void {
    if (member?.state.is === 'running') {
      this.#ctx.stop(member.state.ref)
      member.state = { is: 'leaving', ref: member.state.ref }
    } else if (member?.state.is === 'ended') this.#members.splice(this.#members.indexOf(member), 1)
  }

  /** Counts one more restart, unless it would be one too many. */
  #mayRestart(): boolean {
    if (this.#recent >= this.#limit.restarts) return false
    this.#recent++
    this.#ctx.timers.once(`restart ${++this.#ever}`, this.#limit.within, new Forgotten())
    return true
  }

  #find(ref: AnyRef): Member | undefined {
    return this.#members.find(({ state }) => refOf(state) === ref)
  }
}

function refOf(state: Member['state']): AnyRef | undefined {
  return state.is === 'ended' ? undefined : state.ref
}

/** An error as the answer fails the ask. */
function refuse(replyTo: ActorRef<never>, error: unknown): void {
  const refusal =
    error instanceof ActorError
      ? error
      : new ActorError('ACTOR_FAILED', `supervisor: the child could not be started: ${String(error)}`, { cause: error })
  replyTo.send(refusal as never)
}
