// Who is connected with whom in a run of the simulator: a value, drawn from the seed. Ways `below` make a tree of hubs; ways
// beside it join two of its systems directly.

import type { Random } from './random.ts'

export type Shape = 'direct' | 'hub' | 'beside' | 'chain'

/** One link: `from` dials `to`. */
export interface Way {
  readonly from: string
  readonly to: string
  readonly as: 'below' | 'peer'
  /** What the listener takes the dialler for. */
  readonly trust: 'node' | 'guest'
}

export interface Topology {
  readonly shape: Shape
  /** By their places: who dies and comes again as another system has the same one. */
  readonly places: readonly string[]
  readonly ways: readonly Way[]
}

export function drawTopology(random: Random): Topology {
  const shape = random.pick(['direct', 'hub', 'hub', 'beside', 'beside', 'chain', 'chain', 'chain'] as const)
  const below = (from: string, to: string, guests: number): Way => {
    return { from, to, as: 'below', trust: random.chance(guests) ? 'guest' : 'node' }
  }
  switch (shape) {
    case 'direct':
      return { shape, places: ['a', 'b'], ways: [below('a', 'b', 0.5)] }
    case 'hub':
      return { shape, places: ['a', 'b', 'h'], ways: [below('a', 'h', 0.5), below('b', 'h', 0.5)] }
    case 'beside': {
      const direct: Way = { ...below('a', 'b', 0.5), as: 'peer' }
      return { shape, places: ['a', 'b', 'h'], ways: [below('a', 'h', 0.5), below('b', 'h', 0.5), direct] }
    }
    case 'chain': {
      const places = ['a', 'b', 'g', 'h']
      // Most hubs are nodes to each other; a process that a hub takes for a guest may have workers all the same.
      const ways = [below('a', 'g', 0.5), below('h', 'g', 0.25), below('b', 'h', 0.5)]
      for (const [guest, hub] of [
        ['c', 'g'],
        ['d', 'h']
      ] as const) {
        if (!random.chance(0.25)) continue
        places.push(guest)
        ways.push(below(guest, hub, 1))
      }
      return { shape, places, ways }
    }
  }
}

/** Whether others reach each other through it. */
export function isHub({ ways }: Topology, place: string): boolean {
  return ways.filter(({ as, from, to }) => as === 'below' && (from === place || to === place)).length > 1
}

/** The ways of the tree from one system to another, the first one first. */
export function route({ ways }: Topology, from: string, to: string): readonly Way[] {
  const search = (at: string, by: Way | undefined): readonly Way[] | undefined => {
    if (at === to) return []
    for (const way of ways) {
      if (way === by || way.as === 'peer' || (way.from !== at && way.to !== at)) continue
      const rest = search(way.from === at ? way.to : way.from, way)
      if (rest !== undefined) return [way, ...rest]
    }
    return undefined
  }
  return search(from, undefined) ?? []
}

/** Whether two systems have a connection of their own besides the tree. */
export function areBeside({ ways }: Topology, one: string, other: string): boolean {
  return ways.some(
    ({ as, from, to }) => as === 'peer' && ((from === one && to === other) || (from === other && to === one))
  )
}
