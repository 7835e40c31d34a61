// How many questions are answered inside one system, one at a time and a hundred at a time?
// node ask.mjs <peer> <case>

import { kit } from './actors.mjs'
import { count, name, peer, report, seconds } from './program.mjs'

const { ask, pace = 1, reply, spawn } = await kit(peer)
const actor = spawn(message => reply(message, message.n + 1))

const inFlight = { 'one in flight': 1, '100 in flight': 100 }[name]

/** Every asker waits for its answer before it asks again. */
async function run(questions) {
  const each = Math.ceil(questions / inFlight)
  const askers = Array.from({ length: inFlight }, async () => {
    let sum = 0
    for (let n = 0; n < each; n++) sum += await ask(actor, { type: 'increment', n })
    if (sum !== (each * (each + 1)) / 2) throw new Error('wrong answers')
  })
  await Promise.all(askers)
  return each * inFlight
}

const questions = count(200_000, Math.max(pace, 0.25))
await run(questions / 20)
const began = performance.now()
const asked = await run(questions)
report({ rate: asked / seconds(began), unit: 'asks/s' })
process.exit(0)
