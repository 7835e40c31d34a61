// Credentials over real WebSockets: shown anew while the connection lives, ended with it, and shown by those who come back.
// The systems' time is set by hand, the sockets' is not.

import { expect } from 'chai'
import { WebSocket } from 'ws'
import { type ActorSystem, actorName, createSystem, type Link, setup } from '../../runtime/index.ts'
import type { Listener } from '../../runtime/peer/transport.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { failureCode, turn, until } from '../suites/any-ref/cast.ts'
import { type HandClock, handClock } from '../support/hand-clock.ts'
import { quiet } from '../support/quiet.ts'

const Desk = actorName<string>('desk')

describe('a credential over a WebSocket', () => {
  let clock: HandClock
  let hub: ActorSystem
  let guest: ActorSystem
  let link: Link
  let connections: number
  let closes: number[]
  let headers: Array<string | undefined>
  /** Who sent which text. */
  let seen: string[]
  let user: string
  let lasts: number

  beforeEach(async () => {
    clock = handClock()
    hub = createSystem({ label: 'hub', clock, logger: quiet })
    guest = createSystem({ label: 'guest', clock, logger: quiet })
    connections = 0
    closes = []
    headers = []
    seen = []
    user = 'ada'
    lasts = 100_000
    hub.spawn(
      setup<string>(() => ({ receive: (text, from) => void seen.push(`${from.principal}: ${text}`) })),
      { name: Desk }
    )
    const server = webSocketServer({ port: 0 })
    const counting: Listener = {
      kind: 'counting',
      listen: (accept, report) =>
        server.listen((connection, from) => {
          connections += 1
          accept(connection, from)
        }, report)
    }
    const { url } = await hub.listen(counting, {
      trust: 'guest',
      expose: [{ name: Desk, unchecked: true }],
      authenticate: ({ token = '', headers: shown }) => {
        headers.push(shown?.host)
        if (token === 'nobody') throw new Error('a secret of the house')
        return token
      },
      expires: () => clock.wall() + lasts,
      subject: principal => String(principal).slice(0, 1)
    })
    class Watched extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args)
        this.on('close', code => void closes.push(code))
      }
    }
    link = await guest.connect(webSocket(url as string, { WebSocket: Watched }), {
      token: () => user,
      backoff: { min: 10, max: 20 }
    })
  })

  afterEach(async () => {
    const over = Promise.all([guest, hub].map(system => system.shutdown({ within: 100 })))
    let ended = false
    void over.then(() => {
      ended = true
    })
    await passing(() => ended)
  })

  /** Lets time pass until something holds. */
  const passing = (holds: () => boolean): Promise<void> =>
    until(() => {
      clock.advance(10)
      return holds()
    }, 'it holds')

  it('is shown anew by hand: handlers see the new principal, over the same connection', async () => {
    const desk = await guest.lookup(Desk)
    desk.send('before')
    await until(() => seen.length === 1, 'it came')
    user = 'alice'
    await link.refresh()
    desk.send('after')
    await until(() => seen.length === 2, 'it came')
    expect(seen).to.deep.equal(['ada: before', 'alice: after'])
    expect([connections, closes, link.status]).to.deep.equal([1, [], 'connected'])
    expect(headers[0]).to.match(/^127\.0\.0\.1:\d+$/)
    expect(headers[1]).to.equal(headers[0])
  })

  it('is shown anew by the link before it ends', async () => {
    for (let passed = 0; passed < 90_000; passed += 1_000) {
      clock.advance(1_000)
      await turn()
    }
    await until(() => headers.length === 2, 'it was shown')
    for (let passed = 0; passed < 30_000; passed += 1_000) {
      clock.advance(1_000)
      await turn()
    }
    expect([connections, closes, link.status]).to.deep.equal([1, [], 'connected'])
  })

  it('that ends closes with 4401; its owner comes back with another, and nothing is lost', async () => {
    const desk = await guest.lookup(Desk)
    desk.send('one')
    await until(() => seen.length === 1, 'it came')
    user = 'nobody'
    await failureCode(link.refresh())
    await until(() => closes.length === 1, 'it is closed')
    desk.send('two')
    user = 'alice'
    await passing(() => seen.length === 2)
    lasts = 2_000
    await passing(() => clock.wall() > 1_000)
    await link.refresh()
    // The next one lasts: this one must end first.
    user = 'nobody'
    clock.advance(2_100)
    await until(() => closes.length >= 2, 'it has ended')
    desk.send('three')
    user = 'ada'
    lasts = 100_000
    await passing(() => seen.length === 3)
    expect(seen).to.deep.equal(['ada: one', 'alice: two', 'ada: three'])
    expect(new Set(closes)).to.deep.equal(new Set([4401]))
  })

  it('of somebody else closes with 4403, for good', async () => {
    user = 'ben'
    expect(await failureCode(link.refresh())).to.equal('ACTOR_FORBIDDEN')
    await until(() => closes.length === 1, 'it is closed')
    expect([closes, link.status]).to.deep.equal([[4403], 'closed'])
  })
})
