// Runs seeds of the simulator in several processes at once: for `npm run simulate`, and for the simulator's test. Started by
// itself, with the first seed, how many, the step from one to the next, and milliseconds after which none is begun, it is one
// of those processes and prints a line of JSON for each seed.

import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Outcome, runSeed } from '../runtime/testing/scenario.ts'

/** An outcome without what is long. */
export interface Told extends Omit<Outcome, 'strikes' | 'covered' | 'planned' | 'trace'> {
  readonly strikes: readonly string[]
  readonly covered: ReadonlyArray<readonly [string, number]>
}

export interface Seeds {
  readonly from: number
  readonly count: number
  readonly processes?: number
  /** Milliseconds after which no seed is begun any more. */
  readonly within?: number
  /** A fault of tools/plants.mjs in the sources. */
  readonly plant?: string
  /** After so many that broke a promise the others are left out. */
  readonly failures?: number
  readonly each?: (told: Told) => void
}

const here = fileURLToPath(import.meta.url)

/** What became of each, in the order of the seeds. */
export async function runSeeds(seeds: Seeds): Promise<Told[]> {
  const { from, count, processes = availableParallelism(), within = 1e9, plant, failures = Infinity, each } = seeds
  const all: Told[] = []
  const running = Array.from({ length: Math.min(processes, count) }, (_, n) => {
    const slice = [from + n, Math.ceil((count - n) / processes), processes, within].map(String)
    const env = plant === undefined ? process.env : { ...process.env, WHEREABOUTS_PLANT: plant }
    const hooks = fileURLToPath(new URL('./ts.mjs', import.meta.url))
    return spawn(process.execPath, ['--import', hooks, here, ...slice], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  })
  let broken = 0
  const ends = running.map(async child => {
    let error = ''
    child.stderr.setEncoding('utf8').on('data', text => {
      error += text
    })
    const over = new Promise<number | null>(resolve => child.on('close', resolve))
    for await (const line of createInterface(child.stdout)) {
      const told = JSON.parse(line) as Told
      all.push(told)
      each?.(told)
      if (told.violations.length > 0 && ++broken >= failures) for (const other of running) other.kill()
    }
    const code = await over
    if (code !== 0 && broken < failures) throw new Error(`a process of the simulator ended with ${code}: ${error}`)
  })
  try {
    await Promise.all(ends)
  } finally {
    for (const child of running) child.kill()
  }
  return all.sort((a, b) => a.seed - b.seed)
}

if (process.argv[1] === here) {
  const [from = 1, count = 1, step = 1, within = 0] = process.argv.slice(2).map(Number)
  // Nobody reads the stacks of errors that a run expects, and each costs more than its message.
  Error.stackTraceLimit = 0
  const began = performance.now()
  for (let n = 0; n < count && performance.now() - began < within; n++) {
    const { strikes, covered, planned: _planned, trace: _trace, ...rest } = await runSeed(from + n * step)
    process.stdout.write(`${JSON.stringify({ ...rest, strikes: [...strikes], covered: [...covered] })}\n`)
  }
}
