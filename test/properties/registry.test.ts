// Names and groups of a hub and two systems below it against a model: who has what after any claims, releases and ends.

import { expect } from 'chai'
import fc from 'fast-check'
import { type ActorRef, type ActorSystem, actorName, type Claim, receive } from '../../runtime/index.ts'
import { failureCode } from '../suites/any-ref/cast.ts'
import { SECRET, world } from '../support/world.ts'

const NAMES = ['one', 'two', 'three'].map(name => actorName<string>(name))

const step = fc.record({
  do: fc.constantFrom('claim', 'claim', 'release', 'join', 'join', 'leave', 'end', 'look'),
  who: fc.nat(2),
  name: fc.nat(2)
})

interface Actor {
  ref: ActorRef<string>
  readonly system: ActorSystem
  /** By name, each with all that were granted: two of the same are two. */
  readonly claims: Claim[][]
  readonly places: Claim[][]
}

/** Who owns each name and who is in each group, by the actors' numbers. */
class Model {
  readonly #owners = new Map<number, number>()
  readonly #groups = NAMES.map(() => new Set<number>())

  claim(name: number, who: number): boolean {
    const owner = this.#owners.get(name)
    if (owner === undefined) this.#owners.set(name, who)
    return owner === undefined || owner === who
  }

  release(name: number, who: number): void {
    if (this.#owners.get(name) === who) this.#owners.delete(name)
  }

  join(group: number, who: number): void {
    this.#groups[group]?.add(who)
  }

  leave(group: number, who: number): void {
    this.#groups[group]?.delete(who)
  }

  end(who: number): void {
    for (const [index] of NAMES.entries()) {
      this.release(index, who)
      this.leave(index, who)
    }
  }

  owner(name: number): number | undefined {
    return this.#owners.get(name)
  }

  members(group: number): number[] {
    return [...(this.#groups[group] as Set<number>)].sort()
  }
}

describe('names and groups, whoever wants what when,', () => {
  it('belong to those of the model, as everybody sees it', () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
        const scene = world()
        const hub = scene.make('hub')
        const below = await Promise.all(
          ['left', 'right'].map(label => scene.attach(label, hub, { trust: { node: { secret: SECRET } } }))
        )
        const systems = [hub, ...below.map(({ system }) => system)]
        const labels = new Map<string, number>()
        const make = (who: number): Actor => {
          const system = systems[who] as ActorSystem
          const ref = system.spawn(receive(0, (count: number, _message: string) => count))
          labels.set(ref.address, who)
          return { ref, system, claims: NAMES.map(() => []), places: NAMES.map(() => []) }
        }
        const actors = systems.map((_system, who) => make(who))
        const seen = systems.map(system => {
          const listings = NAMES.map(() => [] as number[])
          for (const [index, name] of NAMES.entries()) {
            system.members(name, members => {
              listings[index] = [...members.keys()].map(ref => labels.get(ref.address) as number).sort()
            })
          }
          return listings
        })
        const model = new Model()
        for (const { do: what, who, name } of steps) {
          const actor = actors[who] as Actor
          const claims = actor.claims[name] as Claim[]
          const places = actor.places[name] as Claim[]
          const wanted = NAMES[name] as (typeof NAMES)[number]
          if (what === 'claim') {
            const claimed = actor.system.register(wanted, actor.ref)
            if (model.claim(name, who)) claims.push(await claimed)
            else expect(await failureCode(claimed)).to.equal('ACTOR_NAME_TAKEN')
          } else if (what === 'release') {
            await claims.pop()?.release()
            if (claims.length === 0) model.release(name, who)
          } else if (what === 'join') {
            places.push(await actor.system.join(wanted, actor.ref))
            model.join(name, who)
          } else if (what === 'leave') {
            await places.pop()?.release()
            if (places.length === 0) model.leave(name, who)
          } else if (what === 'end') {
            await actor.system.stop(actor.ref)
            model.end(who)
            actors[who] = make(who)
          }
          await scene.settled()
          const owner = model.owner(name)
          for (const system of systems) {
            const found = system.lookup(wanted, { within: 0 })
            if (owner === undefined) expect(await failureCode(found)).to.equal('ACTOR_NOT_FOUND')
            else expect(labels.get((await found).address)).to.equal(owner)
          }
          for (const listings of seen) expect(listings[name]).to.deep.equal(model.members(name))
        }
        await scene.end()
      }),
      { numRuns: 60 }
    )).timeout(120_000)
})
