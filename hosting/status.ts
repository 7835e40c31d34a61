// What a gateway reports, as an HTTP answer: for node:http and Express as a handler, for fetch-style servers as a Response. Load
// balancers read the code, people the JSON; nothing in it is secret, and nothing may be kept by a cache.

import type { GatewayReport } from '../runtime/index.ts'

/** Any gateway. */
export interface Reporting {
  report(): GatewayReport
}

/** The part of a request and a response of node:http that is used here; those of Express are the same. */
export interface StatusRequest {
  readonly method?: string | undefined
}
export interface StatusReply {
  writeHead(status: number, headers: Record<string, string>): unknown
  end(body?: string): unknown
}

/**
 * Answers with 200 while the gateway is open and with 503 while it drains and after it has closed, each with its report as
 * JSON. HEAD is GET without the body; any other method gets 405.
 */
export function statusHandler(gateway: Reporting): (request: StatusRequest, reply: StatusReply) => void {
  return ({ method = 'GET' }, reply) => {
    const { status, headers, body } = answer(gateway, method)
    reply.writeHead(status, headers)
    reply.end(body)
  }
}

/** The same as a Response. Without a request it answers as to GET. */
export function statusResponse(
  gateway: Reporting,
  { method }: { readonly method: string } = { method: 'GET' }
): Response {
  const { status, headers, body } = answer(gateway, method)
  return new Response(body ?? null, { status, headers })
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string | undefined
}

function answer(gateway: Reporting, method: string): Answer {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, headers: { ...headers, allow: 'GET, HEAD' }, body: '{"error":"GET or HEAD, please"}\n' }
  }
  const report = gateway.report()
  const body = `${JSON.stringify(report)}\n`
  const length = { 'content-length': String(new TextEncoder().encode(body).length) }
  return {
    status: report.status === 'open' ? 200 : 503,
    headers: { ...headers, ...length },
    body: method === 'HEAD' ? undefined : body
  }
}
