// What the tests of one system share: a system under a manual clock, with everything it tells collected.

import type { ActorSystem, DeadLetter, SystemOptions } from 'whereabouts/core'
import { createSystem } from 'whereabouts/core'
import { ManualClock } from '../../../runtime/testing/manual-clock.ts'

export interface Line {
  readonly level: string
  readonly text: string
  readonly facts: Record<string, unknown>
}

export interface Machine {
  readonly system: ActorSystem
  readonly clock: ManualClock
  readonly letters: DeadLetter[]
  readonly lines: Line[]
}

export function machine(options: SystemOptions = {}): Machine {
  const clock = new ManualClock()
  const lines: Line[] = []
  const line = (level: string) => (text: string, facts?: object) => {
    lines.push({ level, text, facts: { ...facts } })
  }
  const logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
  const system = createSystem({ clock, logger, ...options })
  const letters: DeadLetter[] = []
  system.watchDeadLetters(letter => letters.push(letter))
  return { system, clock, letters, lines }
}

/** The same cases with messages passed by reference and copied. */
export function inBothModes(title: string, cases: (start: (options?: SystemOptions) => Machine) => void): void {
  for (const copyMessages of [false, true]) {
    describe(copyMessages ? `${title}, messages copied` : title, () => {
      cases(options => machine({ copyMessages, ...options }))
    })
  }
}

/** The code that a promise rejects with, or `resolved`. */
export async function codeOfRejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
}

/** The code that a call throws, or `returned`. */
export function codeOfThrow(call: () => unknown): unknown {
  try {
    call()
    return 'returned'
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
}
