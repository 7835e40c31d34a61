// Whether there is mail that nobody has finished with. Asked by a drain, some hundred times at most, so it looks at every actor
// instead of costing each message a count.

import type { Cell } from './cell.ts'
import { Envelope } from './envelope.ts'
import type { Family } from './family.ts'
import { Keyed } from './latest.ts'
import { Kept } from './stash.ts'

/** Whether mail of a system counts. */
export type From = (peer: string) => boolean

/** Whether an actor has mail waiting, put aside, or in hand: any, or what has come from elsewhere. */
export function hasUnhandled(roots: Family, from?: From): boolean {
  const families: Family[] = [roots]
  for (let family = families.pop(); family !== undefined; family = families.pop()) {
    for (let cell = family.lastChild; cell !== undefined; cell = cell.older) {
      if (holds(cell, from)) return true
      if (cell.rest?.lastChild !== undefined) families.push(cell.rest)
    }
  }
  return false
}

function holds(cell: Cell, from: From | undefined): boolean {
  const aside = cell.life?.aside ?? []
  if (from === undefined) return cell.count > 0 || aside.length > 0
  const counts = (mail: unknown): boolean => isFrom(mail, from)
  if (aside.some(counts)) return true
  return cell.count > 0 && (counts(cell.slot) || (cell.enveloped > 0 && cell.queue?.some(counts) === true))
}

function isFrom(mail: unknown, from: From): boolean {
  if (mail instanceof Keyed) return isFrom(mail.mail, from)
  if (mail instanceof Kept) return isFrom(mail.envelope, from)
  if (!(mail instanceof Envelope)) return false
  const { origin } = mail
  return 'peer' in origin && typeof origin.peer === 'string' && from(origin.peer)
}
