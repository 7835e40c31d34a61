// The door of `whereabouts`: all of `whereabouts/core`, with the network.

export * from './core.ts'
export type { Connection, ConnectionHello, Listener, Transport } from './peer/transport.ts'
/** Goes before that of the core, which has no network. */
export { createSystem } from './system.ts'
