// Lines for a terminal: the time, a sign, and what happened. Colours only where somebody sees them.

const colours = process.stdout.isTTY === true && process.env.NO_COLOR === undefined

function style(code: number, end: number): (text: string) => string {
  return text => (colours ? `\u001b[${code}m${text}\u001b[${end}m` : text)
}

export const paint = {
  bold: style(1, 22),
  dim: style(2, 22),
  link: style(4, 24),
  green: style(32, 39),
  yellow: style(33, 39),
  red: style(31, 39),
  blue: style(34, 39)
}

const SIGNS = {
  join: paint.green('+'),
  leave: paint.dim('-'),
  add: paint.blue('∙'),
  crash: paint.red('!'),
  cut: paint.yellow('~'),
  back: paint.green('='),
  note: paint.dim(' ')
}

/** A name that strangers chose: without what a terminal would obey. */
export function name(label: string): string {
  return paint.bold(label.replace(/\p{Cc}/gu, ''))
}

export function say(what: keyof typeof SIGNS, text: string): void {
  const time = new Date().toLocaleTimeString('en-GB')
  console.log(`  ${paint.dim(time)}  ${SIGNS[what]}  ${text}`)
}
