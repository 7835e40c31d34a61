// The vectors of handshakes and of hubs, against a listener and a hub of the runtime.

import { expect } from 'chai'
import { type ActorSystem, createSystem, type ListenOptions } from '../../runtime/index.ts'
import type { Transport } from '../../runtime/peer/transport.ts'
import { ManualClock } from '../../runtime/testing/index.ts'
import { bytesOf, hexOf } from '../../tools/vectors/notation.ts'
import { memory } from '../../transports/memory.ts'
import { until } from '../suites/any-ref/cast.ts'
import { quiet } from '../support/quiet.ts'
import { vectors } from './implementation.ts'

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

  /** Everything has arrived, and a listener looks at one token a second. */
  const settled = (): Promise<void> => clock.advance(1_000)

  const trusting = (listener: 'guest' | 'node' | 'tokens'): ListenOptions => {
    if (listener === 'node') return { trust: { node: { secret: proofs.shared } } }
    if (listener === 'guest') return { trust: 'guest' }
    return {
      trust: 'guest',
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
        const raw = await dialled(transport)
        attached.set(name, raw)
        const { id, secret } = systems[name] as { id: string; secret: string }
        raw.send(`01${hexOf(new TextEncoder().encode(JSON.stringify({ version: 1, id, secret, label: name })))}`)
        await until(() => raw.take().length > 0, `${name} is welcome`)
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
})

/** What counts of a handshake frame: its kind and fields, but for what is said to people. */
function inWords(hex: string): string {
  const bytes = bytesOf(hex)
  const { message, ...fields } = JSON.parse(new TextDecoder().decode(bytes.subarray(1)))
  return `${bytes[0]} ${JSON.stringify(fields)}`
}
