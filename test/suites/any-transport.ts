// The port's promises (runtime/peer/transport.ts) as a suite. A new transport is proved by one `setup` that says how its two
// sides are made; docs say where a transport may differ, and no case here is left out for one.

import { expect } from 'chai'
import { type ActorError, codeOf } from '../../runtime/actor/errors.ts'
import type { Listener, Transport } from '../../runtime/peer/transport.ts'
import { Door, Ear, frameOf, settled } from './transport-cast.ts'

export interface TransportFixture {
  /** Made anew for each case, not listening yet. */
  readonly listener: Listener
  /** A way to the listener. Called once for each connection that is up at the same time. */
  dial(url: string | undefined): Transport
  /** Writes bytes past the transport, as a stranger would; resolves when they have been refused or swallowed. */
  garbage?(url: string | undefined, bytes: Uint8Array): Promise<void>
  /** Frees what `setup` made. The listener is closed before. */
  stop(): Promise<void>
}

const patience = (): AbortSignal => AbortSignal.timeout(5000)

export function anyTransport(title: string, setup: () => Promise<TransportFixture>): void {
  describe(`${title}, as any transport,`, () => {
    let fixture: TransportFixture
    let door: Door

    beforeEach(async () => {
      fixture = await setup()
      door = new Door()
      await door.listen(fixture.listener)
    })

    afterEach(async () => {
      await door.close()
      await fixture.stop()
    })

    async function pair(): Promise<{ dialled: Ear; accepted: Ear }> {
      const connection = await fixture.dial(door.url).connect(patience())
      return { dialled: new Ear(connection), accepted: (await door.next()).ear }
    }

    async function openPair(): Promise<{ dialled: Ear; accepted: Ear }> {
      const { dialled, accepted } = await pair()
      return { dialled: dialled.open(), accepted: accepted.open() }
    }

    for (const [direction, ends] of [
      ['from the dialler', ({ dialled, accepted }: { dialled: Ear; accepted: Ear }) => [dialled, accepted] as const],
      ['to the dialler', ({ dialled, accepted }: { dialled: Ear; accepted: Ear }) => [accepted, dialled] as const]
    ] as const) {
      it(`brings frames whole and in order ${direction}, from one byte to 60 KiB`, async () => {
        const [sender, receiver] = ends(await openPair())
        const sent = [1, 2, 125, 126, 4096, 65, 61_440, 3, 16_384, 61_440].map(frameOf)

        for (const frame of sent) sender.connection.send(frame)
        await receiver.until(ear => ear.frames.length === sent.length)

        expect(receiver.frames).to.deep.equal(sent)
      })

      it(`brings a frame of exactly maxFrame bytes ${direction}`, async () => {
        const [sender, receiver] = ends(await openPair())
        const frame = frameOf(sender.connection.maxFrame, 1)

        sender.connection.send(frame)
        await receiver.until(ear => ear.frames.length === 1)

        expect(sender.connection.maxFrame).to.be.at.least(61_440)
        expect(receiver.frames[0]).to.deep.equal(frame)
      })

      it(`keeps frames that come ${direction} before the connection is opened`, async () => {
        const [sender, receiver] = ends(await pair())
        sender.open()
        const sent = [10, 20, 30].map(frameOf)

        for (const frame of sent) sender.connection.send(frame)
        await settled()
        receiver.open()
        expect(receiver.frames, 'delivered from inside open()').to.deep.equal([])
        sender.connection.send(frameOf(40, 3))
        await receiver.until(ear => ear.frames.length === 4)

        expect(receiver.frames).to.deep.equal([...sent, frameOf(40, 3)])
      })

      it(`tells code and reason of a close once at each end, after every frame sent before it, ${direction}`, async () => {
        const [closer, other] = ends(await openPair())

        closer.connection.send(frameOf(61_440, 1))
        closer.connection.send(frameOf(5, 2))
        closer.connection.close(4410, 'enough for today')
        closer.connection.close(4411, 'again')
        closer.connection.send(frameOf(6, 3))
        await Promise.all([closer, other].map(end => end.until(ear => ear.endings.length > 0)))
        await settled()

        expect(other.frames).to.deep.equal([frameOf(61_440, 1), frameOf(5, 2)])
        expect(other.endings).to.deep.equal([{ code: 4410, reason: 'enough for today' }])
        expect(closer.endings).to.deep.equal([{ code: 4410, reason: 'enough for today' }])
      })

      it(`tells of a close ${direction} that came before the connection was opened, after the frames before it`, async () => {
        const [closer, other] = ends(await pair())

        closer.connection.send(frameOf(7, 1))
        closer.connection.close(4001, 'gone again')
        await settled()
        other.open()
        await other.until(ear => ear.endings.length > 0)

        expect(other.frames).to.deep.equal([frameOf(7, 1)])
        expect(other.endings).to.deep.equal([{ code: 4001, reason: 'gone again' }])
      })

      it(`delivers nothing any more once this side has closed, ${direction}`, async () => {
        const [sender, receiver] = ends(await openPair())

        sender.connection.send(frameOf(9, 1))
        receiver.connection.close()
        await Promise.all([sender, receiver].map(end => end.until(ear => ear.endings.length > 0)))

        expect(receiver.frames).to.deep.equal([])
        expect(sender.endings.map(({ code }) => code)).to.deep.equal([1000])
      })

      it(`ends a connection that is handed a frame above maxFrame, and only that one, ${direction}`, async () => {
        const [sender, receiver] = ends(await openPair())
        const [bystander, friend] = ends(await openPair())

        sender.connection.send(frameOf(sender.connection.maxFrame + 1, 1))
        await Promise.all([sender, receiver].map(end => end.until(ear => ear.endings.length > 0)))
        bystander.connection.send(frameOf(11, 1))
        await friend.until(ear => ear.frames.length === 1)

        expect(receiver.frames).to.deep.equal([])
        expect(receiver.endings).to.have.length(1)
      })

      it(`says when there is room again if much is sent at once ${direction}`, async () => {
        const [sender, receiver] = ends(await openPair())
        let highest = 0

        for (let i = 0; i < 200; i++) {
          sender.connection.send(frameOf(61_440, i))
          highest = Math.max(highest, sender.connection.buffered)
        }
        await receiver.until(ear => ear.frames.length === 200)
        if (highest > 16_384) await sender.until(ear => ear.drains > 0)

        expect(sender.connection.buffered).to.be.at.most(16_384)
        expect(receiver.frames.every((frame, i) => frame.length === 61_440 && frame[5] === frameOf(6, i)[5])).to.equal(
          true
        )
      })

      it(`neither changes nor takes away a frame that was sent ${direction}, and shows the receiver no byte beside it`, async () => {
        const [sender, receiver] = ends(await openPair())
        const around = frameOf(50_000, 1)
        const frame = around.subarray(100, 30_100)

        sender.connection.send(frame)
        sender.connection.send(frame)
        await receiver.until(ear => ear.frames.length === 2)

        expect(around).to.deep.equal(frameOf(50_000, 1))
        expect(receiver.frames[1]).to.deep.equal(frameOf(50_000, 1).slice(100, 30_100))
      })

      it(`cuts a reason that is too long for the wire at a whole character, ${direction}`, async () => {
        const [closer, other] = ends(await openPair())

        closer.connection.close(4002, 'ä'.repeat(100))
        await other.until(ear => ear.endings.length > 0)

        expect(other.endings).to.deep.equal([{ code: 4002, reason: 'ä'.repeat(61) }])
      })
    }

    it('never enters a receiver that is still busy with the frame before', async () => {
      const { dialled, accepted } = await pair()
      let depth = 0
      let deepest = 0
      let echoes = 0
      const done = new Promise<void>(resolve => {
        const ping = (end: Ear): void =>
          end.connection.open({
            frame: data => {
              deepest = Math.max(deepest, ++depth)
              if (++echoes < 100) for (let i = 0; i < 2; i++) end.connection.send(data)
              else resolve()
              depth--
            },
            close: () => {}
          })
        ping(dialled)
        ping(accepted)
      })

      dialled.connection.send(frameOf(3, 1))
      await done

      expect(deepest).to.equal(1)
    })

    it('keeps two connections apart', async () => {
      const first = await openPair()
      const second = await openPair()

      first.dialled.connection.send(frameOf(1, 1))
      second.dialled.connection.send(frameOf(2, 2))
      second.accepted.connection.send(frameOf(3, 3))
      first.accepted.connection.send(frameOf(4, 4))
      for (const { dialled, accepted } of [first, second]) {
        await Promise.all([dialled, accepted].map(end => end.until(ear => ear.frames.length === 1)))
      }
      first.dialled.connection.close()
      await first.accepted.until(ear => ear.endings.length === 1)

      expect(first.accepted.frames).to.deep.equal([frameOf(1, 1)])
      expect(second.accepted.frames).to.deep.equal([frameOf(2, 2)])
      expect(second.dialled.frames).to.deep.equal([frameOf(3, 3)])
      expect(first.dialled.frames).to.deep.equal([frameOf(4, 4)])
      expect(second.accepted.endings).to.deep.equal([])
    })

    it('can be dialled again after a connection has ended, from either side', async () => {
      const transport = fixture.dial(door.url)
      for (const side of ['dialler', 'listener'] as const) {
        const dialled = new Ear(await transport.connect(patience())).open()
        const accepted = (await door.next()).ear.open()
        dialled.connection.send(frameOf(5, 5))
        await accepted.until(ear => ear.frames.length === 1)
        ;(side === 'dialler' ? dialled : accepted).connection.close(4000, side)
        await Promise.all([dialled, accepted].map(end => end.until(ear => ear.endings.length === 1)))
        expect(accepted.frames).to.deep.equal([frameOf(5, 5)])
        expect(dialled.endings).to.deep.equal([{ code: 4000, reason: side }])
      }
    })

    it('rejects with the reason of a signal that aborted before the call', async () => {
      const why = new Error('no longer wanted')

      const failure = await fixture
        .dial(door.url)
        .connect(AbortSignal.abort(why))
        .catch((error: unknown) => error)

      expect(failure).to.equal(why)
    })

    it('rejects with the reason of a signal that aborts during the call, and leaves no connection behind', async () => {
      const transport = fixture.dial(door.url)
      const abort = new AbortController()
      const why = new Error('changed my mind')

      const dialling = transport.connect(abort.signal)
      abort.abort(why)

      expect(await dialling.catch((error: unknown) => error)).to.equal(why)
      await settled()
      if (door.accepted > 0) {
        const left = (await door.next()).ear.open()
        await left.until(ear => ear.endings.length === 1)
      }
      const again = await transport.connect(patience())
      const answer = (await door.next()).ear.open()
      again.send(frameOf(8, 8))
      await answer.until(ear => ear.frames.length === 1)
    })

    it('closes its connections with 1001 when the listener closes', async () => {
      const { dialled, accepted } = await openPair()

      await door.close()
      await Promise.all([dialled, accepted].map(end => end.until(ear => ear.endings.length > 0)))

      expect(dialled.endings.map(({ code }) => code)).to.deep.equal([1001])
      expect(accepted.endings.map(({ code }) => code)).to.deep.equal([1001])
    })

    it('settles a call that is under way when the listener closes', async () => {
      const dialling = fixture.dial(door.url).connect(patience())
      const outcome = dialling.then(
        connection => new Ear(connection).open().until(ear => ear.endings.length === 1),
        (error: ActorError) => expect(codeOf(error)).to.equal('ACTOR_UNREACHABLE')
      )

      await door.close()

      await outcome
    })

    it('is not reached any more after the listener has closed, and is again when it listens again', async () => {
      const first = await openPair()
      await door.close()
      await first.dialled.until(ear => ear.endings.length === 1)

      await door.listen(fixture.listener)
      const { dialled, accepted } = await openPair()
      dialled.connection.send(frameOf(4, 4))
      await accepted.until(ear => ear.frames.length === 1)

      expect(accepted.frames).to.deep.equal([frameOf(4, 4)])
    })

    it('refuses to listen twice', async () => {
      const second = await fixture.listener.listen(() => {}).catch((error: unknown) => error)

      expect(codeOf(second)).to.equal('ACTOR_LISTEN_FAILED')
    })

    it('refuses to be opened twice', async () => {
      const { dialled } = await openPair()

      expect(() => dialled.open())
        .to.throw()
        .with.property('code', 'ACTOR_BAD_OPTION')
    })

    it('ends a connection that sends without end before it is opened', async () => {
      const { dialled, accepted } = await pair()
      dialled.open()

      for (let i = 0; i < 40; i++) dialled.connection.send(frameOf(61_440, i))
      await dialled.until(ear => ear.endings.length === 1)
      accepted.open()
      await accepted.until(ear => ear.endings.length === 1)

      expect(accepted.frames).to.deep.equal([])
    })

    it('does not let the garbage of a stranger touch the connections of others', async () => {
      const { dialled, accepted } = await openPair()
      const strange = [
        new Uint8Array(0),
        Uint8Array.of(0),
        frameOf(300, 7),
        frameOf(100_000, 8),
        new TextEncoder().encode('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
        new TextEncoder().encode('POST /x HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n')
      ]

      for (const bytes of strange) await fixture.garbage?.(door.url, bytes)
      dialled.connection.send(frameOf(12, 1))
      accepted.connection.send(frameOf(13, 2))
      await Promise.all([dialled, accepted].map(end => end.until(ear => ear.frames.length === 1)))

      expect(accepted.frames).to.deep.equal([frameOf(12, 1)])
      expect(dialled.frames).to.deep.equal([frameOf(13, 2)])
      expect([...dialled.endings, ...accepted.endings]).to.deep.equal([])
    })
  })
}
