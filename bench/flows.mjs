// What is measured of a wire: a flood that ends when the other side has counted it, and round trips one after the other.

import { deferred, percentile, report, seconds } from './program.mjs'

export const small = () => ({ type: 'add', n: 1 })

export function large(bytes) {
  const data = new Uint8Array(bytes).fill(7)
  return () => ({ type: 'data', data })
}

/** `pause`, if there is one, is waited for after every message; otherwise the producer waits when the way fills up. */
export async function oneWay(wire, messages, make, pause) {
  await flood(wire, Math.round(messages / 5), make, pause)
  const began = performance.now()
  await flood(wire, messages, make, pause)
  report({ rate: messages / seconds(began), unit: 'messages/s' })
}

async function flood({ counted, ready, room, send }, messages, make, pause) {
  for (let n = 0; n < messages; n++) {
    const message = make()
    while (!send(message)) await ready()
    const wait = pause === undefined ? room() : pause()
    if (wait !== undefined) await wait
  }
  const arrived = await counted()
  if (arrived !== messages) throw new Error(`${arrived} of ${messages} arrived`)
}

export async function roundTrips(wire, asks) {
  await times(wire, Math.round(asks / 5))
  const began = performance.now()
  const sorted = (await times(wire, asks)).sort()
  const micros = part => Math.round(percentile(sorted, part) * 10_000) / 10
  report({ rate: asks / seconds(began), unit: 'asks/s', p50: micros(0.5), p99: micros(0.99) })
}

/** Milliseconds each. */
function times({ echo }, asks) {
  const taken = new Float64Array(asks)
  const end = deferred()
  let n = 0
  const next = () => {
    const asked = performance.now()
    echo({ type: 'echo', n }).then(() => {
      taken[n] = performance.now() - asked
      if (++n === asks) end.resolve(taken)
      else next()
    })
  }
  next()
  return end.promise
}
