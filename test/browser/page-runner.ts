// Inside a page: runs cases written for mocha, one after the other, and tells what became of them. `describe`, `it` and the
// hooks are as much of mocha as the suites use.

export interface Outcome {
  readonly passed: number
  /** The full title of each case that failed, and why. */
  readonly failures: string[]
}

type Hook = () => unknown
type Case = (this: { timeout(milliseconds: number): void }) => unknown

interface Group {
  readonly title: string
  readonly before: Hook[]
  readonly after: Hook[]
}

interface Test {
  readonly groups: readonly Group[]
  readonly title: string
  readonly run: Case
}

/** Runs whatever cases `define` makes. */
export async function runCases(define: () => void): Promise<Outcome> {
  const failures: string[] = []
  const tests = collect(define)
  for (const test of tests) {
    const title = [...test.groups.map(group => group.title), test.title].join(' › ')
    const before = test.groups.flatMap(group => group.before)
    const after = test.groups.flatMap(group => group.after)
    const failed = (error: unknown): void => {
      failures.push(`${title}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
    try {
      for (const hook of before) await hook()
      await inTime(test.run)
    } catch (error) {
      failed(error)
    }
    try {
      for (const hook of after) await hook()
    } catch (error) {
      failed(error)
    }
  }
  return { passed: tests.length - failures.length, failures }
}

function collect(define: () => void): readonly Test[] {
  const tests: Test[] = []
  let groups: readonly Group[] = []
  const here = (): Group => {
    const group = groups.at(-1)
    if (group === undefined) throw new Error('hooks and cases stand inside of a describe')
    return group
  }
  Object.assign(globalThis, {
    describe(title: string, fill: () => void) {
      groups = [...groups, { title, before: [], after: [] }]
      fill()
      groups = groups.slice(0, -1)
    },
    beforeEach: (hook: Hook) => here().before.push(hook),
    afterEach: (hook: Hook) => here().after.push(hook),
    it: (title: string, run: Case) => tests.push({ groups, title, run })
  })
  define()
  return tests
}

/** As long as mocha would wait, or as long as the case says itself. */
function inTime(run: Case): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const timeout = (milliseconds: number): void => {
      clearTimeout(timer)
      timer = setTimeout(() => reject(new Error(`not done within ${milliseconds} ms`)), milliseconds)
    }
    timeout(10_000)
    Promise.resolve(run.call({ timeout }))
      .then(
        () => resolve(),
        (error: unknown) => reject(error)
      )
      .finally(() => clearTimeout(timer))
  })
}
