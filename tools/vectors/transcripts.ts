// One end of an association, step by step: what happens to it, and what it then sends, takes and tells. Frames are in words
// here; tools/vectors.ts adds their bytes. Time is that of the end, in milliseconds from 0.

import type { FrameFacts } from './frames.ts'

/** A frame but for its route, which is that of the transcript; `zeros`: so many zero bytes are its items. */
export type Sketch = Omit<FrameFacts, 'to' | 'from'> & { readonly zeros?: number }

export type Happens =
  /** A way to the other system comes up, or is lost. */
  | { readonly path: 'up' | 'down' }
  /** Items to be sent: hex, or so many zero bytes. */
  | { readonly push: string | number }
  | { readonly hear: Sketch }
  /** Time goes on to this point; what is due on the way is done. */
  | { readonly time: number }
  /** Mailboxes have no room, or have it again. */
  | { readonly full: boolean }
  /** Bytes of mail have left their mailboxes. */
  | { readonly handled: number }

export type Step = Happens & {
  readonly sends?: readonly Sketch[]
  /** Batches that reach mailboxes: their items. */
  readonly takes?: ReadonlyArray<string | number>
  /** The epoch ends; so many messages were not acknowledged (each pushed batch counts for one). */
  readonly ends?: { readonly why: 'unreachable' | 'goodbye'; readonly lost: number }
}

export interface Transcript {
  readonly title: string
  /** The highest epoch that was over before, and whether nothing was received in it. */
  readonly over?: { readonly epoch: number; readonly unheard: boolean }
  readonly window: number
  readonly steps: readonly Step[]
}

const W = 1_048_576
const [A, B, C] = ['06017e', '06027e61', '06027e62'] as const
const opening = ['OPENING'] as const

const ack = (more: Partial<Sketch>): Sketch => ({ kind: 'ack', epoch: 1, credit: W, ...more })
const batch = (seq: number, items: string, more: Partial<Sketch> = {}): Sketch => ({
  kind: 'batch',
  epoch: 1,
  credit: W,
  seq,
  items,
  ...more
})
const sync = (more: Partial<Sketch>): Sketch => ({ kind: 'sync', epoch: 1, credit: W, ...more })

/** An epoch that this end has opened with A, and the other has heard of. */
const open: readonly Step[] = [
  { path: 'up' },
  { push: A, sends: [batch(1, A, { flags: opening })] },
  { hear: ack({ ack: 1, seq: 0 }) }
]
/** An epoch that the other end has opened with A. */
const opened: readonly Step[] = [{ path: 'up' }, { hear: batch(1, A, { flags: opening }), takes: [A] }]

export const transcripts: readonly Transcript[] = [
  {
    title: 'opening: every frame says so until something of the epoch is heard',
    window: W,
    steps: [
      { path: 'up' },
      { push: A, sends: [batch(1, A, { flags: opening })] },
      { push: B, sends: [batch(2, B, { flags: opening })] },
      { hear: ack({ ack: 1 }) },
      { push: C, sends: [batch(3, C)] }
    ]
  },
  {
    title: 'opening without a way: a sync goes first when there is one',
    window: W,
    steps: [
      { push: A },
      { path: 'up', sends: [sync({ flags: ['OPENING', 'RESEND'] }), batch(1, A, { flags: opening })] }
    ]
  },
  {
    title: 'opened by the other side: acknowledged after 50 ms',
    window: W,
    steps: [...opened, { time: 49 }, { time: 50, sends: [ack({ ack: 1, seq: 1 })] }]
  },
  {
    title: 'an ack rides on what is sent',
    window: W,
    steps: [...opened, { push: B, sends: [batch(1, B, { ack: 1 })] }, { time: 60 }]
  },
  {
    title: 'a sync opens an epoch too, and is answered',
    window: W,
    steps: [
      { path: 'up' },
      { hear: sync({ flags: ['OPENING', 'RESEND'] }), sends: [ack({ flags: ['RESEND'] })] },
      { hear: batch(1, A, { flags: opening }), takes: [A] }
    ]
  },
  {
    title: 'a repeat is acknowledged again, and goes nowhere',
    window: W,
    steps: [
      ...opened,
      { time: 50, sends: [ack({ ack: 1, seq: 1 })] },
      { hear: batch(1, A) },
      { time: 100, sends: [ack({ ack: 1, seq: 1 })] }
    ]
  },
  {
    title: 'a gap is asked for once',
    window: W,
    steps: [
      ...opened,
      { hear: batch(3, C), sends: [ack({ flags: ['RESEND'], ack: 1, seq: 1 })] },
      { hear: batch(4, A) },
      { hear: batch(2, B), takes: [B] },
      { hear: batch(3, C), takes: [C] },
      { time: 50, sends: [ack({ ack: 3, seq: 3 })] }
    ]
  },
  {
    title: 'what is asked for is sent again, under its number',
    window: W,
    steps: [
      ...open,
      { push: B, sends: [batch(2, B)] },
      { push: C, sends: [batch(3, C)] },
      { hear: ack({ flags: ['RESEND'], ack: 1, seq: 1 }), sends: [batch(2, B), batch(3, C)] }
    ]
  },
  {
    title: 'another path: nothing goes out before the other side has said what it has',
    window: W,
    steps: [
      ...open,
      { push: B, sends: [batch(2, B)] },
      { path: 'down' },
      { push: C },
      { path: 'up', sends: [sync({ flags: ['RESEND'] })] },
      { hear: ack({ flags: ['RESEND'], ack: 1, seq: 1 }), sends: [batch(2, B), batch(3, C)] },
      { hear: ack({ ack: 3 }) }
    ]
  },
  {
    title: 'another path, and nothing was on its way: what waits goes at once',
    window: W,
    steps: [...open, { path: 'down' }, { push: B }, { path: 'up', sends: [sync({ flags: ['RESEND'] }), batch(2, B)] }]
  },
  {
    title: 'no answer: a sync after a second, and again, each time after twice as long from then on',
    window: W,
    steps: [
      ...open,
      { push: B, sends: [batch(2, B)] },
      { time: 999 },
      { time: 1_000, sends: [sync({ flags: ['RESEND'] })] },
      { time: 1_999 },
      { time: 2_000, sends: [sync({ flags: ['RESEND'] })] },
      { time: 3_999 },
      { time: 4_000, sends: [sync({ flags: ['RESEND'] })] },
      { hear: ack({ flags: ['RESEND'], ack: 1, seq: 1 }), sends: [batch(2, B)] }
    ]
  },
  {
    title: 'no room: nothing is acknowledged until there is some',
    window: W,
    steps: [
      ...opened,
      { full: true },
      { hear: batch(2, B) },
      { hear: batch(3, C) },
      { time: 50, sends: [ack({ ack: 1, seq: 3 })] },
      { full: false, takes: [B, C] },
      { time: 100, sends: [ack({ ack: 3, seq: 3 })] }
    ]
  },
  {
    title: 'credit: 262,144 bytes go before the first grant, the rest behind it',
    window: W,
    steps: [
      { path: 'up' },
      ...[1, 2, 3, 4].map(seq => ({
        push: 61_382,
        sends: [{ ...batch(seq, '', { flags: opening }), zeros: 61_382 }]
      })),
      { push: 61_382 },
      { hear: ack({ ack: 4, credit: 306_909 }) },
      { hear: ack({ ack: 4, credit: 306_910 }), sends: [{ ...batch(5, ''), zeros: 61_382 }] },
      { hear: ack({ ack: 4, credit: 1 }) },
      { hear: ack({ ack: 5, credit: W }) },
      { push: A, sends: [batch(6, A)] }
    ]
  },
  {
    title: 'credit: granted anew when a quarter of the window has been given back',
    window: 262_144,
    steps: [
      { path: 'up' },
      { hear: { ...batch(1, '', { flags: opening }), zeros: 61_382 }, takes: [61_382] },
      { hear: { ...batch(2, ''), zeros: 61_382 }, takes: [61_382] },
      { handled: 61_382 },
      { handled: 61_382, sends: [ack({ ack: 2, credit: 262_144 + 122_764, seq: 2 })] }
    ]
  },
  {
    title: 'credit: a batch beyond it is ignored, and taken when it comes again with credit',
    window: 262_144,
    steps: [
      { path: 'up' },
      { hear: { ...batch(1, '', { flags: opening }), zeros: 61_382 }, takes: [61_382] },
      { hear: { ...batch(2, ''), zeros: 61_382 }, takes: [61_382] },
      {
        hear: { ...batch(3, ''), zeros: 61_382 },
        takes: [61_382],
        sends: [ack({ ack: 3, credit: 262_144, seq: 3 })]
      },
      { hear: { ...batch(4, ''), zeros: 61_382 }, takes: [61_382] },
      { hear: { ...batch(5, ''), zeros: 61_382 } },
      { handled: 122_764, sends: [ack({ ack: 4, credit: 262_144 + 122_764, seq: 4 })] },
      { hear: { ...batch(5, ''), zeros: 61_382 }, takes: [61_382] }
    ]
  },
  {
    title: 'an ack goes alone when 131,072 bytes have come',
    window: W,
    steps: [
      { path: 'up' },
      { hear: { ...batch(1, '', { flags: opening }), zeros: 61_382 }, takes: [61_382] },
      { hear: { ...batch(2, ''), zeros: 61_382 }, takes: [61_382] },
      { hear: { ...batch(3, ''), zeros: 61_382 }, takes: [61_382], sends: [ack({ ack: 3, seq: 3 })] }
    ]
  },
  {
    title: 'a frame of an epoch that is over is answered with ended',
    window: W,
    over: { epoch: 4, unheard: false },
    steps: [
      { path: 'up' },
      { hear: batch(9, A, { epoch: 4 }), sends: [{ kind: 'ended', epoch: 4 }] },
      { hear: sync({ epoch: 3 }), sends: [{ kind: 'ended', epoch: 4 }] },
      { hear: { kind: 'ended', epoch: 4 } },
      { hear: { kind: 'goodbye', epoch: 4 } },
      { push: A, sends: [batch(1, A, { epoch: 5, flags: opening })] },
      { hear: batch(9, A, { epoch: 4 }), sends: [{ kind: 'ended', epoch: 4 }] }
    ]
  },
  {
    title: 'ended, of an epoch in which nothing was received, says so',
    window: W,
    over: { epoch: 4, unheard: true },
    steps: [
      { path: 'up' },
      { hear: batch(9, A, { epoch: 4 }), sends: [{ kind: 'ended', epoch: 4, flags: ['UNHEARD'] }] },
      { hear: batch(9, A, { epoch: 3 }), sends: [{ kind: 'ended', epoch: 4 }] },
      { push: A, sends: [batch(1, A, { epoch: 5, flags: ['OPENING', 'UNHEARD'] })] }
    ]
  },
  {
    title: 'a batch of an epoch that was never open here ends it there',
    window: W,
    steps: [
      { path: 'up' },
      { hear: batch(5, A, { epoch: 6 }), sends: [{ kind: 'ended', epoch: 6 }] },
      { push: B, sends: [batch(1, B, { epoch: 7, flags: opening })] }
    ]
  },
  {
    title: 'ended: the epoch is over, and the next has the next number',
    window: W,
    steps: [
      ...open,
      { push: B, sends: [batch(2, B)] },
      { hear: { kind: 'ended', epoch: 1 }, ends: { why: 'unreachable', lost: 1 } },
      { push: C, sends: [batch(1, C, { epoch: 2, flags: ['OPENING', 'UNHEARD'] })] }
    ]
  },
  {
    title: 'goodbye: the epoch is over',
    window: W,
    steps: [
      ...opened,
      { hear: { kind: 'goodbye', epoch: 1, credit: W }, ends: { why: 'goodbye', lost: 0 } },
      { hear: batch(2, B), sends: [{ kind: 'ended', epoch: 1 }] }
    ]
  },
  {
    title: 'goodbye: what it acknowledges is not lost',
    window: W,
    steps: [
      ...open,
      { push: B, sends: [batch(2, B)] },
      { push: C, sends: [batch(3, C)] },
      { hear: { kind: 'goodbye', epoch: 1, ack: 2, credit: W }, ends: { why: 'goodbye', lost: 1 } }
    ]
  },
  {
    title: 'a newer epoch of the other side ends this one',
    window: W,
    steps: [
      ...opened,
      { hear: batch(1, B, { epoch: 5, flags: opening }), ends: { why: 'unreachable', lost: 0 }, takes: [B] },
      { time: 50, sends: [ack({ epoch: 5, ack: 1, seq: 1 })] }
    ]
  },
  {
    title: 'unheard: the other side knows a later number, and nothing is lost',
    window: W,
    steps: [
      { path: 'up' },
      { push: A, sends: [batch(1, A, { flags: opening })] },
      {
        hear: { kind: 'ended', epoch: 3, flags: ['UNHEARD'] },
        sends: [batch(1, A, { epoch: 4, flags: ['OPENING', 'UNHEARD'] })]
      },
      { hear: ack({ epoch: 4, ack: 1 }) }
    ]
  },
  {
    title: 'unheard: two that opened apart from each other meet in the later epoch',
    window: W,
    steps: [
      { path: 'up' },
      { push: A, sends: [batch(1, A, { flags: opening })] },
      {
        hear: batch(1, B, { epoch: 2, flags: ['OPENING', 'UNHEARD'] }),
        takes: [B],
        sends: [batch(1, A, { epoch: 2, flags: ['OPENING', 'UNHEARD'] })]
      },
      { hear: ack({ epoch: 2, ack: 1, seq: 1 }) }
    ]
  },
  {
    title: 'not unheard: what was sent in the epoch before is lost, and that is told',
    window: W,
    steps: [
      { path: 'up' },
      { push: A, sends: [batch(1, A, { flags: opening })] },
      {
        hear: batch(1, B, { epoch: 2, flags: opening }),
        ends: { why: 'unreachable', lost: 1 },
        takes: [B]
      }
    ]
  },
  {
    title: 'an ack beyond what was sent, and an epoch beyond belief, change nothing',
    window: W,
    steps: [
      ...open,
      { push: B, sends: [batch(2, B)] },
      { hear: ack({ ack: 3, seq: 0 }) },
      { hear: batch(1, C, { epoch: 65_538, flags: opening }) },
      { hear: ack({ ack: 2 }) },
      { push: C, sends: [batch(3, C)] }
    ]
  },
  {
    title: 'silence for downAfter ends the epoch, once an answer is due',
    window: W,
    steps: [
      ...open,
      { path: 'down' },
      { push: B },
      { time: 29_999 },
      { time: 30_000, ends: { why: 'unreachable', lost: 1 } }
    ]
  }
]
