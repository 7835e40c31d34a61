// How fast do messages go inside one system? The shapes are those of the Savina suite.
// node local.mjs <peer> <case>

import { kit } from './actors.mjs'
import { count, deferred, name, peer, report, seconds } from './program.mjs'

const { pace = 1, room, send, spawn } = await kit(peer)

/** Each case: how many messages to send, how many to warm up with, and a run that answers how many it has sent. */
const cases = {
  /** Two actors, one ball. */
  'ping-pong': {
    size: count(500_000, pace),
    async run(rounds) {
      const end = deferred()
      let left = rounds
      const pong = spawn(_message => send(ping, { type: 'pong' }))
      const ping = spawn(_message => {
        if (--left === 0) end.resolve()
        else send(pong, { type: 'ping' })
      })
      send(pong, { type: 'ping' })
      await end.promise
      return 2 * rounds
    }
  },

  /** A token goes round a hundred actors. */
  'thread ring': {
    size: count(1_000_000, pace),
    async run(hops) {
      const end = deferred()
      const ring = Array.from({ length: 100 }, (_, at) =>
        spawn(message => {
          if (message.left === 0) end.resolve()
          else send(ring[at === 99 ? 0 : at + 1], { type: 'token', left: message.left - 1 })
        })
      )
      send(ring[0], { type: 'token', left: hops })
      await end.promise
      return hops
    }
  },

  /** One actor floods another. Where a peer can tell that the way fills up, the producer heeds it. */
  counting: {
    size: count(1_000_000),
    async run(messages) {
      const end = deferred()
      let counted = 0
      const counter = spawn(message => {
        if (message.type === 'add') counted += message.n
        else end.resolve()
      })
      const flood = () => {
        for (let n = 0; n < messages; n++) send(counter, { type: 'add', n: 1 })
        send(counter, { type: 'end' })
      }
      const politeFlood = async () => {
        for (let n = 0; n < messages; n++) {
          send(counter, { type: 'add', n: 1 })
          const wait = room(counter)
          if (wait !== undefined) await wait
        }
        send(counter, { type: 'end' })
      }
      const producer = spawn(_message => (room === undefined ? flood() : politeFlood()))
      send(producer, { type: 'go' })
      await end.promise
      if (counted !== messages) throw new Error(`${counted} of ${messages} counted`)
      return messages
    }
  },

  /** Sixty actors are given work in turn, from outside. */
  'fork-join': {
    size: count(10_000),
    async run(each) {
      const end = deferred()
      let busy = 60
      const workers = Array.from({ length: 60 }, () => {
        let done = 0
        return spawn(_message => {
          work()
          if (++done === each && --busy === 0) end.resolve()
        })
      })
      for (let n = 0; n < each; n++) {
        for (const worker of workers) {
          send(worker, { type: 'work', n })
          const wait = room?.(worker)
          if (wait !== undefined) await wait
        }
      }
      await end.promise
      return 60 * each
    }
  },

  /** A hundred and twenty actors, each asking others at random. */
  big: {
    size: count(4_000, pace),
    async run(each) {
      const end = deferred()
      let busy = 120
      let seed = 12_345
      const anyone = () => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
        return actors[seed % 120]
      }
      const actors = Array.from({ length: 120 }, (_, me) => {
        let left = each
        return spawn(message => {
          if (message.type === 'ping') send(actors[message.from], { type: 'pong', from: me })
          else if (left-- === 0) {
            if (--busy === 0) end.resolve()
          } else send(anyone(), { type: 'ping', from: me })
        })
      })
      for (const actor of actors) send(actor, { type: 'pong', from: 0 })
      await end.promise
      return 2 * 120 * each
    }
  },

  /** A hundred creatures meet in pairs at one mall: everyone sends to one actor. */
  chameneos: {
    size: count(100_000, pace),
    async run(meetings) {
      const end = deferred()
      let left = meetings
      let here = 100
      let waiting
      const mall = spawn(message => {
        if (left === 0) {
          if (--here === 0) end.resolve()
        } else if (waiting === undefined) waiting = message
        else {
          left--
          send(creatures[waiting.from], { type: 'meet', from: message.from, colour: message.colour })
          waiting = undefined
        }
      })
      const creatures = Array.from({ length: 100 }, (_, from) => {
        let colour = from % 3
        return spawn(message => {
          if (message.type === 'meet') {
            colour = mixed(colour, message.colour)
            send(creatures[message.from], { type: 'change', colour })
          } else colour = message.colour
          send(mall, { type: 'request', from, colour })
        })
      })
      for (const [from] of creatures.entries()) send(mall, { type: 'request', from, colour: from % 3 })
      await end.promise
      return 4 * meetings
    }
  }
}

function work() {
  const sine = Math.sin(37.2)
  if (sine * sine <= 0) throw new Error('not a number to come from a sine')
}

function mixed(one, other) {
  return one === other ? one : 3 - one - other
}

const { run, size } = cases[name]
await run(Math.max(100, Math.round(size / 25)))
const began = performance.now()
const messages = await run(size)
report({ rate: messages / seconds(began), unit: 'messages/s' })
process.exit(0)
