// What an actor does. Programs make behaviors with `receive` and `setup`; a cell runs them, one life after the other.

import type { Context } from './context.ts'
import { copy } from './copy.ts'
import { ActorError, factsOf } from './errors.ts'
import type { Origin } from './origin.ts'
import type { AnyRef } from './ref.ts'
import type { StopReason } from './watch.ts'

declare const takes: unique symbol

/** What an actor does; made by `receive`, `setup` and what builds on them. One behavior may be spawned any number of times. */
export interface Behavior<in M> {
  readonly [takes]: (message: M) => void
}

/** What happens to a child that failed. */
export type Directive = 'resume' | 'restart' | 'stop' | 'escalate'

export interface Handlers<in M> {
  readonly receive: (message: M, from: Origin) => void | Promise<void>
  /** A watched actor has ended. */
  readonly stopped?: (ref: AnyRef, reason: StopReason) => void | Promise<void>
  /** A child has failed. What it answers happens; without this handler the child's own options decide. */
  readonly failed?: (child: AnyRef, error: unknown, restarts: number) => Directive
  /** About to stop, or to restart. Runs at most once per life; not when killed. */
  readonly stopping?: (reason: StopReason | { kind: 'restart'; error: unknown }) => void | Promise<void>
}

export type Step = (state: unknown, message: unknown, ctx: Context<unknown>, from: Origin) => unknown

/** A state and what each message makes of it. */
export class Receiving {
  readonly step: Step
  readonly #initial: unknown

  constructor(initial: unknown, step: Step) {
    if (typeof step !== 'function') {
      throw new ActorError('ACTOR_BAD_OPTION', 'receive(initial, step): step is no function')
    }
    this.step = step
    this.#initial = initial
    if (typeof initial === 'object') this.#clone()
  }

  /** A start that runs a program's code has a turn of its own; any other waits for the first message. */
  get eager(): boolean {
    return typeof this.#initial === 'function'
  }

  initial(): unknown {
    const initial = this.#initial
    if (typeof initial === 'function') return initial()
    return typeof initial === 'object' ? this.#clone() : initial
  }

  #clone(): unknown {
    try {
      return copy(this.#initial)
    } catch (error) {
      const why = `initial cannot be cloned for each life: pass () => state (${factsOf(error).message})`
      throw new ActorError('ACTOR_BAD_OPTION', why, { cause: error })
    }
  }
}

/** A closure per life. */
export class Setting {
  readonly start: (ctx: Context<unknown>) => unknown

  constructor(start: (ctx: Context<unknown>) => unknown) {
    if (typeof start !== 'function') throw new ActorError('ACTOR_BAD_OPTION', 'setup(start): start is no function')
    this.start = start
  }
}

/**
 * A function of state and message; what it returns, or resolves to, is the next state. An object `initial` is cloned for each
 * life; what cannot be cloned is refused here with ACTOR_BAD_OPTION, and wants a function that makes it.
 */
export function receive<S, M = never>(
  initial: S | (() => S),
  step: (state: S, message: M, ctx: Context<M>, from: Origin) => S | Promise<S>
): Behavior<M> {
  return new Receiving(initial, step as unknown as Step) as unknown as Behavior<M>
}

/** A closure per life of the actor: runs in the actor's own turn, at start and at every restart. */
export function setup<M = never>(start: (ctx: Context<M>) => Handlers<M> | Promise<Handlers<M>>): Behavior<M> {
  return new Setting(start as unknown as (ctx: Context<unknown>) => unknown) as unknown as Behavior<M>
}
