// Waits with an end: one queue and one timer per duration, however many wait. Those of one duration end in the order they began,
// so a queue is a plain list.
//
// The clock is not read for each wait (a read costs as much as a third of an ask): a new one is fresh until the scheduler next
// looks at the clock, at the latest after the event loop went on, and counts from then. Most asks are answered before.

import type { Clock } from './clock.ts'
import type { ActorError } from './errors.ts'

/** Something that ends by itself unless it is removed before. */
export interface Deadline {
  due: DueQueue | undefined
  dueAt: number
  dueBefore: Deadline | undefined
  dueAfter: Deadline | undefined
  expired(): void
  /** The system has ended; neither will happen. */
  abandon?(error: ActorError): void
}

class DueQueue {
  first: Deadline | undefined
  last: Deadline | undefined
  /** The first that has no time yet. */
  fresh: Deadline | undefined
  cancel: (() => void) | undefined = undefined
  listed = true
  readonly duration: number

  constructor(duration: number) {
    this.duration = duration
  }
}

export type { DueQueue }

/** A wait with a callback, for what is rare. */
export class Wait implements Deadline {
  due: DueQueue | undefined
  dueAt = 0
  dueBefore: Deadline | undefined
  dueAfter: Deadline | undefined
  readonly expired: () => void
  readonly #deadlines: Deadlines

  constructor(deadlines: Deadlines, expired: () => void) {
    this.#deadlines = deadlines
    this.expired = expired
  }

  cancel(): void {
    this.#deadlines.remove(this)
  }
}

export class Deadlines {
  /** Some deadlines have no time yet. */
  fresh = false
  readonly #clock: Clock
  readonly #queues = new Map<number, DueQueue>()
  /** Most waits are of the same duration as the last. */
  #recent: DueQueue | undefined
  #planned = false
  readonly #later = () => {
    this.#planned = false
    this.stamp(this.#clock.now())
  }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wait(duration: number, expired: () => void): Wait {
    const wait = new Wait(this, expired)
    this.add(wait, duration)
    return wait
  }

  add(deadline: Deadline, duration: number): void {
    let queue = this.#recent
    if (queue?.duration !== duration || !queue.listed) {
      queue = this.#queues.get(duration)
      if (queue === undefined) {
        queue = new DueQueue(duration)
        this.#queues.set(duration, queue)
      }
      this.#recent = queue
    }
    const last = queue.last
    deadline.due = queue
    deadline.dueBefore = last
    if (last === undefined) queue.first = deadline
    else last.dueAfter = deadline
    queue.last = deadline
    if (queue.fresh === undefined) queue.fresh = deadline
    this.fresh = true
    this.#plan()
  }

  remove(deadline: Deadline): void {
    const queue = deadline.due
    if (queue === undefined) return
    const { dueBefore, dueAfter } = deadline
    if (dueBefore === undefined) queue.first = dueAfter
    else dueBefore.dueAfter = dueAfter
    if (dueAfter === undefined) queue.last = dueBefore
    else dueAfter.dueBefore = dueBefore
    if (queue.fresh === deadline) queue.fresh = dueAfter
    deadline.due = deadline.dueBefore = deadline.dueAfter = undefined
    // An empty queue gives up its timer, and its place, once the event loop has gone on: the next wait is often near.
    if (queue.first === undefined && queue.cancel !== undefined) this.#plan()
  }

  /** Gives fresh deadlines their time, and every queue the timer that it needs. */
  stamp(now: number): void {
    this.fresh = false
    for (const queue of this.#queues.values()) {
      for (let each = queue.fresh; each !== undefined; each = each.dueAfter) each.dueAt = now + queue.duration
      queue.fresh = undefined
      if (queue.first === undefined) {
        queue.cancel?.()
        queue.listed = false
        this.#queues.delete(queue.duration)
      } else if (queue.cancel === undefined) this.#arm(queue, now)
    }
  }

  /** Nothing ends by itself any more: with the system, what still waits is told why. */
  abandon(error: ActorError): void {
    for (const queue of this.#queues.values()) {
      for (let first = queue.first; first !== undefined; first = queue.first) {
        this.remove(first)
        first.abandon?.(error)
      }
      queue.cancel?.()
    }
    this.#queues.clear()
    this.#recent = undefined
  }

  #plan(): void {
    if (this.#planned) return
    this.#planned = true
    this.#clock.later(this.#later)
  }

  #arm(queue: DueQueue, now: number): void {
    const first = queue.first
    if (first === undefined) return
    queue.cancel = this.#clock.timer(Math.max(0, first.dueAt - now), () => {
      queue.cancel = undefined
      this.#expire(queue)
    })
  }

  #expire(queue: DueQueue): void {
    const now = this.#clock.now()
    let first = queue.first
    while (first !== undefined && first !== queue.fresh && first.dueAt <= now) {
      this.remove(first)
      first.expired()
      first = queue.first
    }
    if (first !== undefined && first !== queue.fresh) this.#arm(queue, now)
    else this.#plan()
  }
}
