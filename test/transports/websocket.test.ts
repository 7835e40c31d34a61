import { createServer } from 'node:http'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { WebSocket } from 'ws'
import type { Connection } from '../../runtime/peer/transport.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { anyTransport } from '../suites/any-transport.ts'
import { failureOf, httpServer, portOf, signal, stop } from './http.ts'

/** Speaks plain TCP to the server, and waits until the server has had enough of it. */
function garbage(url: string | undefined, bytes: Uint8Array): Promise<void> {
  const { hostname, port } = new URL(url ?? '')
  return new Promise(resolve => {
    const socket = connect(Number(port), hostname, () => socket.end(bytes))
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.resume()
  })
}

/** As above, after an upgrade in good order: the bytes arrive where frames are expected. */
function garbageFrames(url: string | undefined, bytes: Uint8Array): Promise<void> {
  const { hostname, port, pathname } = new URL(url ?? '')
  return new Promise(resolve => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
      )
      socket.once('data', () => socket.end(bytes))
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.resume()
  })
}

async function bothKinds(url: string | undefined, bytes: Uint8Array): Promise<void> {
  await garbage(url, bytes)
  await garbageFrames(url, bytes)
}

anyTransport('a WebSocket to a port of its own', async () => ({
  listener: webSocketServer({ port: await freePort() }),
  dial: url => webSocket(url ?? 'ws://127.0.0.1:9', { WebSocket }),
  garbage: bothKinds,
  stop: async () => {}
}))

anyTransport('a WebSocket to a shared http server', async () => {
  const server = await httpServer()
  return {
    listener: webSocketServer({ server, path: '/actors' }),
    dial: url => webSocket(url ?? `ws://127.0.0.1:9/actors`, { WebSocket }),
    garbage: bothKinds,
    stop: () => stop(server)
  }
})

// Node 20 has no WebSocket of its own; later versions have that of browsers.
if (globalThis.WebSocket !== undefined) {
  anyTransport("the platform's WebSocket", async () => ({
    listener: webSocketServer({ port: await freePort() }),
    dial: url => webSocket(url ?? 'ws://127.0.0.1:9'),
    garbage: bothKinds,
    stop: async () => {}
  }))
}

async function freePort(): Promise<number> {
  const server = await httpServer()
  const port = portOf(server)
  await stop(server)
  return port
}

describe('a WebSocket', () => {
  it('needs a class where the platform has none, and says which', () => {
    if (globalThis.WebSocket !== undefined) {
      // Later versions of Node have their own, and nothing is to be said.
      expect(webSocket('ws://localhost').kind).to.equal('websocket')
      return
    }
    expect(() => webSocket('ws://localhost'))
      .to.throw(/import \{ WebSocket \} from 'ws'/)
      .with.property('code', 'ACTOR_BAD_OPTION')
  })

  it('refuses what is no address and what is no class', () => {
    for (const wrong of ['', '/actors', 'ftp://host', 'ws:/', 'not an address']) {
      expect(() => webSocket(wrong, { WebSocket }), wrong)
        .to.throw()
        .with.property('code', 'ACTOR_BAD_OPTION')
    }
    expect(() => webSocket('ws://localhost', { WebSocket: 'ws' }))
      .to.throw()
      .with.property('code', 'ACTOR_BAD_OPTION')
  })

  it('takes http addresses, as of a page, for those of its WebSockets', async () => {
    const listening = await webSocketServer({}).listen(connection =>
      connection.open({ frame: () => {}, close: () => {} })
    )
    const url = (listening.url ?? '').replace('ws:', 'http:')

    const connection = await webSocket(url, { WebSocket }).connect(signal())
    connection.open({ frame: () => {}, close: () => {} })
    await listening.close()

    expect(url).to.match(/^http:/)
  })

  it('rejects with the facts when nobody listens, but never with the query', async () => {
    const server = await httpServer()
    const port = portOf(server)
    await stop(server)

    const failure = await failureOf(
      webSocket(`ws://me:secret@127.0.0.1:${port}/actors?token=secret`, { WebSocket }).connect(signal())
    )

    expect(failure).to.have.property('code', 'ACTOR_UNREACHABLE')
    expect(failure).to.have.property('message').that.includes('ECONNREFUSED').and.includes(`127.0.0.1:${port}/actors`)
    expect(failure).to.have.property('message').that.does.not.include('secret')
  })

  it('rejects when a plain HTTP server answers', async () => {
    const server = await httpServer()
    const port = portOf(server)

    const failure = await failureOf(webSocket(`ws://127.0.0.1:${port}`, { WebSocket }).connect(signal()))
    await stop(server)

    expect(failure).to.have.property('code', 'ACTOR_UNREACHABLE')
    expect(failure).to.have.property('message').that.includes('200')
  })

  it('rejects when something else than HTTP answers', async () => {
    const server = createTcpServer(socket => socket.on('error', () => {}).end('220 mail.example ESMTP\r\n'))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const port = portOf(server)

    const failure = await failureOf(webSocket(`ws://127.0.0.1:${port}`, { WebSocket }).connect(signal()))
    server.close()

    expect(failure).to.have.property('code', 'ACTOR_UNREACHABLE')
  })

  it('gives up a call to a server that never answers when the signal aborts', async () => {
    const sockets: Socket[] = []
    const called = new AbortController()
    const why = new Error('waited long enough')
    const server = createTcpServer(socket => {
      sockets.push(socket.on('error', () => {}))
      called.abort(why)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const port = portOf(server)

    const failure = await failureOf(webSocket(`ws://127.0.0.1:${port}`, { WebSocket }).connect(called.signal))
    for (const socket of sockets) socket.destroy()
    server.close()

    expect(failure).to.equal(why)
  })

  it('tells when a page is online or looked at again, until it is not asked any more', () => {
    const page = Object.assign(new EventTarget(), { visibilityState: 'hidden' })
    const platform = globalThis as unknown as Record<string, unknown>
    const names = ['addEventListener', 'removeEventListener'] as const
    platform.document = page
    for (const name of names) platform[name] = page[name].bind(page)
    try {
      let times = 0
      const end = webSocket('ws://127.0.0.1:1', { WebSocket }).whenBack?.(() => {
        times += 1
      })
      page.dispatchEvent(new Event('visibilitychange'))
      expect(times).to.equal(0)
      page.visibilityState = 'visible'
      page.dispatchEvent(new Event('visibilitychange'))
      page.dispatchEvent(new Event('online'))
      expect(times).to.equal(2)
      end?.()
      page.dispatchEvent(new Event('visibilitychange'))
      page.dispatchEvent(new Event('online'))
      expect(times).to.equal(2)
    } finally {
      for (const name of ['document', ...names]) delete platform[name]
    }
  })

  it('is closed by text, which is no frame, from either side', async () => {
    const { connection, raw, close } = await withRawClient()
    const ending = heardEnding(connection)

    raw.send('hello?')

    expect((await ending).code).to.equal(1003)
    await close()
  })

  it('tells the client of a browser a close code that a browser may say', async () => {
    const listening = await webSocketServer({}).listen(connection => {
      connection.open({
        frame: () => {},
        close: why => {
          endings.push(why.code)
          heard()
        }
      })
    })
    const endings: number[] = []
    let heard = (): void => {}
    // Node 20 has no WebSocket of the platform; this one has its face only.
    const BrowserLike = class {
      readonly #socket: WebSocket
      constructor(url: string) {
        this.#socket = new WebSocket(url)
      }
      set binaryType(type: 'arraybuffer') {
        this.#socket.binaryType = type
      }
      get readyState() {
        return this.#socket.readyState
      }
      get bufferedAmount() {
        return this.#socket.bufferedAmount
      }
      send(data: Uint8Array) {
        this.#socket.send(data)
      }
      addEventListener(type: 'message', listener: () => void) {
        this.#socket.addEventListener(type, listener)
      }
      close(code: number, reason: string) {
        if (code !== 1000 && (code < 3000 || code > 4999)) throw new Error('InvalidAccessError')
        this.#socket.close(code, reason)
      }
    }
    for (const code of [1000, 1001, 1009, 1011, 4408, 999]) {
      const connection = await webSocket(listening.url ?? '', { WebSocket: BrowserLike }).connect(signal())
      const ending = heardEnding(connection)
      const there = new Promise<void>(resolve => {
        heard = resolve
      })
      connection.close(code, '')
      expect((await ending).code).to.equal(code)
      await there
    }
    await listening.close()

    expect(endings).to.deep.equal([1000, 4001, 4009, 4011, 4408, 4000])
  })

  it('has a frame that is made of too many fragments refused, and one of 64 taken', async () => {
    const { connection, raw, close } = await withRawClient()
    const frames: number[] = []
    const ending = heardEnding(connection, frame => frames.push(frame.byteLength))

    for (let i = 0; i < 64; i++) raw.send(Uint8Array.of(i), { fin: i === 63 })
    for (let i = 0; i < 65; i++) raw.send(Uint8Array.of(i), { fin: i === 64 })

    await ending
    expect(frames).to.deep.equal([64])
    await close()
  })

  it('gathers the frames of one turn in one write', async () => {
    const { connection, accepted, close } = await withTcpCount()
    connection.open({ frame: () => {}, close: () => {} })
    await accepted.until(1)

    const before = accepted.chunks()
    for (let i = 0; i < 20; i++) connection.send(new Uint8Array(100))
    await accepted.until(21)

    expect(accepted.chunks() - before).to.equal(1)
    await close()
  })
})

async function withRawClient() {
  let accepted: (connection: Connection) => void = () => {}
  const connected = new Promise<Connection>(resolve => {
    accepted = resolve
  })
  const listening = await webSocketServer({}).listen(connection => accepted(connection))
  const raw = new WebSocket(listening.url ?? '', { perMessageDeflate: false }).on('error', () => {})
  await new Promise(resolve => raw.once('open', resolve))
  return {
    raw,
    connection: await connected,
    close: async () => {
      raw.terminate()
      await listening.close()
    }
  }
}

function heardEnding(connection: Connection, frame: (data: Uint8Array) => void = () => {}) {
  return new Promise<{ code: number; reason: string }>(resolve => connection.open({ frame, close: resolve }))
}

/** A server that counts frames and the chunks of the stream that brought them. */
async function withTcpCount() {
  const server = createServer()
  let frames = 0
  let chunks = 0
  let check = (): void => {}
  server.on('connection', socket => {
    const emit = socket.emit.bind(socket)
    socket.emit = (event: string | symbol, ...facts: unknown[]) => {
      if (event === 'data') chunks++
      return emit(event, ...facts)
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const listening = await webSocketServer({ server }).listen(connection =>
    connection.open({
      frame: () => {
        frames++
        check()
      },
      close: () => {}
    })
  )
  const connection = await webSocket(listening.url ?? '', { WebSocket }).connect(signal())
  connection.send(Uint8Array.of(1))
  return {
    connection,
    accepted: {
      chunks: () => chunks,
      until: (count: number) =>
        new Promise<void>(resolve => {
          check = () => {
            if (frames >= count) resolve()
          }
          check()
        })
    },
    close: async () => {
      await listening.close()
      await stop(server)
    }
  }
}
