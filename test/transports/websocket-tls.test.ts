import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createPlainServer } from 'node:http'
import { createServer, get } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type ClientOptions, WebSocket } from 'ws'
import { createSystem } from '../../runtime/index.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { anyTransport } from '../suites/any-transport.ts'
import { type Certificate, certificate } from '../support/certificate.ts'
import { quiet } from '../support/quiet.ts'
import { failureOf, portOf, signal, stop } from './http.ts'

/** A WebSocket class that takes this certificate for an authority, beside the ones that the platform knows. */
function trusting({ cert }: Certificate) {
  return class extends WebSocket {
    constructor(url: string, protocols: string[], options: ClientOptions) {
      super(url, protocols, { ...options, ca: cert })
    }
  }
}

const own = certificate(['localhost', '127.0.0.1'])
const nothing = (): void => {}

/** Hosts that only look like this machine are among them. */
const ELSEWHERE = [
  '192.0.2.1',
  'example.org',
  '127.0.0.1.example.org',
  'localhost.example.org',
  '[2001:db8::1]',
  '10.0.0.7'
]
const HERE = ['127.0.0.1', '127.8.9.10', 'localhost', 'LOCALHOST', 'app.localhost', '[::1]', '[::ffff:127.0.0.1]']

anyTransport('a WebSocket over TLS', async () => {
  const { port } = new URL(await freeUrl())
  return {
    listener: webSocketServer({ port: Number(port), tls: { ...own } }),
    dial: url => webSocket(url ?? 'wss://127.0.0.1:9', { WebSocket: trusting(own) }),
    garbage: (url, bytes) =>
      new Promise(resolve => {
        const { hostname, port } = new URL(url ?? '')
        const socket = connect(Number(port), hostname, () => socket.end(bytes))
        socket.on('error', nothing).on('close', () => resolve())
        socket.resume()
      }),
    stop: async () => {}
  }
})

async function freeUrl(): Promise<string> {
  const listening = await webSocketServer({}).listen(nothing)
  await listening.close()
  return listening.url ?? ''
}

describe('a WebSocket server with a certificate', () => {
  it('speaks wss: on its own port, to those who trust it', async () => {
    const [server, client] = [createSystem({ logger: quiet }), createSystem({ logger: quiet })]
    const gateway = await server.listen(webSocketServer({ tls: { ...own } }), { trust: 'guest' })

    const link = await client.connect(webSocket(gateway.url ?? '', { WebSocket: trusting(own) }))

    expect(new URL(gateway.url ?? '').protocol).to.equal('wss:')
    expect(link.status).to.equal('connected')
    await Promise.all([client.shutdown(), server.shutdown()])
  })

  it('tells its status over https: only', async () => {
    const server = createSystem({ logger: quiet })
    const gateway = await server.listen(webSocketServer({ tls: { ...own } }), { trust: 'guest' })
    const url = new URL('/status', gateway.url?.replace('wss:', 'https:'))

    const code = await new Promise(resolve => get(url, { ca: own.cert }, answer => resolve(answer.statusCode)))
    const plain = await fetch(url.href.replace('https:', 'http:')).catch(() => 'nothing')

    expect([code, plain]).to.deep.equal([200, 'nothing'])
    await server.shutdown()
  })

  it('may be reached by other machines', async () => {
    const listening = await webSocketServer({ host: '0.0.0.0', tls: { ...own } }).listen(nothing)
    await listening.close()
    expect(listening.url).to.match(/^wss:/)
  })

  for (const [what, server, client] of [
    ['that nobody vouches for', own, certificate(['localhost'])],
    ['of another host', certificate(['example.org']), undefined],
    ['that has expired', certificate(['localhost', '127.0.0.1'], Date.now() - 60_000), undefined]
  ] as const) {
    it(`is not believed with a certificate ${what}`, async () => {
      const listening = await webSocketServer({ tls: { ...server } }).listen(nothing)

      const failure = await failureOf(
        webSocket(listening.url ?? '', { WebSocket: trusting(client ?? server) }).connect(signal())
      )
      await listening.close()

      expect(failure).to.have.property('code', 'ACTOR_UNREACHABLE')
      expect(failure)
        .to.have.property('message')
        .that.matches(/self-signed|altnames|expired/)
    })
  }

  it('says so when the certificate and the key are of no use together', async () => {
    for (const tls of [
      { cert: own.cert, key: certificate(['localhost']).key },
      { cert: 'no certificate', key: own.key }
    ]) {
      const failure = await failureOf(webSocketServer({ tls }).listen(nothing))
      expect(failure).to.have.property('code', 'ACTOR_LISTEN_FAILED')
      expect(failure).to.have.property('message').that.includes('key that belongs to the certificate')
    }
  })

  it('refuses options that leave it without one, or give it two', () => {
    for (const wrong of [
      { tls: {} },
      { tls: { cert: '' } },
      { tls: { key: own.key } },
      { tls: { ...own }, server: createPlainServer() },
      { status: '/status', server: createPlainServer() },
      { status: 'status' }
    ]) {
      expect(() => webSocketServer(wrong), JSON.stringify(Object.keys(wrong)))
        .to.throw()
        .with.property('code', 'ACTOR_BAD_OPTION')
    }
  })

  it('lets nobody hold a connection open who does not greet in TLS', async function () {
    this.timeout(15_000)
    const listening = await webSocketServer({ tls: { ...own } }).listen(nothing)
    const { port, hostname } = new URL(listening.url ?? '')

    const mute = connect(Number(port), hostname).on('error', nothing)
    mute.resume()
    await new Promise(resolve => mute.once('close', resolve))
    await listening.close()
  })
})

describe('a WebSocket server without a certificate', () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org', '127.0.0.1.example.org', 'app.localhost']) {
    it(`does not listen on ${host}, and says how to mend it`, async () => {
      const failure = await failureOf(webSocketServer({ host }).listen(nothing))

      expect(failure).to.have.property('code', 'ACTOR_LISTEN_FAILED')
      expect(failure).to.have.property('message').that.includes('tls: { cert, key }').and.includes('unencrypted: true')
    })
  }

  for (const host of ['127.0.0.1', '127.3.2.1', 'localhost']) {
    it(`listens on ${host}`, async () => {
      const listening = await webSocketServer({ host }).listen(nothing)
      await listening.close()
    })
  }

  it('listens for everybody when that is spelt out', async () => {
    const listening = await webSocketServer({ host: '0.0.0.0', unencrypted: true }).listen(connection =>
      connection.open({ frame: nothing, close: nothing })
    )
    const connection = await webSocket(listening.url ?? '', { WebSocket }).connect(signal())
    connection.close()
    await listening.close()
  })

  it('does not share a plain server that listens for other machines', async () => {
    const server = createPlainServer()
    await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve))

    const failure = await failureOf(webSocketServer({ server }).listen(nothing))
    const spelt = await webSocketServer({ server, unencrypted: true }).listen(nothing)

    expect(failure).to.have.property('code', 'ACTOR_LISTEN_FAILED')
    expect(server.listenerCount('upgrade')).to.equal(1)
    await spelt.close()
    await stop(server)
  })

  it('answers upgrades with 403 and the mend on a shared server that begins to listen for other machines later', async () => {
    const server = createPlainServer()
    const listening = await webSocketServer({ server, path: '/actors' }).listen(() => {
      throw new Error('nobody may get in')
    })
    await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve))

    const said = await new Promise<string>(resolve => {
      let text = ''
      const socket = connect(portOf(server), '127.0.0.1', () =>
        socket.write(
          'GET /actors HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
        )
      )
      socket.setEncoding('utf8').on('data', data => {
        text += data
      })
      socket.on('close', () => resolve(text))
    })
    await listening.close()
    await stop(server)

    expect(said)
      .to.match(/^HTTP\/1\.1 403 Forbidden\r\n/)
      .and.includes('unencrypted: true')
  })

  it('may be shared where it listens on a pipe, which belongs to this machine', async () => {
    const server = createPlainServer()
    const folder = await mkdtemp(join(tmpdir(), 'whereabouts-pipe-'))
    const path = process.platform === 'win32' ? `\\\\.\\pipe\\${folder.slice(-6)}` : join(folder, 'pipe')
    await new Promise<void>(resolve => server.listen(path, resolve))
    let taken = 0
    const listening = await webSocketServer({ server }).listen(connection => {
      taken += 1
      connection.open({ frame: nothing, close: nothing })
    })

    const socket = new WebSocket(`ws+unix:${path}:/actors`)
    await new Promise(resolve => socket.once('open', resolve))
    socket.terminate()
    await listening.close()
    await stop(server)
    await rm(folder, { recursive: true, force: true })

    expect(taken).to.equal(1)
  })

  it('is not needed on a shared server that has one', async () => {
    const server = createServer(own, (_request, response) => response.end('the page'))
    const listening = await webSocketServer({ server, path: '/actors' }).listen(connection =>
      connection.open({ frame: nothing, close: nothing })
    )
    await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve))

    const connection = await webSocket(listening.url ?? '', { WebSocket: trusting(own) }).connect(signal())
    connection.close()
    await listening.close()
    await stop(server)

    expect(listening).to.have.property('url')
  })
})

describe('a dialler without TLS', () => {
  for (const host of ELSEWHERE) {
    it(`is refused for ${host}, and allowed when it is spelt out`, () => {
      for (const scheme of ['ws', 'http']) {
        expect(() => webSocket(`${scheme}://${host}/actors`, { WebSocket }))
          .to.throw('unencrypted: true')
          .with.property('code', 'ACTOR_BAD_OPTION')
        expect(webSocket(`${scheme}://${host}/actors`, { WebSocket, unencrypted: true }).kind).to.equal('websocket')
      }
      expect(webSocket(`wss://${host}/actors`, { WebSocket }).kind).to.equal('websocket')
    })
  }

  for (const host of HERE) {
    it(`may dial ${host}, which is this machine`, () => {
      expect(webSocket(`ws://${host}:8080`, { WebSocket }).kind).to.equal('websocket')
    })
  }

  it('is not told the token of the query in the error', () => {
    expect(() => webSocket('ws://example.org/actors?token=secret', { WebSocket }))
      .to.throw()
      .with.property('message')
      .that.does.not.include('secret')
  })
})
