// Whether a history could have happened one step at a time: Wing and Gong's search, which remembers where it has been. Each
// operation takes effect at one moment between its call and its answer; the histories are of one name, so they are short.

export interface Operation<S> {
  /** When it was called, and when its answer came; `Infinity`: nobody knows whether it ever took effect, or will. */
  readonly from: number
  readonly to: number
  /** It may also never have taken effect. */
  readonly optional: boolean
  readonly text: string
  /** The state after it; `undefined`: from this state it cannot have been. */
  apply(state: S): S | undefined
}

/** `undefined`: it could. Otherwise how far the search came: the operations that no order explains, the first ones first. */
export function unexplained<S>(initial: S, operations: readonly Operation<S>[]): string[] | undefined {
  const all = [...operations].sort((a, b) => a.from - b.from || a.to - b.to)
  const seen = new Set<string>()
  let most: readonly boolean[] = []
  let furthest = -1

  const search = (state: S, before: readonly boolean[], latest: number): boolean => {
    const done = [...before]
    let since = latest
    /** Whatever has not been yet and has been answered comes before what is called later. */
    const bound = (): number => {
      let least = Number.POSITIVE_INFINITY
      for (const [n, each] of all.entries()) if (!done[n] && !each.optional && each.to < least) least = each.to
      return least
    }
    // What changes nothing and may be now, may as well be now, unless that were too late for what may have been before it.
    const chance = Math.min(
      ...all.filter((each, n) => each.optional && !done[n] && each.to >= since).map(({ to }) => to)
    )
    for (let again = true; again; ) {
      again = false
      const least = Math.min(bound(), chance)
      for (const [n, each] of all.entries()) {
        if (done[n] || each.optional || each.from > least || each.apply(state) !== state) continue
        done[n] = true
        since = Math.max(since, each.from)
        again = true
        break
      }
    }
    const count = all.filter((each, n) => !each.optional && done[n]).length
    if (count > furthest) {
      furthest = count
      most = done
    }
    const least = bound()
    if (least === Number.POSITIVE_INFINITY && all.every((each, n) => done[n] || each.optional)) return true
    const key = `${String(state)} ${done.map(Number).join('')}`
    if (seen.has(key)) return false
    seen.add(key)
    for (const [n, each] of all.entries()) {
      if (done[n] || each.from > least || (each.optional && each.to < since)) continue
      const next = each.apply(state)
      if (next === undefined || (each.optional && next === state)) continue
      const after = [...done]
      after[n] = true
      if (search(next, after, Math.max(since, each.from))) return true
    }
    return false
  }

  if (search(initial, [], Number.NEGATIVE_INFINITY)) return undefined
  return all.filter((each, n) => !each.optional && !most[n]).map(({ text }) => text)
}
