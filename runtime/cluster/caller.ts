// Somebody at a gateway who is not let in yet: the listener's half of the handshake, on one connection. The dialer's half is
// peer/dial.ts. The gateway (gateway.ts) says who fits and takes the wire of whoever is welcome, or hears why he was refused.

import type { Clock } from '../actor/clock.ts'
import { base64url } from '../actor/ids.ts'
import type { Logger } from '../actor/logger.ts'
import type { ListenOptions } from '../actor/network.ts'
import {
  HANDSHAKE_TIME,
  type HandshakeFrame,
  type Hello,
  PROTOCOL,
  type Proof,
  readHandshake,
  writeHandshake
} from '../peer/handshake.ts'
import { type Identity, idBytes, proofOf, proves, sameText } from '../peer/identity.ts'
import type { ConnectionHello } from '../peer/transport.ts'
import { CloseCode, type Wire } from '../peer/wire.ts'
import type { Admission } from './tenure.ts'

/** What whoever is refused hears, and with which code his connection is closed. */
export interface Refusal {
  readonly code: string
  readonly message: string
  readonly close: number
  /** The limit that he came to. */
  readonly limit?: string
}

/** One for each gateway. */
export interface CallerPort {
  readonly clock: Clock
  readonly logger: Logger
  readonly entropy: (bytes: number) => Uint8Array
  readonly identity: Identity
  readonly options: ListenOptions
  /** Why a system that has proved its id cannot come in; `undefined`: it can. */
  unfit(id: string): Refusal | undefined
  admit(label: string, from: ConnectionHello, token: string | undefined): Promise<Admission>
  /** Whether its place is kept for somebody else. */
  isAnother(id: string, admission: Admission): boolean
  /** He is in. */
  welcome(caller: Caller, hello: Hello, secret: string | undefined, admission: Admission): void
  refused(caller: Caller, refusal: Refusal, label: string | undefined): void
  /** He has hung up, or was sent away. */
  left(caller: Caller): void
}

type State =
  | { readonly is: 'silent' }
  | { readonly is: 'heard'; readonly hello: Hello }
  | { readonly is: 'challenged'; readonly hello: Hello; readonly nonce: string }
  /** He is who he says; whether he may come in is being asked. */
  | { readonly is: 'proved'; readonly hello: Hello }
  | { readonly is: 'over' }

const ANYBODY: Admission = { principal: undefined, subject: undefined, ends: undefined }
// Refusals are alike: a wrong origin, secret, proof or listener gets the same answer.
const FORBIDDEN: Refusal = { code: 'ACTOR_FORBIDDEN', message: 'not allowed here', close: CloseCode.forbidden }
const NOT_AUTHENTICATED: Refusal = {
  code: 'ACTOR_FORBIDDEN',
  message: 'not authenticated',
  close: CloseCode.unauthenticated
}
const TOO_LATE: Refusal = {
  code: 'ACTOR_UNREACHABLE',
  message: 'the handshake took too long',
  close: CloseCode.timeout
}
const NO_GREETING: Refusal = {
  code: 'ACTOR_REFUSED',
  message: 'the first frame is no greeting of this protocol',
  close: CloseCode.protocol
}
const OUT_OF_TURN: Refusal = { code: 'ACTOR_REFUSED', message: 'that frame is out of turn', close: CloseCode.protocol }
const NO_ID: Refusal = { code: 'ACTOR_REFUSED', message: 'that id cannot be attached here', close: CloseCode.forbidden }
const OTHER_VERSION: Refusal = {
  code: 'ACTOR_VERSION',
  message: `this listener speaks version ${PROTOCOL}`,
  close: CloseCode.version
}

export class Caller {
  readonly wire: Wire
  readonly from: ConnectionHello
  readonly #port: CallerPort
  readonly #cancel: () => void
  #state: State = { is: 'silent' }

  constructor(wire: Wire, from: ConnectionHello, port: CallerPort) {
    this.wire = wire
    this.from = from
    this.#port = port
    this.#cancel = port.clock.timer(HANDSHAKE_TIME, () =>
      this.#refuse(this.#state.is === 'proved' ? NOT_AUTHENTICATED : TOO_LATE)
    )
    wire.closed = () => {
      this.#end()
      port.left(this)
    }
    wire.receive = bytes => this.#hear(bytes)
  }

  #end(): void {
    this.#state = { is: 'over' }
    this.#cancel()
  }

  #refuse(refusal: Refusal): void {
    const state = this.#state
    if (state.is === 'over') return
    this.#end()
    const { code, message, close } = refusal
    this.wire.closed = () => {}
    this.wire.send(writeHandshake({ kind: 'refused', code, message, version: PROTOCOL, close }))
    this.wire.close(close, code)
    this.#port.refused(this, refusal, 'hello' in state ? state.hello.label : undefined)
  }

  #hear(bytes: Uint8Array): void {
    const state = this.#state
    if (state.is === 'over') return
    let frame: HandshakeFrame
    try {
      frame = readHandshake(bytes)
    } catch {
      this.#refuse(NO_GREETING)
      return
    }
    if (frame.kind === 'hello' && state.is === 'silent') this.#greeted(frame)
    else if (frame.kind === 'proof' && state.is === 'challenged') this.#answered(state.hello, state.nonce, frame)
    else this.#refuse(OUT_OF_TURN)
  }

  #greeted(hello: Hello): void {
    const { options, identity, entropy } = this.#port
    this.#state = { is: 'heard', hello }
    if (hello.version !== PROTOCOL) this.#refuse(OTHER_VERSION)
    else if (idBytes(hello.id) === undefined) this.#refuse(NO_ID)
    else if (options.trust === 'guest') {
      if (proves(hello.secret, hello.id) && this.#originAllowed()) this.#proved(hello, hello)
      else this.#refuse(FORBIDDEN)
    } else if (hello.nonce === undefined) this.#refuse(FORBIDDEN)
    else {
      const nonce = base64url(entropy(16))
      const { id } = identity
      const proof = proofOf(options.trust.node.secret, 'listener', [hello.nonce, nonce], [hello.id, id])
      this.#state = { is: 'challenged', hello, nonce }
      this.wire.send(writeHandshake({ kind: 'challenge', id, nonce, proof }))
    }
  }

  #answered(hello: Hello, nonce: string, shown: Proof): void {
    const { options, identity } = this.#port
    // A challenge is good for one answer.
    this.#state = { is: 'heard', hello }
    const secret = options.trust === 'guest' ? '' : options.trust.node.secret
    const proof = proofOf(secret, 'dialer', [hello.nonce ?? '', nonce], [hello.id, identity.id])
    if (sameText(shown.proof, proof) && proves(shown.secret, hello.id)) this.#proved(hello, shown)
    else this.#refuse(FORBIDDEN)
  }

  /** Only now does he hear anything that is of his id. */
  #proved(hello: Hello, { secret, token }: Pick<Hello, 'secret' | 'token'>): void {
    const { options, logger } = this.#port
    if (!this.#fits(hello)) return
    this.#state = { is: 'proved', hello }
    const welcome = (admission: Admission): void => {
      // While it was authenticated it may have become the hub above.
      if (this.#state.is === 'over' || !this.#fits(hello)) return
      if (this.#port.isAnother(hello.id, admission)) {
        this.#refuse(FORBIDDEN)
        return
      }
      this.#end()
      this.#port.welcome(this, hello, secret, admission)
    }
    if (options.authenticate === undefined) {
      welcome(ANYBODY)
      return
    }
    this.#port
      .admit(hello.label, this.from, token)
      .then(welcome)
      .catch((error: unknown) => {
        // What the hook says goes to the log: a stranger learns only that the answer is no.
        logger.info('authenticate refused', { error })
        this.#refuse(NOT_AUTHENTICATED)
      })
  }

  #fits({ id }: Hello): boolean {
    const refusal = this.#port.unfit(id)
    if (refusal !== undefined) this.#refuse(refusal)
    return refusal === undefined
  }

  #originAllowed(): boolean {
    const { origin, headers } = this.from
    // No origin: not a browser, which always tells one. Such a caller could claim any.
    if (origin === undefined) return true
    const { origins } = this.#port.options
    if (origins !== undefined) return origins.includes(origin)
    return origin.replace(/^[a-z]+:\/\//, '') === headers?.host
  }
}
