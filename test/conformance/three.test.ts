// Two systems that never met, and the hub to which both are attached, or a hub for each. Refs go round, and lead home from
// everywhere.

import { expect } from 'chai'
import {
  type ActorRef,
  type ActorSystem,
  type AnyRef,
  actorName,
  createSystem,
  type ListenOptions,
  receive,
  setup
} from '../../runtime/index.ts'
import { type MemoryNetwork, memory } from '../../transports/memory.ts'
import {
  echo,
  expectNumbered,
  failureCode,
  hand,
  handAll,
  noting,
  numbers,
  turn,
  until,
  watcher
} from '../suites/any-ref/cast.ts'
import { quiet } from '../support/quiet.ts'

/** Keeps refs under words and hands them out: how those meet who share nothing but the hub. */
type Board =
  | { type: 'pin'; word: string; ref: AnyRef; replyTo: ActorRef<true> }
  | { type: 'find'; word: string; replyTo: ActorRef<AnyRef | undefined> }
const BoardName = actorName<Board>('board')
const SECRET = 'the secret of the test'

const nodes: ListenOptions = { trust: { node: { secret: SECRET } } }
const guests: ListenOptions = { trust: 'guest', expose: [{ name: BoardName, unchecked: true }] }
const places: Array<[string, ListenOptions, hubs: 1 | 2]> = [
  ['nodes at a hub', nodes, 1],
  ['guests at a hub', guests, 1],
  ['nodes at hubs of their own', nodes, 2],
  ['guests at hubs of their own', guests, 2]
]

for (const [title, options, hubs] of places) {
  describe(`two systems, ${title}`, () => {
    let hub: ActorSystem
    let left: ActorSystem
    let right: ActorSystem
    /** Of the hub of `right`: the same, or another below it. */
    let lower: ActorSystem
    let networks: MemoryNetwork[]
    let leftBoard: ActorRef<Board>
    let rightBoard: ActorRef<Board>

    beforeEach(async () => {
      hub = createSystem({ label: 'hub', logger: quiet })
      left = createSystem({ label: 'left', logger: quiet })
      right = createSystem({ label: 'right', logger: quiet })
      hub.spawn(
        receive(
          () => new Map<string, AnyRef>(),
          (board, message: Board) => {
            if (message.type === 'pin') {
              board.set(message.word, message.ref)
              message.replyTo.send(true)
            } else message.replyTo.send(board.get(message.word))
            return board
          }
        ),
        { name: BoardName }
      )
      networks = []
      lower = hub
      await attach(left, hub, options)
      if (hubs === 2) {
        lower = createSystem({ label: 'lower', logger: quiet })
        await attach(lower, hub, nodes)
      }
      await attach(right, lower, options)
      leftBoard = await left.lookup(BoardName)
      rightBoard = await right.lookup(BoardName)
    })

    afterEach(async () => {
      for (const network of networks) network.refuse(false)
      await Promise.all([left.shutdown(), right.shutdown()])
      await lower.shutdown()
      await hub.shutdown()
    })

    const attach = async (system: ActorSystem, to: ActorSystem, by: ListenOptions): Promise<void> => {
      const { transport, listener, network } = memory()
      networks.push(network)
      await to.listen(listener, by)
      const credentials = by.trust === 'guest' ? {} : { secret: SECRET }
      await system.connect(transport, { ...credentials, backoff: { min: 5, max: 20 } })
    }

    /** A ref of left, as right gets to know it by the board. */
    const cross = async <M>(ref: ActorRef<M>): Promise<ActorRef<M>> => {
      await leftBoard.ask({ type: 'pin', word: 'it', ref: ref as unknown as AnyRef })
      return (await rightBoard.ask({ type: 'find', word: 'it' })) as unknown as ActorRef<M>
    }

    it('lets two meet that know only the hub', async () => {
      const seen: number[] = []
      const there = await cross(left.spawn(noting(seen)))
      await handAll(there, numbers(1000))
      await until(() => seen.length >= 1000, 'all have come')
      expectNumbered(seen, 1000)
    })

    it('answers asks from one to the other, and watches across', async () => {
      const home = left.spawn(echo())
      const there = await cross(home)
      expect(await there.ask({ type: 'echo', value: [1, { two: 2 }] })).to.deep.equal([1, { two: 2 }])
      const probe = watcher(right)
      await probe.ref.ask({ type: 'watch', ref: there })
      await there.ask({ type: 'echo', value: 'the watch is ahead of this' })
      await left.stop(home)
      await until(() => probe.heard.length > 0, 'the end was heard')
      expect(probe.heard).to.deep.equal([{ ended: there, reason: { kind: 'done' } }])
      expect(await failureCode(there.ask({ type: 'echo', value: 1 }))).to.equal('ACTOR_STOPPED')
    })

    it('knows a ref that went all the way round', async () => {
      type Round = { type: 'round'; ref: AnyRef; replyTo: ActorRef<AnyRef> }
      const home = left.spawn(setup<Round>(() => ({ receive: ({ ref, replyTo }) => void replyTo.send(ref) })))
      const there = await cross(home)
      const mine = right.spawn(noting<string>([]))
      expect(await there.ask({ type: 'round', ref: mine as unknown as AnyRef })).to.equal(mine)
      expect(await there.ask({ type: 'round', ref: there as unknown as AnyRef })).to.equal(there)
      expect(await rightBoard.ask({ type: 'find', word: 'it' })).to.equal(there)
      expect(await leftBoard.ask({ type: 'find', word: 'it' })).to.equal(home)
    })

    it('takes an answer from a third', async () => {
      type Ask = { type: 'ask'; replyTo: ActorRef<string> }
      type Forward = { type: 'forward'; to: ActorRef<Ask>; replyTo: ActorRef<string> }
      const clerk = right.spawn(setup<Ask>(() => ({ receive: ({ replyTo }) => void replyTo.send('from the right') })))
      await rightBoard.ask({ type: 'pin', word: 'clerk', ref: clerk as unknown as AnyRef })
      const desk = hub.spawn(
        setup<Forward>(() => ({ receive: ({ to, replyTo }) => void to.send({ type: 'ask', replyTo }) }))
      )
      await (hub.find(BoardName) as ActorRef<Board>).ask({ type: 'pin', word: 'desk', ref: desk as unknown as AnyRef })
      const to = (await leftBoard.ask({ type: 'find', word: 'clerk' })) as unknown as ActorRef<Ask>
      const forward = (await leftBoard.ask({ type: 'find', word: 'desk' })) as unknown as ActorRef<Forward>
      expect(await forward.ask({ type: 'forward', to })).to.equal('from the right')
    })

    it('keeps the order while one link after the other is cut, those between hubs too', async () => {
      const seen: number[] = []
      const there = await cross(left.spawn(noting(seen)))
      const all = 1500 * networks.length
      for (let n = 0; n < all; n++) {
        const network = networks[Math.floor(n / 1500)]
        if (n % 1500 === 500) {
          network?.refuse(true)
          network?.cut()
        }
        if (n % 1500 === 1000) network?.refuse(false)
        if (n % 100 === 0) await turn()
        if (!there.send(n)) await hand(there, n)
      }
      await until(() => seen.length >= all, 'all have come')
      expectNumbered(seen, all)
    })

    it('does not disturb one when the other is cut off', async () => {
      const there = await cross(left.spawn(echo()))
      networks[0]?.refuse(true)
      networks[0]?.cut()
      const waiting = there.ask({ type: 'echo', value: 'late' })
      expect(await rightBoard.ask({ type: 'find', word: 'it' })).to.equal(there)
      networks[0]?.refuse(false)
      expect(await waiting).to.equal('late')
    })

    it('tells one when the other says goodbye', async () => {
      const there = await cross(left.spawn(echo()))
      const probe = watcher(right)
      await probe.ref.ask({ type: 'watch', ref: there })
      await there.ask({ type: 'echo', value: 'the watch is ahead of this' })
      await left.shutdown()
      await until(() => probe.heard.length > 0, 'the end was heard')
      expect(probe.heard).to.deep.equal([{ ended: there, reason: { kind: 'shutdown' } }])
      expect(await failureCode(there.ask({ type: 'echo', value: 1 }))).to.be.oneOf([
        'ACTOR_UNREACHABLE',
        'ACTOR_STOPPED'
      ])
    })
  })
}
