// A second process and how to speak with it: the program says what it can do with `serve`, and is called by name. For faults
// that need a process of their own: killed, stopped, or on another network.

import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

export type Methods<M> = { readonly [K in keyof M]: (...args: never[]) => unknown }

export interface Child<M extends Methods<M>> {
  /** Rejects with what the method threw, and when the process ends before it has answered. */
  call<K extends keyof M & string>(method: K, ...args: Parameters<M[K]>): Promise<Awaited<ReturnType<M[K]>>>
  signal(name: NodeJS.Signals): void
  /** Resolves when the process is no more. */
  readonly ended: Promise<void>
  /** Ends it however it is, and waits for that. */
  end(): Promise<void>
}

interface Call {
  readonly id: number
  readonly method: string
  readonly args: unknown[]
}

interface Result {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Starts a program of this repository; `on`: the network namespace it is to live in. */
export function child<M extends Methods<M>>(
  program: URL,
  { on, args = [], nice = 0 }: { on?: string | undefined; args?: string[]; nice?: number } = {}
): Child<M> {
  const node = [process.execPath, '--import', './tools/ts.mjs', fileURLToPath(program), ...args]
  const polite = nice === 0 ? node : ['nice', '-n', String(nice), ...node]
  const [command, ...rest] = on === undefined ? polite : ['ip', 'netns', 'exec', on, ...polite]
  const started: ChildProcess = spawn(command as string, rest, {
    cwd: root,
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let calls = 0
  let alive = true
  const ended = new Promise<void>(resolve => {
    const over = (): void => {
      alive = false
      for (const { reject } of waiting.values()) reject(new Error('the process has ended'))
      waiting.clear()
      resolve()
    }
    started.once('exit', over)
    started.once('error', over)
  })
  started.on('message', (result: Result) => {
    const call = waiting.get(result.id)
    waiting.delete(result.id)
    if (result.error === undefined) call?.resolve(result.value)
    else call?.reject(new Error(result.error))
  })
  return {
    call(method, ...args) {
      if (!alive) return Promise.reject(new Error('the process has ended'))
      const id = ++calls
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
        // Who was killed a moment ago takes nothing more; its exit tells the rest.
        started.send({ id, method, args } satisfies Call, () => {})
      })
    },
    signal: name => void started.kill(name),
    ended,
    end() {
      started.kill('SIGKILL')
      return ended
    }
  }
}

/** In the program: what it can be told to do. It ends with the one that started it. */
export function serve<M extends Methods<M>>(methods: M): void {
  process.on('disconnect', () => process.exit(0))
  process.on('message', async ({ id, method, args }: Call) => {
    const answer = (result: Omit<Result, 'id'>): void => void process.send?.({ id, ...result })
    try {
      answer({ value: await methods[method as keyof M](...(args as never[])) })
    } catch (error) {
      answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
}
