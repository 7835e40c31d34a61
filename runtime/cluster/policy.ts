// What guests may do: what their door exposes, and what the program's `authorize` says, which fails closed: only `true` within
// the time is a yes. The hub (relays) and the registry (names and groups) ask here; a no is told to the door.

import type { Clock } from '../actor/clock.ts'
import type { Logger } from '../actor/logger.ts'
import { HANDSHAKE_TIME } from '../peer/handshake.ts'
import type { Attachment } from './attachment.ts'
import type { Doors } from './doors.ts'
import type { PeerFacts } from './peer-facts.ts'

export class Policy {
  readonly #port: PolicyPort
  readonly #doors: Doors

  constructor(port: PolicyPort, doors: Doors) {
    this.#port = port
    this.#doors = doors
  }

  /** Whether a guest may look up, claim or join a name. */
  allows(peer: string, action: 'lookup' | 'register' | 'join', name: string): boolean | Promise<boolean> {
    const { door, way } = this.#doors.before(peer) ?? {}
    // A guest of another hub asks there: what is exposed here is not for it.
    if (door === undefined || way === undefined || way.facts.trust !== 'guest') return false
    const { authorize } = door.options
    // Claims are for those whom a policy grants them; to be in an exposed group, exposing it is grant enough.
    const answer =
      door.exposes(name) &&
      (authorize === undefined
        ? action !== 'register'
        : permitted(this.#port, () => authorize(way.facts.principal, action, name)))
    return noted(answer, () => door.notice(way, this.#port.factsOf(peer), { type: 'denied', action, target: name }))
  }

  /** Who decides whether a guest, and those below it, may send to another system. `undefined`: nobody has a say in it. */
  relays(by: Attachment): ((to: string) => boolean | Promise<boolean>) | undefined {
    const door = this.#doors.of(by.id)
    const authorize = door?.options.authorize
    // Who has no policy leaves it to the addresses: nobody can send to an actor whose ref it was not given.
    if (door === undefined || authorize === undefined) return undefined
    return to =>
      noted(
        permitted(this.#port, () => authorize(by.facts.principal, 'relay', to)),
        () => door.notice(by, by.facts, { type: 'denied', action: 'relay', target: to })
      )
  }
}

export interface PolicyPort {
  readonly clock: Clock
  readonly logger: Logger
  factsOf(id: string): PeerFacts
}

type Asker = Pick<PolicyPort, 'clock' | 'logger'>

export function permitted(port: Asker, ask: () => boolean | Promise<boolean>): boolean | Promise<boolean> {
  let answer: unknown
  try {
    answer = ask()
  } catch (error) {
    return failed(port, error)
  }
  if (typeof answer === 'boolean') return answer
  return new Promise(resolve => {
    const cancel = port.clock.timer(HANDSHAKE_TIME, () => resolve(failed(port, 'no answer in time')))
    Promise.resolve(answer)
      .then(
        yes => resolve(yes === true),
        error => resolve(failed(port, error))
      )
      .finally(cancel)
  })
}

/** Calls `no` when the answer is one, now or later. */
export function noted(answer: boolean | Promise<boolean>, no: () => void): boolean | Promise<boolean> {
  if (answer === false) no()
  else if (answer !== true) void answer.then(yes => yes || no())
  return answer
}

function failed({ logger }: Asker, error: unknown): false {
  logger.warn('authorize failed, which is a no', { error })
  return false
}
