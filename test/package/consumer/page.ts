// A browser module: no Node types are there when it is checked, and no Node module when it is bundled.

import { createSystem, receive } from 'whereabouts'
import { createSystem as createLocalSystem } from 'whereabouts/core'
import { messagePort } from 'whereabouts/message-port'
import { child, supervisor } from 'whereabouts/supervisor'
import { webSocket } from 'whereabouts/websocket'

export async function join(url: string, port: MessagePort): Promise<void> {
  const page = createSystem({ label: document.title })
  const clicks = page.spawn(receive(0, (total: number, n: number) => total + n))
  page.spawn(supervisor({ children: [child('clicks', () => receive(0, (total: number, n: number) => total + n))] }))
  document.body.addEventListener('click', () => clicks.send(1))
  await page.connect(webSocket(url))
  await page.connect(messagePort(port))
  await createLocalSystem().shutdown()
}
