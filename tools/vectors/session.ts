// A whole session, recorded: a guest made of bytes at a gateway of the runtime, which draws the same ids each time and whose
// clock stands still. docs/protocol.md shows it.

import { base64url } from '../../runtime/actor/ids.ts'
import { type ActorRef, actorName, createSystem, setup } from '../../runtime/index.ts'
import { FrameKind } from '../../runtime/peer/frame.ts'
import { ManualClock } from '../../runtime/testing/index.ts'
import { memory } from '../../transports/memory.ts'
import { counting, type FrameFacts, type ItemFacts, nonces } from './frames.ts'
import { bytesOf, hexOf, Paper } from './notation.ts'
import { framed, idFor, itemized, secretOf } from './write.ts'

export interface SessionStep {
  readonly title: string
  readonly says: string
  readonly hears: readonly string[]
}

type Word = { type: 'add'; by: number } | { type: 'read'; replyTo: ActorRef<number> } | { type: 'end' }
const Counter = actorName<Word>('counter')

/** The same ids each time: the secret of `hub`, the nonce of the vectors, and bytes that count up for all others. */
export const entropy = (bytes: number): Uint8Array =>
  bytes === 32 ? secretOf('hub') : bytes === 16 ? nonces.listener : counting(0, bytes)

export async function session(): Promise<SessionStep[]> {
  const clock = new ManualClock()
  const quiet = { debug() {}, info() {}, warn() {}, error() {} }
  const hub = createSystem({ label: 'hub', entropy, clock, logger: quiet })
  const { transport, listener } = memory()
  await hub.listen(listener, { trust: 'guest', expose: [{ name: Counter, unchecked: true }] })
  let total = 0
  const counter = setup<Word>(ctx => ({
    receive(word) {
      if (word.type === 'add') total += word.by
      else if (word.type === 'read') word.replyTo.send(total)
      else ctx.stop()
    }
  }))
  hub.spawn(counter, { name: Counter })
  const connection = await transport.connect(AbortSignal.timeout(5_000))
  const came: string[] = []
  connection.open({ frame: frame => void (frame[0] === FrameKind.ping || came.push(hexOf(frame))), close: () => {} })
  const steps: SessionStep[] = []
  const say = async (title: string, hex: string): Promise<void> => {
    connection.send(bytesOf(hex))
    await clock.settle()
    // What is acknowledged alone is acknowledged by now.
    await clock.advance(50)
    steps.push({ title, says: hex, hears: came.splice(0) })
  }
  const batches = (id: string): string[] =>
    itemized([
      [
        { item: 'define', id: 'registry' },
        {
          item: 'ask',
          to: 0,
          ask: '~1',
          message: { type: 'lookup', name: 'counter', wait: true, replyTo: new Paper('') }
        }
      ],
      [
        { item: 'define', id },
        { item: 'send', to: 1, message: { type: 'add', by: 2 } },
        { item: 'ask', to: 1, ask: '~2', message: { type: 'read', replyTo: new Paper('') } }
      ],
      [{ item: 'watch', to: 1 }],
      [{ item: 'send', to: 1, message: { type: 'end' } }]
    ] satisfies ItemFacts[][]).map(({ hex }) => hex)
  const frame = (facts: Omit<FrameFacts, 'to' | 'from' | 'epoch' | 'credit'>): string =>
    framed({ to: 'hub', from: 'ada', epoch: 1, credit: 262_144, ...facts }).hex
  const batch = (seq: number, ack: number): string =>
    frame({
      kind: 'batch',
      flags: seq === 1 ? ['OPENING'] : [],
      ack,
      seq,
      items: batches(idIn(steps[1]))[seq - 1] ?? ''
    })
  const hello = { version: 1, id: idFor('ada'), label: 'ada', secret: base64url(secretOf('ada')) }
  await say('the guest greets, and is welcome', `01${hexOf(new TextEncoder().encode(JSON.stringify(hello)))}`)
  await say('it asks the registry for the name counter, and gets a ref', batch(1, 0))
  await say('it says add and asks with read; what it got is acknowledged along with that', batch(2, 1))
  await say('it watches the counter', batch(3, 2))
  await say('it ends the counter, and hears of that', batch(4, 2))
  await say('it acknowledges what it heard', frame({ kind: 'ack', ack: 3, seq: 3 }))
  await say('it says goodbye to the system', frame({ kind: 'goodbye', ack: 3 }))
  await say('and to the link', '08')
  await hub.shutdown()
  return steps
}

/** The id in the address that the registry has answered with. */
function idIn(asked: SessionStep | undefined): string {
  const text = new TextDecoder().decode(bytesOf(asked?.hears.at(-1) ?? ''))
  return /actor:[\w-]+\/([\w-]+)/.exec(text)?.[1] ?? ''
}
