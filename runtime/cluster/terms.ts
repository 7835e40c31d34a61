// What holds between this system and another: limits, windows and patience, by who it is and how it is attached. Decided here
// for the peers (peer.ts), which hear it when they begin and whenever it may have changed.

import { GUEST_LIMITS as GUARD } from '../peer/codec.ts'
import { INITIAL_CREDIT } from '../peer/epoch.ts'
import type { PeerTerms } from '../peer/peer-port.ts'
import type { Attachment, AttachmentFacts } from './attachment.ts'
import { DOWN_AFTER, GUEST_LIMITS, NODE_LIMITS } from './limits.ts'
import type { PeerFacts } from './peer-facts.ts'

/** Bytes that may be on their way to one peer, sent and not acknowledged. */
const OUTBOUND = NODE_LIMITS.windowBytes
const OUTBOUND_TO_GUEST = 4_194_304
const OUTBOUND_BELOW_GUEST = 1_048_576

export function termsOf(
  id: string,
  facts: PeerFacts & Partial<AttachmentFacts>,
  attachment: Attachment | undefined
): PeerTerms {
  const guest = facts.trust === 'guest'
  const way = attachment?.facts
  // What is below a guest has the limits of that one, and of each window only the least.
  const joint = guest && way?.trust === 'guest' ? way.limits : undefined
  const limits = facts.limits ?? joint ?? (guest ? GUEST_LIMITS : NODE_LIMITS)
  const below = joint !== undefined && way?.id !== id
  return {
    label: facts.label,
    trust: facts.trust,
    principal: facts.principal,
    takes: way?.takes ?? NODE_LIMITS.messageBytes,
    gives: limits.messageBytes,
    window: below ? INITIAL_CREDIT : limits.windowBytes,
    outbound: below ? OUTBOUND_BELOW_GUEST : guest ? OUTBOUND_TO_GUEST : OUTBOUND,
    downAfter: way?.downAfter ?? DOWN_AFTER,
    openAsks: limits.openAsks,
    watches: limits.watches,
    guard: guest ? { ...GUARD, depth: limits.depth, nodes: limits.nodes } : undefined,
    messagesPerSecond: limits.messagesPerSecond,
    allowance: joint === undefined ? undefined : attachment?.allowance
  }
}
