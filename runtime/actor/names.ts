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

/** What is wrong with a name; `undefined`: nothing. Names are compared code by code, so one form of a text is the only one. */
export function flawOfName(name: unknown): string | undefined {
  if (typeof name === 'string' && name.length > 0 && name.length <= MAX_NAME) {
    if (!/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(name) && name === name.normalize('NFC')) return undefined
  }
  return `a name has 1 to ${MAX_NAME} characters, none of them for control, in Unicode's normal form NFC`
}

/** A message as a schema sees it: a schema cannot know refs, so `replyTo` is taken out before and put back after. */
type Checked<M> = M extends { replyTo: unknown } ? Omit<M, 'replyTo'> : M

/**
 * A typed name of 1 to 128 characters in normal form NFC, none of them for control. With a `schema`, messages are of the type
 * of its output; where they have a `replyTo`, spell the type out and leave `replyTo` to the runtime. Anything else:
 * ACTOR_BAD_OPTION.
 */
export function actorName<M>(name: string): ActorName<M>
export function actorName<M>(
  name: string,
  options: { schema: StandardSchema<M> | StandardSchema<Checked<M>> }
): ActorName<M>
export function actorName(name: string, options?: { schema: StandardSchema<unknown> }): unknown {
  const flaw = flawOfName(name)
  if (flaw !== undefined) throw new ActorError('ACTOR_BAD_OPTION', flaw)
  if (options !== undefined && typeof options?.schema?.['~standard']?.validate !== 'function') {
    throw new ActorError(
      'ACTOR_BAD_OPTION',
      `the schema of '${name}' is no Standard Schema; zod, valibot, arktype and others make them`
    )
  }
  return Object.freeze(options === undefined ? { name } : { name, schema: options.schema })
}
