// What everybody here says to a counter, wherever it lives: shared by the server, the page and the client in the terminal.

import { type ActorName, type ActorRef, actorName, type StandardSchema } from 'whereabouts'

export type CounterMessage =
  | { type: 'add'; by: number; who: string }
  /** Fails on purpose. The supervisor starts the counter again. */
  | { type: 'crash'; who: string }
  | { type: 'read'; replyTo: ActorRef<number> }
  /** From now on `replyTo` hears every new reading, until its actor ends. */
  | { type: 'follow'; who: string; replyTo: ActorRef<Reading> }

export interface Reading {
  readonly total: number
  /** How much of it was added by whoever follows. */
  readonly yours: number
  /** 1 at first, and one more after each crash. */
  readonly life: number
}

/** What a member of the group tells of itself. */
export interface Visitor {
  readonly name: string
  readonly kind: 'tab' | 'terminal'
  readonly hue: number
}

/** The same as others hear it. Facts come from strangers, so nothing is taken as it is. */
export function visitorOf({ name, kind, hue }: Record<string, unknown>): Visitor {
  return {
    name: typeof name === 'string' ? name.slice(0, 40) : 'somebody',
    kind: kind === 'terminal' ? 'terminal' : 'tab',
    hue: typeof hue === 'number' && Number.isFinite(hue) ? hue % 360 : 0
  }
}

// Any validator of the Standard Schema would do, as zod or valibot; one by hand keeps the example without dependencies.
const counterMessages: StandardSchema<CounterMessage> = {
  '~standard': {
    version: 1,
    vendor: 'counters',
    validate: message =>
      isCounterMessage(message) ? { value: message } : { issues: [{ message: 'no counter message' }] }
  }
}

/** The counter that lives in Node. Guests find it by this name, and what they send is checked. */
export const Counter: ActorName<CounterMessage> = actorName('counter', { schema: counterMessages })

/** The counters of the tabs and terminals: each joins with its own, and all see each other. */
export const Visitors: ActorName<CounterMessage> = actorName('visitors', { schema: counterMessages })

// `replyTo` is not looked at: the runtime has taken it out and puts it back, once it is sure that it is a ref.
function isCounterMessage(message: unknown): boolean {
  if (typeof message !== 'object' || message === null) return false
  const { type, by, who } = message as { type?: unknown; by?: unknown; who?: unknown }
  if (type === 'read') return true
  if (typeof who !== 'string' || who.length > 40) return false
  return (
    type === 'crash' || type === 'follow' || (type === 'add' && Number.isInteger(by) && Math.abs(Number(by)) <= 1000)
  )
}
