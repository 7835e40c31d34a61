// A TCP proxy in front of a server of this machine, to be cut as a network is: sockets are destroyed, callers refused.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'

export interface Proxy {
  readonly port: number
  /** Destroys every socket, and every new one until `mend`. */
  cut(): void
  mend(): void
  /** Cuts once after so many more bytes, both ways together; then once more for each further number. Callers are taken again at once. */
  cutAfter(...bytes: number[]): void
  /** Cuts that `cutAfter` still has to make. */
  readonly planned: number
  close(): Promise<void>
}

export async function proxy(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let down = false
  const plan: number[] = []
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }
  const sever = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  /** Lets bytes through until the next planned cut. */
  const counting = (): Transform =>
    new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        const left = plan[0]
        if (left === undefined || left > chunk.length) {
          if (left !== undefined) plan[0] = left - chunk.length
          done(null, chunk)
          return
        }
        plan.shift()
        this.push(chunk.subarray(0, left))
        // What was let through is to arrive.
        setImmediate(() => setImmediate(sever))
      }
    })
  const server = createServer(caller => {
    keep(caller)
    if (down) {
      caller.destroy()
      return
    }
    const callee = connect(target, '127.0.0.1')
    keep(callee)
    caller.pipe(counting()).pipe(callee)
    callee.pipe(counting()).pipe(caller)
    caller.on('close', () => callee.destroy())
    callee.on('close', () => caller.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      down = true
      sever()
    },
    mend() {
      down = false
    },
    cutAfter: (...bytes) => void plan.push(...bytes),
    get planned() {
      return plan.length
    },
    close() {
      sever()
      return new Promise(resolve => server.close(() => resolve()))
    }
  }
}
