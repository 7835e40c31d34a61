// Looks over MessagePack bytes before msgpackr builds anything from them: the codec hands it the packed part of a message,
// and only what passes goes on to msgpackr. It takes exactly what our own packing makes, so every extension (records,
// pointers, RegExp, ...), declared lengths beyond the bytes, and depth without end stop here.

import { ActorError } from '../actor/errors.ts'
import { isWellFormed } from './byte-buffer.ts'

/** What the bytes of one message may make us build. */
export interface GuardLimits {
  /** Containers inside containers, the message itself counted. */
  readonly depth: number
  /** Values in all. */
  readonly nodes: number
  /** Bytes of one key. */
  readonly keyBytes: number
}

/** For guests: far above what a hand-written message needs, far below what would be felt. */
export const GUEST_LIMITS: GuardLimits = { depth: 16, nodes: 10_000, keyBytes: 128 }

/** What a pass has counted. */
export interface Scanned {
  nodes: number
  /** Keys of all maps: fewer in the built value means that one came twice. */
  keys: number
  /** No key came twice in a map: what was built need not be looked at for that. */
  distinct: boolean
  /** Places of values that MessagePack has no form for; they follow behind the packed part. */
  holes: number
}

/** In larger maps keys are not compared here: that would take time that grows with their square. */
const FEW_KEYS = 16

/** The placeholder for a hole, `undefined` as msgpackr writes it: an extension of one byte, type 0, content 0. */
const HOLE = 0xd4

const REFUSED_KEYS: readonly string[] = ['__proto__', 'constructor', 'prototype']

/** Keys that are never data from a guest; `__proto__` is data from nobody. */
export function isRefusedKey(key: string, guest: boolean): boolean {
  return guest ? REFUSED_KEYS.includes(key) : key === '__proto__'
}

/** Throws ACTOR_INVALID unless all of `bytes` is one value within the limits; `depth` is that of the value itself. */
export function scan(bytes: Uint8Array, limits: GuardLimits, depth: number, guest: boolean): Scanned {
  const scanned: Scanned = { nodes: 0, keys: 0, distinct: true, holes: 0 }
  const deepest = limits.depth - depth + 1
  // The container in hand: how many values it still lacks, whether it is a map (then keys and values take turns), and where
  // the looks of its keys begin. Those around it wait in the arrays, `level` of them.
  let lacking = 1
  let map = false
  let begin = 0
  const open: number[] = []
  const maps: boolean[] = []
  const begins: number[] = []
  let level = 0
  const looks: number[] = []
  let top = 0
  let at = 0
  for (;;) {
    if (lacking === 0) {
      if (level === 0) break
      level--
      top = begin
      lacking = open[level] as number
      map = maps[level] as boolean
      begin = begins[level] as number
      continue
    }
    lacking--
    if (at >= bytes.length) throw invalid('ends early')
    const token = bytes[at++] as number
    if (map && (lacking & 1) === 1) {
      if ((token & 0xe0) !== 0xa0 && (token < 0xd9 || token > 0xdb)) throw invalid('has a key that is no text')
      const head = lengthBytes(token)
      const length = lengthAt(bytes, at, token, head)
      const start = at + head
      checkKey(bytes, start, length, limits, guest)
      at = start + length
      scanned.keys++
      if (!scanned.distinct) continue
      const look = lookOf(bytes, start, at)
      scanned.distinct = top - begin < FEW_KEYS
      for (let index = begin; index < top; index++) if (looks[index] === look) scanned.distinct = false
      looks[top++] = look
      continue
    }
    if (++scanned.nodes > limits.nodes) throw invalid(`holds more than ${limits.nodes} values`)
    if (token < 0x80 || token >= 0xe0 || token === 0xc0 || token === 0xc2 || token === 0xc3) continue
    if ((token & 0xe0) === 0xa0 || (token >= 0xd9 && token <= 0xdb)) {
      const head = lengthBytes(token)
      const length = lengthAt(bytes, at, token, head)
      at += head
      checkText(bytes, at, length)
      at += length
      continue
    }
    const width = widthOf(token)
    if (width > 0) {
      at += width
      continue
    }
    if (token === HOLE) {
      if (bytes[at] !== 0 || bytes[at + 1] !== 0) throw invalid('holds an extension')
      at += 2
      scanned.holes++
      continue
    }
    const opensMap = (token & 0xf0) === 0x80 || token === 0xde || token === 0xdf
    if (!opensMap && (token & 0xf0) !== 0x90 && token !== 0xdc && token !== 0xdd) throw invalid('holds an extension')
    const head = lengthBytes(token)
    const count = lengthAt(bytes, at, token, head)
    at += head
    const values = opensMap ? count * 2 : count
    if (values > bytes.length - at) throw invalid('announces more than it holds')
    if (level >= deepest) throw invalid(`is nested deeper than ${limits.depth}`)
    open[level] = lacking
    maps[level] = map
    begins[level] = begin
    level++
    lacking = values
    map = opensMap
    begin = top
  }
  if (at !== bytes.length) throw invalid(at < bytes.length ? 'goes on behind its end' : 'ends early')
  return scanned
}

/** Equal for equal keys, and mostly another for another. */
function lookOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length === 0) return 0
  const middle = bytes[start + (length >> 1)] as number
  return (length << 24) | ((bytes[start] as number) << 16) | (middle << 8) | (bytes[end - 1] as number)
}

/** Bytes behind the token of a number in the forms msgpackr writes; 0 for every other token. */
function widthOf(token: number): number {
  switch (token) {
    case 0xcc:
    case 0xd0:
      return 1
    case 0xcd:
    case 0xd1:
      return 2
    case 0xce:
    case 0xd2:
      return 4
    case 0xcb:
      return 8
    default:
      return 0
  }
}

/** Bytes of a length behind its token; 0 where the token holds it. */
function lengthBytes(token: number): number {
  if (token < 0xc0) return 0
  switch (token) {
    case 0xd9:
      return 1
    case 0xda:
    case 0xdc:
    case 0xde:
      return 2
    case 0xdb:
    case 0xdd:
    case 0xdf:
      return 4
    default:
      return 0
  }
}

function lengthAt(bytes: Uint8Array, at: number, token: number, width: number): number {
  if (width === 0) return token & (token < 0xa0 ? 0x0f : 0x1f)
  if (at + width > bytes.length) throw invalid('ends early')
  let length = 0
  for (let index = at; index < at + width; index++) length = length * 256 + (bytes[index] as number)
  return length
}

function checkKey(bytes: Uint8Array, start: number, length: number, limits: GuardLimits, guest: boolean): void {
  if (length > limits.keyBytes) throw invalid(`has a key longer than ${limits.keyBytes} bytes`)
  checkText(bytes, start, length)
  if (length === 9 || length === 11) {
    const text = String.fromCharCode(...bytes.subarray(start, start + length))
    if (isRefusedKey(text, guest)) throw invalid(`has the key "${text}"`)
  }
}

/** msgpackr takes ill-formed text silently. */
function checkText(bytes: Uint8Array, start: number, length: number): void {
  if (length > bytes.length - start) throw invalid('announces more than it holds')
  if (!isWellFormed(bytes, start, start + length)) throw invalid('has ill-formed text')
}

/** The text never quotes a value: it may come back to who sent it, or stand in a log. */
export function invalid(what: string, cause?: unknown): ActorError {
  return new ActorError('ACTOR_INVALID', `a received message ${what}`, cause === undefined ? undefined : { cause })
}
