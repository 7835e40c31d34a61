import { expect } from 'chai'
import { FLOOR, Memory } from '../../../runtime/peer/memory.ts'

const MIB = 2 ** 20

describe('memory', () => {
  let memory: Memory

  beforeEach(() => {
    memory = new Memory(16 * MIB)
  })

  it('is the sum of all accounts, and what guests hold of it', () => {
    const guest = memory.account(true)
    const node = memory.account(false)
    guest.take(10)
    node.take(20)
    node.give(5)
    expect(memory).to.include({ taken: 25, guests: 10, room: 16 * MIB - 25 })
    guest.hold(3)
    guest.hold(3)
    expect(memory).to.include({ taken: 18, guests: 3 })
  })

  it('gives guests what they like up to half of it', () => {
    const guest = memory.account(true)
    guest.take(8 * MIB - 1)
    expect(guest.admits(MIB)).to.equal(true)
    guest.take(1)
    expect(guest.admits(1)).to.equal(false)
  })

  it('gives each of them a part of what is left of three quarters of it, when more than half is used', () => {
    const greedy = memory.account(true)
    const good = memory.account(true)
    greedy.take(8 * MIB)
    expect(good.admits(4 * 32_768)).to.equal(true)
    expect(good.admits(4 * 32_768 + 1)).to.equal(false)
    greedy.take(3 * MIB)
    expect(good.admits(32_768)).to.equal(true)
    expect(good.admits(32_768 + 1)).to.equal(false)
    greedy.take(MIB)
    expect(good.admits(1)).to.equal(false)
    expect([memory.full(true), memory.full(false)]).to.deep.equal([true, false])
  })

  it('leaves some for the next, however many take all that they may', () => {
    const greedy = Array.from({ length: 1_000 }, () => memory.account(true))
    for (let more = true; more; ) {
      more = false
      for (const each of greedy) {
        if (!each.admits(512)) continue
        each.take(512)
        more = true
      }
    }
    expect(memory.account(true).admits(512)).to.equal(true)
    expect(memory.guests).to.be.at.most(12 * MIB)
  })

  it('keeps a quarter for nodes whatever guests do, and never refuses them a little', () => {
    const guest = memory.account(true)
    const node = memory.account(false)
    guest.take(12 * MIB)
    node.take(4 * MIB - 1)
    expect(node.admits(MIB)).to.equal(true)
    node.take(1)
    expect(node.admits(1)).to.equal(false)
    expect(memory.account(false).admits(FLOOR)).to.equal(true)
    expect([memory.full(true), memory.full(false)]).to.deep.equal([true, true])
  })

  it('lets nodes have nearly all of it while guests hold none', () => {
    const node = memory.account(false)
    node.take(14 * MIB - 1)
    expect(node.admits(MIB)).to.equal(true)
    node.take(1)
    expect(node.admits(1)).to.equal(false)
  })

  it('takes the rest of a message that has begun, and nothing for it that is more', () => {
    const guest = memory.account(true)
    guest.promise(MIB)
    memory.account(true).take(12 * MIB)
    for (let n = 0; n < 16; n++) {
      expect(guest.admits(MIB / 16)).to.equal(true)
      guest.came(MIB / 16)
    }
    expect(guest.admits(MIB / 16)).to.equal(false)
    guest.redeem(MIB)
    expect(guest.held).to.equal(0)
  })

  it('tells those who wait as soon as there is plenty, and those who queue one for each bit that is given back', () => {
    const guest = memory.account(true)
    const told: string[] = []
    guest.take(8 * MIB)
    for (const who of ['a', 'b']) guest.wait({ plenty: () => void told.push(`${who} waits`) })
    for (const who of ['a', 'b', 'c']) guest.queue({ plenty: () => void told.push(`${who} queues`) })
    guest.give(1)
    expect(told).to.deep.equal(['a waits', 'b waits'])
    guest.give(FLOOR)
    guest.give(10)
    expect(told.slice(2)).to.deep.equal(['a queues'])
    guest.give(FLOOR)
    expect(told.slice(2)).to.deep.equal(['a queues', 'b queues'])
    guest.give(guest.held)
    expect(told.slice(2)).to.deep.equal(['a queues', 'b queues', 'c queues'])
  })

  it('tells those who wait in the end, though next to nothing is given back after there is plenty', () => {
    const guest = memory.account(true)
    const node = memory.account(false)
    let told = 0
    guest.take(9 * MIB)
    node.take(7 * MIB)
    for (const account of [guest, node]) account.wait({ plenty: () => void told++ })
    guest.give(MIB + 1)
    expect(told).to.equal(0)
    node.give(2 * MIB)
    expect(told).to.equal(2)
  })

  it('tells nobody who has stopped waiting', () => {
    const guest = memory.account(true)
    const fail = { plenty: () => expect.fail('was told') }
    guest.take(8 * MIB)
    guest.wait(fail)
    guest.queue(fail)
    guest.forget(fail)
    guest.give(8 * MIB)
  })
})
