import { expect } from 'chai'
import { WebSocket } from 'ws'
import { type ActorSystem, createSystem } from '../../runtime/index.ts'
import { FrameKind } from '../../runtime/peer/frame.ts'
import { type HandshakeFrame, PROTOCOL, writeHandshake } from '../../runtime/peer/handshake.ts'
import { type Identity, proofOf } from '../../runtime/peer/identity.ts'
import type { Transport } from '../../runtime/peer/transport.ts'
import { webSocket } from '../../transports/websocket.ts'
import { webSocketServer } from '../../transports/websocket-server.ts'
import { failure, until } from '../suites/any-ref/cast.ts'
import { hurriedClock } from '../support/hurried-clock.ts'
import { quiet } from '../support/quiet.ts'
import { entropy, hello, identity, type RawPeer, rawPeer, relayed, secretOf } from '../support/raw-peer.ts'
import { attack, Open, SECRET, type Stage } from './stage.ts'

/** How a listener ends it: the code of what it said last, and the code it closed with. */
async function verdict(peer: RawPeer): Promise<[said: string | undefined, closed: number | undefined]> {
  await until(() => peer.closed.length > 0, 'the listener closes')
  const last = peer.answers().at(-1)
  return [last?.kind === 'refused' ? last.code : last?.kind, peer.closed[0]?.code]
}

/** A frame of the handshake whose JSON is as given. */
const greeting = (json: string | Uint8Array, kind: number = FrameKind.hello): Uint8Array =>
  Buffer.concat([Uint8Array.of(kind), typeof json === 'string' ? Buffer.from(json) : json])

/** The fields of an honest hello, to be spoilt. */
const fields = (who: Identity, more: object = {}): string =>
  JSON.stringify({ version: PROTOCOL, id: who.id, label: 'raw', secret: secretOf(who), ...more })

const NOT_OURS = ['ACTOR_REFUSED', 4400] as const
const FORBIDDEN = ['ACTOR_FORBIDDEN', 4403] as const
const NO_SUCH_ID = ['ACTOR_REFUSED', 4403] as const
const VERSION = ['ACTOR_VERSION', 4426] as const

describe('a first frame', () => {
  type Make = (who: Identity, stage: Stage) => Uint8Array
  const frames: Array<[title: string, make: Make, verdict: readonly [string, number]]> = [
    ['that is empty', () => new Uint8Array(0), NOT_OURS],
    ['of noise', () => Uint8Array.of(200, ...entropy(99)), NOT_OURS],
    ['of mail', (who, { hub }) => relayed(who.id, hub.id, {}), NOT_OURS],
    ['of mail in the name of somebody who is there', ({ id: _ }, { good, hub }) => relayed(good.id, hub.id, {}), NOT_OURS], // biome-ignore format: one line says it
    ['that is a goodbye', () => Uint8Array.of(FrameKind.goodbye), NOT_OURS],
    ['that is a welcome', who => greeting(fields(who, { trust: 'node', downAfter: 1_000, messageBytes: 1e6, windowBytes: 1e6 }), FrameKind.welcome), NOT_OURS], // biome-ignore format: one line says it
    ['that is a refusal', () => greeting('{"code":"ACTOR_REFUSED","message":"no","version":1}', FrameKind.refused), NOT_OURS], // biome-ignore format: one line says it
    ['that is a challenge', () => greeting('{"id":"x","nonce":"x","proof":"x"}', FrameKind.challenge), NOT_OURS],
    ['that is a token', () => greeting('{"token":"good"}', FrameKind.token), NOT_OURS],
    ['that admits itself', () => greeting('{}', FrameKind.admitted), NOT_OURS],
    ['that is a proof', () => greeting('{"proof":"x","secret":"x"}', FrameKind.proof), NOT_OURS],
    ['that announces somebody', () => Uint8Array.of(FrameKind.peer, ...entropy(40)), NOT_OURS],
    ['that says who cannot be reached', () => Uint8Array.of(FrameKind.undeliverable, ...entropy(32)), NOT_OURS],
    ['that says there are new names', () => Uint8Array.of(FrameKind.renewed), NOT_OURS],
    ['of 4 KiB and a byte', who => greeting(fields(who, { label: 'x'.repeat(4_096) })), NOT_OURS],
    ['without JSON', () => greeting(''), NOT_OURS],
    ['of JSON that is cut', who => greeting(fields(who).slice(0, -1)), NOT_OURS],
    ['of two objects', who => greeting(fields(who) + fields(who)), NOT_OURS],
    ['of a list', who => greeting(`[${fields(who)}]`), NOT_OURS],
    ['of null', () => greeting('null'), NOT_OURS],
    ['of text', who => greeting(JSON.stringify(fields(who))), NOT_OURS],
    ['of four thousand brackets', () => greeting('['.repeat(4_095)), NOT_OURS],
    ['of a thousand objects in one another', () => greeting(`${'{"a":'.repeat(680)}1${'}'.repeat(680)}`), NOT_OURS],
    ['of UTF-8 that is none', who => greeting(Buffer.from(fields(who, { label: '\u00ff' }), 'latin1')), NOT_OURS],
    ['of UTF-8 that is longer than needed', who => greeting(Buffer.from(fields(who, { label: '\u00c0\u0080' }), 'latin1')), NOT_OURS], // biome-ignore format: one line says it
    ['of UTF-16', who => greeting(Buffer.from(fields(who), 'utf16le')), NOT_OURS],
    ['with its fields in a prototype', who => greeting(`{"__proto__":${fields(who)}}`), NOT_OURS],
    ['without an id', who => greeting(fields(who, { id: undefined })), NOT_OURS],
    ['whose id is a number', who => greeting(fields(who, { id: 1 })), NOT_OURS],
    ['whose id is a list of it', who => greeting(fields(who, { id: [who.id] })), NOT_OURS],
    ['whose label is an object', who => greeting(fields(who, { label: { toString: 'x' } })), NOT_OURS],
    ['whose token is a number', who => greeting(fields(who, { token: 1 })), NOT_OURS],
    ['whose secret is null', who => greeting(fields(who, { secret: null })), NOT_OURS],
    ['whose version is text', who => greeting(fields(who, { version: '1' })), NOT_OURS],
    ['of version 0', who => greeting(fields(who, { version: 0 })), VERSION],
    ['of version 2', who => greeting(fields(who, { version: 2 })), VERSION],
    ['of version 1.5', who => greeting(fields(who, { version: 1.5 })), VERSION],
    ['of a version of 400 digits', who => greeting(fields(who).replace('"version":1', `"version":${'9'.repeat(400)}`)), VERSION], // biome-ignore format: one line says it
    ['whose id is a path', who => greeting(fields(who, { id: '../../etc/passwd' })), NO_SUCH_ID],
    ['whose id is __proto__', who => greeting(fields(who, { id: '__proto__' })), NO_SUCH_ID],
    ['whose id is written another way', who => greeting(fields(who, { id: otherForm(who.id) })), NO_SUCH_ID],
    ['with the id of the hub and a secret that is not its', (who, { hub }) => greeting(fields(who, { id: hub.id })), FORBIDDEN], // biome-ignore format: one line says it
    ['with the id of somebody who is there', (who, { good }) => greeting(fields(who, { id: good.id })), FORBIDDEN],
    ['with that id and no secret', (who, { good }) => greeting(fields(who, { id: good.id, secret: undefined })), FORBIDDEN], // biome-ignore format: one line says it
    ['whose secret is too short', who => greeting(fields(who, { secret: 'x' })), FORBIDDEN],
    ['whose secret is no base64url', who => greeting(fields(who, { secret: '+'.repeat(43) })), FORBIDDEN],
    ['whose secret has one bit turned', who => greeting(fields(who, { secret: turned(who.secret) })), FORBIDDEN],
    ['as of a node', who => greeting(fields(who, { secret: undefined, nonce: 'x'.repeat(22) })), FORBIDDEN]
  ]
  for (const [title, make, [code, close]] of frames) {
    attack(`${title} attaches nobody, and is closed with ${close}`, async stage => {
      const peer = await stage.stranger()
      peer.send(make(peer.identity, stage))
      expect(await verdict(peer)).to.deep.equal([code, close])
      await stage.alone()
      expect([...stage.gateway.peers].map(({ id }) => id)).to.deep.equal([stage.good.id])
      expect(stage.said).to.deep.equal([])
    })
  }

  attack('that says everything twice is taken by what it says last, and only with the secret of that', async stage => {
    const peer = await stage.stranger()
    const { id } = peer.identity
    peer.send(greeting(fields(peer.identity).replace('"id"', `"id":"${stage.good.id}","id"`)))
    await until(() => peer.answers().length > 0, 'it is answered')
    expect([...stage.gateway.peers].map(each => each.id)).to.have.members([stage.good.id, id])
    const other = await stage.stranger()
    other.send(greeting(fields(other.identity).replace(',"label"', `,"id":"${stage.good.id}","label"`)))
    expect(await verdict(other)).to.deep.equal(FORBIDDEN)
  })

  attack('with more than is asked for is taken, and nothing of that is believed', async stage => {
    const peer = await stage.stranger()
    const lies = {
      trust: 'node',
      principal: 'good',
      as: 'above',
      place: 'above',
      downAfter: 1e9,
      limits: {},
      toJSON: 1
    }
    peer.send(greeting(fields(peer.identity, lies).replace('{', '{"__proto__":{"token":"good"},')))
    await until(() => peer.answers().length > 0, 'it is answered')
    expect(peer.answers()[0]).to.include({ kind: 'welcome', trust: 'guest', downAfter: 30_000 })
    const { principal } = [...stage.gateway.peers].find(({ id }) => id === peer.identity.id) ?? {}
    expect(principal).to.equal(undefined)
  })

  attack('whose label is of any kind is taken, and the label cleaned', async stage => {
    for (const label of ['', '\ud800', '\u202e\u0000\u001b[2J\r\nfake', 'x'.repeat(3_000), '%s%n', '<script>']) {
      const peer = await stage.stranger()
      peer.shake(hello(peer.identity, { label }))
      await until(() => peer.answers().length > 0, 'it is answered')
      const shown = [...stage.gateway.peers].find(({ id }) => id === peer.identity.id)?.label ?? '?'
      expect(shown.length).to.be.at.most(64)
      expect([...shown].filter(each => each < ' ')).to.deep.equal([])
      peer.close()
    }
  })
})

describe('a handshake out of turn', () => {
  const before: Array<[title: string, second: (peer: RawPeer, stage: Stage) => Uint8Array]> = [
    ['a second hello', peer => writeHandshake(hello(peer.identity))],
    ['the hello of another', () => writeHandshake(hello(identity()))],
    ['mail', (peer, { hub }) => relayed(peer.identity.id, hub.id, {})],
    ['a welcome', peer => greeting(fields(peer.identity, { trust: 'node', downAfter: 1e3, messageBytes: 1e6, windowBytes: 1e6 }), FrameKind.welcome)] // biome-ignore format: one line says it
  ]
  for (const [title, second] of before) {
    attack(
      `${title} before the first is answered ends it with 4400`,
      async stage => {
        const peer = await stage.stranger()
        peer.shake(hello(peer.identity))
        peer.send(second(peer, stage))
        expect(await verdict(peer)).to.deep.equal(NOT_OURS)
        await stage.alone()
      },
      { authenticate: ({ token }) => (token === 'good' ? token : new Promise(() => {})) }
    )
  }

  const after: typeof before = [
    ...before.filter(([title]) => title !== 'mail'),
    ['a challenge', () => greeting('{"id":"x","nonce":"x","proof":"x"}', FrameKind.challenge)],
    ['a proof', () => greeting('{"proof":"x","secret":"x"}', FrameKind.proof)],
    ['a refusal', () => greeting('{"code":"ACTOR_REFUSED","message":"no","version":1}', FrameKind.refused)],
    ['an admission', () => greeting('{"expiresIn":1e9}', FrameKind.admitted)],
    ['a token that is none', () => greeting('{"token":["good"]}', FrameKind.token)],
    ['a token of five kilobytes', () => greeting(`{"token":"${'x'.repeat(5_000)}"}`, FrameKind.token)]
  ]
  for (const [title, second] of after) {
    attack(`${title} after the welcome ends that connection with 4400`, async stage => {
      const peer = await stage.guest()
      peer.send(second(peer, stage))
      expect((await verdict(peer))[1]).to.equal(4400)
      expect(peer.answers()).to.deep.equal([])
      expect(stage.gateway.peers.size).to.equal(2)
    })
  }
})

describe('who a caller is', () => {
  /** Dials as a page of this origin does. */
  const page = ({ port }: Stage, origin: string): Transport => {
    class Page extends WebSocket {
      constructor(url: string, protocols?: string | string[]) {
        super(url, protocols, { headers: { origin } })
      }
    }
    return webSocket(`ws://127.0.0.1:${port}`, { WebSocket: Page })
  }
  const origins: Array<[title: string, origin: (port: number) => string, welcome: boolean]> = [
    ['of the same host', port => `http://127.0.0.1:${port}`, true],
    ['of another host', () => 'https://evil.example', false],
    ['of another port', port => `http://127.0.0.1:${port + 1}`, false],
    ['of no port', () => 'http://127.0.0.1', false],
    ['of a host that begins alike', port => `http://127.0.0.1:${port}.evil.example`, false],
    ['of a host that ends alike', port => `http://evil.example/127.0.0.1:${port}`, false],
    ['with a user that looks like the host', port => `http://127.0.0.1:${port}@evil.example`, false],
    ['without one of its own', () => 'null', false],
    ['of two hosts', port => `http://127.0.0.1:${port}, https://evil.example`, false],
    ['that is empty', () => '', false],
    ['of a file', () => 'file://', false]
  ]
  for (const [title, origin, welcome] of origins) {
    attack(`a page ${title} is ${welcome ? 'welcome' : 'forbidden, with 4403'}`, async stage => {
      const peer = await rawPeer(page(stage, origin(stage.port)))
      peer.shake(hello(peer.identity))
      if (welcome) {
        await until(() => peer.answers()[0]?.kind === 'welcome', 'it is welcome')
        return
      }
      expect(await verdict(peer)).to.deep.equal(FORBIDDEN)
      await stage.alone()
    })
  }

  const thrown: Array<[title: string, authenticate: () => unknown]> = [
    ['throws', () => { throw new Error('a secret of the house') }], // biome-ignore format: one line says it
    ['rejects', () => Promise.reject(new Error('a secret of the house'))],
    ['throws nothing', () => { throw undefined }], // biome-ignore format: one line says it
    ['throws what cannot be shown', () => { throw { get message() { throw new Error('a secret of the house') } } }], // biome-ignore format: one line says it
    ['throws what claims to be a refusal of ours', () => { throw Object.assign(new Error('a secret of the house'), { code: 'ACTOR_VERSION' }) }], // biome-ignore format: one line says it
    ['answers with what is nearly a promise, and throws', () => thenable(() => { throw new Error('a secret of the house') })], // biome-ignore format: one line says it
    ['answers with what is nearly a promise, and rejects', () => thenable((_, no) => no('a secret of the house'))]
  ]
  for (const [title, authenticate] of thrown) {
    attack(
      `is not told by an authenticate that ${title}: 4401, and nothing of why`,
      async stage => {
        const peer = await stage.stranger()
        peer.shake(hello(peer.identity, { token: 'bad' }))
        expect(await verdict(peer)).to.deep.equal(['ACTOR_FORBIDDEN', 4401])
        const heard = JSON.stringify([peer.answers(), peer.closed])
        expect(heard).to.not.include('secret of the house')
        await stage.alone()
      },
      { authenticate: ({ token }) => (token === 'good' ? token : authenticate()) }
    )
  }

  let late: (principal: unknown) => void = () => {}
  attack(
    'is not told by an authenticate that hangs: 4401 in time, and what it answers later is for nothing',
    async stage => {
      const peer = await stage.stranger()
      peer.shake(hello(peer.identity))
      expect(await verdict(peer)).to.deep.equal(['ACTOR_FORBIDDEN', 4401])
      late('good')
      await stage.served()
      await stage.alone()
    },
    {
      clock: hurriedClock(10),
      authenticate: ({ token }) => {
        if (token === 'good') return token
        return new Promise(resolve => {
          late = resolve
        })
      }
    }
  )

  for (const token of [undefined, '', 'Good', 'good ', 'good\u0000', 'x'.repeat(3_000)]) {
    attack(
      `is not shown by ${token === undefined ? 'no token' : `a token like ${JSON.stringify(token).slice(0, 20)}`}`,
      async stage => {
        const peer = await stage.stranger()
        peer.shake(hello(peer.identity, token === undefined ? {} : { token }))
        expect(await verdict(peer)).to.deep.equal(['ACTOR_FORBIDDEN', 4401])
        await stage.alone()
      },
      {
        authenticate: ({ token }) => {
          if (token !== 'good') throw new Error('unknown')
          return token
        }
      }
    )
  }
})

describe('an id in two places', () => {
  attack('is in the newer one: the older is closed with 4409', async stage => {
    const who = identity()
    const first = await rawPeer(stage.way, who)
    first.shake(hello(who))
    await until(() => first.answers().length > 0, 'it is welcome')
    const second = await rawPeer(stage.way, who)
    second.shake(hello(who))
    expect(await verdict(first)).to.deep.equal(['welcome', 4409])
    await until(() => second.answers().length > 0, 'the newer is welcome')
    expect(stage.gateway.peers.size).to.equal(2)
    expect(second.closed).to.deep.equal([])
  })

  attack('that come at once is in one of them', async stage => {
    const who = identity()
    const peers = await Promise.all(Array.from({ length: 10 }, () => rawPeer(stage.way, who)))
    for (const peer of peers) peer.shake(hello(who))
    await until(() => peers.filter(({ closed }) => closed.length === 0).length === 1, 'one is left')
    await stage.served()
    expect(peers.filter(({ closed }) => closed[0]?.code === 4409)).to.have.length(9)
    expect(stage.gateway.peers.size).to.equal(2)
  })

  attack('a hundred times in a row, before anything is said, is welcome each time', async stage => {
    const who = identity()
    for (let n = 0; n < 100; n++) {
      const peer = await rawPeer(stage.way, who)
      peer.shake(hello(who))
      await until(() => peer.answers().length > 0, 'it is answered')
      expect(peer.answers()[0]?.kind).to.equal('welcome')
      if (n % 2 === 0) peer.close()
    }
    expect(stage.gateway.peers.size).to.equal(2)
  })

  attack('of which one is the hub itself is in one only', async stage => {
    const failed = failure(stage.hub.connect(stage.way, { backoff: { min: 1, max: 5 }, within: 2_000 }))
    expect(await failed).to.have.property('code', 'ACTOR_REFUSED')
    await stage.alone()
  })
})

describe('at a listener for nodes', () => {
  const NONCE = 'AAAAAAAAAAAAAAAAAAAAAA'

  /** Opens one beside the one for guests, and says hello there. */
  async function challenged(stage: Stage, who: Identity = identity(), way?: Transport) {
    const nodes = way ?? (await listenForNodes(stage))
    const peer = await rawPeer(nodes, who)
    peer.send(greeting(fields(who, { secret: undefined, nonce: NONCE })))
    await until(() => peer.answers().length > 0, 'it is challenged')
    const challenge = peer.answers()[0] as HandshakeFrame & { kind: 'challenge' }
    const proof = (shared: string, role: 'dialer' | 'listener' = 'dialer'): string =>
      proofOf(shared, role, [NONCE, challenge.nonce], [who.id, challenge.id])
    return { peer, way: nodes, challenge, proof }
  }
  async function listenForNodes({ hub }: Stage): Promise<Transport> {
    const { url } = await hub.listen(webSocketServer({ port: 0 }), { trust: { node: { secret: SECRET } } })
    return webSocket(url as string, { WebSocket })
  }
  const flip = (text: string, at: number): string =>
    text.slice(0, at) + (text.charAt(at) === 'A' ? 'B' : 'A') + text.slice(at + 1)

  attack('whoever knows the secret is welcome', async stage => {
    const { peer, proof } = await challenged(stage)
    peer.shake({ kind: 'proof', proof: proof(SECRET), secret: secretOf(peer.identity) })
    await until(() => peer.answers().at(-1)?.kind === 'welcome', 'it is welcome')
  })

  type Answer = (made: Awaited<ReturnType<typeof challenged>>, stage: Stage) => Uint8Array | HandshakeFrame
  const proofs: Array<[title: string, answer: Answer, verdict: readonly [string, number]]> = [
    ['of another secret', ({ peer, proof }) => ({ kind: 'proof', proof: proof(`${SECRET}.`), secret: secretOf(peer.identity) }), FORBIDDEN], // biome-ignore format: one line says it
    ['that is empty', ({ peer }) => ({ kind: 'proof', proof: '', secret: secretOf(peer.identity) }), FORBIDDEN],
    ['that is cut', ({ peer, proof }) => ({ kind: 'proof', proof: proof(SECRET).slice(0, -1), secret: secretOf(peer.identity) }), FORBIDDEN], // biome-ignore format: one line says it
    ['that goes on', ({ peer, proof }) => ({ kind: 'proof', proof: `${proof(SECRET)}A`, secret: secretOf(peer.identity) }), FORBIDDEN], // biome-ignore format: one line says it
    ["that is the listener's own", ({ peer, challenge }) => ({ kind: 'proof', proof: challenge.proof, secret: secretOf(peer.identity) }), FORBIDDEN], // biome-ignore format: one line says it
    ['for the other part', ({ peer, proof }) => ({ kind: 'proof', proof: proof(SECRET, 'listener'), secret: secretOf(peer.identity) }), FORBIDDEN], // biome-ignore format: one line says it
    ['with the secret of another system', ({ proof }) => ({ kind: 'proof', proof: proof(SECRET), secret: secretOf(identity()) }), FORBIDDEN], // biome-ignore format: one line says it
    ['that is mail', ({ peer }, { hub }) => relayed(peer.identity.id, hub.id, {}), NOT_OURS],
    ['that is a second hello', ({ peer }) => hello(peer.identity, { nonce: NONCE }), NOT_OURS],
    ['that is a challenge', ({ challenge }) => challenge, NOT_OURS]
  ]
  for (const [title, answer, [code, close]] of proofs) {
    attack(`a proof ${title} is refused with ${close}`, async stage => {
      const made = await challenged(stage)
      const frame = answer(made, stage)
      if (frame instanceof Uint8Array) made.peer.send(frame)
      else made.peer.shake(frame)
      expect(await verdict(made.peer)).to.deep.equal([code, close])
    })
  }

  attack('a proof with any character changed is refused', async stage => {
    const way = await listenForNodes(stage)
    const tries = Array.from({ length: 43 }, async (_, at) => {
      const { peer, proof } = await challenged(stage, identity(), way)
      peer.shake({ kind: 'proof', proof: flip(proof(SECRET), at), secret: secretOf(peer.identity) })
      expect(await verdict(peer), `with character ${at} changed`).to.deep.equal(FORBIDDEN)
    })
    await Promise.all(tries)
  })

  attack('what was said in an earlier handshake, said again, is refused', async stage => {
    const { peer, way, proof } = await challenged(stage)
    const said: HandshakeFrame = { kind: 'proof', proof: proof(SECRET), secret: secretOf(peer.identity) }
    peer.shake(said)
    await until(() => peer.answers().at(-1)?.kind === 'welcome', 'it is welcome')
    const again = await challenged(stage, peer.identity, way)
    again.peer.shake(said)
    expect(await verdict(again.peer)).to.deep.equal(FORBIDDEN)
    expect(peer.closed).to.deep.equal([])
  })

  attack("what a guest shows is refused, though it is a good guest's", async stage => {
    const peer = await rawPeer(await listenForNodes(stage))
    peer.shake(hello(peer.identity, { token: 'good' }))
    expect(await verdict(peer)).to.deep.equal(FORBIDDEN)
  })

  attack('a guest that is an honest system is told so, and what it showed is of no use', async stage => {
    const guest: ActorSystem = createSystem({ label: 'guest', logger: quiet })
    const failed = failure(guest.connect(await listenForNodes(stage), { token: 'good', backoff: { min: 1, max: 5 } }))
    expect(await failed).to.have.property('code', 'ACTOR_FORBIDDEN')
    await guest.shutdown()
  })

  attack('and at one for guests a node is refused before it has shown its secret', async stage => {
    const node: ActorSystem = createSystem({ label: 'node', logger: quiet })
    const failed = failure(node.connect(stage.way, { secret: SECRET, backoff: { min: 1, max: 5 } }))
    expect(await failed).to.have.property('code', 'ACTOR_FORBIDDEN')
    expect(await node.lookup(Open, { within: 0 }).catch(({ code }) => code)).to.equal('ACTOR_NOT_FOUND')
    await node.shutdown()
    await stage.alone()
  })
})

/** The same 16 bytes with other bits behind them, which base64url has room for. */
function otherForm(id: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return id.slice(0, -1) + alphabet.charAt(alphabet.indexOf(id.slice(-1)) ^ 1)
}

function thenable(then: (yes: () => void, no: (why: unknown) => void) => void): object {
  return Object.fromEntries([['then', then]])
}

function turned(secret: Uint8Array): string {
  const other = Uint8Array.from(secret)
  other[31] = (other[31] as number) ^ 1
  return Buffer.from(other).toString('base64url')
}
