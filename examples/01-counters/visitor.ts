// What a tab and a terminal have in common: a name to be known by, and a counter of their own that others may use.

import { type ActorRef, type ActorSystem, actorName } from 'whereabouts'
import { child, supervisor } from 'whereabouts/supervisor'
import { counter, type Notebook } from './counter.ts'
import type { CounterMessage } from './messages.ts'

const HOW = ['brisk', 'calm', 'early', 'gentle', 'keen', 'late', 'merry', 'nimble', 'quiet', 'sly', 'steady', 'swift']
const WHO = [
  'badger',
  'crane',
  'dormouse',
  'finch',
  'heron',
  'lynx',
  'marten',
  'otter',
  'plover',
  'stoat',
  'tern',
  'wren'
]

/** `quiet heron`, and a colour for it: any but the green of Node. */
export function drawName(): { name: string; hue: number } {
  return { name: `${pick(HOW)} ${pick(WHO)}`, hue: (200 + Math.floor(Math.random() * 19) * 15) % 360 }
}

function pick(words: readonly string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? ''
}

/** What a counter writes down as the giver. Two visitors may have drawn one name, so a piece of the system's id follows. */
export function signature(system: ActorSystem): string {
  return `${system.label}/${system.id.slice(0, 6)}`
}

export function nameIn(who: string): string {
  return who.split('/')[0] ?? who
}

const Own = actorName<CounterMessage>('own counter')

/** Twenty crashes in ten seconds are allowed: here they are the sport of it. */
export const PATIENCE = { restarts: 20, within: 10_000 }

/** Spawns the visitor's own counter below a supervisor. */
export async function ownCounter(
  system: ActorSystem,
  book: Notebook,
  born: (life: number) => void
): Promise<ActorRef<CounterMessage>> {
  const family = system.spawn(supervisor({ limit: PATIENCE, children: [child(Own, () => counter(book, born))] }))
  // Actors start in turns of their own; once the supervisor answers, its children are there.
  await family.ask({ type: 'children' })
  const own = system.find(Own)
  if (own === undefined) throw new Error('the supervisor did not start the counter')
  return own
}

/** Adds one so many times; `taken` hears how many were accepted so far. */
export async function addMany(
  counter: ActorRef<CounterMessage>,
  who: string,
  times: number,
  taken: (count: number) => void
): Promise<void> {
  for (let count = 1; count <= times; count++) {
    // `false` means that there is no room and the message is still ours.
    while (!counter.send({ type: 'add', by: 1, who })) {
      taken(count - 1)
      await counter.ready()
    }
  }
  taken(times)
}
