import { createServer } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'chai'
import { writeHandshake } from '../../runtime/peer/handshake.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { turn, until } from '../suites/any-ref/cast.ts'
import { hurriedClock } from '../support/hurried-clock.ts'
import { entropy, hello, identity } from '../support/raw-peer.ts'
import { frameOf, type RawSocket, rawSocket, spoken, upgrade } from '../support/raw-socket.ts'
import { portOf, stop } from '../transports/http.ts'
import { attack, type Stage } from './stage.ts'

/** Says these bytes, and hears what the listener makes of them until it ends the socket. */
async function hears({ caller }: Stage, bytes: string | Uint8Array): Promise<ReturnType<typeof spoken>> {
  const socket = await caller()
  socket.write(bytes)
  await until(() => socket.over || spoken(socket.heard).code !== undefined, 'the listener ends it')
  socket.reset()
  return spoken(socket.heard)
}

const many = (count: number, line: (n: number) => string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, line(n)]))

describe('a caller that speaks something else', () => {
  const tls = Buffer.from('16030100c8010000c40303', 'hex')
  const words: Array<[title: string, bytes: string | Uint8Array, answer: RegExp]> = [
    ['a plain GET', 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', / 426 /],
    ['OPTIONS', 'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n', / 4\d\d /],
    ['a POST with a body', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello', / 426 /],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n', /^$| 4\d\d /],
    ['a request without a host', 'GET / HTTP/1.1\r\n\r\n', / 4\d\d /],
    ['a request for an address that is none', 'GET http://[:::]]/%ff%00 HTTP/1.1\r\nhost: a\r\n\r\n', / 4\d\d /],
    ['the hello of TLS', Buffer.concat([tls, entropy(300)]), / 400 /],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^$| 400 /],
    ['the hello of SSH', 'SSH-2.0-OpenSSH_9.6\r\n', / 400 /],
    ['zeros', new Uint8Array(5_000), / 400 /],
    ['random bytes', Buffer.concat([Buffer.from([0xff]), entropy(5_000)]), / 400 /],
    ['a line without end', `GET /${'a'.repeat(100_000)}`, / 4\d\d /],
    ['a header of 64 KiB', upgrade({ cookie: 'a'.repeat(65_536) }), / 4\d\d /],
    ['two thousand headers', upgrade(many(2_000, () => '')), / 4\d\d /],
    ['spaces by the thousand as sub-protocols', upgrade({ 'sec-websocket-protocol': ' '.repeat(100_000) }), / 4\d\d /]
  ]
  for (const [title, bytes, answer] of words) {
    attack(`${title} is turned away, or heard by nobody`, async stage => {
      const began = performance.now()
      const { head } = await hears(stage, bytes)
      expect(performance.now() - began, 'milliseconds').to.be.below(1_000)
      expect(head.split('\r\n')[0]).to.match(answer)
      await stage.alone()
    })
  }
})

describe('a caller that asks how things are', () => {
  attack('hears counts, and nothing of who is there', async stage => {
    const { head, body } = await hears(stage, 'GET /status?id=* HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    expect(head).to.match(/ 200 /)
    expect(body).to.not.include(stage.good.id).and.not.include('good').and.not.include(stage.hub.id)
    for (const value of Object.values(JSON.parse(body) as object)) expect(value).to.not.be.an('array')
  })

  for (const start of [
    'POST /status',
    'GET /status/../x',
    'GET //status',
    'GET /%73tatus',
    'GET /status%00',
    'DELETE /status'
  ]) {
    attack(`by ${start} hears no more`, async stage => {
      const { head, body } = await hears(
        stage,
        `${start} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`
      )
      expect(head).to.match(/ (4\d\d|200) /)
      expect(body).to.not.include(stage.good.id)
    })
  }
})

describe('a request that looks like an upgrade', () => {
  const requests: Array<[title: string, bytes: string, answer: RegExp]> = [
    ['with two lengths', upgrade({ 'content-length': '5', 'Content-Length': '6' }), / 400 /],
    ['with a length and in chunks', upgrade({ 'content-length': '5', 'transfer-encoding': 'chunked' }), / 400 /],
    ['with a folded header', upgrade({ 'x-a': 'b\r\n c: d' }), / 400 /],
    ['with a space before a colon', upgrade({ 'content-length ': '5' }), / 400 /],
    ['with a bare line feed in a header', upgrade({ 'x-a': 'b\nx-c: d' }), / 400 | 101 /],
    ['with a zero byte in a header', upgrade({ 'x-a': 'b\0c' }), / 400 /],
    ['by POST', upgrade({}, 'POST / HTTP/1.1'), / 405 /],
    ['in HTTP/1.0', upgrade({}, 'GET / HTTP/1.0'), / 4\d\d | 101 /],
    ['in HTTP/9.9', upgrade({}, 'GET / HTTP/9.9'), / 4\d\d | 505 /],
    ['of version 7', upgrade({ 'sec-websocket-version': '7' }), / 4\d\d /],
    ['of version 13 and a half', upgrade({ 'sec-websocket-version': '13.5' }), / 4\d\d /],
    ['without a key', upgrade({ 'sec-websocket-key': undefined }), / 400 /],
    ['with a key that is none', upgrade({ 'sec-websocket-key': 'x' }), / 400 /],
    ['to h2c', upgrade({ upgrade: 'h2c' }), / 4\d\d /],
    ['to nothing', upgrade({ upgrade: '' }), / 4\d\d /],
    ['with sub-protocols that are none', upgrade({ 'sec-websocket-protocol': ',,a b,' }), / 400 /],
    ['with the same sub-protocol twice', upgrade({ 'sec-websocket-protocol': 'a, a' }), / 400 /],
    ['with sixty-five headers', upgrade(many(60, () => '')), / 431 /]
  ]
  for (const [title, bytes, answer] of requests) {
    attack(`${title} attaches nobody`, async stage => {
      const socket = await stage.caller()
      socket.write(bytes)
      await until(() => socket.heard.length > 0, 'it is answered')
      expect(spoken(socket.heard).head.split('\r\n')[0]).to.match(answer)
      socket.reset()
      await stage.alone()
    })
  }

  attack('with a body has it read as frames, which it is not', async stage => {
    const { code } = await hears(stage, `${upgrade({ 'content-length': '10' })}0123456789`)
    expect(code).to.be.oneOf([1002, 1007, undefined])
    await stage.alone()
  })

  attack('in front of another request leaves that one unanswered', async stage => {
    const { head, code } = await hears(stage, `${upgrade()}${upgrade()}GET / HTTP/1.1\r\nhost: a\r\n\r\n`)
    expect(head).to.match(/ 101 /)
    expect(head.match(/HTTP\/1\.1/g)).to.have.length(1)
    expect(code).to.equal(1002)
  })

  attack('behind a plain one goes unanswered with it', async stage => {
    const { head } = await hears(stage, `GET / HTTP/1.1\r\nhost: a\r\n\r\n${upgrade()}`)
    expect(head).to.match(/ 426 /)
    await stage.alone()
  })

  attack('and offers to compress gets no compression', async stage => {
    const socket = await stage.caller()
    socket.write(upgrade({ 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits, x; y="z"' }))
    await until(() => socket.heard.length > 0, 'it is answered')
    expect(spoken(socket.heard).head)
      .to.match(/ 101 /)
      .and.not.match(/permessage-deflate/i)
    // Sixty bytes that would be a megabyte of zeros.
    socket.write(frameOf(entropy(60), { rsv: 4 }))
    await socket.ended()
    expect(spoken(socket.heard).code).to.equal(1002)
  })

  it('is refused as quickly by a server whose headers may be long, with spaces, commas or quotes by the thousand', async () => {
    const server = createServer({ maxHeaderSize: 1_048_576 })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const listening = await webSocketServer({ server }).listen(connection => connection.close())
    for (const name of ['sec-websocket-protocol', 'sec-websocket-extensions', 'sec-websocket-key', 'origin']) {
      for (const filling of [' ', ',', '"', ';', '=', 'a ', '\t,']) {
        const socket = await rawSocket(portOf(server))
        const began = performance.now()
        socket.write(upgrade({ [name]: `a${filling.repeat(100_000 / filling.length)}b` }))
        await until(() => socket.heard.length > 0, 'it is answered')
        expect(performance.now() - began, `milliseconds for ${name} and '${filling}'`).to.be.below(500)
        socket.reset()
      }
    }
    await listening.close()
    await stop(server)
  })
})

describe('a caller that breaks the rules of WebSockets', () => {
  const one = Uint8Array.of(1)
  const frames: Array<[title: string, frames: Uint8Array[], codes: number[]]> = [
    ['by a frame without a mask', [frameOf(one, { masked: false })], [1002]],
    ['by text', [frameOf(Buffer.from('hello'), { opcode: 1 })], [1003]],
    ['by text that is no UTF-8', [frameOf(Uint8Array.of(0xc0, 0x80), { opcode: 1 })], [1007]],
    ['by a reserved bit', [frameOf(one, { rsv: 1 })], [1002]],
    ['by an opcode that there is not', [frameOf(one, { opcode: 3 })], [1002]],
    ['by a control opcode that there is not', [frameOf(one, { opcode: 11 })], [1002]],
    ['by a ping of 126 bytes', [frameOf(new Uint8Array(126), { opcode: 9 })], [1002]],
    ['by a ping in parts', [frameOf(one, { opcode: 9, fin: false })], [1002]],
    ['by the end of something that never began', [frameOf(one, { opcode: 0 })], [1002]],
    ['by a second beginning', [frameOf(one, { fin: false }), frameOf(one, { fin: false })], [1002]],
    ['by a frame of 2^63 bytes', [frameOf(one, { says: 2n ** 63n })], [1002, 1009]],
    ['by a frame of 2^53 bytes', [frameOf(one, { says: 2n ** 53n })], [1002, 1009]],
    ['by a frame of 2 GB', [frameOf(one, { says: 2 ** 31 })], [1009]],
    ['by a frame of 64 KiB and a byte', [frameOf(one, { says: 65_537 })], [1009]],
    ['by parts that are too much together', [0, 1].map(n => frameOf(new Uint8Array(40_000), { opcode: n === 0 ? 2 : 0, fin: false })), [1009]], // biome-ignore format: one line says it
    ['by a close of one byte', [frameOf(one, { opcode: 8 })], [1002]],
    ['by a close with a code that nobody may say', [frameOf(Uint8Array.of(3, 0xed), { opcode: 8 })], [1002]],
    ['by a close whose reason is no UTF-8', [frameOf(Uint8Array.of(3, 0xe8, 0xff), { opcode: 8 })], [1007]]
  ]
  for (const [title, bytes, codes] of frames) {
    attack(`${title} is closed`, async stage => {
      const { code } = await hears(stage, Buffer.concat([Buffer.from(upgrade()), ...bytes]))
      expect(code).to.be.oneOf(codes)
      await stage.alone()
    })
  }

  attack('by a hundred connections of sixteen thousand one-byte parts each is closed at the 65th part', async stage => {
    const part = (n: number) => frameOf(Uint8Array.of(n), { opcode: n === 0 ? 2 : 0, fin: false })
    const bytes = Buffer.concat(Array.from({ length: 16_383 }, (_, n) => part(n & 0xff || (n === 0 ? 0 : 1))))
    const before = process.memoryUsage()
    const sockets: RawSocket[] = []
    for (let n = 0; n < 100; n++) {
      const socket = await stage.caller()
      socket.write(upgrade())
      socket.write(bytes)
      sockets.push(socket)
    }
    await Promise.all(sockets.map(socket => socket.ended()))
    const after = process.memoryUsage()
    for (const socket of sockets) expect(spoken(socket.heard).code).to.be.oneOf([1008, undefined])
    expect((after.heapUsed - before.heapUsed) / 100, 'bytes of heap for each').to.be.below(1_000_000)
    await stage.alone()
  }).timeout(30_000)
})

describe('a caller that goes away in the middle', () => {
  const greeting = Buffer.concat([Buffer.from(upgrade()), frameOf(Buffer.from('\u0001{"version":1'))])
  for (const [how, leave] of [
    ['by a reset', (socket: RawSocket) => socket.reset()],
    ['by saying no more', (socket: RawSocket) => socket.finish()]
  ] as const) {
    attack(`of the request or the first frame, ${how}, leaves nothing behind`, async stage => {
      for (let end = 0; end <= greeting.length; end += 5) {
        const socket = await stage.caller()
        socket.write(greeting.subarray(0, end))
        if (end % 2 === 0) await turn()
        leave(socket)
        if (end % 50 === 0) await stage.served()
      }
      await stage.alone()
    })
  }
})

describe('a caller that takes its time', () => {
  attack(
    'over the greeting is closed with 4408',
    async stage => {
      const silent = await stage.stranger()
      const pinging = await stage.stranger()
      pinging.send(Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 0, 0))
      await until(() => silent.closed.length + pinging.closed.length === 2, 'they are shown the door')
      expect([silent, pinging].map(({ closed }) => closed[0]?.code)).to.deep.equal([4408, 4408])
    },
    { clock: hurriedClock(10) }
  )

  attack(
    'over a frame that it never ends is closed with 4408',
    async stage => {
      const socket = await stage.caller()
      socket.write(upgrade())
      socket.write(frameOf(writeHandshake(hello(identity()))))
      await until(() => spoken(socket.heard).frames.length > 0, 'it is welcome')
      const frame = frameOf(new Uint8Array(60_000))
      socket.write(frame.subarray(0, 1))
      await stage.served()
      socket.write(frame.subarray(1, -1))
      await until(() => socket.over || spoken(socket.heard).code !== undefined, 'it is given up')
      expect(spoken(socket.heard).code).to.equal(4408)
      socket.reset()
    },
    { clock: hurriedClock(10) }
  )

  attack('over the request is dropped within six seconds, whatever it has said of it', async stage => {
    const began = performance.now()
    const slow = [
      '',
      'G',
      'GET / HTTP/1.1\r\n',
      upgrade().slice(0, -2),
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n1'
    ]
    const sockets = await Promise.all(slow.map(() => stage.caller()))
    for (const [n, socket] of sockets.entries()) socket.write(slow[n] as string)
    // One says a letter now and then.
    const drip = connect(stage.port, '127.0.0.1').on('error', () => {})
    const dripping = setInterval(() => drip.write('a'), 300)
    drip.write('GET / HTTP/1.1\r\nx-a: ')
    drip.resume()
    const dropped = new Promise(resolve => drip.once('close', resolve))
    await Promise.all([dropped, ...sockets.map(socket => socket.ended())])
    clearInterval(dripping)
    expect(performance.now() - began).to.be.below(8_500)
  }).timeout(20_000)
})
