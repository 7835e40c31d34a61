// Runs inside a page: one system, an actor that counts, and a question to it.

import { type ActorRef, createSystem, receive } from 'whereabouts/core'

type Count = { type: 'add'; n: number } | { type: 'total'; replyTo: ActorRef<number> }

/** Adds 1 .. `upTo` by sends, and answers the sum. */
export async function addUp(upTo: number): Promise<number> {
  await using system = createSystem({ label: 'page' })
  const counter = system.spawn(
    receive(0, (total: number, message: Count) => {
      if (message.type === 'add') return total + message.n
      message.replyTo.send(total)
      return total
    })
  )
  for (let n = 1; n <= upTo; n++) while (!counter.send({ type: 'add', n })) await counter.ready()
  return await counter.ask({ type: 'total' })
}

/** Asks an actor that has ended, and answers the code of the error. */
export async function askTheDead(): Promise<unknown> {
  await using system = createSystem({ label: 'page' })
  const ref = system.spawn(receive(0, (total: number, _message: Count) => total))
  await system.stop(ref)
  return ref.ask({ type: 'total' }).catch((error: { code?: string }) => error.code)
}
