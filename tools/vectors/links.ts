// Handshakes with a listener, refusals, and what a hub makes of the frames that pass it. tools/vectors.ts adds the bytes.

import { counting, type FrameFacts, nonces, type SystemName } from './frames.ts'

/** A JSON frame: its kind and fields. `id:ada`, `secret:ada` and `proof:dialer` stand for what the systems have. */
export interface Greeting {
  readonly frame: 'hello' | 'challenge' | 'proof' | 'welcome' | 'refused' | 'token' | 'admitted'
  readonly fields: Readonly<Record<string, string | number | boolean>>
}

/** What a dialer says, and what a listener answers; `hex` in place of a frame that is none. */
export interface Handshake {
  readonly title: string
  /**
   * `guest` has no `authenticate`; `node` has the shared secret of the vectors. `tokens` takes guests with the tokens `short`,
   * which is good for a minute, `long`, which has no end, and `other`, which is that of somebody else. `node tokens` wants both.
   */
  readonly listener: 'guest' | 'node' | 'tokens' | 'node tokens'
  readonly steps: ReadonlyArray<{
    readonly says: Greeting | { readonly hex: string }
    readonly hears: readonly Greeting[]
  }>
  /** The close code that ends it. */
  readonly close?: number
}

export const listenerNonce = nonces.listener
const nonce = 'nonce:dialer'
const guestHello = { version: 1, id: 'id:ada', label: 'ada', secret: 'secret:ada' }
const nodeHello = { version: 1, id: 'id:ada', label: 'ada', nonce }
const hello = (fields: Greeting['fields']): Greeting => ({ frame: 'hello', fields })
const challenge: Greeting = {
  frame: 'challenge',
  fields: { id: 'id:hub', nonce: 'nonce:listener', proof: 'proof:listener' }
}
const proof: Greeting = { frame: 'proof', fields: { proof: 'proof:dialer', secret: 'secret:ada' } }
const proofWith = (token: string): Greeting => ({ frame: 'proof', fields: { ...proof.fields, token } })
const welcome = (trust: 'guest' | 'node', messageBytes: number, windowBytes: number, more: object = {}): Greeting => ({
  frame: 'welcome',
  fields: { version: 1, id: 'id:hub', label: 'hub', trust, downAfter: 30_000, messageBytes, windowBytes, ...more }
})
const token = (text: string): Greeting => ({ frame: 'token', fields: { token: text } })
const refused = (code: string, message: string, close: number): Greeting => ({
  frame: 'refused',
  fields: { code, message, version: 1, close }
})
const notAllowed = refused('ACTOR_FORBIDDEN', 'not allowed here', 4403)
const noGreeting = refused('ACTOR_REFUSED', 'the first frame is no greeting of this protocol', 4400)

export const handshakes: readonly Handshake[] = [
  {
    title: 'a guest comes in',
    listener: 'guest',
    steps: [{ says: hello(guestHello), hears: [welcome('guest', 1_048_576, 1_048_576)] }]
  },
  {
    title: 'fields that are not listed are ignored',
    listener: 'guest',
    steps: [{ says: hello({ ...guestHello, later: true }), hears: [welcome('guest', 1_048_576, 1_048_576)] }]
  },
  {
    title: 'a node comes in',
    listener: 'node',
    steps: [
      { says: hello(nodeHello), hears: [challenge] },
      { says: proof, hears: [welcome('node', 16_777_216, 8_388_608)] }
    ]
  },
  {
    title: 'a guest shows a token, and another before that one ends',
    listener: 'tokens',
    steps: [
      {
        says: hello({ ...guestHello, token: 'short' }),
        hears: [welcome('guest', 1_048_576, 1_048_576, { expiresIn: 60_000 })]
      },
      { says: token('short'), hears: [{ frame: 'admitted', fields: { expiresIn: 60_000 } }] },
      { says: token('long'), hears: [{ frame: 'admitted', fields: {} }] }
    ]
  },
  {
    title: 'a node shows its token to who has proved to be the listener, and another later',
    listener: 'node tokens',
    steps: [
      { says: hello(nodeHello), hears: [challenge] },
      { says: proofWith('short'), hears: [welcome('node', 16_777_216, 8_388_608, { expiresIn: 60_000 })] },
      { says: token('long'), hears: [{ frame: 'admitted', fields: {} }] }
    ]
  },
  {
    title: 'a token that a node shows too soon is not read',
    listener: 'node tokens',
    steps: [
      { says: hello({ ...nodeHello, token: 'long' }), hears: [challenge] },
      { says: proof, hears: [refused('ACTOR_FORBIDDEN', 'not authenticated', 4401)] }
    ],
    close: 4401
  },
  {
    title: 'a guest without a token',
    listener: 'tokens',
    steps: [{ says: hello(guestHello), hears: [refused('ACTOR_FORBIDDEN', 'not authenticated', 4401)] }],
    close: 4401
  },
  {
    title: 'a token that is not taken, later',
    listener: 'tokens',
    steps: [
      { says: hello({ ...guestHello, token: 'long' }), hears: [welcome('guest', 1_048_576, 1_048_576)] },
      { says: token('none'), hears: [] }
    ],
    close: 4401
  },
  {
    title: 'the token of somebody else, later',
    listener: 'tokens',
    steps: [
      { says: hello({ ...guestHello, token: 'long' }), hears: [welcome('guest', 1_048_576, 1_048_576)] },
      { says: token('other'), hears: [] }
    ],
    close: 4403
  },
  {
    title: 'a token that is none',
    listener: 'tokens',
    steps: [
      { says: hello({ ...guestHello, token: 'long' }), hears: [welcome('guest', 1_048_576, 1_048_576)] },
      { says: { hex: '0c 7b7d' }, hears: [] }
    ],
    close: 4400
  },
  {
    title: 'a greeting out of turn',
    listener: 'guest',
    steps: [
      { says: hello(guestHello), hears: [welcome('guest', 1_048_576, 1_048_576)] },
      { says: hello(guestHello), hears: [] }
    ],
    close: 4400
  },
  {
    title: 'another version',
    listener: 'guest',
    steps: [
      {
        says: hello({ ...guestHello, version: 2 }),
        hears: [refused('ACTOR_VERSION', 'this listener speaks version 1', 4426)]
      }
    ],
    close: 4426
  },
  {
    title: 'a secret that is not that of the id',
    listener: 'guest',
    steps: [
      {
        says: hello({ ...guestHello, secret: 'secret:ben' }),
        hears: [notAllowed]
      }
    ],
    close: 4403
  },
  {
    title: 'a guest without its secret',
    listener: 'guest',
    steps: [
      {
        says: hello(nodeHello),
        hears: [notAllowed]
      }
    ],
    close: 4403
  },
  {
    title: 'a guest where nodes are wanted',
    listener: 'node',
    steps: [
      {
        says: hello(guestHello),
        hears: [notAllowed]
      }
    ],
    close: 4403
  },
  {
    title: 'a wrong proof',
    listener: 'node',
    steps: [
      { says: hello(nodeHello), hears: [challenge] },
      {
        says: { frame: 'proof', fields: { proof: 'proof:listener', secret: 'secret:ada' } },
        hears: [notAllowed]
      }
    ],
    close: 4403
  },
  {
    title: 'what is no id',
    listener: 'guest',
    steps: [
      {
        says: hello({ ...guestHello, id: 'ada' }),
        hears: [refused('ACTOR_REFUSED', 'that id cannot be attached here', 4403)]
      }
    ],
    close: 4403
  },
  {
    title: 'a proof before a hello',
    listener: 'node',
    steps: [{ says: proof, hears: [refused('ACTOR_REFUSED', 'that frame is out of turn', 4400)] }],
    close: 4400
  },
  {
    title: 'no frame of a handshake',
    listener: 'guest',
    steps: [{ says: { hex: '10' }, hears: [noGreeting] }],
    close: 4400
  },
  { title: 'no JSON', listener: 'guest', steps: [{ says: { hex: '01 7b' }, hears: [noGreeting] }], close: 4400 },
  {
    title: 'a field of another type',
    listener: 'guest',
    steps: [{ says: hello({ ...guestHello, version: '1' }), hears: [noGreeting] }],
    close: 4400
  },
  {
    title: 'a handshake frame of 4097 bytes',
    listener: 'guest',
    steps: [{ says: { hex: `01${'20'.repeat(4_096)}` }, hears: [noGreeting] }],
    close: 4400
  }
]

/** Facts of a system, as `peer` frames hold them; `principal` may be any value. */
export interface PeerFacts {
  readonly id: SystemName
  readonly label: string
  readonly trust: 'node' | 'guest'
  readonly there: boolean
  /** With its own secret, or with that of another. */
  readonly secret?: SystemName
}

export type HubFrame =
  | { readonly relay: FrameFacts; readonly cut?: number }
  | { readonly peer: PeerFacts }
  | { readonly undeliverable: SystemName; readonly askedBy: SystemName }
  | { readonly hex: string }

/** A hub without a hub above, on a listener for guests: ada and ben are attached; cyd is not. */
export interface Relaying {
  readonly title: string
  readonly steps: ReadonlyArray<{
    readonly from: 'ada' | 'ben'
    readonly frame: HubFrame
    /** What those who are attached get, and who. */
    readonly out: ReadonlyArray<{ readonly to: 'ada' | 'ben'; readonly frame: HubFrame }>
  }>
}

const mail = (to: SystemName, from: SystemName, hops?: number): HubFrame => ({
  relay: {
    to,
    from,
    ...(hops === undefined ? {} : { hops }),
    kind: 'batch',
    flags: ['OPENING'],
    epoch: 1,
    credit: 262_144,
    seq: 1,
    items: '06017e'
  }
})
const adaIs: HubFrame = { peer: { id: 'ada', label: 'ada', trust: 'guest', there: true } }
const cydIs: HubFrame = { peer: { id: 'cyd', label: 'cyd', trust: 'guest', there: true } }
const below = (secret: SystemName): HubFrame => ({
  peer: { id: 'cyd', label: 'cyd', trust: 'node', there: true, secret }
})

export const relaying: readonly Relaying[] = [
  {
    title: 'who sends is told once, then frames go on with a hop less',
    steps: [
      {
        from: 'ada',
        frame: mail('ben', 'ada'),
        out: [
          { to: 'ben', frame: adaIs },
          { to: 'ben', frame: mail('ben', 'ada', 7) }
        ]
      },
      { from: 'ada', frame: mail('ben', 'ada'), out: [{ to: 'ben', frame: mail('ben', 'ada', 7) }] }
    ]
  },
  {
    title: 'the last hop, and none left',
    steps: [
      {
        from: 'ada',
        frame: mail('ben', 'ada', 1),
        out: [
          { to: 'ben', frame: adaIs },
          { to: 'ben', frame: mail('ben', 'ada', 0) }
        ]
      },
      {
        from: 'ada',
        frame: mail('ben', 'ada', 0),
        out: [{ to: 'ada', frame: { undeliverable: 'ben', askedBy: 'ada' } }]
      },
      {
        from: 'ada',
        frame: mail('ben', 'ada', 9),
        out: [{ to: 'ada', frame: { undeliverable: 'ben', askedBy: 'ada' } }]
      }
    ]
  },
  {
    title: 'a system that is not known is undeliverable',
    steps: [
      {
        from: 'ada',
        frame: mail('cyd', 'ada'),
        out: [{ to: 'ada', frame: { undeliverable: 'cyd', askedBy: 'ada' } }]
      }
    ]
  },
  {
    title: 'nobody sends in the name of another',
    steps: [
      { from: 'ada', frame: mail('ada', 'ben'), out: [] },
      { from: 'ada', frame: mail('ben', 'cyd'), out: [] },
      { from: 'ada', frame: mail('ben', 'hub'), out: [] }
    ]
  },
  {
    title: 'what is announced with its secret is there, as a guest',
    steps: [
      { from: 'ada', frame: below('cyd'), out: [] },
      {
        from: 'ada',
        frame: mail('ben', 'cyd'),
        out: [
          { to: 'ben', frame: cydIs },
          { to: 'ben', frame: mail('ben', 'cyd', 7) }
        ]
      },
      {
        from: 'ben',
        frame: mail('cyd', 'ben'),
        out: [
          { to: 'ada', frame: { peer: { id: 'ben', label: 'ben', trust: 'guest', there: true } } },
          { to: 'ada', frame: mail('cyd', 'ben', 7) }
        ]
      },
      {
        from: 'ada',
        frame: { undeliverable: 'cyd', askedBy: 'ben' },
        out: [{ to: 'ben', frame: { undeliverable: 'cyd', askedBy: 'ben' } }]
      }
    ]
  },
  {
    title: 'who announced a system last has it, and only that one takes it back',
    steps: [
      { from: 'ada', frame: below('cyd'), out: [] },
      { from: 'ben', frame: below('cyd'), out: [] },
      { from: 'ada', frame: { peer: { id: 'cyd', label: 'cyd', trust: 'node', there: false } }, out: [] },
      {
        from: 'ada',
        frame: mail('cyd', 'ada'),
        out: [
          { to: 'ben', frame: adaIs },
          { to: 'ben', frame: mail('cyd', 'ada', 7) }
        ]
      }
    ]
  },
  {
    title: 'what is announced with another secret is not there',
    steps: [
      { from: 'ada', frame: below('ben'), out: [] },
      { from: 'ada', frame: mail('ben', 'cyd'), out: [] }
    ]
  },
  {
    title: 'unknown kinds, and frames that are too short, are ignored',
    steps: [
      { from: 'ada', frame: { hex: '20 0102' }, out: [] },
      { from: 'ada', frame: { hex: `10 08 ${'00'.repeat(55)}` }, out: [] },
      { from: 'ada', frame: { hex: '0a 00' }, out: [] },
      { from: 'ada', frame: { hex: '09 d6' }, out: [] },
      {
        from: 'ada',
        frame: mail('ben', 'ada'),
        out: [
          { to: 'ben', frame: adaIs },
          { to: 'ben', frame: mail('ben', 'ada', 7) }
        ]
      }
    ]
  }
]

/** Frames of links that hold no JSON. */
export const bare: ReadonlyArray<{ readonly title: string; readonly hex: string }> = [
  { title: 'ping', hex: '06 40f86a0000000000' },
  { title: 'pong', hex: '07 40f86a0000000000' },
  { title: 'goodbye', hex: '08' },
  { title: 'goodbye of a gateway that closes: come back within 1000 ms', hex: '08 000003e8' },
  { title: 'renewed', hex: '0b' },
  { title: 'announced', hex: '0e' }
]

export const secretOf = (first: number): Uint8Array => counting(first, 32)
