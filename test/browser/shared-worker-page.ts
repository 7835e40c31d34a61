// Inside a page, and inside the SharedWorker that all pages of the site have in common: the worker is the hub of its tabs and
// a guest of a server, so there is one connection to the server however many tabs are open.

import { type ActorRef, type ActorSystem, actorName, createSystem, setup } from 'whereabouts'
import { messagePort } from 'whereabouts/message-port'
import { webSocket } from 'whereabouts/websocket'

export type Count =
  | { type: 'add'; tab: string; n: number }
  | { type: 'totals'; replyTo: ActorRef<Record<string, number>> }
type Note = { type: 'note'; text: string } | { type: 'read'; count: number; replyTo: ActorRef<string[]> }

export const Counter = actorName<Count>('counter')
export const Tabs = actorName<Note>('tabs')

const EXPOSED = [Counter, Tabs].map(name => ({ name, unchecked: true as const }))

/** Where the worker finds the server is its name: nothing else can be told to it before it runs. */
async function serve(scope: { name: string; onconnect: ((event: MessageEvent) => void) | null }): Promise<void> {
  const hub = createSystem({ label: 'worker' })
  const ports: MessagePort[] = []
  const open = (port: MessagePort): void => {
    void hub.listen(messagePort(port), { trust: 'guest', expose: EXPOSED })
  }
  // Tabs that come before the server answers wait in `ports`.
  scope.onconnect = event => void ports.push(event.ports[0] as MessagePort)
  await hub.connect(webSocket(scope.name), { token: 'ada' })
  scope.onconnect = event => open(event.ports[0] as MessagePort)
  for (const port of ports) open(port)
}

if ('onconnect' in globalThis) void serve(globalThis as never)

let system: ActorSystem
let notes: ActorRef<Note>
let counter: ActorRef<Count>

/** Joins the others by way of the worker, and finds the server's counter. */
export async function enter(label: string, url: string): Promise<void> {
  const worker = new SharedWorker('/entry.js', { type: 'module', name: url })
  system = createSystem({ label })
  await system.connect(messagePort(worker.port))
  counter = await system.lookup(Counter)
  notes = system.spawn(
    setup<Note>(() => {
      const all: string[] = []
      const waiting: Array<() => boolean> = []
      return {
        receive(message) {
          if (message.type === 'note') all.push(message.text)
          else waiting.push(() => all.length >= message.count && message.replyTo.send(all.slice(0, message.count)))
          for (const look of [...waiting]) if (look()) waiting.splice(waiting.indexOf(look), 1)
        }
      }
    })
  )
  await system.join(Tabs, notes, { label })
}

export async function add(count: number): Promise<void> {
  for (let n = 1; n <= count; n++) while (!counter.send({ type: 'add', tab: system.label, n })) await counter.ready()
}

export const totals = (): Promise<Record<string, number>> => counter.ask({ type: 'totals' })

/** Says something to another tab, once it is among the members. */
export function tell(label: string, text: string): Promise<void> {
  return new Promise(resolve => {
    const following = system.members(Tabs, members => {
      for (const [ref, { facts }] of members) {
        if (facts.label !== label) continue
        following.unsubscribe()
        ref.send({ type: 'note', text })
        resolve()
        return
      }
    })
  })
}

/** What others have said, once it is so much. */
export const read = (count: number): Promise<string[]> => notes.ask({ type: 'read', count })

/** Resolves when so many tabs are there. */
export function tabs(count: number): Promise<string[]> {
  return new Promise(resolve => {
    const following = system.members(Tabs, members => {
      if (members.size !== count) return
      following.unsubscribe()
      resolve([...members.values()].map(({ facts }) => String(facts.label)).sort())
    })
  })
}

export const leave = (): Promise<void> => system.shutdown()
