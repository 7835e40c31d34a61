import { expect } from 'chai'
import { Association, type AssociationPort, type Ended } from '../../../runtime/peer/association.ts'
import { INITIAL_CREDIT } from '../../../runtime/peer/epoch.ts'
import {
  HEAD_BYTES,
  type Head,
  HeadKind,
  OPENING,
  RESEND,
  readHead,
  UNHEARD,
  writeHead,
  writeSeq
} from '../../../runtime/peer/frame.ts'
import { type Account, Memory } from '../../../runtime/peer/memory.ts'
import type { Path } from '../../../runtime/peer/path.ts'

/** A path that keeps what is sent until the test takes it. */
class Wire implements Path {
  cost = 0
  buffered = 0
  sent: Uint8Array[] = []

  send(frame: Uint8Array): void {
    this.sent.push(frame.slice())
  }

  take(): Uint8Array[] {
    const all = this.sent
    this.sent = []
    return all
  }

  heads(): Head[] {
    return this.take().map(headOf)
  }
}

function headOf(frame: Uint8Array): Head {
  const head: Head = { kind: 0, flags: 0, epoch: 0, ack: 0, credit: 0, seq: 0 }
  readHead(frame, head)
  return head
}

interface Time {
  now: number
}

/** One end, whose mail is numbers of one byte each. */
class End implements AssociationPort {
  readonly association: Association
  readonly wire = new Wire()
  readonly got: number[] = []
  readonly ends: Array<{ why: string; held: number; lost: number }> = []
  full = false
  waited = false
  rooms = 0
  opens = 0
  wakeAt = Number.POSITIVE_INFINITY
  ending: () => void = () => {}
  readonly #account = new Memory(2 ** 20).account(false)
  readonly #time: Time

  constructor(time: Time, from: number, to: number, options: { window?: number; ended?: Ended } = {}) {
    this.#time = time
    this.association = new Association(this, {
      from: new Uint8Array(16).fill(from),
      to: new Uint8Array(16).fill(to),
      window: options.window ?? 1_048_576,
      downAfter: 30_000,
      ended: options.ended
    })
  }

  account(): Account {
    return this.#account
  }
  now(): number {
    return this.#time.now
  }
  wake(at: number): void {
    this.wakeAt = at
  }
  receive(frame: Uint8Array, start: number): boolean {
    if (this.full) return false
    this.got.push(...frame.subarray(start))
    return true
  }
  opened(): void {
    this.opens += 1
  }
  ended(why: string, held: readonly Uint8Array[], lost: number): void {
    this.ends.push({ why, held: held.length, lost })
    this.ending()
  }
  room(): void {
    this.rooms += 1
  }
  awaited(): boolean {
    return this.waited
  }

  say(...numbers: number[]): void {
    for (const number of numbers) {
      const frame = new Uint8Array(HEAD_BYTES + 1)
      frame[HEAD_BYTES] = number
      this.association.push(frame, 1)
    }
  }

  hear(...frames: Uint8Array[]): void {
    for (const frame of frames) this.association.accept(this.wire, frame)
  }

  up(): this {
    this.association.pathUp(this.wire)
    return this
  }
}

function batch(epoch: number, seq: number, items: readonly number[], head: Partial<Head> = {}): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + items.length)
  frame.set(items, HEAD_BYTES)
  writeHead(frame, head.kind ?? HeadKind.batch, head.flags ?? OPENING, epoch, head.ack ?? 0, head.credit ?? 0)
  writeSeq(frame, seq)
  return frame
}

const bare = (kind: number, epoch: number, head: Partial<Head> = {}): Uint8Array =>
  batch(epoch, head.seq ?? 0, [], { flags: 0, ...head, kind })

describe('an association', () => {
  let time: Time
  let ada: End
  let ben: End

  beforeEach(() => {
    time = { now: 1_000 }
    ada = new End(time, 1, 2).up()
    ben = new End(time, 2, 1).up()
  })

  /** Carries everything both ways until nothing is left, and lets delayed acks go. */
  const carry = (): void => {
    for (let round = 0; round < 20; round++) {
      ben.hear(...ada.wire.take())
      ada.hear(...ben.wire.take())
    }
  }

  const pass = (milliseconds: number): void => {
    const until = time.now + milliseconds
    for (;;) {
      const next = [ada, ben].reduce((a, b) => (a.wakeAt <= b.wakeAt ? a : b))
      if (next.wakeAt > until) break
      time.now = Math.max(time.now, next.wakeAt)
      next.wakeAt = Number.POSITIVE_INFINITY
      next.association.step()
    }
    time.now = until
  }

  describe('opening', () => {
    it('needs no exchange: the first batch is mail', () => {
      ada.say(1)
      ben.hear(...ada.wire.take())
      expect(ben.got).to.deep.equal([1])
      expect(ben.opens).to.equal(1)
    })

    it('is done by whichever batch says so; one that came too early is asked for again, once', () => {
      ada.say(1, 2, 3)
      const [, second, third] = ada.wire.take()
      ben.hear(second as Uint8Array, third as Uint8Array)
      const asked = ben.wire.heads()
      expect(ben.got).to.deep.equal([])
      expect(asked.map(({ kind, flags, seq }) => ({ kind, resend: flags & RESEND, seq }))).to.deep.equal([
        { kind: HeadKind.ack, resend: RESEND, seq: 0 }
      ])
      ben.association.accept(ben.wire, second as Uint8Array)
      expect(ben.wire.take()).to.deep.equal([])
    })

    it('is said of each batch until the other side has been heard', () => {
      ada.say(1)
      expect(ada.wire.heads()[0]?.flags).to.equal(OPENING)
      ada.hear(bare(HeadKind.ack, 1, { ack: 1 }))
      ada.say(2)
      expect(ada.wire.heads()[0]?.flags).to.equal(0)
    })

    it('is not done by a batch that does not open: its sender hears that it is over', () => {
      ben.hear(batch(1, 1, [1], { flags: 0 }))
      expect(ben.got).to.deep.equal([])
      expect(ben.wire.heads().map(({ kind, epoch }) => [kind, epoch])).to.deep.equal([[HeadKind.ended, 1]])
    })

    it('happens apart on both sides, and they meet in one epoch', () => {
      ada.say(1)
      ben.say(2)
      carry()
      expect(ben.got).to.deep.equal([1])
      expect(ada.got).to.deep.equal([2])
      expect([...ada.ends, ...ben.ends]).to.deep.equal([])
    })

    it('by a stale batch of an epoch that is over does nothing, though it was remembered only', () => {
      const back = new End(time, 2, 1, { ended: { number: 4, unheard: false, rtt: undefined } }).up()
      back.hear(batch(3, 1, [9]), batch(4, 1, [9]))
      expect(back.got).to.deep.equal([])
      expect(back.wire.heads().map(({ kind, epoch }) => [kind, epoch])).to.deep.equal([
        [HeadKind.ended, 4],
        [HeadKind.ended, 4]
      ])
      back.hear(batch(5, 1, [5]))
      expect(back.got).to.deep.equal([5])
    })
  })

  describe('order', () => {
    it('drops repeats, and acknowledges them again', () => {
      ada.say(1, 2)
      const frames = ada.wire.take()
      ben.hear(...frames, ...frames)
      expect(ben.got).to.deep.equal([1, 2])
      pass(60)
      expect(ben.wire.heads().at(-1)?.ack).to.equal(2)
    })

    it('takes what comes again after a gap, from where it was lost', () => {
      ada.say(1, 2, 3)
      const [first, , third] = ada.wire.take()
      ben.hear(first as Uint8Array, third as Uint8Array)
      carry()
      expect(ben.got).to.deep.equal([1, 2, 3])
    })

    it('stays the same over a path that goes down and another that comes up', () => {
      ada.say(1, 2)
      ada.wire.take()
      ada.association.pathDown(ada.wire)
      ada.say(3)
      expect(ada.wire.take()).to.deep.equal([])
      ada.association.pathUp(ada.wire)
      carry()
      expect(ben.got).to.deep.equal([1, 2, 3])
    })

    it('asks where to go on when a path comes up, before it sends anything', () => {
      ada.say(1)
      ada.wire.take()
      ada.association.pathDown(ada.wire)
      ada.association.pathUp(ada.wire)
      expect(ada.wire.heads().map(({ kind, flags }) => [kind, flags & RESEND])).to.deep.equal([[HeadKind.sync, RESEND]])
    })

    it('uses the cheaper path, and the other when that is gone', () => {
      const relay = new Wire()
      relay.cost = 1
      ada.association.pathUp(relay)
      ada.say(1)
      expect([ada.wire.take().length, relay.take().length]).to.deep.equal([1, 0])
      ada.association.pathDown(ada.wire)
      expect(relay.heads().map(({ kind }) => kind)).to.deep.equal([HeadKind.sync])
    })
  })

  describe('acknowledging', () => {
    it('waits 50 ms for traffic to ride on', () => {
      ada.say(1)
      ben.hear(...ada.wire.take())
      expect(ben.wire.take()).to.deep.equal([])
      pass(49)
      expect(ben.wire.take()).to.deep.equal([])
      pass(2)
      expect(ben.wire.heads().map(({ kind, ack }) => [kind, ack])).to.deep.equal([[HeadKind.ack, 1]])
    })

    it('rides on mail', () => {
      ada.say(1)
      ben.hear(...ada.wire.take())
      ben.say(2)
      expect(ben.wire.heads().map(({ kind, ack }) => [kind, ack])).to.deep.equal([[HeadKind.batch, 1]])
    })

    it('comes after disposal only: a parked batch and those behind it are not acknowledged', () => {
      ben.full = true
      ada.say(1, 2)
      ben.hear(...ada.wire.take())
      pass(100)
      for (const { ack } of ben.wire.heads()) expect(ack).to.equal(0)
      ben.full = false
      ben.got.push(1)
      ben.association.disposed()
      pass(100)
      expect(ben.got).to.deep.equal([1, 2])
      expect(ben.wire.heads().at(-1)?.ack).to.equal(2)
    })

    it('frees what was kept, and tells that there is room', () => {
      ada.say(1, 2)
      expect(ada.association.unacked).to.equal(2)
      carry()
      pass(60)
      carry()
      expect(ada.association.unacked).to.equal(0)
      expect(ada.rooms).to.be.greaterThan(0)
    })

    it('holds back no more than some thousand batches behind a parked one, and gets the rest later', () => {
      ben.full = true
      ada.say(1)
      ben.hear(...ada.wire.take())
      for (let seq = 2; seq <= 6_000; seq++) ben.hear(batch(1, seq, []))
      expect(ben.association.epoch?.held.length).to.be.at.most(4_096)
    })
  })

  describe('credit', () => {
    it('stops the sender at what was granted, and a larger grant lets it go on', () => {
      const large = new Uint8Array(HEAD_BYTES + 60_000)
      for (let n = 0; n < 6; n++) ada.association.push(large.slice(), 1)
      expect(ada.wire.take().length).to.equal(Math.floor(INITIAL_CREDIT / 60_000))
      ada.hear(bare(HeadKind.ack, 1, { credit: 360_000 }))
      expect(ada.wire.take().length).to.equal(6 - Math.floor(INITIAL_CREDIT / 60_000))
    })

    it('is absolute: a smaller or repeated grant changes nothing', () => {
      const large = new Uint8Array(HEAD_BYTES + 60_000)
      for (let n = 0; n < 8; n++) ada.association.push(large.slice(), 1)
      ada.wire.take()
      ada.hear(bare(HeadKind.ack, 1, { credit: 300_000 }))
      ada.hear(bare(HeadKind.ack, 1, { credit: 300_000 }), bare(HeadKind.ack, 1, { credit: 100 }))
      expect(ada.wire.take().length).to.equal(1)
    })

    it('is given back when mail leaves its mailbox, at a quarter of the window', () => {
      const small = new End(time, 2, 1, { window: 262_144 }).up()
      small.hear(batch(1, 1, new Array(60_000).fill(7)))
      small.wire.take()
      small.association.epoch?.give(60_000)
      expect(small.wire.take()).to.deep.equal([])
      small.hear(batch(1, 2, new Array(60_000).fill(7)))
      small.wire.take()
      small.association.epoch?.give(60_000)
      expect(small.wire.heads().at(-1)?.credit).to.equal(120_000 + 262_144)
    })

    it('takes nothing beyond what it granted', () => {
      const small = new End(time, 2, 1, { window: 262_144 }).up()
      for (let seq = 1; seq <= 6; seq++) small.hear(batch(1, seq, new Array(60_000).fill(7)))
      expect(small.got.length).to.equal(240_000)
    })
  })

  describe('silence', () => {
    it('makes it ask after 1 s, and send again from where the other side is', () => {
      ada.say(1, 2)
      const [first] = ada.wire.take()
      ben.hear(first as Uint8Array)
      pass(999)
      ben.wire.take()
      expect(ada.wire.take()).to.deep.equal([])
      pass(2)
      expect(ada.wire.sent.map(headOf).map(({ kind }) => kind)).to.deep.equal([HeadKind.sync])
      carry()
      expect(ben.got).to.deep.equal([1, 2])
    })

    it('of four round trips is waited for where those take longer than that', () => {
      ada.say(1)
      const frames = ada.wire.take()
      pass(800)
      ben.hear(...frames)
      pass(60)
      ada.hear(...ben.wire.take())
      expect(ada.association.rtt).to.be.within(800, 900)
      ada.say(2)
      ada.wire.take()
      pass(3_000)
      expect(ada.wire.take()).to.deep.equal([])
      pass(600)
      expect(ada.wire.heads().map(({ kind }) => kind)).to.deep.equal([HeadKind.sync])
    })

    it('of 30 s ends the epoch, and what was sent and not acknowledged is counted', () => {
      ada.say(1, 2, 3)
      pass(29_000)
      expect(ada.ends).to.deep.equal([])
      pass(1_100)
      expect(ada.ends).to.deep.equal([{ why: 'unreachable', held: 0, lost: 3 }])
      expect(ada.wakeAt).to.equal(Number.POSITIVE_INFINITY)
    })

    it('ends nothing where nothing is waited for', () => {
      ada.say(1)
      carry()
      pass(60)
      carry()
      pass(600_000)
      expect([...ada.ends, ...ben.ends]).to.deep.equal([])
    })

    it('is noticed where somebody waits for news, though nothing is sent', () => {
      ada.say(1)
      carry()
      pass(60)
      carry()
      ada.waited = true
      ada.association.downAfter = 30_000
      pass(60_000)
      expect(ada.ends.map(({ why }) => why)).to.deep.equal(['unreachable'])
    })

    it('that was our own freeze is no verdict: the other side is asked first', () => {
      ada.say(1)
      ada.wire.take()
      time.now += 120_000
      ada.association.step()
      expect(ada.ends).to.deep.equal([])
      expect(ada.wire.sent.map(headOf).map(({ kind }) => kind)).to.include(HeadKind.sync)
      carry()
      expect(ben.got).to.deep.equal([1])
    })
  })

  describe('an end', () => {
    it('on one side ends both, once, and the next epoch begins with the next number', () => {
      ada.say(1)
      carry()
      ada.association.abandon()
      ben.say(2)
      carry()
      expect(ben.ends.map(({ why }) => why)).to.deep.equal(['unreachable'])
      expect(ada.ends.length).to.equal(1)
      ada.say(3)
      expect(headOf(ada.wire.sent[0] as Uint8Array).epoch).to.equal(2)
      carry()
      expect(ben.got).to.deep.equal([1, 3])
    })

    it('by goodbye says so', () => {
      ada.say(1)
      carry()
      ada.association.goodbye()
      carry()
      expect(ben.ends.map(({ why }) => why)).to.deep.equal(['goodbye'])
    })

    it('hands over what was parked', () => {
      ben.full = true
      ada.say(1, 2)
      ben.hear(...ada.wire.take())
      ada.association.goodbye()
      carry()
      expect(ben.ends).to.deep.equal([{ why: 'goodbye', held: 2, lost: 0 }])
    })

    it('in which a program sends at once does not lose that: it is of the next epoch', () => {
      ada.say(1)
      carry()
      ben.ending = () => {
        ben.ending = () => {}
        ben.say(7)
      }
      ben.hear(batch(9, 1, [5]))
      expect(ben.association.epoch?.number).to.equal(9)
      expect(ben.got.at(-1)).to.equal(5)
      expect(ben.association.unacked).to.equal(1)
    })

    it('of an epoch in which nothing was heard loses nothing: all goes out again under the next number', () => {
      const deaf = new End(time, 2, 1, { ended: { number: 1, unheard: true, rtt: undefined } }).up()
      ada.say(1, 2)
      deaf.hear(...ada.wire.take())
      const [over] = deaf.wire.take()
      expect(headOf(over as Uint8Array).flags & UNHEARD).to.equal(UNHEARD)
      ada.hear(over as Uint8Array)
      deaf.hear(...ada.wire.take())
      expect(deaf.got).to.deep.equal([1, 2])
      expect(ada.ends).to.deep.equal([])
    })

    it('is told at once by a hub that does not know the peer, if that was never heard', () => {
      ada.say(1)
      ada.association.pathRefused(ada.wire)
      expect(ada.ends.map(({ why }) => why)).to.deep.equal(['unreachable'])
    })

    it('is not told by such a hub of a peer that was heard: it may be on its way to another', () => {
      ada.say(1)
      carry()
      pass(60)
      carry()
      ada.say(2)
      ada.association.pathRefused(ada.wire)
      expect(ada.ends).to.deep.equal([])
      pass(31_000)
      expect(ada.ends.length).to.equal(1)
    })
  })

  describe('of a hostile peer', () => {
    it('does not believe an ack of what was never sent', () => {
      ada.say(1)
      ada.hear(bare(HeadKind.ack, 1, { ack: 2 ** 40, credit: 2 ** 47 }))
      expect(ada.association.unacked).to.equal(1)
      expect(ada.ends).to.deep.equal([])
    })

    it('does not go backwards with an ack', () => {
      ada.say(1, 2)
      ada.hear(bare(HeadKind.ack, 1, { ack: 2 }), bare(HeadKind.ack, 1, { ack: 1 }))
      expect(ada.association.unacked).to.equal(0)
    })

    it('does not leap to the last epoch there is', () => {
      ada.say(1)
      carry()
      for (const kind of Object.values(HeadKind)) ada.hear(bare(kind, 2 ** 32 - 1, { flags: OPENING, seq: 1 }))
      expect(ada.ends).to.deep.equal([])
      ada.say(2)
      carry()
      expect(ben.got).to.deep.equal([1, 2])
    })

    it('keeps what a jump of the sequence pretends to have sent out of its books', () => {
      ben.hear(batch(1, 2 ** 47, [9]), batch(1, 0, [9]), batch(1, 1, [1]))
      expect(ben.got).to.deep.equal([1])
    })

    it('sends a peer that grants everything no more than its path takes', () => {
      ada.hear(batch(1, 1, [1], { credit: 2 ** 47 }))
      const large = new Uint8Array(HEAD_BYTES + 60_000)
      ada.wire.take()
      ada.wire.buffered = 2_000_000
      for (let n = 0; n < 10; n++) ada.association.push(large.slice(), 1)
      expect(ada.wire.take()).to.deep.equal([])
      ada.wire.buffered = 0
      ada.association.pathDrained(ada.wire)
      expect(ada.wire.take().length).to.equal(10)
    })

    it('is not moved by kinds and flags that nobody knows', () => {
      ada.say(1)
      carry()
      for (let kind = 6; kind < 256; kind += 50) ada.hear(bare(kind, 1, { flags: 248 }))
      ada.say(2)
      carry()
      expect(ben.got).to.deep.equal([1, 2])
    })
  })
})
