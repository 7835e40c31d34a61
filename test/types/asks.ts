// What may be asked, and what the answer is. Compiled, never run.

import type { ActorRef, Answer, Asked, Context, Question } from '../../runtime/index.ts'
import { proof, type Same } from './same.ts'

type Row = { id: string; value: number }
type Store =
  | { type: 'put'; row: Row }
  | { type: 'get'; id: string; replyTo: ActorRef<Row | undefined> }
  | { type: 'count'; replyTo: ActorRef<number> }
  | { type: 'names'; replyTo: ActorRef<readonly string[]> }

proof<Same<Asked<Store>, 'get' | 'count' | 'names'>>()
proof<Same<Question<Store, 'get'>, { id: string }>>()
proof<Same<Answer<Store, 'get'>, Row | undefined>>()
proof<Same<Answer<Store, 'count'>, number>>()

export async function byType(store: ActorRef<Store>): Promise<void> {
  const row = await store.ask({ type: 'get', id: 'a' })
  proof<Same<typeof row, Row | undefined>>()
  const count = await store.ask({ type: 'count' }, { within: 100 })
  proof<Same<typeof count, number>>()
  const names = await store.ask({ type: 'names' }, { signal: new AbortController().signal })
  proof<Same<typeof names, readonly string[]>>()

  // @ts-expect-error 'put' has no replyTo: it cannot be asked
  await store.ask({ type: 'put', row: { id: 'a', value: 1 } })
  // @ts-expect-error there is no such question
  await store.ask({ type: 'drop' })
  // @ts-expect-error 'get' wants an id
  await store.ask({ type: 'get' })
  // @ts-expect-error an id is a string
  await store.ask({ type: 'get', id: 1 })
  // @ts-expect-error 'count' has no id
  await store.ask({ type: 'count', id: 'a' })
  // @ts-expect-error within is in milliseconds
  await store.ask({ type: 'count' }, { within: '5s' })
  // @ts-expect-error there is no such option
  await store.ask({ type: 'count' }, { timeout: 5 })
  // @ts-expect-error the answer is a number
  const text: string = await store.ask({ type: 'count' })
  void text
}

export async function byFunction(store: ActorRef<Store>): Promise<void> {
  const count = await store.ask<number>(replyTo => ({ type: 'count', replyTo }))
  proof<Same<typeof count, number>>()
  const row = await store.ask<Row | undefined>(replyTo => ({ type: 'get', id: 'a', replyTo }), { within: 100 })
  proof<Same<typeof row, Row | undefined>>()

  // @ts-expect-error counts are numbers, and this asks for a string
  await store.ask<string>(replyTo => ({ type: 'count', replyTo }))
  // @ts-expect-error the function makes one of the store's messages
  await store.ask<number>(replyTo => ({ type: 'size', replyTo }))
}

type Untyped = { text: string; replyTo: ActorRef<string> }

export async function withoutType(echo: ActorRef<Untyped>, numbers: ActorRef<number>): Promise<void> {
  const text = await echo.ask<string>(replyTo => ({ text: 'hello', replyTo }))
  proof<Same<typeof text, string>>()

  // @ts-expect-error a message without `type` is asked by a function
  await echo.ask({ text: 'hello' })
  // @ts-expect-error a number is no question
  await numbers.ask({ type: 'count' })
}

/** Generic code asks with the function form. */
export async function generic<R>(ref: ActorRef<{ type: 'read'; replyTo: ActorRef<R> }>): Promise<R> {
  return await ref.ask<R>(replyTo => ({ type: 'read', replyTo }))
}

export async function fromActor(ctx: Context<string>, store: ActorRef<Store>): Promise<void> {
  const count = await ctx.ask(store, { type: 'count' }, { within: 100 })
  proof<Same<typeof count, number>>()
  ctx.send(store, { type: 'put', row: { id: 'a', value: 1 } })

  // @ts-expect-error 'put' cannot be asked
  await ctx.ask(store, { type: 'put', row: { id: 'a', value: 1 } })
  // @ts-expect-error 'get' wants an id
  await ctx.ask(store, { type: 'get' })
  // @ts-expect-error a store takes no such message
  ctx.send(store, { type: 'drop' })
}
