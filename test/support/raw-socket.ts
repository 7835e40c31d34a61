// A TCP caller that says whatever bytes it is given, and WebSocket frames put together by hand. For callers that no library makes.

import { connect } from 'node:net'
import { until } from '../suites/any-ref/cast.ts'

export interface RawSocket {
  /** Everything that came. */
  readonly heard: Buffer
  readonly over: boolean
  write(bytes: string | Uint8Array): void
  /** Says that nothing more comes, and hears on. */
  finish(): void
  /** Breaks off. */
  reset(): void
  /** Reads no more. */
  pause(): void
  resume(): void
  /** Waits for the other side to end it. */
  ended(): Promise<void>
}

export async function rawSocket(port: number): Promise<RawSocket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
  const chunks: Buffer[] = []
  let over = false
  socket.on('data', chunk => chunks.push(chunk))
  socket.on('end', () => socket.end())
  socket.on('close', () => {
    over = true
  })
  await new Promise(resolve => socket.once('connect', resolve))
  return {
    get heard() {
      return Buffer.concat(chunks)
    },
    get over() {
      return over
    },
    write: bytes => void socket.write(bytes),
    finish: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    ended: () => until(() => over, 'the other side ends it', 9_000)
  }
}

/** A request to become a WebSocket, with further header lines, or others in place of its own (`name: undefined`: left out). */
export function upgrade(headers: Record<string, string | undefined> = {}, start = 'GET / HTTP/1.1'): string {
  const all: Record<string, string | undefined> = {
    host: '127.0.0.1',
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
    ...headers
  }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
  return `${[start, ...lines].join('\r\n')}\r\n\r\n`
}

export interface FrameShape {
  /** 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong. */
  opcode?: number
  fin?: boolean
  /** RSV1 to RSV3 as three bits. */
  rsv?: number
  masked?: boolean
  /** What its length says, if not the truth. */
  says?: number | bigint
}

/** A WebSocket frame of a client. Its mask is four zeros, so the payload can be read as it stands. */
export function frameOf(payload: Uint8Array = new Uint8Array(0), shape: FrameShape = {}): Uint8Array {
  const { opcode = 2, fin = true, rsv = 0, masked = true, says = payload.length } = shape
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  const mask = masked ? 0x80 : 0
  const head = Buffer.alloc(10)
  head[0] = first
  let size = 2
  if (says < 126) head[1] = mask | Number(says)
  else if (says <= 0xffff) {
    head[1] = mask | 126
    head.writeUInt16BE(Number(says), 2)
    size = 4
  } else {
    head[1] = mask | 127
    head.writeBigUInt64BE(BigInt(says), 2)
    size = 10
  }
  return Buffer.concat([head.subarray(0, size), masked ? Buffer.alloc(4) : Buffer.alloc(0), payload])
}

/** What the server said, apart: the head of its answer, what is behind it as text or as binary frames, and the code it closed with. */
export function spoken(heard: Buffer): { head: string; body: string; frames: Buffer[]; code: number | undefined } {
  const end = heard.indexOf('\r\n\r\n')
  if (end < 0) return { head: heard.toString('latin1'), body: '', frames: [], code: undefined }
  const said = { head: heard.subarray(0, end).toString('latin1'), body: heard.subarray(end + 4).toString() }
  const frames: Buffer[] = []
  let code: number | undefined
  if (!/^HTTP\/1.1 101 /.test(heard.toString('latin1', 0, 20))) return { ...said, frames, code }
  for (let at = end + 4; at + 2 <= heard.length; ) {
    const opcode = (heard[at] as number) & 0x0f
    let length = (heard[at + 1] as number) & 0x7f
    at += 2
    // The rest of it is still on its way.
    if (at + (length === 126 ? 2 : length === 127 ? 8 : 0) > heard.length) break
    if (length === 126) {
      length = heard.readUInt16BE(at)
      at += 2
    } else if (length === 127) {
      length = Number(heard.readBigUInt64BE(at))
      at += 8
    }
    if (at + length > heard.length) break
    const payload = heard.subarray(at, at + length)
    at += length
    if (opcode === 2) frames.push(payload)
    if (opcode === 8 && payload.length >= 2) code = payload.readUInt16BE(0)
  }
  return { ...said, frames, code }
}
