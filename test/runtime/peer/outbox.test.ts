import { expect } from 'chai'
import { Association } from '../../../runtime/peer/association.ts'
import { type ByteReader, Decoder, Encoder } from '../../../runtime/peer/codec.ts'
import { HEAD_BYTES, HeadKind, MAX_FRAME, writeHead } from '../../../runtime/peer/frame.ts'
import { Inbox } from '../../../runtime/peer/inbox.ts'
import { Item, MAX_NUMBERED } from '../../../runtime/peer/items.ts'
import { Memory } from '../../../runtime/peer/memory.ts'
import { Outbox, type Target } from '../../../runtime/peer/outbox.ts'
import { paperRefs } from '../../support/codec.ts'

/** An outbox whose batches an inbox reads at once. */
function pipe() {
  const heard: string[] = []
  const defined: string[] = []
  const frames: Uint8Array[] = []
  const given: number[] = []
  let room = true
  const decoder = new Decoder(paperRefs())
  const name = (target: number | string): string => (typeof target === 'number' ? (defined[target] as string) : target)
  const show = (value: unknown): string =>
    typeof value === 'string' && value.length > 20 ? `${value[0]}*${value.length}` : String(value)
  const hear = (what: string, reader: ByteReader): boolean => {
    heard.push(`${what} ${show(decoder.decode(reader))}`)
    return room
  }
  const inbox = new Inbox({
    messageBytes: 1_048_576,
    define: id => void defined.push(id),
    mail: (target, reader) => hear(`${name(target)}:`, reader),
    answered: (ask, reader) => hear(`${ask}:`, reader),
    asked: (target, ask, reader) => hear(`${name(target)} ${ask}?`, reader),
    retry: () => room,
    fail: (ask, code) => void heard.push(`${ask} ${code}`),
    cancel: ask => void heard.push(`${ask} off`),
    watchedFrom: target => void heard.push(`watch ${name(target)}`),
    unwatchedFrom: target => void heard.push(`unwatch ${name(target)}`),
    actorEnded: (id, { kind }) => void heard.push(`${id} ${kind}`),
    pressure: (id, on) => void heard.push(`${id} ${on}`),
    give: bytes => void given.push(bytes),
    begins: () => true,
    completed() {}
  })
  const account = new Memory(2 ** 30).account(false)
  const association = new Association(
    {
      account: () => account,
      now: () => 0,
      wake() {},
      receive: () => true,
      opened() {},
      ended() {},
      room() {},
      awaited: () => false
    },
    {
      from: new Uint8Array(16),
      to: new Uint8Array(16).fill(1),
      window: 1_048_576,
      downAfter: 30_000
    }
  )
  association.pathUp({ cost: 0, buffered: 0, send: frame => void frames.push(frame.slice()) })
  // The other side grants more than any case here sends.
  const grant = new Uint8Array(HEAD_BYTES)
  writeHead(grant, HeadKind.ack, 0, association.begin().number, 0, 2 ** 30)
  association.accept(undefined, grant)
  const encoder = new Encoder(paperRefs())
  const outbox = new Outbox({ association, spare: [], encoder: () => encoder, flushLater() {} })
  return {
    outbox,
    inbox,
    heard,
    defined,
    frames,
    given,
    full: (on: boolean) => {
      room = !on
    },
    /** Has the inbox read what has left. */
    read() {
      outbox.flush()
      let whole = true
      for (const frame of frames.splice(0)) {
        expect(frame.length).to.be.at.most(MAX_FRAME)
        whole = inbox.receive(frame, HEAD_BYTES) && whole
      }
      return whole
    }
  }
}

const target = (id: string): Target => ({ id, number: 0, epoch: -1 })
const LIMIT = 1_048_576

describe('an outbox and its inbox', () => {
  it('carry a turn in one batch, in its order, and name an actor once', () => {
    const { outbox, heard, defined, frames, read } = pipe()
    const [ada, ben] = [target('ada'), target('ben')]
    outbox.send(ada, 1, LIMIT)
    outbox.ask(ben, '~q', 2, LIMIT)
    outbox.signalTarget(Item.watch, ada)
    outbox.sendTo('~a', 3, LIMIT)
    outbox.send(ada, 4, LIMIT)
    outbox.flush()
    expect(frames.length).to.equal(1)
    read()
    expect(heard).to.deep.equal(['ada: 1', 'ben ~q? 2', 'watch ada', '~a: 3', 'ada: 4'])
    expect(defined).to.deep.equal(['ada', 'ben'])
  })

  it('carry what is large in parts, the small mail of others between, and keep the order of each actor', () => {
    const { outbox, heard, read } = pipe()
    const [ada, ben] = [target('ada'), target('ben')]
    outbox.send(ada, 'x'.repeat(200_000), LIMIT)
    outbox.send(ben, 'quick', LIMIT)
    outbox.send(ada, 'after', LIMIT)
    read()
    expect(heard.indexOf('ben: quick')).to.be.below(heard.indexOf('ada: x*200000'))
    expect(heard.filter(each => each.startsWith('ada'))).to.deep.equal(['ada: x*200000', 'ada: after'])
  })

  it('have signals wait for what was sent before them', () => {
    const { outbox, heard, read } = pipe()
    outbox.send(target('ada'), 'x'.repeat(200_000), LIMIT)
    outbox.signal(buffer => {
      buffer.u8(Item.stopped)
      buffer.utf8('me')
      buffer.u8(0)
    })
    read()
    expect(heard).to.deep.equal(['ada: x*200000', 'me done'])
  })

  it('refuse what is too large, and carry the next as if nothing had been', () => {
    const { outbox, heard, read } = pipe()
    const ada = target('ada')
    for (const size of [1_100, 70_000]) {
      expect(() => outbox.send(ada, 'x'.repeat(size), 1_024))
        .to.throw()
        .with.property('code', 'ACTOR_TOO_LARGE')
    }
    expect(() => outbox.send(ada, () => {}, LIMIT))
      .to.throw()
      .with.property('code', 'ACTOR_UNSERIALISABLE')
    outbox.send(ada, 'fine', LIMIT)
    read()
    expect(heard).to.deep.equal(['ada: fine'])
  })

  it('number so many actors; those after them go by their ids, watched and asked too', () => {
    const { outbox, heard, defined, read } = pipe()
    for (let n = 0; n < MAX_NUMBERED; n++) outbox.send(target(`n${n}`), n, LIMIT)
    const late = target('late')
    outbox.send(late, 'a', LIMIT)
    outbox.ask(late, '~q', 'b', LIMIT)
    outbox.signalTarget(Item.watch, late)
    outbox.signalTarget(Item.unwatch, late)
    outbox.send(late, 'c'.repeat(100_000), LIMIT)
    for (let round = 0; round < 4; round++) read()
    expect(defined.length).to.equal(MAX_NUMBERED)
    expect(heard.slice(MAX_NUMBERED - 1, MAX_NUMBERED + 4)).to.deep.equal([
      `n${MAX_NUMBERED - 1}: ${MAX_NUMBERED - 1}`,
      'late: a',
      'late ~q? b',
      'watch late',
      'unwatch late'
    ])
  })

  it('stop reading where there is no room, and go on from there', () => {
    const { outbox, inbox, heard, full, read } = pipe()
    const ada = target('ada')
    for (const n of [1, 2, 3]) outbox.send(ada, n, LIMIT)
    full(true)
    expect(read()).to.equal(false)
    expect(heard).to.deep.equal(['ada: 1'])
    expect(inbox.resume()).to.equal(false)
    full(false)
    expect(inbox.resume()).to.equal(true)
    expect(heard).to.deep.equal(['ada: 1', 'ada: 2', 'ada: 3'])
  })

  it('count what was never handed over when an epoch ends', () => {
    const { outbox } = pipe()
    outbox.send(target('ada'), 1, LIMIT)
    outbox.send(target('ben'), 'x'.repeat(100_000), LIMIT)
    expect(outbox.reset()).to.equal(2)
    expect(outbox.backlog).to.equal(0)
  })
})
