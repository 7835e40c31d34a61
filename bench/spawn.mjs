// What does an actor cost: to spawn, to keep idle, and for one message from birth to end?
// node --expose-gc spawn.mjs <peer> <case>

import { kit } from './actors.mjs'
import { count, deferred, heapInUse, name, peer, report, seconds, turn } from './program.mjs'

const { send, spawn, spawnShared, stop } = await kit(peer)

const cases = {
  /** With `setup`, or what comes nearest to it: a closure of its own for every actor. */
  'spawn setup': () => keepMany(() => spawn(message => void message)),

  /** With one behavior that all share. */
  'spawn shared': () => keepMany(spawnShared),

  /** Create, one message, stop. */
  'one message': async () => {
    const run = async actors => {
      const end = deferred()
      let left = actors
      for (let n = 0; n < actors; n++) {
        const ref = spawn((_message, self) => {
          stop(self)
          if (--left === 0) end.resolve()
        })
        send(ref, { type: 'work' })
      }
      await end.promise
      await turn()
    }
    const actors = count(40_000)
    await run(Math.round(actors / 10))
    const began = performance.now()
    await run(actors)
    report({ rate: actors / seconds(began), unit: 'actors/s' })
  }
}

async function keepMany(make) {
  const kept = new Array(count(100_000)).fill(undefined)
  for (let n = 0; n < 200; n++) make()
  await turn()
  const before = heapInUse()
  const began = performance.now()
  for (let n = 0; n < kept.length; n++) kept[n] = make()
  await turn()
  const rate = kept.length / seconds(began)
  const bytes = Math.round((heapInUse() - before) / kept.length)
  report({ rate, unit: 'actors/s', bytes, kept: kept.length })
}

await cases[name]()
process.exit(0)
