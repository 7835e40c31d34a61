// What a system holds for others, in bytes, and how much more it may: mail that waits in mailboxes, batches that wait to be
// read or acknowledged, parts of chunks, relayed frames. Peers (peer.ts), associations and the hub count here, each on an
// account of its own, and ask it before they take more.
//
// Up to half of the budget guests may take what they like. From there to three quarters each may hold a part of what is left
// of that, and no more: those who fill everything stop one another, and there is always a little for those who hold nothing,
// so that answers and honest guests go on. The last quarter is for nodes, who are never refused the little that lets their
// work end.

/** So little, in bytes, a node may always hold: one batch of any size, so that every answer gets through. */
export const FLOOR = 65_536
/** The part of what is left that one guest may hold when memory is short: a thousand greedy ones leave a thirtieth of it. */
const PART = 1 / 32
/** What a message in a mailbox takes beside its bytes: its envelope, its place in the queue, the head of its object. */
export const MAIL_COST = 160
/** What a batch takes beside its items: its head, its array, and its entry in a queue. */
export const BATCH_COST = 320

export class Memory {
  readonly budget: number
  /** Bytes held for others in all, and for guests of these. */
  taken = 0
  guests = 0
  /** From here on it is short: for everybody, for guests, and for nodes who find most of it taken by guests. */
  readonly #short: number
  readonly #shortOfGuests: number
  readonly #nodes: number
  readonly #mostOfGuests: number
  readonly #lines = { guests: new Line(), nodes: new Line() }
  #waiting = false
  /** Given back since the last of those who queue was told. */
  #freed = 0

  constructor(budget: number) {
    this.budget = budget
    this.#short = budget * 0.875
    this.#shortOfGuests = budget / 2
    this.#nodes = budget / 4
    this.#mostOfGuests = budget * 0.75
  }

  account(guest: boolean): Account {
    return new Account(this, guest)
  }

  /** Bytes until the budget is used up. */
  get room(): number {
    return Math.max(0, this.budget - this.taken)
  }

  /** Whether there is plenty, for guests or for nodes. */
  free(guest: boolean): boolean {
    const { taken, guests } = this
    if (guest) return guests < this.#shortOfGuests && taken < this.#short
    return taken < this.#short || taken - guests < this.#nodes
  }

  /** Whether nothing more may be held, and nobody more let in. */
  full(guest: boolean): boolean {
    return this.taken >= this.budget || (guest && this.guests >= this.#mostOfGuests)
  }

  /** How much one account may hold while memory is short. */
  share(guest: boolean): number {
    if (!guest) return FLOOR
    return this.taken >= this.budget ? 0 : (this.#mostOfGuests - this.guests) * PART
  }

  /** @internal */
  took(bytes: number, guest: boolean): void {
    this.taken += bytes
    if (guest) this.guests += bytes
    if (this.#waiting && bytes < 0) this.#gave(-bytes)
  }

  /** @internal */
  line(guest: boolean): Line {
    this.#waiting = true
    return guest ? this.#lines.guests : this.#lines.nodes
  }

  #gave(bytes: number): void {
    const { guests, nodes } = this.#lines
    this.#freed += bytes
    this.#tell(guests, true)
    this.#tell(nodes, false)
    this.#waiting = !guests.empty || !nodes.empty
  }

  /** Those who queue are told one after the other: all at once they would send what only one has room for. */
  #tell(line: Line, guest: boolean): void {
    while (this.free(guest) && next(line.waiting)) {}
    // With next to nothing held there may be no more occasion to tell them.
    while (this.free(guest) && (this.#freed >= FLOOR || this.taken < this.budget / 16) && next(line.queue))
      this.#freed = 0
  }
}

export interface Waiting {
  /** There is plenty of memory again. */
  plenty(): void
}

/** Those of one kind who are to hear when there is plenty again: at once, or one after the other. */
class Line {
  readonly waiting = new Set<Waiting>()
  readonly queue = new Set<Waiting>()

  get empty(): boolean {
    return this.waiting.size === 0 && this.queue.size === 0
  }
}

/** Tells the first; `false`: nobody is there. */
function next(line: Set<Waiting>): boolean {
  for (const each of line) {
    line.delete(each)
    each.plenty()
    return true
  }
  return false
}

/** What is held for one system, or for one guest and all below it together. */
export class Account {
  readonly memory: Memory
  readonly guest: boolean
  held = 0
  /** Messages in parts whose bytes have been counted before they come, and bytes that are taken for that reason. */
  #streams = 0
  #promised = 0

  constructor(memory: Memory, guest: boolean) {
    this.memory = memory
    this.guest = guest
  }

  take(bytes: number): void {
    this.held += bytes
    this.memory.took(bytes, this.guest)
  }

  give(bytes: number): void {
    this.held -= bytes
    this.memory.took(-bytes, this.guest)
  }

  /** Counts so many bytes instead of what was counted. */
  hold(bytes: number): void {
    if (bytes !== this.held) this.take(bytes - this.held)
  }

  get free(): boolean {
    return this.memory.free(this.guest)
  }

  /** Whether `bytes` more may be held now. */
  admits(bytes: number): boolean {
    const { memory, guest } = this
    if (memory.free(guest)) return true
    if (bytes > 0 && this.#promised >= bytes) return true
    return this.held + bytes <= memory.share(guest)
  }

  /** Whether there is room for more than the next message. */
  get roomy(): boolean {
    return this.free || this.held <= this.memory.share(this.guest) / 2
  }

  /** So many bytes have come in. */
  came(bytes: number): void {
    if (this.#promised > 0 && !this.free) this.#promised = Math.max(0, this.#promised - bytes)
  }

  /** A message in parts has begun. What could not be completed would be held for ever, so its bytes count from now on. */
  promise(bytes: number): void {
    this.take(bytes)
    this.#streams += 1
    this.#promised += bytes
  }

  /** It is complete, or given up. */
  redeem(bytes: number): void {
    this.give(bytes)
    this.#streams -= 1
    if (this.#streams === 0) this.#promised = 0
  }

  /** Is told once, when there is plenty again. */
  wait(who: Waiting): void {
    this.memory.line(this.guest).waiting.add(who)
  }

  /** The same, for those whose bytes come only after they were told: one after the other. */
  queue(who: Waiting): void {
    this.memory.line(this.guest).queue.add(who)
  }

  forget(who: Waiting): void {
    const { waiting, queue } = this.memory.line(this.guest)
    waiting.delete(who)
    queue.delete(who)
  }
}
