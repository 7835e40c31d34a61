// What systems say to each other in a run: bursts of numbered messages, actors that say something and end, questions. The
// witnesses check what arrives; here it is checked that it does.

import { setup } from '../actor/behavior.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'
import type { Member } from './cast.ts'
import type { Random } from './random.ts'
import type { Stage, Workload } from './stage.ts'
import { route } from './topology.ts'
import { type Mail, type Witness, witness } from './witness.ts'

const BURSTS = 90
/** In the last of the storm, in virtual milliseconds, nothing is begun. */
const BEFORE = 5_000
/** Where there are many, each knows about so many of them. */
const CIRCLE = 5

export class MailWorkload implements Workload {
  readonly #stage: Stage
  readonly #witnesses = new Map<Member, Witness>()
  /** By sender and receiver, the last number that was taken. */
  readonly #numbers = new Map<Witness, Map<Witness, number>>()
  /** Who writes to whom. */
  readonly #circles = new Map<Witness, Witness[]>()
  readonly #asked: Array<{ by: Member; settled: boolean }> = []
  /** Of how many bursts some messages are large. */
  readonly #heavy: number
  #mortals = 0
  #planned = false

  constructor(stage: Stage) {
    this.#stage = stage
    this.#heavy = stage.random.chance(0.1) ? 0.5 : 0.06
  }

  /** Those who know each other watch each other from the start, so that the end of an epoch is heard even by who never got anything in it. */
  joined(member: Member): void {
    const here = witness(member, this.#stage)
    const { random } = this.#stage
    const others = this.#alive()
    const circle = others.filter((_, n) => others.length < 8 || n === 0 || random.chance(CIRCLE / others.length))
    for (const other of circle) {
      this.#greet(here, other)
      this.#greet(other, here)
      this.#circles.get(other)?.push(here)
    }
    this.#circles.set(here, circle)
    this.#witnesses.set(member, here)
    this.#numbers.set(here, new Map())
  }

  plan(): void {
    const { time, schedule } = this.#stage
    this.#planned = true
    for (let i = 0; i < BURSTS; i++) schedule.plan('burst', 0, BEFORE, random => this.#burst(random))
    for (let at = 500; at < schedule.end; at += 500) time.after(at, () => this.#checkAcknowledged())
    for (let n = 0; n < 8; n++) {
      schedule.plan('mortal', 0, BEFORE, random => this.#mortal(random))
      schedule.plan('ask', 0, BEFORE, random => this.#ask(random, random.pick([20_000, 600_000, random.int(5, 400)])))
    }
  }

  async check(): Promise<void> {
    const { account, cast } = this.#stage
    if (account.unreachable === 0 && cast.alive.length === cast.members.length) this.#checkComplete()
    const couples = [...this.#circles].flatMap(([from, circle]) => circle.map(to => [from, to] as const))
    const apart = couples.filter(([from, to]) => cast.joined(from.member, to.member))
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
    by.inbox.send({ type: 'greet', who: known, from: who.member.name, late: this.#planned, at: this.#stage.time.now })
  }

  /** Two of them, and the second as the first knows it; who is asked may be dead, who asks may not. */
  #couple(random: Random): readonly [from: Witness, to: Witness, ref: ActorRef<Mail>] | undefined {
    const [from, circle] = random.pick([...this.#circles])
    const to = random.pick(circle)
    if (!from.member.alive || to === undefined) return undefined
    return [from, to, from.member.system.ref<Mail>(to.inbox.address)]
  }

  #sent(from: Witness, to: Witness): number {
    return this.#numbers.get(from)?.get(to) ?? 0
  }

  #burst(random: Random): void {
    const couple = this.#couple(random)
    const size = random.int(5, 45)
    const heavy = random.chance(this.#heavy)
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

  #mortal(random: Random): void {
    const { time } = this.#stage
    const couple = this.#couple(random)
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

  #ask(random: Random, within: number): void {
    const { account } = this.#stage
    const couple = this.#couple(random)
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
      if (link.pending > 0 || !from.alive || sender === undefined) continue
      // Who has a link beside the hub's may reach others by it: what is pending is on the one or the other.
      if (cast.topology.ways.some(each => each.as === 'peer' && (each.from === from.place || each.to === from.place)))
        continue
      for (const to of this.#alive()) {
        if (route(cast.topology, from.place, to.member.place)[0] !== way) continue
        const missing = this.#sent(sender, to) - (to.last.get(from.name) ?? 0)
        if (missing > to.capacity + 1) {
          account.wrong(`all from ${from.name} to ${to.member.name} is acknowledged, and ${missing} were not handled`)
        }
      }
    }
  }
}
