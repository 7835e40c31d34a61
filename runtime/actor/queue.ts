// Waiting mail behind the first message, which lies in the cell itself: a list of chunks from a pool. Growing copies nothing, and
// an actor that has nothing waiting holds no chunk.

const SLOTS = 64
/** Kept for reuse in one system: some 150 kB. Unbounded, a burst would leave its chunks behind for good. */
const SPARE = 256

class Chunk {
  readonly slots: unknown[] = new Array(SLOTS).fill(undefined)
  next: Chunk | undefined
}

export class ChunkPool {
  #spare: Chunk | undefined
  #spares = 0
  readonly #queues: Queue[] = []

  take(): Chunk {
    const chunk = this.#spare
    if (chunk === undefined) return new Chunk()
    this.#spare = chunk.next
    this.#spares--
    chunk.next = undefined
    return chunk
  }

  /** Only empty chunks. */
  give(chunk: Chunk): void {
    if (this.#spares >= SPARE) return
    this.#spares++
    chunk.next = this.#spare
    this.#spare = chunk
  }

  queue(): Queue {
    return this.#queues.pop() ?? new Queue(this)
  }

  /** Only empty queues. */
  giveQueue(queue: Queue): void {
    if (this.#queues.length < SPARE) this.#queues.push(queue)
  }
}

export class Queue {
  readonly #pool: ChunkPool
  #head: Chunk
  #tail: Chunk
  #from = 0
  #to = 0

  constructor(pool: ChunkPool) {
    this.#pool = pool
    this.#head = this.#tail = pool.take()
  }

  push(mail: unknown): void {
    if (this.#to === SLOTS) {
      const chunk = this.#pool.take()
      this.#tail.next = chunk
      this.#tail = chunk
      this.#to = 0
    }
    this.#tail.slots[this.#to++] = mail
  }

  /** The oldest. The cell knows by its count that there is one. */
  take(): unknown {
    const head = this.#head
    const mail = head.slots[this.#from]
    head.slots[this.#from++] = undefined
    if (head === this.#tail) {
      if (this.#from === this.#to) this.#from = this.#to = 0
    } else if (this.#from === SLOTS) {
      this.#head = head.next as Chunk
      this.#from = 0
      this.#pool.give(head)
    }
    return mail
  }

  /** What `take` would answer. */
  get first(): unknown {
    return this.#head.slots[this.#from]
  }

  /** Whether a test holds for any of it. */
  some(test: (mail: unknown) => boolean): boolean {
    let from = this.#from
    for (let chunk: Chunk | undefined = this.#head; chunk !== undefined; chunk = chunk.next, from = 0) {
      const to = chunk === this.#tail ? this.#to : SLOTS
      for (let i = from; i < to; i++) if (test(chunk.slots[i])) return true
    }
    return false
  }

  /** Everything out, oldest first. */
  drain(): unknown[] {
    const all: unknown[] = []
    while (this.#head !== this.#tail || this.#from !== this.#to) all.push(this.take())
    return all
  }
}
