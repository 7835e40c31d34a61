// `npm run vectors`: writes docs/protocol-vectors.json from the lists in tools/vectors/, with the bytes that this implementation
// makes. What the lists give as bytes is taken as it is. Tests read the file in both directions, and see when it is stale.

import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { base64url } from '../runtime/actor/ids.ts'
import { Encoder } from '../runtime/peer/codec.ts'
import { FrameKind } from '../runtime/peer/frame.ts'
import { root } from './entries.mjs'
import { batches, chunked, heads, nonces, type SystemName, shared, systems } from './vectors/frames.ts'
import { bare, type Greeting, type HubFrame, handshakes, relaying } from './vectors/links.ts'
import { hexOf, NOTATION, plain } from './vectors/notation.ts'
import { session } from './vectors/session.ts'
import { type Step, transcripts } from './vectors/transcripts.ts'
import { decodeOnly, type Epoch, epochs, refused } from './vectors/values.ts'
import { described, framed, idFor, idHex, itemized, refs, roleProof, secretOf, tidy, written } from './vectors/write.ts'

export const file = `${root}docs/protocol-vectors.json`

/** The whole file. */
export async function vectors(): Promise<string> {
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
      'session: a guest (ada) at a gateway (hub), frame by frame: says is the guest, hears what the gateway answers.',
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
    })),
    session: await session()
  })}\n`
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

function stepped({ sends, takes, ends, ...happens }: Step): object {
  return {
    ...('hear' in happens ? { hear: framed({ to: 'ada', from: 'ben', ...happens.hear }) } : happens),
    ...(sends === undefined ? {} : { sends: sends.map(each => framed({ to: 'ben', from: 'ada', ...each })) }),
    ...(takes === undefined ? {} : { takes }),
    ...(ends === undefined ? {} : { ends })
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
  const text = await vectors()
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
