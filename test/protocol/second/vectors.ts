// The second implementation, as the suite of the vectors wants to see it.

import { bytesOf, hexOf } from '../../../tools/vectors/notation.ts'
import { type End, type Implementation, type ItemWords, Refusal } from '../implementation.ts'
import { Association } from './association.ts'
import { base64url, Fault, Reader, Writer } from './bytes.ts'
import {
  type Item,
  ItemReader,
  ItemWriter,
  idOf,
  KINDS,
  proofOf,
  readFrame,
  readGreeting,
  writeFrame,
  writeGreeting
} from './frames.ts'
import { ValueReader, ValueWriter } from './values.ts'

const FLAGS = ['OPENING', 'RESEND', 'UNHEARD'] as const

export const second: Implementation = {
  chooses: false,
  idOf,
  proofOf,

  values({ guest, question }) {
    const writer = new ValueWriter()
    const values = new ValueReader(guest ? 'guest' : 'node')
    return {
      write(value, alone) {
        const into = new Writer()
        writer.write(value, into, alone)
        return into.done
      },
      read: bytes =>
        refusing(() => {
          const reader = new Reader(bytes)
          const value = values.read(reader, question)
          if (reader.left > 0) throw new Fault('broken', 'something is left over')
          return value
        })
    }
  },

  items() {
    const writer = new ItemWriter()
    const reader = new ItemReader('node')
    return {
      write: items => writer.write(items as unknown as Item[]),
      read: bytes => refusing(() => reader.read(bytes) as unknown as ItemWords[])
    }
  },

  writeFrame: ({ flags, items = '', ...frame }, to, from) =>
    writeFrame({
      ...frame,
      to,
      from,
      flags: flags.reduce((all, flag) => all | (1 << FLAGS.indexOf(flag)), 0),
      items: bytesOf(items)
    }),

  readFrame(bytes) {
    const { to, from, flags, items, ...frame } = readFrame(bytes)
    return {
      ...frame,
      kind: KINDS[(bytes[34] as number) - 1] as (typeof KINDS)[number],
      flags: FLAGS.filter((_, bit) => (flags & (1 << bit)) !== 0),
      to: base64url(to),
      from: base64url(from),
      ...(frame.kind === 'batch' ? { items: hexOf(items) } : {})
    }
  },

  writeGreeting,
  readGreeting,

  end(options) {
    let full = false
    let parked: Uint8Array | undefined
    const came = {
      sent: [] as Uint8Array[],
      taken: [] as Uint8Array[],
      ends: [] as Array<{ why: string; lost: number }>
    }
    const association = new Association(
      {
        send: frame => void came.sent.push(frame),
        take(items) {
          if (full) parked = items
          else came.taken.push(items)
          return !full
        },
        opened() {},
        ended: (why, lost) => void came.ends.push({ why, lost })
      },
      options
    )
    const end: End = {
      path: up => association.path(up),
      push: items => association.push(items),
      hear: frame => association.hear(frame),
      time(at) {
        while (association.due <= at) association.time(association.due)
        association.time(at)
      },
      full(on) {
        full = on
        if (on || parked === undefined) return
        came.taken.push(parked)
        association.resume()
      },
      handled: bytes => association.give(bytes),
      outcome: () => ({ sent: came.sent.splice(0), taken: came.taken.splice(0), ends: came.ends.splice(0) })
    }
    return end
  }
}

function refusing<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof Fault ? new Refusal(error.outcome, error) : error
  }
}
