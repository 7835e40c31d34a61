// Typed names: a value that both sides share and that carries the message type.

import { ActorError } from './errors.ts'

declare const takes: unique symbol

/** A name that both sides share and that carries the message type; with a `schema` the type is inferred and guests' messages are checked. */
export interface ActorName<in out M> {
  readonly name: string
  readonly schema?: StandardSchema<M>
  readonly [takes]: (message: M) => M
}

/** @standard-schema/spec, version 1. */
export interface StandardSchema<Output> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => unknown
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** Longest name, in characters: it travels, and is kept in tables. */
export const MAX_NAME = 128

/** A typed name of 1 to 128 characters. Anything else: ACTOR_BAD_OPTION. */
export function actorName<M>(name: string): ActorName<M>
export function actorName<M>(name: string, options: { schema: StandardSchema<M> }): ActorName<M>
export function actorName(name: string, options?: { schema: StandardSchema<unknown> }): unknown {
  if (typeof name !== 'string' || name.length === 0 || name.length > MAX_NAME) {
    throw new ActorError('ACTOR_BAD_OPTION', `a name has 1 to ${MAX_NAME} characters`)
  }
  return Object.freeze(options === undefined ? { name } : { name, schema: options.schema })
}
