import { expect } from 'chai'
import { type ActorSystem, type MailboxOptions, setup } from 'whereabouts/core'
import { Envelope } from '../../../runtime/actor/envelope.ts'
import type { Origin } from '../../../runtime/actor/origin.ts'
import { ChunkPool } from '../../../runtime/actor/queue.ts'
import { Ref } from '../../../runtime/actor/ref.ts'
import type { ManualClock } from '../../../runtime/testing/manual-clock.ts'
import { codeOfRejection, inBothModes } from './machine.ts'

/** An actor whose handler waits until it is told to go on, so that mail piles up behind the first message. */
function busy<M>(system: ActorSystem, clock: ManualClock, mailbox?: MailboxOptions<M>) {
  const got: M[] = []
  let open = () => {}
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  const ref = system.spawn(
    setup<M>(() => ({
      async receive(message) {
        got.push(message)
        if (got.length === 1) await gate
      }
    })),
    mailbox === undefined ? undefined : { mailbox }
  )
  return {
    ref,
    got,
    async goOn() {
      open()
      await clock.settle()
    }
  }
}

inBothModes('a mailbox', start => {
  it('is pressed from 256 messages on, until 64 are left, and ready resolves then', async () => {
    const { system, clock } = start()
    const bob = busy<number>(system, clock)
    await bob.ref.ready()
    for (let n = 0; n < 255; n++) bob.ref.send(n)
    expect(bob.ref.pressed).to.equal(false)
    expect(bob.ref.send(255)).to.equal(true)
    expect(bob.ref.pressed).to.equal(true)
    let seen = -1
    const ready = bob.ref.ready().then(() => {
      seen = bob.got.length
    })
    await bob.goOn()
    await ready
    expect(bob.ref.pressed).to.equal(false)
    expect(seen).to.be.at.least(256 - 64)
    expect(bob.got).to.have.length(256)
  })

  it('takes 65,536 messages behind the one in hand; the next is refused and still the sender’s', async () => {
    const { system, clock } = start()
    const bob = busy<number>(system, clock)
    bob.ref.send(0)
    await clock.settle()
    for (let n = 1; n <= 65_536; n++) expect(bob.ref.send(n)).to.equal(true)
    expect(bob.ref.send(-1)).to.equal(false)
    expect(system.counters).to.deep.include({ sent: 65_537, refused: 1, deadLetters: 0 })
    await bob.goOn()
    expect(bob.got).to.deep.equal(Array.from({ length: 65_537 }, (_, n) => n))
  })

  it('publishes refusals once a second and ref, and counts all of them', async () => {
    const { system, clock, letters } = start()
    const bob = busy<number>(system, clock, { capacity: 1 })
    bob.ref.send(0)
    await clock.settle()
    bob.ref.send(1)
    for (let n = 0; n < 10; n++) bob.ref.send(2)
    await clock.advance(1000)
    bob.ref.send(3)
    await clock.settle()
    expect(letters.map(letter => [letter.reason, letter.message])).to.deep.equal([
      ['refused', 2],
      ['refused', 3]
    ])
    expect(system.counters.refused).to.equal(11)
  })

  it('has room again for a producer that waits', async () => {
    const { system, clock } = start()
    const bob = busy<number>(system, clock, { capacity: 4 })
    const producer = (async () => {
      for (let n = 0; n < 50; n++) while (!bob.ref.send(n)) await bob.ref.ready()
    })()
    await bob.goOn()
    await producer
    await clock.settle()
    expect(bob.got).to.deep.equal(Array.from({ length: 50 }, (_, n) => n))
  })

  it('rejects ready when its actor ends, when the signal aborts, and when its time is over', async () => {
    const { system, clock } = start()
    const bob = busy<number>(system, clock, { capacity: 1 })
    bob.ref.send(0)
    await clock.settle()
    bob.ref.send(1)
    const abort = new AbortController()
    const ended = codeOfRejection(bob.ref.ready())
    const aborted = codeOfRejection(bob.ref.ready({ signal: abort.signal }))
    const late = codeOfRejection(bob.ref.ready({ within: 10 }))
    abort.abort('enough')
    await clock.advance(10)
    expect([await aborted, await late]).to.deep.equal(['enough', 'ACTOR_ASK_TIMEOUT'])
    void system.stop(bob.ref)
    await clock.advance(5000)
    expect(await ended).to.equal('ACTOR_STOPPED')
    expect(await codeOfRejection(bob.ref.ready())).to.equal('ACTOR_STOPPED')
  })

  it('drops the oldest that waits, never the one in hand, where it is told to', async () => {
    const { system, clock, letters } = start()
    const bob = busy<number>(system, clock, { capacity: 3, overflow: 'drop-oldest' })
    bob.ref.send(0)
    await clock.settle()
    for (let n = 1; n <= 6; n++) expect(bob.ref.send(n)).to.equal(true)
    await bob.goOn()
    expect(bob.got).to.deep.equal([0, 4, 5, 6])
    expect(letters.map(letter => [letter.reason, letter.message])).to.deep.equal([
      ['dropped', 1],
      ['dropped', 2],
      ['dropped', 3]
    ])
  })

  it('drops the oldest also while the actor has not had its turn', async () => {
    const { system, clock } = start()
    const bob = busy<number>(system, clock, { capacity: 1, overflow: 'drop-oldest' })
    await clock.settle()
    for (let n = 0; n < 5; n++) bob.ref.send(n)
    await bob.goOn()
    expect(bob.got).to.deep.equal([4])
    expect(system.counters.deadLetters).to.equal(4)
  })

  it('drops the newest where it is told to', async () => {
    const { system, clock, letters } = start()
    const bob = busy<number>(system, clock, { capacity: 2, overflow: 'drop-newest' })
    bob.ref.send(0)
    await clock.settle()
    for (let n = 1; n <= 4; n++) expect(bob.ref.send(n)).to.equal(true)
    await bob.goOn()
    expect(bob.got).to.deep.equal([0, 1, 2])
    expect(letters.map(letter => letter.message)).to.deep.equal([3, 4])
  })

  it('keeps the latest of each key, in the order they were sent', async () => {
    const { system, clock, letters } = start()
    const bob = busy<{ key: string; n: number }>(system, clock, { overflow: { latest: message => message.key } })
    const say = (key: string, n: number) => bob.ref.send({ key, n })
    say('x', 0)
    await clock.settle()
    say('a', 1)
    say('b', 2)
    say('a', 3)
    for (let n = 4; n < 1000; n++) say('c', n)
    say('b', 1000)
    await bob.goOn()
    expect(bob.got.map(({ key, n }) => `${key}${n}`)).to.deep.equal(['x0', 'a3', 'c999', 'b1000'])
    expect(system.counters.deadLetters).to.equal(2 + 995)
    expect(letters[0]).to.deep.include({ reason: 'dropped', message: { key: 'a', n: 1 } })
  })

  it('survives a key that throws', async () => {
    const { system, clock, letters } = start()
    const bob = busy<number>(system, clock, {
      overflow: {
        latest: () => {
          throw new Error('no key')
        }
      }
    })
    expect(bob.ref.send(1)).to.equal(true)
    await clock.settle()
    expect(letters.map(letter => letter.reason)).to.deep.equal(['dropped'])
  })

  it('fails a dropped question at once, and never drops a notice', async () => {
    const { system, clock } = start()
    const heard: string[] = []
    const carol = system.spawn(setup<never>(() => ({ receive: () => {} })))
    let open = () => {}
    const gate = new Promise<void>(resolve => {
      open = resolve
    })
    const bob = system.spawn(
      setup<unknown>(ctx => {
        ctx.watch(carol)
        return {
          async receive() {
            await gate
          },
          stopped: (_ref, reason) => void heard.push(reason.kind)
        }
      }),
      { mailbox: { capacity: 1, overflow: 'drop-oldest' } }
    )
    bob.send('first')
    await clock.settle()
    await system.stop(carol)
    const asked = codeOfRejection(bob.ask(() => 'question'))
    bob.send('last')
    expect(await asked).to.equal('ACTOR_NO_ROOM')
    open()
    await clock.settle()
    expect(heard).to.deep.equal(['done'])
  })
})

describe('mail from elsewhere', () => {
  const origin: Origin = { trust: 'guest', principal: 'eve', signal: new AbortController().signal }

  class Parcel extends Envelope {
    readonly origin = origin
    readonly told: string[] = []

    override disposed(): void {
      this.told.push('disposed')
    }
    override died(reason: string): void {
      this.told.push(reason)
    }
  }

  inBothModes('is weighed', start => {
    it('and refused beyond the bound in bytes, until there is room again', async () => {
      const { system, clock } = start()
      const bob = busy<string>(system, clock, { bytes: 100 })
      const ref = bob.ref as unknown as Ref<never>
      bob.ref.send('first')
      await clock.settle()
      const [one, two] = [new Parcel('one', 80), new Parcel('two', 80)]
      let room = 0
      expect(ref.deliver(one)).to.equal(true)
      expect(ref.deliver(two)).to.equal(false)
      ref.onRoom(() => room++)
      expect([one.told, two.told, room]).to.deep.equal([[], [], 0])
      await bob.goOn()
      expect([one.told, room]).to.deep.equal([['disposed'], 1])
      expect(ref.deliver(two)).to.equal(true)
      await clock.settle()
      expect(bob.got).to.deep.equal(['first', 'one', 'two'])
    })

    it('but one message that is larger than the bound passes an empty mailbox', async () => {
      const { system, clock } = start()
      const bob = busy<string>(system, clock, { bytes: 100 })
      expect((bob.ref as unknown as Ref<never>).deliver(new Parcel('huge', 1000))).to.equal(true)
      await clock.settle()
      expect(bob.got).to.deep.equal(['huge'])
    })

    it('and tells where it came from, with the signal of the actor', async () => {
      const { system, clock } = start()
      let from: Origin | undefined
      const bob = system.spawn(
        setup<string>(() => ({
          receive: (_m, origin) => {
            from = origin
          }
        }))
      )
      ;(bob as unknown as Ref<never>).deliver(new Parcel('hi', 1))
      await clock.settle()
      expect([from?.trust, from?.principal]).to.deep.equal(['guest', 'eve'])
      const signal = from?.signal
      await system.stop(bob)
      expect(signal?.aborted).to.equal(true)
    })

    it('and disposed of once when its actor ends, or has ended', async () => {
      const { system, clock, letters } = start()
      const bob = busy<string>(system, clock)
      const ref = bob.ref as unknown as Ref<never>
      bob.ref.send('first')
      await clock.settle()
      const [waiting, late] = [new Parcel('waiting', 1), new Parcel('late', 1)]
      ref.deliver(waiting)
      const stopped = system.stop(bob.ref)
      await clock.advance(5000)
      await stopped
      expect(ref.deliver(late)).to.equal(true)
      await clock.settle()
      expect([waiting.told, late.told]).to.deep.equal([
        ['disposed', 'no-actor'],
        ['disposed', 'no-actor']
      ])
      expect(letters.map(letter => letter.message)).to.deep.equal(['waiting', 'late'])
    })

    it('and its sender is told of pressure', async () => {
      const { system, clock } = start()
      const bob = busy<number>(system, clock, { capacity: 8 })
      const told: boolean[] = []
      ;(bob.ref as unknown as Ref<never>).onPressure(on => told.push(on))
      bob.ref.send(0)
      await clock.settle()
      for (let n = 1; n < 8; n++) bob.ref.send(n)
      expect(told).to.deep.equal([true])
      await bob.goOn()
      expect(told).to.deep.equal([true, false])
    })
  })
})

describe('a queue', () => {
  it('keeps the order over many chunks, and gives them back', () => {
    const pool = new ChunkPool()
    const queue = pool.queue()
    const taken: unknown[] = []
    for (let n = 0; n < 1000; n++) queue.push(n)
    for (let n = 0; n < 500; n++) taken.push(queue.take())
    for (let n = 1000; n < 1200; n++) queue.push(n)
    expect(queue.first).to.equal(500)
    taken.push(...queue.drain())
    expect(taken).to.deep.equal(Array.from({ length: 1200 }, (_, n) => n))
    queue.push('again')
    expect(queue.take()).to.equal('again')
  })
})

it('a ref is a Ref', () => {
  expect(Ref.prototype.toJSON.call({ address: 'actor:a/b' } as never)).to.deep.equal({ $ref: 'actor:a/b' })
})
