// What guests of the load and soak runs come to: a desk that gives each a table of its own, which lasts until the guest is gone.

import {
  type ActorRef,
  type ActorSystem,
  type AnyRef,
  actorName,
  type Behavior,
  type ListenOptions,
  setup
} from '../../runtime/index.ts'

/** Answered with a table; `ear` is watched. */
export type Enter = { type: 'enter'; ear: ActorRef<Uint8Array>; replyTo: ActorRef<ActorRef<Note>> }

export type Note =
  | { type: 'note'; n: number }
  /** Answered with how many notes have come. */
  | { type: 'count'; replyTo: ActorRef<number> }
  /** Answered with an actor that ends soon. */
  | { type: 'mortal'; replyTo: ActorRef<AnyRef> }
  /** From now on the guest's ear is told more than anybody needs. */
  | { type: 'tell' }

export const Desk = actorName<Enter>('desk')
export const Room = actorName<string>('room')
export const seat = (n: number) => actorName<string>(`seat ${n}`)

export interface Books {
  entered: number
  left: number
  notes: number
  /** What was told to ears, and what was refused because they did not listen. */
  told: number
  refused: number
  /** Notes that were not the next one of their guest. */
  readonly faults: string[]
}

export const books = (): Books => ({ entered: 0, left: 0, notes: 0, told: 0, refused: 0, faults: [] })

const CHUNK = new Uint8Array(32_768)

function table(kept: Books, who: string, ear: ActorRef<Uint8Array>): Behavior<Note> {
  return setup<Note>(ctx => {
    let last = 0
    ctx.watch(ear)
    return {
      receive(message) {
        switch (message.type) {
          case 'note':
            if (message.n !== last + 1 && kept.faults.length < 20) {
              kept.faults.push(`${who} said ${message.n} after ${last}`)
            }
            last = message.n
            kept.notes += 1
            break
          case 'count':
            message.replyTo.send(last)
            break
          case 'mortal':
            message.replyTo.send(ctx.spawn(mortal))
            break
          case 'tell':
            for (let n = 0; n < 64 && ear.send(CHUNK); n++) kept.told += 1
            if (ear.pressed) kept.refused += 1
            ctx.timers.once('tell', 20, message)
        }
      },
      stopped() {
        kept.left += 1
        ctx.stop()
      }
    }
  })
}

const mortal = setup<'end'>(ctx => {
  ctx.timers.once('end', 20, 'end')
  return { receive: () => ctx.stop() }
})

/** Opens the house in a system. What it sees is in the books. */
export function keepHouse(system: ActorSystem, kept: Books): void {
  system.spawn(
    setup<Enter>(ctx => ({
      receive({ ear, replyTo }, from) {
        kept.entered += 1
        replyTo.send(ctx.spawn(table(kept, String(from.principal), ear)))
      }
    })),
    { name: Desk }
  )
}

/** How guests are let in: by any name they give. */
export const OPEN: Pick<ListenOptions, 'authenticate' | 'authorize'> = {
  authenticate: ({ token }) => token ?? 'nobody',
  authorize: () => true
}
