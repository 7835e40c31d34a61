// Bytes that are nearly right: most of what breaks a reader is one byte away from what it expects.

import type { Random } from '../../runtime/testing/random.ts'

/** Lengths, tags and counts where readers go wrong. */
const EDGES = [
  0x00, 0x01, 0x0f, 0x1f, 0x3f, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xce, 0xcf, 0xd5, 0xdd, 0xdf, 0xfe, 0xff
] as const
const BOMBS = [
  [0xdd, 0x00, 0xff, 0xff, 0xff],
  [0xdf, 0xff, 0xff, 0xff, 0xff],
  [0xc8, 0xff, 0xff, 0xff, 0x7f],
  [0xc7, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
  [0xce, 0xff, 0xff, 0x03],
  [0xd2, 0xff, 0xff, 0x03],
  [0x81, 0xa9, 0x5f, 0x5f, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x5f, 0x5f]
] as const

/** Makes one input after the other, each of a few changes to one of these, or to two of them put together. */
export class Mutations {
  readonly #corpus: readonly Uint8Array[]
  readonly #bytes: Uint8Array
  #length = 0

  constructor(corpus: readonly Uint8Array[], longest: number) {
    this.#corpus = corpus
    this.#bytes = new Uint8Array(longest)
  }

  next(random: Random): Uint8Array {
    this.#length = 0
    this.#insert(0, random.pick(this.#corpus))
    if (random.chance(0.15)) {
      const other = random.pick(this.#corpus)
      this.#length = random.int(0, this.#length)
      this.#insert(this.#length, other.subarray(random.int(0, other.length)))
    }
    for (let left = random.chance(0.02) ? 0 : random.int(1, random.chance(0.7) ? 2 : 8); left > 0; left--)
      this.#change(random)
    return this.#bytes.slice(0, this.#length)
  }

  #change(random: Random): void {
    const bytes = this.#bytes
    const at = random.int(0, Math.max(0, this.#length - 1))
    if (this.#length === 0) this.#insert(0, [random.int(0, 255)])
    switch (random.int(0, 9)) {
      case 0:
      case 1:
        bytes[at] = (bytes[at] as number) ^ (1 << random.int(0, 7))
        break
      case 2:
        bytes[at] = random.pick(EDGES)
        break
      case 3:
        bytes[at] = random.int(0, 255)
        break
      case 4:
        this.#insert(at, [random.pick(EDGES)])
        break
      case 5:
        this.#remove(at, random.int(1, 8))
        break
      case 6:
        this.#insert(at, bytes.slice(at, Math.min(this.#length, at + random.int(1, 32))))
        break
      case 7:
        if (random.chance(0.5)) this.#length = at
        break
      case 8:
        this.#insert(at, random.pick(BOMBS))
        break
      default: {
        // The same many times over: nesting, counts, and lists of what is small alone.
        if (random.chance(0.8)) break
        const part = bytes.slice(at, Math.min(this.#length, at + random.int(1, 6)))
        const times = random.int(2, 200)
        this.#insert(
          at,
          Uint8Array.from({ length: part.length * times }, (_, index) => part[index % part.length] as number)
        )
      }
    }
  }

  /** What does not fit falls off the end. */
  #insert(at: number, part: ArrayLike<number>): void {
    const bytes = this.#bytes
    const room = bytes.length - at
    const fits = Math.min(part.length, room)
    bytes.copyWithin(at + fits, at, Math.min(this.#length, bytes.length - fits))
    for (let index = 0; index < fits; index++) bytes[at + index] = part[index] as number
    this.#length = Math.min(bytes.length, this.#length + fits)
  }

  #remove(at: number, count: number): void {
    this.#bytes.copyWithin(at, at + count, this.#length)
    this.#length = Math.max(at, this.#length - count)
  }
}
