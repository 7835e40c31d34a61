// A TCP proxy in front of a server of this machine, to be cut as a network is: sockets are destroyed, callers refused.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Proxy {
  readonly port: number
  /** Destroys every socket, and every new one until `mend`. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

export async function proxy(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let down = false
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer(caller => {
    keep(caller)
    if (down) {
      caller.destroy()
      return
    }
    const callee = connect(target, '127.0.0.1')
    keep(callee)
    caller.pipe(callee)
    callee.pipe(caller)
    caller.on('close', () => callee.destroy())
    callee.on('close', () => caller.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const sever = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      down = true
      sever()
    },
    mend() {
      down = false
    },
    close() {
      sever()
      return new Promise(resolve => server.close(() => resolve()))
    }
  }
}
