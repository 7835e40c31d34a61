// One tab: its own counter, a gauge for every counter there is, and the link to Node with scissors in it.

import { type ActorRef, type Behavior, createSystem, setup } from 'whereabouts'
import { webSocket } from 'whereabouts/websocket'
import { notebook } from './counter.ts'
import { cuttable } from './cuttable.ts'
import { Counter, type CounterMessage, type Reading, type Visitor, Visitors, visitorOf } from './messages.ts'
import { type Card, type CardFacts, type Person, View } from './view.ts'
import { addMany, drawName, ownCounter, signature } from './visitor.ts'

/** Seconds after which a cut wire is mended, unless it was mended before: six, or what the page was opened with (`/?cut=20`). */
const CUT_FOR = Number(new URLSearchParams(location.search).get('cut') ?? 6)
const NODE_HUE = 160

const me = drawName()
const system = createSystem({ label: me.name })
const who = signature(system)
const view = new View(document, () => (scissors.isCut ? mend() : snip()))
// Over http: the page itself came unencrypted: what it says need not be better kept.
const unencrypted = location.protocol === 'http:'
const { transport, scissors } = cuttable(webSocket(new URL('/actors', location.href), { unencrypted }))

view.tabTitle(me.name)

// The counter of this tab -----------------------------------------------------------------------------------------------

const own = await ownCounter(system, notebook(), () => {})
show(own, { at: 'here', title: 'This tab', note: 'you', hue: me.hue })

// The link to Node ------------------------------------------------------------------------------------------------------

const link = await system.connect(transport, { backoff: { min: 100, max: 1000 } })
let cutOff: number | undefined
view.wire(link.status)
view.scissors(undefined)
link.onStatus(status => {
  view.wire(status)
  if (status !== 'connected') view.waiting(link.pending)
  if (status === 'suspended') cutOff ??= performance.now()
  if (status !== 'connected' || cutOff === undefined) return
  view.say(`Connected again after ${((performance.now() - cutOff) / 1000).toFixed(1)} s.`)
  cutOff = undefined
})

async function meetNode(): Promise<void> {
  const counter = await system.lookup(Counter, { within: 3_600_000 })
  const pulse = system.spawn(roundTrips(counter))
  show(counter, { at: 'there', title: 'Node', note: 'the server', hue: NODE_HUE }, () => {
    view.say('The process that had the counter in Node is gone. A new one starts at zero.')
    void system.stop(pulse)
    void meetNode()
  })
}

/** Asks twice a second, and shows how long the answer took; or, while there is no link, how much waits for it. */
function roundTrips(counter: ActorRef<CounterMessage>): Behavior<{ type: 'beat' }> {
  return setup<{ type: 'beat' }>(ctx => {
    ctx.timers.every('beat', 500, { type: 'beat' })
    return {
      async receive() {
        if (link.status !== 'connected') return view.waiting(link.pending)
        const asked = performance.now()
        await ctx.ask(counter, { type: 'read' }, { within: 5000 }).then(
          () => view.roundTrip(performance.now() - asked),
          () => {}
        )
      }
    }
  })
}

// Who is here -----------------------------------------------------------------------------------------------------------

const shown = new Map<ActorRef<CounterMessage>, { card: Card; stop: () => void; name: string }>()

system.members(Visitors, members => {
  for (const [ref, gone] of shown) {
    if (members.has(ref)) continue
    shown.delete(ref)
    gone.stop()
    view.say(`${gone.name} has left.`)
  }
  const people: Person[] = [
    { name: me.name, hue: me.hue, note: 'you', reachable: true },
    { name: 'Node', hue: NODE_HUE, note: 'hub', reachable: true }
  ]
  for (const [ref, { reachable, facts }] of members) {
    if (ref === own) continue
    const { name, kind, hue } = visitorOf(facts)
    people.push({ name, hue, note: kind, reachable })
    let known = shown.get(ref)
    if (known === undefined) {
      const note = kind === 'tab' ? 'another tab' : 'a terminal'
      known = { ...show(ref, { at: 'others', title: name, note, hue }), name }
      shown.set(ref, known)
      view.say(`${name} is here.`)
    }
    known.card.reachable(reachable)
  }
  view.people(people)
})

// Counters and their gauges ---------------------------------------------------------------------------------------------

function show(counter: ActorRef<CounterMessage>, facts: Omit<CardFacts, 'add' | 'crash'>, gone = (): void => {}) {
  let sent = 0
  const card = view.card({
    ...facts,
    add: times => {
      const before = sent
      view.busy()
      addMany(counter, who, times, count => {
        sent = before + count
        card.sent(sent)
      }).catch(() => view.say(`The counter of ${facts.title} takes nothing any more.`))
    },
    crash: () => counter.send({ type: 'crash', who })
  })
  const gauge = system.spawn(
    gaugeOf(counter, card, facts.title, () => {
      card.remove()
      gone()
    })
  )
  const stop = (): void => {
    card.remove()
    void system.stop(gauge)
  }
  return { card, stop }
}

/** Follows one counter, wherever it is, and keeps its card up to date. */
function gaugeOf(counter: ActorRef<CounterMessage>, card: Card, title: string, gone: () => void): Behavior<Reading> {
  return setup<Reading>(ctx => {
    let life = 0
    ctx.watch(counter)
    ctx.send(counter, { type: 'follow', who, replyTo: ctx.self })
    return {
      receive: reading => {
        card.show({ total: reading.total, counted: reading.yours, life: reading.life })
        if (life > 0 && reading.life > life) {
          view.say(
            `The counter of ${title} crashed. Its supervisor has started it again, at ${reading.total.toLocaleString('en')}.`
          )
        }
        life = reading.life
      },
      stopped: () => {
        gone()
        ctx.stop()
      }
    }
  })
}

// Scissors --------------------------------------------------------------------------------------------------------------

let mending: ReturnType<typeof setInterval> | undefined

function snip(): void {
  const until = performance.now() + CUT_FOR * 1000
  const count = (): void => {
    const left = Math.ceil((until - performance.now()) / 1000)
    if (left > 0) view.scissors(left)
    else mend()
  }
  scissors.cut()
  view.say('You cut the wire. Count on: what you send waits here.')
  mending = setInterval(count, 250)
  count()
}

function mend(): void {
  clearInterval(mending)
  scissors.mend()
  view.scissors(undefined)
}

await system.join(Visitors, own, { ...me, kind: 'tab' } satisfies Visitor)
await meetNode()

// A closed tab says goodbye; one that comes back out of the browser's cache begins anew.
addEventListener('pagehide', () => void link.disconnect())
addEventListener('pageshow', event => {
  if (event.persisted) location.reload()
})
