// What the fuzzer starts from: every golden vector of the protocol, and some messages as programs send them.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { hex, pair } from '../support/codec.ts'

interface Vectors {
  readonly values: ReadonlyArray<{ readonly messages: ReadonlyArray<{ readonly hex: string }> }>
  readonly decodeOnly: ReadonlyArray<{ readonly messages: ReadonlyArray<{ readonly hex: string }> }>
  readonly refused: ReadonlyArray<{ readonly hex: string }>
  readonly batches: ReadonlyArray<{ readonly batches: ReadonlyArray<{ readonly hex: string }> }>
  readonly chunks: ReadonlyArray<{ readonly batches: readonly string[] }>
  readonly handshakes: ReadonlyArray<{ readonly steps: ReadonlyArray<{ readonly says?: { readonly hex: string } }> }>
  readonly frames: ReadonlyArray<{ readonly hex: string }>
  readonly links: ReadonlyArray<{ readonly hex: string }>
}

export interface Corpus {
  /** Encoded messages. */
  readonly values: readonly Uint8Array[]
  /** The items of batches. */
  readonly items: readonly Uint8Array[]
  /** Handshake frames. */
  readonly handshakes: readonly Uint8Array[]
  /** Other frames of a link, frames between associations among them. */
  readonly frames: readonly Uint8Array[]
}

const MESSAGES: readonly unknown[] = [
  { type: 'add', by: 3 },
  { type: 'said', who: 'ada', text: 'héllo wörld', at: 1_700_000_000_000, tags: ['a', 'b', null, true, -7, 0.5] },
  { type: 'state', rows: Array.from({ length: 20 }, (_, id) => ({ id, name: `row ${id}`, on: id % 2 === 0 })) },
  { type: 'deep', a: { b: { c: { d: [[[['x']]]] } } } },
  { type: 'bytes', data: new Uint8Array(300), more: new Float64Array(4), big: 12_345_678_901_234_567_890n },
  { type: 'kinds', map: new Map([['k', new Set([1, 2])]]), date: new Date(0), error: new Error('no'), u: undefined }
]

export function corpus(): Corpus {
  const file = fileURLToPath(new URL('../../docs/protocol-vectors.json', import.meta.url))
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
  const all = (from: readonly string[]): Uint8Array[] =>
    from.map(hex).filter(bytes => bytes.length > 0 && bytes.length < 4_096)
  const fresh = MESSAGES.map(message => pair().bytesOf(message))
  return {
    values: [
      ...all([...vectors.values, ...vectors.decodeOnly].flatMap(({ messages }) => messages.map(each => each.hex))),
      ...all(vectors.refused.map(each => each.hex)),
      ...fresh
    ],
    items: all([
      ...vectors.batches.flatMap(({ batches }) => batches.map(each => each.hex)),
      ...vectors.chunks.flatMap(({ batches }) => batches)
    ]),
    handshakes: all(
      vectors.handshakes.flatMap(({ steps }) => steps.flatMap(({ says }) => (says === undefined ? [] : [says.hex])))
    ),
    frames: all([...vectors.frames, ...vectors.links].map(each => each.hex))
  }
}
