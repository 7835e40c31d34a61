// `npm run vectors`: writes docs/protocol-vectors.json from the lists in tools/vectors/, with the bytes that this implementation
// makes. What the lists give as bytes is taken as it is. Tests read the file in both directions, and see when it is stale.

import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { base64url } from '../runtime/actor/ids.ts'
import { ByteBuffer, Encoder } from '../runtime/peer/codec.ts'
import {
  FrameKind,
  HEAD_BYTES,
  HeadKind,
  MAX_HOPS,
  OPENING,
  RESEND,
  UNHEARD,
  writeHead,
  writeRoute,
  writeSeq
} from '../runtime/peer/frame.ts'
import { idBytes, idOf, proofOf } from '../runtime/peer/identity.ts'
import { Item, STOP_REASONS } from '../runtime/peer/items.ts'
import { root } from './entries.mjs'
import {
  batches,
  chunked,
  counting,
  type FrameFacts,
  heads,
  type ItemFacts,
  nonces,
  type SystemName,
  shared,
  systems
} from './vectors/frames.ts'
import { bare, type Greeting, type HubFrame, handshakes, relaying } from './vectors/links.ts'
import { bytesOf, hexOf, NOTATION, Paper, type Plain, plain } from './vectors/notation.ts'
import { type Sketch, type Step, transcripts } from './vectors/transcripts.ts'
import { decodeOnly, type Epoch, epochs, refused } from './vectors/values.ts'

export const file = `${root}docs/protocol-vectors.json`

const refs = {
  isRef: (value: unknown): boolean => value instanceof Paper,
  addressOf: (ref: unknown): string => (ref as Paper).address,
  refOf: (): never => {
    throw new RangeError('nothing is read here')
  }
}

const secretOf = (name: SystemName): Uint8Array => counting(systems[name], 32)
const idFor = (name: SystemName): string => idOf(secretOf(name))
const roleProof = (role: 'dialer' | 'listener'): string =>
  proofOf(shared, role, [base64url(nonces.dialer), base64url(nonces.listener)], [idFor('ada'), idFor('hub')])

/** The whole file. */
export function vectors(): string {
  return `${pretty({
    protocol: 1,
    about: [
      'Golden bytes of the protocol of whereabouts: docs/protocol.md says how they come about. Made by `npm run vectors`.',
      'hex: two digits a byte; a field `zeros` says that so many zero bytes follow. Objects keep the order of their keys.',
      'values: messages of one epoch, from its beginning. alone: encoded without definitions. choice: a writer may choose',
      'another form; every reader takes these bytes. encodeOnly: the value is written so, and read as what it then is.',
      'decodeOnly: no writer has to make these, every reader takes them. refused: invalid drops the message, broken ends the',
      'epoch; with `guest`, only guests are refused, and of a node it is that value.',
      'batches: items of one epoch, batch by batch. chunks: batches that make these items, or break the epoch.',
      'transcripts: what one end of an association does, step by step; a push is one batch, which counts for one message.'
    ],
    notation: NOTATION,
    systems: Object.fromEntries(
      (Object.keys(systems) as SystemName[]).map(name => [
        name,
        { secret: base64url(secretOf(name)), secretHex: hexOf(secretOf(name)), id: idFor(name), idHex: idHex(name) }
      ])
    ),
    proofs: {
      shared,
      dialer: 'ada',
      listener: 'hub',
      nonces: { dialer: base64url(nonces.dialer), listener: base64url(nonces.listener) },
      listenerProof: roleProof('listener'),
      dialerProof: roleProof('dialer')
    },
    values: epochs.map(epoch => encoded(epoch)),
    decodeOnly: decodeOnly.map(epoch => encoded(epoch)),
    refused: refused.map(({ title, hex, outcome, guest, next }) => ({
      title,
      hex: tidy(hex),
      outcome,
      ...(guest === undefined ? {} : { guest: { value: plain(guest.value) } }),
      ...(next === undefined ? {} : { next: { hex: tidy(next.hex), value: plain(next.value) } })
    })),
    frames: heads.map(({ title, frame }) => ({ title, ...framed(frame) })),
    batches: batches.map(({ batches: parts, ...each }) => ({ ...each, batches: itemized(parts) })),
    chunks: chunked.map(({ title, batches: parts, items, broken }) => ({
      title,
      batches: parts.map(tidy),
      ...(items === undefined ? {} : { items: items.map(described) }),
      ...(broken === undefined ? {} : { broken })
    })),
    links: bare.map(({ title, hex }) => ({ title, hex: tidy(hex) })),
    handshakes: handshakes.map(({ title, listener, steps, close }) => ({
      title,
      listener,
      steps: steps.map(({ says, hears }) => ({ says: greeting(says), hears: hears.map(greeting) })),
      ...(close === undefined ? {} : { close })
    })),
    relaying: relaying.map(({ title, steps }) => ({
      title,
      steps: steps.map(({ from, frame, out }) => ({
        from,
        frame: hubFrame(frame),
        out: out.map(each => ({ to: each.to, frame: hubFrame(each.frame) }))
      }))
    })),
    transcripts: transcripts.map(({ title, over, window, steps }) => ({
      title,
      window,
      downAfter: 30_000,
      ...(over === undefined ? {} : { over }),
      steps: steps.map(stepped)
    }))
  })}\n`
}

const idHex = (name: SystemName): string => hexOf(idBytes(idFor(name)) as Uint8Array)
const tidy = (hex: string): string => hexOf(bytesOf(hex))

function written(write: (into: ByteBuffer) => void): string {
  const into = new ByteBuffer(256)
  write(into)
  return hexOf(into.bytes.subarray(0, into.at))
}

function encoded({ messages, title, ...marks }: Epoch): object {
  const encoder = new Encoder(refs)
  return {
    title,
    ...marks,
    messages: messages.map(({ value, hex }) => ({
      value: plain(value),
      hex:
        hex === undefined
          ? written(into => (marks.alone === true ? encoder.encodeAlone(value, into) : encoder.encode(value, into)))
          : tidy(hex)
    }))
  }
}

// associations ----------------------------------------------------------------------------------------------------------

const FLAGS = { OPENING, RESEND, UNHEARD }

function framed({ to, from, hops = MAX_HOPS, ...sketch }: FrameFacts): object {
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

function stepped({ sends, takes, ends, ...happens }: Step): object {
  return {
    ...('hear' in happens ? { hear: framed({ to: 'ada', from: 'ben', ...happens.hear }) } : happens),
    ...(sends === undefined ? {} : { sends: sends.map(each => framed({ to: 'ben', from: 'ada', ...each })) }),
    ...(takes === undefined ? {} : { takes }),
    ...(ends === undefined ? {} : { ends })
  }
}

// items -----------------------------------------------------------------------------------------------------------------

const described = (item: ItemFacts): Plain => plain(item) as { [key: string]: Plain }

function itemized(all: ReadonlyArray<readonly ItemFacts[]>): object[] {
  const encoder = new Encoder(refs)
  return all.map(items => ({
    items: items.map(described),
    hex: written(into => {
      for (const item of items) writeItem(item, into, encoder)
    })
  }))
}

function writeItem(facts: ItemFacts, into: ByteBuffer, encoder: Encoder): void {
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

// links -----------------------------------------------------------------------------------------------------------------

/** `id:ada` and the like become what they stand for. */
function filled(value: string | number | boolean): string | number | boolean {
  if (typeof value !== 'string') return value
  const [what, of] = value.split(':')
  if (what === 'id' && of !== undefined) return idFor(of as SystemName)
  if (what === 'secret' && of !== undefined) return base64url(secretOf(of as SystemName))
  if (what === 'nonce' && of !== undefined) return base64url(nonces[of as 'dialer'])
  if (what === 'proof' && of !== undefined) return roleProof(of as 'dialer')
  return value
}

function greeting(says: Greeting | { hex: string }): object {
  if ('hex' in says) return { hex: tidy(says.hex) }
  const fields = Object.fromEntries(Object.entries(says.fields).map(([key, value]) => [key, filled(value)]))
  const text = new TextEncoder().encode(JSON.stringify(fields))
  return { frame: says.frame, fields, hex: hexOf(Uint8Array.of(FrameKind[says.frame], ...text)) }
}

function hubFrame(frame: HubFrame): object {
  if ('hex' in frame) return { hex: tidy(frame.hex) }
  if ('relay' in frame) return framed(frame.relay)
  if ('undeliverable' in frame) {
    const { undeliverable, askedBy } = frame
    return { undeliverable, askedBy, hex: `0a${idHex(undeliverable)}${idHex(askedBy)}` }
  }
  const { id, label, trust, there, secret } = frame.peer
  const proof = secret === undefined ? undefined : base64url(secretOf(secret))
  const facts = { id: idFor(id), label, trust, principal: undefined, there, secret: proof }
  const hex = written(into => {
    into.u8(FrameKind.peer)
    new Encoder(refs).encodeAlone(facts, into)
  })
  return { peer: plain(facts), choice: true, hex }
}

/** JSON in which whatever fits is on one line. */
function pretty(value: unknown, indent = ''): string {
  const line = JSON.stringify(value)
  if (indent.length + line.length <= 116 || typeof value !== 'object' || value === null) return line
  const more = `${indent}  `
  const parts = Array.isArray(value)
    ? value.map(each => more + pretty(each, more))
    : Object.entries(value).map(([key, each]) => `${more}${JSON.stringify(key)}: ${pretty(each, more)}`)
  const [left, right] = Array.isArray(value) ? '[]' : '{}'
  return `${left}\n${parts.join(',\n')}\n${indent}${right}`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const text = vectors()
  const before = (() => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return ''
    }
  })()
  if (text !== before) writeFileSync(file, text)
  console.log(text === before ? 'the vectors are as they were' : `written: ${file.slice(root.length)}`)
}
