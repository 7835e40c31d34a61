// What a ref takes and refuses. Compiled, never run.

import type { ActorRef, ActorSystem, AnyRef } from '../../runtime/index.ts'
import { proof, type Same } from './same.ts'

type Deposit = { type: 'deposit'; amount: number }
type Withdraw = { type: 'withdraw'; amount: number; replyTo: ActorRef<boolean> }
type Balance = { type: 'balance'; replyTo: ActorRef<number> }
type Bank = Deposit | Withdraw | Balance

export function sending(bank: ActorRef<Bank>, slot: ActorRef<Deposit>, answers: ActorRef<number>, any: AnyRef): void {
  bank.send({ type: 'deposit', amount: 1 })
  bank.send({ type: 'balance', replyTo: answers })
  proof<Same<ReturnType<typeof bank.send>, boolean>>()

  // @ts-expect-error a bank takes no such message
  bank.send({ type: 'rob', amount: 1 })
  // @ts-expect-error an amount is a number
  bank.send({ type: 'deposit', amount: '1' })
  // @ts-expect-error a message has all its fields
  bank.send({ type: 'deposit' })
  // @ts-expect-error a message has no fields of other messages
  bank.send({ type: 'deposit', amount: 1, replyTo: answers })
  // @ts-expect-error a question sent by hand says where the answer goes
  bank.send({ type: 'balance' })
  // @ts-expect-error a slot takes deposits and nothing else
  slot.send({ type: 'balance', replyTo: answers })
  // @ts-expect-error of an AnyRef only the identity matters: it cannot be sent to
  any.send({ type: 'deposit', amount: 1 })
  // @ts-expect-error not even undefined can be sent to an AnyRef
  any.send(undefined)
  // @ts-expect-error an AnyRef cannot be asked
  any.ask({ type: 'balance' })
}

export function narrowing(bank: ActorRef<Bank>, slot: ActorRef<Deposit>, anything: ActorRef<unknown>): void {
  const visitor: ActorRef<Deposit> = bank
  const some: ActorRef<Bank> = anything
  const identities: AnyRef[] = [bank, slot, anything, visitor, some]
  identities.includes(bank)

  // @ts-expect-error a ref that takes only deposits is not a bank
  const widened: ActorRef<Bank> = slot
  // @ts-expect-error an AnyRef is not a ref that takes something
  const back: ActorRef<Deposit> = identities[0] as AnyRef
  // @ts-expect-error a ref that takes a bank's messages does not take everything
  const unknowns: ActorRef<unknown> = bank
  void [widened, back, unknowns]
}

export function replying(bank: ActorRef<Bank>, flags: ActorRef<boolean>, either: ActorRef<boolean | number>): void {
  bank.send({ type: 'withdraw', amount: 1, replyTo: flags })
  bank.send({ type: 'withdraw', amount: 1, replyTo: either })
  // @ts-expect-error numbers are answered here, and this ref takes only booleans
  bank.send({ type: 'balance', replyTo: flags })
}

export function reading(bank: ActorRef<Bank>): void {
  proof<Same<typeof bank.address, string>>()
  proof<Same<typeof bank.label, string>>()
  proof<Same<typeof bank.pressed, boolean>>()
  proof<Same<ReturnType<typeof bank.ready>, Promise<void>>>()
  void bank.ready({ within: 100, signal: new AbortController().signal })

  // @ts-expect-error an address is read, never written
  bank.address = 'actor:x/y'
  // @ts-expect-error milliseconds are a number
  void bank.ready({ within: '1s' })
}

export async function systems(system: ActorSystem, bank: ActorRef<Bank>): Promise<void> {
  const revived = system.ref<Deposit>('actor:x/y')
  proof<Same<typeof revived, ActorRef<Deposit>>>()
  await system.stop(bank)
  proof<Same<typeof system.counters.sent, number>>()

  // @ts-expect-error the counters are read only
  system.counters.sent = 0
  // @ts-expect-error an address is not a ref
  await system.stop(bank.address)
}
