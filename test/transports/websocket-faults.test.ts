import { createHash } from 'node:crypto'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { expect } from 'chai'
import { WebSocket } from 'ws'
import type { Connection } from '../../runtime/peer/transport.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'

const signal = (): AbortSignal => AbortSignal.timeout(5000)

async function listening(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Everything that a connection hears until it ends. */
function heard(connection: Connection): Promise<{ sizes: number[]; code: number; reason: string }> {
  const sizes: number[] = []
  return new Promise(resolve =>
    connection.open({ frame: data => sizes.push(data.byteLength), close: why => resolve({ sizes, ...why }) })
  )
}

/** Lets through so many bytes from the dialler, then destroys both sockets. */
async function proxyTo(url: string, bytes: number): Promise<{ url: string; close(): void }> {
  const sockets = new Set<Socket>()
  const proxy = createServer(near => {
    const far = connect(Number(new URL(url).port), '127.0.0.1')
    let left = bytes
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', chunk => {
      far.write(chunk.subarray(0, left))
      left -= chunk.length
      if (left <= 0) far.end(() => near.destroy())
    })
    far.pipe(near)
  })
  return {
    url: await listening(proxy),
    close: () => {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    }
  }
}

describe('a WebSocket over a bad line', () => {
  it('brings whole frames only, and then the end, wherever it is cut', async () => {
    // The request has some 250 bytes; each frame has a head of 6 to 8 bytes, masked.
    for (const cut of [260, 300, 301, 302, 305, 306, 307, 400, 1300, 1307, 3000, 70_000, 130_000]) {
      let accepted: (connection: Connection) => void = () => {}
      const arrived = new Promise<Connection | undefined>(resolve => {
        accepted = resolve
      })
      const listener = await webSocketServer({}).listen(connection => accepted(connection))
      const proxy = await proxyTo(listener.url ?? '', cut)
      const sent = [1, 20, 100, 1000, 61_440, 61_440, 61_440]

      const connection = await webSocket(proxy.url, { WebSocket })
        .connect(signal())
        .catch(() => undefined)
      if (connection !== undefined) {
        const dialled = heard(connection)
        for (const size of sent) connection.send(new Uint8Array(size))
        const there = await heard((await arrived) as Connection)
        expect(there.sizes, `cut at ${cut}`).to.deep.equal(sent.slice(0, there.sizes.length))
        expect(there.sizes.length, `cut at ${cut}`).to.be.below(sent.length)
        expect([there.code, (await dialled).code]).to.deep.equal([1006, 1006])
      }
      proxy.close()
      await listener.close()
    }
  })

  it('ends when the server sends what is no frame, and says what was wrong', async () => {
    const garbage = [
      Uint8Array.of(0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 1),
      Uint8Array.of(0xc2, 0x01, 0x00),
      Uint8Array.of(0x80, 0x01, 0x00),
      Uint8Array.of(0x88, 0x02, 0x00, 0x01)
    ]
    for (const bytes of garbage) {
      const server = await rudeServer(bytes)
      const connection = await webSocket(server.url, { WebSocket }).connect(signal())

      const { sizes, reason } = await heard(connection)
      server.close()

      expect(sizes, `bytes ${bytes}`).to.deep.equal([])
      expect(reason, `bytes ${bytes}`).to.not.equal('')
    }
  })

  it('takes a frame that arrives in one chunk with the answer to the upgrade', async () => {
    const server = await rudeServer(Uint8Array.of(0x82, 0x03, 7, 8, 9))

    const connection = await webSocket(server.url, { WebSocket }).connect(signal())
    const frame = await new Promise<Uint8Array>(resolve => connection.open({ frame: resolve, close: () => {} }))
    connection.close()
    server.close()

    expect([...frame]).to.deep.equal([7, 8, 9])
  })
})

/** Shakes hands as it should, and goes on with the bytes given, in the same chunk. */
async function rudeServer(bytes: Uint8Array): Promise<{ url: string; close(): void }> {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', request => {
      const key = /sec-websocket-key: (.*)\r\n/i.exec(String(request))?.[1] ?? ''
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
      socket.write(Buffer.concat([Buffer.from(head), bytes]))
    })
  })
  return {
    url: await listening(server),
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  }
}
