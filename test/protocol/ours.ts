// The runtime, as the suite of the vectors wants to see it.

import { base64url } from '../../runtime/actor/ids.ts'
import { Association, type AssociationPort } from '../../runtime/peer/association.ts'
import { BrokenFrame, ByteBuffer, ByteReader, Decoder, Encoder, GUEST_LIMITS } from '../../runtime/peer/codec.ts'
import {
  HEAD_BYTES,
  type Head,
  HeadKind,
  OPENING,
  RESEND,
  readHead,
  routeFrom,
  routeTo,
  UNHEARD,
  writeHead,
  writeRoute,
  writeSeq
} from '../../runtime/peer/frame.ts'
import { invalid } from '../../runtime/peer/guard.ts'
import { type HandshakeFrame, readHandshake, writeHandshake } from '../../runtime/peer/handshake.ts'
import { idBytes, idOf, proofOf } from '../../runtime/peer/identity.ts'
import { Inbox, type InboxPort } from '../../runtime/peer/inbox.ts'
import { Item, STOP_REASONS } from '../../runtime/peer/items.ts'
import { type Account, Memory } from '../../runtime/peer/memory.ts'
import { Outbox, type Target } from '../../runtime/peer/outbox.ts'
import { hexOf, Paper } from '../../tools/vectors/notation.ts'
import {
  type End,
  type EndOptions,
  type Implementation,
  type ItemCodec,
  type ItemWords,
  Refusal
} from './implementation.ts'

const FLAGS = { OPENING, RESEND, UNHEARD } as const
const KINDS = Object.keys(HeadKind) as Array<keyof typeof HeadKind>

const refs = (question: boolean) => ({
  isRef: (value: unknown): boolean => value instanceof Paper,
  addressOf: (ref: unknown): string => (ref as Paper).address,
  refOf: (address: string): never => {
    if (address === '' && !question) throw invalid('has no address to answer to')
    return new Paper(address) as never
  }
})

export const ours: Implementation = {
  chooses: true,
  idOf: secret => idBytes(idOf(secret)) as Uint8Array,
  proofOf,

  values({ guest, question }) {
    const encoder = new Encoder(refs(question))
    const decoder = new Decoder(refs(question), guest ? GUEST_LIMITS : undefined)
    return {
      write(value, alone) {
        const into = new ByteBuffer(1)
        if (alone) encoder.encodeAlone(value, into)
        else encoder.encode(value, into)
        return into.bytes.slice(0, into.at)
      },
      read: bytes =>
        refusing(() => {
          const reader = new ByteReader(bytes)
          const value = decoder.decode(reader)
          if (reader.at !== bytes.length) throw new BrokenFrame('something is left over')
          return value
        })
    }
  },

  items: () => new Items(),

  writeFrame({ hops, kind, flags, epoch, ack, credit, seq, items = '' }, to, from) {
    const bytes = Uint8Array.from(items.match(/../g) ?? [], byte => Number.parseInt(byte, 16))
    const frame = new Uint8Array(HEAD_BYTES + bytes.length)
    writeRoute(frame, to, from)
    frame[1] = hops
    writeHead(
      frame,
      HeadKind[kind],
      flags.reduce((all, flag) => all | FLAGS[flag], 0),
      epoch,
      ack,
      credit
    )
    writeSeq(frame, seq)
    frame.set(bytes, HEAD_BYTES)
    return frame
  },

  readFrame(frame) {
    const head: Head = { kind: 0, flags: 0, epoch: 0, ack: 0, credit: 0, seq: 0 }
    readHead(frame, head)
    const kind = KINDS.find(each => HeadKind[each] === head.kind) as keyof typeof HeadKind
    return {
      ...head,
      kind,
      flags: (['OPENING', 'RESEND', 'UNHEARD'] as const).filter(flag => (head.flags & FLAGS[flag]) !== 0),
      to: base64url(routeTo(frame)),
      from: base64url(routeFrom(frame)),
      hops: frame[1] as number,
      ...(kind === 'batch' ? { items: hexOf(frame.subarray(HEAD_BYTES)) } : {})
    }
  },

  writeGreeting: (frame, fields) => writeHandshake({ kind: frame, ...fields } as HandshakeFrame),
  readGreeting(bytes) {
    const { kind, ...fields } = readHandshake(bytes)
    return { frame: kind, fields }
  },

  end: options => new OurEnd(options)
}

function refusing<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Refusal(error instanceof BrokenFrame ? 'broken' : 'invalid', error)
  }
}

class Items implements ItemCodec {
  readonly #encoder = new Encoder(refs(true))
  readonly #decoder = new Decoder(refs(true))
  readonly #targets = new Map<number, Target>()
  readonly #written: Uint8Array[] = []
  #read: object[] = []
  readonly #outbox = new Outbox({
    association: {
      begin: () => ({ number: 1 }),
      push: (frame: Uint8Array) => void this.#written.push(frame.slice(HEAD_BYTES)),
      unsent: 0
    } as unknown as Association,
    spare: [],
    encoder: () => this.#encoder,
    flushLater: () => {}
  })
  readonly #inbox = new Inbox(this.#port())

  /** The outbox defines actors by itself. */
  write(items: readonly ItemWords[]): Uint8Array {
    for (const item of items) this.#write(item)
    this.#outbox.flush()
    const [bytes = new Uint8Array(0)] = this.#written.splice(0)
    return bytes
  }

  read(bytes: Uint8Array): object[] {
    this.#read = []
    return refusing(() => {
      this.#inbox.receive(bytes, 0)
      return this.#read
    })
  }

  #write(item: ItemWords): void {
    const outbox = this.#outbox
    const target = this.#targets.get(item.to as number) as Target
    const signal = (kind: number, ...texts: string[]): void =>
      outbox.signal(buffer => {
        buffer.u8(kind)
        for (const text of texts) buffer.utf8(text)
      })
    switch (item.item) {
      case 'define':
        this.#targets.set(this.#targets.size, { id: item.id, number: 0, epoch: -1 })
        break
      case 'send':
        outbox.send(target, item.message, 100_000)
        break
      case 'ask':
        outbox.ask(target, item.ask, item.message, 100_000)
        break
      case 'send to':
        outbox.sendTo(item.ask, item.message, 100_000)
        break
      case 'fail':
        signal(Item.fail, item.ask, item.code, item.text)
        break
      case 'cancel':
        signal(Item.cancel, item.ask)
        break
      case 'watch':
        outbox.signalTarget(Item.watch, target)
        break
      case 'unwatch':
        outbox.signalTarget(Item.unwatch, target)
        break
      case 'stopped': {
        const { kind, error } = item.reason
        outbox.signal(buffer => {
          buffer.u8(Item.stopped)
          buffer.utf8(item.id)
          buffer.u8((STOP_REASONS as readonly string[]).indexOf(kind))
          if (error !== undefined) for (const text of [error.name, error.message, error.code ?? '']) buffer.utf8(text)
        })
        break
      }
      case 'pressure':
        outbox.signal(buffer => {
          buffer.u8(Item.pressure)
          buffer.utf8(item.id)
          buffer.u8(item.on ? 1 : 0)
        })
        break
      default:
        throw new RangeError(`no item: ${String(item.item)}`)
    }
  }

  #port(): InboxPort {
    const note = (item: string, fields: object): true => {
      this.#read.push({ item, ...fields })
      return true
    }
    const targets: string[] = []
    const known = (target: number | string): number | string => {
      if (typeof target === 'number' && target >= targets.length) throw new BrokenFrame('a number for nobody')
      return target
    }
    const isAsk = (id: string): string => {
      if (!id.startsWith('~')) throw new BrokenFrame('no ask id')
      return id
    }
    return {
      messageBytes: 100_000,
      define: id => {
        targets.push(id)
        note('define', { id })
      },
      mail: (to, reader) => note('send', { to: known(to), message: this.#decoder.decode(reader) }),
      answered: (ask, reader) => note('send to', { ask: isAsk(ask), message: this.#decoder.decode(reader) }),
      asked: (to, ask, reader) =>
        note('ask', { to: known(to), ask: isAsk(ask), message: this.#decoder.decode(reader) }),
      retry: () => true,
      fail: (ask, code, text) => void note('fail', { ask, code, text }),
      cancel: ask => void note('cancel', { ask }),
      watchedFrom: to => void note('watch', { to: known(to) }),
      unwatchedFrom: to => void note('unwatch', { to: known(to) }),
      actorEnded: (id, reason) => void note('stopped', { id, reason }),
      pressure: (id, on) => void note('pressure', { id, on }),
      give: () => {},
      begins: () => true,
      completed: () => {}
    }
  }
}

class OurEnd implements End, AssociationPort {
  readonly #association: Association
  readonly #account = new Memory(2 ** 30).account(false)
  readonly #way = { cost: 0, buffered: 0, send: (frame: Uint8Array) => void this.#sent.push(frame.slice()) }
  #sent: Uint8Array[] = []
  #taken: Uint8Array[] = []
  #ends: Array<{ why: string; lost: number }> = []
  #now = 0
  #wakeAt = Number.POSITIVE_INFINITY
  #full = false
  #parked: Uint8Array | undefined

  constructor({ over, ...options }: EndOptions) {
    const ended = over === undefined ? undefined : { number: over.epoch, unheard: over.unheard, rtt: undefined }
    this.#association = new Association(this, { ...options, ended })
  }

  account(): Account {
    return this.#account
  }

  path(up: boolean): void {
    if (up) this.#association.pathUp(this.#way)
    else this.#association.pathDown(this.#way)
  }

  push(items: Uint8Array): void {
    const frame = new Uint8Array(HEAD_BYTES + items.length)
    frame.set(items, HEAD_BYTES)
    this.#association.push(frame, 1)
  }

  hear(frame: Uint8Array): void {
    this.#association.accept(this.#way, frame)
  }

  time(at: number): void {
    while (this.#wakeAt <= at) {
      this.#now = Math.max(this.#now, this.#wakeAt)
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.#association.step()
    }
    this.#now = at
  }

  full(on: boolean): void {
    this.#full = on
    const parked = this.#parked
    this.#parked = undefined
    if (on || parked === undefined) return
    this.#taken.push(parked)
    this.#association.disposed()
  }

  handled(bytes: number): void {
    this.#association.epoch?.give(bytes)
  }

  outcome() {
    const outcome = { sent: this.#sent, taken: this.#taken, ends: this.#ends }
    this.#sent = []
    this.#taken = []
    this.#ends = []
    return outcome
  }

  now(): number {
    return this.#now
  }

  wake(at: number): void {
    this.#wakeAt = at
  }

  receive(frame: Uint8Array, start: number): boolean {
    const items = frame.slice(start)
    if (this.#full) this.#parked = items
    else this.#taken.push(items)
    return !this.#full
  }

  opened(): void {}

  ended(why: string, _held: readonly Uint8Array[], lost: number): void {
    this.#ends.push({ why, lost })
  }

  room(): void {}

  awaited(): boolean {
    return false
  }
}
