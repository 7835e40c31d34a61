// The events of one gateway on their way to the program's `audit`: after the turn, so that nothing here waits for it or
// is changed by it, and no more of them than somebody who causes them on purpose should make.

import type { Clock } from '../actor/clock.ts'
import type { Logger } from '../actor/logger.ts'
import type { AuditEvent } from '../actor/network.ts'
import type { Notice } from '../peer/notice.ts'
import type { PeerFacts } from './peer-facts.ts'

/** For this long, in milliseconds, the same is said once of the same peer, and so many things of one peer. */
const WINDOW = 1_000
const MOST = 64

/** An event without its time. */
type Untimed<E> = E extends AuditEvent ? Omit<E, 'at'> : never

interface Said {
  since: number
  readonly keys: Set<string>
}

export class Audit {
  readonly #hook: ((event: AuditEvent) => unknown) | undefined
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #said = new WeakMap<object, Said>()

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

  #isNews(by: object, key: string): boolean {
    const now = this.#clock.now()
    let said = this.#said.get(by)
    if (said === undefined) {
      said = { since: now, keys: new Set() }
      this.#said.set(by, said)
    } else if (now - said.since >= WINDOW) {
      said.since = now
      said.keys.clear()
    }
    if (said.keys.has(key) || said.keys.size >= MOST) return false
    said.keys.add(key)
    return true
  }
}

export function who({ id, label, trust, principal }: PeerFacts): PeerFacts {
  return { id, label, trust, principal }
}
