// A TCP proxy in front of a server of this machine, to be as bad as a network is: it cuts, resets, half-closes, holds and delays.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Proxy {
  readonly port: number
  /** Destroys every socket, and every new one until `mend`. */
  cut(): void
  mend(): void
  /** Cuts once after so many more bytes, both ways together; then once more for each further number. Callers are taken again at once. */
  cutAfter(...bytes: number[]): void
  /** Cuts that `cutAfter` still has to make. */
  readonly planned: number
  /** Breaks every connection off with a reset, on both sides. Callers are taken again at once. */
  reset(): void
  /** Tells one side of every connection that nothing more comes, which is so from now on; the other side hears nothing of it. */
  halfClose(hears: 'caller' | 'callee'): void
  /** Nothing passes until `release`; connections stay, and new ones are taken. */
  hold(): void
  release(): void
  /** What comes from now on passes so many milliseconds later. */
  delay(milliseconds: number): void
  close(): Promise<void>
}

/** What waits here in one direction before no more is read. */
const WAITING = 262_144

export async function proxy(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const flows = new Set<Flow>()
  const plan: number[] = []
  const weather: Weather = { held: false, delay: 0, pass }
  let down = false
  let severing = false

  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }
  const sever = (): void => {
    severing = false
    for (const socket of sockets) socket.destroy()
  }
  /** How much of a chunk is let through by the next planned cut. */
  function pass(chunk: Buffer): Buffer {
    // Bytes after a gap would be no cut, but another stream.
    if (severing) return chunk.subarray(0, 0)
    const left = plan[0]
    if (left === undefined || left > chunk.length) {
      if (left !== undefined) plan[0] = left - chunk.length
      return chunk
    }
    plan.shift()
    severing = true
    // What was let through is to arrive.
    setImmediate(() => setImmediate(sever))
    return chunk.subarray(0, left)
  }
  const server = createServer({ allowHalfOpen: true }, caller => {
    keep(caller)
    if (down) {
      caller.destroy()
      return
    }
    const callee = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
    keep(callee)
    const both = [new Flow('callee', caller, callee, weather), new Flow('caller', callee, caller, weather)]
    for (const flow of both) flows.add(flow)
    const over = (): void => {
      caller.destroy()
      callee.destroy()
      for (const flow of both) flows.delete(flow)
    }
    caller.on('close', over)
    callee.on('close', over)
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
    reset() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    halfClose(hears) {
      for (const flow of flows) if (flow.to === hears) flow.finish()
    },
    hold() {
      weather.held = true
    },
    release() {
      weather.held = false
      for (const flow of flows) flow.pump()
    },
    delay(milliseconds) {
      weather.delay = milliseconds
    },
    close() {
      sever()
      return new Promise(resolve => server.close(() => resolve()))
    }
  }
}

interface Weather {
  held: boolean
  delay: number
  pass(chunk: Buffer): Buffer
}

/** One direction of one connection. */
class Flow {
  readonly to: 'caller' | 'callee'
  readonly #from: Socket
  readonly #into: Socket
  readonly #weather: Weather
  /** What has come and is not passed on; without bytes: the end. */
  readonly #waiting: Array<{ at: number; chunk: Buffer | undefined }> = []
  #bytes = 0
  #over = false
  #timer: NodeJS.Timeout | undefined

  constructor(to: 'caller' | 'callee', from: Socket, into: Socket, weather: Weather) {
    this.to = to
    this.#from = from
    this.#into = into
    this.#weather = weather
    from.on('data', (chunk: Buffer) => this.#take(chunk))
    from.on('end', () => this.#take(undefined))
    from.on('close', () => clearTimeout(this.#timer))
    into.on('drain', () => this.pump())
  }

  /** Passes on what is due. */
  readonly pump = (): void => {
    clearTimeout(this.#timer)
    const now = performance.now()
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#weather.held || this.#into.writableNeedDrain) break
      if (next.at > now) {
        this.#timer = setTimeout(this.pump, next.at - now)
        break
      }
      this.#waiting.shift()
      this.#bytes -= next.chunk?.length ?? 0
      if (next.chunk === undefined) this.finish()
      else if (!this.#over) this.#into.write(this.#weather.pass(next.chunk))
    }
    if (this.#bytes < WAITING) this.#from.resume()
  }

  finish(): void {
    this.#over = true
    this.#into.end()
  }

  #take(chunk: Buffer | undefined): void {
    this.#waiting.push({ at: performance.now() + this.#weather.delay, chunk })
    this.#bytes += chunk?.length ?? 0
    if (this.#bytes >= WAITING) this.#from.pause()
    this.pump()
  }
}
