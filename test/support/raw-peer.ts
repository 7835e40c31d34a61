// A peer made of bytes: it shakes hands as told and sends what no honest system would. For tests of what others then do.

import { ByteBuffer, Encoder } from '../../runtime/peer/codec.ts'
import { FrameKind, HEAD_BYTES, HeadKind, OPENING, writeHead, writeRoute, writeSeq } from '../../runtime/peer/frame.ts'
import {
  type HandshakeFrame,
  type Hello,
  PROTOCOL,
  readHandshake,
  writeHandshake
} from '../../runtime/peer/handshake.ts'
import { drawIdentity, type Identity, idBytes } from '../../runtime/peer/identity.ts'
import type { Transport } from '../../runtime/peer/transport.ts'
import { until } from '../suites/any-ref/cast.ts'
import { paperRefs } from './codec.ts'

export const entropy = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes))
export const identity = (): Identity => drawIdentity(entropy)
export const secretOf = ({ secret }: Identity): string => Buffer.from(secret).toString('base64url')

export interface RawPeer {
  readonly identity: Identity
  /** All that came, but pings. */
  readonly frames: Uint8Array[]
  readonly closed: Array<{ code: number; reason: string }>
  send(frame: Uint8Array): void
  shake(frame: HandshakeFrame): void
  /** The handshake frames that came. */
  answers(): HandshakeFrame[]
  close(): void
}

/** Dials and says nothing yet. */
export async function rawPeer(transport: Transport, who: Identity = identity()): Promise<RawPeer> {
  const connection = await transport.connect(AbortSignal.timeout(5_000))
  const frames: Uint8Array[] = []
  const closed: Array<{ code: number; reason: string }> = []
  connection.open({
    frame(data) {
      if (data[0] === FrameKind.ping) {
        const pong = data.slice()
        pong[0] = FrameKind.pong
        connection.send(pong)
      } else frames.push(data.slice())
    },
    close: why => void closed.push(why)
  })
  return {
    identity: who,
    frames,
    closed,
    send: frame => connection.send(frame),
    shake: frame => connection.send(writeHandshake(frame)),
    answers: () => frames.filter(each => (each[0] as number) <= FrameKind.refused).map(each => readHandshake(each)),
    close: () => connection.close()
  }
}

export const hello = (who: Identity, more: Partial<Hello> = {}): HandshakeFrame => ({
  kind: 'hello',
  version: PROTOCOL,
  id: who.id,
  label: 'raw',
  secret: secretOf(who),
  ...more
})

/** Dials, and is welcome as a guest. */
export async function rawGuest(transport: Transport, more: Partial<Hello> = {}): Promise<RawPeer> {
  const peer = await rawPeer(transport)
  peer.shake(hello(peer.identity, more))
  await until(() => peer.frames.length > 0, 'the listener answers')
  peer.frames.length = 0
  return peer
}

export interface HeadFacts {
  kind?: number
  flags?: number
  epoch?: number
  ack?: number
  credit?: number
  seq?: number
}

/** A frame from one system to another, by their ids. */
export function relayed(from: string, to: string, head: HeadFacts, items: Uint8Array = new Uint8Array(0)): Uint8Array {
  const { kind = HeadKind.batch, flags = OPENING, epoch = 1, ack = 0, credit = 1_000_000, seq = 1 } = head
  const frame = new Uint8Array(HEAD_BYTES + items.length)
  writeRoute(frame, idBytes(to) as Uint8Array, idBytes(from) as Uint8Array)
  writeHead(frame, kind, flags, epoch, ack, credit)
  writeSeq(frame, seq)
  frame.set(items, HEAD_BYTES)
  return frame
}

/** Items of a batch. A message is encoded so that it stands alone. */
export function items(
  write: (into: {
    u8(n: number): void
    varint(n: number): void
    utf8(text: string): void
    message(value: unknown): void
  }) => void
): Uint8Array {
  const buffer = new ByteBuffer(256)
  write({
    u8: n => buffer.u8(n),
    varint: n => buffer.varint(n),
    utf8: text => buffer.utf8(text),
    message: value => new Encoder(paperRefs()).encodeAlone(value, buffer)
  })
  return buffer.bytes.slice(0, buffer.at)
}
