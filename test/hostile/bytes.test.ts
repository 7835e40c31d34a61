import { expect } from 'chai'
import { ByteReader, Decoder, GUEST_LIMITS } from '../../runtime/peer/codec.ts'
import { FrameKind, type Head, HeadKind, readHead } from '../../runtime/peer/frame.ts'
import { writeHandshake } from '../../runtime/peer/handshake.ts'
import { Item } from '../../runtime/peer/items.ts'
import { turn, until } from '../suites/any-ref/cast.ts'
import { hex, paperRefs, thrown } from '../support/codec.ts'
import { entropy, hello, identity, items, type RawPeer, relayed } from '../support/raw-peer.ts'
import { frameOf, spoken, upgrade } from '../support/raw-socket.ts'
import { attack, Desk, type Stage } from './stage.ts'

const idOf = (ref: { address: string }): string => ref.address.slice(ref.address.indexOf('/') + 1)

const varint = (value: number): string => {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]).toString('hex')
    bytes.push((rest % 128) | 128)
  }
}
const text = (of: string): string => varint(Buffer.byteLength(of)) + Buffer.from(of).toString('hex')
const float = (value: number): string => Buffer.from(new Float64Array([value]).buffer).toString('hex')
/** A body of MessagePack as the codec carries it. */
const packed = (body: string, holes = 0): string =>
  `ce${varint(body.replaceAll(' ', '').length / 2)}${body}${varint(holes)}`
/** An object of one key. */
const object = (key: string, value = '01'): string => `ca02${text(key)}${value}`
const mapOf = (key: string): string => packed(`81 d9 ${text(key)} 01`)

/** What no guest may make us build: the message that is refused, and its bytes. */
const bombs: Array<[title: string, bytes: string]> = [
  ['lists of sixteen million, one in another', packed('dd00ffffff'.repeat(64))],
  ['lists of sixteen million, side by side', packed(`dc0040${'dd00ffffff'.repeat(64)}`)],
  ['a list of 2^53 values', `c8${varint(Number.MAX_SAFE_INTEGER)}`],
  ['a list of as many values as there are bytes', `c8${varint(60_000)}${'c0'.repeat(50_000)}`],
  ['a list of twenty thousand nothings', `c8${varint(20_000)}${'c0'.repeat(20_000)}`],
  ['a packed list of twenty thousand nothings', packed(`dd00004e20${'c0'.repeat(20_000)}`)],
  ['a set of a thousand million', `d3${varint(1e9)}00`],
  ['a map of a thousand million', `d2${varint(1e9)}00`],
  ['a packed map of a million keys', packed('df000f4240a16101')],
  ['text of 2 GB in one byte', `c7${varint(2 ** 31)}61`],
  ['packed text of 2 GB in one byte', packed('db7fffffff61')],
  ['bytes of 2 GB in one byte', `cf01${varint(2 ** 31)}00`],
  ['packed bytes of 2 GB in one byte', packed('c67fffffff00')],
  ['an extension of 2 GB in one byte', packed('c97fffffff0100')],
  ['a packed part of 2 GB in one byte', `ce${varint(2 ** 31)}c0`],
  ['a bigint of a million digits', `d1${varint(2 * 40_000)}${'ff'.repeat(40_000)}`],
  ['a bigint of 65 bits', `d1${varint(2 * 9)}01${'00'.repeat(8)}`],
  ['seventeen lists in one another', `${'a1'.repeat(17)}00`],
  ['fifty thousand lists in one another', `${'a1'.repeat(50_000)}00`],
  ['fifty thousand packed lists in one another', packed(`${'91'.repeat(50_000)}c0`)],
  ['fifty thousand packed maps in one another', packed(`${'81a161'.repeat(15_000)}c0`)],
  ['sets in one another', `${'d301'.repeat(20_000)}00`],
  ['maps in one another', `${'d20100'.repeat(15_000)}00`],
  ['errors in one another', `${`d4${text('E')}${text('m')}`.repeat(5_000)}c1`],
  ['packed parts in the holes of packed parts', `${'ce0491d4000001'.repeat(5_000)}00`],
  ['a bare hole', packed('d40000', 1)],
  ['more holes than values for them', packed('92d40000d40000', 1)],
  ['a shape of 127 keys', `caff${'0161'.repeat(127)}`],
  ['a shape that nobody defined', `c9${varint(900)}`],
  ['an address that nobody defined', `cb${varint(900)}`],
  ['an address of a kilobyte', `cd${text(`actor:s/${'x'.repeat(1_024)}`)}`],
  ['an address that is none', `cd${text('actor:../../x')}`],
  ['an answer to what is no question', 'd5'],
  ['elements that do not fit their bytes', 'cf050300ff00'],
  ['bytes of a kind that there is not', 'cf630100'],
  ['a kind of value that there is not', 'd6'],
  ['an integer above 2^53', 'c4ffffffffffffff7f'],
  ['an integer of twenty bytes', `c4${'80'.repeat(19)}01`],
  ['a packed integer of 64 bits', packed('91cfffffffffffffffff')],
  ['a packed float of 32 bits', packed('91ca7fc00000')],
  ['a key twice', packed('82a16101a16102')],
  ['a key twice, in a shape', 'ca04016101610001'],
  ['a key of a map twice', 'd20201000101'],
  ['a value of a set twice', 'd3020101'],
  ['a key that is a number', packed('810102')],
  ['a key that is a list', packed('819001')],
  ['a key of 250 bytes', packed(`81d9fa${'6b'.repeat(250)}01`)],
  ...['__proto__', 'constructor', 'prototype'].flatMap(
    (key): Array<[string, string]> => [
      [`the key ${key}`, object(key)],
      [`the key ${key}, packed`, mapOf(key)],
      [`the key ${key}, deep inside`, `a1${object('a', `a1${object(key)}`)}`],
      [`the key ${key}, deep inside, packed`, packed(`9181a16191${mapOf(key).slice(4, -2)}`)]
    ]
  ),
  ['text that ends in the middle of a character', '81c3'],
  ['text of a character that is longer than needed', '82c080'],
  ['text of half a pair', '83eda080'],
  ['text above the last character', '84f4908080'],
  ['packed text that is no UTF-8', packed('91a1ff')],
  ['a packed key that is no UTF-8', packed('81a1ff01')],
  ['the byte that MessagePack never uses', packed('91c1')],
  ['a packed RegExp', packed('91c704782f61612b')],
  ['a packed record', packed('91d4724091a161')],
  ['something behind its end', packed('9000')]
]

/** What is only odd, and means what it says. */
const oddities: Array<[title: string, bytes: string, value: unknown]> = [
  ['NaN', `c6${float(Number.NaN)}`, Number.NaN],
  ['less than nothing', `c6${float(-0)}`, -0],
  ['more than anything', `a2c6${float(Infinity)}c6${float(-Infinity)}`, [Infinity, -Infinity]],
  ['the largest integer', `c4${varint(Number.MAX_SAFE_INTEGER)}`, Number.MAX_SAFE_INTEGER],
  ['a bigint of 64 bits', `d1${varint(16)}${'ff'.repeat(8)}`, 2n ** 64n - 1n],
  ['sixteen lists in one another', `${'a1'.repeat(15)}a0`, Array.from({ length: 15 }).reduce(inner => [inner], [])],
  ['an integer in a form that is longer than needed', packed('91ce00000001'), [1]],
  ['keys that other objects call', packed('84a47468656e01a6746f4a534f4e02a776616c75654f6603ae6861734f776e50726f706572747904'), Object.fromEntries(['then', 'toJSON', 'valueOf', 'hasOwnProperty'].map((key, n) => [key, n + 1]))], // biome-ignore format: one line says it
  ['a mark at the beginning of text', '84efbbbf61', '\ufeffa'],
  ['zeros in text', '820000', '\0\0'],
  ['an Error with a name of ours', `d4${text('ActorError')}${text('x')}c1`, { name: 'ActorError', message: 'x' }]
]

const letter = (id: string, message: Uint8Array): Uint8Array =>
  Buffer.concat([
    items(write => {
      write.u8(Item.send)
      write.varint(0)
      write.utf8(id)
    }),
    message
  ])

describe('a message', () => {
  const heads = ({ frames }: RawPeer): Head[] =>
    frames
      .filter(frame => frame[0] === FrameKind.relay)
      .map(frame => {
        const head = { kind: 0, flags: 0, epoch: 0, ack: 0, credit: 0, seq: 0 }
        readHead(frame, head)
        return head
      })

  /** Sends it, something behind it in the same batch, and something more in an epoch of its own. */
  async function send(stage: Stage, bytes: Uint8Array): Promise<RawPeer> {
    const peer = await stage.guest()
    const id = idOf(stage.open)
    const behind = letter(id, hex('866265 68 69 6e 64'.replaceAll(' ', '')))
    const say = (head: object, ...parts: Uint8Array[]): void =>
      peer.send(relayed(peer.identity.id, stage.hub.id, head, Buffer.concat(parts)))
    say({ epoch: 1 }, letter(id, bytes), behind)
    say({ epoch: 2 }, letter(id, hex('856c61746572')))
    await until(() => stage.said.includes('later'), 'what is good is heard')
    return peer
  }

  for (const [title, bytes] of bombs) {
    attack(`that holds ${title} is nobody's, and costs its sender the epoch at most`, async stage => {
      const peer = await send(stage, hex(bytes))
      expect(stage.said.filter(each => each !== 'behind')).to.deep.equal(['later'])
      expect(peer.closed).to.deep.equal([])
      expect(heads(peer).map(({ kind }) => kind)).to.not.include(HeadKind.goodbye)
    })
  }

  it('that is refused is refused within a millisecond, and with less than a megabyte', () => {
    // What is no question has no address to answer to: the system says so, not the codec.
    for (const [title, bytes] of bombs.filter(([, each]) => each !== 'd5')) {
      const frame = hex(bytes)
      const times: number[] = []
      const sizes: number[] = []
      for (let n = 0; n < 100; n++) {
        const decoder = new Decoder(paperRefs(), GUEST_LIMITS)
        const { heapUsed, external } = process.memoryUsage()
        const began = performance.now()
        expect(thrown(() => decoder.decode(new ByteReader(frame))).code, title).to.equal('ACTOR_INVALID')
        times.push(performance.now() - began)
        const after = process.memoryUsage()
        sizes.push(after.heapUsed - heapUsed + after.external - external)
      }
      // The middle one: V8 compiles and collects now and then.
      const middle = (of: number[]): number => of.sort((a, b) => a - b)[50] as number
      expect(middle(times), `milliseconds for ${title}`).to.be.below(1)
      expect(middle(sizes), `bytes for ${title}`).to.be.below(1_000_000)
    }
  })

  for (const [title, bytes, value] of oddities) {
    attack(`that holds ${title} is heard as it was said`, async stage => {
      await send(stage, hex(bytes))
      expect(stage.said).to.deep.equal([value, 'behind', 'later'])
    })
  }

  attack('with an extension of any type is refused, and the good ones between are heard', async stage => {
    const peer = await stage.guest()
    const id = idOf(stage.open)
    for (let type = 0; type < 256; type++) {
      const code = type.toString(16).padStart(2, '0')
      const mail = Buffer.concat([
        letter(id, hex(packed(`91d5${code}0000`))),
        letter(id, hex(packed(`91c701${code}00`)))
      ])
      peer.send(relayed(peer.identity.id, stage.hub.id, { epoch: 1 + (type >> 5), seq: 1 + (type & 31) }, Buffer.concat([mail, letter(id, hex('07'))]))) // biome-ignore format: one line says it
    }
    await until(() => stage.said.length === 256, 'the good ones are heard')
    expect(new Set(stage.said)).to.deep.equal(new Set([7]))
  })

  attack("that the schema of its name does not know is nobody's, whatever it is", async stage => {
    const peer = await stage.guest()
    const desk = idOf(await stage.good.lookup(Desk))
    const mail = Buffer.concat(oddities.map(([, bytes]) => letter(desk, hex(bytes))))
    peer.send(relayed(peer.identity.id, stage.hub.id, {}, Buffer.concat([mail, letter(desk, hex(`ca05${text('type')}${text('n')}${text('note')}07`))]))) // biome-ignore format: one line says it
    await until(() => stage.notes.length > 0, 'the good one is heard')
    expect(stage.notes).to.deep.equal([{ type: 'note', n: 7 }])
  })
})

describe('a recorded session', () => {
  const PER_BATCH = 4
  const BATCHES = 3

  /** Notes in batches, numbered from `first` on. */
  async function notes(stage: Stage, first: number): Promise<(batch: number) => Uint8Array> {
    const desk = idOf(await stage.good.lookup(Desk))
    return batch =>
      items(write => {
        for (let n = 0; n < PER_BATCH; n++) {
          write.u8(Item.send)
          write.varint(0)
          write.utf8(desk)
          write.message({ type: 'note', n: first + batch * PER_BATCH + n })
        }
      })
  }

  /** What a guest says before it is welcome, and after. */
  async function session(stage: Stage, first: number): Promise<[greeting: Uint8Array, mail: Uint8Array[]]> {
    const who = identity()
    const made = await notes(stage, first)
    const mail = Array.from({ length: BATCHES }, (_, n) => relayed(who.id, stage.hub.id, { seq: n + 1 }, made(n)))
    const greeting = Buffer.concat([Buffer.from(upgrade()), frameOf(writeHandshake(hello(who)))])
    return [greeting, mail.map(each => frameOf(each))]
  }

  attack('that is cut at any byte is heard up to the last whole batch, and in order', async stage => {
    const [greeting, mail] = await session(stage, 0)
    const length = greeting.length + Buffer.concat(mail).length
    const whole = new Map<number, number>()
    const cut = async (end: number): Promise<void> => {
      const [first, batches] = await session(stage, end * 100)
      const rest = Math.max(0, end - first.length)
      const socket = await stage.caller()
      socket.write(first.subarray(0, end))
      if (rest > 0) await until(() => spoken(socket.heard).frames.length > 0, 'it is welcome')
      socket.write(Buffer.concat(batches).subarray(0, rest))
      const ends = batches.map((_, n) => Buffer.concat(batches.slice(0, n + 1)).length)
      whole.set(end, ends.filter(each => each <= rest).length)
      if (end % 2 === 0) await turn()
      if (end % 3 === 0) socket.reset()
      else socket.finish()
    }
    for (let from = 0; from <= length; from += 20) {
      const ends = Array.from({ length: 20 }, (_, n) => from + n)
      await Promise.all(ends.filter(end => end <= length).map(cut))
    }
    const heardOf = (end: number): number[] =>
      (stage.notes as Array<{ n: number }>).filter(({ n }) => Math.floor(n / 100) === end).map(({ n }) => n % 100)
    // What was said before a goodbye in TCP is heard; a reset may take it along.
    for (const [end, count] of whole) {
      if (end % 3 !== 0) await until(() => heardOf(end).length >= count * PER_BATCH, `${count} batches of ${end} bytes are heard`) // biome-ignore format: one line says it
    }
    await stage.served()
    for (const [end, count] of whole) {
      const heard = heardOf(end)
      expect(heard, `cut at ${end}`).to.deep.equal(Array.from({ length: heard.length }, (_, n) => n))
      expect(heard.length % PER_BATCH, `cut at ${end}`).to.equal(0)
      expect(heard.length / PER_BATCH, `cut at ${end}`).to.be.at.most(count)
    }
  }).timeout(30_000)

  attack(
    'of which any bit of a batch is turned says what it said, something else of the same form, or nothing',
    async stage => {
      const peer = await stage.guest()
      const made = (await notes(stage, 0))(0)
      const whole = relayed(peer.identity.id, stage.hub.id, { epoch: 1 }, made)
      for (let bit = 8; bit < whole.length * 8; bit++) {
        const frame = relayed(peer.identity.id, stage.hub.id, { epoch: 1 + bit }, made)
        frame[bit >> 3] = (frame[bit >> 3] as number) ^ (1 << (bit & 7))
        peer.send(frame)
        if (bit % 100 === 0) await stage.served()
      }
      await stage.served()
      for (const note of stage.notes as Array<Record<string, unknown>>) {
        expect(Object.keys(note)).to.deep.equal(['type', 'n'])
        expect([note.type, typeof note.n]).to.deep.equal(['note', 'number'])
      }
      expect(stage.notes.length).to.be.greaterThan(0)
      expect(peer.closed).to.deep.equal([])
    }
  ).timeout(30_000)

  attack('of which any bit of the greeting or of its frame is turned attaches nobody else', async stage => {
    const who = identity()
    const greeting = frameOf(writeHandshake(hello(who)))
    for (let bit = 0; bit < greeting.length * 8; bit += 5) {
      const frame = Uint8Array.from(greeting)
      frame[bit >> 3] = (frame[bit >> 3] as number) ^ (1 << (bit & 7))
      const socket = await stage.caller()
      socket.write(upgrade())
      socket.write(frame)
      socket.finish()
      if (bit % 25 === 0) await turn()
    }
    await stage.served()
    for (const { id } of stage.gateway.peers) expect(id).to.be.oneOf([stage.good.id, who.id])
  }).timeout(30_000)

  attack('of noise between good frames is read for what is good of it', async stage => {
    const peer = await stage.guest()
    const made = (await notes(stage, 0))(0)
    for (let n = 0; n < 300; n++) {
      peer.send(Uint8Array.of(20 + (n % 200), ...entropy(n)))
      peer.send(relayed(peer.identity.id, stage.hub.id, { seq: n + 1 }, n === 0 ? made : new Uint8Array(0)))
    }
    await stage.served()
    expect(stage.notes).to.have.length(PER_BATCH)
    expect(peer.closed).to.deep.equal([])
  })
})
