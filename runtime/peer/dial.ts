// The dialer's half of the handshake: one connection in, a welcome or an error out. Called by a link for each attempt.

import type { Clock } from '../actor/clock.ts'
import { ActorError, type ErrorCode } from '../actor/errors.ts'
import { base64url } from '../actor/ids.ts'
import {
  HANDSHAKE_TIME,
  type HandshakeFrame,
  PROTOCOL,
  type Refused,
  readHandshake,
  type Welcome,
  writeShown
} from './handshake.ts'
import { type Identity, idBytes, proofOf, sameText } from './identity.ts'
import type { Connection } from './transport.ts'
import { CloseCode, Wire } from './wire.ts'

export interface DialOptions {
  readonly identity: Identity
  readonly label: string
  readonly token: string | undefined
  /** The secret shared with a listener for nodes. */
  readonly shared: string | undefined
  readonly as: 'below' | 'peer'
  readonly clock: Clock
  readonly entropy: (bytes: number) => Uint8Array
}

/**
 * Greets. `welcomed` is called before the next frame is read, so that none is missed; every other end comes as `failed`,
 * with ACTOR_REFUSED, ACTOR_VERSION, ACTOR_FORBIDDEN, ACTOR_UNREACHABLE or the code that the listener gave.
 */
export function dial(
  connection: Connection,
  options: DialOptions,
  welcomed: (wire: Wire, welcome: Welcome) => void,
  failed: (error: ActorError) => void
): Wire {
  const { identity, label, token, shared, clock } = options
  const wire = new Wire(connection, clock)
  const nonce = base64url(options.entropy(16))
  const secret = base64url(identity.secret)
  const credential = token === undefined ? {} : { token }
  let expected: HandshakeFrame['kind'] = shared === undefined ? 'welcome' : 'challenge'
  let over = false

  const end = (error: ActorError, code: number): void => {
    if (over) return
    over = true
    cancel()
    wire.closed = () => {}
    wire.close(code, error.code)
    failed(error)
  }
  const show = (frame: HandshakeFrame): void => {
    try {
      wire.send(writeShown(frame))
    } catch (error) {
      end(error as ActorError, CloseCode.normal)
    }
  }
  // A second more than the listener takes, so that its verdict is heard.
  const within = HANDSHAKE_TIME + 1_000
  const cancel = clock.timer(within, () =>
    end(
      new ActorError(
        'ACTOR_UNREACHABLE',
        `the listener did not finish the handshake within ${within} ms; is it one of this runtime?`
      ),
      CloseCode.timeout
    )
  )
  wire.closed = why => end(closedError(why, 'closed during the handshake'), CloseCode.normal)
  wire.receive = bytes => {
    if (over) return
    let frame: HandshakeFrame
    try {
      frame = readHandshake(bytes)
    } catch (error) {
      end(error as ActorError, CloseCode.protocol)
      return
    }
    if (frame.kind === 'refused') end(refusal(frame, shared), CloseCode.normal)
    else if (frame.kind !== expected) {
      end(mismatch(expected, frame.kind), CloseCode.protocol)
    } else if (frame.kind === 'challenge') {
      const nonces = [nonce, frame.nonce]
      const ids = [identity.id, frame.id]
      if (!sameText(frame.proof, proofOf(shared ?? '', 'listener', nonces, ids))) {
        end(
          new ActorError(
            'ACTOR_FORBIDDEN',
            'the listener does not hold the shared secret; check { secret } on both sides'
          ),
          CloseCode.forbidden
        )
        return
      }
      expected = 'welcome'
      show({ kind: 'proof', proof: proofOf(shared ?? '', 'dialer', nonces, ids), secret, ...credential })
    } else if (frame.kind === 'welcome') {
      const wrong = unusable(frame, identity.id)
      if (wrong !== undefined) {
        end(wrong, CloseCode.protocol)
        return
      }
      over = true
      cancel()
      welcomed(wire, frame)
    }
  }
  wire.open()
  show({
    kind: 'hello',
    version: PROTOCOL,
    id: identity.id,
    label,
    // Whoever listens where nodes are expected sees what is secret when it has proved itself.
    ...(shared === undefined ? { secret, ...credential } : { nonce }),
    ...(options.as === 'peer' ? { as: 'peer' as const } : {})
  })
  return wire
}

/** Another token may be taken where this one was not; programs see a refusal like others. */
export class TokenRefused extends ActorError {
  constructor() {
    super('ACTOR_FORBIDDEN', 'the listener does not take the token; connect with a new one')
  }
}

/** What the code that a connection was closed with says to the one who dialled. */
export function closedError({ code, reason }: { code: number; reason: string }, how: string): ActorError {
  const said = SAID.get(code)
  if (code === CloseCode.unauthenticated) return new TokenRefused()
  if (said !== undefined) return new ActorError(said[0], `${said[1]} (${code})`)
  const why = `${code}${reason === '' ? '' : ` ${reason}`}`
  return new ActorError('ACTOR_UNREACHABLE', `the connection was ${how} (${why}); the link tries again`)
}

const SAID = new Map<number, readonly [ErrorCode, string]>([
  [
    CloseCode.forbidden,
    ['ACTOR_FORBIDDEN', 'the listener does not let this system in, or no longer; its own log says why']
  ],
  [
    CloseCode.version,
    ['ACTOR_VERSION', 'the listener speaks another version of the protocol; run the same release on both sides']
  ],
  [
    CloseCode.tooMany,
    [
      'ACTOR_UNREACHABLE',
      'the listener has too many callers, in all or from this address, that have not finished; the link tries again, or raise `pendingHandshakes` there'
    ]
  ],
  [CloseCode.draining, ['ACTOR_UNREACHABLE', 'the listener is closing and takes nobody in; the link tries again']],
  [
    CloseCode.slow,
    [
      'ACTOR_UNREACHABLE',
      'this system took nothing of what was sent to it for too long; the link tries again; see what keeps its event loop busy'
    ]
  ]
])

function refusal({ code, message, version, close }: Refused, shared: string | undefined): ActorError {
  if (code === 'ACTOR_VERSION') {
    return new ActorError(
      'ACTOR_VERSION',
      `the listener speaks version ${version} of the protocol, this system version ${PROTOCOL}; run the same release on both sides`
    )
  }
  if (close === CloseCode.unauthenticated) return new TokenRefused()
  if (code === 'ACTOR_FORBIDDEN') {
    // The listener says no more, so all that it may be is told.
    return new ActorError(
      'ACTOR_FORBIDDEN',
      shared === undefined
        ? 'the listener does not let this system in: it is one for nodes (then connect with { secret }), or not for this origin or credential; its own log says which'
        : 'the listener does not let this system in: it is one for guests (then connect without { secret }), or holds another { secret }; its own log says which'
    )
  }
  const known = code.startsWith('ACTOR_') && code.length <= 64 ? (code as `ACTOR_${string}`) : 'ACTOR_REFUSED'
  return new ActorError(known, `the listener refused: ${message.slice(0, 200)}`)
}

function mismatch(expected: string, got: string): ActorError {
  if (expected === 'challenge') {
    return new ActorError(
      'ACTOR_REFUSED',
      'the listener is one for guests and proves no shared secret; connect without { secret }'
    )
  }
  if (got === 'challenge') {
    return new ActorError('ACTOR_REFUSED', 'the listener is one for nodes; connect with { secret }')
  }
  return new ActorError(
    'ACTOR_REFUSED',
    `the listener answered with '${got}' where '${expected}' was due; it does not speak this protocol`
  )
}

function unusable(welcome: Welcome, own: string): ActorError | undefined {
  if (welcome.version !== PROTOCOL)
    return refusal({ code: 'ACTOR_VERSION', message: '', version: welcome.version }, undefined)
  if (welcome.id === own)
    return new ActorError('ACTOR_REFUSED', 'a system cannot be attached to itself; use its refs directly')
  const sane =
    idBytes(welcome.id) !== undefined &&
    welcome.downAfter >= 100 &&
    welcome.downAfter <= 86_400_000 &&
    welcome.messageBytes >= 1_024 &&
    welcome.windowBytes >= 65_536 &&
    !((welcome.expiresIn ?? 0) < 0)
  return sane
    ? undefined
    : new ActorError(
        'ACTOR_REFUSED',
        'the listener sent a welcome with impossible figures; it is broken or no listener of this runtime'
      )
}
