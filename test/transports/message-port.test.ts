import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { expect } from 'chai'
import type { Listener } from '../../runtime/peer/transport.ts'
import { messagePort } from '../../transports/message-port.ts'
import { anyTransport } from '../suites/any-transport.ts'

/** Listens on several ports at once, as a hub with several workers does. */
function listenerOn(ports: readonly MessagePort[]): Listener {
  const sides = ports.map(port => messagePort(port))
  return {
    kind: 'message-port',
    listen: async accept => {
      const bound = await Promise.all(sides.map(side => side.listen(accept)))
      return { close: async () => void (await Promise.all(bound.map(each => each.close()))) }
    }
  }
}

/** `hasRef` is there since Node 18.1; its types are not. */
function keepsAlive(port: MessagePort): boolean {
  return (port as MessagePort & { hasRef(): boolean }).hasRef()
}

anyTransport('a MessagePort', async () => {
  const channels = [new MessageChannel(), new MessageChannel(), new MessageChannel()]
  const dialled = channels.map(({ port1 }) => messagePort(port1))
  let next = 0
  return {
    listener: listenerOn(channels.map(({ port2 }) => port2)),
    dial: () => {
      const transport = dialled[next++]
      if (transport === undefined) throw new Error('more connections than the fixture has channels')
      return transport
    },
    garbage: async (_url, bytes) => {
      // Whoever shares the port may post anything, but bytes: those are frames.
      for (const { port1, port2 } of channels) {
        for (const port of [port1, port2]) {
          port.postMessage(String.fromCharCode(...bytes.subarray(0, 100)))
          port.postMessage({ whereabouts: 'close', number: 'one', code: 1000, reason: '' })
          port.postMessage({ whereabouts: 'opened', number: bytes.length })
          port.postMessage({ whereabouts: 'close', number: bytes.length, code: 1000, reason: '' })
          port.postMessage(null)
        }
      }
    },
    stop: async () => {
      for (const { port1 } of channels) port1.close()
    }
  }
})

describe('a MessagePort as transport', () => {
  const signal = (): AbortSignal => AbortSignal.timeout(5000)
  let channel: MessageChannel

  beforeEach(() => {
    channel = new MessageChannel()
  })

  afterEach(() => {
    channel.port1.close()
  })

  it('waits for the other end to listen, however late', async () => {
    const dialling = messagePort(channel.port1).connect(signal())

    await messagePort(channel.port2).listen(() => {})

    expect((await dialling).maxFrame).to.equal(65_536)
  })

  it('ends the connection at both ends when the port closes underneath', async () => {
    const endings: number[] = []
    const accepted = new Promise<void>((resolve, reject) => {
      const listening = messagePort(channel.port2).listen(connection =>
        connection.open({ frame: () => {}, close: why => resolve(void endings.push(why.code)) })
      )
      listening.catch(reject)
    })
    const transport = messagePort(channel.port1)
    const connection = await transport.connect(signal())
    const dialled = new Promise<void>(resolve =>
      connection.open({ frame: () => {}, close: why => resolve(void endings.push(why.code)) })
    )

    channel.port2.close()
    await Promise.all([accepted, dialled])
    const again = await transport.connect(signal()).catch((error: unknown) => error)

    expect(endings).to.deep.equal([1006, 1006])
    expect(again).to.have.property('code', 'ACTOR_UNREACHABLE')
    expect(again).to.have.property('message').that.includes('make a new MessageChannel')
  })

  it('rejects a call that nobody answers any more, because the listener has closed', async () => {
    const listening = await messagePort(channel.port2).listen(() => {})
    await listening.close()

    const failure = await messagePort(channel.port1)
      .connect(signal())
      .catch((error: unknown) => error)

    expect(failure).to.have.property('code', 'ACTOR_UNREACHABLE')
  })

  it('refuses a second connection on the port while one is up', async () => {
    await messagePort(channel.port2).listen(() => {})
    const transport = messagePort(channel.port1)
    await transport.connect(signal())

    const failure = await transport.connect(signal()).catch((error: unknown) => error)

    expect(failure).to.have.property('code', 'ACTOR_UNREACHABLE')
    expect(failure).to.have.property('message').that.includes('one connection at a time')
  })

  it('gives the connection to whoever dials last, if a page was replaced without a goodbye', async () => {
    const heard: string[] = []
    await messagePort(channel.port2).listen(connection => {
      connection.open({ frame: data => heard.push(`frame ${data[0]}`), close: why => heard.push(`close ${why.code}`) })
      connection.send(Uint8Array.of(1))
    })
    await messagePort(channel.port1).connect(signal())

    const second = await messagePort(channel.port1).connect(signal())
    const answer = await new Promise<number | undefined>(resolve =>
      second.open({ frame: data => resolve(data[0]), close: () => resolve(undefined) })
    )

    expect(answer).to.equal(1)
    expect(heard).to.deep.equal(['close 1001'])
  })

  it('does not keep the process alive while it is idle', async () => {
    const listening = await messagePort(channel.port2).listen(() => {})
    const connection = await messagePort(channel.port1).connect(signal())
    connection.open({ frame: () => {}, close: () => {} })
    const during = [keepsAlive(channel.port1), keepsAlive(channel.port2)]

    connection.close()
    await listening.close()

    expect(during).to.deep.equal([true, true])
    expect([keepsAlive(channel.port1), keepsAlive(channel.port2)]).to.deep.equal([false, false])
  })

  it('works on a port that has the events of a browser only', async () => {
    const browserLike = ({ port1, port2 }: MessageChannel) =>
      [port1, port2].map(port => ({
        postMessage: (message: unknown, transfer: ArrayBuffer[]) => port.postMessage(message, transfer),
        start: () => port.start(),
        addEventListener: (type: string, listener: (event: { data?: unknown }) => void) =>
          port.addEventListener(type, listener as EventListener)
      }))
    const [near, far] = browserLike(channel)
    const arrived = new Promise<Uint8Array>(resolve => {
      messagePort(far).listen(connection => connection.open({ frame: resolve, close: () => {} }))
    })

    const connection = await messagePort(near).connect(signal())
    connection.send(Uint8Array.of(7, 8))

    expect([...(await arrived)]).to.deep.equal([7, 8])
  })

  it('refuses what is no port', () => {
    for (const wrong of [undefined, null, 'port', {}, { postMessage: () => {} }]) {
      expect(() => messagePort(wrong))
        .to.throw()
        .with.property('code', 'ACTOR_BAD_OPTION')
    }
  })
})
