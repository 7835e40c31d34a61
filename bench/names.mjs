// What does a change of names or of a group cost while there are many of them? A hub, systems below it with what is there
// already, and two that ask and follow, all in one process with the network in memory.
// node names.mjs ours <case>

import { actorName, createSystem, receive } from 'whereabouts'
import { memory } from 'whereabouts/memory'
import { count, deferred, name, quick, report, seconds, turn } from './program.mjs'

const secret = 'the secret of this benchmark'
const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const hub = createSystem({ label: 'hub', logger: quiet })
const idle = receive(0, (total, _message) => total + 1)
/** Claims of one system; it may hold 65,536. */
const share = 40_000

async function attached(label) {
  const system = createSystem({ label, logger: quiet })
  const { transport, listener, network } = memory()
  await hub.listen(listener, { trust: { node: { secret } } })
  await system.connect(transport, { secret, backoff: { min: 1, max: 2 } })
  return { system, network }
}

/** Does `each` for all of `total`, some at a time. */
async function inParts(total, each) {
  for (let at = 0; at < total; at += 500) {
    await Promise.all(Array.from({ length: Math.min(500, total - at) }, (_, n) => each(at + n)))
  }
}

/** Names that are there, of as few systems as may have them. */
async function keepNames(total) {
  const owners = await Promise.all(Array.from({ length: Math.ceil(total / share) }, (_, n) => attached(`owner ${n}`)))
  const refs = owners.map(({ system }) => system.spawn(idle))
  await inParts(total, n => {
    const of = Math.floor(n / share)
    return owners[of].system.register(actorName(`kept ${n}`), refs[of], { within: 60_000 })
  })
}

async function measure(times, each) {
  await each(-1)
  await turn()
  const began = performance.now()
  for (let n = 0; n < times; n++) await each(n)
  report({ rate: times / seconds(began), unit: '/s' })
}

async function claims(kept) {
  await keepNames(kept)
  const { system } = await attached('asker')
  const ref = system.spawn(idle)
  await measure(count(4_000), async n => (await system.register(actorName(`new ${n}`), ref)).release())
}

async function lookups(kept) {
  await keepNames(kept)
  const { system } = await attached('asker')
  await measure(count(10_000), n => system.lookup(actorName(`kept ${(Math.abs(n) * 7919) % kept}`), { within: 0 }))
}

/** A group that somebody follows, who says when all of it is listed. */
async function group(size) {
  const Room = actorName('room')
  const crowd = await attached('crowd')
  const places = []
  await inParts(size, async n => {
    places[n] = await crowd.system.join(Room, crowd.system.spawn(idle), { n, text: 'a member of the group' })
  })
  const follower = await attached('follower')
  let members
  let heard = deferred()
  follower.system.members(Room, listed => {
    members = listed
    heard.resolve()
  })
  const until = async there => {
    while (members === undefined || !there(members)) {
      heard = deferred()
      await heard.promise
    }
  }
  await until(({ size: listed }) => listed === size)
  return { Room, crowd, until }
}

async function joins(size) {
  const { Room, until } = await group(size)
  const { system } = await attached('comer')
  const ref = system.spawn(idle)
  await measure(count(3_000), async () => {
    const place = await system.join(Room, ref, { text: 'comes and goes' })
    await until(members => members.size === size + 1)
    await place.release()
    await until(members => members.size === size)
  })
}

/** One member's system is cut off and comes back: both are told. Dialling again takes a part of it. */
async function reaches(size) {
  const { Room, until } = await group(size)
  const { system, network } = await attached('comer')
  const ref = system.spawn(idle)
  await system.join(Room, ref)
  let its
  await until(members => {
    if (members.size !== size + 1) return false
    its = [...members.keys()].find(each => each.address === ref.address)
    return true
  })
  const shown = reachable => members => members.get(its).reachable === reachable
  await measure(count(1_000), async () => {
    network.refuse(true)
    network.cut()
    await until(shown(false))
    network.refuse(false)
    await until(shown(true))
  })
}

const few = n => (quick ? Math.min(n, 500) : n)

const cases = {
  'claim and release, 1,000 names': () => claims(few(1_000)),
  'claim and release, 90,000 names': () => claims(few(90_000)),
  'look up, 1,000 names': () => lookups(few(1_000)),
  'look up, 90,000 names': () => lookups(few(90_000)),
  'join and leave, 100 members': () => joins(few(100)),
  'join and leave, 10,000 members': () => joins(few(10_000)),
  'cut and back, 100 members': () => reaches(few(100)),
  'cut and back, 10,000 members': () => reaches(few(10_000))
}

await cases[name]()
process.exit(0)
