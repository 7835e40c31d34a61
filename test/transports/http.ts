// Servers and outcomes for the tests of the WebSocket transport.

import { createServer, type Server } from 'node:http'
import type { AddressInfo, Server as TcpServer } from 'node:net'

export async function httpServer(): Promise<Server> {
  const server = createServer((_request, response) => response.end('the page'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}

export function portOf(server: TcpServer): number {
  return (server.address() as AddressInfo).port
}

export async function stop(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
}

export const signal = (): AbortSignal => AbortSignal.timeout(5000)
export const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error
  )
