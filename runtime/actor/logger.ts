// Where the runtime and its actors write for people. The only file in runtime/ that knows the console.

export interface Logger {
  debug(text: string, facts?: object): void
  info(text: string, facts?: object): void
  warn(text: string, facts?: object): void
  error(text: string, facts?: object): void
}

/** Everything but `debug`, on the console. */
export function consoleLogger(): Logger {
  return {
    debug: () => {},
    info: (text, facts) => console.info(text, facts ?? ''),
    warn: (text, facts) => console.warn(text, facts ?? ''),
    error: (text, facts) => console.error(text, facts ?? '')
  }
}

/** A logger that cannot throw into the runtime, and adds the same facts to every line. */
export function safeLogger(logger: Logger, facts: () => object): Logger {
  const line = (level: keyof Logger) => (text: string, more?: object) => {
    try {
      logger[level](text, { ...facts(), ...more })
    } catch {
      // A logger that fails has nobody left to tell.
    }
  }
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}
