// Who is connected with whom in a run of the simulator: a value, drawn from the seed. Ways `below` make a tree of hubs; ways
// beside it join two of its systems directly.

import type { Random } from './random.ts'

export type Shape = 'direct' | 'hub' | 'beside' | 'chain' | 'tree'

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
  const shape = random.pick(['direct', 'hub', 'beside', 'beside', 'chain', 'chain', 'tree', 'tree'] as const)
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
    case 'tree':
      return drawTree(random)
  }
}

/** Whether a system is the hub of another, or of one of its hubs, or already beside it. */
function isAbove(ways: readonly Way[], hub: string, place: string): boolean {
  return ways.some(({ from, to, as }) => from === place && (to === hub || (as === 'below' && isAbove(ways, hub, to))))
}

/** Two to seven nodes, of which one to three are hubs, up to twenty guests, and up to three pairs with two paths. */
function drawTree(random: Random): Topology {
  const nodes = Array.from({ length: random.int(2, 7) }, (_, n) => `n${n}`)
  const hubs = nodes.slice(0, random.int(1, Math.min(3, nodes.length - 1)))
  const many = random.next()
  const guests = Array.from(
    { length: many < 0.6 ? random.int(0, 4) : many < 0.9 ? random.int(5, 9) : random.int(10, 20) },
    (_, n) => `u${n}`
  )
  const ways: Way[] = []
  for (const [n, from] of nodes.entries()) {
    if (n === 0) continue
    ways.push({ from, to: random.pick(hubs.slice(0, n)), as: 'below', trust: random.chance(0.85) ? 'node' : 'guest' })
  }
  for (const from of guests) ways.push({ from, to: random.pick(hubs), as: 'below', trust: 'guest' })
  const places = [...nodes, ...guests]
  for (let left = random.int(0, 3); left > 0; left--) {
    const [from, to] = [random.pick(nodes), random.pick(nodes)]
    if (from !== to && !isAbove(ways, from, to) && !isAbove(ways, to, from))
      ways.push({ from, to, as: 'peer', trust: 'node' })
  }
  return { shape: 'tree', places, ways }
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
