// The Node side: serves the page, listens for tabs and terminals on the same port, and has a counter of its own.

import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createSystem } from 'whereabouts'
import { drainOnSignal } from 'whereabouts/drain'
import { statusHandler } from 'whereabouts/status'
import { child, supervisor } from 'whereabouts/supervisor'
import { webSocketServer } from 'whereabouts/websocket-server'
import { bundleForBrowser } from '../../tools/bundle.mjs'
import { counter, notebook } from './counter.ts'
import { Counter, Visitors, visitorOf } from './messages.ts'
import { name, paint, say } from './print.ts'
import { nameIn, PATIENCE } from './visitor.ts'

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

// The page --------------------------------------------------------------------------------------------------------------

const files = new Map([
  ['/', { type: 'text/html; charset=utf-8', body: await readFile(here('page.html'), 'utf8') }],
  ['/style.css', { type: 'text/css; charset=utf-8', body: await readFile(here('style.css'), 'utf8') }],
  ['/page.js', { type: 'text/javascript; charset=utf-8', body: await bundleForBrowser(here('page.ts')) }]
])

const server = createServer((request, response) => {
  const path = (request.url ?? '/').replace(/\?.*/, '')
  if (path === '/status') {
    status(request, response)
    return
  }
  const file = files.get(path)
  response.writeHead(file === undefined ? 404 : 200, {
    'content-type': file?.type ?? 'text/plain',
    'cache-control': 'no-cache'
  })
  response.end(file?.body ?? 'Nothing here.\n')
})

/** 8080 or the next port that is free; PORT in the environment wins. */
async function listen(server: Server): Promise<string> {
  const host = process.env.HOST ?? '127.0.0.1'
  const first = Number(process.env.PORT ?? 8080)
  for (let port = first; ; port++) {
    const failure = await new Promise<NodeJS.ErrnoException | undefined>(resolve => {
      server.once('error', resolve)
      server.listen(port, host, () => {
        server.off('error', resolve)
        resolve(undefined)
      })
    })
    if (failure === undefined) break
    if (failure.code !== 'EADDRINUSE' || port >= first + 100) throw failure
  }
  return `http://${host === '0.0.0.0' ? 'localhost' : host}:${(server.address() as AddressInfo).port}`
}

// The actors ------------------------------------------------------------------------------------------------------------

const system = createSystem({ label: 'Node' })
const book = notebook()

system.spawn(
  supervisor({
    limit: PATIENCE,
    children: [
      child(Counter, () =>
        counter(book, life => {
          if (life > 1)
            say('crash', `the counter has crashed; life ${life} begins at ${paint.bold(format(book.total))}`)
        })
      )
    ]
  })
)

// Whoever sets HOST has a network he trusts; on the internet this server would need TLS.
const unencrypted = process.env.HOST !== undefined

const gateway = await system.listen(webSocketServer({ server, path: '/actors', unencrypted }), {
  trust: 'guest',
  // Guests may look these up, and join and see the group; everything else of this process is out of their reach.
  expose: [Counter, Visitors],
  // A cut of two minutes is still survived; the default is 30 s.
  downAfter: 120_000
})
const status = statusHandler(gateway)

// Ctrl+C: what was accepted is counted, the tabs hear goodbye, and the process ends within three seconds.
drainOnSignal(system, { within: 3000 })

// What happens ----------------------------------------------------------------------------------------------------------

const visitors = new Map<object, { called: string; lost: number | undefined }>()

system.members(Visitors, members => {
  for (const [ref, { called }] of visitors) {
    if (members.has(ref as never)) continue
    visitors.delete(ref)
    say('leave', `${called} has left${inAll()}`)
  }
  for (const [ref, { reachable, facts }] of members) {
    const visitor = visitorOf(facts)
    const called = name(visitor.name)
    const known = visitors.get(ref)
    if (known === undefined) {
      visitors.set(ref, { called, lost: reachable ? undefined : performance.now() })
      say('join', `${called} is here, in a ${visitor.kind}${inAll()}`)
    } else if (!reachable && known.lost === undefined) {
      known.lost = performance.now()
      say('cut', `the link to ${called} is cut; what is meant for it waits`)
    } else if (reachable && known.lost !== undefined) {
      const seconds = ((performance.now() - known.lost) / 1000).toFixed(1)
      known.lost = undefined
      say('back', `${called} is back after ${seconds} s; nothing is lost`)
    }
  }
})

function inAll(): string {
  return paint.dim(` (${visitors.size} ${visitors.size === 1 ? 'visitor' : 'visitors'})`)
}

// Who added what, summed up twice a second: a line for each message would be ten thousand lines.
let printed = new Map<string, number>()
setInterval(() => {
  for (const [who, share] of book.shares) {
    const more = share - (printed.get(who) ?? 0)
    if (more !== 0)
      say('add', `${name(nameIn(who))} added ${format(more)}; the counter is at ${paint.bold(format(book.total))}`)
  }
  printed = new Map(book.shares)
}, 500).unref()

function format(count: number): string {
  return count.toLocaleString('en')
}

const address = await listen(server)
console.log(`
  ${paint.bold('Counters, wherever they live')}

  Open  ${paint.link(address)}  in two tabs, side by side.
  Or join from a second terminal:  ${paint.bold('npm run join')}${address.endsWith(':8080') ? '' : ` -- ${address}`}
`)
