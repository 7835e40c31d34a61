// What a dialler makes of the code that its connection was closed with, before and after it was attached.

import { expect } from 'chai'
import {
  type ActorSystem,
  actorName,
  type Connection,
  type ConnectOptions,
  createSystem,
  type Link,
  type Listener
} from '../../../runtime/index.ts'
import { memory } from '../../../transports/memory.ts'
import { noting, turn, watcher } from '../../suites/any-ref/cast.ts'
import { type HandClock, handClock } from '../../support/hand-clock.ts'
import { quiet } from '../../support/quiet.ts'

const Desk = actorName<string>('desk')
const QUICK = { min: 10, max: 20 }

/** The code, the error that the link tells, and whether it tries again. */
const codes: ReadonlyArray<readonly [close: number, error: string, again: boolean, text: RegExp]> = [
  [1000, 'ACTOR_UNREACHABLE', true, /1000/],
  [1001, 'ACTOR_UNREACHABLE', true, /1001/],
  [1006, 'ACTOR_UNREACHABLE', true, /1006/],
  [4400, 'ACTOR_UNREACHABLE', true, /4400/],
  [4401, 'ACTOR_FORBIDDEN', false, /connect with a new one/],
  [4403, 'ACTOR_FORBIDDEN', false, /its own log says why/],
  [4408, 'ACTOR_UNREACHABLE', true, /4408/],
  [4409, 'ACTOR_UNREACHABLE', true, /4409/],
  [4426, 'ACTOR_VERSION', false, /run the same release/],
  [4429, 'ACTOR_UNREACHABLE', true, /pendingHandshakes/],
  [4503, 'ACTOR_UNREACHABLE', true, /closing/],
  [4508, 'ACTOR_UNREACHABLE', true, /event loop/],
  [4999, 'ACTOR_UNREACHABLE', true, /4999/]
]

describe('a connection that is closed', () => {
  let clock: HandClock
  let hub: ActorSystem
  let guest: ActorSystem
  let memories: ReturnType<typeof memory>
  /** The listener's ends. */
  let accepted: Connection[]
  /** What each is closed with before it is greeted. */
  let turnAway: number | undefined
  let seen: string[]
  let stuck: boolean
  let waiting: number

  beforeEach(async () => {
    clock = handClock()
    hub = createSystem({ label: 'hub', clock, logger: quiet })
    guest = createSystem({ label: 'guest', clock, logger: quiet })
    memories = memory()
    accepted = []
    turnAway = undefined
    stuck = false
    waiting = 0
    seen = []
    hub.spawn(noting(seen), { name: Desk })
    const listener: Listener = {
      kind: 'test',
      listen: accept =>
        memories.listener.listen((connection, from) => {
          accepted.push(connection)
          if (turnAway === undefined) accept(slow(connection), from)
          else {
            connection.open({ frame() {}, close() {} })
            connection.close(turnAway)
          }
        })
    }
    await hub.listen(listener, { trust: 'guest', expose: [{ name: Desk, unchecked: true }] })
  })

  afterEach(async () => {
    const over = Promise.all([hub, guest].map(system => system.shutdown({ within: 100 })))
    await pass(5_000)
    await over
  })

  const pass = async (time: number): Promise<void> => {
    for (let passed = 0; passed < time; passed += 250) {
      clock.advance(250)
      for (let n = 0; n < 4; n++) await turn()
    }
  }
  /** The same connection; while it is stuck, what is sent does not leave. */
  const slow = (connection: Connection): Connection => ({
    maxFrame: connection.maxFrame,
    get buffered() {
      return connection.buffered + waiting
    },
    send(frame) {
      if (stuck) waiting += frame.length
      else connection.send(frame)
    },
    open: on => connection.open(on),
    close(code, reason) {
      waiting = 0
      connection.close(code, reason)
    }
  })
  const connect = (options: ConnectOptions = {}): Promise<Link> =>
    guest.connect(memories.transport, { backoff: QUICK, ...options })
  const story = (link: Link): Array<[string, string?, string?]> => {
    const told: Array<[string, string?, string?]> = []
    link.onStatus((status, why) => void told.push(why === undefined ? [status] : [status, why.code, why.message]))
    return told
  }

  for (const [close, error, again, text] of codes) {
    it(`with ${close} is ${again ? 'made again, and nothing is lost' : 'the last of its link'}: ${error}`, async () => {
      const link = await connect({ token: 'x' })
      const desk = await guest.lookup(Desk)
      const { ref, heard } = watcher(guest)
      await ref.ask({ type: 'watch', ref: desk })
      await pass(500)
      const told = story(link)
      if (close === 1006) memories.network.cut()
      else accepted.at(-1)?.close(close)
      desk.send('after')
      await pass(40_000)
      expect(told[0]?.slice(0, 2)).to.deep.equal([again ? 'suspended' : 'closed', error])
      expect(told[0]?.[2]).to.match(text)
      expect(link.status).to.equal(again ? 'connected' : 'closed')
      expect(seen).to.deep.equal(again ? ['after'] : [])
      expect(heard.length).to.equal(again ? 0 : 1)
    })

    it(`with ${close} before it was greeted is ${again ? 'made again' : 'the last'}: ${error}`, async () => {
      turnAway = close
      const link = connect({ within: 3_000 }).then(
        () => expect.fail('it was let in'),
        (thrown: { code: string; message: string }) => thrown
      )
      await pass(1_000)
      expect(accepted.length).to[again ? 'above' : 'equal'](1)
      await pass(3_000)
      const { code, message } = await link
      expect(code).to.equal(error)
      expect(message).to.match(text)
    })
  }

  it('with 4401 is made again where tokens can be asked for, if it was attached before', async () => {
    let count = 0
    const token = (): string => `${count++}`
    const link = await connect({ token })
    const told = story(link)
    accepted.at(-1)?.close(4401)
    await pass(1_000)
    expect(told.map(([status]) => status)).to.deep.equal(['suspended', 'connected'])
    expect(count).to.equal(2)
    turnAway = 4401
    accepted.at(-1)?.close(4401)
    await pass(1_000)
    expect(link.status).to.equal('suspended')
    turnAway = undefined
    await pass(1_000)
    expect(link.status).to.equal('connected')
  })

  it('with 4508, because a guest took nothing of what waited, loses nothing of it', async () => {
    const got: string[] = []
    const link = await connect()
    const there = hub.ref<string>(guest.spawn(noting(got)).address)
    there.send('first')
    await pass(250)
    const told = story(link)
    stuck = true
    for (let n = 0; n < 30; n++) there.send(`${n} ${'x'.repeat(50_000)}`)
    await pass(9_000)
    expect(told).to.deep.equal([])
    await pass(6_000)
    expect(told[0]?.[2]).to.include('4508')
    stuck = false
    await pass(5_000)
    expect(link.status).to.equal('connected')
    expect(got.map(text => text.split(' ')[0])).to.deep.equal([
      'first',
      ...Array.from({ length: 30 }, (_, n) => `${n}`)
    ])
  })
})
