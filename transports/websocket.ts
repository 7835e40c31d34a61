// Dials a WebSocket server, in browsers, workers and Node: hands the open connection to the link that asked for it.

import { ActorError } from '../runtime/actor/errors.ts'
import type { Connection, Transport } from '../runtime/peer/transport.ts'
import { isLoopback } from './loopback.ts'
import { WebSocketConnection, type WebSocketEvent, type WebSocketLike, WS_OPTIONS } from './websocket-connection.ts'

export interface WebSocketOptions {
  /** The class to dial with; default: the platform's own. Node 20 has none: pass that of the package `ws`. */
  WebSocket?: unknown
  /** Allows `ws:` to another machine: a private network, or a tunnel that encrypts. Whoever is between the two reads and writes everything. */
  unencrypted?: boolean
}

type WebSocketClass = new (url: string, protocols: string[], options: object) => WebSocketLike

/**
 * A transport to `url` (`ws:`, `wss:`, or in a page a path of the page's own server). Throws ACTOR_BAD_OPTION if the url is none,
 * if it is `ws:` to another machine and `unencrypted` does not allow that, or if the platform has no WebSocket. Dialling rejects
 * with ACTOR_UNREACHABLE and, where the platform tells them, the facts.
 */
export function webSocket(url: string | URL, options: WebSocketOptions = {}): Transport {
  const target = parse(url)
  const { WebSocket = globalThis.WebSocket } = options
  if (target.protocol === 'ws:' && options.unencrypted !== true && !isOwn(target.hostname)) {
    throw new ActorError(
      'ACTOR_BAD_OPTION',
      `webSocket: ws://${target.host} is another machine, and nothing would be encrypted; dial wss:, or spell it out: { unencrypted: true }.`
    )
  }
  if (typeof WebSocket !== 'function') {
    throw new ActorError(
      'ACTOR_BAD_OPTION',
      options.WebSocket === undefined
        ? "this platform has no WebSocket of its own; pass one: import { WebSocket } from 'ws', then webSocket(url, { WebSocket })."
        : `webSocket: the option WebSocket must be a class, not ${typeof WebSocket}.`
    )
  }
  const Socket = WebSocket as unknown as WebSocketClass
  return { kind: 'websocket', connect: signal => dial(Socket, target, signal), whenBack }
}

/** A browser that is online again, or a page that is looked at again: its timers may have slept. Elsewhere nobody tells. */
function whenBack(back: () => void): () => void {
  const page: Document | undefined = globalThis.document
  const looked = (): void => {
    if (page?.visibilityState === 'visible') back()
  }
  globalThis.addEventListener?.('online', back)
  page?.addEventListener('visibilitychange', looked)
  return () => {
    globalThis.removeEventListener?.('online', back)
    page?.removeEventListener('visibilitychange', looked)
  }
}

function parse(url: string | URL): URL {
  const base: string | undefined = globalThis.location?.href
  try {
    const target = new URL(url, base)
    if (target.protocol === 'http:') target.protocol = 'ws:'
    if (target.protocol === 'https:') target.protocol = 'wss:'
    target.hash = ''
    if (target.protocol === 'ws:' || target.protocol === 'wss:') return target
  } catch {
    // Told below, together with the other ways of being no address.
  }
  throw new ActorError(
    'ACTOR_BAD_OPTION',
    `webSocket: '${url}' is no address to dial; pass one like 'wss://host/path'.`
  )
}

/** A page's names under `localhost` are this machine too: browsers ask nobody for them. */
function isOwn(hostname: string): boolean {
  return isLoopback(hostname.replace(/^\[|\]$/g, '')) || hostname.endsWith('.localhost')
}

function dial(Socket: WebSocketClass, target: URL, signal: AbortSignal): Promise<Connection> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = make(Socket, target)
    const connection = new WebSocketConnection(socket)
    const settled = new AbortController()
    const settle = (how: () => void): void => {
      settled.abort()
      how()
    }
    const failed = (event: WebSocketEvent): void => settle(() => reject(unreachable(target, factsOf(event))))

    signal.addEventListener(
      'abort',
      () => {
        settle(() => reject(signal.reason))
        socket.close()
      },
      { signal: settled.signal }
    )
    socket.addEventListener('open', () => settle(() => resolve(connection)))
    // `ws` tells the facts here, a browser nothing; after the opening both are deaf, as the promise is settled.
    socket.addEventListener('error', failed)
    socket.addEventListener('close', failed)
    socket.on?.('upgrade', response =>
      connection.gather((response as { socket: Parameters<typeof connection.gather>[0] }).socket)
    )
  })
}

function make(Socket: WebSocketClass, target: URL): WebSocketLike {
  try {
    return new Socket(target.href, [], WS_OPTIONS)
  } catch (error) {
    // A page of https: may not dial ws:, and some ports are barred.
    throw unreachable(target, error instanceof Error ? error.message : String(error))
  }
}

function factsOf({ message, error, code }: WebSocketEvent): string {
  if (message !== undefined && message !== '') return message
  if (error instanceof Error) return error.message
  return code === undefined ? '' : `closed with code ${code}`
}

/** Tokens ride in queries and passwords in addresses, so neither is told. */
function unreachable({ protocol, host, pathname }: URL, facts: string): ActorError {
  const why = facts === '' ? 'and the platform does not say why' : `(${facts})`
  return new ActorError(
    'ACTOR_UNREACHABLE',
    `no WebSocket connection to ${protocol}//${host}${pathname} ${why}; ` +
      'see that a WebSocket server listens there, on this path, and takes callers of this origin.'
  )
}
