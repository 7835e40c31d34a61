// Lists that thousands of idle peers hold.

/** A push on an empty list makes room for 17, and most of these lists hold one or two. */
const FEW = 8

/** The list with one more; the same one unless it is short. */
export function appended<T>(list: T[], item: T): T[] {
  if (list.length < FEW) return list.concat([item])
  list.push(item)
  return list
}
