// What every implementation of the protocol has to do with the vectors of docs/protocol-vectors.json: read the bytes, and write
// them. Each case is checked a second time with a byte changed, so that no vector passes for nothing.

import { expect } from 'chai'
import { bytesOf, hexOf, plain, revived } from '../../tools/vectors/notation.ts'
import {
  type EpochVector,
  type FrameVector,
  type Implementation,
  type ItemWords,
  Refusal,
  vectors
} from '../protocol/implementation.ts'

export function anyProtocol(title: string, implementation: Implementation): void {
  const { systems, proofs } = vectors
  const idOf = (name: string): Uint8Array => bytesOf((systems[name] as { idHex: string }).idHex)
  const nameOf = (id: string): string => Object.keys(systems).find(name => systems[name]?.id === id) ?? id

  describe(`${title} and the vectors`, () => {
    describe('identities', () => {
      for (const [name, { secretHex, idHex }] of Object.entries(systems)) {
        it(`the id of ${name} is that of its secret`, () => {
          expect(hexOf(implementation.idOf(bytesOf(secretHex)))).to.equal(idHex)
          expect(hexOf(implementation.idOf(changed(secretHex, 7)))).not.to.equal(idHex)
        })
      }

      it('proofs of the shared secret', () => {
        const nonces = [proofs.nonces.dialer, proofs.nonces.listener] as const
        const ids = [systems[proofs.dialer]?.id ?? '', systems[proofs.listener]?.id ?? ''] as const
        expect(implementation.proofOf(proofs.shared, 'listener', nonces, ids)).to.equal(proofs.listenerProof)
        expect(implementation.proofOf(proofs.shared, 'dialer', nonces, ids)).to.equal(proofs.dialerProof)
      })
    })

    describe('values', () => {
      const check = (epoch: EpochVector, how: 'both' | 'read'): void => {
        const of = { guest: false, question: true }
        const codec = implementation.values(of)
        const other = implementation.values(of)
        for (const { value, hex } of epoch.messages) {
          if (epoch.encodeOnly !== true) expect(plain(codec.read(bytesOf(hex)))).to.deep.equal(value)
          if (how === 'read') continue
          const written = codec.write(revived(value), epoch.alone === true)
          if (epoch.choice !== true || implementation.chooses) expect(hexOf(written)).to.equal(hex)
          else expect(plain(other.read(written))).to.deep.equal(value)
        }
      }
      for (const epoch of vectors.values) {
        it(`${epoch.title}: ${short(epoch.messages.map(({ value }) => value))}`, () => {
          check(epoch, 'both')
        })
      }
      for (const epoch of vectors.decodeOnly) {
        it(`only read: ${epoch.title}`, () => check(epoch, 'read'))
      }

      it('no byte of them may be another', () => {
        for (const epoch of [...vectors.values, ...vectors.decodeOnly]) {
          // Every NaN is one, and a Date has whole milliseconds.
          if (epoch.encodeOnly === true || /"NaN"|"date"/.test(JSON.stringify(epoch.messages))) continue
          const at = epoch.messages.length - 1
          const hex = epoch.messages[at]?.hex ?? ''
          for (let byte = 0; byte < hex.length / 2; byte++) {
            const messages = epoch.messages.with(at, {
              ...epoch.messages[at],
              hex: hexOf(changed(hex, byte, 16))
            } as never)
            expect(() => check({ ...epoch, messages }, 'read'), `${epoch.title}, byte ${byte} of ${hex}`).to.throw()
          }
        }
      })

      for (const { title: what, hex, outcome, guest, next } of vectors.refused) {
        it(`refused: ${what}`, () => {
          const of = { guest: guest !== undefined, question: false }
          const codec = implementation.values(of)
          expect(outcomeOf(() => codec.read(bytesOf(hex)))).to.equal(outcome)
          if (next !== undefined) expect(plain(codec.read(bytesOf(next.hex)))).to.deep.equal(next.value)
          if (guest === undefined) return
          const trusting = implementation.values({ ...of, guest: false })
          expect(plain(trusting.read(bytesOf(hex)))).to.deep.equal(guest.value)
        })
      }
    })

    describe('frames between systems', () => {
      for (const { title: what, hex, ...frame } of vectors.frames) {
        it(what, () => {
          const written = implementation.writeFrame(frame, idOf(frame.to), idOf(frame.from))
          expect(hexOf(written)).to.equal(hex)
          const read = (bytes: Uint8Array): object => {
            const { to, from, ...facts } = implementation.readFrame(bytes)
            return { ...facts, to: nameOf(to), from: nameOf(from) }
          }
          expect(read(bytesOf(hex))).to.deep.equal(frame)
          // The first byte says only that it is one.
          for (let byte = 1; byte < hex.length / 2; byte++) {
            expect(read(changed(hex, byte)), `byte ${byte}`).not.to.deep.equal(frame)
          }
        })
      }
    })

    describe('items', () => {
      const words = (items: readonly unknown[]): ItemWords[] => items.map(item => revived(item as never) as ItemWords)
      const written = (items: readonly object[]): unknown => items.map(plain)
      for (const { title: what, batches, decodeOnly } of vectors.batches) {
        it(what, () => {
          const codec = implementation.items()
          for (const { items, hex } of batches) {
            expect(written(codec.read(bytesOf(hex)))).to.deep.equal(items)
            if (decodeOnly !== true) expect(hexOf(codec.write(words(items)))).to.equal(hex)
          }
          const [first] = batches
          const hex = first?.hex ?? ''
          for (let byte = 0; byte < hex.length / 2; byte++) {
            const read = (): unknown => written(implementation.items().read(changed(hex, byte)))
            expect(() => expect(read()).to.deep.equal(first?.items), `byte ${byte}`).to.throw()
          }
        })
      }
      for (const { title: what, batches, items, broken } of vectors.chunks) {
        it(broken === true ? `broken: ${what}` : what, () => {
          const codec = implementation.items()
          const read = (): object[] => batches.flatMap(batch => codec.read(bytesOf(batch)))
          if (broken === true) expect(outcomeOf(read)).to.equal('broken')
          else expect(written(read())).to.deep.equal(items)
        })
      }
    })

    describe('greetings', () => {
      for (const { title: what, steps } of vectors.handshakes) {
        for (const said of steps.flatMap(({ says, hears }) => [says, ...hears])) {
          if (said.frame === undefined || 'later' in said.fields || what === 'a field of another type') continue
          it(`${said.frame}, when ${what}`, () => {
            expect(implementation.readGreeting(bytesOf(said.hex))).to.deep.equal({
              frame: said.frame,
              fields: said.fields
            })
            const bytes = implementation.writeGreeting(said.frame, said.fields)
            // Every order of the fields, and every form of JSON, is one.
            expect(bytes[0]).to.equal(bytesOf(said.hex)[0])
            expect(implementation.readGreeting(bytes).fields).to.deep.equal(said.fields)
          })
        }
      }

      it('what is none is refused', () => {
        for (const title of [
          'no frame of a handshake',
          'no JSON',
          'a field of another type',
          'a handshake frame of 4097 bytes'
        ]) {
          const { hex } = vectors.handshakes.find(each => each.title === title)?.steps[0]?.says ?? { hex: '01' }
          expect(() => implementation.readGreeting(bytesOf(hex)), title).to.throw()
        }
      })
    })

    describe('an end of an association', () => {
      for (const { title: what, window, downAfter, over, steps } of vectors.transcripts) {
        it(what, () => {
          const end = implementation.end({ from: idOf('ada'), to: idOf('ben'), window, downAfter, over })
          for (const [at, step] of steps.entries()) {
            if (step.path !== undefined) end.path(step.path === 'up')
            if (step.push !== undefined) end.push(itemsOf(step.push))
            if (step.hear !== undefined) end.hear(whole(step.hear))
            if (step.time !== undefined) end.time(step.time)
            if (step.full !== undefined) end.full(step.full)
            if (step.handled !== undefined) end.handled(step.handled)
            const { sent, taken, ends } = end.outcome()
            const where = `step ${at + 1}`
            expect(sent.map(inWords), `${where} sends`).to.deep.equal((step.sends ?? []).map(inWords))
            expect(sent.map(hexOf), `${where} sends`).to.deep.equal((step.sends ?? []).map(each => hexOf(whole(each))))
            expect(taken.map(hexOf), `${where} takes`).to.deep.equal(
              (step.takes ?? []).map(each => hexOf(itemsOf(each)))
            )
            expect(ends, `${where} ends`).to.deep.equal(step.ends === undefined ? [] : [step.ends])
          }
        })
      }
    })

    /** For people: a difference is seen in words before it is seen in bytes. */
    function inWords(frame: Uint8Array | FrameVector): string {
      const { kind, flags, epoch, ack, credit, seq } = implementation.readFrame(
        frame instanceof Uint8Array ? frame : bytesOf(frame.hex)
      )
      return `${[kind, ...flags].join(' ')} epoch ${epoch} ack ${ack} credit ${credit} seq ${seq}`
    }
  })
}

/** What items a step names: hex, or so many zeros. */
function itemsOf(items: string | number): Uint8Array {
  return typeof items === 'number' ? new Uint8Array(items) : bytesOf(items)
}

/** The bytes of a frame with the zeros that the file does not spell out. */
function whole({ hex, zeros = 0 }: FrameVector): Uint8Array {
  return Uint8Array.of(...bytesOf(hex), ...new Uint8Array(zeros))
}

function changed(hex: string, at: number, bit = 1): Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(hex)
  bytes[at] = (bytes[at] as number) ^ bit
  return bytes
}

function outcomeOf(read: () => unknown): string {
  try {
    return `read as ${JSON.stringify(plain(read()))}`
  } catch (error) {
    if (error instanceof Refusal) return error.outcome
    throw error
  }
}

function short(value: unknown): string {
  const text = JSON.stringify(value).slice(1, -1)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
