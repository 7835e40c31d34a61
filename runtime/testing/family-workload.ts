// Supervision in a run: small trees whose children crash by message, are restarted within their budgets, take their parent along
// when those are used up, and stop in order. Each child numbers what it handles across its lives, so that a message that a
// restart loses or repeats is seen; nothing may reach a life that is over.

import { setup } from '../actor/behavior.ts'
import { codeOf } from '../actor/errors.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'
import type { StopReason } from '../actor/watch.ts'
import type { Member } from './cast.ts'
import type { Random } from './random.ts'
import type { Stage, Workload } from './stage.ts'

const TREES = 3
const ROUNDS = 30
/** In the last of the storm, in virtual milliseconds, nothing is begun. */
const BEFORE = 5_000

type Work =
  | { type: 'work' | 'crash' | 'slow'; n: number }
  | { type: 'question'; n: number; replyTo: ActorRef<number> }
  | { type: 'tick'; life: number }
type Said = { type: 'said' | 'watch'; name: string }

interface Limit {
  readonly restarts: number
  readonly within: number
}

/** One incarnation, from its setup to its crash or its end. */
interface Life {
  readonly number: number
  over: boolean
}

/** An actor over all its lives, as it should be. */
interface Child {
  readonly name: string
  readonly limit: Limit
  ref: ActorRef<Work> | undefined
  life: Life | undefined
  /** When its budget was used. */
  restarts: number[]
  /** What its last crash must lead to. */
  due: 'restart' | 'end' | undefined
  sent: number
  handled: number
  said: number
  heard: number
  ended: boolean
}

interface Tree {
  readonly member: Member
  readonly monitor: ActorRef<Said>
  readonly boss: Child
  readonly width: number
  readonly limit: Limit
  /** Those of its present life, in the order of their start. */
  children: Child[]
}

export class FamilyWorkload implements Workload {
  readonly #stage: Stage
  readonly #trees: Tree[] = []
  readonly #open = new Map<Tree, number>()
  readonly #named = new Map<string, Child>()
  #planned = false

  constructor(stage: Stage) {
    this.#stage = stage
  }

  joined(member: Member): void {
    if (this.#planned || this.#trees.length >= TREES) return
    const { random } = this.#stage
    const monitor = member.system.spawn(this.#monitor())
    const boss = this.#child(`${member.name}-boss`, limit(random))
    const tree = { member, monitor, boss, width: random.int(1, 4), limit: limit(random), children: [] }
    this.#trees.push(tree)
    boss.ref = member.system.spawn(this.#boss(tree), { limit: boss.limit }) as unknown as ActorRef<Work>
    monitor.send({ type: 'watch', name: boss.name })
  }

  plan(): void {
    this.#planned = true
    const { schedule } = this.#stage
    for (const tree of this.#trees)
      for (let n = 0; n < ROUNDS; n++)
        schedule.plan(`work for ${tree.boss.name}`, 0, BEFORE, random => this.#round(tree, random))
  }

  async check(): Promise<void> {
    const { account } = this.#stage
    for (const tree of this.#trees) {
      const { member, children, boss } = tree
      if (!member.alive) continue
      for (const child of boss.ended ? [boss] : [boss, ...children]) {
        if (child.due === 'restart') account.wrong(`${child.name} crashed within its budget and was not restarted`)
        if (child.due === 'end' && !child.ended) account.wrong(`${child.name} used up its budget and did not end`)
        if (!child.ended && child.handled !== child.sent)
          account.wrong(`${child.name} was sent ${child.sent} messages and handled ${child.handled}`)
      }
      // What nobody answered ends with who was asked.
      if (boss.ref !== undefined) await member.system.stop(boss.ref as AnyRef)
      const open = this.#open.get(tree) ?? 0
      if (open !== 0) account.wrong(`${open} asks of children of ${boss.name} never settled`)
    }
  }

  #child(name: string, its: Limit): Child {
    const child: Child = {
      name,
      limit: its,
      ref: undefined,
      life: undefined,
      restarts: [],
      due: undefined,
      sent: 0,
      handled: 0,
      said: 0,
      heard: 0,
      ended: false
    }
    this.#named.set(name, child)
    return child
  }

  /** A few messages for one of the children, some of which crash it. */
  #round(tree: Tree, random: Random): void {
    const { member, children } = tree
    const child = children.length === 0 ? undefined : random.pick(children)
    const size = random.int(2, 25)
    const wild = random.chance(0.3)
    if (child?.ref === undefined || child.ended || !member.alive) return
    for (let i = 0; i < size; i++) {
      const n = ++child.sent
      const kind = random.next()
      if (kind < (wild ? 0.25 : 0.06)) child.ref.send({ type: 'crash', n })
      else if (kind < 0.35) child.ref.send({ type: 'slow', n })
      else if (kind > 0.9) this.#ask(tree, child, n)
      else child.ref.send({ type: 'work', n })
    }
  }

  #ask(tree: Tree, child: Child, n: number): void {
    const count = (by: number): void => void this.#open.set(tree, (this.#open.get(tree) ?? 0) + by)
    count(1)
    child.ref?.ask({ type: 'question', n }, { within: 600_000 }).then(
      answer => {
        count(-1)
        if (answer !== n) this.#stage.account.wrong(`${child.name} was asked ${n} and answered ${answer}`)
      },
      (error: unknown) => {
        count(-1)
        const code = codeOf(error)
        if (code !== 'ACTOR_STOPPED') this.#stage.account.wrong(`${child.name} was asked ${n}: ${String(error)}`)
      }
    )
  }

  // the actors ----------------------------------------------------------------------------------------------------------

  #boss(tree: Tree) {
    return setup<never>(ctx => {
      this.#begun(tree.boss)
      const { account } = this.#stage
      for (const child of tree.children)
        if (child.life?.over === false) account.wrong(`${tree.boss.name} starts again while ${child.name} lives`)
      const born = tree.children.length
      tree.children = Array.from({ length: tree.width }, (_, n) => {
        const child = this.#child(`${tree.boss.name}-${this.#stage.time.now}-${born + n}`, tree.limit)
        child.ref = ctx.spawn(this.#worker(tree, child), { limit: child.limit })
        tree.monitor.send({ type: 'watch', name: child.name })
        return child
      })
      return { receive: () => {}, stopping: reason => this.#over(tree.boss, reason) }
    })
  }

  #worker(tree: Tree, child: Child) {
    const { account, random } = this.#stage
    const { clock } = tree.member
    return setup<Work>(ctx => {
      const life = this.#begun(child)
      let busy = false
      ctx.timers.once('tick', random.int(100, 5_000), { type: 'tick', life: life.number })
      return {
        receive: message => {
          account.delivered += 1
          if (message.type === 'tick') {
            if (message.life !== child.life?.number || life.over)
              account.wrong(`a timer of a life of ${child.name} fired after it`)
            return
          }
          const { n } = message
          account.note(`${child.name}:${n}`)
          if (life.over) account.wrong(`${child.name} handled ${n} in a life that was over`)
          if (n !== child.handled + 1) account.wrong(`${child.name} handled ${n} after ${child.handled}`)
          child.handled = Math.max(child.handled, n)
          if (message.type === 'crash') {
            account.strike('crashing-handler')
            account.crashed += 1
            this.#crashes(tree, child, clock.now())
            throw new Error('as it was told')
          }
          child.said += 1
          tree.monitor.send({ type: 'said', name: child.name })
          if (message.type === 'question' && n % 3 > 0) message.replyTo.send(n)
          if (message.type !== 'slow') return undefined
          busy = true
          return new Promise<void>(resolve => {
            clock.timer(40, () => {
              busy = false
              resolve()
            })
          })
        },
        stopping: reason => {
          const younger = tree.children.slice(tree.children.indexOf(child) + 1)
          if (busy) account.wrong(`${child.name} stops while a handler is at work`)
          if (reason.kind === 'shutdown' && younger.some(({ life: its }) => its?.over === false))
            account.wrong(`${child.name} stops before younger ones`)
          this.#over(child, reason)
        }
      }
    })
  }

  #monitor() {
    const { account } = this.#stage
    return setup<Said>(ctx => {
      const watched = new Map<AnyRef, Child>()
      return {
        receive: message => {
          account.delivered += 1
          const child = this.#named.get(message.name)
          if (child === undefined) return
          if (message.type === 'said') child.heard += 1
          else if (child.ref !== undefined) {
            watched.set(child.ref as AnyRef, child)
            ctx.watch(child.ref as AnyRef)
          }
        },
        stopped: (ref: AnyRef, reason: StopReason) => {
          const child = watched.get(ref)
          if (child === undefined) {
            account.wrong('an end was heard of twice')
            return
          }
          watched.delete(ref)
          account.note(`${child.name}!${reason.kind}`)
          if (child.heard !== child.said)
            account.wrong(`the end of ${child.name} came after ${child.heard} of its ${child.said} messages`)
          if (reason.kind === 'failed' && child.due !== 'end')
            account.wrong(`${child.name} failed for good within its budget`)
          if (reason.kind === 'killed') account.wrong(`${child.name} was killed`)
        }
      }
    })
  }

  // what must follow ----------------------------------------------------------------------------------------------------

  #begun(child: Child): Life {
    const { account } = this.#stage
    if (child.life !== undefined) {
      account.cover('supervision: restarted')
      if (child.due === 'end') account.wrong(`${child.name} was restarted more often than it may`)
      if (!child.life.over) account.wrong(`${child.name} began a life within another`)
    }
    child.due = undefined
    child.life = { number: (child.life?.number ?? 0) + 1, over: false }
    return child.life
  }

  #over(child: Child, reason: { readonly kind: string }): void {
    if (child.life !== undefined) child.life.over = true
    if (reason.kind !== 'restart') child.ended = true
  }

  /** By its budget it is restarted, or ends and takes its parent along, whose budget decides the same. */
  #crashes(tree: Tree, child: Child, now: number): void {
    const { account } = this.#stage
    const { limit: its } = child
    const recent = child.restarts.filter(at => now - at < its.within)
    if (recent.length < its.restarts) {
      child.restarts = [...recent, now]
      child.due = 'restart'
      return
    }
    child.due = 'end'
    account.cover('supervision: escalated')
    if (child === tree.boss) {
      account.cover('supervision: failed for good')
      return
    }
    // While it is about to restart, or to end, another failure below it changes nothing.
    if (tree.boss.due === undefined) this.#crashes(tree, tree.boss, now)
  }
}

function limit(random: Random): Limit {
  return { restarts: random.int(0, 4), within: random.pick([500, 3_000, 20_000]) }
}
