import { expect } from 'chai'
import { type WebSocket as ServerSocket, WebSocket, WebSocketServer } from 'ws'
import { type ActorRef, type ActorSystem, actorName, createSystem, setup } from '../../../runtime/index.ts'
import { FrameKind, HEAD_BYTES } from '../../../runtime/peer/frame.ts'
import { PROTOCOL, writeHandshake } from '../../../runtime/peer/handshake.ts'
import { Item } from '../../../runtime/peer/items.ts'
import { memory } from '../../../transports/memory.ts'
import { webSocket } from '../../../transports/websocket.ts'
import { webSocketServer } from '../../../transports/websocket-server.ts'
import { expectNumbered, failureCode, hand, noting, turn, until } from '../../suites/any-ref/cast.ts'
import { proxy } from '../../support/proxy.ts'
import { quiet } from '../../support/quiet.ts'
import { entropy, identity, items, type RawPeer, rawGuest, relayed } from '../../support/raw-peer.ts'

const Open = actorName<number>('open')
const guests = { trust: 'guest' as const, expose: [{ name: Open, unchecked: true as const }] }
const QUICK = { min: 1, max: 5 }

/** A batch of every kind of item. */
const everything = (): Uint8Array =>
  items(write => {
    write.u8(Item.define)
    write.utf8('nobody')
    for (const message of [
      7,
      'text',
      { type: 'x', list: [1.5, null, true], deep: { a: new Map([[1, new Date(0)]]) } }
    ]) {
      write.u8(Item.send)
      write.varint(1)
      write.message(message)
    }
    write.u8(Item.ask)
    write.varint(1)
    write.utf8('~question')
    write.message({ type: 'y' })
    write.u8(Item.watch)
    write.varint(1)
    write.u8(Item.unwatch)
    write.varint(0)
    write.utf8('nobody-else')
    write.u8(Item.sendTo)
    write.utf8('~answer')
    write.message([1n, new Uint8Array(3)])
    write.u8(Item.fail)
    for (const text of ['~other', 'ACTOR_FAILED', 'it failed']) write.utf8(text)
    write.u8(Item.cancel)
    write.utf8('~question')
    write.u8(Item.stopped)
    write.utf8('someone')
    write.u8(0)
    write.u8(Item.pressure)
    write.utf8('someone')
    write.u8(1)
  })

describe('bad bytes after the handshake', () => {
  let hub: ActorSystem
  let beside: ActorSystem
  let seen: number[]
  let sent: number

  beforeEach(() => {
    hub = createSystem({ label: 'hub', logger: quiet })
    beside = createSystem({ label: 'beside', logger: quiet })
    seen = []
    sent = 0
  })

  afterEach(async () => {
    await Promise.all([hub.shutdown({ within: 100 }), beside.shutdown({ within: 100 })])
  })

  /** The well-behaved one goes on while the other does its worst, and loses nothing. */
  async function unharmed(attack: (good: () => void) => Promise<void>, ref: ActorRef<number>): Promise<void> {
    const good = (): void => {
      if (ref.send(sent)) sent += 1
    }
    good()
    await attack(good)
    good()
    await until(() => seen.length === sent, 'everything has arrived')
    expectNumbered(seen, sent)
  }

  describe('from a guest, over WebSockets', () => {
    const worst: Array<[string, (peer: RawPeer) => Uint8Array[]]> = [
      ['random frames', () => Array.from({ length: 200 }, (_, n) => entropy(n))],
      ['frames of each kind with nothing in them', () => Array.from({ length: 256 }, (_, n) => Uint8Array.of(n))],
      [
        'frames of each kind with noise in them',
        () => Array.from({ length: 256 }, (_, n) => Uint8Array.of(n, ...entropy(100)))
      ],
      [
        'mail with random items',
        peer => Array.from({ length: 200 }, (_, n) => relayed(peer.identity.id, hub.id, { epoch: n + 1 }, entropy(n)))
      ],
      [
        'mail to random systems',
        peer => Array.from({ length: 200 }, () => relayed(peer.identity.id, identity().id, {}, entropy(9)))
      ],
      [
        'mail with random heads',
        peer =>
          Array.from({ length: 200 }, () => {
            const frame = relayed(peer.identity.id, hub.id, {}, entropy(30))
            frame.set(entropy(HEAD_BYTES - 34), 34)
            return frame
          })
      ],
      ['frames of the largest size', () => Array.from({ length: 20 }, () => entropy(61_440))]
    ]
    for (const [title, make] of worst) {
      it(`${title} harm nobody else`, async () => {
        const { url } = await hub.listen(webSocketServer({ port: 0 }), guests)
        hub.spawn(noting(seen), { name: Open })
        const way = webSocket(url as string, { WebSocket })
        await beside.connect(way, { backoff: QUICK })
        const peer = await rawGuest(way)
        await unharmed(
          async good => {
            for (const frame of make(peer)) {
              peer.send(frame)
              good()
            }
            await turn()
          },
          await beside.lookup(Open)
        )
      })
    }

    it('a text frame, a frame that is too large, and a socket that breaks off cost that connection only', async () => {
      const { url, peers } = await hub.listen(webSocketServer({ port: 0 }), guests)
      expect(peers.size).to.equal(0)
      hub.spawn(noting(seen), { name: Open })
      await beside.connect(webSocket(url as string, { WebSocket }), { backoff: QUICK })
      await unharmed(
        async good => {
          for (const what of ['text', new Uint8Array(70_000), undefined]) {
            const socket = new WebSocket(url as string)
            await new Promise(resolve => socket.once('open', resolve))
            const closed = new Promise(resolve => socket.once('close', resolve))
            socket.on('error', () => {})
            if (what === undefined) socket.terminate()
            else socket.send(what)
            good()
            await closed
          }
        },
        await beside.lookup(Open)
      )
    })
  })

  it('that cut a batch short at every place end epochs only', async () => {
    const { transport, listener } = memory()
    await hub.listen(listener, guests)
    hub.spawn(noting(seen), { name: Open })
    await beside.connect(transport)
    const peer = await rawGuest(transport)
    const whole = everything()
    await unharmed(
      async good => {
        for (let end = 0; end < whole.length; end++) {
          peer.send(relayed(peer.identity.id, hub.id, { epoch: end + 1 }, whole.subarray(0, end)))
          if (end % 10 === 0) good()
          await turn()
        }
        const frame = relayed(peer.identity.id, hub.id, { epoch: 1_000 }, whole)
        for (let end = 0; end < HEAD_BYTES; end++) peer.send(frame.subarray(0, end))
        await turn()
      },
      await beside.lookup(Open)
    )
    expect(peer.closed).to.deep.equal([])
  })

  it('that have any one bit turned end epochs only', async () => {
    const { transport, listener } = memory()
    await hub.listen(listener, guests)
    hub.spawn(noting(seen), { name: Open })
    await beside.connect(transport)
    const peer = await rawGuest(transport)
    const whole = everything()
    await unharmed(
      async good => {
        for (let bit = 0; bit < whole.length * 8; bit++) {
          const flipped = whole.slice()
          flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
          peer.send(relayed(peer.identity.id, hub.id, { epoch: bit + 1 }, flipped))
          if (bit % 50 === 0) good()
          if (bit % 8 === 0) await turn()
          peer.frames.length = 0
        }
        // The head, too: whoever it names then, it is not believed.
        for (let bit = 0; bit < HEAD_BYTES * 8; bit++) {
          const flipped = relayed(peer.identity.id, hub.id, { epoch: 20_000 + bit }, whole)
          flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
          peer.send(flipped)
          if (bit % 8 === 0) await turn()
        }
      },
      await beside.lookup(Open)
    )
  })

  it('from a listener end the connection at worst: the dialler dials again and finds the good one', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    const who = identity()
    let dialled = 0
    server.on('connection', (socket: ServerSocket) => {
      dialled += 1
      socket.on('error', () => {})
      socket.once('message', () => {
        const welcome = { kind: 'welcome', version: PROTOCOL, id: who.id, label: 'bad', trust: 'guest' } as const
        socket.send(writeHandshake({ ...welcome, downAfter: 30_000, messageBytes: 1_048_576, windowBytes: 1_048_576 }))
        for (let n = 0; n < 256; n++) if (n !== FrameKind.goodbye) socket.send(Uint8Array.of(n, ...entropy(n)))
        for (let n = 1; n < 100; n++) socket.send(relayed(who.id, beside.id, { epoch: n }, entropy(n)))
        socket.send('text')
      })
    })
    await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const link = await beside.connect(webSocket(`ws://127.0.0.1:${port}`, { WebSocket }), { backoff: QUICK })
    await until(() => dialled > 2, 'it has dialled again')
    const asked = failureCode(beside.lookup(Open, { within: 50 }))
    expect(await asked).to.equal('ACTOR_NOT_FOUND')
    await link.disconnect()
    for (const socket of server.clients) socket.terminate()
    await new Promise(resolve => server.close(resolve))
  })
})

describe('a cut at any byte', () => {
  it('of mail, of the upgrade and of the handshake loses nothing, doubles nothing and changes no order', async () => {
    const hub = createSystem({ label: 'hub', logger: quiet })
    const guest = createSystem({ label: 'guest', logger: quiet })
    const { url } = await hub.listen(webSocketServer({ port: 0 }), guests)
    const between = await proxy(Number(new URL(url as string).port))
    const there: number[] = []
    const back: number[] = []
    type Word = { n: number; to: ActorRef<number> } | { type: 'get'; replyTo: ActorRef<number> }
    const actor = setup<Word>(() => ({
      receive(word) {
        if ('replyTo' in word) word.replyTo.send(there.length)
        else {
          there.push(word.n)
          word.to.send(word.n)
        }
      }
    }))
    hub.spawn(actor, { name: Open as never })
    const link = await guest.connect(webSocket(`ws://127.0.0.1:${between.port}`, { WebSocket }), { backoff: QUICK })
    const ref = (await guest.lookup(Open)) as unknown as ActorRef<Word>
    const to = guest.spawn(noting(back))
    let n = 0
    for (let cut = 1; cut < 1_000; cut += 7) {
      // One in what is under way, one in the attempt that follows.
      between.cutAfter(cut % 331, cut)
      const asked = ref.ask<number>(replyTo => ({ type: 'get', replyTo }), { within: 8_000 })
      for (let k = 0; k < 20; k++) await hand(ref, { n: n++, to })
      await asked
      await until(() => back.length === n, `all came back after a cut at ${cut}`)
      await until(() => link.status === 'connected', 'the link is up')
    }
    expect(between.planned).to.be.below(10)
    expectNumbered(there, n)
    expectNumbered(back, n)
    await Promise.all([guest.shutdown(), hub.shutdown()])
    await between.close()
  }).timeout(60_000)
})
