// A program: one side in a process of its own, to be killed and stopped.

import { WebSocket } from 'ws'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { memory } from '../load/figures.ts'
import { serve } from '../support/child.ts'
import { Side, type State } from './side.ts'

const side = new Side('far')

const methods = {
  listen: (host: string, port: number, trust: 'guest' | 'node', downAfter: number): Promise<string> =>
    side.listen(webSocketServer({ host, port, unencrypted: true }), trust, downAfter),
  async join(url: string, trust: 'guest' | 'node'): Promise<void> {
    await side.join(webSocket(url, { WebSocket, unencrypted: true }), trust)
  },
  meet: () => side.meet(),
  say: side.say,
  ask: side.ask,
  mortal: side.mortal,
  async state(): Promise<State> {
    await memory()
    return side.state()
  },
  leave: () => side.leave(),
  forget: () => side.forget(),
  end: () => side.end()
}
export type Peer = typeof methods

serve(methods)
