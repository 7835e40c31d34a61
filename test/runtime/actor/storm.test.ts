import { expect } from 'chai'
import { type ActorRef, type Directive, type MailboxOptions, setup } from 'whereabouts/core'
import { inBothModes } from './machine.ts'

/** What the message makes its actor do. */
type Deed = 'note' | 'wait' | 'boom' | 'late boom' | 'stash' | 'release' | 'self' | 'stop'
interface Message {
  readonly n: number
  readonly deed: Deed
}

/** mulberry32: the same storm for the same seed. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const DEEDS: readonly Deed[] = ['note', 'note', 'note', 'wait', 'boom', 'late boom', 'stash', 'release', 'self', 'stop']
const DIRECTIVES: readonly Directive[] = ['resume', 'restart', 'restart', 'stop', 'escalate']
const MAILBOXES: ReadonlyArray<MailboxOptions<Message>> = [
  {},
  { capacity: 3 },
  { capacity: 3, overflow: 'drop-oldest' },
  { capacity: 3, overflow: 'drop-newest' },
  { capacity: 8, overflow: { latest: ({ n }: Message) => `${n % 5}` } }
]

inBothModes('a storm', start => {
  for (let seed = 1; seed <= 60; seed++) {
    it(`loses nothing, repeats nothing and keeps the order (seed ${seed})`, async () => {
      const random = dice(seed)
      const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
      const { system, clock } = start({ random })
      let [sent, crashed, stashed] = [0, 0, 0]
      const busy = new Set<number>()
      const overlaps: number[] = []
      const disorder: number[] = []
      const refs: Array<ActorRef<Message>> = []
      const send = (ref: ActorRef<Message>, deed: Deed) => {
        if (ref.send({ n: sent, deed })) sent++
      }
      const worker = (id: number) => {
        let last = -1
        let puts = false
        return setup<Message>(ctx => ({
          async receive({ n, deed }) {
            if (busy.has(id)) overlaps.push(n)
            busy.add(id)
            // What was put aside comes later than what was sent after it.
            if (!puts && n <= last) disorder.push(n)
            last = n
            try {
              if (deed === 'wait' || deed === 'late boom') {
                await new Promise<void>(resolve => void clock.timer(1 + (n % 7), resolve))
              }
              if (deed.endsWith('boom')) {
                crashed++
                throw new Error('boom')
              }
              if (deed === 'stash' || deed === 'release') puts = true
              if (deed === 'stash' && n % 3 !== 0 && ctx.stash.add()) stashed++
              if (deed === 'release') ctx.stash.release()
              if (deed === 'self') send(ctx.self, 'note')
              if (deed === 'stop') ctx.stop()
            } finally {
              busy.delete(id)
            }
          },
          stopping: () => any([undefined, Promise.resolve()]) as Promise<void>
        }))
      }
      system.spawn(
        setup<never>(ctx => {
          for (let id = 0; id < 6; id++) {
            const mailbox = any(MAILBOXES)
            refs[id] = ctx.spawn(worker(Math.floor(random() * 1e9)), {
              restart: any(['always', 'on-failure']),
              mailbox
            })
          }
          return { receive: () => {}, failed: () => any(DIRECTIVES) }
        })
      )
      await clock.settle()
      for (let round = 0; round < 40; round++) {
        for (let burst = Math.floor(random() * 12); burst > 0; burst--) send(any(refs), any(DEEDS))
        await clock.advance(Math.floor(random() * 4))
      }
      const down = system.shutdown()
      await clock.advance(10_000)
      await down
      const { counters } = system
      expect(counters.sent).to.equal(sent)
      // A crash is a delivery and a letter; what was put aside is delivered again, or a letter.
      expect(counters.delivered + counters.deadLetters).to.equal(sent + crashed + stashed)
      expect([overlaps, disorder]).to.deep.equal([[], []])
      await clock.settle()
      expect(clock.timers).to.equal(0)
    })
  }
})
