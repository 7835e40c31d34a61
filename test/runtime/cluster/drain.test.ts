import { expect } from 'chai'
import {
  type ActorRef,
  type ActorSystem,
  actorName,
  createSystem,
  type Gateway,
  type Link,
  type ListenOptions,
  setup
} from '../../../runtime/index.ts'
import { ManualClock, seeded } from '../../../runtime/testing/index.ts'
import { memory } from '../../../transports/memory.ts'
import { expectNumbered, failureCode, gate, letters, noting, numbers, stuck } from '../../suites/any-ref/cast.ts'
import { quiet } from '../../support/quiet.ts'
import { rawPeer } from '../../support/raw-peer.ts'

type Work = { type: 'work'; n: number; replyTo: ActorRef<number> }

const Notes = actorName<number>('notes')
const Desk = actorName<Work>('desk')
const guests: ListenOptions = {
  trust: 'guest',
  expose: [Notes, Desk].map(name => ({ name, unchecked: true })),
  authorize: () => true,
  limits: { openAsks: 1000 }
}
const QUICK = { backoff: { min: 10, max: 20 } }

describe('a drain', () => {
  let clock: ManualClock
  let hub: ActorSystem
  let guest: ActorSystem
  let network: ReturnType<typeof memory>
  let gateway: Gateway
  let link: Link
  let warned: string[]

  beforeEach(async () => {
    clock = new ManualClock()
    warned = []
    hub = createSystem({ label: 'hub', clock, logger: { ...quiet, warn: message => void warned.push(message) } })
    guest = createSystem({ label: 'guest', clock, logger: quiet })
    network = memory()
    gateway = await hub.listen(network.listener, guests)
    link = await guest.connect(network.transport, QUICK)
  })

  afterEach(async () => {
    const over = Promise.all([hub.shutdown({ within: 10 }), guest.shutdown({ within: 10 })])
    await clock.advance(20_000)
    await over
  })

  /** Answers each question with its double, after a while in which it hears the others. */
  const slowDesk = (takes: (n: number) => number) =>
    setup<Work>(() => ({
      receive({ n, replyTo }) {
        clock.timer(takes(n), () => replyTo.send(2 * n))
      }
    }))

  /** How long a promise takes, in virtual milliseconds, and what came of it. */
  const timed = async <T>(promise: Promise<T>, most = 60_000): Promise<{ took: number; value: T }> => {
    const began = clock.now()
    let done: { took: number; value: T } | undefined
    void promise.then(value => {
      done = { took: clock.now() - began, value }
    })
    await clock.settle()
    for (let passed = 0; done === undefined && passed < most; passed += 10) await clock.advance(10)
    if (done === undefined) throw new Error(`it took more than ${most} virtual milliseconds`)
    return done
  }

  it('has all questions answered that are open, whatever time each takes, and no more time than they take', async () => {
    hub.spawn(
      slowDesk(n => 100 + n),
      { name: Desk }
    )
    const desk = await guest.lookup(Desk)
    const asked = numbers(200).map(n => desk.ask({ type: 'work', n: n + 1 }, { within: 30_000 }))
    await clock.advance(10)

    const { took } = await timed(gateway.close({ drain: 10_000 }))

    expect(await Promise.all(asked)).to.deep.equal(numbers(200).map(n => 2 * (n + 1)))
    expect(took).to.be.within(250, 500)
  })

  it('lets handlers end their promises, one after the other', async () => {
    const desk = setup<Work>(() => ({
      async receive({ n, replyTo }) {
        await new Promise<void>(resolve => clock.timer(10, resolve))
        replyTo.send(n)
      }
    }))
    hub.spawn(desk, { name: Desk })
    const remote = await guest.lookup(Desk)
    const asked = numbers(100).map(n => remote.ask({ type: 'work', n }, { within: 30_000 }))
    await clock.advance(10)

    const { took } = await timed(hub.shutdown({ drain: 10_000 }))

    expect(await Promise.all(asked)).to.deep.equal(numbers(100))
    expect(warned).to.deep.equal([])
    expect(took).to.be.within(980, 1200)
  })

  it('handles every message that was acknowledged, of a sender that does not stop', async () => {
    const seen: number[] = []
    hub.spawn(
      setup<number>(() => ({
        async receive(n) {
          if (n % 50 === 0) await new Promise<void>(resolve => clock.timer(5, resolve))
          seen.push(n)
        }
      })),
      { name: Notes, mailbox: { capacity: 1000 } }
    )
    const lost = letters(hub)
    const notes = await guest.lookup(Notes)
    let sent = 0
    const pump = (): void => {
      for (let n = 0; n < 200 && notes.send(sent); n++) sent += 1
      if (link.status === 'connected') clock.timer(1, pump)
    }
    pump()
    await clock.advance(100)
    const before = guest.counters.deadLetters

    const { took } = await timed(hub.shutdown({ drain: 2000, within: 1000 }))
    await clock.advance(100)

    expectNumbered(seen, seen.length)
    const unacknowledged = guest.counters.deadLetters - before
    expect(unacknowledged).to.be.above(0)
    expect(seen.length).to.equal(sent - unacknowledged)
    expect(lost).to.deep.equal([])
    expect(took).to.be.within(1000, 2500)
    await timed(guest.shutdown())
    expect(clock.timers).to.equal(0)
  })

  it('keeps its budget when a handler never ends', async () => {
    hub.spawn(stuck<number>([], new Promise(() => {})), { name: Notes })
    ;(await guest.lookup(Notes)).send(1)
    await clock.advance(100)

    const { took } = await timed(hub.shutdown({ drain: 1000, within: 500 }))

    expect(took).to.be.within(1000, 1600)
    expect(warned).to.include('a drain is over before all that was accepted is finished')
  })

  it('takes no time when there is nothing to finish', async () => {
    const { took } = await timed(gateway.close({ drain: 30_000 }))

    expect(took).to.be.at.most(100)
    expect(gateway.status).to.equal('closed')
  })

  it('is not held up by a lookup that waits', async () => {
    const looking = guest.lookup(actorName<never>('never'), { within: 60_000 })
    const asked = failureCode(looking)
    await clock.advance(100)

    const { took } = await timed(hub.shutdown({ drain: 30_000 }))
    await guest.shutdown()

    expect(took).to.be.at.most(200)
    await clock.advance(70_000)
    expect(await asked).to.be.a('string')
  })

  it('closes new connections with 4503, and says that it drains', async () => {
    const { opened, open } = gate()
    hub.spawn(stuck<number>([], opened), { name: Notes })
    ;(await guest.lookup(Notes)).send(1)
    await clock.advance(100)
    const closing = gateway.close({ drain: 10_000 })

    const late = await rawPeer(network.transport)
    await clock.settle()

    expect(late.closed).to.deep.equal([{ code: 4503, reason: 'closing' }])
    expect([gateway.status, gateway.report().status]).to.deep.equal(['draining', 'draining'])
    open()
    await timed(closing)
    expect([gateway.status, gateway.report().status]).to.deep.equal(['closed', 'closed'])
  })

  it('turns away those who are in the middle of their handshake', async () => {
    const half = await rawPeer(network.transport)
    await clock.settle()
    const pending = gateway.report().pending

    await timed(gateway.close({ drain: 1000 }))

    expect([pending, gateway.report().pending]).to.deep.equal([1, 0])
    expect(half.closed.map(({ code }) => code)).to.deep.equal([4503])
  })

  it('ends when it is closed again without time, for both who wait', async () => {
    hub.spawn(stuck<number>([], new Promise(() => {})), { name: Notes })
    ;(await guest.lookup(Notes)).send(1)
    await clock.advance(100)

    const first = gateway.close({ drain: 60_000 })
    await clock.advance(500)
    const { took } = await timed(gateway.close())
    await first

    expect(took).to.be.at.most(20)
  })

  it('gets no more time by being asked for more', async () => {
    hub.spawn(stuck<number>([], new Promise(() => {})), { name: Notes })
    ;(await guest.lookup(Notes)).send(1)
    await clock.advance(100)

    const first = timed(gateway.close({ drain: 1000 }))
    void gateway.close({ drain: 60_000 })

    expect((await first).took).to.be.within(990, 1100)
  })

  it('ends with the system that shuts down meanwhile', async () => {
    hub.spawn(stuck<number>([], new Promise(() => {})), { name: Notes })
    ;(await guest.lookup(Notes)).send(1)
    await clock.advance(100)
    const closing = gateway.close({ drain: 60_000 })

    const { took } = await timed(hub.shutdown({ within: 200 }))
    await closing

    expect(took).to.be.at.most(1500)
  })

  it('does not wait for a guest that is suspended, but finishes what that guest has sent', async () => {
    const seen: number[] = []
    const { opened, open } = gate()
    hub.spawn(stuck(seen, opened), { name: Notes })
    const notes = await guest.lookup(Notes)
    for (const n of numbers(10)) notes.send(n)
    await clock.advance(100)
    network.network.refuse(true)
    network.network.cut()
    await clock.advance(100)
    const report = gateway.report()

    const closing = timed(hub.shutdown({ drain: 10_000 }))
    clock.timer(300, open)

    expect((await closing).took).to.be.within(300, 500)
    expect([report.attached, report.suspended]).to.deep.equal([1, 1])
    expectNumbered(seen, 10)
  })

  it('waits for what this side has said to be acknowledged', async () => {
    const heard: number[] = []
    guest.spawn(noting(heard), { name: Notes })
    const there = hub.ref<number>(await addressOf(guest, Notes))
    await clock.advance(10)
    network.network.hold()
    for (const n of numbers(100)) there.send(n)
    clock.timer(400, () => network.network.release())

    const { took } = await timed(hub.shutdown({ drain: 5000 }))

    expectNumbered(heard, 100)
    expect(took).to.be.within(400, 700)
  })

  it('waits for the answers to its own questions', async () => {
    guest.spawn(
      slowDesk(() => 300),
      { name: Desk }
    )
    const desk = hub.ref<Work>(await addressOf(guest, Desk))
    const answer = desk.ask({ type: 'work', n: 4 }, { within: 10_000 })

    await timed(gateway.close({ drain: 5000 }))

    expect(await answer).to.equal(8)
  })

  it('leaves those who came in by another door alone', async () => {
    const side = memory()
    const other = createSystem({ label: 'other', clock, logger: quiet })
    await hub.listen(side.listener, guests)
    const stays = await other.connect(side.transport, QUICK)
    const seen: number[] = []
    hub.spawn(noting(seen), { name: Notes })
    const notes = await other.lookup(Notes)
    let sent = 0
    const pump = (): void => {
      if (sent >= 5000) return
      for (let n = 0; n < 50; n++) notes.send(sent++)
      clock.timer(1, pump)
    }
    pump()

    const { took } = await timed(gateway.close({ drain: 60_000 }))
    await clock.advance(500)

    expect(took).to.be.at.most(200)
    expect(stays.status).to.equal('connected')
    expectNumbered(seen, 5000)
    await timed(other.shutdown())
  })

  it('of one door waits for mail of theirs wherever it lies, and for no other', async () => {
    const keeping = setup<number>(ctx => ({ receive: () => void ctx.stash.add() }))
    const busy = hub.spawn(stuck<number>([], new Promise(() => {})))
    busy.send(1)
    busy.send(2)
    hub.spawn(keeping).send(1)
    const { took } = await timed(gateway.close({ drain: 10_000 }))
    const side = memory()
    const second = await hub.listen(side.listener, guests)
    await timed(guest.connect(side.transport, QUICK))

    hub.spawn(keeping, { name: Notes })
    ;(await guest.lookup(Notes, { on: hub.id })).send(7)
    await clock.advance(100)
    const aside = await timed(second.close({ drain: 500 }))

    expect(took).to.be.at.most(100)
    expect(aside.took).to.be.at.least(490)
  })

  it('goes on reading what it had left unread when the guest comes back by another door', async () => {
    const side = memory()
    await hub.listen(side.listener, guests)
    const seen: number[] = []
    const { opened, open } = gate()
    hub.spawn(stuck(seen, opened), { name: Notes })
    const notes = await guest.lookup(Notes)
    notes.send(0)
    await clock.advance(100)
    const closing = timed(gateway.close({ drain: 1000 }))
    await clock.advance(600)
    // By now nothing more is read.
    for (const n of numbers(5)) notes.send(n + 1)
    await clock.advance(100)
    const unread = seen.length
    await closing
    open()
    const back = await guest.connect(side.transport, QUICK)
    await clock.advance(2000)

    expect(unread).to.equal(0)
    expect(back.pending).to.equal(0)
    expectNumbered(seen, 6)
  })

  it('refuses a budget that is none', async () => {
    for (const drain of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1000' as never]) {
      expect(await failureCode(gateway.close({ drain })), String(drain)).to.equal('ACTOR_BAD_OPTION')
      expect(await failureCode(hub.shutdown({ drain })), String(drain)).to.equal('ACTOR_BAD_OPTION')
      expect(await failureCode(hub.shutdown({ within: drain })), String(drain)).to.equal('ACTOR_BAD_OPTION')
    }
    expect(gateway.status).to.equal('open')
  })

  it('of a whole system ends when that is told to shut down without one', async () => {
    hub.spawn(stuck<number>([], new Promise(() => {})), { name: Notes })
    ;(await guest.lookup(Notes)).send(1)
    await clock.advance(100)

    const first = hub.shutdown({ drain: 60_000, within: 100 })
    await clock.advance(500)
    const { took } = await timed(hub.shutdown())
    await first

    expect(took).to.be.at.most(1500)
  })

  it('takes no new listener and no new link', async () => {
    const { opened, open } = gate()
    hub.spawn(stuck<number>([], opened), { name: Notes })
    ;(await guest.lookup(Notes)).send(1)
    await clock.advance(100)

    const under = memory()
    const opening = failureCode(hub.listen(under.listener, guests))
    const ending = hub.shutdown({ drain: 1000 })

    expect(await opening, 'a listener that was being opened').to.equal('ACTOR_SHUT_DOWN')
    expect(await failureCode(under.transport.connect(AbortSignal.timeout(1000)))).to.equal('ACTOR_UNREACHABLE')
    expect(await failureCode(hub.listen(memory().listener, guests))).to.equal('ACTOR_SHUT_DOWN')
    expect(await failureCode(hub.connect(memory().transport))).to.equal('ACTOR_SHUT_DOWN')
    open()
    await timed(ending)
  })
})

describe('a goodbye of a gateway', () => {
  it('says with which code and why, and the link waits for a part of the time that was asked for', async () => {
    const clock = new ManualClock()
    const { transport, listener } = memory()
    const hub = createSystem({ label: 'hub', clock, logger: quiet })
    const guest = createSystem({ label: 'guest', clock, logger: quiet, random: () => 0.5 })
    const gateway = await hub.listen(listener, guests)
    const link = await guest.connect(transport, QUICK)
    const told: unknown[] = []
    link.onStatus((status, why) => void told.push([status, why?.code, why?.message.includes('4503')]))

    await gateway.close()
    await hub.listen(listener, guests)
    await clock.advance(499)
    const before = [...told]
    await clock.advance(2)

    expect(before).to.deep.equal([['suspended', 'ACTOR_UNREACHABLE', true]])
    expect(told.at(-1)).to.deep.equal(['connected', undefined, undefined])
    const over = Promise.all([guest.shutdown(), hub.shutdown()])
    await clock.advance(2000)
    await over
  })

  it('leaves questions open that went through it to others: they are answered by way of its successor', async () => {
    const clock = new ManualClock()
    const { transport, listener } = memory()
    const [first, second, guest, worker] = ['first', 'second', 'guest', 'worker'].map(label =>
      createSystem({ label, clock, logger: quiet })
    ) as [ActorSystem, ActorSystem, ActorSystem, ActorSystem]
    await first.listen(listener, guests)
    await guest.connect(transport, QUICK)
    await worker.connect(transport, QUICK)
    const desk = setup<Work>(() => ({
      receive({ n, replyTo }) {
        clock.timer(400, () => replyTo.send(n))
      }
    }))
    const far = guest.ref<Work>(worker.spawn(desk).address)
    const asked = numbers(20).map(n => far.ask({ type: 'work', n }, { within: 20_000 }))
    await clock.advance(100)

    const over = first.shutdown({ drain: 1000 })
    await clock.advance(100)
    await over
    await second.listen(listener, guests)
    await clock.advance(5_000)

    expect(await Promise.all(asked)).to.deep.equal(numbers(20))
    const rest = Promise.all([second, guest, worker].map(each => each.shutdown()))
    await clock.advance(3_000)
    await rest
  })

  it('spreads the return of 500 evenly over two milliseconds for each, and at least a second', async function () {
    this.timeout(60_000)
    const clock = new ManualClock()
    const { transport, listener } = memory()
    const first = createSystem({ label: 'first', clock, logger: quiet })
    const second = createSystem({ label: 'second', clock, logger: quiet })
    await first.listen(listener, guests)
    const { next: random } = seeded(7)
    const clients = numbers(500).map(n => createSystem({ label: `${n}`, clock, logger: quiet, random }))
    const links: Link[] = []
    for (const client of clients) links.push(await client.connect(transport, QUICK))
    const returns: number[] = []
    let began: number | undefined
    for (const link of links) {
      link.onStatus(status => {
        began ??= clock.now()
        if (status === 'connected') returns.push(clock.now() - began)
      })
    }
    const ended = first.shutdown({ drain: 1000 })
    while (began === undefined) await clock.advance(1)
    await ended
    await second.listen(listener, guests)

    for (let n = 0; n < 110; n++) await clock.advance(10)

    expect(returns.length).to.equal(500)
    const tenths = numbers(10).map(n => returns.filter(at => at >= n * 100 && at < (n + 1) * 100).length)
    for (const [n, count] of tenths.entries()) expect(count, `in tenth ${n} of ${tenths}`).to.be.within(25, 80)
    const over = Promise.all([...clients, second].map(each => each.shutdown()))
    for (let n = 0; n < 20; n++) await clock.advance(100)
    await over
  })
})

/** The address of a named actor: another system that knows it may send to it. */
async function addressOf(system: ActorSystem, name: typeof Notes | typeof Desk): Promise<string> {
  return (system.find(name as typeof Notes) as ActorRef<number>).address
}
