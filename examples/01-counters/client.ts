// A visitor in a terminal: the same counter as in a tab, the same ways to use those of others, and keys instead of buttons.

import { emitKeypressEvents } from 'node:readline'
import { type ActorRef, type Behavior, createSystem, setup } from 'whereabouts'
import { webSocket } from 'whereabouts/websocket'
import { WebSocket } from 'ws'
import { notebook } from './counter.ts'
import { cuttable } from './cuttable.ts'
import { Counter, type CounterMessage, type Reading, type Visitor, Visitors, visitorOf } from './messages.ts'
import { name, paint, say } from './print.ts'
import { addMany, drawName, ownCounter, signature } from './visitor.ts'

const address = process.argv[2] ?? 'http://127.0.0.1:8080'
const me = drawName()
const system = createSystem({ label: me.name })
const who = signature(system)
const { transport, scissors } = cuttable(webSocket(new URL('/actors', address), { WebSocket, unencrypted: true }))

const link = await system.connect(transport, { backoff: { min: 100, max: 1000 } }).catch((error: Error) => {
  console.error(
    `\n  ${error.message}\n  Start the server first, with npm start, and pass its address: npm run join -- ${address}\n`
  )
  process.exit(1)
})

const node = await system.lookup(Counter)
const own = await ownCounter(system, notebook(), () => {})
await system.join(Visitors, own, { ...me, kind: 'terminal' } satisfies Visitor)

console.log(`
  You are ${paint.bold(me.name)}, at ${paint.link(address)}. Your counter shows up in every tab.

  ${paint.bold('a')} add 1 to the counter in Node    ${paint.bold('t')} add 10,000    ${paint.bold('c')} crash it    ${paint.bold('x')} cut the link, or mend it
  ${paint.bold('e')} add 1 to everybody else's       ${paint.bold('q')} leave
`)

let counted = 0
let sent = 0
system.spawn(
  gauge(node, 'in Node', reading => {
    counted = reading.yours
  })
)
system.spawn(gauge(own, 'of yours', () => {}))

/** Says what a counter shows, at most four times a second. */
function gauge(counter: ActorRef<CounterMessage>, where: string, heard: (reading: Reading) => void): Behavior<Reading> {
  return setup<Reading | 'say'>(ctx => {
    let last: Reading | undefined
    ctx.send(counter, { type: 'follow', who, replyTo: ctx.self })
    return {
      receive(message) {
        if (message === 'say') {
          const { total, life } = last ?? { total: 0, life: 1 }
          say(
            'add',
            `the counter ${where} is at ${paint.bold(total.toLocaleString('en'))}${life > 1 ? paint.dim(` (life ${life})`) : ''}`
          )
          return
        }
        last = message
        heard(message)
        ctx.timers.once('say', 250, 'say')
      }
    }
  })
}

let others: ActorRef<CounterMessage>[] = []
const names = new Map<ActorRef<CounterMessage>, string>()
system.members(Visitors, members => {
  for (const [ref, called] of names) if (!members.has(ref)) say('leave', `${called} has left`)
  for (const [ref, { facts }] of members) {
    if (ref === own || names.has(ref)) continue
    say('join', `${name(visitorOf(facts).name)} is here`)
  }
  names.clear()
  for (const [ref, { facts }] of members) if (ref !== own) names.set(ref, name(visitorOf(facts).name))
  others = [...names.keys()]
})

link.onStatus(status => {
  if (status === 'suspended') say('cut', 'cut off; what you send waits')
  if (status === 'connected') say('back', 'connected again; what waited has left')
})

async function add(times: number): Promise<void> {
  const before = sent
  await addMany(node, who, times, count => {
    sent = before + count
  })
}

async function leave(): Promise<void> {
  await link.flushed({ within: 2000 }).catch(() => {})
  const missing = sent - counted
  say(
    'note',
    `sent ${sent.toLocaleString('en')}, counted ${counted.toLocaleString('en')}${missing === 0 ? ': exact' : ''}`
  )
  await system.shutdown({ within: 1000 })
  process.exit(0)
}

const keys: Readonly<Record<string, () => unknown>> = {
  a: () => add(1),
  t: () => add(10_000),
  c: () => node.send({ type: 'crash', who }),
  e: () => others.map(other => other.send({ type: 'add', by: 1, who })),
  x: () => (scissors.isCut ? scissors.mend() : scissors.cut()),
  q: leave
}

emitKeypressEvents(process.stdin)
if (process.stdin.isTTY) process.stdin.setRawMode(true)
process.stdin.on('keypress', (_text, key: { name?: string; ctrl?: boolean }) => {
  if (key.ctrl === true && key.name === 'c') void leave()
  else void keys[key.name ?? '']?.()
})
process.once('SIGTERM', leave)
