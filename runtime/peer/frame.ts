// The fixed heads of frames. Every frame between associations starts with a route (who to, who from, how many hubs it may
// still cross), which hubs read, and a head (epoch, numbers), which only the two associations read. docs/protocol.md.

/** What a frame on a link is about: the first byte. */
export const FrameKind = {
  hello: 1,
  challenge: 2,
  proof: 3,
  welcome: 4,
  refused: 5,
  ping: 6,
  pong: 7,
  goodbye: 8,
  peer: 9,
  /** From a hub: nobody here knows the system with this id, which that one wrote to: two ids. */
  undeliverable: 10,
  /** From the hub above: there is an authority for names that may know nothing of us. */
  renewed: 11,
  /** From the dialer: another credential; and the answer that it is good. */
  token: 12,
  admitted: 13,
  /** From a hub below, after it has announced all that is below it: what it had announced before, and not again, is gone. */
  announced: 14,
  relay: 16
} as const

/** What a relayed frame is, for the association that receives it. */
export const HeadKind = {
  /** Numbered items. */
  batch: 1,
  /** What was disposed of, and how much may be sent. */
  ack: 2,
  /** An ack that asks for one back: after a path came up, after silence, when credit is missing. */
  sync: 3,
  /** The epoch is over here; nothing of it will be answered. */
  ended: 4,
  /** The other system is ending; nothing follows. */
  goodbye: 5
} as const

/** The sender has not seen an ack in this epoch: this frame may open it. */
export const OPENING = 1
/** The receiver lacks what follows its ack: send again from there. */
export const RESEND = 2

/** Nothing was received in the epoch that is over, so what was sent in it may all be sent again in the next. */
export const UNHEARD = 4

/** Hubs a frame may cross before it is given up: more than any sane chain, few enough to end a loop. */
export const MAX_HOPS = 8

const HOPS = 1
const TO = 2
const FROM = 18
/** Where the association's head starts. */
export const ROUTE_BYTES = 34

const KIND = ROUTE_BYTES
const FLAGS = ROUTE_BYTES + 1
const EPOCH = ROUTE_BYTES + 2
const ACK = ROUTE_BYTES + 6
const CREDIT = ROUTE_BYTES + 12
const SEQ = ROUTE_BYTES + 18
/** Where the items of a batch start. */
export const HEAD_BYTES = ROUTE_BYTES + 24

/** The largest frame on any path: what the smallest transports carry whole. */
export const MAX_FRAME = 61_440
/** The most items, in bytes, that one batch holds. */
export const MAX_BATCH = MAX_FRAME - HEAD_BYTES

export interface Head {
  kind: number
  flags: number
  epoch: number
  /** All batches up to this number have been disposed of. */
  ack: number
  /** Bytes of items that may be sent in this epoch, in all: absolute, so that a lost or repeated grant does no harm. */
  credit: number
  seq: number
}

export function writeRoute(frame: Uint8Array, to: Uint8Array, from: Uint8Array): void {
  frame[0] = FrameKind.relay
  frame[HOPS] = MAX_HOPS
  frame.set(to, TO)
  frame.set(from, FROM)
}

export function isRelay(frame: Uint8Array): boolean {
  return frame.length >= HEAD_BYTES && frame[0] === FrameKind.relay
}

/** Whether a frame is for the system with this id, 16 bytes: without making a text of each frame's. */
export function isTo(frame: Uint8Array, id: Uint8Array): boolean {
  for (let i = 0; i < id.length; i++) if (frame[TO + i] !== id[i]) return false
  return true
}

export const routeTo = (frame: Uint8Array): Uint8Array => frame.subarray(TO, FROM)
export const routeFrom = (frame: Uint8Array): Uint8Array => frame.subarray(FROM, ROUTE_BYTES)

/** Takes one hop off; `false` when none is left. */
export function hop(frame: Uint8Array): boolean {
  const left = frame[HOPS] as number
  if (left === 0 || left > MAX_HOPS) return false
  frame[HOPS] = left - 1
  return true
}

/** Writes everything but the sequence number, which stays with a retained batch while the rest is news at each sending. */
export function writeHead(
  frame: Uint8Array,
  kind: number,
  flags: number,
  epoch: number,
  ack: number,
  credit: number
): void {
  frame[KIND] = kind
  frame[FLAGS] = flags
  write32(frame, EPOCH, epoch)
  write48(frame, ACK, ack)
  write48(frame, CREDIT, credit)
}

export function writeSeq(frame: Uint8Array, seq: number): void {
  write48(frame, SEQ, seq)
}

export function readHead(frame: Uint8Array, into: Head): void {
  into.kind = frame[KIND] as number
  into.flags = frame[FLAGS] as number
  into.epoch = read32(frame, EPOCH)
  into.ack = read48(frame, ACK)
  into.credit = read48(frame, CREDIT)
  into.seq = read48(frame, SEQ)
}

function write32(frame: Uint8Array, at: number, value: number): void {
  frame[at] = value >>> 24
  frame[at + 1] = value >>> 16
  frame[at + 2] = value >>> 8
  frame[at + 3] = value
}

function read32(frame: Uint8Array, at: number): number {
  return (
    (((frame[at] as number) << 24) |
      ((frame[at + 1] as number) << 16) |
      ((frame[at + 2] as number) << 8) |
      (frame[at + 3] as number)) >>>
    0
  )
}

function write48(frame: Uint8Array, at: number, value: number): void {
  write32(frame, at + 2, value >>> 0)
  const high = Math.floor(value / 4_294_967_296)
  frame[at] = high >>> 8
  frame[at + 1] = high
}

function read48(frame: Uint8Array, at: number): number {
  return (((frame[at] as number) << 8) | (frame[at + 1] as number)) * 4_294_967_296 + read32(frame, at + 2)
}
