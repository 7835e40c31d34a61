// A program: guests that come and go. Each says, asks, watches, joins, claims, is cut off, and leaves with a goodbye or without.

import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { ActorError, type ActorRef, type ActorSystem, createSystem, setup } from '../../runtime/index.ts'
import { type Random, seeded } from '../../runtime/testing/random.ts'
import { webSocket } from '../../transports/websocket.ts'
import { serve } from '../support/child.ts'
import { type Proxy as Line, proxy } from '../support/proxy.ts'
import { quiet } from '../support/quiet.ts'
import { type Memory, memory } from './figures.ts'
import { Desk, type Note, Room, seat } from './house.ts'

export interface Churned {
  visits: number
  goodbyes: number
  cuts: number
  /** What a guest asked and was answered, and how else its asks ended. */
  answered: number
  failed: Record<string, number>
  /** Notices of ends. */
  ends: number
  claims: number
  readonly faults: string[]
}

const seen: Churned = {
  visits: 0,
  goodbyes: 0,
  cuts: 0,
  answered: 0,
  failed: {},
  ends: 0,
  claims: 0,
  faults: []
}
let over = false
let slots: Promise<void>[] = []

const wrong = (what: string): void => void (seen.faults.length < 20 && seen.faults.push(what))

/** One after the other on a line of their own, which can be cut. */
async function slot(n: number, port: number, random: Random): Promise<void> {
  const line = await proxy(port)
  while (!over) {
    const system = createSystem({ label: `guest ${n}`, logger: quiet })
    // On a machine that is busy with others a guest may be given up in the middle of its visit; what it was told is counted.
    await asked(() => visit(n, system, line, random))
    await system.shutdown({ within: 100 })
    line.mend()
  }
  await line.close()
}

async function visit(n: number, system: ActorSystem, line: Line, random: Random): Promise<void> {
  seen.visits += 1
  const way = webSocket(`ws://127.0.0.1:${line.port}`, { WebSocket })
  const link = await system.connect(way, { token: `guest ${n}`, within: 30_000, backoff: { min: 10, max: 200 } })
  const ear = listener(system)
  const table = await (await system.lookup(Desk, { within: 30_000 })).ask({ type: 'enter', ear }, { within: 30_000 })
  const group = system.members(Room, members => {
    for (const ref of members.keys()) if (random.chance(0.02)) ref.send('hello')
  })
  const member = await system.join(Room, ear as unknown as ActorRef<string>, { n })
  if (random.chance(0.5)) {
    await system.register(seat(random.int(0, 20)), ear as unknown as ActorRef<string>).then(
      () => {
        seen.claims += 1
      },
      (error: unknown) => {
        if (codeOf(error) !== 'ACTOR_NAME_TAKEN') throw error
      }
    )
  }
  let said = 0
  for (let round = random.int(1, 8); round > 0 && !over; round--) {
    for (let k = random.int(1, 50); k > 0; k--) {
      if (!table.send({ type: 'note', n: said + 1 })) await table.ready({ within: 30_000 })
      else said += 1
    }
    if (random.chance(0.2)) {
      seen.cuts += 1
      line.cut()
      await sleep(random.int(0, 200))
      line.mend()
    }
    const counted = await asked(() => table.ask({ type: 'count' }, { within: 30_000 }))
    if (counted !== undefined && counted !== said) wrong(`guest ${n} has said ${said} and ${counted} have come`)
    if (random.chance(0.3)) await mortal(system, table)
    await sleep(random.int(0, 300))
  }
  if (random.chance(0.3)) await member.release()
  group.unsubscribe()
  if (random.chance(0.6)) {
    seen.goodbyes += 1
    if (random.chance(0.5)) await link.disconnect()
  } else {
    // Whoever it was is never heard again.
    line.cut()
  }
}

const listener = (system: ActorSystem): ActorRef<Uint8Array> =>
  system.spawn(setup<Uint8Array>(() => ({ receive() {} })))

/** Watches an actor of the hub's until it ends. */
async function mortal(system: ActorSystem, table: ActorRef<Note>): Promise<void> {
  const ref = await asked(() => table.ask({ type: 'mortal' }, { within: 30_000 }))
  if (ref === undefined) return
  await new Promise<void>(resolve => {
    let heard = 0
    system.spawn(
      setup<never>(ctx => {
        ctx.watch(ref)
        return {
          receive() {},
          stopped() {
            seen.ends += 1
            heard += 1
            if (heard > 1) wrong('an end was heard twice')
            ctx.stop()
            resolve()
          }
        }
      })
    )
  })
}

async function asked<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    const answer = await ask()
    seen.answered += 1
    return answer
  } catch (error) {
    const code = codeOf(error)
    if (!code.startsWith('ACTOR_')) wrong(code)
    seen.failed[code] = (seen.failed[code] ?? 0) + 1
    return undefined
  }
}

const codeOf = (error: unknown): string => (error instanceof ActorError ? error.code : String(error))

const methods = {
  /** Begins: so many guests at a time. */
  begin(port: number, guests: number, seed: number): void {
    const random = seeded(seed)
    slots = Array.from({ length: guests }, (_, n) => slot(n, port, seeded(random.int(1, 2 ** 30))))
  },
  look: async (): Promise<{ memory: Memory; seen: Churned }> => ({ memory: await memory(), seen }),
  /** Everybody leaves. */
  async finish(): Promise<Churned> {
    over = true
    await Promise.all(slots)
    return seen
  }
}
export type Churn = typeof methods

serve(methods)
