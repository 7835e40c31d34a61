// Here: one system plays both parts, with messages passed by reference and with messages copied.

import { createSystem } from '../../runtime/index.ts'
import { turn } from '../suites/any-ref/cast.ts'
import { anyRef, type Cast } from '../suites/any-ref.ts'
import { quiet } from '../support/quiet.ts'

async function alone(copyMessages: boolean): Promise<Cast> {
  const system = createSystem({ label: 'alone', copyMessages, logger: quiet })
  return {
    near: system,
    far: system,
    place: async (behavior, options) => system.spawn(behavior, options),
    async settled() {
      // Nothing is sent and nothing handled for three rounds of the event loop.
      for (let still = 0, before = ''; still < 3; ) {
        const now = JSON.stringify(system.counters)
        still = now === before ? still + 1 : 0
        before = now
        await turn()
      }
    },
    end: () => system.shutdown()
  }
}

anyRef('in one system', () => alone(false), { remote: false, copies: false, trust: 'local', cuts: false })
anyRef('in one system that copies messages', () => alone(true), {
  remote: false,
  copies: true,
  trust: 'local',
  cuts: false
})
