// Names with a schema of zod, valibot or arktype carry the type of its output. Compiled, never run.

import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import { type ActorName, type ActorRef, type ActorSystem, actorName, type Behavior } from '../../runtime/index.ts'
import { proof, type Same } from './same.ts'

type Say = { type: 'say'; text: string }
type Room = Say | { type: 'count'; replyTo: ActorRef<number> }

const Zod = actorName('room', { schema: z.object({ type: z.literal('say'), text: z.string() }) })
const Valibot = actorName('room', { schema: v.object({ type: v.literal('say'), text: v.string() }) })
const Arktype = actorName('room', { schema: type({ type: "'say'", text: 'string' }) })
proof<Same<typeof Zod, ActorName<Say>>>()
proof<Same<typeof Valibot, ActorName<Say>>>()
proof<Same<typeof Arktype, ActorName<Say>>>()

// What comes out is what handlers get, so that is the type.
const Length = actorName('length', { schema: z.string().transform(text => text.length) })
proof<Same<typeof Length, ActorName<number>>>()
const Sized = actorName('sized', { schema: z.object({ size: z.number().default(1) }) })
proof<Same<typeof Sized, ActorName<{ size: number }>>>()

// Questions have a `replyTo`, which no schema sees.
const zod = z.discriminatedUnion('type', [
  z.object({ type: z.literal('say'), text: z.string() }),
  z.object({ type: z.literal('count') })
])
const valibot = v.variant('type', [
  v.object({ type: v.literal('say'), text: v.string() }),
  v.object({ type: v.literal('count') })
])
const arktype = type({ type: "'say'", text: 'string' }).or({ type: "'count'" })
proof<Same<ReturnType<typeof names>, Array<ActorName<Room>>>>()
export function names() {
  return [
    actorName<Room>('room', { schema: zod }),
    actorName<Room>('room', { schema: valibot }),
    actorName<Room>('room', { schema: arktype })
  ]
}

// @ts-expect-error the schema lets in what the name does not take
actorName<Say>('room', { schema: zod })
// @ts-expect-error the schema makes numbers of them
actorName<string>('length', { schema: z.string().transform(text => text.length) })
// @ts-expect-error one that leaves out a field
actorName<Room>('room', { schema: z.object({ type: z.literal('say') }) })

export async function said(system: ActorSystem, say: Behavior<Say>, other: Behavior<{ type: 'other' }>): Promise<void> {
  system.spawn(say, { name: Zod })
  // @ts-expect-error it does not take what the schema lets in
  system.spawn(other, { name: Zod })
  const ref = await system.lookup(Arktype)
  ref.send({ type: 'say', text: 'a' })
  // @ts-expect-error no text
  ref.send({ type: 'say' })
}
