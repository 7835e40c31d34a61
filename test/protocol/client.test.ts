// The second implementation against a gateway of the runtime, over WebSockets: what docs/protocol.md says is enough.

import { expect } from 'chai'
import { WebSocket } from 'ws'
import { type ActorRef, type ActorSystem, actorName, createSystem, setup } from '../../runtime/index.ts'
import { Paper, plain, revived } from '../../tools/vectors/notation.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { expectNumbered, failureCode, until } from '../suites/any-ref/cast.ts'
import { proxy } from '../support/proxy.ts'
import { quiet } from '../support/quiet.ts'
import { vectors } from './implementation.ts'
import { Client, type ClientOptions } from './second/client.ts'

type Word =
  | { type: 'note'; n: number }
  | { type: 'noted'; replyTo: ActorRef<number> }
  | { type: 'echo'; value: unknown; replyTo: ActorRef<unknown> }
  | { type: 'fail'; replyTo: ActorRef<never> }
  | { type: 'end' }
  | { type: 'hold'; ref: ActorRef<unknown> }
  | { type: 'held'; replyTo: ActorRef<ActorRef<unknown> | undefined> }
  | { type: 'watch'; ref: ActorRef<unknown> }

const Desk = actorName<Word>('desk')

describe('a second implementation, written from docs/protocol.md, at a gateway of the runtime', () => {
  let system: ActorSystem
  let clients: Client[]
  let noted: number[]
  let held: ActorRef<unknown> | undefined
  let ends: string[]

  const desk = setup<Word>(ctx => ({
    receive(word) {
      if (word.type === 'note') noted.push(word.n)
      else if (word.type === 'noted') word.replyTo.send(noted.length)
      else if (word.type === 'echo') word.replyTo.send(word.value)
      else if (word.type === 'hold') held = word.ref
      else if (word.type === 'held') word.replyTo.send(held)
      else if (word.type === 'watch') ctx.watch(word.ref)
      else if (word.type === 'fail') throw new RangeError('no such thing')
      else ctx.stop()
    },
    stopped(_ref, reason) {
      ends.push(reason.kind)
    },
    failed: () => 'resume'
  }))

  beforeEach(() => {
    system = createSystem({ label: 'gateway', logger: quiet })
    clients = []
    noted = []
    held = undefined
    ends = []
  })

  afterEach(async () => {
    for (const client of clients) client.close()
    await system.shutdown({ within: 100 })
  })

  const listening = async (): Promise<string> => {
    system.spawn(desk, { name: Desk })
    const gateway = await system.listen(webSocketServer({ port: 0 }), {
      trust: 'guest',
      expose: [{ name: Desk, unchecked: true }]
    })
    return gateway.url as string
  }

  const client = async (url: string, options: Partial<ClientOptions> = {}): Promise<Client> => {
    const made = new Client({ url, label: 'second', ...options })
    clients.push(made)
    await made.attached()
    return made
  }

  const ask = (of: Client, to: Paper, message: object): Promise<unknown> =>
    of.ask(to, { ...message, replyTo: new Paper('') })

  it('comes in as a guest, looks a name up, sends in order and asks', async () => {
    const second = await client(await listening())
    expect(second.welcome).to.include({ id: system.id, trust: 'guest', downAfter: 30_000, messageBytes: 1_048_576 })
    const ref = await second.lookup('desk')
    for (let n = 0; n < 1_000; n++) second.send(ref, { type: 'note', n })
    expect(await ask(second, ref, { type: 'noted' })).to.equal(1_000)
    expectNumbered(noted, 1_000)
    await until(() => second.idle, 'everything is acknowledged')
  })

  it('comes in as a node, with a secret that both sides prove', async () => {
    const secret = 'a secret that two nodes share'
    system.spawn(desk, { name: Desk })
    const shown: Array<string | undefined> = []
    const gateway = await system.listen(webSocketServer({ port: 0 }), {
      trust: { node: { secret } },
      authenticate: ({ token }) => void shown.push(token)
    })
    const second = await client(gateway.url as string, { shared: secret, token: () => 'mine' })
    expect(second.welcome?.trust).to.equal('node')
    expect(shown).to.deep.equal(['mine'])
    expect(await ask(second, await second.lookup('desk'), { type: 'noted' })).to.equal(0)
  })

  it('shows another token before the first one ends, and stays', async () => {
    system.spawn(desk, { name: Desk })
    const shown: number[] = []
    const gateway = await system.listen(webSocketServer({ port: 0 }), {
      trust: 'guest',
      expose: [{ name: Desk, unchecked: true }],
      authenticate: ({ token }) => shown.push(Number(token)),
      expires: () => Date.now() + 1_400
    })
    let made = 0
    const second = await client(gateway.url as string, { token: () => String(made++) })
    await until(() => shown.length === 3, 'two more tokens have been shown')
    expect(await ask(second, await second.lookup('desk'), { type: 'noted' })).to.equal(0)
    expectNumbered(shown, 3)
    expect(second.closes).to.deep.equal([])
  })

  it('gets every value of the vectors back as it sent it', async () => {
    const second = await client(await listening())
    const ref = await second.lookup('desk')
    const values = vectors.values.filter(({ encodeOnly }) => encodeOnly !== true).flatMap(({ messages }) => messages)
    let errors = 0
    for (const { value } of values) {
      const text = JSON.stringify(value)
      // In a question the address to answer to is that of the question; a guest's Error arrives as data.
      if (text.includes('"replyTo"')) continue
      if (text.includes('"error"')) {
        errors += 1
        continue
      }
      const back = await ask(second, ref, { type: 'echo', value: revived(value) })
      expect(plain(back)).to.deep.equal(value)
    }
    expect(errors).to.equal(4)
  })

  it('sends and gets messages that are too large for a batch', async () => {
    const second = await client(await listening())
    const ref = await second.lookup('desk')
    const value = { text: 'x'.repeat(200_000), bytes: new Uint8Array(100_000).fill(7) }
    second.send(ref, { type: 'note', n: 0 })
    const back = (await ask(second, ref, { type: 'echo', value })) as typeof value
    expect(back.text).to.equal(value.text)
    expect(back.bytes).to.deep.equal(value.bytes)
    expectNumbered(noted, 1)
  })

  it('hears why a question failed, and no more than the code', async () => {
    const second = await client(await listening())
    const ref = await second.lookup('desk')
    const asked = ask(second, ref, { type: 'fail' }).catch(error => error)
    expect(await asked).to.include({ code: 'ACTOR_FAILED', message: 'ACTOR_FAILED' })
  })

  it('watches, and hears of the end after everything that was sent before', async () => {
    const second = await client(await listening())
    const ref = await second.lookup('desk')
    const ended = second.watch(ref)
    const said: unknown[] = []
    const own = second.actor('own', message => void said.push(message))
    second.send(ref, { type: 'hold', ref: own })
    await ask(second, ref, { type: 'noted' })
    held?.send('last words')
    second.send(ref, { type: 'end' })
    expect(await ended).to.deep.equal({ kind: 'done' })
    expect(said).to.deep.equal(['last words'])
    expect(await second.watch(ref)).to.deep.equal({ kind: 'unknown' })
    expect(await failureCode(ask(second, ref, { type: 'noted' }))).to.equal('ACTOR_STOPPED')
  })

  it('is watched, and says when an actor ends or never was', async () => {
    const second = await client(await listening())
    const ref = await second.lookup('desk')
    const own = second.actor('own', () => {})
    second.send(ref, { type: 'watch', ref: own })
    await ask(second, ref, { type: 'noted' })
    second.stop(own)
    await until(() => ends.length === 1, 'its end is heard')
    second.send(ref, { type: 'watch', ref: new Paper(`actor:${second.id}/nobody`) })
    await until(() => ends.length === 2, 'it is heard that there is none')
    expect(ends).to.deep.equal(['done', 'unknown'])
  })

  it('takes refs and passes them back; what comes home is the same', async () => {
    const second = await client(await listening())
    const ref = await second.lookup('desk')
    const own = second.actor('own', () => {})
    second.send(ref, { type: 'hold', ref: own })
    expect(await ask(second, ref, { type: 'held' })).to.deep.equal(own)
    second.send(ref, { type: 'hold', ref })
    expect(await ask(second, ref, { type: 'held' })).to.deep.equal(ref)
    expect(held === (await system.lookup(Desk))).to.equal(true)
  })

  it('is asked, and answers', async () => {
    const second = await client(await listening())
    const own = second.actor('own', (message, self) => {
      const { n, replyTo } = message as { n: number; replyTo: Paper }
      self.send(replyTo, { twice: n * 2 })
    })
    second.send(await second.lookup('desk'), { type: 'hold', ref: own })
    await until(() => held !== undefined, 'its ref has come')
    const asked = (held as ActorRef<unknown>).ask(replyTo => ({ n: 21, replyTo }))
    expect(await asked).to.deep.equal({ twice: 42 })
  })

  it('loses nothing, doubles nothing and changes no order when connections are cut at any byte', async () => {
    const between = await proxy(Number(new URL(await listening()).port))
    const second = await client(`ws://127.0.0.1:${between.port}`)
    const ref = await second.lookup('desk')
    const back: number[] = []
    const own = second.actor('own', message => void back.push(message as number))
    second.send(ref, { type: 'hold', ref: own })
    await ask(second, ref, { type: 'noted' })
    let n = 0
    for (let cut = 1; cut < 3_000; cut += 211) {
      between.cutAfter(cut)
      for (let k = 0; k < 20; k++) {
        second.send(ref, { type: 'note', n })
        held?.send(n++)
      }
      expect(await ask(second, ref, { type: 'noted' })).to.equal(n)
      await until(() => back.length === n, 'everything has come back')
    }
    expectNumbered(noted, n)
    expectNumbered(back, n)
    expect(second.closes.length).to.be.above(5)
    await between.close()
  }).timeout(30_000)

  it('comes back to a gateway that has closed, and to another system in its place', async () => {
    const url = await listening()
    const second = await client(url)
    const ref = await second.lookup('desk')
    const ended = second.watch(ref)
    await ask(second, ref, { type: 'noted' })
    const before = system.id
    await system.shutdown()
    expect(await ended).to.deep.equal({ kind: 'shutdown' })
    system = createSystem({ label: 'another', logger: quiet })
    system.spawn(desk, { name: Desk })
    const port = Number(new URL(url).port)
    await system.listen(webSocketServer({ port }), { trust: 'guest', expose: [{ name: Desk, unchecked: true }] })
    await until(() => second.welcome?.id === system.id, 'it is attached to the other one')
    expect(second.closes[0]).to.equal(4503)
    expect(before).not.to.equal(system.id)
    expect(await ask(second, await second.lookup('desk'), { type: 'noted' })).to.equal(0)
    expect(await failureCode(ask(second, ref, { type: 'noted' }))).to.equal('ACTOR_UNREACHABLE')
  })

  it('meets a system of the runtime through the hub, and each is told who the other is', async () => {
    const url = await listening()
    const second = await client(url)
    const page = createSystem({ label: 'page', logger: quiet })
    await page.connect(webSocket(url, { WebSocket }))
    const said: unknown[] = []
    const own = second.actor('own', message => void said.push(message))
    second.send(await second.lookup('desk'), { type: 'hold', ref: own })
    const theirs = (await (await page.lookup(Desk)).ask({ type: 'held' })) as ActorRef<unknown>
    theirs.send('over the hub')
    await until(() => said.length > 0, 'it has come')
    expect(said).to.deep.equal(['over the hub'])
    expect(second.facts.get(page.id)).to.include({ label: 'page', trust: 'guest', there: true })
    await page.shutdown({ within: 100 })
  })

  it('follows a group: the listing first, then who comes, changes and leaves', async () => {
    const url = await listening()
    const second = await client(url)
    const heard: Array<{ type: string; members: Array<{ label: string; facts: object }>; left?: unknown[] }> = []
    const to = second.actor('ear', message => void heard.push(message as never))
    const registry = new Paper(`actor:${system.id}/registry`)
    const first = await system.join(Desk, system.find(Desk) as ActorRef<Word>, { seat: 1 })
    second.send(registry, { type: 'subscribe', group: 'desk', to })
    await until(() => heard.length === 1, 'the group is listed')
    const [
      {
        members: [member]
      } = { members: [] }
    ] = heard
    expect(heard[0]).to.include({ type: 'members', group: 'desk', part: 0, more: false })
    expect(member).to.deep.include({ label: 'desk', reachable: true, facts: { seat: 1 } })

    const own = second.actor('own', () => {})
    const joining = {
      type: 'join',
      group: 'desk',
      member: { ref: own, label: 'mine', reachable: true, facts: { seat: 2 } }
    }
    expect(await ask(second, registry, joining)).to.deep.equal({ ok: true })
    await until(() => heard.length === 2, 'it has joined')
    expect(heard[1]?.members.map(({ label, facts }) => ({ label, facts }))).to.deep.equal([
      { label: 'mine', facts: { seat: 2 } }
    ])
    await first.release()
    await until(() => heard.length === 3, 'the first one has left')
    expect(heard[2]?.left).to.have.length(1)
    expect(await ask(second, registry, { type: 'leave', group: 'desk', ref: own })).to.deep.equal({ ok: true })
    expect(await ask(second, registry, { type: 'join', group: 'other', member: joining.member })).to.include({
      code: 'ACTOR_FORBIDDEN'
    })
  })

  it('as a node claims a name, which others then find, and gives it back', async () => {
    const secret = 'a secret that two nodes share'
    const gateway = await system.listen(webSocketServer({ port: 0 }), { trust: { node: { secret } } })
    const second = await client(gateway.url as string, { shared: secret })
    const registry = new Paper(`actor:${system.id}/registry`)
    const said: unknown[] = []
    const ref = second.actor('own', message => void said.push(message))
    expect(await ask(second, registry, { type: 'claim', name: 'ear', ref, held: false })).to.deep.equal({ ok: true })
    const other = second.actor('other', () => {})
    const again = await ask(second, registry, { type: 'claim', name: 'ear', ref: other, held: false })
    expect(again).to.include({ code: 'ACTOR_NAME_TAKEN' })
    const Ear = actorName<string>('ear')
    ;(await system.lookup(Ear)).send('found')
    await until(() => said.length > 0, 'it is heard')
    expect(await ask(second, registry, { type: 'release', name: 'ear', ref })).to.deep.equal({ ok: true })
    expect(await failureCode(system.lookup(Ear, { within: 0 }))).to.equal('ACTOR_NOT_FOUND')
    expect(await ask(second, registry, { type: 'lookup', name: 'a\u0000b', wait: false })).to.include({
      code: 'ACTOR_INVALID'
    })
  })

  it('hears that a system which nobody knows is out of reach', async () => {
    const second = await client(await listening())
    const nobody = new Paper(`actor:${vectors.systems.cyd?.id}/nobody`)
    expect(await failureCode(ask(second, nobody, { type: 'noted' }))).to.equal('ACTOR_UNREACHABLE')
  })
})
