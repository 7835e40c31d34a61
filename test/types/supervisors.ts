// Supervisors and the specs of their children. Compiled, never run.

import { type ChildSpec, child, type SupervisorMessage, supervisor } from '../../actors/supervisor.ts'
import { type ActorRef, type ActorSystem, type AnyRef, actorName, type Behavior } from '../../runtime/index.ts'
import { proof, type Same } from './same.ts'

type Job = { type: 'run'; id: number }
const Worker = actorName<Job>('worker')

export function specs(jobs: Behavior<Job>, lines: Behavior<string>): void {
  const spec = child('lines', () => lines)
  proof<Same<typeof spec, ChildSpec>>()
  proof<Same<typeof spec.id, string>>()
  const children = [spec, child(Worker, () => jobs, { restart: 'always', shutdown: 100 })]
  const behavior = supervisor({ strategy: 'rest-for-one', limit: { restarts: 3, within: 5000 }, children })
  proof<Same<typeof behavior, Behavior<SupervisorMessage>>>()
  supervisor({})

  // @ts-expect-error the name says that jobs are taken here
  child(Worker, () => lines)
  // @ts-expect-error a child is started by a function, again for each new actor
  child('lines', lines)
  // @ts-expect-error OTP's words are not ours
  child('lines', () => lines, { restart: 'transient' })
  // @ts-expect-error shutdown is in milliseconds
  child('lines', () => lines, { shutdown: 'brutal-kill' })
  // @ts-expect-error strategies are written with dashes
  supervisor({ strategy: 'one_for_one' })
  // @ts-expect-error a behavior is no spec: child makes one
  supervisor({ children: [lines] })
  // @ts-expect-error what has an id is no spec yet: child makes one
  supervisor({ children: [{ id: 'lines' }] })
}

export async function asking(system: ActorSystem, spec: ChildSpec): Promise<void> {
  const family = system.spawn(supervisor({}))
  proof<Same<typeof family, ActorRef<SupervisorMessage>>>()
  const children = await family.ask({ type: 'children' })
  proof<Same<typeof children, ReadonlyArray<{ id: string; ref: AnyRef | undefined; restarts: number }>>>()
  const ref = await family.ask({ type: 'add', child: spec })
  proof<Same<typeof ref, AnyRef>>()
  family.send({ type: 'remove', id: spec.id })

  // @ts-expect-error a child is added by its spec
  await family.ask({ type: 'add', child: 'lines' })
  // @ts-expect-error a child is removed by its id
  family.send({ type: 'remove', child: spec })
}
