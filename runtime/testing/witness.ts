// The receiving actor of a simulated system, which checks the promises at every delivery: P1 order, P2 no silent gap, P3 no
// duplicate, P5 ends are heard after what was said before them.

import { receive, setup } from '../actor/behavior.ts'
import type { LocalRef } from '../actor/local-ref.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'
import type { StopReason } from '../actor/watch.ts'
import type { Member } from './cast.ts'
import type { Stage } from './stage.ts'

export type Mail =
  | { type: 'greet'; who: AnyRef; from: string; late: boolean; at: number }
  | { type: 'count'; who: AnyRef; from: string; n: number; pad: Uint8Array | string }
  | { type: 'meet'; mortal: AnyRef; from: string; key: string; of: number }
  | { type: 'last'; key: string; n: number }
  | { type: 'echo'; value: number; replyTo: ActorRef<number> }

const SLOW_CAPACITY = 16
/** Longer than a slow actor takes for a full mailbox, in virtual milliseconds. */
const BACKLOG = 1_000

export interface Witness {
  readonly member: Member
  readonly inbox: ActorRef<Mail>
  /** What others watch for the end of the system's epochs; it never ends itself. */
  readonly self: AnyRef
  /** Messages that its inbox holds at most. */
  readonly capacity: number
  /** The last number it got of each sender. */
  readonly last: ReadonlyMap<string, number>
}

export function witness(member: Member, { random, time, account, cast }: Stage): Witness {
  const { name, system, clock } = member
  const slow = random.chance(0.25)
  if (slow) account.strike('slow')
  const capacity = slow ? SLOW_CAPACITY : Number.POSITIVE_INFINITY
  const last = new Map<string, number>()
  /** An epoch that the other side ended before it ever heard of this one ends here unheard: nothing had come in it. */
  const began = time.now

  // A gap is allowed only where the end of an epoch was heard between the two messages.
  const behavior = setup<Mail>(ctx => {
    const senders = new Map<AnyRef, string>()
    const excused = new Set<string>()
    /** When a sender was watched again: what lay in the mailbox by then may be of an epoch whose end nobody watched for. */
    const since = new Map<string, number>()
    /** Met during the storm: what was said before the watch had arrived may be of an epoch whose end nobody watched for. */
    const late = new Set<string>()
    /** Systems to which an epoch has ended. */
    const ended = new Set<string>()
    const mortals = new Map<AnyRef, { from: string; key: string; of: number }>()
    const heard = new Map<string, number>()

    const counted = (from: string, n: number, who: AnyRef): void => {
      account.note(`${name}<${from}:${n}`)
      const before = last.get(from) ?? 0
      if (n <= before) account.wrong(`${name} got ${from}:${n} after ${from}:${before}`)
      else if (
        n > before + 1 &&
        !excused.has(from) &&
        !(before === 0 && (late.has(from) || time.now - began > cast.downAfter))
      ) {
        account.wrong(`${name} got ${from}:${n} after ${from}:${before} and heard of no end between`)
      }
      if (!senders.has(who)) {
        senders.set(who, from)
        since.set(from, time.now)
        ctx.watch(who)
      }
      if (time.now - (since.get(from) ?? Number.NEGATIVE_INFINITY) > BACKLOG) excused.delete(from)
      last.set(from, Math.max(n, before))
    }

    const mortalEnded = (mortal: { from: string; key: string; of: number }, reason: StopReason): void => {
      account.note(`${name}!${mortal.key}:${reason.kind}`)
      const got = heard.get(mortal.key) ?? 0
      // Met after an epoch had ended, it may have said all in that one.
      const told = reason.kind === 'done' || (reason.kind === 'unknown' && !ended.has(mortal.from))
      if (told && got !== mortal.of) {
        account.wrong(
          `${name} heard the end of ${mortal.key} (${reason.kind}) after ${got} of its ${mortal.of} messages`
        )
      }
    }

    const senderEnded = (from: string, reason: StopReason): void => {
      account.note(`${name}!${from}:${reason.kind}`)
      if (reason.kind !== 'unreachable') account.wrong(`${name} heard ${reason.kind} of ${from}, which lives`)
      account.unreachable += 1
      account.apart.add(`${name} ${from}`).add(`${from} ${name}`)
      excused.add(from)
      ended.add(from)
    }

    return {
      receive: message => {
        account.delivered += 1
        const { waiting } = (inbox as unknown as LocalRef<Mail>).cell
        // Notices of ends are exempt.
        if (waiting > capacity + senders.size + mortals.size)
          account.wrong(`${waiting} messages wait in the inbox of ${name}, which holds ${capacity}`)
        if (waiting >= capacity) account.strike('full-mailbox')
        switch (message.type) {
          case 'count':
            counted(message.from, message.n, message.who)
            break
          case 'greet':
            // Who slept meanwhile watches no sooner than he awakes.
            if (message.late || time.now - message.at > BACKLOG) late.add(message.from)
            senders.set(message.who, message.from)
            ctx.watch(message.who)
            break
          case 'meet':
            mortals.set(message.mortal, message)
            ctx.watch(message.mortal)
            break
          case 'last': {
            const before = heard.get(message.key) ?? 0
            if (message.n !== before + 1) account.wrong(`${name} got ${message.key}:${message.n} after ${before}`)
            heard.set(message.key, message.n)
            break
          }
          case 'echo':
            message.replyTo.send(message.value)
            break
          default:
            message satisfies never
        }
        return slow ? new Promise<void>(resolve => void clock.timer(3, resolve)) : undefined
      },
      stopped: (ref: AnyRef, reason: StopReason) => {
        const sender = senders.get(ref)
        const mortal = mortals.get(ref)
        if (sender !== undefined) {
          senders.delete(ref)
          senderEnded(sender, reason)
        } else if (mortal !== undefined) {
          mortals.delete(ref)
          mortalEnded(mortal, reason)
        } else account.wrong(`${name} heard twice of an end`)
      }
    }
  })

  const inbox = system.spawn(behavior, slow ? { mailbox: { capacity } } : {})
  const self = system.spawn(receive(0, (state: number, _message: never) => state)) as AnyRef
  return { member, inbox, self, capacity, last }
}
