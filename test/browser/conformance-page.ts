// Inside a page: the conformance suite, for refs in one system of the page and between two systems of it that meet over the
// browser's own MessagePort and WebSocket.

import { createSystem } from 'whereabouts'
import { messagePort } from 'whereabouts/message-port'
import { webSocket } from 'whereabouts/websocket'
import { turn } from '../suites/any-ref/cast.ts'
import { meet } from '../suites/any-ref/meet.ts'
import { anyRef, type Cast } from '../suites/any-ref.ts'
import { quiet } from '../support/quiet.ts'
import { type Outcome, runCases } from './page-runner.ts'

const SECRET = 'the secret of the test'

const local = (): Promise<Outcome> =>
  runCases(() =>
    anyRef(
      'in a page',
      async () => {
        const system = createSystem({ label: 'page', logger: quiet })
        return {
          near: system,
          far: system,
          place: async (behavior, options) => system.spawn(behavior, options),
          async settled() {
            for (let round = 0; round < 10; round++) await turn()
          },
          end: () => system.shutdown()
        }
      },
      { remote: false, copies: false, trust: 'local', cuts: false }
    )
  )

const overMessagePort = (): Promise<Outcome> =>
  runCases(() =>
    anyRef(
      'over a MessagePort of a page',
      async () => {
        const near = createSystem({ label: 'near', logger: quiet })
        const far = createSystem({ label: 'far', logger: quiet })
        const { port1, port2 } = new MessageChannel()
        await far.listen(messagePort(port2), { trust: { node: { secret: SECRET } } })
        await near.connect(messagePort(port1), { secret: SECRET })
        return meet(near, far, false, [() => port1.close()])
      },
      { remote: true, copies: true, trust: 'node', messageBytes: 16 * 2 ** 20, cuts: false }
    )
  )

/** `near` and `far` are guests of a hub in Node: two tabs, but for sharing a page. */
const overWebSocket = (url: string): Promise<Outcome> =>
  runCases(() =>
    anyRef('over WebSockets of a page', () => attached(url), {
      remote: true,
      copies: true,
      trust: 'guest',
      farIsGuest: true,
      messageBytes: 2 ** 20,
      cuts: true
    })
  )

async function attached(url: string): Promise<Cast> {
  let down = false
  const sockets = new Set<WebSocket>()
  class Severable extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols)
      sockets.add(this)
      this.addEventListener('close', () => sockets.delete(this))
      if (down) this.close()
    }
  }
  const near = createSystem({ label: 'near', logger: quiet })
  const far = createSystem({ label: 'far', logger: quiet })
  for (const system of [far, near]) {
    await system.connect(webSocket(url, { WebSocket: Severable }), { backoff: { min: 5, max: 20 } })
  }
  return meet(near, far, true, [], {
    cut() {
      down = true
      for (const socket of sockets) socket.close()
    },
    mend() {
      down = false
    }
  })
}

export const places = { local, overMessagePort, overWebSocket }

/** Runs the cases of one place. */
export function conform(place: keyof typeof places, url: string): Promise<Outcome> {
  return places[place](url)
}
