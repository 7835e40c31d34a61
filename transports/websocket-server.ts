// Accepts WebSockets in Node, on a port of its own or on a given http.Server, and hands each to the gateway that listens.
// Whatever a caller does before or after the upgrade ends that caller's socket only. Without TLS it serves this machine alone,
// unless the options spell it out.

import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { statusHandler } from '../hosting/status.ts'
import { ActorError, codeOf } from '../runtime/actor/errors.ts'
import type { Connection, ConnectionHello, Listener } from '../runtime/peer/transport.ts'
import { isLoopback } from './loopback.ts'
import { WebSocketConnection, type WebSocketLike, WS_OPTIONS } from './websocket-connection.ts'

export interface WebSocketServerOptions {
  /** A port of its own; 0, the default, takes a free one. */
  port?: number
  /** Default 127.0.0.1: nobody else's machine gets in unless told. */
  host?: string
  /** The path to listen on; default: any. */
  path?: string
  /** A server to share, in place of `port` and `host`. It is not closed with the listener, and other paths stay its own. */
  server?: unknown
  /** Certificate and key, as `createServer` of node:https takes them: the port speaks `wss:` only. A shared server has its own. */
  tls?: TlsOptions
  /** Allows other machines without TLS: because it ends at a proxy in front, or the network is a private one. */
  unencrypted?: boolean
  /** Where a port of its own answers GET with the gateway's report; default '/status', `false` for nowhere. */
  status?: string | false
}

/** What of the options of node:https everybody needs; all others may be given too. */
export interface TlsOptions {
  cert?: unknown
  key?: unknown
  [option: string]: unknown
}

// A caller has 5 s to send the head of its request, and is looked at every second (30 s by default).
const HTTP_OPTIONS = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 1000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16_384
}
const TLS_OPTIONS = { handshakeTimeout: 5000 }
const MAX_HEADERS = 64

// 1001 is said to everyone; who has not answered after this is cut off, so that a dead peer does not keep a process alive.
const GOODBYE = 1000

type Accept = Parameters<Listener['listen']>[0]
type Report = Parameters<Listener['listen']>[1]
type Listening = Awaited<ReturnType<Listener['listen']>>

/** On the listener for 'upgrade': tells a second webSocketServer on the same http.Server which path is taken. */
const PATH = Symbol.for('whereabouts.websocket-server.path')

/**
 * A listener for `system.listen`. It rejects with ACTOR_LISTEN_FAILED when the port or the path is taken, when the certificate is
 * of no use, and when it would serve other machines without TLS and `unencrypted` does not allow that. A shared server that turns
 * out to do so after that answers upgrades with 403.
 */
export function webSocketServer(options: WebSocketServerOptions): Listener {
  const { port = 0, host = '127.0.0.1', path, server, tls, unencrypted = false, status } = options
  if (server !== undefined && options.port !== undefined) {
    throw new ActorError('ACTOR_BAD_OPTION', 'webSocketServer: pass a port or a server to share, not both.')
  }
  if (server !== undefined && !isServer(server)) {
    throw new ActorError(
      'ACTOR_BAD_OPTION',
      'webSocketServer: the option server must be an http.Server or https.Server.'
    )
  }
  if (server !== undefined && (tls !== undefined || (status !== undefined && status !== false))) {
    const mend =
      tls === undefined
        ? 'a shared server has its own routes: mount statusHandler(gateway) of whereabouts/status there.'
        : 'a shared server has its own certificate: pass one made with createServer of node:https.'
    throw new ActorError('ACTOR_BAD_OPTION', `webSocketServer: ${mend}`)
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ActorError('ACTOR_BAD_OPTION', `webSocketServer: ${port} is no port; pass an integer from 0 to 65535.`)
  }
  for (const each of [path, status]) {
    if (typeof each !== 'string' || each.startsWith('/')) continue
    throw new ActorError('ACTOR_BAD_OPTION', `webSocketServer: the path '${each}' must begin with a slash.`)
  }
  if (tls !== undefined && !isUsable(tls)) {
    const mend = 'pass { cert, key } as text or bytes, or { pfx } or { SNICallback }.'
    throw new ActorError('ACTOR_BAD_OPTION', `webSocketServer: tls has no certificate; ${mend}`)
  }
  return {
    kind: 'websocket',
    listen: (accept, report) =>
      server === undefined
        ? listenAlone({ port, host, path, tls, unencrypted, status: status ?? '/status' }, accept, report)
        : attach(server, path, unencrypted, accept)
  }
}

interface Alone {
  readonly port: number
  readonly host: string
  readonly path: string | undefined
  readonly tls: TlsOptions | undefined
  readonly unencrypted: boolean
  readonly status: string | false
}

async function listenAlone(options: Alone, accept: Accept, report: Report): Promise<Listening> {
  const { port, host, path } = options
  const open = options.unencrypted || options.tls !== undefined
  if (!open && !isLoopback(host)) throw notEncrypted(`other machines could reach ${host}`)
  const server = ownServer(options, report)
  const attached = await attach(server, path, open, accept)
  await bind(server, port, host)
  if (!open && isPublic(server)) {
    server.close()
    throw notEncrypted(`${host} is not this machine alone`)
  }
  return {
    url: urlOf(server, path),
    close: async () => {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      await attached.close()
      server.closeAllConnections()
      await closed
    }
  }
}

async function attach(server: Server, path: string | undefined, open: boolean, accept: Accept): Promise<Listening> {
  const claims = path ?? '*'
  const taken = server.listeners('upgrade').some(listener => Reflect.get(listener, PATH) === claims)
  if (taken) {
    throw new ActorError(
      'ACTOR_LISTEN_FAILED',
      `this server has a webSocketServer on ${path ?? 'every path'} already; close that one first, or pass another path.`
    )
  }
  if (!open && !isSecure(server) && isPublic(server)) throw notEncrypted('the shared server listens for other machines')
  const connections = new Map<WebSocket, Connection>()
  const closed = function (this: WebSocket): void {
    connections.delete(this)
  }
  const upgrades = new WebSocketServer({ noServer: true, clientTracking: false, ...WS_OPTIONS })

  const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    stream.on('error', destroyed)
    if (path !== undefined && pathOf(request) !== path) {
      // Another listener may know this path; if there is none, nobody else would ever answer.
      if (server.listenerCount('upgrade') === 1) refuse(stream, '404 Not Found')
      return
    }
    // A server that began to listen after us may be one that other machines reach.
    if (!open && !isSecure(server) && isPublic(server, request)) {
      refuse(stream, '403 Forbidden', notEncrypted('this server listens for other machines').message)
      return
    }
    // Of more headers Node reads the first ones only: the origin could be among the others.
    if (request.rawHeaders.length > 2 * MAX_HEADERS) {
      refuse(stream, '431 Request Header Fields Too Large')
      return
    }
    // A caller that asks for something else than a WebSocket gets its 400 or 405 from `ws`.
    upgrades.handleUpgrade(request, stream, head, socket => {
      // The types of `ws` name its events one by one; what is used of it is the same.
      const connection = new WebSocketConnection(socket as unknown as WebSocketLike)
      connection.gather(request.socket)
      connections.set(socket, connection)
      // From here on `ws` hears the errors of the stream.
      stream.removeListener('error', destroyed)
      stream.removeListener('error', destroyed)
      // No closure of here outlives the upgrade: each would keep the request, as large as the rest of an idle connection.
      socket.on('close', closed)
      accept(connection, helloOf(request))
    })
  }
  server.on('upgrade', Object.assign(upgrade, { [PATH]: claims }))

  return {
    get url() {
      return urlOf(server, path)
    },
    close: async () => {
      server.off('upgrade', upgrade)
      await Promise.all([...connections].map(([socket, connection]) => goodbye(socket, connection)))
    }
  }
}

function ownServer({ path, tls, status }: Alone, report: Report): Server {
  const tellStatus = report === undefined || status === false ? undefined : statusHandler({ report })
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (tellStatus !== undefined && pathOf(request) === status) {
      tellStatus(request, response)
      return
    }
    const here = path === undefined || pathOf(request) === path
    const [code, text] = here ? [426, 'This is a WebSocket server.\n'] : [404, 'Nothing here.\n']
    response.writeHead(code, {
      'content-type': 'text/plain',
      connection: 'close',
      ...(here ? { upgrade: 'websocket' } : {})
    })
    response.end(text)
  }
  const server = tls === undefined ? createServer(HTTP_OPTIONS, answer) : secureServer(tls, answer)
  server.maxHeadersCount = MAX_HEADERS
  server.on('clientError', (_error, stream) => refuse(stream, '400 Bad Request'))
  server.on('connection', socket => socket.on('error', destroyed))
  return server
}

function secureServer(tls: TlsOptions, answer: RequestListener): Server {
  try {
    const server = createSecureServer({ ...HTTP_OPTIONS, ...TLS_OPTIONS, ...(tls as ServerOptions) }, answer)
    // Whoever fails at TLS understands no answer.
    return server.on('tlsClientError', (_error, socket) => socket.destroy())
  } catch (error) {
    const facts = error instanceof Error ? error.message : String(error)
    throw new ActorError(
      'ACTOR_LISTEN_FAILED',
      `the certificate or key is of no use (${facts}); pass both in PEM, and the key that belongs to the certificate.`,
      { cause: error }
    )
  }
}

function bind(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(listenFailed(error, port, host))
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      // Running out of file descriptors is told here; it passes, and the callers that got in are served meanwhile.
      server.on('error', () => {})
      resolve()
    })
  })
}

function listenFailed(error: Error, port: number, host: string): ActorError {
  const mends: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} on ${host} is in use; stop the program that has it, or pass port 0 for a free one.`,
    EACCES: `port ${port} on ${host} needs rights that this process does not have; pass a port above 1023.`,
    EADDRNOTAVAIL: `this machine has no address ${host}; pass one that it has, or 0.0.0.0 for all of them.`,
    ENOTFOUND: `the host ${host} is not known; pass an address of this machine, or 0.0.0.0 for all of them.`
  }
  const mend = mends[codeOf(error) ?? ''] ?? `port ${port} on ${host} could not be opened (${error.message}).`
  return new ActorError('ACTOR_LISTEN_FAILED', mend, { cause: error })
}

function goodbye(socket: WebSocket, connection: Connection): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(() => socket.terminate(), GOODBYE)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    connection.close(1001, 'the server is closing')
  })
}

function destroyed(this: Duplex): void {
  this.destroy()
}

function refuse(stream: Duplex, status: string, text = ''): void {
  if (!stream.writable) return void stream.destroy()
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n`
  stream.end(head + text, () => stream.destroy())
}

function notEncrypted(fact: string): ActorError {
  return new ActorError(
    'ACTOR_LISTEN_FAILED',
    `${fact}, and nothing would be encrypted; pass tls: { cert, key } (or share an https.Server), listen on 127.0.0.1, ` +
      'or, if TLS ends at a proxy in front or the network is private, spell it out: { unencrypted: true }.'
  )
}

function isSecure(server: Server): boolean {
  return 'setSecureContext' in server
}

/** Whether other machines reach it. What is handed connections by somebody else is known by the address they came in by. */
function isPublic(server: Server, request?: IncomingMessage): boolean {
  const bound = server.address()
  if (bound === null) return request !== undefined && !isLoopback(request.socket.localAddress ?? '')
  // A pipe belongs to this machine.
  return typeof bound !== 'string' && !isLoopback(bound.address)
}

function isUsable({ cert, pfx, SNICallback }: TlsOptions): boolean {
  return [cert, pfx, SNICallback].some(each => each !== undefined && each !== null && each !== '')
}

function helloOf({ headers, socket }: IncomingMessage): ConnectionHello {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return {
    headers: flat,
    ...(headers.origin === undefined ? {} : { origin: headers.origin }),
    ...(socket.remoteAddress === undefined ? {} : { address: socket.remoteAddress })
  }
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

function urlOf(server: Server, path = ''): string {
  const bound = server.address()
  // A shared server that does not listen yet, or listens on a pipe, has no url to tell.
  if (bound === null || typeof bound === 'string') return ''
  return `${isSecure(server) ? 'wss' : 'ws'}://${hostOf(bound)}:${bound.port}${path}`
}

function hostOf({ address, family }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return '127.0.0.1'
  return family === 'IPv6' ? `[${address}]` : address
}

function isServer(value: unknown): value is Server {
  return typeof value === 'object' && value !== null && 'listeners' in value && 'address' in value
}
