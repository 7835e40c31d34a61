// An actor for tests: collects what it is sent and whose end it hears, and lets the test await them in order.

import type { ActorSystem } from '../actor/actor-system.ts'
import { type Handlers, setup } from '../actor/behavior.ts'
import type { Context } from '../actor/context.ts'
import type { Origin } from '../actor/origin.ts'
import type { ActorRef, AnyRef } from '../actor/ref.ts'
import type { StopReason } from '../actor/watch.ts'

/** A watched actor has ended. */
export interface Stopped {
  readonly stopped: AnyRef
  readonly reason: StopReason
}

export interface Probe<M> {
  readonly ref: ActorRef<M>
  /** Everything that came and was not taken by `next`. */
  readonly received: ReadonlyArray<M | Stopped>
  /** The origins of the messages, in the order they came. */
  readonly origins: readonly Origin[]
  /** The next message or notice, in the order they came. */
  next(): Promise<M | Stopped>
  /** The next so many. */
  take(count: number): Promise<Array<M | Stopped>>
  watch(ref: AnyRef): Promise<void>
  unwatch(ref: AnyRef): Promise<void>
}

export function probe<M>(system: ActorSystem): Probe<M> {
  const received: Array<M | Stopped> = []
  const origins: Origin[] = []
  const waiting: Array<(item: M | Stopped) => void> = []
  let begun = (_ctx: Context<M>) => {}
  const context = new Promise<Context<M>>(resolve => {
    begun = resolve
  })
  const come = (item: M | Stopped) => {
    const next = waiting.shift()
    if (next === undefined) received.push(item)
    else next(item)
  }
  const behavior = setup<M>((ctx): Handlers<M> => {
    begun(ctx)
    return {
      receive(message, from) {
        origins.push(from)
        come(message)
      },
      stopped(ref, reason) {
        come({ stopped: ref, reason })
      }
    }
  })
  const ref = system.spawn(behavior)
  const next = () =>
    new Promise<M | Stopped>(resolve => {
      if (received.length > 0) resolve(received.shift() as M | Stopped)
      else waiting.push(resolve)
    })
  return {
    ref,
    received,
    origins,
    next,
    async take(count) {
      const items: Array<M | Stopped> = []
      while (items.length < count) items.push(await next())
      return items
    },
    watch: async watched => (await context).watch(watched),
    unwatch: async watched => (await context).unwatch(watched)
  }
}
