import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import { WebSocket, WebSocketServer } from 'ws'
import { codeOf } from '../../runtime/actor/errors.ts'
import type { ConnectionHello } from '../../runtime/peer/transport.ts'
import { webSocket } from '../../transports/websocket.ts'
import { type UpgradedWebSockets, upgradedWebSockets } from '../../transports/websocket-upgraded.ts'
import { anyTransport } from '../suites/any-transport.ts'
import { failureOf, portOf, signal, stop } from './http.ts'

const nothing = (): void => {}

/** A server of somebody else that upgrades whatever comes, and hands it over. `wrap`: as the framework shows it. */
async function framework(
  sockets: UpgradedWebSockets,
  wrap: (socket: WebSocket) => unknown = socket => socket
): Promise<{ server: Server; url: string }> {
  const server = createServer()
  const upgrades = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, stream, head) => {
    stream.on('error', nothing)
    upgrades.handleUpgrade(request, stream, head, socket => {
      socket.on('error', nothing)
      const address = request.socket.remoteAddress
      const { origin } = request.headers
      const headers = origin === undefined ? {} : { origin }
      sockets.accept(wrap(socket), address === undefined ? { headers } : { headers, address })
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `ws://127.0.0.1:${portOf(server)}` }
}

anyTransport('a WebSocket that a framework has upgraded', async () => {
  const sockets = upgradedWebSockets()
  const { server, url } = await framework(sockets)
  return { listener: sockets, dial: () => webSocket(url, { WebSocket }), stop: () => stop(server) }
})

describe('a listener for upgraded WebSockets', () => {
  it('passes on what it is told of the caller', async () => {
    const sockets = upgradedWebSockets()
    const { server, url } = await framework(sockets)
    let caller: ConnectionHello | undefined
    const listening = await sockets.listen((connection, hello) => {
      caller = hello
      connection.open({ frame: nothing, close: nothing })
    })

    const page = new WebSocket(url, { origin: 'https://example.org' })
    await new Promise(resolve => page.once('open', resolve))
    page.close()
    await listening.close()
    await stop(server)

    const origin = 'https://example.org'
    expect(caller).to.deep.equal({ address: '127.0.0.1', headers: { origin }, origin })
  })

  it('does not guess of which origin a caller is', () => {
    const socket = { send: nothing, close: nothing, addEventListener: nothing }
    for (const wrong of [undefined, {}, { address: '127.0.0.1' }] as const) {
      expect(() => upgradedWebSockets().accept(socket, wrong as ConnectionHello))
        .to.throw('{ headers }')
        .with.property('code', 'ACTOR_BAD_OPTION')
    }
  })

  it('takes a standard WebSocket, which knows nothing of ws', async () => {
    const sockets = upgradedWebSockets()
    const standard = (socket: WebSocket): unknown => ({
      get readyState() {
        return socket.readyState
      },
      get bufferedAmount() {
        return socket.bufferedAmount
      },
      set binaryType(type: 'arraybuffer') {
        socket.binaryType = type
      },
      send: (data: Uint8Array) => socket.send(data),
      close: (code: number, reason: string) => socket.close(code, reason),
      addEventListener: (type: 'message', listener: () => void) => socket.addEventListener(type, listener)
    })
    const { server, url } = await framework(sockets, standard)
    const heard: number[] = []
    const listening = await sockets.listen(connection =>
      connection.open({
        frame: frame => {
          heard.push(...frame)
          connection.send(frame)
        },
        close: nothing
      })
    )

    const connection = await webSocket(url, { WebSocket }).connect(signal())
    connection.send(Uint8Array.of(1, 2, 3))
    const answer = await new Promise(resolve => connection.open({ frame: resolve, close: nothing }))
    const closed = listening.close()
    await closed
    await stop(server)

    expect(heard).to.deep.equal([1, 2, 3])
    expect([...(answer as Uint8Array)]).to.deep.equal([1, 2, 3])
  })

  it('closes at once what is handed to it while nobody listens', async () => {
    const sockets = upgradedWebSockets()
    const { server, url } = await framework(sockets)

    const connection = await webSocket(url, { WebSocket }).connect(signal())
    const ending = await new Promise(resolve => connection.open({ frame: nothing, close: resolve }))
    await stop(server)

    expect(ending).to.deep.equal({ code: 1001, reason: 'nobody listens' })
  })

  it('says what is no WebSocket', () => {
    for (const wrong of [undefined, null, 'socket', {}, { send: nothing }, new EventTarget()]) {
      expect(() => upgradedWebSockets().accept(wrong, { headers: {} }))
        .to.throw('pass what is inside')
        .with.property('code', 'ACTOR_BAD_OPTION')
    }
  })

  it('closes in spite of callers that never say goodbye', async () => {
    const sockets = upgradedWebSockets()
    const { server, url } = await framework(sockets)
    const listening = await sockets.listen(connection => connection.open({ frame: nothing, close: nothing }))
    const deaf = new WebSocket(url)
    await new Promise(resolve => deaf.once('open', resolve))
    deaf.pause()

    await listening.close()

    expect(codeOf(await failureOf(listening.close()))).to.equal(undefined)
    deaf.terminate()
    await stop(server)
  })
})
