// Every error of the runtime has a code that programs read, the facts, and the mend. Sections for all codes: docs/errors.md.

/** The codes. A class does not survive a link, a code does: match `error.code`. */
export type ErrorCode =
  | 'ACTOR_ASK_TIMEOUT'
  | 'ACTOR_STOPPED'
  | 'ACTOR_UNREACHABLE'
  | 'ACTOR_NO_ROOM'
  | 'ACTOR_FAILED'
  | 'ACTOR_INVALID'
  | 'ACTOR_EXPIRED'
  | 'ACTOR_UNSERIALISABLE'
  | 'ACTOR_TOO_LARGE'
  | 'ACTOR_FORBIDDEN'
  | 'ACTOR_NOT_FOUND'
  | 'ACTOR_NAME_TAKEN'
  | 'ACTOR_BAD_OPTION'
  | 'ACTOR_REFUSED'
  | 'ACTOR_VERSION'
  | 'ACTOR_LISTEN_FAILED'
  | 'ACTOR_SHUT_DOWN'

/** An error of the runtime: `code` for programs, `message` (the facts and the mend) for people, `cause` where there is one. */
export class ActorError extends Error {
  override readonly name = 'ActorError'
  readonly code: ErrorCode | (`ACTOR_${string}` & {})

  constructor(code: ErrorCode | (`ACTOR_${string}` & {}), message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The code of anything thrown, if it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : undefined
}

/** What is told of anything thrown: enough for people and programs, nothing that could not cross to another system. */
export function factsOf(error: unknown): { name: string; message: string; code?: string } {
  try {
    if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
    const facts = { name: error.name, message: error.message }
    const code = codeOf(error)
    return code === undefined ? facts : { ...facts, code }
  } catch {
    return { name: 'Error', message: 'something that cannot be shown was thrown' }
  }
}
