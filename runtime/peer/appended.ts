// Lists that thousands of idle peers hold.

/** A push on an empty list makes room for 17, and most of these lists hold one or two. */
const FEW = 8

/**
 * For a list that is empty again and again, and is replaced by an empty one then: one that is only emptied keeps its room, or
 * makes it anew for the next.
 */
export function queued<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item]
  list.push(item)
  return list
}

/** The list with one more; the same one unless it is short. */
export function appended<T>(list: T[], item: T): T[] {
  if (list.length < FEW) return list.concat([item])
  list.push(item)
  return list
}
