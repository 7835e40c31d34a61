// What followers of a group hear, one that is slow among them: the parts put together are always what the group is.

import { expect } from 'chai'
import type { ActorRef, AnyRef } from '../../../runtime/actor/ref.ts'
import type { Flushable } from '../../../runtime/actor/scheduler.ts'
import { Groups } from '../../../runtime/cluster/registry-groups.ts'
import { Listing } from '../../../runtime/cluster/registry-listing.ts'
import type { MembersMessage } from '../../../runtime/cluster/registry-message.ts'
import { turn } from '../../suites/any-ref/cast.ts'
import { quiet } from '../../support/quiet.ts'

const actor = (n: number): AnyRef => ({ address: `actor:here/${n}`, label: `${n}` }) as unknown as AnyRef

describe('a group', () => {
  let due: Flushable[]
  let groups: Groups
  let heard: MembersMessage[]
  let room: boolean
  let pressed: boolean
  let ready: () => void
  let shown: Array<readonly number[]>
  let listing: Listing<never>

  const later = (flushable: Flushable): void => void due.push(flushable)
  const flush = (): void => {
    while (due.length > 0) due.shift()?.flush()
  }
  const join = (n: number, facts: Record<string, unknown> = {}): unknown =>
    groups.join('room', { ref: actors[n] as AnyRef, label: '', reachable: true, facts })
  const actors = Array.from({ length: 2000 }, (_, n) => actor(n))
  const follower = {
    get pressed(): boolean {
      return pressed
    },
    send(message: MembersMessage): boolean {
      if (!room) return false
      heard.push(message)
      listing.hear(message)
      return true
    },
    ready: () =>
      new Promise<void>(resolve => {
        ready = resolve
      })
  } as unknown as ActorRef<MembersMessage>

  beforeEach(() => {
    due = []
    heard = []
    shown = []
    room = true
    pressed = false
    groups = new Groups({ reachable: () => true, isRef: () => false, later })
    listing = new Listing<never>(
      members => void shown.push([...members.keys()].map(({ label }) => Number(label)).sort((a, b) => a - b)),
      { logger: quiet, isLocal: () => false, later }
    )
  })

  const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

  it('is listed in parts, and shown when it is whole', () => {
    for (let n = 0; n < 1500; n++) join(n)
    groups.follow('room', follower)
    flush()
    expect(heard.map(({ more }) => more)).to.deep.equal([true, true, true, true, true, false])
    expect(shown).to.deep.equal([upTo(1500)])
  })

  it('with large facts has more parts, none of them large', () => {
    for (let n = 0; n < 40; n++) join(n, { text: 'x'.repeat(7000) })
    groups.follow('room', follower)
    flush()
    expect(heard.length).to.be.at.least(8)
    expect(shown).to.deep.equal([upTo(40)])
  })

  it('that changes while it is listed is shown as it is then', () => {
    for (let n = 0; n < 1500; n++) join(n)
    groups.follow('room', follower)
    due.shift()?.flush()
    expect(shown).to.deep.equal([])
    for (let n = 0; n < 700; n++) groups.leave('room', actors[n] as AnyRef)
    join(1700)
    groups.leave('room', actors[1400] as AnyRef)
    flush()
    expect(shown).to.deep.equal([[...upTo(1500).slice(700, 1400), ...upTo(1500).slice(1401), 1700]])
  })

  it('tells many changes of a turn as one', () => {
    groups.follow('room', follower)
    flush()
    for (let n = 0; n < 100; n++) join(n)
    groups.leave('room', actors[0] as AnyRef)
    flush()
    expect(heard).to.have.length(2)
    expect(shown.at(-1)).to.deep.equal(upTo(100).slice(1))
  })

  it('tells who is not heard without the facts', () => {
    join(0, { text: 'x'.repeat(1000) })
    groups.follow('room', follower)
    flush()
    groups.reach('room', actors[0] as AnyRef, false)
    flush()
    expect(heard.at(-1)).to.deep.include({ members: [], reach: [{ ref: actors[0], reachable: false }] })
  })

  it('waits for a follower that is slow, and then tells what is, and not what was', async () => {
    groups.follow('room', follower)
    flush()
    pressed = true
    for (let n = 0; n < 100; n++) join(n)
    flush()
    for (let n = 0; n < 50; n++) groups.leave('room', actors[n] as AnyRef)
    flush()
    expect(heard).to.have.length(1)
    pressed = false
    ready()
    await turn()
    flush()
    expect(heard).to.have.length(2)
    expect(shown.at(-1)).to.deep.equal(upTo(100).slice(50))
  })

  it('is listed anew to a follower that refused something, or missed too much to note', async () => {
    groups.follow('room', follower)
    flush()
    room = false
    join(0)
    flush()
    room = true
    ready()
    await turn()
    flush()
    expect(heard.at(-1)).to.include({ type: 'members', part: 0 })
    pressed = true
    for (let n = 1; n < 2000; n++) {
      join(n)
      groups.leave('room', actors[n] as AnyRef)
    }
    flush()
    pressed = false
    ready()
    await turn()
    flush()
    expect(heard.filter(each => each.type === 'members' && each.part === 0)).to.have.length(3)
    expect(shown.at(-1)).to.deep.equal([0])
  })
})
