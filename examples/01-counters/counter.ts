// The counter: one behavior, run by the server, by every tab and by every terminal.

import { type ActorRef, type Behavior, setup } from 'whereabouts'
import type { CounterMessage, Reading } from './messages.ts'

/** What outlives a crash. A real program would keep it in a database; here it lies beside the actor that writes in it. */
export interface Notebook {
  total: number
  life: number
  /** Who added how much. */
  readonly shares: Map<string, number>
  readonly followers: Map<ActorRef<Reading>, string>
}

export function notebook(): Notebook {
  return { total: 0, life: 0, shares: new Map(), followers: new Map() }
}

/** Strangers choose `who`, so the list may not grow with what they send. */
const MOST_SHARES = 1000

/** To itself: the mail that was waiting has been counted. */
type Publish = { type: 'publish' }

/** Each life goes on with what the notebook says, and `born` hears of it. */
export function counter(book: Notebook, born: (life: number) => void = () => {}): Behavior<CounterMessage> {
  return setup<CounterMessage | Publish>(ctx => {
    let publishing = false
    book.life++
    // A restart forgets whom the former life watched.
    for (const follower of book.followers.keys()) ctx.watch(follower)
    born(book.life)
    publish()

    function publish(): void {
      publishing = false
      for (const [follower, who] of book.followers) follower.send(readingFor(who))
    }

    function readingFor(who: string): Reading {
      return { total: book.total, yours: book.shares.get(who) ?? 0, life: book.life }
    }

    function add(by: number, who: string): void {
      book.total += by
      if (book.shares.has(who) || book.shares.size < MOST_SHARES) book.shares.set(who, (book.shares.get(who) ?? 0) + by)
      if (publishing) return
      // A note to itself stands behind the mail that waits: one reading for a burst of thousands, and no timer, which a
      // hidden tab would hold back.
      publishing = ctx.self.send({ type: 'publish' })
      if (!publishing) publish()
    }

    return {
      receive(message) {
        switch (message.type) {
          case 'add':
            return add(message.by, message.who)
          case 'crash':
            throw new Error(`${message.who} asked for it`)
          case 'read':
            message.replyTo.send(book.total)
            return
          case 'follow':
            book.followers.set(message.replyTo, message.who)
            ctx.watch(message.replyTo)
            message.replyTo.send(readingFor(message.who))
            return
          case 'publish':
            return publish()
        }
      },
      stopped(ref) {
        for (const follower of book.followers.keys()) if (follower === ref) book.followers.delete(follower)
      }
    }
  })
}
