// The decision of a supervisor, without its effects: who is concerned when a child has ended, and what becomes of them.

/** Which children are restarted with the one that ended. */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one'
/** After which ends a child is restarted. */
export type Restart = 'always' | 'on-failure' | 'never'
/** How a child ended: it failed or was killed, or it is done or was told to stop. */
export type Exit = 'failed' | 'ended'

/** Children by their place in the order of their start. Those in neither list go on as if nothing had happened. */
export interface Plan {
  /** To be restarted as one, the oldest first: all have stopped before the first starts. */
  readonly restart: readonly number[]
  /** To be stopped, the youngest first, and not known to the supervisor any more. */
  readonly forget: readonly number[]
}

/** What follows from the exit of the child at `ended`. */
export function planFor(strategy: Strategy, children: readonly Restart[], ended: number, exit: Exit): Plan {
  const own = children[ended] ?? 'never'
  if (own === 'never') return { restart: [], forget: [ended] }
  // It is done, and that is no reason to disturb the others. Its place is kept: a restart of all starts it again.
  if (own === 'on-failure' && exit === 'ended') return { restart: [], forget: [] }
  const concerned = [...children.keys()].filter(
    index => index === ended || strategy === 'one-for-all' || (strategy === 'rest-for-one' && index > ended)
  )
  return {
    restart: concerned.filter(index => children[index] !== 'never'),
    forget: concerned.filter(index => children[index] === 'never').reverse()
  }
}
