// What guests say to an exposed actor passes the schema of its name first; what comes out of the schema is delivered.

import { ActorError } from '../actor/errors.ts'
import type { StandardSchema } from '../actor/names.ts'
import { Ref } from '../actor/ref.ts'

/**
 * The message as the schema gives it back, with `replyTo` taken out before (a schema cannot know refs) and put back after.
 * Throws ACTOR_INVALID with the paths at fault and none of the values; also for a schema that answers with a promise,
 * because mail would wait on it out of order.
 */
export function checked(schema: StandardSchema<unknown>, message: unknown): unknown {
  let replyTo: unknown
  let value = message
  if (typeof message === 'object' && message !== null && 'replyTo' in message) {
    const { replyTo: taken, ...rest } = message as { replyTo: unknown }
    if (!(taken instanceof Ref)) throw new ActorError('ACTOR_INVALID', 'replyTo is no ref')
    replyTo = taken
    value = rest
  }
  const result: unknown = schema['~standard'].validate(value)
  if (typeof result !== 'object' || result === null || result instanceof Promise) {
    throw new ActorError('ACTOR_INVALID', 'the schema of this name answers with a promise; use one that does not wait')
  }
  const { issues, value: output } = result as { issues?: unknown; value?: unknown }
  if (issues !== undefined)
    throw new ActorError('ACTOR_INVALID', `the message does not fit the schema of this name${pathsOf(issues)}`)
  if (replyTo === undefined) return output
  if (typeof output !== 'object' || output === null)
    throw new ActorError('ACTOR_INVALID', 'a question must be an object')
  return { ...output, replyTo }
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
