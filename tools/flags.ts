// Flags of the commands in this folder: `--name value`.

export const given = (name: string): boolean => process.argv.includes(`--${name}`)

export function flag(name: string, otherwise: number): number {
  const value = Number(word(name) ?? otherwise)
  if (Number.isNaN(value)) throw new Error(`--${name} needs a number`)
  return value
}

export function word(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? undefined : process.argv[at + 1]
}
