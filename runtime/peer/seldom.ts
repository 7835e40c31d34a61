// How much is told of what strangers do again and again, so that nobody fills a log or an audit with it. The system hands the
// logger to all that deals with strangers: peers, the hub, gateways, policy. A gateway's audit (audit.ts) counts by itself.

import type { Clock } from '../actor/clock.ts'
import type { Logger } from '../actor/logger.ts'

/** For this long, in milliseconds, the same is told once, and no more than so much in all. */
const WINDOW = 1_000
/** Lines of one text in the log. */
const MOST_LINES = 10

export class Seldom {
  readonly #most: number
  readonly #told = new Set<string>()
  #since = Number.NEGATIVE_INFINITY

  constructor(most: number) {
    this.#most = most
  }

  /** Whether this is to be told. */
  tells(what: string, now: number): boolean {
    if (now - this.#since >= WINDOW) {
      this.#since = now
      this.#told.clear()
    }
    if (this.#told.size >= this.#most || this.#told.has(what)) return false
    this.#told.add(what)
    return true
  }
}

/** Writes down what is to be told, and a second later how many lines of the same text were left out. */
export function seldomLogger(logger: Logger, clock: Clock): Logger {
  const texts = new Map<string, { readonly seldom: Seldom; leftOut: number }>()
  const say = (level: keyof Logger, text: string, facts: object = {}): void => {
    const lines = texts.get(text) ?? { seldom: new Seldom(MOST_LINES), leftOut: 0 }
    texts.set(text, lines)
    if (lines.seldom.tells(Object.values(facts).map(inShort).join('\n'), clock.now())) {
      logger[level](text, facts)
      return
    }
    lines.leftOut += 1
    if (lines.leftOut > 1) return
    clock.timer(WINDOW, () => {
      logger[level](text, { leftOut: lines.leftOut })
      lines.leftOut = 0
    })
  }
  return {
    debug: (text, facts) => say('debug', text, facts),
    info: (text, facts) => say('info', text, facts),
    warn: (text, facts) => say('warn', text, facts),
    error: (text, facts) => say('error', text, facts)
  }
}

/** Enough to tell one line from another. What programs throw may be anything. */
function inShort(fact: unknown): string {
  if (fact instanceof Error) return fact.message
  return typeof fact === 'object' || typeof fact === 'function' ? '' : String(fact)
}
