// Names in a run: systems claim a few of them, look them up, release them and end their owners, while the network and the
// authority fail. What was asked and answered must be as if one register for each name had been asked one after the other;
// an owner is lost only with its system, or when that could not be heard.

import { receive, setup } from '../actor/behavior.ts'
import { codeOf } from '../actor/errors.ts'
import { actorName } from '../actor/names.ts'
import type { Claim } from '../actor/network.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'
import type { Member, Offer } from './cast.ts'
import { type Operation, unexplained } from './linearizable.ts'
import type { Random } from './random.ts'
import type { Stage, Workload } from './stage.ts'

type Call = { type: 'who'; replyTo: ActorRef<string> }

const NAMES = ['red', 'green', 'blue'].map(name => actorName<Call>(name))
const DEEDS = 90
const RUSH = 30
/** In the last of the storm, in virtual milliseconds, nothing is begun. */
const BEFORE = 5_000
/** Who was heard so long before an authority is of age has asserted again by then, whatever was lost on the way. */
const MARGIN = 8_000
/** Milliseconds after which an answer is none: the asker has given up. */
const PATIENCE = 5_000
/** Milliseconds until what could not be reached is tried again. */
const PAUSE = 100

export const NAMES_OFFER: Offer = {
  expose: NAMES.map(name => ({ name, unchecked: true as const })),
  authorize: () => true
}

/** When an authority may have forgotten what is of a system. */
interface Outage {
  readonly member: Member
  readonly from: number
  to: number
}

interface Owner {
  readonly id: string
  readonly member: Member
  readonly name: number
  readonly ref: AnyRef
  readonly since: number
  /** When its release was confirmed. */
  until: number
  claim: Claim | undefined
}

export class NamesWorkload implements Workload {
  readonly #stage: Stage
  readonly #top: string
  readonly #histories: Operation<string>[][] = NAMES.map(() => [])
  readonly #owners: Owner[] = []
  readonly #byAddress = new Map<string, Owner>()
  /** An actor of each system, which the authority watches as it watches owners: it hears when those are lost. */
  readonly #canaries = new Map<Member, AnyRef>()
  readonly #outages: Outage[] = []
  /** Who was there before the storm: others may claim what they have not heard of. */
  readonly #first = new Set<Member>()
  #planned = false

  constructor(stage: Stage) {
    this.#stage = stage
    const { places, ways } = stage.cast.topology
    this.#top = places.find(place => !ways.some(({ from, as }) => as === 'below' && from === place)) as string
  }

  joined(member: Member): void {
    const canary = member.system.spawn(receive(undefined, (_: undefined, { replyTo }: Call) => void replyTo.send('')))
    for (const other of this.#canaries.keys())
      if (other.place === this.#top && other.alive) this.#listen(other, member, canary)
    this.#canaries.set(member, canary as AnyRef)
    if (member.place === this.#top) {
      for (const [other, its] of this.#canaries) if (other !== member) this.#listen(member, other, its)
      if (this.#planned) this.#rush(member)
    }
    if (!this.#planned) this.#first.add(member)
  }

  plan(): void {
    const { schedule } = this.#stage
    this.#planned = true
    for (let n = 0; n < DEEDS; n++) schedule.plan('deed', 0, BEFORE, random => this.#deed(random))
  }

  async check(): Promise<void> {
    const { account, cast } = this.#stage
    for (const { member, from, to } of this.#outages) {
      for (const owner of this.#owners) {
        if (owner.member !== member || owner.since > to) continue
        const { id, name, until } = owner
        this.#loss(owner, `${id} is lost`, from, to)
        // Whoever finds it free when it comes back has it again.
        const regain = { from, to: until, optional: true, text: `${id} is back` }
        this.#add(name, { ...regain, apply: state => (state === '' ? id : undefined) })
      }
    }
    for (const [n, history] of this.#histories.entries()) {
      const left = unexplained('', history)
      if (left !== undefined)
        account.wrong(`no order explains what befell '${NAMES[n]?.name}': ${left.slice(0, 4).join('; ')}`)
    }
    const top = cast.at(this.#top)
    if (!top.alive) return
    // Everybody who can be heard agrees with the authority, and who has a claim has the name.
    for (const [n, name] of NAMES.entries()) {
      const held = this.#owners.filter(
        ({ name: of, claim, member }) => of === n && claim?.lost.aborted === false && cast.joined(member, top)
      )
      if (held.length > 1) account.wrong(`${held.map(({ id }) => id).join(' and ')} both hold '${name.name}'`)
      for (const member of cast.alive) {
        if (member !== top && !cast.joined(member, top)) continue
        const found = await member.system.lookup(name, { within: 0 }).then(
          ref => this.#byAddress.get(ref.address)?.id,
          error => (codeOf(error) === 'ACTOR_NOT_FOUND' ? undefined : String(error))
        )
        if (found !== held[0]?.id)
          account.wrong(`${member.name} finds ${found} as '${name.name}', which ${held[0]?.id} holds`)
      }
    }
  }

  /** Where another authority comes up some are back sooner than others, and want what the others have. */
  #rush(top: Member): void {
    const { time, random, cast } = this.#stage
    const late = random.pick(cast.networksOf(top))
    late.refuse(true)
    time.after(random.int(500, 4_000), () => late.refuse(false))
    for (let n = 0; n < RUSH; n++) time.after(random.int(0, 4_000), () => this.#deed(random))
  }

  // what they do --------------------------------------------------------------------------------------------------------

  #deed(random: Random): void {
    const { cast } = this.#stage
    const member = random.pick(cast.alive)
    const name = random.int(0, NAMES.length - 1)
    const kind = random.pick(['register', 'register', 'lookup', 'lookup', 'lookup', 'await', 'release', 'end'] as const)
    if (member === undefined || !this.#first.has(member)) return
    if (kind === 'register') void this.#register(member, name)
    else if (kind === 'lookup' || kind === 'await') void this.#lookup(member, name, kind === 'await' ? PATIENCE : 0)
    else {
      const mine = this.#owners.filter(each => each.member === member && each.claim?.lost.aborted === false)
      if (mine.length === 0) return
      const owner = random.pick(mine)
      if (kind === 'release') void this.#release(owner)
      else {
        this.#loss(owner, `${owner.id} ends`, this.#now, Number.POSITIVE_INFINITY)
        void member.system.stop(owner.ref)
      }
    }
  }

  async #register(member: Member, name: number): Promise<void> {
    const { account } = this.#stage
    const from = this.#now
    const id = `${member.name}${this.#owners.length}`
    const ref = member.system.spawn(receive(undefined, (_: undefined, { replyTo }: Call) => void replyTo.send(id)))
    const owner: Owner = {
      id,
      member,
      name,
      ref: ref as AnyRef,
      since: from,
      until: Number.POSITIVE_INFINITY,
      claim: undefined
    }
    this.#owners.push(owner)
    this.#byAddress.set(ref.address, owner)
    const add = (text: string, to: number, optional: boolean, apply: (state: string) => string | undefined): void =>
      this.#add(name, { from, to, optional, text: `${from} ${id} ${text} ${to}`, apply })
    const grant = (state: string): string | undefined => (state === '' || state === id ? id : undefined)
    // Until it has settled nobody knows; what is added last counts.
    const open = this.#histories[name]?.length as number
    add('asks for it', Number.POSITIVE_INFINITY, true, grant)
    try {
      owner.claim = await member.system.register(NAMES[name] as never, ref as ActorRef<never>, { within: PATIENCE })
      account.cover('claim: granted')
      owner.claim.lost.addEventListener('abort', () => {
        const why = codeOf(owner.claim?.lost.reason) ?? 'released'
        account.cover(`claim: lost, ${why}`)
      })
      this.#histories[name]?.splice(open, 1, NOTHING)
      add('gets it', this.#now, false, grant)
    } catch (error) {
      if (codeOf(error) === 'ACTOR_NAME_TAKEN') {
        account.cover('claim: taken')
        this.#histories[name]?.splice(open, 1, NOTHING)
        add('hears that it is taken', this.#now, false, state => (state === '' || state === id ? undefined : state))
      } else {
        account.cover(`claim: given up, ${codeOf(error)}`)
        this.#loss(owner, 'it gave up', from, Number.POSITIVE_INFINITY)
      }
    }
    this.#note(id)
  }

  async #lookup(member: Member, name: number, within: number): Promise<void> {
    const from = this.#now
    const add = (text: string, apply: (state: string) => string | undefined): void => {
      this.#add(name, {
        from,
        to: this.#now,
        optional: false,
        text: `${from} ${member.name} ${text} ${this.#now}`,
        apply
      })
    }
    try {
      const ref = await member.system.lookup(NAMES[name] as never, { within })
      const id = this.#byAddress.get(ref.address)?.id
      add(`finds ${id}`, state => (state === id ? state : undefined))
    } catch (error) {
      // Who waited in vain has not heard that there was none.
      if (within === 0 && codeOf(error) === 'ACTOR_NOT_FOUND')
        add('finds none', state => (state === '' ? state : undefined))
    }
    this.#note(member.name)
  }

  async #release(owner: Owner): Promise<void> {
    const from = this.#now
    const { id, name } = owner
    const open = this.#histories[name]?.length as number
    this.#loss(owner, `${id} releases`, from, Number.POSITIVE_INFINITY)
    await owner.claim?.release()
    // After that it was not confirmed, and may be heard much later.
    if (this.#now - from >= PATIENCE) return
    this.#histories[name]?.splice(open, 1, NOTHING)
    const to = this.#now
    owner.until = to
    this.#add(name, {
      from,
      to,
      optional: false,
      text: `${from} ${id} is released ${to}`,
      apply: state => (state === id ? '' : state)
    })
    this.#note(id)
  }

  // who is lost ---------------------------------------------------------------------------------------------------------

  /** The authority may forget what is of a system when it hears that this is out of reach, and what is of its predecessor. */
  #listen(top: Member, member: Member, canary: AnyRef): void {
    const { time, cast } = this.#stage
    const start = time.now
    const known = top.system.ref<Call>(canary.address)
    if (!this.#planned) {
      this.#watch(top, member, known)
      return
    }
    // A new authority: of whom it had not heard well before it was of age, it could not know.
    const contact = (): void => {
      known.ask({ type: 'who' }, { within: 2_000 }).then(
        () => {
          const late = time.now > start + cast.downAfter - MARGIN
          if (late) this.#outages.push({ member, from: start, to: time.now + MARGIN })
          this.#watch(top, member, known)
        },
        () => {
          if (time.now > start + cast.downAfter)
            this.#outages.push({ member, from: start, to: Number.POSITIVE_INFINITY })
          else if (top.alive) time.after(PAUSE, contact)
        }
      )
    }
    contact()
  }

  #watch(top: Member, member: Member, known: AnyRef): void {
    const { time } = this.#stage
    let last: Outage | undefined
    top.system.spawn(
      setup<{ type: 'again' }>(ctx => {
        ctx.watch(known)
        return {
          receive: () => ctx.watch(known),
          stopped: () => {
            // Between two notices nobody was there to hear another.
            if (last === undefined || time.now - last.to > 2 * PAUSE) {
              last = { member, from: time.now, to: time.now }
              this.#outages.push(last)
            }
            last.to = time.now + 1
            ctx.timers.once('again', PAUSE, { type: 'again' })
          }
        }
      })
    )
  }

  #loss({ id, name }: Owner, text: string, from: number, to: number): void {
    this.#add(name, { from, to, optional: true, text, apply: state => (state === id ? '' : undefined) })
  }

  #add(name: number, operation: Operation<string>): void {
    this.#histories[name]?.push(operation)
  }

  #note(text: string): void {
    this.#stage.account.note(text)
  }

  get #now(): number {
    return this.#stage.time.now
  }
}

/** In the place of what turned out otherwise. */
const NOTHING: Operation<string> = { from: 0, to: 0, optional: true, text: '', apply: () => undefined }
