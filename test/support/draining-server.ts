// A program of its own: a server that drains on a signal. `PORT`, and `WITHIN` for the budget; `STUCK` makes one handler never end.
// At its end it says how many numbers it has handled, and whether they came in order.

import process from 'node:process'
import { drainOnSignal } from '../../hosting/drain.ts'
import { type ActorRef, actorName, createSystem, setup } from '../../runtime/index.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { quiet } from './quiet.ts'

const Notes = actorName<number>('notes')
const Desk = actorName<{ type: 'work'; n: number; replyTo: ActorRef<number> }>('desk')

const system = createSystem({ label: 'server', logger: quiet })
let handled = 0
let inOrder = true
system.spawn(
  setup<number>(() => ({
    async receive(n) {
      if (n % 100 === 0) await new Promise(resolve => setTimeout(resolve, 1))
      inOrder &&= n === handled
      handled += 1
    }
  })),
  { name: Notes, mailbox: { capacity: 1000 } }
)
system.spawn(
  setup<{ type: 'work'; n: number; replyTo: ActorRef<number> }>(() => ({
    receive({ n, replyTo }) {
      if (process.env.STUCK === undefined) setTimeout(() => replyTo.send(2 * n), 1000)
    }
  })),
  { name: Desk }
)
drainOnSignal(system, { within: Number(process.env.WITHIN) })
process.on('exit', () => process.stdout.write(`handled ${handled} ${inOrder ? 'in order' : 'out of order'}\n`))

const { url } = await system.listen(webSocketServer({ port: Number(process.env.PORT) }), {
  trust: 'guest',
  expose: [Notes, Desk].map(name => ({ name, unchecked: true })),
  limits: { messagesPerSecond: 1_000_000 }
})
process.stdout.write(`url ${url}\n`)
