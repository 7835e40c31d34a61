import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import {
  type ActorRef,
  type ActorSystem,
  actorName,
  createSystem,
  type ListenOptions,
  setup
} from '../../../runtime/index.ts'
import { ManualClock } from '../../../runtime/testing/index.ts'
import { memory } from '../../../transports/memory.ts'
import { failureCode, hand, noting, until, watcher } from '../../suites/any-ref/cast.ts'
import { quiet } from '../../support/quiet.ts'

const Open = actorName<number>('open')
const guests: ListenOptions = { trust: 'guest', expose: [{ name: Open, unchecked: true }] }

describe('a shutdown with links up', () => {
  let hub: ActorSystem
  let guest: ActorSystem

  beforeEach(() => {
    hub = createSystem({ label: 'hub', logger: quiet })
    guest = createSystem({ label: 'guest', logger: quiet })
  })

  afterEach(() => Promise.all([hub.shutdown(), guest.shutdown()]))

  const connect = async (): Promise<void> => {
    const { transport, listener } = memory()
    await hub.listen(listener, guests)
    await guest.connect(transport, { backoff: { min: 10, max: 20 } })
  }

  it('delivers everything that was sent before', async () => {
    await connect()
    const seen: number[] = []
    hub.spawn(noting(seen), { name: Open })
    const ref = await guest.lookup(Open)
    for (let n = 0; n < 20_000; n++) await hand(ref, n)
    await guest.shutdown()
    expect(seen.length).to.equal(20_000)
  })

  it('delivers the last words of actors that stop in it', async () => {
    await connect()
    const seen: number[] = []
    hub.spawn(noting(seen), { name: Open })
    const ref = await guest.lookup(Open)
    let started = false
    guest.spawn(
      setup<never>(() => {
        started = true
        return { receive() {}, stopping: () => void ref.send(7) }
      })
    )
    await until(() => started, 'it has started')
    await guest.shutdown()
    expect(seen).to.deep.equal([7])
  })

  it('is heard of at once by those who watch and ask', async () => {
    await connect()
    const silent = setup<{ type: 'get'; replyTo: ActorRef<number> }>(() => ({ receive() {} }))
    hub.spawn(silent, { name: Open as never })
    const ref = (await guest.lookup(Open)) as unknown as ActorRef<{ type: 'get'; replyTo: ActorRef<number> }>
    const { ref: watching, heard } = watcher(guest)
    await watching.ask({ type: 'watch', ref })
    const asked = failureCode(ref.ask({ type: 'get' }, { within: 60_000 }))
    await hub.shutdown()
    await until(() => heard.length > 0, 'the watcher hears')
    expect(await asked).to.be.oneOf(['ACTOR_STOPPED', 'ACTOR_UNREACHABLE'])
    expect(heard.length).to.equal(1)
  })

  it('refuses what is asked of the network after it', async () => {
    await connect()
    await guest.shutdown()
    const { transport, listener } = memory()
    expect(await failureCode(guest.connect(transport))).to.equal('ACTOR_SHUT_DOWN')
    expect(await failureCode(guest.listen(listener, guests))).to.equal('ACTOR_SHUT_DOWN')
    expect(await failureCode(guest.lookup(Open))).to.equal('ACTOR_SHUT_DOWN')
  })

  it('leaves no timer, whichever side goes first', async () => {
    for (const first of ['hub', 'guest']) {
      const clock = new ManualClock()
      const above = createSystem({ label: 'hub', logger: quiet, clock })
      const below = createSystem({ label: 'guest', logger: quiet, clock })
      const { transport, listener, network } = memory()
      await above.listen(listener, guests)
      above.spawn(noting<number>([]), { name: Open })
      await below.connect(transport, { backoff: { min: 10, max: 20 } })
      const ref = await below.lookup(Open)
      ref.send(1)
      network.cut()
      await clock.advance(100)
      const [one, other] = first === 'hub' ? [above, below] : [below, above]
      const over = one.shutdown()
      await clock.advance(2_000)
      await over
      const both = other.shutdown()
      await clock.advance(2_000)
      await both
      expect(clock.timers, `${first} first`).to.equal(0)
      expect(network.size).to.equal(0)
    }
  })

  it('leaves nothing that keeps the process', async () => {
    const root = fileURLToPath(new URL('../../../', import.meta.url))
    const child = spawn(process.execPath, ['--import', './tools/ts.mjs', 'test/support/two-systems.ts'], { cwd: root })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      output += text
    })
    const ended = new Promise<number | null>(resolve => child.on('close', resolve))
    await until(() => output.includes('last'), 'it has shut down', 20_000)
    const code = await Promise.race([ended, new Promise<'stuck'>(resolve => setTimeout(() => resolve('stuck'), 2_000))])
    if (code === 'stuck') child.kill()
    expect(output).to.equal('last 9999\n')
    expect(code).to.equal(0)
  }).timeout(30_000)
})
