import { createServer } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'chai'
import { WebSocket } from 'ws'
import type { ConnectionHello } from '../../runtime/peer/transport.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { failureOf, httpServer, portOf, signal, stop } from './http.ts'

describe('a WebSocket server', () => {
  it('says in whose way it is when the port is taken, and how to mend it', async () => {
    const first = await webSocketServer({}).listen(() => {})
    const port = Number(new URL(first.url ?? '').port)

    const failure = await failureOf(webSocketServer({ port }).listen(() => {}))
    await first.close()

    expect(failure).to.have.property('code', 'ACTOR_LISTEN_FAILED')
    expect(failure).to.have.property('message').that.includes(`port ${port}`).and.includes('port 0')
  })

  it('says so when the host is not of this machine', async () => {
    const failure = await failureOf(webSocketServer({ host: '203.0.113.7', unencrypted: true }).listen(() => {}))

    expect(failure).to.have.property('code', 'ACTOR_LISTEN_FAILED')
    expect(failure).to.have.property('message').that.includes('203.0.113.7')
  })

  it('refuses options that contradict each other or are none', () => {
    const server = createServer()
    for (const wrong of [
      { port: 1, server },
      { server: {} },
      { server: 'http' },
      { port: -1 },
      { port: 65_536 },
      { port: 1.5 },
      { port: Number.NaN },
      { path: 'actors' }
    ]) {
      expect(() => webSocketServer(wrong), JSON.stringify(wrong))
        .to.throw()
        .with.property('code', 'ACTOR_BAD_OPTION')
    }
  })

  it('answers plain requests with 426 on its path and 404 elsewhere', async () => {
    const listening = await webSocketServer({ path: '/actors' }).listen(() => {})
    const url = (listening.url ?? '').replace('ws:', 'http:')

    const [here, elsewhere] = await Promise.all([fetch(url), fetch(new URL('/', url))])
    await listening.close()

    expect([here.status, here.headers.get('upgrade'), elsewhere.status]).to.deep.equal([426, 'websocket', 404])
  })

  it('answers 404 to an upgrade on a path that nobody has, and leaves paths that others have alone', async () => {
    const server = await httpServer()
    const port = portOf(server)
    const listening = await webSocketServer({ server, path: '/actors' }).listen(() => {})

    const alone = await failureOf(webSocket(`ws://127.0.0.1:${port}/other`, { WebSocket }).connect(signal()))
    const other = await webSocketServer({ server, path: '/other' }).listen(connection => {
      connection.open({ frame: () => {}, close: () => {} })
      connection.send(Uint8Array.of(2))
    })
    const connection = await webSocket(`ws://127.0.0.1:${port}/other`, { WebSocket }).connect(signal())
    const first = await new Promise(resolve => connection.open({ frame: data => resolve(data[0]), close: resolve }))
    const page = await (await fetch(`http://127.0.0.1:${port}/`)).text()
    await Promise.all([listening.close(), other.close()])
    await stop(server)

    expect(alone).to.have.property('message').that.includes('404')
    expect(first).to.equal(2)
    expect(page).to.equal('the page')
  })

  it('leaves a shared server as it was when it closes', async () => {
    const server = await httpServer()
    const listening = await webSocketServer({ server, path: '/actors' }).listen(() => {})

    await listening.close()
    const page = await (await fetch(`http://127.0.0.1:${portOf(server)}/`)).text()

    expect(page).to.equal('the page')
    expect(server.listenerCount('upgrade')).to.equal(0)
    await stop(server)
  })

  it('tells who calls: origin, address and headers', async () => {
    let hello: ConnectionHello | undefined
    const listening = await webSocketServer({}).listen((connection, caller) => {
      hello = caller
      connection.open({ frame: () => {}, close: () => {} })
    })

    const raw = new WebSocket(listening.url ?? '', { origin: 'https://example.org', headers: { cookie: 'a=b' } })
    await new Promise(resolve => raw.once('open', resolve))
    await listening.close()

    expect(hello?.origin).to.equal('https://example.org')
    expect(hello?.address).to.equal('127.0.0.1')
    expect(hello?.headers).to.include({ cookie: 'a=b', upgrade: 'websocket' })
  })

  it('closes in spite of callers that never say goodbye, before and after the upgrade', async () => {
    const listening = await webSocketServer({}).listen(connection =>
      connection.open({ frame: () => {}, close: () => {} })
    )
    const { port, hostname } = new URL(listening.url ?? '')
    const mute = connect(Number(port), hostname).on('error', () => {})
    await new Promise(resolve => mute.once('connect', resolve))
    const deaf = new WebSocket(listening.url ?? '')
    await new Promise(resolve => deaf.once('open', resolve))
    deaf.pause()

    const gone = new Promise(resolve => mute.once('close', resolve))
    await listening.close()
    await gone

    deaf.terminate()
  })

  it('drops a caller that sends no request within five seconds', async function () {
    this.timeout(15_000)
    const listening = await webSocketServer({}).listen(() => {})
    const { port, hostname } = new URL(listening.url ?? '')

    const mute = connect(Number(port), hostname, () => mute.write('GET / HT')).on('error', () => {})
    mute.resume()
    await new Promise(resolve => mute.once('close', resolve))
    await listening.close()
  })
})
