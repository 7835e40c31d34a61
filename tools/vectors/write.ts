// Words to bytes: frames of associations and items, as the lists beside this file give them.

import { base64url } from '../../runtime/actor/ids.ts'
import { ByteBuffer, Encoder } from '../../runtime/peer/codec.ts'
import {
  HEAD_BYTES,
  HeadKind,
  MAX_HOPS,
  OPENING,
  RESEND,
  UNHEARD,
  writeHead,
  writeRoute,
  writeSeq
} from '../../runtime/peer/frame.ts'
import { idBytes, idOf, proofOf } from '../../runtime/peer/identity.ts'
import { Item, STOP_REASONS } from '../../runtime/peer/items.ts'
import { counting, type FrameFacts, type ItemFacts, nonces, type SystemName, shared, systems } from './frames.ts'
import { bytesOf, hexOf, Paper, type Plain, plain } from './notation.ts'
import type { Sketch } from './transcripts.ts'

export const refs = {
  isRef: (value: unknown): boolean => value instanceof Paper,
  addressOf: (ref: unknown): string => (ref as Paper).address,
  refOf: (): never => {
    throw new RangeError('nothing is read here')
  }
}

export const secretOf = (name: SystemName): Uint8Array => counting(systems[name], 32)
export const idFor = (name: SystemName): string => idOf(secretOf(name))
export const roleProof = (role: 'dialer' | 'listener'): string =>
  proofOf(shared, role, [base64url(nonces.dialer), base64url(nonces.listener)], [idFor('ada'), idFor('hub')])

export const idHex = (name: SystemName): string => hexOf(idBytes(idFor(name)) as Uint8Array)
export const tidy = (hex: string): string => hexOf(bytesOf(hex))

export function written(write: (into: ByteBuffer) => void): string {
  const into = new ByteBuffer(256)
  write(into)
  return hexOf(into.bytes.subarray(0, into.at))
}

const FLAGS = { OPENING, RESEND, UNHEARD }

export function framed({ to, from, hops = MAX_HOPS, ...sketch }: FrameFacts) {
  const { kind, flags = [], epoch, ack = 0, credit = 0, seq = 0, items = '' } = sketch
  const { zeros } = sketch as Sketch
  const bytes = bytesOf(items)
  const frame = new Uint8Array(HEAD_BYTES + bytes.length)
  writeRoute(frame, idBytes(idFor(to)) as Uint8Array, idBytes(idFor(from)) as Uint8Array)
  frame[1] = hops
  writeHead(
    frame,
    HeadKind[kind],
    flags.reduce((all, flag) => all | FLAGS[flag], 0),
    epoch,
    ack,
    credit
  )
  writeSeq(frame, seq)
  frame.set(bytes, HEAD_BYTES)
  return {
    to,
    from,
    hops,
    kind,
    flags,
    epoch,
    ack,
    credit,
    seq,
    ...(kind === 'batch' ? { items: hexOf(bytes) } : {}),
    hex: hexOf(frame),
    ...(zeros === undefined ? {} : { zeros })
  }
}

export const described = (item: ItemFacts): Plain => plain(item) as { [key: string]: Plain }

export function itemized(all: ReadonlyArray<readonly ItemFacts[]>): Array<{ items: Plain[]; hex: string }> {
  const encoder = new Encoder(refs)
  return all.map(items => ({
    items: items.map(described),
    hex: written(into => {
      for (const item of items) writeItem(item, into, encoder)
    })
  }))
}

export function writeItem(facts: ItemFacts, into: ByteBuffer, encoder: Encoder): void {
  const target = (to: number | string): void => {
    into.varint(typeof to === 'number' ? to + 1 : 0)
    if (typeof to === 'string') into.utf8(to)
  }
  switch (facts.item) {
    case 'define':
      into.u8(Item.define)
      into.utf8(facts.id)
      return
    case 'send':
      into.u8(Item.send)
      target(facts.to)
      encoder.encode(facts.message, into)
      return
    case 'send to':
      into.u8(Item.sendTo)
      into.utf8(facts.ask)
      encoder.encode(facts.message, into)
      return
    case 'ask':
      into.u8(Item.ask)
      target(facts.to)
      into.utf8(facts.ask)
      encoder.encode(facts.message, into)
      return
    case 'fail':
      into.u8(Item.fail)
      for (const text of [facts.ask, facts.code, facts.text]) into.utf8(text)
      return
    case 'cancel':
      into.u8(Item.cancel)
      into.utf8(facts.ask)
      return
    case 'watch':
    case 'unwatch':
      into.u8(Item[facts.item])
      target(facts.to)
      return
    case 'stopped': {
      into.u8(Item.stopped)
      into.utf8(facts.id)
      into.u8(STOP_REASONS.indexOf(facts.reason.kind))
      const { error } = facts.reason
      if (error !== undefined) for (const text of [error.name, error.message, error.code ?? '']) into.utf8(text)
      return
    }
    case 'pressure':
      into.u8(Item.pressure)
      into.utf8(facts.id)
      into.u8(facts.on ? 1 : 0)
  }
}
