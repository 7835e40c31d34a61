// A program: thousands of live guests, who say a note each in turn, so that together they keep a rate. Every tenth of them is
// a question how many notes have come: the answer shows that none is missing, and how long it took.

import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { type ActorRef, createSystem, type Link, setup } from '../../runtime/index.ts'
import { webSocket } from '../../transports/websocket.ts'
import { serve } from '../support/child.ts'
import { quiet } from '../support/quiet.ts'
import { type Memory, memory, percentile } from './figures.ts'
import { Desk, type Note } from './house.ts'

export interface Phase {
  /** Messages a second, said in all, and of these questions. */
  readonly rate: number
  readonly said: number
  readonly asked: number
  /** Milliseconds that answers took. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Milliseconds that the pace of this very process was late, at most. */
  readonly late: number
  readonly faults: string[]
}

interface Guest {
  readonly link: Link
  readonly table: ActorRef<Note>
  said: number
}

/** Dialled at a time. */
const ABREAST = 50
const EVERY = 10

const guests: Guest[] = []
let interrupted = 0

async function attach(url: string, n: number): Promise<Guest> {
  const system = createSystem({ label: `good ${n}`, logger: quiet })
  const link = await system.connect(webSocket(url, { WebSocket }), { token: `good ${n}`, within: 60_000 })
  link.onStatus(status => {
    if (status !== 'connected') interrupted += 1
  })
  const ear = system.spawn(setup<Uint8Array>(() => ({ receive() {} })))
  const desk = await system.lookup(Desk, { within: 60_000 })
  return { link, table: await desk.ask({ type: 'enter', ear }, { within: 60_000 }), said: 0 }
}

const methods = {
  async attach(url: string, count: number): Promise<void> {
    for (let left = count; left > 0; left -= ABREAST) {
      const some = Array.from({ length: Math.min(ABREAST, left) }, (_, n) => attach(url, guests.length + n))
      guests.push(...(await Promise.all(some)))
    }
  },

  /** Says so many messages a second for so long. What was said in the first second is not measured. */
  async say(rate: number, seconds: number): Promise<Phase> {
    const took: number[] = []
    const faults: string[] = []
    const wrong = (what: string): void => void (faults.length < 20 && faults.push(what))
    let open = 0
    const count = async (guest: Guest, n: number): Promise<void> => {
      const { said } = guest
      const began = performance.now()
      open += 1
      try {
        const come = await guest.table.ask({ type: 'count' }, { within: 60_000 })
        if (come !== said) wrong(`guest ${n} has said ${said} and ${come} have come`)
        if (began > start + 1_000) took.push(performance.now() - began)
      } catch (error) {
        wrong(`guest ${n}: ${error}`)
      }
      open -= 1
    }
    interrupted = 0
    const start = performance.now()
    let said = 0
    let asked = 0
    let late = 0
    while (performance.now() - start < seconds * 1_000) {
      const due = Math.floor(((performance.now() - start) * rate) / 1_000)
      late = Math.max(late, ((due - said) * 1_000) / rate)
      for (; said < due; said++) {
        const n = said % guests.length
        const guest = guests[n] as Guest
        // Those who ask change from round to round.
        if ((said + Math.floor(said / guests.length)) % EVERY === 0) {
          asked += 1
          void count(guest, n)
        } else if (guest.table.send({ type: 'note', n: guest.said + 1 })) guest.said += 1
        else wrong(`guest ${n} was refused`)
      }
      await sleep(5)
    }
    const spent = (performance.now() - start) / 1_000
    for (let waited = 0; open > 0 && waited < 600; waited++) await sleep(100)
    if (open > 0) wrong(`${open} questions never ended`)
    if (interrupted > 0) wrong(`${interrupted} connections of good guests were interrupted`)
    took.sort((a, b) => a - b)
    return {
      rate: Math.round(said / spent),
      said,
      asked,
      p50: percentile(took, 0.5),
      p99: percentile(took, 0.99),
      max: percentile(took, 1),
      late,
      faults
    }
  },

  memory: (): Promise<Memory> => memory()
}
export type Guests = typeof methods

serve(methods)
