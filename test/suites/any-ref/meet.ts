// How the two systems of a cast meet: one actor in `far` is found by its name, and hands out the refs of all others.

import { type ActorRef, type ActorSystem, type AnyRef, actorName, setup } from '../../../runtime/index.ts'
import { type Cast, turn } from './cast.ts'

/** The one actor that is looked up by name; it hands out the refs of the others. */
type DoorMessage =
  | { type: 'ping'; replyTo: ActorRef<true> }
  | { type: 'pick'; number: number; replyTo: ActorRef<AnyRef> }
export const Door = actorName<DoorMessage>('door')

/** Puts the door into `far`, finds it from `near`, and makes the cast of the two. */
export async function meet(
  near: ActorSystem,
  far: ActorSystem,
  claim: boolean,
  ends: Array<() => unknown>,
  breaks?: { cut(): void; mend(): void }
): Promise<Cast> {
  const placed: AnyRef[] = []
  const inside = far.spawn(
    setup<DoorMessage>(() => ({
      receive(message) {
        if (message.type === 'ping') message.replyTo.send(true)
        else message.replyTo.send(placed[message.number] as AnyRef)
      }
    })),
    { name: Door }
  )
  if (claim) await far.register(Door, inside)
  const door = await near.lookup(Door)
  return {
    near,
    far,
    async place<M>(behavior: Parameters<typeof far.spawn<M>>[0], options?: Parameters<typeof far.spawn<M>>[1]) {
      const number = placed.push(far.spawn(behavior, options) as unknown as AnyRef) - 1
      return (await door.ask({ type: 'pick', number })) as unknown as ActorRef<M>
    },
    async settled() {
      // An answer comes after all that was sent before it, both ways. Three, because mail may lead to mail.
      for (let round = 0; round < 3; round++) {
        for (let rest = 0; rest < 3; rest++) await turn()
        await door.ask({ type: 'ping' })
      }
    },
    async end() {
      await Promise.all([near.shutdown(), far.shutdown()])
      for (const end of ends) await end()
    },
    ...breaks
  }
}
