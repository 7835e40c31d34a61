// Behaviors: what receive and setup infer, what handlers may be, where a behavior fits. Compiled, never run.

import {
  type ActorRef,
  type ActorSystem,
  type AnyRef,
  type Behavior,
  type Context,
  type Directive,
  type Handlers,
  type Origin,
  receive,
  type StopReason,
  setup
} from '../../runtime/index.ts'
import { proof, type Same } from './same.ts'

type Count = { type: 'add'; by: number } | { type: 'get'; replyTo: ActorRef<number> }

export const counter = receive(0, (count: number, message: Count) => {
  switch (message.type) {
    case 'add':
      return count + message.by
    case 'get':
      message.replyTo.send(count)
      return count
  }
})
proof<Same<typeof counter, Behavior<Count>>>()

export const list = receive(
  () => ({ lines: [] as string[] }),
  async (state, line: string, ctx: Context<string>, from: Origin) => {
    proof<Same<typeof state, { lines: string[] }>>()
    proof<Same<typeof ctx.self, ActorRef<string>>>()
    proof<Same<typeof from.trust, 'local' | 'node' | 'guest'>>()
    proof<Same<typeof from.principal, unknown>>()
    return { lines: [...state.lines, line] }
  }
)
proof<Same<typeof list, Behavior<string>>>()

// @ts-expect-error the next state is a number too
receive(0, (count: number, message: Count) => `${count}${message.type}`)
// @ts-expect-error the first state is a number too
receive('0', (count: number, _message: Count) => count)
// @ts-expect-error a step answers the next state
receive(0, (_count: number, _message: Count) => {})

export const closure = setup<Count>(ctx => {
  proof<Same<typeof ctx, Context<Count>>>()
  let count = 0
  return {
    receive(message) {
      proof<Same<typeof message, Count>>()
      if (message.type === 'add') count += message.by
      else message.replyTo.send(count)
    },
    stopped(ref, reason) {
      proof<Same<typeof ref, AnyRef>>()
      proof<Same<typeof reason, StopReason>>()
    },
    failed(child, error, restarts) {
      proof<Same<typeof child, AnyRef>>()
      proof<Same<typeof error, unknown>>()
      proof<Same<typeof restarts, number>>()
      return restarts < 3 ? 'restart' : 'escalate'
    },
    async stopping(reason) {
      if (reason.kind === 'restart') void reason.error
      else proof<Same<typeof reason, StopReason>>()
    }
  }
})
proof<Same<typeof closure, Behavior<Count>>>()

export const later = setup<string>(async ctx => ({ receive: line => ctx.log.info(line, { at: 1 }) }))

// @ts-expect-error handlers have a receive
setup<string>(() => ({ stopped() {} }))
// @ts-expect-error a directive is one of four words
setup<string>(() => ({ receive() {}, failed: () => 'ignore' }))
// @ts-expect-error the failure of a child is decided at once, not by a promise
setup<string>(() => ({ receive() {}, failed: async () => 'restart' as const }))

proof<Same<Directive, 'resume' | 'restart' | 'stop' | 'escalate'>>()

export function explain(reason: StopReason): string {
  switch (reason.kind) {
    case 'failed':
      return `${reason.error.name} ${reason.error.code ?? ''}`
    case 'done':
    case 'shutdown':
    case 'killed':
    case 'unknown':
    case 'unreachable':
      // @ts-expect-error only a failure has an error
      return reason.error
  }
}

export function spawning(system: ActorSystem, wide: Behavior<unknown>): void {
  const ref = system.spawn(counter)
  proof<Same<typeof ref, ActorRef<Count>>>()
  const any: Behavior<Count> = wide
  system.spawn(any)

  // @ts-expect-error a behavior that takes counts does not take everything
  const widened: Behavior<unknown> = counter
  // @ts-expect-error a behavior that takes strings is no counter
  const wrong: Behavior<Count> = list
  // @ts-expect-error a function is no behavior: receive or setup makes one
  system.spawn((message: Count) => message)
  // @ts-expect-error handlers are no behavior: setup makes one of them
  system.spawn({ receive() {} })
  void [widened, wrong]
}

/** Handlers that take more fit where less is asked for, so they can be shared and handed to `become`. */
export function becoming(ctx: Context<Count>, all: Handlers<unknown>, lines: Handlers<string>): void {
  ctx.become(all)
  ctx.become({ receive: message => void message.type })
  // @ts-expect-error these handlers take strings, and the mail is counts
  ctx.become(lines)
}
