import { expect } from 'chai'
import { memory } from '../../transports/memory.ts'
import { anyTransport } from '../suites/any-transport.ts'

anyTransport('memory', async () => {
  const { transport, listener } = memory()
  return { listener, dial: () => transport, stop: async () => {} }
})

describe('a memory network', () => {
  const signal = (): AbortSignal => AbortSignal.timeout(5000)

  async function connected() {
    const { transport, listener, network } = memory()
    const heard: string[] = []
    await listener.listen(connection =>
      connection.open({ frame: data => heard.push(`frame ${data[0]}`), close: why => heard.push(`close ${why.code}`) })
    )
    const connection = await transport.connect(signal())
    const echoed: string[] = []
    connection.open({
      frame: data => echoed.push(`frame ${data[0]}`),
      close: why => echoed.push(`close ${why.code}`),
      drain: () => echoed.push('drain')
    })
    await turns()
    return { transport, network, connection, heard, echoed }
  }

  async function turns(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await undefined
  }

  it('delivers without the event loop going on', async () => {
    const { connection, heard } = await connected()

    connection.send(Uint8Array.of(1))
    expect(heard).to.deep.equal([])
    await turns()

    expect(heard).to.deep.equal(['frame 1'])
  })

  it('loses what is on its way when it is cut, and tells both ends 1006', async () => {
    const { connection, network, heard, echoed } = await connected()

    connection.send(Uint8Array.of(1))
    network.cut()
    connection.send(Uint8Array.of(2))
    await turns()

    expect(heard).to.deep.equal(['close 1006'])
    expect(echoed).to.deep.equal(['close 1006'])
    expect(network.size).to.equal(0)
  })

  it('refuses connections while told to, and leaves those that are up', async () => {
    const { transport, connection, network, heard } = await connected()

    network.refuse(true)
    const failure = await transport.connect(signal()).catch((error: unknown) => error)
    network.refuse(false)
    await transport.connect(signal())
    connection.send(Uint8Array.of(1))
    await turns()

    expect(failure).to.have.property('code', 'ACTOR_UNREACHABLE')
    expect(heard).to.deep.equal(['frame 1'])
    expect(network.size).to.equal(2)
  })

  it('holds frames and goodbyes until they are released, in order', async () => {
    const { connection, network, heard, echoed } = await connected()

    network.hold()
    connection.send(new Uint8Array(20_000).fill(1))
    connection.send(Uint8Array.of(2))
    connection.close()
    await turns()
    const before = { heard: [...heard], buffered: connection.buffered }
    network.release()
    await turns()

    expect(before).to.deep.equal({ heard: [], buffered: 20_001 })
    expect(heard).to.deep.equal(['frame 1', 'frame 2', 'close 1000'])
    expect(echoed).to.deep.equal(['close 1000'])
    expect(network.size).to.equal(0)
  })

  it('says drain once when what was held has been read', async () => {
    const { connection, network, echoed } = await connected()

    network.hold()
    for (let i = 0; i < 3; i++) connection.send(new Uint8Array(60_000))
    network.release()
    await turns()

    expect(echoed).to.deep.equal(['drain'])
    expect(connection.buffered).to.equal(0)
  })

  it('does not meet a second network', async () => {
    const { listener } = memory()
    const { transport } = memory()
    await listener.listen(() => {})

    const failure = await transport.connect(signal()).catch((error: unknown) => error)

    expect(failure).to.have.property('code', 'ACTOR_UNREACHABLE')
  })
})
