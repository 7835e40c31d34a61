// The one record of limits. Each figure is what an unwatched program can live with; docs/security.md has the reasons.

import type { Limits } from '../actor/network.ts'

export const GUEST_LIMITS: Limits = {
  messageBytes: 1_048_576,
  messagesPerSecond: 20_000,
  windowBytes: 1_048_576,
  openAsks: 64,
  watches: 256,
  subSystems: 16,
  suspended: 10_000,
  pendingHandshakes: 256,
  depth: 16,
  nodes: 10_000
}

export const NODE_LIMITS: Limits = {
  messageBytes: 16_777_216,
  messagesPerSecond: Number.MAX_SAFE_INTEGER,
  windowBytes: 8_388_608,
  openAsks: 65_536,
  watches: 65_536,
  subSystems: 65_536,
  suspended: 10_000,
  pendingHandshakes: 64,
  depth: 512,
  nodes: 4_194_304
}

/** How long a system that is not heard stays attached, in milliseconds, before it is gone. */
export const DOWN_AFTER = 30_000
