// A gateway on a server that has other things to do: routes of node:http, Express and Hono, and upgrades of others.

import { createServer, type Server } from 'node:http'
import { serve, upgradeWebSocket } from '@hono/node-server'
import { expect } from 'chai'
import express from 'express'
import { Hono } from 'hono'
import { WebSocket, WebSocketServer } from 'ws'
import { statusHandler, statusResponse } from '../../hosting/status.ts'
import { type ActorSystem, actorName, createSystem, type Gateway, type ListenOptions } from '../../runtime/index.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { upgradedWebSockets } from '../../transports/websocket-upgraded.ts'
import { echo } from '../suites/any-ref/cast.ts'
import { quiet } from '../support/quiet.ts'
import { portOf, stop } from '../transports/http.ts'

const Echo = actorName<{ type: 'echo'; value: unknown; replyTo: never }>('echo')
const SECRET = 'the secret of the test'
const guests: ListenOptions = { trust: 'guest', expose: [{ name: Echo, unchecked: true }] }

/** Each builds a server with a page on /, an echo of texts on /others for plain WebSockets, and the status on /status. */
const builders: ReadonlyArray<readonly [string, (gateway: () => Gateway) => Server]> = [
  [
    'node:http',
    gateway =>
      createServer((request, response) => {
        if (request.url === '/status') statusHandler(gateway())(request, response)
        else response.end('the page')
      })
  ],
  [
    'Express',
    gateway => {
      const app = express()
      app.get('/', (_request, response) => void response.send('the page'))
      app.all('/status', (request, response) => statusHandler(gateway())(request, response))
      return createServer(app)
    }
  ],
  [
    'Hono',
    gateway => {
      const app = new Hono()
      app.get('/', context => context.text('the page'))
      app.all('/status', context => statusResponse(gateway(), context.req.raw))
      return serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
    }
  ]
]

for (const [title, build] of builders) {
  describe(`a gateway beside ${title}`, () => {
    let server: Server
    let system: ActorSystem
    let gateway: Gateway
    let origin: string

    beforeEach(async () => {
      system = createSystem({ label: 'server', logger: quiet })
      system.spawn(echo(), { name: Echo as never })
      server = build(() => gateway)
      if (!server.listening) await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      gateway = await system.listen(webSocketServer({ server, path: '/actors' }), guests)
      origin = `127.0.0.1:${portOf(server)}`
    })

    afterEach(async () => {
      await system.shutdown()
      await stop(server)
    })

    const ask = async (path: string, secret?: string): Promise<unknown> => {
      await using client = createSystem({ logger: quiet })
      await client.connect(webSocket(`ws://${origin}${path}`, { WebSocket }), secret === undefined ? {} : { secret })
      const far = await client.lookup(Echo as never)
      return await (far as { ask(question: object): Promise<unknown> }).ask({ type: 'echo', value: 7 })
    }

    it('takes guests on its path, and leaves the pages alone', async () => {
      expect(await ask('/actors')).to.equal(7)
      expect(await (await fetch(`http://${origin}/`)).text()).to.equal('the page')
      expect(gateway.url).to.equal(`ws://${origin}/actors`)
    })

    it('leaves the upgrades of other paths to their owner', async () => {
      const others = new WebSocketServer({ noServer: true })
      server.on('upgrade', (request, socket, head) => {
        if (request.url !== '/others') return
        others.handleUpgrade(request, socket, head, socket => socket.on('message', text => socket.send(`${text}!`)))
      })

      const plain = new WebSocket(`ws://${origin}/others`)
      await new Promise(resolve => plain.once('open', resolve))
      plain.send('hello')
      const answer = await new Promise(resolve => plain.once('message', data => resolve(String(data))))

      expect(answer).to.equal('hello!')
      expect(await ask('/actors')).to.equal(7)
      plain.terminate()
    })

    it('shares the server with a second gateway on another path, for nodes', async () => {
      const nodes = await system.listen(webSocketServer({ server, path: '/nodes' }), {
        trust: { node: { secret: SECRET } }
      })

      expect(await ask('/nodes', SECRET)).to.equal(7)
      expect(await ask('/actors')).to.equal(7)
      await nodes.close()
      expect(await ask('/actors')).to.equal(7)
    })

    it('leaves the server running when it closes', async () => {
      await gateway.close()

      expect(await (await fetch(`http://${origin}/`)).text()).to.equal('the page')
      const answer = await fetch(`http://${origin}/status`)
      expect([answer.status, ((await answer.json()) as { status: string }).status]).to.deep.equal([503, 'closed'])
    })

    it('tells its status on a route of that server', async () => {
      const url = `http://${origin}/status`
      const [got, head, posted] = await Promise.all([
        fetch(url),
        fetch(url, { method: 'HEAD' }),
        fetch(url, { method: 'POST', body: '{}' })
      ])

      expect(await got.json()).to.deep.equal(JSON.parse(JSON.stringify(gateway.report())))
      expect([got.status, head.status, posted.status]).to.deep.equal([200, 200, 405])
      expect(await head.text()).to.equal('')
      expect(posted.headers.get('allow')).to.equal('GET, HEAD')
      for (const each of [got, head, posted]) {
        expect(each.headers.get('cache-control')).to.equal('no-store')
        expect(each.headers.get('content-type')).to.equal('application/json')
      }
    })
  })
}

describe('a gateway for sockets that Hono has upgraded', () => {
  it('takes them with what Hono knows of the caller', async () => {
    const system = createSystem({ label: 'server', logger: quiet })
    system.spawn(echo(), { name: Echo as never })
    const sockets = upgradedWebSockets()
    const shown: unknown[] = []
    const gateway = await system.listen(sockets, {
      ...guests,
      origins: ['https://example.org'],
      authenticate: ({ origin, headers }) => void shown.push([origin, headers?.cookie])
    })
    const app = new Hono()
    app.get(
      '/actors',
      upgradeWebSocket(context => ({
        onOpen: (_event, socket) => sockets.accept(socket.raw, { headers: context.req.header() })
      }))
    )
    const server = serve({
      fetch: app.fetch,
      port: 0,
      hostname: '127.0.0.1',
      websocket: { server: new WebSocketServer({ noServer: true }) as never }
    }) as Server
    await new Promise<void>(resolve => (server.listening ? resolve() : server.once('listening', resolve)))
    class FromPage extends WebSocket {
      constructor(url: string, protocols: string[], options: object) {
        super(url, protocols, { ...options, origin: 'https://example.org', headers: { cookie: 'a=b' } })
      }
    }

    const client = createSystem({ logger: quiet })
    await client.connect(webSocket(`ws://127.0.0.1:${portOf(server)}/actors`, { WebSocket: FromPage }))
    const far = await client.lookup(Echo as never)
    const answer = await (far as { ask(question: object): Promise<unknown> }).ask({ type: 'echo', value: [1, 2] })

    expect(answer).to.deep.equal([1, 2])
    expect(shown).to.deep.equal([['https://example.org', 'a=b']])
    expect(gateway.report().attached).to.equal(1)
    await client.shutdown()
    await system.shutdown()
    await stop(server)
  })
})
