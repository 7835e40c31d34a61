// Which programs answer which question, and what is wanted of ours against which peer.
// A goal is [at least, aim] for a ratio ours / peer, or [at most, aim] where less is better.

import { fileURLToPath } from 'node:url'

/** What Erlang's programs are compiled into. */
export const beams = fileURLToPath(new URL('node_modules/.cache/erlang', import.meta.url))

const js = (file, ...flags) => ({
  on: 'node',
  command: (node, peer, name) => [node, ...flags, fileURLToPath(new URL(file, import.meta.url)), peer, name]
})
/** One scheduler is what compares with one thread of JavaScript. */
const erlang = schedulers => ({
  on: 'erlang',
  command: (_node, peer, name, quick) => [
    ...['erl', '+S', `${schedulers}:${schedulers}`, '+P', '1000000', '-noshell', '-pa', beams],
    ...['-run', 'local', 'main', name, peer, ...(quick ? ['quick'] : [])]
  ]
})
const actors = (file, ...flags) => ({
  ours: js(file, ...flags),
  floorMailbox: js(file, ...flags),
  xstate: js(file, ...flags),
  nact: js(file, ...flags),
  effect: js(file, ...flags),
  'erlang, 1 scheduler': erlang(1),
  'erlang, 2 schedulers': erlang(2)
})

/** What is compared: a figure of one of our cases against a figure of a peer's. */
const rate = (name, peer, atLeast, aim, more = {}) => ({ name, peer, figure: 'rate', atLeast, aim, ...more })
const ceiling = (name, peer, figure, atMost, aim, more = {}) => ({ name, peer, figure, atMost, aim, ...more })

const tight = ['ping-pong', 'thread ring']
const crowded = ['big', 'chameneos']
const deep = ['counting', 'fork-join']
const guarded = ['small, shaped', 'nested, 1 KiB', 'rows, 64 KiB', 'binary, 64 KiB']

export const questions = [
  {
    title: 'Messages inside one system',
    file: 'local.mjs',
    cases: [...tight, ...crowded, ...deep],
    programs: actors('local.mjs'),
    also: ['ours', 'floorMailbox', 'xstate'],
    goals: [
      ...tight.flatMap(name => [
        rate(name, 'erlang, 1 scheduler', 8, 12),
        rate(name, 'xstate', 6, 9),
        rate(name, 'floorMailbox', 0.65, 0.85)
      ]),
      ...crowded.flatMap(name => [
        rate(name, 'erlang, 1 scheduler', 3.5, 5),
        rate(name, 'xstate', 4, 6),
        rate(name, 'floorMailbox', 0.55, 0.8)
      ]),
      ...deep.map(name => rate(name, 'erlang, 1 scheduler', 1.4, 2))
    ],
    notes:
      '`floorMailbox` is no product but about the least code that schedules fairly. Producers of ours heed `pressed` in counting and fork-join. Erlang with one scheduler is what compares with one thread.'
  },
  {
    title: 'Asks inside one system',
    file: 'ask.mjs',
    cases: ['one in flight', '100 in flight'],
    programs: actors('ask.mjs'),
    also: ['ours', 'floorMailbox', 'xstate'],
    goals: [rate('one in flight', 'erlang, 1 scheduler', 3.5, 5), rate('100 in flight', 'erlang, 1 scheduler', 5, 8)],
    notes:
      "Erlang: `gen_server:call`. xstate and `floorMailbox` have no ask: a bare promise, without a deadline and without hearing of the other's end."
  },
  {
    title: 'Actors',
    file: 'spawn.mjs',
    cases: ['spawn shared', 'spawn setup', 'one message'],
    programs: actors('spawn.mjs', '--expose-gc'),
    only: { 'spawn shared': ['ours'] },
    goals: [
      rate('spawn shared', 'erlang, 1 scheduler', 4, 6, { against: 'spawn setup' }),
      rate('spawn setup', 'erlang, 1 scheduler', 1.5, 3),
      ceiling('spawn shared', 'bytes', 'bytes', 400, 256),
      rate('one message', 'erlang, 1 scheduler', 1, 1.3)
    ],
    notes:
      '100,000 actors spawned and kept (bytes of heap each, idle; for Erlang of all its memory); then: create, one message, stop. `spawn shared` is one `receive` behavior for all.'
  },
  {
    title: 'Messages while others are idle',
    file: 'idle.mjs',
    cases: ['none idle', '100,000 idle'],
    programs: { ours: js('idle.mjs') },
    goals: [rate('100,000 idle', 'ours', 0.9, 1, { against: 'none idle' })],
    notes: 'Thread ring of a hundred actors, with and without 100,000 others that have handled one message each.'
  },
  {
    title: 'Two processes, one WebSocket',
    file: 'websocket.mjs',
    cases: ['one way, small', 'one way, 1 KiB', 'one way, 64 KiB', 'one message a turn', 'ask and answer'],
    programs: {
      ours: js('websocket.mjs'),
      oursGuest: js('websocket.mjs'),
      ws: js('websocket.mjs'),
      wsBatched: js('websocket.mjs')
    },
    goals: ['ours', 'oursGuest'].flatMap(of => [
      rate('one way, small', 'ws', 5, 20, { of }),
      rate('one way, 1 KiB', 'ws', 1.6, 2.2, { of }),
      rate('one way, 64 KiB', 'ws', 0.8, 1, { of }),
      rate('one message a turn', 'ws', 0.8, 1, { of }),
      ceiling('ask and answer', 'ws', 'p50', 1.25, 1.1, { of }),
      ceiling('ask and answer', 'ws', 'p99', 1.6, 1.2, { of })
    ]),
    notes:
      '`ws`: one frame for each msgpackr message. `wsBatched`: the same by hand in frames of 16 KiB, with nothing numbered, acknowledged, kept or checked. Ours numbers, acknowledges and retains; `oursGuest` also checks every byte (its rate limit is raised for this).'
  },
  {
    title: 'Through a hub',
    file: 'hub.mjs',
    cases: ['through a hub, small', 'through a hub, ask and answer'],
    programs: Object.fromEntries(
      ['ours', 'oursThroughHub', 'oursThroughTwoHubs', 'toGuest', 'toGuestThroughHub', 'toGuestThroughTwoHubs'].map(
        peer => [peer, js('hub.mjs')]
      )
    ),
    goals: [
      rate('through a hub, small', 'ours', 0.5, 0.8, { of: 'oursThroughHub' }),
      rate('through a hub, small', 'ours', 0.5, 0.8, { of: 'oursThroughTwoHubs' }),
      rate('through a hub, small', 'toGuest', 0.5, 0.8, { of: 'toGuestThroughHub' }),
      rate('through a hub, small', 'toGuest', 0.5, 0.8, { of: 'toGuestThroughTwoHubs' })
    ],
    notes:
      '`ours` and `toGuest` are the direct way: from node to node, and from a node to a guest. Up to four processes share the cores of this machine.'
  },
  {
    title: 'Idle guests of a hub',
    file: 'guests.mjs',
    cases: ['silent guests', 'guests that have asked once'],
    programs: { ours: js('guests.mjs', '--expose-gc'), ws: js('guests.mjs', '--expose-gc') },
    goals: ['silent guests', 'guests that have asked once'].map(name => ceiling(name, 'ws', 'bytes', 2, 1.5)),
    notes:
      '5,000 connections from a second process: bytes of the heap and of buffers outside it for each, and milliseconds of processor time a second for all while nothing is said. Bare `ws` sends no heartbeat. Who has asked is a peer, whose definitions and tables are kept as long as it is attached.'
  },
  {
    title: 'What the guard takes of decoding',
    file: 'guard.mjs',
    cases: guarded,
    programs: Object.fromEntries(
      ['guarded', 'unguarded', 'zod', 'valibot', 'arktype'].map(peer => [
        peer,
        js('guard.mjs', '--import', fileURLToPath(new URL('../tools/ts.mjs', import.meta.url)))
      ])
    ),
    only: { 'binary, 64 KiB': ['guarded', 'unguarded'] },
    goals: guarded.map(name => rate(name, 'unguarded', 0.8, 0.9, { of: 'guarded' })),
    notes:
      'Messages a second of one process, by its processor time. `unguarded`: the same bytes as of a trusted node, and what is packed as msgpackr alone reads it. The others only check what was decoded, with a schema that fits.'
  },
  {
    title: 'Names and groups',
    file: 'names.mjs',
    cases: [
      ...['claim and release, 1,000 names', 'claim and release, 90,000 names'],
      ...['look up, 1,000 names', 'look up, 90,000 names'],
      ...['join and leave, 100 members', 'join and leave, 10,000 members'],
      ...['cut and back, 100 members', 'cut and back, 10,000 members']
    ],
    programs: { ours: js('names.mjs') },
    goals: [
      rate('claim and release, 90,000 names', 'ours', 0.7, 1, { against: 'claim and release, 1,000 names' }),
      rate('look up, 90,000 names', 'ours', 0.7, 1, { against: 'look up, 1,000 names' }),
      rate('join and leave, 10,000 members', 'ours', 0.7, 1, { against: 'join and leave, 100 members' }),
      rate('cut and back, 10,000 members', 'ours', 0.7, 1, { against: 'cut and back, 100 members' })
    ],
    notes:
      'One at a time, a hub and all others in one process. A change of a group counts when one follower in another system has heard it. What there is more of must not be felt.'
  }
]
