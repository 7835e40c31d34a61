// What every benchmark program shares: it is one process for one peer and one case, and prints one line of JSON.

const words = process.argv.slice(2).filter(word => !word.startsWith('--'))

/** `node <question>.mjs <peer> <case>` */
export const [peer, name] = words

/** `--quick` proves that a program works, not how fast it is. */
export const quick = process.argv.includes('--quick')

/** How many of `full` to do; slow peers do fewer of the same. */
export function count(full, pace = 1) {
  return Math.max(100, Math.round(full * pace * (quick ? 0.02 : 1)))
}

/** `rate` is per second; for other kinds of figures `value` with a lower-is-better unit. */
export function report(figures) {
  console.log(JSON.stringify({ peer, case: name, ...figures }))
}

export function seconds(began) {
  return (performance.now() - began) / 1000
}

/** Bytes in use on the heap, after everything that can go has gone. */
export function heapInUse() {
  for (let pass = 0; pass < 4; pass++) globalThis.gc()
  return process.memoryUsage().heapUsed
}

/** Lets the event loop go round once. */
export function turn() {
  return new Promise(resolve => setImmediate(resolve))
}

export function deferred() {
  let resolve
  const promise = new Promise(done => {
    resolve = done
  })
  return { promise, resolve }
}

export function percentile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]
}
