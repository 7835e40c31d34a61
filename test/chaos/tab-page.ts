// Inside a page: one side of a round.

import { webSocket } from 'whereabouts/websocket'
import { Side, type State } from './side.ts'

const side = new Side('tab')
addEventListener('pagehide', () => void side.leave())

export async function join(url: string): Promise<void> {
  await side.join(webSocket(url), 'guest')
  await side.meet()
}
export const say = side.say
export const ask = side.ask
export const mortal = side.mortal
export const leave = (): Promise<void> => side.leave()
export const state = (): State => side.state()
