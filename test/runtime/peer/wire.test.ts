import { expect } from 'chai'
import { FrameKind } from '../../../runtime/peer/frame.ts'
import { Heartbeat } from '../../../runtime/peer/heartbeat.ts'
import type { Connection } from '../../../runtime/peer/transport.ts'
import { PING_EVERY, SILENCE, Wire } from '../../../runtime/peer/wire.ts'
import { type HandClock, handClock } from '../../support/hand-clock.ts'

describe('a wire', () => {
  let clock: HandClock
  let sent: Uint8Array[]
  let closed: number[]
  let wire: Wire
  let waiting: number
  let on: Parameters<Connection['open']>[0]

  beforeEach(() => {
    clock = handClock()
    sent = []
    closed = []
    waiting = 0
    const connection: Connection = {
      maxFrame: 65_536,
      get buffered() {
        return waiting === 0 ? 0 : waiting + sent.length * 9
      },
      send: frame => void sent.push(frame.slice()),
      open: receiver => {
        on = receiver
      },
      close: () => {}
    }
    wire = new Wire(connection, clock)
    wire.closed = ({ code }) => void closed.push(code)
    wire.open()
  })

  const answer = (frame: Uint8Array | undefined): Uint8Array => {
    const pong = (frame as Uint8Array).slice()
    pong[0] = FrameKind.pong
    return pong
  }

  it('answers a ping with the same bytes, and hands on what is none', () => {
    const got: Uint8Array[] = []
    wire.receive = frame => void got.push(frame)
    on.frame(Uint8Array.of(FrameKind.ping, 1, 2, 3, 4, 5, 6, 7, 8))
    on.frame(Uint8Array.of(FrameKind.ping, 1))
    on.frame(Uint8Array.of(99))
    expect(sent).to.deep.equal([Uint8Array.of(FrameKind.pong, 1, 2, 3, 4, 5, 6, 7, 8)])
    expect(got.map(frame => frame[0])).to.deep.equal([FrameKind.ping, 99])
  })

  it('measures the round trip, and believes no impossible one', () => {
    wire.keepTime(new Heartbeat(clock), true)
    clock.advance(40)
    on.frame(answer(sent[0]))
    expect(wire.rtt).to.equal(40)
    for (const time of [Number.NaN, Number.POSITIVE_INFINITY, -1e12, 1e12]) {
      const frame = new Uint8Array(9)
      frame[0] = FrameKind.pong
      new DataView(frame.buffer).setFloat64(1, time)
      on.frame(frame)
    }
    expect(wire.rtt).to.equal(40)
  })

  it('is dead after silence, and not before', () => {
    wire.keepTime(new Heartbeat(clock), true)
    clock.advance(SILENCE)
    expect(closed).to.deep.equal([])
    clock.advance(PING_EVERY)
    expect(closed).to.deep.equal([4408])
    const pings = sent.length
    clock.advance(60_000)
    expect(sent.length).to.equal(pings)
  })

  it('of the side that was dialled pings only when nothing is heard, and is dead after silence alike', () => {
    wire.keepTime(new Heartbeat(clock), false)
    for (let n = 0; n < 10; n++) {
      clock.advance(4_900)
      on.frame(Uint8Array.of(99))
    }
    expect(sent).to.deep.equal([])
    clock.advance(SILENCE)
    expect([sent.length, closed]).to.deep.equal([2, []])
    clock.advance(PING_EVERY)
    expect(closed).to.deep.equal([4408])
  })

  it('needs no timer when all have ended', () => {
    const heartbeat = new Heartbeat(clock)
    wire.keepTime(heartbeat, true)
    wire.close(1000, '')
    expect(clock.pending).to.equal(0)
  })

  it('lives on as long as anything is heard', () => {
    wire.keepTime(new Heartbeat(clock), true)
    for (let n = 0; n < 20; n++) {
      clock.advance(10_000)
      on.frame(Uint8Array.of(99))
    }
    expect(closed).to.deep.equal([])
  })

  describe('to a slow consumer', () => {
    const MIB = 1_048_576
    /** Time passes in which the other side is heard, while it takes so many bytes in each step. */
    const pass = (time: number, taking = 0): void => {
      for (let passed = 0; passed < time; passed += 1_000) {
        waiting -= taking
        clock.advance(1_000)
        on.frame(Uint8Array.of(99))
      }
    }

    it('closes with 4508 when a guest takes nothing of more than 1 MiB for 10 s', () => {
      wire.keepTime(new Heartbeat(clock), true, true)
      waiting = MIB + 1
      pass(9_000)
      expect(closed).to.deep.equal([])
      pass(6_000)
      expect(closed).to.deep.equal([4508])
    })

    it('gives a node 30 s', () => {
      wire.keepTime(new Heartbeat(clock), true)
      waiting = MIB + 1
      pass(29_000)
      expect(closed).to.deep.equal([])
      pass(6_000)
      expect(closed).to.deep.equal([4508])
    })

    it('waits on while no more than 1 MiB waits, or anything is taken', () => {
      wire.keepTime(new Heartbeat(clock), true, true)
      waiting = MIB - 1_000
      pass(60_000)
      waiting = 2 * MIB
      pass(60_000, 1)
      expect(closed).to.deep.equal([])
    })
  })

  it('tells its end once, and takes nothing after it', () => {
    const got: Uint8Array[] = []
    wire.receive = frame => void got.push(frame)
    wire.close(1000, '')
    on.close({ code: 1006, reason: '' })
    on.frame(Uint8Array.of(99))
    wire.send(Uint8Array.of(1))
    expect([closed, got, sent]).to.deep.equal([[1000], [], []])
  })
})
