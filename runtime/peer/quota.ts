// How many messages a second are taken of a guest and all that is below it: a bucket that fills up with time. A peer
// (receiver.ts) spends from it and stops reading while it is empty; nothing is dropped.

export class Quota {
  readonly #rate: number
  #left: number
  #since: number

  /** `rate`: messages a second, and as many at once after a rest. */
  constructor(rate: number, now: number) {
    this.#rate = rate
    this.#left = rate
    this.#since = now
  }

  /** One message has been taken. A batch is read to its end, so this may become a debt. */
  spend(): void {
    this.#left -= 1
  }

  /** Milliseconds until the next may be taken; 0: at once. */
  wait(now: number): number {
    this.#left = Math.min(this.#rate, this.#left + ((now - this.#since) * this.#rate) / 1_000)
    this.#since = now
    return this.#left >= 1 ? 0 : Math.ceil(((1 - this.#left) * 1_000) / this.#rate)
  }
}
