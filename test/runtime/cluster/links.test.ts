import { expect } from 'chai'
import {
  type ActorSystem,
  actorName,
  type Connection,
  type Link,
  type LinkStatus,
  type ListenOptions,
  type Transport
} from '../../../runtime/index.ts'
import { type MemoryNetwork, memory } from '../../../transports/memory.ts'
import { failure, failureCode, noting, until } from '../../suites/any-ref/cast.ts'
import { type World, world } from '../../support/world.ts'

const Desk = actorName<string>('desk')
const SECRET = 'the secret of the test'
const nodes: ListenOptions = { trust: { node: { secret: SECRET } } }
const guests: ListenOptions = { trust: 'guest', expose: [{ name: Desk, unchecked: true }] }
const QUICK = { min: 100, max: 1000 }

describe('links and gateways', () => {
  let scene: World
  let hub: ActorSystem
  let guest: ActorSystem
  let network: MemoryNetwork
  let transport: Transport
  let listener: ReturnType<typeof memory>['listener']

  beforeEach(() => {
    scene = world()
    hub = scene.make('hub')
    guest = scene.make('guest')
    const memories = memory()
    network = memories.network
    transport = memories.transport
    listener = memories.listener
  })

  afterEach(() => scene.end())

  const pass = (time: number): Promise<void> => scene.pass(time)
  const settled = (): Promise<void> => scene.settled()

  const statuses = (link: Link): LinkStatus[] => {
    const seen: LinkStatus[] = []
    link.onStatus(status => void seen.push(status))
    return seen
  }

  describe('a link', () => {
    it('is connected, suspended while it is cut, connected again, and closed for good', async () => {
      await hub.listen(listener, nodes)
      const link = await guest.connect(transport, { secret: SECRET, backoff: QUICK })
      const seen = statuses(link)
      expect(link.status).to.equal('connected')
      network.cut()
      await settled()
      expect(link.status).to.not.equal('connected')
      await pass(3000)
      expect(link.status).to.equal('connected')
      const over = link.disconnect()
      await pass(1000)
      await over
      expect(link.status).to.equal('closed')
      expect(seen[0]).to.equal('suspended')
      expect(seen.at(-1)).to.equal('closed')
      expect(seen).to.include('connected')
    })

    it('dials at once when its transport says that the network may be back, for as long as it is wanted', async () => {
      await hub.listen(listener, nodes)
      let back: (() => void) | undefined
      const waking: Transport = {
        ...transport,
        whenBack(then) {
          back = then
          return () => {
            back = undefined
          }
        }
      }
      const link = await guest.connect(waking, { secret: SECRET, backoff: { min: 60_000, max: 120_000 } })
      network.refuse(true)
      network.cut()
      await settled()
      back?.()
      await settled()
      expect(link.status).to.equal('suspended')
      network.refuse(false)
      back?.()
      await settled()
      expect(link.status).to.equal('connected')
      back?.()
      await settled()
      expect(network.size).to.equal(1)
      await link.disconnect()
      expect(back).to.equal(undefined)
    })

    it('does not come back after disconnect', async () => {
      await hub.listen(listener, nodes)
      const link = await guest.connect(transport, { secret: SECRET, backoff: QUICK })
      const over = link.disconnect()
      await pass(1000)
      await over
      await pass(60_000)
      expect(network.size).to.equal(0)
      expect(link.status).to.equal('closed')
      expect(await failureCode(guest.lookup(Desk, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
    })

    it('may be made again after disconnect', async () => {
      await hub.listen(listener, nodes)
      hub.spawn(noting<string>([]), { name: Desk })
      const link = await guest.connect(transport, { secret: SECRET, backoff: QUICK })
      const over = link.disconnect()
      await pass(1000)
      await over
      await guest.connect(transport, { secret: SECRET, backoff: QUICK })
      expect((await guest.lookup(Desk)).send('hello')).to.equal(true)
    })

    it('tells how much is not acknowledged, and when it is', async () => {
      await hub.listen(listener, nodes)
      const seen: string[] = []
      hub.spawn(noting(seen), { name: Desk })
      const link = await guest.connect(transport, { secret: SECRET, backoff: QUICK })
      const desk = await guest.lookup(Desk)
      await pass(500)
      expect(link.pending).to.equal(0)
      await link.flushed()
      network.hold()
      desk.send('x'.repeat(5000))
      await settled()
      expect(link.pending).to.be.greaterThan(5000)
      const late = failureCode(link.flushed({ within: 500 }))
      await pass(750)
      expect(await late).to.equal('ACTOR_ASK_TIMEOUT')
      const flushed = link.flushed({ within: 5000 })
      network.release()
      await pass(500)
      await flushed
      expect(link.pending).to.equal(0)
      expect(seen).to.have.length(1)
    })

    it('measures its round trip', async () => {
      await hub.listen(listener, nodes)
      const link = await guest.connect(transport, { secret: SECRET, backoff: QUICK })
      await pass(30_000)
      expect(link.rtt).to.be.a('number')
      expect(link.rtt).to.be.at.least(0)
    })

    it('notices a way that is dead though nobody said so, and takes another', async () => {
      await hub.listen(listener, nodes)
      const link = await guest.connect(transport, { secret: SECRET, backoff: QUICK })
      const seen = statuses(link)
      network.hold()
      await pass(25_000)
      network.release()
      await pass(10_000)
      expect(seen).to.include('suspended')
      expect(link.status).to.equal('connected')
    })

    it('waits for a hub that is not there yet', async () => {
      const link = guest.connect(transport, { secret: SECRET, backoff: QUICK, within: 20_000 })
      await pass(3000)
      await hub.listen(listener, nodes)
      await pass(3000)
      expect((await link).status).to.equal('connected')
    })

    it('fails when nobody is there in time, and dials no more', async () => {
      let dials = 0
      const counting: Transport = {
        kind: 'counting',
        connect(signal) {
          dials++
          return transport.connect(signal)
        }
      }
      const failed = failure(guest.connect(counting, { secret: SECRET, backoff: QUICK, within: 3000 }))
      await pass(4000)
      expect(await failed)
        .to.have.property('code')
        .that.is.oneOf(['ACTOR_UNREACHABLE', 'ACTOR_ASK_TIMEOUT'])
      const before = dials
      await pass(20_000)
      expect(dials).to.equal(before)
      expect(before).to.be.greaterThan(1)
    })

    it('is given up with the reason of its signal', async () => {
      const controller = new AbortController()
      const failed = failure(guest.connect(transport, { secret: SECRET, backoff: QUICK, signal: controller.signal }))
      await pass(1000)
      const reason = new Error('enough')
      controller.abort(reason)
      expect(await failed).to.equal(reason)
    })
  })

  describe('a refusal', () => {
    const refused: Array<[string, ListenOptions, object, string[]]> = [
      ['of a wrong secret', nodes, { secret: 'quite another secret' }, ['ACTOR_FORBIDDEN']],
      ['of no secret', nodes, {}, ['ACTOR_FORBIDDEN']],
      [
        'by authenticate',
        {
          ...guests,
          authenticate: () => {
            throw new Error('a secret of the house')
          }
        },
        { token: 'x' },
        ['ACTOR_FORBIDDEN']
      ],
      [
        'by an authenticate that rejects',
        { ...guests, authenticate: () => Promise.reject(new Error('a secret of the house')) },
        {},
        ['ACTOR_FORBIDDEN']
      ],
      [
        'by an authenticate that takes for ever',
        { ...guests, authenticate: () => new Promise(() => {}) },
        {},
        ['ACTOR_FORBIDDEN']
      ]
    ]
    for (const [title, options, credentials, codes] of refused) {
      it(`${title} is final and says nothing of inside`, async () => {
        await hub.listen(listener, options)
        const failed = failure(guest.connect(transport, { ...credentials, backoff: QUICK, within: 20_000 }))
        await pass(22_000)
        const error = (await failed) as Error & { code: string }
        expect(error.code).to.be.oneOf(codes)
        expect(error.message).to.not.include('secret of the house')
      })
    }

    it('is given to somebody who speaks another language, and the next is served', async () => {
      await hub.listen(listener, guests)
      const strange: Connection = await transport.connect(new AbortController().signal)
      const closed: number[] = []
      strange.open({ frame() {}, close: ({ code }) => void closed.push(code) })
      strange.send(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'))
      await until(() => closed.length > 0, 'it was shown the door')
      const link = await guest.connect(transport, { backoff: QUICK })
      expect(link.status).to.equal('connected')
    })

    it('is given to somebody who says nothing', async () => {
      await hub.listen(listener, guests)
      const silent: Connection = await transport.connect(new AbortController().signal)
      const closed: number[] = []
      silent.open({ frame() {}, close: ({ code }) => void closed.push(code) })
      await pass(6000)
      expect(closed).to.have.length(1)
    })

    it('meets a server that is none of ours', async () => {
      await listener.listen(connection => {
        connection.open({ frame: () => connection.send(new Uint8Array([60, 104, 116, 109, 108, 62])), close() {} })
      })
      const failed = failure(guest.connect(transport, { backoff: QUICK, within: 3000 }))
      await pass(4000)
      expect(await failed)
        .to.have.property('code')
        .that.matches(/^ACTOR_/)
    })

    it('of a listener that is taken is ACTOR_LISTEN_FAILED', async () => {
      await hub.listen(listener, guests)
      expect(await failureCode(guest.listen(listener, guests))).to.equal('ACTOR_LISTEN_FAILED')
    })
  })

  describe('a gateway', () => {
    it('knows its peers by label and principal', async () => {
      const gateway = await hub.listen(listener, { ...guests, authenticate: ({ token }) => ({ user: token }) })
      const link = await guest.connect(transport, { token: async () => 'Ada', backoff: QUICK })
      expect(
        [...gateway.peers].map(({ id, label, principal, status }) => ({ id, label, principal, status }))
      ).to.deep.equal([{ id: guest.id, label: 'guest', principal: { user: 'Ada' }, status: 'connected' }])
      const over = link.disconnect()
      await pass(1000)
      await over
      expect([...gateway.peers]).to.deep.equal([])
    })

    it('asks for a new token at every attempt', async () => {
      const tokens: Array<string | undefined> = []
      await hub.listen(listener, { ...guests, authenticate: ({ token }) => void tokens.push(token) })
      let count = 0
      await guest.connect(transport, { token: () => `token ${++count}`, backoff: QUICK })
      network.cut()
      await pass(3000)
      expect(tokens).to.deep.equal(['token 1', 'token 2'])
    })

    it('says goodbye when it closes, and takes nobody in after that', async () => {
      const gateway = await hub.listen(listener, nodes)
      const link = await guest.connect(transport, { secret: SECRET, backoff: QUICK })
      const over = gateway.close()
      await pass(1000)
      await over
      expect(link.status).to.not.equal('connected')
      await pass(5000)
      expect(link.status).to.not.equal('connected')
      expect([...gateway.peers]).to.deep.equal([])
    })
  })
})
