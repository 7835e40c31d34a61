// The vectors of handshakes and of hubs, against a listener and a hub of the runtime.

import { expect } from 'chai'
import { type ActorSystem, createSystem, type ListenOptions } from '../../runtime/index.ts'
import type { Listener, Transport } from '../../runtime/peer/transport.ts'
import { ManualClock } from '../../runtime/testing/index.ts'
import { bytesOf, hexOf } from '../../tools/vectors/notation.ts'
import { memory } from '../../transports/memory.ts'
import { until } from '../suites/any-ref/cast.ts'
import { quiet } from '../support/quiet.ts'
import { vectors } from './implementation.ts'
import { ours } from './ours.ts'

const { systems, proofs } = vectors
const PING = 6

interface Raw {
  /** Frames that came, but pings, since the last look. */
  take(): string[]
  readonly closed: Array<{ code: number; reason: string }>
  send(hex: string): void
}

async function dialled(transport: Transport): Promise<Raw> {
  const connection = await transport.connect(AbortSignal.timeout(5_000))
  const frames: string[] = []
  const closed: Array<{ code: number; reason: string }> = []
  connection.open({
    frame: data => void (data[0] === PING || frames.push(hexOf(data))),
    close: why => void closed.push(why)
  })
  return { take: () => frames.splice(0), closed, send: hex => connection.send(bytesOf(hex)) }
}

describe('the vectors, with a listener of the runtime', () => {
  let hub: ActorSystem
  let clock: ManualClock

  beforeEach(() => {
    // The identity and the nonce of the vectors.
    const entropy = (bytes: number): Uint8Array =>
      bytes === 32
        ? bytesOf(systems.hub?.secretHex ?? '')
        : bytes === 16
          ? Uint8Array.from(Buffer.from(proofs.nonces.listener, 'base64url'))
          : crypto.getRandomValues(new Uint8Array(bytes))
    clock = new ManualClock()
    hub = createSystem({ label: 'hub', logger: quiet, entropy, clock })
  })

  afterEach(() => hub.shutdown({ within: 100 }))

  const link = (title: string): string => vectors.links.find(each => each.title === title)?.hex ?? ''
  /** Greets, and is welcome. */
  const attach = async (transport: Transport, name: string): Promise<Raw> => {
    const raw = await dialled(transport)
    const { id, secret } = systems[name] as { id: string; secret: string }
    raw.send(`01${hexOf(new TextEncoder().encode(JSON.stringify({ version: 1, id, secret, label: name })))}`)
    await until(() => raw.take().length > 0, `${name} is welcome`)
    return raw
  }

  /** Everything has arrived, and a listener looks at one token a second. */
  const settled = (): Promise<void> => clock.advance(1_000)

  const trusting = (listener: 'guest' | 'node' | 'tokens' | 'node tokens'): ListenOptions => {
    const trust = listener.startsWith('node') ? { node: { secret: proofs.shared } } : 'guest'
    if (!listener.endsWith('tokens')) return { trust }
    return {
      trust,
      authenticate: ({ token = '' }) => {
        if (!['short', 'long', 'other'].includes(token)) throw new Error('no token of ours')
        return token
      },
      expires: token => (token === 'short' ? clock.wall() + 60_000 : undefined),
      subject: token => (token === 'other' ? 'ben' : 'ada')
    }
  }

  for (const { title, listener: trust, steps, close } of vectors.handshakes) {
    it(`handshake: ${title}`, async () => {
      const { transport, listener } = memory()
      await hub.listen(listener, trusting(trust))
      const raw = await dialled(transport)
      for (const { says, hears } of steps) {
        raw.send(says.hex)
        await settled()
        expect(raw.take().map(inWords)).to.deep.equal(hears.map(({ hex }) => inWords(hex)))
      }
      expect(raw.closed.map(({ code }) => code)).to.deep.equal(close === undefined ? [] : [close])
    })
  }

  for (const { title, steps } of vectors.relaying) {
    it(`hub: ${title}`, async () => {
      const { transport, listener } = memory()
      await hub.listen(listener, { trust: 'guest' })
      const attached = new Map<string, Raw>()
      for (const name of ['ada', 'ben']) {
        attached.set(name, await attach(transport, name))
      }
      for (const { from, frame, out } of steps) {
        attached.get(from)?.send(frame.hex)
        await settled()
        for (const [name, raw] of attached) {
          const expected = out.filter(({ to }) => to === name).map(each => each.frame.hex)
          expect(raw.take(), `${name} gets`).to.deep.equal(expected)
        }
      }
      for (const raw of attached.values()) expect(raw.closed).to.deep.equal([])
    })
  }

  it('link: a ping is answered with its bytes', async () => {
    const { transport, listener } = memory()
    await hub.listen(listener, { trust: 'guest' })
    const ada = await attach(transport, 'ada')
    ada.send(link('ping'))
    await settled()
    expect(ada.take()).to.deep.equal([link('pong')])
  })

  it('link: goodbye ends the attachment, and a gateway that closes says when to come back', async () => {
    const { transport, listener } = memory()
    const gateway = await hub.listen(listener, { trust: 'guest' })
    const ada = await attach(transport, 'ada')
    const ben = await attach(transport, 'ben')
    ada.send(link('goodbye'))
    await settled()
    expect(ada.closed.map(({ code }) => code)).to.deep.equal([1000])
    expect([...gateway.peers].map(({ label }) => label)).to.deep.equal(['ben'])
    const closed = gateway.close()
    await settled()
    await closed
    expect(ben.take()).to.deep.equal([link('goodbye of a gateway that closes: come back within 1000 ms')])
    expect(ben.closed.map(({ code }) => code)).to.deep.equal([4503])
  })

  it('link: who is below is told to the hub above, then that this was all; those below hear of another authority', async () => {
    const { transport, listener } = memory()
    await hub.listen(listener, { trust: 'guest' })
    const ada = await attach(transport, 'ada')
    const above = memory()
    const { heard } = await answering(above.listener, [welcomeOf('a guest comes in', 'ben')])
    const connected = hub.connect(above.transport)
    await settled()
    await connected
    expect(ada.take()).to.deep.equal([link('renewed')])
    const [, announcement = '', end] = heard
    const [facts] = [announcement].map(hex =>
      ours.values({ guest: false, question: false }).read(bytesOf(hex.slice(2)))
    )
    const { id, secret } = systems.ada as { id: string; secret: string }
    expect(announcement.slice(0, 2)).to.equal('09')
    expect(facts).to.deep.include({ id, secret, label: 'ada', trust: 'guest', there: true })
    expect(end).to.equal(link('announced'))
  })
})

describe('the vectors, with a dialer of the runtime', () => {
  for (const { title, listener: trust, steps, close } of vectors.handshakes) {
    if (close !== undefined || title.startsWith('fields')) continue
    it(`handshake: ${title}`, async () => {
      const [dialer, nonce] = [systems.ada?.secretHex ?? '', proofs.nonces.dialer]
      const entropy = (bytes: number): Uint8Array =>
        bytes === 32
          ? bytesOf(dialer)
          : bytes === 16
            ? Uint8Array.from(Buffer.from(nonce, 'base64url'))
            : crypto.getRandomValues(new Uint8Array(bytes))
      const ada = createSystem({ label: 'ada', logger: quiet, entropy })
      const { transport, listener } = memory()
      const { heard } = await answering(
        listener,
        steps.map(({ hears }) => hears.map(({ hex }) => hex))
      )
      const tokens = steps.flatMap(({ says }) => ('fields' in says ? (says.fields.token ?? []) : []))
      const token = (): string => tokens.shift() as string
      const connected = await ada.connect(transport, {
        ...(trust.startsWith('node') ? { secret: proofs.shared } : {}),
        ...(trust.endsWith('tokens') ? { token } : {})
      })
      while (tokens.length > 0) await connected.refresh()
      const greetings = heard.filter(hex => ['01', '03', '0c'].includes(hex.slice(0, 2)))
      expect(greetings.map(inWords)).to.deep.equal(steps.map(({ says }) => inWords(says.hex)))
      await ada.shutdown({ within: 100 })
    })
  }
})

/** A listener made of bytes: answers each frame of a greeting with the next of these. */
async function answering(listener: Listener, answers: ReadonlyArray<readonly string[]>): Promise<{ heard: string[] }> {
  const heard: string[] = []
  let next = 0
  await listener.listen(connection =>
    connection.open({
      frame: data => {
        if (data[0] === PING) return
        heard.push(hexOf(data))
        if (![1, 3, 12].includes(data[0] as number)) return
        for (const hex of answers[next] ?? []) connection.send(bytesOf(hex))
        next += 1
      },
      close: () => {}
    })
  )
  return { heard }
}

/** The welcome of a vector, said by another system. */
function welcomeOf(title: string, name: string): string[] {
  const [welcome] = vectors.handshakes.find(each => each.title === title)?.steps.at(-1)?.hears ?? []
  const fields = { ...welcome?.fields, id: systems[name]?.id, label: name }
  return [`04${hexOf(new TextEncoder().encode(JSON.stringify(fields)))}`]
}

/** What counts of a handshake frame: its kind and fields, but for what is said to people. */
function inWords(hex: string): string {
  const bytes = bytesOf(hex)
  const { message, ...fields } = JSON.parse(new TextDecoder().decode(bytes.subarray(1)))
  return `${bytes[0]} ${JSON.stringify(fields)}`
}
