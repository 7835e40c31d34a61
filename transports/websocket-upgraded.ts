// Takes WebSockets that somebody else has upgraded (Hono, Deno, a framework of your own) and hands each to the gateway that
// listens. What came before the upgrade, TLS among it, is that server's business.

import { ActorError } from '../runtime/actor/errors.ts'
import type { Connection, ConnectionHello, Listener } from '../runtime/peer/transport.ts'
import { WebSocketConnection, type WebSocketLike } from './websocket-connection.ts'

export interface UpgradedWebSockets extends Listener {
  /**
   * Hands over a socket that is open or about to open, a standard one or one of `ws`, in the very turn in which it was upgraded:
   * what arrives before is lost. `caller` is what the gateway is to know of it: the headers of the request, or its origin, or else
   * a page of any origin would get in. While nobody listens the socket is closed with 1001. Throws ACTOR_BAD_OPTION.
   */
  accept(socket: unknown, caller: ConnectionHello): void
}

type Accept = Parameters<Listener['listen']>[0]

// 1001 is said to everyone; who has not answered after this is left to the server it came from.
const GOODBYE = 1000

/** A listener for `system.listen`, and the way in for sockets that are there already. */
export function upgradedWebSockets(): UpgradedWebSockets {
  let taking: Accept | undefined
  const open = new Map<WebSocketLike, Connection>()
  return {
    kind: 'websocket',
    accept: (socket, caller) => {
      if (!isWebSocket(socket)) {
        throw new ActorError(
          'ACTOR_BAD_OPTION',
          'upgradedWebSockets: accept takes a WebSocket; of a framework that wraps it, pass what is inside (of Hono: ws.raw).'
        )
      }
      const { headers, origin = headers?.origin } = caller ?? {}
      if (headers === undefined && origin === undefined) {
        throw new ActorError(
          'ACTOR_BAD_OPTION',
          'upgradedWebSockets: accept takes { headers } of the request, or { origin }: which pages get in is decided by that.'
        )
      }
      const connection = new WebSocketConnection(socket)
      if (taking === undefined) {
        connection.close(1001, 'nobody listens')
        return
      }
      open.set(socket, connection)
      socket.addEventListener('close', () => open.delete(socket))
      taking(connection, origin === undefined ? caller : { ...caller, origin })
    },
    listen: async accept => {
      if (taking !== undefined) {
        throw new ActorError('ACTOR_LISTEN_FAILED', 'these sockets have a gateway already; close that one first.')
      }
      taking = accept
      return {
        close: async () => {
          if (taking !== accept) return
          taking = undefined
          await Promise.all([...open].map(([socket, connection]) => goodbye(socket, connection)))
        }
      }
    }
  }
}

function goodbye(socket: WebSocketLike, connection: Connection): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(() => {
      socket.terminate?.()
      resolve()
    }, GOODBYE)
    socket.addEventListener('close', done)
    connection.close(1001, 'the server is closing')
  })
}

function isWebSocket(value: unknown): value is WebSocketLike {
  if (typeof value !== 'object' || value === null) return false
  return ['send', 'close', 'addEventListener'].every(name => typeof Reflect.get(value, name) === 'function')
}
