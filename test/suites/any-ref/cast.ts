// Who plays in the conformance cases: two systems, actors placed in the far one, and what the cases need to look on.

import { expect } from 'chai'
import {
  type ActorRef,
  type ActorSystem,
  type AnyRef,
  type Behavior,
  type DeadLetter,
  type SpawnOptions,
  type StopReason,
  setup
} from '../../../runtime/index.ts'

/** Two systems, or one that plays both parts. Made anew for each case. */
export interface Cast {
  readonly near: ActorSystem
  readonly far: ActorSystem
  /** Spawns in `far` and gives the ref as `near` knows it. */
  place<M>(behavior: Behavior<M>, options?: SpawnOptions<M>): Promise<ActorRef<M>>
  /** Whatever has been sent by now has been handled. */
  settled(): Promise<void>
  end(): Promise<void>
  /** Takes the way between the two away, and gives it back. */
  cut?(): void
  mend?(): void
}

/** In what the places differ; `docs/semantics.md` says why. */
export interface Traits {
  /** `near` and `far` are two systems. */
  readonly remote: boolean
  /** Messages are copied, so what cannot be serialised is refused. Only local messages without `copyMessages` are not. */
  readonly copies: boolean
  /** How `far` sees messages from `near`. */
  readonly trust: 'local' | 'node' | 'guest'
  /** `near` sees messages from `far` as a guest's. */
  readonly farIsGuest?: true
  /** The largest message in bytes, where there is such a limit. */
  readonly messageBytes?: number
  /** The cast can be cut and mended. */
  readonly cuts: boolean
}

/** The cases of one theme; `cast` is valid inside of a case only. */
export type Cases = (cast: () => Cast, traits: Traits) => void

/** Waits for a condition, a few seconds at most. */
export async function until(holds: () => boolean, what: string, within = 8000): Promise<void> {
  const end = Date.now() + within
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited ${within} ms in vain until ${what}`)
    await turn()
  }
}

/** Lets the event loop go round once. */
export function turn(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise(resolve => setImmediate(resolve))
  const { port1, port2 } = new MessageChannel()
  return new Promise(resolve => {
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}

/** A promise to be opened by hand, for handlers that wait. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}

/** Writes down what it receives. */
export function noting<M>(seen: M[]): Behavior<M> {
  return setup<M>(() => ({ receive: message => void seen.push(message) }))
}

/** Writes down what it receives, and is stuck in its first message until the gate opens. */
export function stuck<M>(seen: M[], opened: Promise<void>): Behavior<M> {
  return setup<M>(() => ({
    async receive(message) {
      if (seen.length === 0) await opened
      seen.push(message)
    }
  }))
}

export type Echo = { type: 'echo'; value: unknown; replyTo: ActorRef<unknown> }

/** Answers with what it was asked. */
export function echo(): Behavior<Echo> {
  return setup<Echo>(() => ({ receive: ({ value, replyTo }) => void replyTo.send(value) }))
}

export type Watching =
  | { type: 'watch'; ref: AnyRef; replyTo: ActorRef<true> }
  | { type: 'unwatch'; ref: AnyRef; replyTo: ActorRef<true> }
  | { type: 'mark'; value: unknown }

export type Heard = { mark: unknown } | { ended: AnyRef; reason: StopReason }

/** Watches on request, and writes down the ends it hears of and the marks it gets, in their order. */
export function watcher(system: ActorSystem): { ref: ActorRef<Watching>; heard: Heard[] } {
  const heard: Heard[] = []
  const ref = system.spawn(
    setup<Watching>(ctx => ({
      receive(message) {
        switch (message.type) {
          case 'watch':
            ctx.watch(message.ref)
            message.replyTo.send(true)
            break
          case 'unwatch':
            ctx.unwatch(message.ref)
            message.replyTo.send(true)
            break
          case 'mark':
            heard.push({ mark: message.value })
        }
      },
      stopped: (ended, reason) => void heard.push({ ended, reason })
    }))
  )
  return { ref, heard }
}

/** Watches, and waits until the far system knows. */
export async function watch(cast: Cast, probe: { ref: ActorRef<Watching> }, ref: AnyRef): Promise<void> {
  await probe.ref.ask({ type: 'watch', ref })
  await cast.settled()
}

/** Dead letters of a system, from now on. */
export function letters(system: ActorSystem): DeadLetter[] {
  const found: DeadLetter[] = []
  system.watchDeadLetters(letter => void found.push(letter))
  return found
}

/** Dead letters of both systems, each once. */
export function allLetters({ near, far }: Cast): DeadLetter[] {
  const found = letters(near)
  if (far !== near) far.watchDeadLetters(letter => void found.push(letter))
  return found
}

/** What the promise fails with; a case fails where it does not. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it was expected to fail')
}

export async function failureCode(promise: Promise<unknown>): Promise<unknown> {
  return ((await failure(promise)) as { code?: unknown }).code
}

/** Sends as a polite producer does: waits for room. */
export async function hand<M>(ref: ActorRef<M>, message: M): Promise<void> {
  while (!ref.send(message)) await ref.ready({ within: 8000 })
}

/** Sends all of them, and rests only when told to: many leave in one turn. */
export async function handAll<M>(ref: ActorRef<M>, messages: Iterable<M>): Promise<void> {
  for (const message of messages) {
    if (ref.pressed) await ref.ready({ within: 8000 })
    if (!ref.send(message)) await hand(ref, message)
  }
}

/** 0, 1, 2, … */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}

/** 0, 1, 2, … without gap, repeat or change of order; says where it broke instead of printing thousands. */
export function expectNumbered(seen: readonly number[], count: number): void {
  const broken = seen.findIndex((value, index) => value !== index)
  expect(broken, `the first number out of its place (${seen[broken - 1]}, then ${seen[broken]})`).to.equal(-1)
  expect(seen.length).to.equal(count)
}

/** Stops an actor of the far system, known here by its near ref. */
export function endFar({ far }: Cast, ref: AnyRef): Promise<void> {
  return far.stop(far.ref(ref.address))
}
