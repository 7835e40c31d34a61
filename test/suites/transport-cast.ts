// Who plays in the transport suite: an ear at one end of a connection, the door that a listener opens, and frames to tell apart.

import type { Connection, ConnectionHello, Listener } from '../../runtime/peer/transport.ts'

interface Ending {
  readonly code: number
  readonly reason: string
}

/** One end of a connection with all that it heard. */
export class Ear {
  readonly connection: Connection
  readonly frames: Uint8Array[] = []
  readonly endings: Ending[] = []
  drains = 0
  #waiting: Array<() => void> = []

  constructor(connection: Connection) {
    this.connection = connection
  }

  open(): this {
    this.connection.open({
      frame: data => {
        this.frames.push(new Uint8Array(data))
        this.#heard()
      },
      close: why => {
        this.endings.push(why)
        this.#heard()
      },
      drain: () => {
        this.drains++
        this.#heard()
      }
    })
    return this
  }

  async until(condition: (ear: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  #heard(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }
}

/** A listener that is up, and the connections it was handed. */
export class Door {
  readonly #accepted: Array<{ ear: Ear; hello: ConnectionHello }> = []
  #waiting: (() => void) | undefined
  #bound: { close(): Promise<void>; readonly url?: string } | undefined

  async listen(listener: Listener): Promise<void> {
    this.#bound = await listener.listen((connection, hello) => {
      this.#accepted.push({ ear: new Ear(connection), hello })
      this.#waiting?.()
    })
  }

  get url(): string | undefined {
    return this.#bound?.url
  }

  get accepted(): number {
    return this.#accepted.length
  }

  async next(): Promise<{ ear: Ear; hello: ConnectionHello }> {
    for (;;) {
      const first = this.#accepted.shift()
      if (first !== undefined) return first
      await new Promise<void>(resolve => {
        this.#waiting = resolve
      })
    }
  }

  async close(): Promise<void> {
    await this.#bound?.close()
    this.#bound = undefined
  }
}

/** Bytes that tell where they belong, so that a mixed-up frame is seen. */
export function frameOf(size: number, seed: number): Uint8Array {
  const frame = new Uint8Array(size)
  for (let i = 0; i < size; i++) frame[i] = (i * 31 + seed * 17 + (i >> 8)) & 255
  return frame
}

/** Lets everything that is under way in this process arrive: real pipes answer within two rounds of the event loop. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 20; round++) await new Promise<void>(resolve => setImmediate(resolve))
}
