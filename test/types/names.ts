// Names carry the type of the messages to both sides. Compiled, never run.

import {
  type ActorName,
  type ActorRef,
  type ActorSystem,
  actorName,
  type Behavior,
  type Claim,
  type StandardSchema,
  type Subscription
} from '../../runtime/index.ts'
import { proof, type Same } from './same.ts'

type Add = { type: 'add'; by: number }
type Count = Add | { type: 'get'; replyTo: ActorRef<number> }

const Counter = actorName<Count>('counter')
proof<Same<typeof Counter, ActorName<Count>>>()

declare const adds: StandardSchema<Add>
const Adder = actorName('adder', { schema: adds })
proof<Same<typeof Adder, ActorName<Add>>>()

declare const lines: StandardSchema<string>
// @ts-expect-error the schema lets strings in, and this name takes counts
actorName<Count>('counter', { schema: lines })
// @ts-expect-error a schema is a Standard Schema, version 1
actorName('counter', { schema: { parse: (value: unknown) => value } })
// @ts-expect-error a name is written
actorName<Count>(1)

/** Neither a wider nor a narrower name fits: who spawns under it must take it all, who looks it up may send it all. */
export function invariant(): void {
  // @ts-expect-error whoever looked this up could send what the actor does not take
  const wider: ActorName<Count | string> = Counter
  // @ts-expect-error whoever spawned under this would hear messages it does not know
  const narrower: ActorName<Add> = Counter
  void [wider, narrower]
}

export async function looking(system: ActorSystem, counter: Behavior<Count>, adder: Behavior<Add>): Promise<void> {
  system.spawn(counter, { name: Counter })
  system.spawn(adder, { name: Adder })
  system.spawn(counter as Behavior<Count>, { name: Counter })

  const here = system.find(Counter)
  proof<Same<typeof here, ActorRef<Count> | undefined>>()
  const there = await system.lookup(Counter, { within: 0, on: 'peer' })
  proof<Same<typeof there, ActorRef<Count>>>()

  // @ts-expect-error this name takes counts, and the behavior only adds
  system.spawn(adder, { name: Counter })
  // @ts-expect-error a lookup is by a name, which carries the type
  await system.lookup('counter')
}

export async function claiming(system: ActorSystem, ref: ActorRef<Count>, less: ActorRef<Add>): Promise<void> {
  const claim = await system.register(Counter, ref, { within: 100 })
  proof<Same<typeof claim, Claim>>()
  proof<Same<typeof claim.lost, AbortSignal>>()
  await claim.release()
  await system.join(Counter, ref, { seat: 1 })
  const subscription = system.members(Counter, members => {
    for (const [member, { label, reachable, facts }] of members) {
      proof<Same<typeof member, ActorRef<Count>>>()
      proof<Same<typeof label, string>>()
      proof<Same<typeof reachable, boolean>>()
      proof<Same<typeof facts, Record<string, unknown>>>()
    }
  })
  proof<Same<typeof subscription, Subscription>>()

  // @ts-expect-error this ref takes less than the name promises
  await system.register(Counter, less)
  // @ts-expect-error this ref takes less than the group promises
  await system.join(Counter, less)
}
