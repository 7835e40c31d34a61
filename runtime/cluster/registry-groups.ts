// The groups of an authority: who is in which, and what each follower has yet to hear. A follower gets a listing in parts,
// then what has changed since, put together for each turn. One that is slow is waited for, and what changes meanwhile is
// noted by member and not by change; when even that is too much, the listing begins anew. Nothing is left out unsaid.

import type { ActorRef, AnyRef } from '../actor/ref.ts'
import type { Flushable } from '../actor/scheduler.ts'
import { type Answer, type Member, type MembersMessage, sizeOf } from './registry-message.ts'

const MAX_GROUPS = 100_000
const MAX_MEMBERS = 100_000
/** Of one part: entries, and about as many bytes. A part is work of a millisecond, at both ends. */
const PART = 256
const PART_BYTES = 65_536
/** Parts that one follower gets before the event loop has its turn. */
const PARTS = 4
/** Changes noted for a follower that is slow, beyond the size of its group; then it is cheaper to list anew. */
const MISSED = 1_024

export interface GroupsPort {
  reachable(ref: AnyRef): boolean
  isRef(value: unknown): boolean
  /** Calls `flush` at the end of the turn. */
  later(flushable: Flushable): void
}

interface Entry {
  member: Member
  readonly size: number
}

interface Group {
  readonly name: string
  readonly members: Map<AnyRef, Entry>
  readonly followers: Map<ActorRef<MembersMessage>, Follower>
}

interface Follower {
  readonly to: ActorRef<MembersMessage>
  readonly group: Group
  /** What of the group it has not been listed yet; `undefined`: nothing. Members that come meanwhile are at its end. */
  rest: Iterator<[AnyRef, Entry]> | undefined
  part: number
  /** Whose changes it has not heard; `true`: more than whether the member can be reached. */
  missed: Map<AnyRef, boolean>
  state: 'idle' | 'due' | 'waiting'
}

export class Groups implements Flushable {
  readonly #port: GroupsPort
  readonly #groups = new Map<string, Group>()
  readonly #due = new Set<Follower>()

  constructor(port: GroupsPort) {
    this.#port = port
  }

  join(name: string, { ref, label, facts }: Member): Answer<true> {
    const group = this.#group(name)
    if (group === undefined || (group.members.size >= MAX_MEMBERS && !group.members.has(ref))) {
      return { code: 'ACTOR_NO_ROOM', message: `there are ${MAX_GROUPS} groups, or ${MAX_MEMBERS} members in it` }
    }
    const member = { ref, label, facts, reachable: this.#port.reachable(ref) }
    group.members.set(ref, { member, size: sizeOf(member, this.#port.isRef) })
    this.#changed(group, ref, true)
    return { ok: true }
  }

  leave(name: string, ref: AnyRef): void {
    const group = this.#groups.get(name)
    if (group?.members.delete(ref) !== true) return
    this.#changed(group, ref, true)
    this.#tidy(group)
  }

  reach(name: string, ref: AnyRef, reachable: boolean): void {
    const group = this.#groups.get(name)
    const entry = group?.members.get(ref)
    if (group === undefined || entry === undefined || entry.member.reachable === reachable) return
    entry.member = { ...entry.member, reachable }
    this.#changed(group, ref, false)
  }

  /** Lists the group, anew if that was done before. `false`: there are too many groups. */
  follow(name: string, to: ActorRef<MembersMessage>): boolean {
    const group = this.#group(name)
    if (group === undefined) return false
    let follower = group.followers.get(to)
    if (follower === undefined) {
      follower = { to, group, rest: undefined, part: 0, missed: new Map(), state: 'idle' }
      group.followers.set(to, follower)
    }
    relist(follower)
    this.#wake(follower)
    return true
  }

  unfollow(name: string, to: ActorRef<MembersMessage>): void {
    const group = this.#groups.get(name)
    const follower = group?.followers.get(to)
    if (group === undefined || follower === undefined) return
    group.followers.delete(to)
    this.#due.delete(follower)
    this.#tidy(group)
  }

  clear(): void {
    this.#groups.clear()
    this.#due.clear()
  }

  flush(): void {
    const due = [...this.#due]
    this.#due.clear()
    for (const follower of due) {
      follower.state = 'idle'
      for (let n = 0; n < PARTS && follower.state === 'idle' && has(follower); n++) this.#tell(follower)
      if (has(follower)) this.#wake(follower)
    }
  }

  #tell(follower: Follower): void {
    const { to } = follower
    if (!to.pressed) {
      if (to.send(follower.rest === undefined ? this.#delta(follower) : this.#part(follower, follower.rest))) return
      // What was refused is in no note any more.
      relist(follower)
    }
    follower.state = 'waiting'
    // Who is gone is told to the registry, which ends this too.
    to.ready().then(
      () => {
        follower.state = 'idle'
        this.#wake(follower)
      },
      () => {}
    )
  }

  #part(follower: Follower, rest: Iterator<[AnyRef, Entry]>): MembersMessage {
    const members: Member[] = []
    let bytes = 0
    while (members.length < PART && bytes < PART_BYTES) {
      const next = rest.next()
      if (next.done === true) {
        follower.rest = undefined
        break
      }
      const [ref, { member, size }] = next.value
      members.push(member)
      bytes += size
      follower.missed.delete(ref)
    }
    const { name } = follower.group
    return { type: 'members', group: name, part: follower.part++, members, more: has(follower) }
  }

  #delta({ group, missed }: Follower): MembersMessage {
    const members: Member[] = []
    const reach: Array<{ ref: AnyRef; reachable: boolean }> = []
    const left: AnyRef[] = []
    let bytes = 0
    for (const [ref, whole] of missed) {
      missed.delete(ref)
      const entry = group.members.get(ref)
      if (entry === undefined) left.push(ref)
      else if (whole) members.push(entry.member)
      else reach.push({ ref, reachable: entry.member.reachable })
      bytes += entry !== undefined && whole ? entry.size : 64
      if (members.length + reach.length + left.length >= PART || bytes >= PART_BYTES) break
    }
    return { type: 'changed', group: group.name, members, reach, left, more: missed.size > 0 }
  }

  #changed(group: Group, ref: AnyRef, whole: boolean): void {
    for (const follower of group.followers.values()) {
      follower.missed.set(ref, whole || follower.missed.get(ref) === true)
      if (follower.missed.size > group.members.size + MISSED) relist(follower)
      this.#wake(follower)
    }
  }

  #wake(follower: Follower): void {
    if (follower.state !== 'idle' || follower.group.followers.get(follower.to) !== follower) return
    follower.state = 'due'
    if (this.#due.size === 0) this.#port.later(this)
    this.#due.add(follower)
  }

  #group(name: string): Group | undefined {
    let group = this.#groups.get(name)
    if (group === undefined && this.#groups.size < MAX_GROUPS) {
      group = { name, members: new Map(), followers: new Map() }
      this.#groups.set(name, group)
    }
    return group
  }

  #tidy({ name, members, followers }: Group): void {
    if (members.size === 0 && followers.size === 0) this.#groups.delete(name)
  }
}

function relist(follower: Follower): void {
  follower.rest = follower.group.members.entries()
  follower.part = 0
  follower.missed.clear()
}

function has({ rest, missed }: Follower): boolean {
  return rest !== undefined || missed.size > 0
}
