// The events of one gateway on their way to the program's `audit`: after the turn, so that nothing here waits for it or
// is changed by it, and no more of them than somebody who causes them on purpose should make.

import type { Clock } from '../actor/clock.ts'
import type { Logger } from '../actor/logger.ts'
import type { AuditEvent } from '../actor/network.ts'
import type { Notice } from '../peer/notice.ts'
import { Seldom } from '../peer/seldom.ts'
import type { PeerFacts } from './peer-facts.ts'

/** Things that are said of one peer in a second. */
const MOST = 64

/** An event without its time. */
type Untimed<E> = E extends AuditEvent ? Omit<E, 'at'> : never

export class Audit {
  readonly #hook: ((event: AuditEvent) => unknown) | undefined
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #said = new WeakMap<object, Seldom>()

  constructor(hook: ((event: AuditEvent) => unknown) | undefined, clock: Clock, logger: Logger) {
    this.#hook = hook
    this.#clock = clock
    this.#logger = logger
  }

  tell(event: Untimed<AuditEvent>): void {
    const hook = this.#hook
    if (hook === undefined) return
    const timed = { at: this.#clock.wall(), ...event } as AuditEvent
    this.#clock.soon(() => {
      new Promise(resolve => resolve(hook(timed))).catch((error: unknown) =>
        this.#logger.error('audit failed', { error })
      )
    })
  }

  /** What somebody did who came in by `by`, or without a peer what strangers did. */
  notice(by: object, peer: PeerFacts | undefined, notice: Notice): void {
    if (this.#hook === undefined || !this.#isNews(by, Object.values(notice).join('\n'))) return
    this.tell({ ...(peer === undefined ? {} : who(peer)), ...notice } as Untimed<AuditEvent>)
  }

  #isNews(by: object, what: string): boolean {
    let said = this.#said.get(by)
    if (said === undefined) {
      said = new Seldom(MOST)
      this.#said.set(by, said)
    }
    return said.tells(what, this.#clock.now())
  }
}

export function who({ id, label, trust, principal }: PeerFacts): PeerFacts {
  return { id, label, trust, principal }
}
