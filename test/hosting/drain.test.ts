import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { WebSocket } from 'ws'
import { drainOnSignal } from '../../hosting/drain.ts'
import {
  type ActorRef,
  type ActorSystem,
  actorName,
  createSystem,
  type GatewayReport,
  type Link
} from '../../runtime/index.ts'
import { webSocket } from '../../transports/websocket.ts'
import { numbers, until } from '../suites/any-ref/cast.ts'
import { quiet } from '../support/quiet.ts'

const Notes = actorName<number>('notes')
const Desk = actorName<{ type: 'work'; n: number; replyTo: ActorRef<number> }>('desk')
const root = fileURLToPath(new URL('../..', import.meta.url))

/** A server in a process of its own. */
class Server {
  readonly process: ChildProcess
  said = ''

  constructor(env: Record<string, string>) {
    this.process = spawn(process.execPath, ['--import', './tools/ts.mjs', 'test/support/draining-server.ts'], {
      cwd: root,
      env: { ...process.env, PORT: '0', ...env }
    })
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.said += text
      })
    }
  }

  async url(): Promise<string> {
    await until(() => this.said.includes('url '), 'the server listens', 20_000)
    return /url (\S+)/.exec(this.said)?.[1] ?? ''
  }

  /** Its exit code, and the milliseconds from the signal to its end. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ code: unknown; took: number }> {
    const began = performance.now()
    this.process.kill(signal)
    const [code] = await once(this.process, 'close')
    return { code, took: performance.now() - began }
  }
}

async function statusOf(url: string): Promise<GatewayReport> {
  return (await (await fetch(new URL('/status', url.replace('ws:', 'http:')))).json()) as GatewayReport
}

describe('a process that drains on a signal', function () {
  this.timeout(60_000)
  let client: ActorSystem
  const servers: Server[] = []

  const start = async (env: Record<string, string>): Promise<{ server: Server; url: string }> => {
    const server = new Server(env)
    servers.push(server)
    return { server, url: await server.url() }
  }
  const connect = (url: string): Promise<Link> =>
    client.connect(webSocket(url, { WebSocket }), { backoff: { min: 20, max: 200 } })

  beforeEach(() => {
    client = createSystem({ label: 'client', logger: quiet })
  })

  afterEach(async () => {
    await client.shutdown()
    for (const { process } of servers.splice(0)) process.kill('SIGKILL')
  })

  it('exits with 0 in time, with all it had acknowledged handled, and its clients find its successor', async () => {
    const { server, url } = await start({ WITHIN: '8000' })
    const link = await connect(url)
    const why: unknown[] = []
    link.onStatus((status, reason) => void why.push([status, reason?.message.includes('4503')]))
    const [notes, desk] = [await client.lookup(Notes), await client.lookup(Desk)]
    const asked = numbers(50).map(n => desk.ask({ type: 'work', n }, { within: 20_000 }))
    let sent = 0
    const pump = (): void => {
      while (link.status === 'connected' && !notes.pressed && notes.send(sent)) sent += 1
      if (link.status === 'connected') setImmediate(pump)
    }
    pump()
    while ((await statusOf(url)).asked < 50 || sent < 5_000);
    const before = client.counters.deadLetters

    const ending = server.end()
    let status = 'open'
    while (status === 'open') status = (await statusOf(url)).status
    const answers = await Promise.all(asked)
    const { code, took } = await ending
    await until(() => link.status === 'suspended', 'the client knows')
    const successor = await start({ WITHIN: '1000', PORT: new URL(url).port })
    await until(() => link.status === 'connected', 'the client is back')

    expect(code).to.equal(0)
    expect(took).to.be.below(8000)
    expect(status).to.equal('draining')
    expect(answers).to.deep.equal(numbers(50).map(n => 2 * n))
    const unacknowledged = client.counters.deadLetters - before
    expect(server.said).to.include(`handled ${sent - unacknowledged} in order`)
    expect(why[0]).to.deep.equal(['suspended', true])
    expect((await successor.server.end()).code).to.equal(0)
  })

  it('exits with 0 within its budget although a question is never answered', async () => {
    const { server, url } = await start({ WITHIN: '3000', STUCK: 'yes' })
    await connect(url)
    const asked = (await client.lookup(Desk)).ask({ type: 'work', n: 1 }, { within: 30_000 }).catch(error => error.code)
    ;(await client.lookup(Notes)).send(0)
    await until(() => client.counters.sent >= 2, 'it was asked')

    const { code, took } = await server.end('SIGINT')

    expect(code).to.equal(0)
    expect(took).to.be.below(3000)
    expect(await asked).to.equal('ACTOR_STOPPED')
    expect(server.said).to.include('handled 1 in order')
  })

  it('ends at once, with 1, when it is told twice', async () => {
    const { server, url } = await start({ WITHIN: '30000', STUCK: 'yes' })
    const link = await connect(url)
    void (await client.lookup(Desk)).ask({ type: 'work', n: 1 }, { within: 60_000 }).catch(() => {})
    await link.flushed()
    server.process.kill('SIGTERM')
    while ((await statusOf(url)).status === 'open');

    const { code, took } = await server.end('SIGTERM')

    expect(code).to.equal(1)
    expect(took).to.be.below(5000)
  })

  it('takes its handlers off when told, and puts them on the signals it was given only', async () => {
    const count = (): number[] => ['SIGTERM', 'SIGINT', 'SIGUSR2'].map(signal => process.listenerCount(signal))
    const before = count()

    const usual = drainOnSignal(client)
    const with2 = count()
    const own = drainOnSignal(client, { signals: ['SIGUSR2'] })
    const with3 = count()
    usual.unsubscribe()
    own.unsubscribe()

    const [term, int, usr] = before as [number, number, number]
    expect(with2).to.deep.equal([term + 1, int + 1, usr])
    expect(with3).to.deep.equal([term + 1, int + 1, usr + 1])
    expect(count()).to.deep.equal(before)
  })

  it('refuses a budget that is none', () => {
    for (const within of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => drainOnSignal(client, { within }), String(within))
        .to.throw()
        .with.property('code', 'ACTOR_BAD_OPTION')
    }
  })
})
