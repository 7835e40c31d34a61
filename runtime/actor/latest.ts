// The mailbox policy `latest`: at most one message of each key waits. A newer one goes to the end, where it belongs in the order,
// and the older one stays behind as an empty place.

import { Envelope } from './envelope.ts'
import type { Origin } from './origin.ts'

/** A message that waits under a key; `mail` is the bare message or its envelope. */
export class Keyed extends Envelope {
  readonly key: string
  readonly mail: unknown
  superseded = false

  constructor(key: string, mail: unknown) {
    super(mail instanceof Envelope ? mail.message : mail, mail instanceof Envelope ? mail.bytes : 0)
    this.key = key
    this.mail = mail
  }

  override get origin(): Origin {
    return (this.mail as Envelope).origin
  }
}

export class Latest {
  readonly #key: (message: never) => string
  readonly #waiting = new Map<string, Keyed>()
  /** Empty places in the mailbox. */
  empty = 0

  constructor(key: (message: never) => string) {
    this.#key = key
  }

  /** May throw: the key is the program's. */
  wrap(mail: unknown): Keyed {
    const message = mail instanceof Envelope ? mail.message : mail
    return new Keyed(String(this.#key(message as never)), mail)
  }

  /** The one that this one replaces. */
  older(keyed: Keyed): Keyed | undefined {
    return this.#waiting.get(keyed.key)
  }

  add(keyed: Keyed): void {
    this.#waiting.set(keyed.key, keyed)
  }

  supersede(older: Keyed): void {
    older.superseded = true
    this.#waiting.delete(older.key)
    this.empty++
  }

  /** Its turn has come. `false`: an empty place. */
  take(keyed: Keyed): boolean {
    if (keyed.superseded) this.empty--
    else this.#waiting.delete(keyed.key)
    return !keyed.superseded
  }
}
