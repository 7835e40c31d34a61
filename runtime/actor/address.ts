// An address names one thing in one system: `<kind>:<system id>/<id>`. Holding it is the permission to send, so it is a
// secret: errors, letters and logs show labels.

/** `actor` is in use; the other kinds are reserved, and mail for a kind that is not known here is a dead letter. */
export interface Address {
  readonly kind: string
  readonly system: string
  readonly id: string
}

/** Longer than any address this runtime makes (75), short enough to keep hostile ones from filling tables. */
export const MAX_ADDRESS = 256

const SHAPE = /^([a-z]{1,16}):([\w-]{1,64})\/([\w.~-]{1,128})$/

export function formatAddress(kind: string, system: string, id: string): string {
  return `${kind}:${system}/${id}`
}

/** `undefined` for what is no address. */
export function parseAddress(text: string): Address | undefined {
  if (text.length > MAX_ADDRESS) return undefined
  const found = SHAPE.exec(text)
  if (found === null) return undefined
  return { kind: found[1] as string, system: found[2] as string, id: found[3] as string }
}

/** The part of an address that tells its actor from the others of its system. */
export function actorIdOf(address: string): string {
  return address.slice(address.indexOf('/') + 1)
}
