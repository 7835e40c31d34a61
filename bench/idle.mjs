// Does a message cost more while many actors are idle?
// node idle.mjs ours <"none idle" | "100,000 idle">

import { createSystem, receive, setup } from 'whereabouts/core'
import { count, deferred, name, report, seconds, turn } from './program.mjs'

const system = createSystem({ label: 'bench' })
const idle = receive(0, (total, _message) => total + 1)
const kept = Array.from({ length: name === 'none idle' ? 0 : count(100_000) }, () => system.spawn(idle))
for (const ref of kept) ref.send({ type: 'once' })
await turn()

async function ring(hops) {
  const end = deferred()
  const refs = Array.from({ length: 100 }, (_, at) =>
    system.spawn(
      setup(() => ({
        receive(message) {
          if (message.left === 0) end.resolve()
          else refs[at === 99 ? 0 : at + 1].send({ type: 'token', left: message.left - 1 })
        }
      }))
    )
  )
  refs[0].send({ type: 'token', left: hops })
  await end.promise
}

const hops = count(4_000_000)
await ring(hops / 25)
const began = performance.now()
await ring(hops)
report({ rate: hops / seconds(began), unit: 'messages/s', idle: kept.length })
process.exit(0)
