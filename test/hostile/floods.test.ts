import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { FrameKind, type Head, HeadKind, OPENING, RESEND, readHead } from '../../runtime/peer/frame.ts'
import { writeHandshake } from '../../runtime/peer/handshake.ts'
import { Item } from '../../runtime/peer/items.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { gate, stuck, turn, until } from '../suites/any-ref/cast.ts'
import { hurriedClock } from '../support/hurried-clock.ts'
import { entropy, type HeadFacts, hello, identity, items, type RawPeer, relayed } from '../support/raw-peer.ts'
import { frameOf, type RawSocket, rawSocket, spoken, upgrade } from '../support/raw-socket.ts'
import { attack, type Stage } from './stage.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const MEGABYTE = 1_048_576
const idOf = (ref: { address: string }): string => ref.address.slice(ref.address.indexOf('/') + 1)

/** Bytes that the process holds, on the heap and beside it. */
function held(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/**
 * No more than so many megabytes are held beyond what was before. V8 tells what it has collected between two rounds of the
 * event loop, so the first look may see too much.
 */
async function holds(megabytes: number, before: number): Promise<void> {
  await until(() => (held() - before) / MEGABYTE < megabytes, `less than ${megabytes} MB are held`)
}

/** A guest on a bare socket, which can stop to read. */
async function bareGuest(
  stage: Pick<Stage, 'caller'>
): Promise<{ socket: RawSocket; id: string; send(frame: Uint8Array): void }> {
  const socket = await stage.caller()
  const who = identity()
  socket.write(upgrade())
  socket.write(frameOf(writeHandshake(hello(who))))
  await until(() => spoken(socket.heard).frames.length > 0, 'it is welcome')
  return { socket, id: who.id, send: frame => socket.write(frameOf(frame)) }
}

/** Mail to an actor of the hub: the same message some times. */
const batch = (id: string, message: unknown, count = 1): Uint8Array =>
  items(write => {
    for (let n = 0; n < count; n++) {
      write.u8(Item.send)
      write.varint(0)
      write.utf8(id)
      write.message(message)
    }
  })

const heads = ({ frames }: RawPeer): Head[] =>
  frames
    .filter(frame => frame[0] === FrameKind.relay)
    .map(frame => {
      const head = { kind: 0, flags: 0, epoch: 0, ack: 0, credit: 0, seq: 0 }
      readHead(frame, head)
      return head
    })

describe('whoever asks on and on and takes no answer', () => {
  const questions: Array<[title: string, frame: (id: string, stage: Stage) => Uint8Array]> = [
    ['with pings of ours', () => frameOf(Uint8Array.of(FrameKind.ping, ...new Uint8Array(8)))],
    ['with pings of WebSockets', () => frameOf(new Uint8Array(125), { opcode: 9 })],
    ['with mail for nobody', id => frameOf(relayed(id, identity().id, {}))],
    ['with mail of epochs that are over', (id, { hub }) => frameOf(relayed(id, hub.id, { flags: 0, seq: 9 }))],
    ['for what it has missed', (id, { hub }) => frameOf(relayed(id, hub.id, { kind: HeadKind.sync, flags: OPENING | RESEND, seq: 0 }))] // biome-ignore format: one line says it
  ]
  for (const [title, make] of questions) {
    attack(`${title} takes no memory for them`, async stage => {
      const { socket, id } = await bareGuest(stage)
      socket.pause()
      const flood = Buffer.concat(new Array(10_000).fill(make(id, stage)))
      const before = held()
      for (let n = 0; n < 20 && !socket.over; n++) {
        socket.write(flood)
        await stage.served()
      }
      await holds(24, before)
      socket.reset()
    }).timeout(40_000)
  }

  attack('with tokens where everybody is let in takes no memory for them', async stage => {
    const { url } = await stage.hub.listen(webSocketServer({ port: 0 }), { trust: 'guest' })
    const { socket } = await bareGuest({ caller: () => rawSocket(Number(new URL(url as string).port)) })
    socket.pause()
    const flood = Buffer.concat(new Array(10_000).fill(frameOf(Buffer.from('\f{"token":"x"}'))))
    const before = held()
    for (let n = 0; n < 20 && !socket.over; n++) {
      socket.write(flood)
      await stage.served()
    }
    await holds(24, before)
    socket.reset()
  }).timeout(40_000)
})

describe('whoever reads nothing', () => {
  attack(
    'of what it has an actor send to it is a slow consumer: 4508, and in between no more waits than may',
    async stage => {
      const { socket, id, send } = await bareGuest(stage)
      socket.pause()
      const before = held()
      const to = stage.hub.ref<string>(`actor:${id}/x`)
      send(relayed(id, stage.hub.id, { kind: HeadKind.sync, credit: 2 ** 40 }))
      const status = (): string | undefined => [...stage.gateway.peers].find(each => each.id === id)?.status
      const text = 'x'.repeat(50_000)
      await until(() => {
        for (let n = 0; n < 20; n++) to.send(text)
        // It says that nothing has come, so that all is sent again.
        send(relayed(id, stage.hub.id, { kind: HeadKind.sync, flags: RESEND, credit: 2 ** 40, seq: 0 }))
        return status() !== 'connected'
      }, 'it is given up')
      await holds(48, before)
      socket.resume()
      await until(() => socket.over || spoken(socket.heard).code !== undefined, 'it hears why')
      expect(spoken(socket.heard).code).to.equal(4508)
    },
    { clock: hurriedClock(10) }
  ).timeout(30_000)

  attack('of what another guest sends to it costs the hub no more than may wait', async stage => {
    const { socket, id } = await bareGuest(stage)
    socket.pause()
    const before = held()
    const to = stage.good.ref<string>(`actor:${id}/x`)
    for (let n = 0; n < 50; n++) {
      for (let k = 0; k < 10; k++) to.send('x'.repeat(50_000))
      await stage.served()
    }
    await holds(32, before)
    socket.reset()
  }).timeout(30_000)
})

describe('whoever sends more than was granted', () => {
  attack('to an actor that is busy has it ignored, and is not held in memory', async stage => {
    const { opened, open } = gate()
    const seen: unknown[] = []
    const busy = stage.hub.spawn(stuck(seen, opened), { mailbox: { capacity: 4 } })
    const peer = await stage.guest()
    const full = batch(idOf(busy), 'x'.repeat(1_000), 55)
    const before = held()
    for (let seq = 1; seq <= 600; seq++) {
      peer.send(relayed(peer.identity.id, stage.hub.id, { seq }, full))
      if (seq % 100 === 0) await stage.served()
    }
    await holds(8, before)
    open()
    await stage.served()
    expect(seen.length * 1_000, 'bytes that were handled').to.be.below(1.2 * MEGABYTE)
  }).timeout(30_000)

  attack('in parts of messages that never end loses its epoch', async stage => {
    const peer = await stage.guest()
    const part = (stream: number) =>
      items(write => {
        write.u8(Item.chunk)
        write.varint(stream)
        write.varint(1_000_000)
        for (let n = 0; n < 50_000; n++) write.u8(0)
      })
    const before = held()
    for (let seq = 1; seq <= 40; seq++) peer.send(relayed(peer.identity.id, stage.hub.id, { seq }, part(seq)))
    await until(() => heads(peer).some(({ kind }) => kind === HeadKind.ended), 'it hears that it is over')
    await holds(8, before)
  })

  attack('as faults, twenty thousand in a frame, loses its epoch before anybody notices', async stage => {
    const peer = await stage.guest()
    const fault = items(write => {
      write.u8(Item.send)
      write.varint(1)
      write.u8(0x81)
      write.u8(0xff)
    })
    const define = items(write => {
      write.u8(Item.define)
      write.utf8(idOf(stage.open))
    })
    const flood = Buffer.concat([define, ...new Array(14_000).fill(fault)])
    for (let epoch = 1; epoch <= 30; epoch++) peer.send(relayed(peer.identity.id, stage.hub.id, { epoch }, flood))
    peer.send(relayed(peer.identity.id, stage.hub.id, { epoch: 30, seq: 2 }, flood))
    await until(() => heads(peer).some(({ kind }) => kind === HeadKind.ended), 'it hears that its epochs are over')
    expect(stage.said).to.deep.equal([])
  })

  attack('of what is no protocol, or of watches, again and again, fills no log', async stage => {
    const peer = await stage.guest()
    const watches = items(write => {
      for (let n = 0; n < 1_000; n++) {
        write.u8(Item.watch)
        write.varint(0)
        write.utf8(`nobody ${n}`)
      }
    })
    const began = performance.now()
    for (let epoch = 1; epoch <= 500; epoch++) {
      peer.send(relayed(peer.identity.id, stage.hub.id, { epoch }, epoch % 50 === 0 ? watches : Uint8Array.of(99)))
    }
    await stage.served()
    await stage.served()
    expect(stage.warned).to.include('a peer broke the protocol; the epoch ends')
    expect(stage.warned.length).to.be.at.most(1 + (performance.now() - began) / 1_000)
  })

  attack('as messages of many values is read slower than the others, who are served', async stage => {
    const peer = await stage.guest()
    const full = batch(idOf(stage.open), new Array(9_000).fill(1), 6)
    for (let seq = 1; seq <= 100; seq++) {
      peer.send(relayed(peer.identity.id, stage.hub.id, { seq }, full))
      if (seq % 10 === 0) await stage.served()
    }
  })
})

describe('numbers that are out of order', () => {
  const who = (peer: RawPeer, { hub }: Stage) => [peer.identity.id, hub.id] as const
  type Send = (head: HeadFacts, word?: string) => void
  const orders: Array<[title: string, act: (send: Send) => void, said: string[]]> = [
    ['repeated', send => { for (let n = 0; n < 50; n++) send({ seq: 1 }, 'a') }, ['a']],
    ['below what was', send => { for (const seq of [1, 2, 3, 1, 2, 0]) send({ seq }, `${seq}`) }, ['1', '2', '3']],
    ['that jump by one', send => { for (const seq of [1, 3, 4, 2]) send({ seq }, `${seq}`) }, ['1', '2']],
    ['that jump far', send => { for (const seq of [1, 2 ** 47, 2]) send({ seq }, `${seq}`) }, ['1', '2']],
    ['of the highest', send => { for (const seq of [2 ** 48 - 1, 1]) send({ seq }, `${seq}`) }, ['1']],
    ['that acknowledge what was never sent', send => { send({ seq: 1, ack: 99 }, 'a'); send({ seq: 1, ack: 2 ** 48 - 1 }, 'b'); send({ seq: 1 }, 'c') }, ['c']], // biome-ignore format: one line says it
    ['whose credit shrinks', send => { send({ seq: 1, credit: 1e6 }, 'a'); send({ seq: 2, credit: 0 }, 'b') }, ['a', 'b']], // biome-ignore format: one line says it
    ['of an epoch far ahead', send => { send({ epoch: 2 ** 32 - 1 }, 'x'); send({ epoch: 70_000 }, 'y'); send({ epoch: 1 }, 'a') }, ['a']], // biome-ignore format: one line says it
    ['of epochs that are over', send => { send({ epoch: 5 }, 'a'); send({ epoch: 4 }, 'x'); send({ epoch: 0 }, 'y'); send({ epoch: 5, seq: 2 }, 'b') }, ['a', 'b']], // biome-ignore format: one line says it
    ['of an epoch that nobody opened', send => { send({ epoch: 3, flags: 0 }, 'x') }, []],
    ['of kinds that there are not', send => { for (let kind = 6; kind < 256; kind++) send({ kind, seq: kind - 5 }, 'x') }, []], // biome-ignore format: one line says it
    ['with flags that there are not', send => { send({ seq: 1, flags: 0xff }, 'a') }, ['a']]
  ] // biome-ignore format: a table
  for (const [title, act, said] of orders) {
    attack(`${title} give no message twice, none out of order, and none that was not sent`, async stage => {
      const peer = await stage.guest()
      act((head, word) =>
        peer.send(relayed(...who(peer, stage), head, word === undefined ? undefined : batch(idOf(stage.open), word)))
      )
      await stage.served()
      await stage.served()
      expect(stage.said).to.deep.equal(said)
      expect(peer.closed).to.deep.equal([])
    })
  }
})

describe('many at once', () => {
  attack(
    'who say nothing are as many as may be; the rest hears 4429, and when they are gone there is room again',
    async stage => {
      const idle = await Promise.all(Array.from({ length: 120 }, () => stage.stranger()))
      await until(() => idle.some(({ closed }) => closed.length > 0), 'some are turned away')
      await stage.served()
      await until(() => idle.every(({ closed }) => closed.length > 0), 'all are gone')
      const codes = idle.map(({ closed }) => closed[0]?.code)
      expect([4408, 4429].map(code => codes.filter(each => each === code).length)).to.deep.equal([40, 80])
      await stage.guest()
    },
    { clock: hurriedClock(3), limits: { pendingHandshakes: 40 } }
  ).timeout(30_000)

  attack(
    'who come, are welcome, and break off keep no more places than may be kept',
    async stage => {
      for (let n = 0; n < 10; n++) {
        await Promise.all(
          Array.from({ length: 20 }, async () => {
            const peer = await stage.guest()
            peer.close()
          })
        )
        await stage.served()
      }
      await until(() => stage.gateway.peers.size <= 51, 'the oldest have lost theirs')
    },
    { limits: { suspended: 50 } }
  )

  attack('who send noise, each as fast as it can, keep nobody else from being served', async stage => {
    const peers = await Promise.all(Array.from({ length: 20 }, () => stage.guest()))
    for (let round = 0; round < 20; round++) {
      for (const peer of peers) {
        const from = peer.identity.id
        for (let n = 0; n < 20; n++) {
          peer.send(entropy(1 + ((n * 37) % 500)).map((byte, at) => (at === 0 ? 12 + (byte % 200) : byte)))
          peer.send(relayed(from, stage.hub.id, { epoch: 1 + round * 20 + n }, entropy(200)))
          peer.send(relayed(from, identity().id, {}, entropy(100)))
        }
      }
      await turn()
    }
    await stage.served()
  }).timeout(30_000)

  attack(
    'names, kinds, questions and actors that nobody has heard of are forgotten with who spoke of them',
    async stage => {
      const visit = async (): Promise<void> => {
        const peer = await stage.guest()
        const from = peer.identity.id
        let seq = 0
        for (let n = 0; n < 100; n++) {
          const made = items(write => {
            for (let k = 0; k < 100; k++) {
              const word = `${seq}-${k}-${'x'.repeat(30)}`
              write.u8(Item.define)
              write.utf8(word)
              write.u8(Item.ask)
              write.varint(0)
              write.utf8(word)
              write.utf8(`~${word}`)
              write.message({ type: word, [word]: 1 })
              write.u8(Item.watch)
              write.varint(0)
              write.utf8(word)
            }
          })
          peer.send(relayed(from, stage.hub.id, { seq: ++seq, credit: 2 ** 40, ack: 0 }, made))
          if (n % 20 === 0) await stage.served()
        }
        peer.send(Uint8Array.of(FrameKind.goodbye))
        await until(() => peer.closed.length > 0, 'it has left')
        await stage.alone()
      }
      await visit()
      await stage.served()
      const before = held()
      for (let n = 0; n < 2; n++) await visit()
      await holds(4, before)
    },
    { clock: hurriedClock(10) }
  ).timeout(30_000)
})
