// One half of a conversation between two systems, of which each half checks what it hears: numbers in order, none missing
// without a told end and none twice; every ask settled; one notice for each watch. It knows nothing of networks.

import {
  ActorError,
  type ActorRef,
  type ActorSystem,
  type AnyRef,
  actorName,
  type Behavior,
  setup
} from '../../runtime/index.ts'

export type Word =
  | { type: 'count'; n: number; pad: string }
  | { type: 'double'; n: number; replyTo: ActorRef<number> }
  /** Wants an actor that says so many last words to this ear and ends. */
  | { type: 'mortal'; words: number; ear: ActorRef<Last> }

type Last = { type: 'born'; mortal: ActorRef<'begin'> } | { type: 'word'; n: number }

/** Answered with a corner of its own. */
export type Meet = { type: 'meet'; who: ActorRef<Word>; replyTo: ActorRef<ActorRef<Word>> }

export const Door = actorName<Meet>('door')

export interface Account {
  said: number
  heard: number
  /** Notices of the end of the partner, and their reasons. */
  ends: string[]
  asks: { open: number; answered: number; failed: Record<string, number> }
  /** Actors of the partner that were watched, and how their ends were told. */
  mortals: { watched: number; ended: Record<string, number> }
  faults: string[]
}

/** Asks that may be open at a time: a guest may have 64 in all. */
const ABREAST = 16
const PATIENCE = 120_000

export class Corner {
  readonly ref: ActorRef<Word>
  readonly account: Account = {
    said: 0,
    heard: 0,
    ends: [],
    asks: { open: 0, answered: 0, failed: {} },
    mortals: { watched: 0, ended: {} },
    faults: []
  }
  readonly #system: ActorSystem
  #partner: ActorRef<Word> | undefined
  #pad = ''
  #last = 0
  #excused = false
  #asked = 0
  #watch: (ref: AnyRef) => void = () => {}
  #watched = false

  constructor(system: ActorSystem, partner?: ActorRef<Word>) {
    this.#system = system
    this.ref = system.spawn(this.#behavior())
    if (partner !== undefined) this.meet(partner)
  }

  get partner(): ActorRef<Word> {
    if (this.#partner === undefined) throw new Error('nobody has been met')
    return this.#partner
  }

  meet(partner: ActorRef<Word>): void {
    this.#partner = partner
    this.#watched = true
    this.#watch(partner)
  }

  /** Says the next so many numbers; resolves when all are taken. */
  async say(count: number, pad = 0): Promise<void> {
    if (this.#pad.length !== pad) this.#pad = '-'.repeat(pad)
    for (let left = count; left > 0; ) {
      const { partner } = this
      if (partner.send({ type: 'count', n: this.account.said + 1, pad: this.#pad })) {
        this.account.said += 1
        left -= 1
      } else await partner.ready({ within: PATIENCE })
    }
  }

  /** Resolves when so many asks have settled, one way or the other. */
  async ask(count: number, within = PATIENCE): Promise<void> {
    const { asks } = this.account
    const one = async (): Promise<void> => {
      const n = ++this.#asked
      asks.open += 1
      try {
        const answer = await this.partner.ask({ type: 'double', n }, { within })
        asks.answered += 1
        if (answer !== 2 * n) this.wrong(`asked for the double of ${n} and was told ${answer}`)
      } catch (error) {
        const code = error instanceof ActorError ? error.code : String(error)
        asks.failed[code] = (asks.failed[code] ?? 0) + 1
      }
      asks.open -= 1
    }
    for (let left = count; left > 0; left -= ABREAST) {
      await Promise.all(Array.from({ length: Math.min(left, ABREAST) }, one))
    }
  }

  /** Watches an actor of the partner's that says so many words and ends; resolves when its end was heard. */
  mortal(words: number): Promise<void> {
    const { mortals } = this.account
    mortals.watched += 1
    return new Promise(resolve => {
      const ear = this.#system.spawn(
        setup<Last>(ctx => {
          let said = 0
          // If the partner is gone before it is born, nothing else would be heard of it.
          ctx.watch(this.partner)
          return {
            receive: message => {
              if (message.type === 'born') {
                ctx.watch(message.mortal)
                message.mortal.send('begin')
              } else if (message.n === said + 1) said += 1
              else this.wrong(`the last word ${message.n} came after ${said}`)
            },
            stopped: (_ref, { kind }) => {
              mortals.ended[kind] = (mortals.ended[kind] ?? 0) + 1
              if (kind === 'done' && said !== words) this.wrong(`an end was told after ${said} of ${words} last words`)
              ctx.stop()
              resolve()
            }
          }
        })
      )
      this.partner.send({ type: 'mortal', words, ear })
    })
  }

  wrong(what: string): void {
    if (this.account.faults.length < 20) this.account.faults.push(`${this.#system.label}: ${what}`)
  }

  #behavior(): Behavior<Word> {
    return setup<Word>(ctx => {
      this.#watch = ref => ctx.watch(ref)
      if (this.#partner !== undefined) ctx.watch(this.#partner)
      return {
        receive: message => {
          switch (message.type) {
            case 'count':
              this.#counted(message.n)
              break
            case 'double':
              message.replyTo.send(2 * message.n)
              break
            case 'mortal':
              message.ear.send({ type: 'born', mortal: ctx.spawn(mortal(message.words, message.ear)) })
          }
        },
        stopped: (_ref, reason) => {
          this.account.ends.push(reason.kind)
          this.#excused = true
          this.#watched = false
        }
      }
    })
  }

  #counted(n: number): void {
    if (n <= this.#last) this.wrong(`heard ${n} after ${this.#last}`)
    else if (n !== this.#last + 1 && !this.#excused) this.wrong(`heard ${n} after ${this.#last}, and of no end between`)
    this.#last = Math.max(n, this.#last)
    this.#excused = false
    this.account.heard += 1
    // Who was gone is back: the next end is to be heard too.
    if (!this.#watched && this.#partner !== undefined) this.meet(this.#partner)
  }
}

function mortal(words: number, ear: ActorRef<Last>): Behavior<'begin'> {
  return setup<'begin'>(ctx => ({
    receive() {
      for (let n = 1; n <= words; n++) ear.send({ type: 'word', n })
      ctx.stop()
    }
  }))
}
