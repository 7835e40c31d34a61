// What two systems owe each other in one epoch: answers, and news of ends. The sending half of a peer (sender.ts) enters
// what is asked and watched there, the receiving half (receiver.ts) what is asked and watched here; what is still open when
// the epoch ends, the peer settles.

import type { Question } from '../actor/question.ts'
import type { AnyRef } from '../actor/ref.ts'
import type { Allowance } from './allowance.ts'
import type { RemoteQuestion } from './mail.ts'
import type { RemoteRef } from './remote-ref.ts'
import type { Standing } from './standing.ts'

/** A question asked there, and whom. */
export interface Asking {
  readonly question: Question
  readonly ref: RemoteRef<never>
}

export interface Debts {
  readonly asks: readonly Asking[]
  readonly asked: readonly RemoteQuestion[]
  readonly watched: ReadonlyArray<RemoteRef<never>>
  readonly watchedHere: readonly AnyRef[]
}

export class Ledger {
  readonly #standing: Standing
  // Tables are made when first needed: thousands of guests are idle, and an empty table takes 180 bytes.
  /** By the id of the address to answer to. */
  asks: Map<string, Asking> | undefined
  /** Questions from there that are not settled. */
  asked: Map<string, RemoteQuestion> | undefined
  /** Refs of theirs that are watched from here, by id. */
  watched: Map<string, RemoteRef<never>> | undefined
  /** Actors here that are watched from there, and the id they are known by. */
  watchedHere: Map<AnyRef, string> | undefined

  constructor(standing: Standing) {
    this.#standing = standing
  }

  asking(id: string, question: Question, ref: RemoteRef<never>): void {
    this.asks ??= new Map()
    this.asks.set(id, { question, ref })
  }

  questioned(question: RemoteQuestion): void {
    this.asked ??= new Map()
    this.asked.set(question.id, question)
    this.#standing.allowance.asks += 1
  }

  /** A question from there is settled; `false`: it was already. */
  settled(id: string): boolean {
    if (this.asked?.delete(id) !== true) return false
    if (this.asked.size === 0) this.asked = undefined
    this.#standing.allowance.asks -= 1
    return true
  }

  watching(ref: RemoteRef<never>): void {
    this.watched ??= new Map()
    this.watched.set(ref.id, ref)
  }

  /** An actor here is watched from there, under this id; `false`: it was already. */
  watchedBy(ref: AnyRef, id: string): boolean {
    this.watchedHere ??= new Map()
    if (this.watchedHere.has(ref)) return false
    this.watchedHere.set(ref, id)
    this.#standing.allowance.watches += 1
    return true
  }

  unwatched(ref: AnyRef): boolean {
    if (this.watchedHere?.delete(ref) !== true) return false
    this.#standing.allowance.watches -= 1
    return true
  }

  /** Whether somebody on either side waits for something. */
  get open(): boolean {
    return some(this.watched) || some(this.watchedHere) || some(this.asks) || some(this.asked)
  }

  /** It is counted elsewhere than `before` from now on. */
  moved(before: Allowance): void {
    const { allowance } = this.#standing
    const asked = this.asked?.size ?? 0
    const watches = this.watchedHere?.size ?? 0
    before.asks -= asked
    before.watches -= watches
    allowance.asks += asked
    allowance.watches += watches
  }

  /** The epoch is over: nothing is open any more but what this answers. */
  close(): Debts {
    const debts = {
      asks: [...(this.asks?.values() ?? [])],
      asked: [...(this.asked?.values() ?? [])],
      watched: [...(this.watched?.values() ?? [])],
      watchedHere: [...(this.watchedHere?.keys() ?? [])]
    }
    const { allowance } = this.#standing
    allowance.asks -= debts.asked.length
    allowance.watches -= debts.watchedHere.length
    this.asks = this.asked = this.watched = this.watchedHere = undefined
    return debts
  }
}

function some(table: { readonly size: number } | undefined): boolean {
  return table !== undefined && table.size > 0
}
