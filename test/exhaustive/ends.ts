// Every value that a side has had, each once, and what became of it by which input: two sides in millions of combinations
// have few states of their own, so the real association runs once for each of them.

import { End, type Input, type Open, textOf } from './end.ts'

export interface Outcome {
  readonly end: number
  /** Lines and frames, in turn, as numbers. */
  readonly sent: readonly number[]
  readonly wrong: string | undefined
  /** The change of the association's phase, if it changed. */
  readonly transition: string | undefined
}

export class Ends {
  readonly #ends: End[] = []
  readonly #numbers = new Map<string, number>()
  readonly #frames: Uint8Array[] = []
  readonly #frameNumbers = new Map<string, number>()
  readonly #outcomes = new Map<string, Outcome>()
  readonly first: number

  constructor(module: Open) {
    this.first = this.#number(new End(module))
  }

  get(number: number): End {
    return this.#ends[number] as End
  }

  get size(): number {
    return this.#ends.length
  }

  /** `arg` is what the input speaks of: a line, a span of time, or line and frame as one number. */
  after(number: number, is: Input['is'], arg = 0): Outcome {
    const key = `${number} ${is} ${arg}`
    const known = this.#outcomes.get(key)
    if (known !== undefined) return known
    const before = this.get(number)
    const end = before.after(this.#input(is, arg))
    const sent = end.sent.flatMap(({ line, frame }) => [line, this.#frame(frame)])
    end.sent = []
    const [from, to] = [phaseOf(before), phaseOf(end)]
    const transition = from === to ? undefined : `${from} --${is}--> ${to}`
    const outcome = { end: this.#number(end), sent, wrong: end.wrong, transition }
    this.#outcomes.set(key, outcome)
    return outcome
  }

  #input(is: Input['is'], arg: number): Input {
    switch (is) {
      case 'up':
      case 'down':
        return { is, line: arg }
      case 'age':
        return { is, by: arg }
      case 'hear':
        return { is, line: arg % 2, frame: this.#frames[arg >> 1] as Uint8Array }
      default:
        return { is }
    }
  }

  #number(end: End): number {
    const { digest } = end
    let number = this.#numbers.get(digest)
    if (number === undefined) {
      number = this.#ends.push(end) - 1
      this.#numbers.set(digest, number)
    }
    return number
  }

  #frame(frame: Uint8Array): number {
    const text = textOf(frame)
    let number = this.#frameNumbers.get(text)
    if (number === undefined) {
      number = this.#frames.push(frame) - 1
      this.#frameNumbers.set(text, number)
    }
    return number
  }
}

/** The states that docs/architecture.md draws. */
function phaseOf({ association }: End): string {
  const { epoch } = association
  const { $path, $flow } = association as unknown as { $path: unknown; $flow: string }
  if ($path === undefined) return `${epoch === undefined ? 'no epoch' : epoch.answered ? 'open' : 'opening'}, no path`
  if (epoch === undefined) return 'no epoch'
  return $flow === 'resuming' ? 'resuming' : epoch.answered ? 'open' : 'opening'
}
