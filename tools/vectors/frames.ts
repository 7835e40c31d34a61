// Frames of links and of associations, and items, in words; tools/vectors.ts adds their bytes.

import { Paper } from './notation.ts'

/** Bytes that count up from `first`. */
export const counting = (first: number, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, n) => (first + n) & 0xff)

/** Systems of the vectors, by the first byte of their secrets. */
export const systems = { ada: 0x00, ben: 0x40, hub: 0x80, cyd: 0xc0 } as const
export type SystemName = keyof typeof systems

export const shared = 'a secret that two nodes share'
export const nonces = { dialer: counting(0x10, 16), listener: counting(0x30, 16) }

export interface FrameFacts {
  readonly to: SystemName
  readonly from: SystemName
  readonly hops?: number
  readonly kind: 'batch' | 'ack' | 'sync' | 'ended' | 'goodbye'
  readonly flags?: ReadonlyArray<'OPENING' | 'RESEND' | 'UNHEARD'>
  readonly epoch: number
  readonly ack?: number
  readonly credit?: number
  readonly seq?: number
  /** Of a batch, its items. */
  readonly items?: string
}

const between = { to: 'ben', from: 'ada' } as const

export const heads: ReadonlyArray<{ readonly title: string; readonly frame: FrameFacts }> = [
  {
    title: 'the first batch of an epoch',
    frame: {
      ...between,
      kind: 'batch',
      flags: ['OPENING'],
      epoch: 1,
      credit: 262_144,
      seq: 1,
      items: '020003616461 07'
    }
  },
  {
    title: 'a batch of an epoch after one in which nothing was received',
    frame: {
      ...between,
      kind: 'batch',
      flags: ['OPENING', 'UNHEARD'],
      epoch: 2,
      credit: 262_144,
      seq: 1,
      items: '06017e'
    }
  },
  {
    title: 'a batch in the midst of an epoch',
    frame: { ...between, kind: 'batch', epoch: 7, ack: 41, credit: 1_310_720, seq: 300, items: '0a01610106017e' }
  },
  { title: 'an ack', frame: { ...between, kind: 'ack', epoch: 7, ack: 299, credit: 1_310_720, seq: 300 } },
  {
    title: 'an ack that asks for what lacks',
    frame: { ...between, kind: 'ack', flags: ['RESEND'], epoch: 7, ack: 299, credit: 1_310_720, seq: 299 }
  },
  {
    title: 'a sync after a new path came up',
    frame: { ...between, kind: 'sync', flags: ['RESEND'], epoch: 7, ack: 12, credit: 1_048_576, seq: 12 }
  },
  { title: 'a sync after silence', frame: { ...between, kind: 'sync', epoch: 7, ack: 12, credit: 1_048_576, seq: 12 } },
  { title: 'ended', frame: { ...between, kind: 'ended', epoch: 7 } },
  { title: 'ended, and nothing was received', frame: { ...between, kind: 'ended', flags: ['UNHEARD'], epoch: 7 } },
  { title: 'goodbye', frame: { ...between, kind: 'goodbye', epoch: 7, ack: 12, credit: 1_048_576 } },
  {
    title: 'the largest numbers, at the last hop',
    frame: {
      ...between,
      hops: 0,
      kind: 'ack',
      epoch: 2 ** 32 - 1,
      ack: 2 ** 48 - 1,
      credit: 2 ** 48 - 1,
      seq: 2 ** 48 - 1
    }
  }
]

/** A target is a number that was defined, or an actor id. */
export type ItemFacts =
  | { readonly item: 'define'; readonly id: string }
  | { readonly item: 'send'; readonly to: number | string; readonly message: unknown }
  | { readonly item: 'send to'; readonly ask: string; readonly message: unknown }
  | { readonly item: 'ask'; readonly to: number | string; readonly ask: string; readonly message: unknown }
  | { readonly item: 'fail'; readonly ask: string; readonly code: string; readonly text: string }
  | { readonly item: 'cancel'; readonly ask: string }
  | { readonly item: 'watch' | 'unwatch'; readonly to: number | string }
  | { readonly item: 'stopped'; readonly id: string; readonly reason: StopFacts }
  | { readonly item: 'pressure'; readonly id: string; readonly on: boolean }

export interface StopFacts {
  readonly kind: 'done' | 'shutdown' | 'killed' | 'failed' | 'unknown' | 'unreachable'
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string }
}

const failure = { name: 'TypeError', message: 'no such thing' }

/** Batches of one epoch, from its beginning. */
export const batches: ReadonlyArray<{
  readonly title: string
  readonly batches: ReadonlyArray<readonly ItemFacts[]>
  /** A writer may never need it, every reader takes it. */
  readonly decodeOnly?: true
}> = [
  {
    title: 'an actor is defined, and mail goes to its number',
    batches: [
      [
        { item: 'define', id: 'counter' },
        { item: 'send', to: 0, message: { type: 'add', by: 2 } },
        { item: 'send', to: 0, message: { type: 'add', by: 3 } }
      ],
      [{ item: 'send', to: 0, message: { type: 'add', by: 4 } }]
    ]
  },
  {
    title: 'mail to an actor that was not defined, because the numbers are used up',
    decodeOnly: true,
    batches: [[{ item: 'send', to: 'counter', message: 'hello' }]]
  },
  {
    title: 'a question, whose answer is a message to its ask id',
    batches: [
      [
        { item: 'define', id: 'counter' },
        { item: 'ask', to: 0, ask: '~question-1', message: { type: 'read', replyTo: new Paper('') } },
        { item: 'ask', to: 0, ask: '~question-2', message: { type: 'read', replyTo: new Paper('') } }
      ],
      [{ item: 'cancel', ask: '~question-2' }]
    ]
  },
  { title: 'an answer', batches: [[{ item: 'send to', ask: '~question-1', message: 9 }]] },
  {
    title: 'a question that has failed',
    batches: [[{ item: 'fail', ask: '~question-2', code: 'ACTOR_FAILED', text: 'TypeError: no such thing' }]]
  },
  {
    title: 'watching, and no longer',
    batches: [
      [
        { item: 'define', id: 'counter' },
        { item: 'watch', to: 0 },
        { item: 'unwatch', to: 0 }
      ]
    ]
  },
  {
    title: 'ends, for every reason',
    batches: [
      [
        ...(['done', 'shutdown', 'killed', 'unknown', 'unreachable'] as const).map(
          kind => ({ item: 'stopped', id: 'counter', reason: { kind } }) as const
        ),
        { item: 'stopped', id: 'counter', reason: { kind: 'failed', error: failure } },
        { item: 'stopped', id: 'counter', reason: { kind: 'failed', error: { ...failure, code: 'ENOENT' } } }
      ]
    ]
  },
  {
    title: 'a mailbox fills up, and has room again',
    batches: [
      [
        { item: 'pressure', id: 'counter', on: true },
        { item: 'pressure', id: 'counter', on: false }
      ]
    ]
  }
]

/** Batches of one epoch that make one item, or break the epoch. */
export interface Chunked {
  readonly title: string
  readonly batches: readonly string[]
  readonly items?: readonly ItemFacts[]
  readonly broken?: true
}

export const chunked: readonly Chunked[] = [
  {
    title: 'an item in three chunks of stream 5, with another item between',
    // `send` to the actor id "a", the text "hello": 02 00 01 61 85 68656c6c6f, ten bytes.
    batches: ['0b050a 02000161', '0b0506 8568', '06027e78', '0b0504 656c6c6f'],
    items: [
      { item: 'cancel', ask: '~x' },
      { item: 'send', to: 'a', message: 'hello' }
    ]
  },
  { title: 'a chunk in a chunk', batches: ['0b0004 0b010100'], broken: true },
  {
    title: 'a chunk that does not go on where the last one ended',
    batches: ['0b050a 02000161', '0b0505 8568'],
    broken: true
  },
  { title: 'a chunk with more than was to come', batches: ['0b0502 02000161'], broken: true },
  { title: 'three streams at a time', batches: ['0b000a02', '0b010a02', '0b020a02'], broken: true },
  { title: 'an item of an unknown kind', batches: ['0c'], broken: true },
  { title: 'a number that stands for no actor', batches: ['020107'], broken: true },
  { title: 'an answer to what is no ask id', batches: ['03016107'], broken: true },
  { title: 'a question whose ask id is none', batches: ['040001610161 07'], broken: true },
  { title: 'a reason that there is not', batches: ['0901 61 06'], broken: true },
  { title: 'an item that ends early', batches: ['0a0161'], broken: true }
]
