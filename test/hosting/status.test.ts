import { expect } from 'chai'
import { WebSocket } from 'ws'
import { statusHandler, statusResponse } from '../../hosting/status.ts'
import {
  type ActorRef,
  type ActorSystem,
  actorName,
  createSystem,
  type Gateway,
  type GatewayReport,
  type ListenOptions,
  setup
} from '../../runtime/index.ts'
import { ManualClock } from '../../runtime/testing/index.ts'
import { memory } from '../../transports/memory.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { gate, noting, numbers, stuck } from '../suites/any-ref/cast.ts'
import { quiet } from '../support/quiet.ts'
import { rawPeer } from '../support/raw-peer.ts'

type Question = { type: 'question'; replyTo: ActorRef<number> }

const Silent = actorName<Question>('silent')
const Notes = actorName<number>('notes')
const guests: ListenOptions = {
  trust: 'guest',
  expose: [Silent, Notes].map(name => ({ name, unchecked: true })),
  downAfter: 10_000
}
const QUICK = { backoff: { min: 10, max: 20 } }
const silent = setup<Question>(() => ({ receive() {} }))
const nothing = (): void => {}

describe('the report of a gateway', () => {
  let clock: ManualClock
  let hub: ActorSystem
  let network: ReturnType<typeof memory>
  let gateway: Gateway
  let systems: ActorSystem[]

  beforeEach(async () => {
    clock = new ManualClock()
    hub = createSystem({ label: 'hub', clock, logger: quiet })
    network = memory()
    gateway = await hub.listen(network.listener, guests)
    systems = []
  })

  afterEach(async () => {
    const over = Promise.all([hub, ...systems].map(each => each.shutdown({ within: 10 })))
    await clock.advance(15_000)
    await over
  })

  const join = async (to = network): Promise<ActorSystem> => {
    const system = createSystem({ label: 'guest', clock, logger: quiet })
    systems.push(system)
    await system.connect(to.transport, QUICK)
    return system
  }

  const leave = async (system: ActorSystem | undefined): Promise<void> => {
    const over = system?.shutdown()
    await clock.advance(100)
    await over
  }

  /** What of the report is about others. */
  const others = ({ attached, suspended, pending, below, asking, asked }: GatewayReport) => ({
    attached,
    suspended,
    pending,
    below,
    asking,
    asked
  })
  const nobody = { attached: 0, suspended: 0, pending: 0, below: 0, asking: 0, asked: 0 }

  it('counts those attached, those suspended, and those in their handshake', async () => {
    const [first] = [await join(), await join(), await join()]
    const half = [await rawPeer(network.transport), await rawPeer(network.transport)]
    await clock.settle()
    const before = others(gateway.report())
    network.network.refuse(true)
    network.network.cut()
    await clock.settle()
    const cut = others(gateway.report())
    network.network.refuse(false)
    await clock.advance(100)
    const back = others(gateway.report())
    for (const each of half) each.close()
    await leave(first)

    expect(before).to.deep.equal({ ...nobody, attached: 3, pending: 2 })
    expect(cut).to.deep.equal({ ...nobody, attached: 3, suspended: 3 })
    expect(back).to.deep.equal({ ...nobody, attached: 3 })
    expect(others(gateway.report())).to.deep.equal({ ...nobody, attached: 2 })
  })

  it('forgets those who stay away', async () => {
    await join()
    network.network.refuse(true)
    network.network.cut()
    await clock.advance(10_100)

    expect(others(gateway.report())).to.deep.equal(nobody)
  })

  it('counts systems below those attached, until they leave or their way does', async () => {
    const [one, two] = [await join(), await join()]
    const below = []
    for (const each of [one, one, two]) {
      const side = memory()
      await each.listen(side.listener, { ...guests, trust: 'guest' })
      below.push(await join(side))
    }
    await clock.advance(10)
    const three = gateway.report().below
    await leave(below[0])
    const left = gateway.report().below
    await leave(two)

    expect([three, left, gateway.report().below]).to.deep.equal([3, 2, 1])
  })

  it('counts actors that are alive, and none of the runtime’s own', async () => {
    const refs = numbers(10).map(() => hub.spawn(silent))
    const parent = hub.spawn(
      setup<never>(ctx => {
        for (let n = 0; n < 5; n++) ctx.spawn(silent)
        return { receive() {} }
      })
    )
    const following = hub.members(Notes, nothing)
    await clock.advance(10)
    const all = gateway.report().actors
    await hub.stop(parent)
    await hub.stop(refs[0] as ActorRef<Question>)
    following.unsubscribe()
    await clock.advance(10)

    expect([all, gateway.report().actors]).to.deep.equal([16, 9])
  })

  it('counts open questions of both sides until they are settled, also by an end', async () => {
    const here = hub.spawn(silent, { name: Silent })
    const guest = await join()
    const there = await guest.lookup(Silent)
    const far = hub.ref<Question>(guest.spawn(silent).address)
    const failures = [
      ...numbers(3).map(() => there.ask({ type: 'question' }, { within: 60_000 })),
      ...numbers(2).map(() => far.ask({ type: 'question' }, { within: 60_000 })),
      here.ask({ type: 'question' }, { within: 1_000 })
    ].map(each => each.catch(nothing))
    void hub.lookup(actorName<never>('never'), { within: 60_000 }).catch(nothing)
    void guest.lookup(actorName<never>('never'), { within: 60_000 }).catch(nothing)
    await clock.advance(10)
    const open = others(gateway.report())
    await clock.advance(1_000)
    const later = others(gateway.report())
    await leave(guest)

    expect(open).to.deep.equal({ ...nobody, attached: 1, asking: 3, asked: 3 })
    expect(later).to.deep.equal({ ...nobody, attached: 1, asking: 2, asked: 3 })
    expect(others(gateway.report())).to.deep.equal(nobody)
    await Promise.all(failures)
  })

  it('has the exact counters of the system', async () => {
    const seen: number[] = []
    hub.spawn(noting(seen), { name: Notes })
    const guest = await join()
    const notes = await guest.lookup(Notes)
    await clock.advance(10)
    const before = gateway.report().counters
    for (const n of numbers(1234)) notes.send(n)
    await clock.advance(100)
    const after = gateway.report().counters

    expect(after).to.deep.equal({ ...hub.counters })
    expect(after.delivered - before.delivered).to.equal(1234)
    expect(after.deadLetters).to.equal(before.deadLetters)
  })

  it('holds nothing but counts', async () => {
    const guest = await join()
    const text = JSON.stringify(gateway.report())

    expect(text).to.not.include(hub.id).and.not.include(guest.id)
    expect(text.replace(/[a-zA-Z"{}:,]/g, '')).to.match(/^\d+$/)
  })
})

describe('a gateway on a port of its own', () => {
  let hub: ActorSystem
  let guest: ActorSystem
  beforeEach(() => {
    hub = createSystem({ label: 'hub', logger: quiet })
    guest = createSystem({ label: 'guest', logger: quiet })
  })
  afterEach(() => Promise.all([hub.shutdown({ within: 10 }), guest.shutdown({ within: 10 })]))

  const open = async (options: Parameters<typeof webSocketServer>[0] = {}): Promise<[Gateway, string]> => {
    const gateway = await hub.listen(webSocketServer(options), guests)
    return [gateway, new URL('/', (gateway.url ?? '').replace('ws:', 'http:')).href]
  }

  it('tells its status on /status, whatever its own path', async () => {
    const [gateway, url] = await open({ path: '/actors' })
    await guest.connect(webSocket(gateway.url ?? '', { WebSocket }))

    const got = await fetch(`${url}status?now`)
    const head = await fetch(`${url}status`, { method: 'HEAD' })
    const put = await fetch(`${url}status`, { method: 'PUT', body: 'x' })

    expect(await got.json()).to.deep.equal(JSON.parse(JSON.stringify(gateway.report())))
    expect([got.status, head.status, put.status]).to.deep.equal([200, 200, 405])
    expect([got, head, put].map(({ headers }) => headers.get('cache-control'))).to.deep.equal(Array(3).fill('no-store'))
    expect(head.headers.get('content-length')).to.not.equal(null)
  })

  it('tells it on another path, or nowhere', async () => {
    const [, elsewhere] = await open({ status: '/health' })
    const [, nowhere] = await open({ status: false })
    const codes = async (url: string) => [(await fetch(`${url}status`)).status, (await fetch(`${url}health`)).status]

    expect(await codes(elsewhere)).to.deep.equal([426, 200])
    expect(await codes(nowhere)).to.deep.equal([426, 426])
  })

  it('says 503 from the moment it drains to its end', async () => {
    const { opened, open: go } = gate()
    hub.spawn(stuck<number>([], opened), { name: Notes })
    const [gateway, url] = await open()
    await guest.connect(webSocket(gateway.url ?? '', { WebSocket }))
    ;(await guest.lookup(Notes)).send(1)
    while (hub.counters.delivered < 1 || gateway.report().counters.delivered === 0) await fetch(`${url}status`)

    const ending = hub.shutdown({ drain: 20_000 })
    const answer = await fetch(`${url}status`)
    const { status } = (await answer.json()) as GatewayReport
    go()
    await ending

    expect([answer.status, status]).to.deep.equal([503, 'draining'])
    expect(await fetch(`${url}status`).catch(() => 'nobody is there')).to.equal('nobody is there')
  })
})

describe('a status', () => {
  const report = { status: 'open' } as GatewayReport
  const said = (gateway: { report(): GatewayReport }, method?: string) => {
    let code = 0
    let text: string | undefined
    statusHandler(gateway)(method === undefined ? {} : { method }, {
      writeHead: status => {
        code = status
      },
      end: body => {
        text = body
      }
    })
    return [code, text]
  }

  it('is 200 while the gateway is open, and 503 while it drains and when it is closed', async () => {
    for (const [status, code] of [
      ['open', 200],
      ['draining', 503],
      ['closed', 503]
    ] as const) {
      const gateway = { report: () => ({ ...report, status }) }
      expect(said(gateway)).to.deep.equal([code, `{"status":"${status}"}\n`])
      expect(statusResponse(gateway).status).to.equal(code)
      expect(await statusResponse(gateway).json()).to.deep.equal({ status })
    }
  })

  it('has no body for HEAD, and no answer for what would change something', async () => {
    const gateway = { report: () => report }
    expect(said(gateway, 'HEAD')).to.deep.equal([200, undefined])
    expect(await statusResponse(gateway, { method: 'HEAD' }).text()).to.equal('')
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      expect(said(gateway, method)[0], method).to.equal(405)
      expect(statusResponse(gateway, { method }).status, method).to.equal(405)
    }
  })
})
