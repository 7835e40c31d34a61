// Whom one guest, and those below it, may send to, as its gateway's `authorize` decided. The hub (hub.ts) asks before it looks
// whether there is such a system: neither an answer nor its time tells a system that is denied from one that is not there.

/** Systems that one guest may send to. */
const MAX_GRANTED = 10_000
/** Denials that are remembered: one that is forgotten is asked again. */
const MAX_DENIED = 256
/** Questions that one guest may have open; frames about others wait for these, sent again by their sender. */
const MAX_UNDECIDED = 256

export class Relays {
  readonly #granted = new Set<string>()
  readonly #denied = new Set<string>()
  readonly #undecided = new Set<string>()

  get size(): number {
    return this.#granted.size + this.#denied.size + this.#undecided.size
  }

  get full(): boolean {
    return this.#granted.size >= MAX_GRANTED
  }

  /** `undefined`: not decided yet. */
  get(to: string): boolean | undefined {
    return this.#granted.has(to) ? true : this.#denied.has(to) ? false : undefined
  }

  /** Asks, unless that was done. `undefined`: not decided yet. */
  decide(to: string, ask: (to: string) => boolean | Promise<boolean>): boolean | undefined {
    const known = this.get(to)
    if (known !== undefined || this.#undecided.has(to) || this.#undecided.size >= MAX_UNDECIDED) return known
    const answer = ask(to)
    if (typeof answer === 'boolean') return this.#decided(to, answer)
    this.#undecided.add(to)
    void answer.then(yes => {
      this.#undecided.delete(to)
      this.#decided(to, yes)
    })
    return undefined
  }

  /** There is no such system, or not any more: it takes no room from those that there are. That it is denied does not end with it. */
  forget(to: string): void {
    this.#granted.delete(to)
  }

  #decided(to: string, yes: boolean): boolean {
    if (yes) {
      // Of those that were open together more may be granted than there is room for.
      if (!this.full) this.#granted.add(to)
      return true
    }
    this.#denied.add(to)
    if (this.#denied.size > MAX_DENIED) {
      for (const oldest of this.#denied) {
        this.#denied.delete(oldest)
        break
      }
    }
    return false
  }
}
