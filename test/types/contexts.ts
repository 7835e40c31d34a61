// What an actor can do with its context: spawn options, watch, adapt, pipe, timers, stash. Compiled, never run.

import {
  type ActorRef,
  type ActorSystem,
  type AnyRef,
  actorName,
  type Behavior,
  type Context,
  type SpawnOptions,
  type StopReason
} from '../../runtime/index.ts'
import { proof, type Same } from './same.ts'

type Job = { type: 'run'; id: number } | { type: 'ended'; why: string } | { type: 'stop' }

export function options(system: ActorSystem, worker: Behavior<Job>): void {
  system.spawn(worker, {
    name: actorName<Job>('worker'),
    restart: 'on-failure',
    limit: { restarts: 3, within: 5000 },
    backoff: { min: 200, max: 10_000, jitter: 0.2 },
    shutdown: 1000,
    before: system.spawn(worker),
    mailbox: { capacity: 100, bytes: 1024, overflow: 'drop-oldest' }
  })
  system.spawn(worker, { mailbox: { overflow: { latest: job => (job.type === 'run' ? String(job.id) : job.type) } } })
  const named: SpawnOptions<Job> = { name: actorName<Job>('worker') }
  system.spawn(worker, named)

  // @ts-expect-error the name says that strings are taken here
  system.spawn(worker, { name: actorName<string>('worker') })
  // @ts-expect-error a name is made by actorName, so that it carries the type
  system.spawn(worker, { name: 'worker' })
  // @ts-expect-error OTP's words are not ours
  system.spawn(worker, { restart: 'permanent' })
  // @ts-expect-error a limit says in which time
  system.spawn(worker, { limit: { restarts: 3 } })
  // @ts-expect-error there is no such policy
  system.spawn(worker, { mailbox: { overflow: 'block' } })
  // @ts-expect-error the key of a message is a string
  system.spawn(worker, { mailbox: { overflow: { latest: () => 1 } } })
  // @ts-expect-error there is no such option
  system.spawn(worker, { retries: 3 })
  // @ts-expect-error an option that is there has a value
  system.spawn(worker, { restart: undefined })
}

export function children(ctx: Context<Job>, behavior: Behavior<string>): void {
  const child = ctx.spawn(behavior)
  proof<Same<typeof child, ActorRef<string>>>()
  ctx.restart(child)
  ctx.restart(child, child, child)
  ctx.stop(child)
  ctx.stop()
  proof<Same<typeof ctx.self, ActorRef<Job>>>()
  proof<Same<typeof ctx.system, ActorSystem>>()

  // @ts-expect-error which child is to be restarted
  ctx.restart()
  // @ts-expect-error several are named one by one
  ctx.restart([child])
  // @ts-expect-error a child is a ref
  ctx.stop('child')
}

export function watching(ctx: Context<Job>, ref: AnyRef): void {
  ctx.watch(ref)
  ctx.watch(ref, reason => {
    proof<Same<typeof reason, StopReason>>()
    return { type: 'ended', why: reason.kind }
  })
  ctx.unwatch(ref)

  // @ts-expect-error the notice becomes one of the actor's own messages
  ctx.watch(ref, reason => ({ type: 'gone', why: reason.kind }))
}

export function adapting(ctx: Context<Job>, signal: AbortSignal): void {
  const numbers = ctx.adapt((id: number) => ({ type: 'run', id }))
  proof<Same<typeof numbers, ActorRef<number>>>()
  const some = ctx.adapt<string>(text => (text === '' ? undefined : { type: 'ended', why: text }), { signal })
  proof<Same<typeof some, ActorRef<string>>>()

  // @ts-expect-error what it is mapped to is one of the actor's own messages
  ctx.adapt((id: number) => ({ type: 'gone', id }))
}

export function piping(ctx: Context<Job>, promise: Promise<number>): void {
  ctx.pipe(
    promise,
    id => ({ type: 'run', id }),
    error => {
      proof<Same<typeof error, unknown>>()
      return { type: 'ended', why: String(error) }
    }
  )
  // @ts-expect-error a promise may fail: both outcomes become messages
  ctx.pipe(promise, id => ({ type: 'run', id }))
  const text = (why: string): Job => ({ type: 'ended', why })
  // @ts-expect-error the outcome is a number
  ctx.pipe(promise, text, () => ({ type: 'stop' }))
}

export function timing(ctx: Context<Job>): void {
  ctx.timers.once('run', 100, { type: 'run', id: 1 })
  ctx.timers.every('run', 100, { type: 'run', id: 1 })
  ctx.timers.cancel('run')

  // @ts-expect-error a timer sends one of the actor's own messages
  ctx.timers.once('run', 100, { type: 'tick' })
  // @ts-expect-error a timer sends a message, it calls nothing
  ctx.timers.once('run', 100, () => {})
  // @ts-expect-error a timer has a key, by which it is replaced
  ctx.timers.every(100, { type: 'stop' })
}

export function stashing(ctx: Context<Job>): void {
  proof<Same<ReturnType<typeof ctx.stash.add>, boolean>>()
  proof<Same<typeof ctx.stash.size, number>>()
  ctx.stash.release()
  // @ts-expect-error it is always the message in hand that is put aside
  ctx.stash.add({ type: 'stop' })
}

/** A context is its own actor's: neither a wider nor a narrower one fits, since it both takes and makes messages. */
export function invariant(jobs: Context<Job>): void {
  // @ts-expect-error through this one could send itself what it does not take
  const wider: Context<Job | string> = jobs
  // @ts-expect-error through this one would hear messages it does not know
  const narrower: Context<{ type: 'stop' }> = jobs
  void [wider, narrower]
}
