// A program: bad neighbours. Some flood: they send as fast as they are let. Some have the hub tell them much and read none of it.

import { WebSocket } from 'ws'
import { createSystem, type Link, setup } from '../../runtime/index.ts'
import { webSocket } from '../../transports/websocket.ts'
import { serve } from '../support/child.ts'
import { quiet } from '../support/quiet.ts'
import { Desk } from './house.ts'

export interface Mischief {
  /** What floods took to the hub, and what was refused to them. */
  flooded: number
  refused: number
  /** How connections of either ended. */
  readonly ended: Record<string, number>
}

const done: Mischief = { flooded: 0, refused: 0, ended: {} }
let over = false

const note = ({ onStatus }: Pick<Link, 'onStatus'>, who: string): void => {
  onStatus((status, why) => {
    if (why === undefined) return
    const key = `${who}: ${status} ${why.code}`
    done.ended[key] = (done.ended[key] ?? 0) + 1
  })
}

async function flood(url: string, n: number): Promise<void> {
  const system = createSystem({ label: `flood ${n}`, logger: quiet })
  const token = `flood ${n}`
  const link = await system.connect(webSocket(url, { WebSocket }), { token, within: 60_000 })
  note({ onStatus: changed => link.onStatus(changed) }, 'flooding')
  const ear = system.spawn(setup<Uint8Array>(() => ({ receive() {} })))
  const table = await (await system.lookup(Desk, { within: 60_000 })).ask({ type: 'enter', ear }, { within: 60_000 })
  let said = 0
  while (!over) {
    // As many in a turn as a turn can hold, so that all floods are heard.
    for (let k = 0; k < 500; k++) {
      if (!table.send({ type: 'note', n: said + 1 })) {
        done.refused += 1
        await Promise.race([table.ready().catch(() => {}), pause(1_000)])
        break
      }
      said += 1
      done.flooded += 1
    }
    await pause(0)
  }
}

/** Reads until it has told the hub where its ear is, and never again, on no connection. */
async function deaf(url: string, n: number): Promise<void> {
  let listens = true
  class Deaf extends WebSocket {
    constructor(address: string | URL) {
      super(address)
      this.on('message', () => {
        if (!listens) this.pause()
      })
    }
  }
  const system = createSystem({ label: `deaf ${n}`, logger: quiet })
  const token = `deaf ${n}`
  const link = await system.connect(webSocket(url, { WebSocket: Deaf }), { token, within: 60_000 })
  note({ onStatus: changed => link.onStatus(changed) }, 'never reading')
  const ear = system.spawn(setup<Uint8Array>(() => ({ receive() {} })))
  const table = await (await system.lookup(Desk, { within: 60_000 })).ask({ type: 'enter', ear }, { within: 60_000 })
  listens = false
  table.send({ type: 'tell' })
}

const pause = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))

const methods = {
  async begin(url: string, floods: number, deafs: number): Promise<void> {
    for (let n = 0; n < deafs; n++) await deaf(url, n)
    for (let n = 0; n < floods; n++) void flood(url, n)
  },
  look: (): Mischief => done,
  stop(): void {
    over = true
  }
}
export type Neighbours = typeof methods

serve(methods)
