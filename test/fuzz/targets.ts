// What is fed: the decoder of guests' messages, the reader of handshakes, and a whole system with a listener for guests, to
// which somebody is attached who may say anything. Each says what is wrong with its answer, if anything is.

import { ActorError, createSystem, setup } from '../../runtime/index.ts'
import { BrokenFrame, ByteReader, Decoder, GUEST_LIMITS } from '../../runtime/peer/codec.ts'
import {
  FrameKind,
  HEAD_BYTES,
  type Head,
  HeadKind,
  OPENING,
  readHead,
  writeHead,
  writeRoute,
  writeSeq
} from '../../runtime/peer/frame.ts'
import { PROTOCOL, readHandshake, writeHandshake } from '../../runtime/peer/handshake.ts'
import { drawIdentity, idBytes } from '../../runtime/peer/identity.ts'
import { Item } from '../../runtime/peer/items.ts'
import type { Connection, ConnectionHello, Listener } from '../../runtime/peer/transport.ts'
import { type Random, seeded } from '../../runtime/testing/random.ts'
import { PaperRef, paperRefs } from '../support/codec.ts'
import { quiet } from '../support/quiet.ts'
import type { Corpus } from './corpus.ts'
import { Mutations } from './mutate.ts'

export interface Target {
  readonly name: string
  /** The next bytes to try. */
  draw(random: Random): Uint8Array
  /** Feeds them; answers with what no reader may do. */
  feed(bytes: Uint8Array): string | undefined
}

/** Longer inputs prove nothing more and cost as much as a hundred short ones. */
const LONGEST = 2_048
/** Messages that one decoder reads: shapes and refs that one defines, the next may use. */
const A_SITTING = 64

export const TARGETS = ['values', 'handshakes', 'system'] as const

export async function targetOf(name: (typeof TARGETS)[number], corpus: Corpus): Promise<Target> {
  return { values, handshakes, system }[name](corpus)
}

function values({ values: from }: Corpus): Target {
  const refs = paperRefs()
  const mutations = new Mutations(from, LONGEST)
  let decoder = new Decoder(refs, GUEST_LIMITS)
  let left = A_SITTING
  return {
    name: 'values',
    draw: random => mutations.next(random),
    feed(bytes) {
      left -= 1
      if (left === 0) {
        decoder = new Decoder(refs, GUEST_LIMITS)
        left = A_SITTING
      }
      try {
        const reader = new ByteReader(bytes)
        const value = decoder.decode(reader)
        if (reader.at > bytes.length) return 'it read behind the end'
        return strange(value, 0)
      } catch (error) {
        if (error instanceof BrokenFrame) left = 1
        return refusal(error)
      }
    }
  }
}

function handshakes({ handshakes: from }: Corpus): Target {
  const mutations = new Mutations(from, 5_000)
  return {
    name: 'handshakes',
    draw: random => mutations.next(random),
    feed(bytes) {
      try {
        const frame = readHandshake(bytes)
        return Object.values(frame).every(value => typeof value !== 'object') ? undefined : 'a field is an object'
      } catch (error) {
        return error instanceof ActorError && error.code === 'ACTOR_REFUSED' ? undefined : `it threw ${String(error)}`
      }
    }
  }
}

/** A listener whose connections are made by hand, so that every frame is answered before the next is drawn. */
class Door implements Listener {
  readonly kind = 'hand'
  #accept: ((connection: Connection, hello: ConnectionHello) => void) | undefined

  async listen(accept: (connection: Connection, hello: ConnectionHello) => void): Promise<{ close(): Promise<void> }> {
    this.#accept = accept
    return { close: async () => {} }
  }

  /** Says things; `closed` once the other side has had enough. */
  connect(heard: (frame: Uint8Array) => void): { say(frame: Uint8Array): void; readonly closed: boolean } {
    let frame = (_data: Uint8Array): void => {}
    let closed = false
    this.#accept?.(
      {
        maxFrame: 65_536,
        buffered: 0,
        send: heard,
        open: on => {
          frame = data => on.frame(data)
        },
        close: () => {
          closed = true
        }
      },
      {}
    )
    return {
      say: data => {
        if (!closed) frame(data)
      },
      get closed() {
        return closed
      }
    }
  }
}

/** Handed a batch of each epoch, an epoch a batch: a broken one spoils nothing for the next. */
async function system({ values, items, frames }: Corpus): Promise<Target> {
  const home = createSystem({ label: 'home', logger: quiet, entropy: seeded(1).bytes })
  const door = new Door()
  const whole = new Mutations(frames, LONGEST)
  const inner = new Mutations(items, LONGEST)
  // Mail for the open actor, whatever it says.
  const mail = new Mutations(
    values.map(value => Uint8Array.of(Item.define, 1, 0x61, Item.send, 1, ...value)),
    LONGEST
  )
  const guest = drawIdentity(seeded(2).bytes)
  const to = idBytes(home.id) as Uint8Array
  const from = idBytes(guest.id) as Uint8Array
  let heard: unknown
  const seen: string[] = []
  const open = home.spawn(
    setup<unknown>(() => ({
      receive: message => {
        heard = strange(message, 0)
      }
    }))
  )
  // The one actor that the guest has a ref of; its id is what the vectors' items call it.
  ;(home as unknown as { export(id: string, ref: unknown): void }).export('counter', open)
  ;(home as unknown as { export(id: string, ref: unknown): void }).export('a', open)
  await home.listen(door, { trust: 'guest' })
  let line: ReturnType<Door['connect']> | undefined
  let epoch = 0
  const head: Head = { kind: 0, flags: 0, epoch: 0, ack: 0, credit: 0, seq: 0 }
  const batches = new WeakSet<Uint8Array>()
  const attached = (): ReturnType<Door['connect']> => {
    if (line !== undefined && !line.closed) return line
    line = door.connect(answer => {
      // A frame of chance may have ended epochs far ahead: the next one is behind all that are over.
      if (answer[0] !== FrameKind.relay || answer.length < HEAD_BYTES) return
      readHead(answer, head)
      if (head.kind === HeadKind.ended) epoch = Math.max(epoch, head.epoch)
    })
    const secret = Buffer.from(guest.secret).toString('base64url')
    line.say(writeHandshake({ kind: 'hello', version: PROTOCOL, id: guest.id, label: 'guest', secret }))
    return line
  }
  return {
    name: 'system',
    draw(random) {
      if (random.chance(0.2)) {
        const frame = whole.next(random)
        // Frames of others than himself are not taken: most are to get further.
        if (frame[0] === FrameKind.relay && frame.length >= HEAD_BYTES && random.chance(0.9))
          writeRoute(frame, to, from)
        return frame
      }
      const body = (random.chance(0.5) ? mail : inner).next(random)
      const frame = new Uint8Array(HEAD_BYTES + body.length)
      frame.set(body, HEAD_BYTES)
      writeRoute(frame, to, from)
      batches.add(frame)
      return frame
    },
    feed(bytes) {
      heard = undefined
      const frame = bytes.slice()
      if (batches.has(bytes)) {
        epoch += 1
        writeHead(frame, HeadKind.batch, OPENING, epoch, 0, 1_000_000)
        writeSeq(frame, 1)
      }
      try {
        attached().say(frame)
      } catch (error) {
        return `it threw ${String(error)}`
      }
      if (typeof heard === 'string') seen.push(heard)
      return seen.pop()
    }
  }
}

/** The one thing that a reader may throw at bad bytes. */
function refusal(error: unknown): string | undefined {
  if (error instanceof BrokenFrame) return undefined
  if (error instanceof ActorError && error.code === 'ACTOR_INVALID') return undefined
  return `it threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}

const PLAIN = new Set<unknown>([null, Object.prototype, Array.prototype, Map.prototype, Set.prototype, Date.prototype])

/** What no message of a guest may hold: functions, symbols, classes, prototypes that were reached through a key. */
function strange(value: unknown, depth: number): string | undefined {
  if (typeof value === 'function' || typeof value === 'symbol') return `it made a ${typeof value}`
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    return undefined
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!PLAIN.has(prototype))
    return value instanceof PaperRef || isRef(value) ? undefined : `it made a ${value.constructor?.name}`
  if (depth > 32) return 'it is nested deeper than the limit'
  if (Object.hasOwn(value, '__proto__')) return 'it has a key __proto__'
  const parts = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Object.values(value)
  for (const part of parts) {
    const fault = strange(part, depth + 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

const isRef = (value: object): boolean => 'address' in value && 'send' in value
