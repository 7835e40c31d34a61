// What systems say to each other in a run: bursts of numbered messages, actors that say something and end, questions. The
// witnesses check what arrives; here it is checked that it does.

import { setup } from '../actor/behavior.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'
import type { Member } from './cast.ts'
import { STORM, type Stage, type Workload } from './stage.ts'
import { areBeside, route } from './topology.ts'
import { type Mail, type Witness, witness } from './witness.ts'

const BURSTS = 60
/** The last moment, in virtual milliseconds, at which anything is begun. */
const LAST = STORM - 5_000

export class MailWorkload implements Workload {
  readonly #stage: Stage
  readonly #witnesses = new Map<Member, Witness>()
  /** By sender and receiver, the last number that was taken. */
  readonly #numbers = new Map<Witness, Map<Witness, number>>()
  readonly #asked: Array<{ by: Member; settled: boolean }> = []
  #mortals = 0
  #planned = false

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** Everybody watches everybody from the start, so that the end of an epoch is heard even by who never got anything in it. */
  joined(member: Member): void {
    const here = witness(member, this.#stage)
    for (const other of this.#alive()) {
      this.#greet(here, other)
      this.#greet(other, here)
    }
    this.#witnesses.set(member, here)
    this.#numbers.set(here, new Map())
  }

  plan(): void {
    const { time, random } = this.#stage
    this.#planned = true
    for (let i = 0; i < BURSTS; i++) time.after(random.int(0, LAST), () => this.#burst())
    for (let at = 500; at < STORM; at += 500) time.after(at, () => this.#checkAcknowledged())
    for (let i = 0; i < 8; i++) {
      time.after(random.int(0, LAST), () => this.#mortal())
      time.after(random.int(0, LAST), () => this.#ask(20_000))
    }
  }

  async check(): Promise<void> {
    const { account, cast } = this.#stage
    if (account.unreachable === 0 && cast.alive.length === cast.members.length) this.#checkComplete()
    const couples = this.#alive().flatMap(from => this.#alive().map(to => [from, to] as const))
    const apart = couples.filter(([from, to]) => from !== to && cast.joined(from.member, to.member))
    const echoes = await Promise.allSettled(apart.map(([from, to]) => this.#echo(from, to)))
    for (const [n, echo] of echoes.entries()) {
      if (echo.status === 'fulfilled') continue
      const [from, to] = apart[n] as readonly [Witness, Witness]
      account.wrong(`after the storm ${from.member.name} still asks ${to.member.name} in vain: ${String(echo.reason)}`)
    }
    const open = this.#asked.filter(({ by, settled }) => !settled && by.alive).length
    if (open > 0) account.wrong(`${open} asks never settled`)
  }

  #alive(): Witness[] {
    return [...this.#witnesses.values()].filter(({ member }) => member.alive)
  }

  #greet(who: Witness, by: Witness): void {
    const known = by.member.system.ref(who.self.address) as AnyRef
    by.inbox.send({ type: 'greet', who: known, from: who.member.name, late: this.#planned })
  }

  /** Two of them, and the second as the first knows it; who is asked may be dead, who asks may not. */
  #couple(): readonly [from: Witness, to: Witness, ref: ActorRef<Mail>] | undefined {
    const { random } = this.#stage
    const all = [...this.#witnesses.values()]
    const from = random.pick(all)
    const to = random.pick(all.filter(each => each !== from))
    if (!from.member.alive) return undefined
    return [from, to, from.member.system.ref<Mail>(to.inbox.address)]
  }

  #sent(from: Witness, to: Witness): number {
    return this.#numbers.get(from)?.get(to) ?? 0
  }

  #burst(): void {
    const { random } = this.#stage
    const couple = this.#couple()
    const size = random.int(5, 45)
    const heavy = random.chance(0.1)
    if (couple === undefined) return
    const [from, to, ref] = couple
    const { name, system } = from.member
    const who = system.ref(from.self.address) as AnyRef
    for (let i = 0; i < size; i++) {
      const n = this.#sent(from, to) + 1
      const pad = heavy && random.chance(0.2) ? 'x'.repeat(random.int(1_000, 150_000)) : random.bytes(random.int(0, 40))
      if (!ref.send({ type: 'count', who, from: name, n, pad })) break
      this.#numbers.get(from)?.set(to, n)
    }
  }

  #mortal(): void {
    const { random, time } = this.#stage
    const couple = this.#couple()
    const of = random.int(0, 12)
    if (couple === undefined) return
    const [from, , ref] = couple
    const { name, system } = from.member
    const key = `${name}-mortal-${this.#mortals++}`
    const mortal = system.spawn(
      setup<{ type: 'die' }>(ctx => ({
        receive: () => {
          for (let n = 1; n <= of; n++) ref.send({ type: 'last', key, n })
          ctx.stop()
        }
      }))
    )
    ref.send({ type: 'meet', mortal: mortal as AnyRef, from: name, key, of })
    time.after(random.int(0, 2_000), () => mortal.send({ type: 'die' }))
  }

  #ask(within: number): void {
    const { random, account } = this.#stage
    const couple = this.#couple()
    const value = random.int(0, 1_000_000)
    if (couple === undefined) return
    const [from, , ref] = couple
    const asked = { by: from.member, settled: false }
    this.#asked.push(asked)
    ref
      .ask({ type: 'echo', value }, { within })
      .then(
        answer => {
          if (answer !== value) account.wrong(`${from.member.name} asked ${value} and was answered ${answer}`)
        },
        () => {}
      )
      .finally(() => {
        asked.settled = true
      })
  }

  /** The first contact may find that the other side has ended an epoch that is still open here; the second may not. */
  async #echo(from: Witness, to: Witness): Promise<number> {
    const ref = from.member.system.ref<Mail>(to.inbox.address)
    const ask = (): Promise<number> => ref.ask({ type: 'echo', value: 7 }, { within: 30_000 })
    return ask().catch(ask)
  }

  /** While no epoch has ended, everything that was taken has been received. */
  #checkComplete(): void {
    for (const [from, numbers] of this.#numbers) {
      for (const [to, n] of numbers) {
        const got = to.last.get(from.member.name) ?? 0
        const way = `from ${from.member.name} to ${to.member.name}`
        if (got !== n) {
          this.#stage.account.wrong(`${n} messages ${way} were taken, and when all was quiet ${got} had arrived`)
        }
      }
    }
  }

  /** What is acknowledged has been handed over: it was handled, is in hand, or lies in the mailbox. */
  #checkAcknowledged(): void {
    const { account, cast } = this.#stage
    if (account.unreachable > 0) return
    for (const { from, way, link } of cast.links) {
      const sender = this.#witnesses.get(from)
      // Of a link beside the hub's, `pending` tells of the one peer only.
      if (way.as === 'peer' || link.pending > 0 || !from.alive || sender === undefined) continue
      for (const to of this.#alive()) {
        if (route(cast.topology, from.place, to.member.place)[0] !== way) continue
        if (areBeside(cast.topology, from.place, to.member.place)) continue
        const missing = this.#sent(sender, to) - (to.last.get(from.name) ?? 0)
        if (missing > to.capacity + 1) {
          account.wrong(`all from ${from.name} to ${to.member.name} is acknowledged, and ${missing} were not handled`)
        }
      }
    }
  }
}
