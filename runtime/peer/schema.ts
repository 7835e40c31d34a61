// What guests say to an exposed actor passes the schema of its name first; what comes out of the schema is delivered.

import { ActorError } from '../actor/errors.ts'
import type { StandardSchema } from '../actor/names.ts'
import { Ref } from '../actor/ref.ts'

/** A schema did not take a message. */
export class Unfit extends ActorError {
  constructor(message: string, options?: { cause: unknown }) {
    super('ACTOR_INVALID', message, options)
  }
}

/**
 * The message as the schema gives it back, with `replyTo` taken out before (a schema cannot know refs) and put back after.
 * Throws ACTOR_INVALID with the paths at fault and none of the values; also for a schema that answers with a promise,
 * because mail would wait on it out of order.
 */
export function checked(schema: StandardSchema<unknown>, message: unknown): unknown {
  let replyTo: unknown
  let value = message
  if (typeof message === 'object' && message !== null && Object.hasOwn(message, 'replyTo')) {
    const { replyTo: taken, ...rest } = message as { replyTo: unknown }
    if (!(taken instanceof Ref)) throw new Unfit('replyTo is no ref')
    replyTo = taken
    value = rest
  }
  const { paths, value: output } = asked(schema, value)
  if (paths !== undefined) throw new Unfit(`the message does not fit the schema of this name${paths}`)
  if (replyTo === undefined) return output
  if (typeof output !== 'object' || output === null || Array.isArray(output))
    throw new Unfit('a question must be an object')
  return { ...output, replyTo }
}

function asked(schema: StandardSchema<unknown>, message: unknown): { paths: string | undefined; value: unknown } {
  let waits: boolean
  let said: { paths: string | undefined; value: unknown }
  try {
    const result = schema['~standard'].validate(message) as { issues?: unknown; value?: unknown }
    const { issues, value } = result
    said = { paths: issues === undefined ? undefined : pathsOf(issues), value }
    waits = issues === undefined && !('value' in result)
    // Nobody waits for it: what it comes to is nobody's fault here.
    if (waits) Promise.resolve(result).catch(() => {})
  } catch (cause) {
    // What it says is for the dead letter, and not for whoever sent the message.
    throw new Unfit('the schema of this name failed', { cause })
  }
  if (waits) throw new Unfit('the schema of this name answers with a promise; use one that does not wait')
  return said
}

function pathsOf(issues: unknown): string {
  if (!Array.isArray(issues)) return ''
  const paths = issues.slice(0, 5).map(issue => {
    const path: unknown = (issue as { path?: unknown } | null)?.path
    if (!Array.isArray(path) || path.length === 0) return 'message'
    return path
      .map(part =>
        String(typeof part === 'object' && part !== null ? (part as { key: unknown }).key : part).slice(0, 40)
      )
      .join('.')
  })
  return paths.length === 0 ? '' : `: ${paths.join(', ')}`
}
