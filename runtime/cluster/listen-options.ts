// What `listen` may be told, checked before anybody can connect: by the gateway (gateway.ts), which opens nothing otherwise.

import { ActorError } from '../actor/errors.ts'
import type { Limits, ListenOptions } from '../actor/network.ts'
import { INITIAL_CREDIT } from '../peer/epoch.ts'

/** Below these nothing would work: a dialler takes no welcome with less, and a window holds what is sent before the first grant. */
const LEAST: Limits = {
  messageBytes: 1_024,
  messagesPerSecond: 1,
  windowBytes: INITIAL_CREDIT,
  openAsks: 0,
  watches: 0,
  subSystems: 0,
  suspended: 0,
  pendingHandshakes: 1,
  depth: 1,
  nodes: 1
}

/** Throws ACTOR_BAD_OPTION for what would leave a door open, or nobody in. */
export function checkListenOptions(options: ListenOptions): void {
  const { trust, expose = [], downAfter, limits = {} } = options
  if (trust !== 'guest' && typeof trust?.node?.secret !== 'string') {
    throw new ActorError('ACTOR_BAD_OPTION', "listen: trust must be 'guest' or { node: { secret } }")
  }
  if (trust !== 'guest' && trust.node.secret.length < 16) {
    throw new ActorError(
      'ACTOR_BAD_OPTION',
      'listen: the secret of a node listener must have 16 characters or more; draw it at random'
    )
  }
  for (const hook of ['authenticate', 'authorize', 'expires', 'subject', 'audit'] as const) {
    const given: unknown = options[hook]
    if (given !== undefined && typeof given !== 'function') {
      throw new ActorError('ACTOR_BAD_OPTION', `listen: ${hook} is ${typeof given}; give a function`)
    }
    if (given !== undefined && (hook === 'expires' || hook === 'subject') && options.authenticate === undefined) {
      throw new ActorError('ACTOR_BAD_OPTION', `listen: ${hook} is asked of what authenticate answers; give both`)
    }
  }
  for (const each of expose) {
    if (!('unchecked' in each) && each.schema === undefined) {
      throw new ActorError(
        'ACTOR_BAD_OPTION',
        `listen: the exposed name '${each.name}' has no schema, so guests' messages would go unchecked; ` +
          `give actorName a schema, or spell it out: { name, unchecked: true }`
      )
    }
  }
  for (const [name, value] of Object.entries(limits)) {
    const least = LEAST[name as keyof Limits]
    if (least === undefined) {
      throw new ActorError('ACTOR_BAD_OPTION', `listen: there is no limit '${name}'; docs/security.md lists them`)
    }
    if (!(typeof value === 'number' && value >= least && value <= Number.MAX_SAFE_INTEGER)) {
      throw new ActorError('ACTOR_BAD_OPTION', `listen: limits.${name} is ${String(value)}; give ${least} or more`)
    }
  }
  if (downAfter !== undefined && !(downAfter >= 100 && downAfter <= 86_400_000)) {
    throw new ActorError(
      'ACTOR_BAD_OPTION',
      `listen: downAfter is ${String(downAfter)}; give milliseconds from 100 to 86,400,000`
    )
  }
}
