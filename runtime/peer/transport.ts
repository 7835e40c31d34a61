// The port that the author of a new transport writes against. A transport opens and accepts connections and moves frames;
// handshake, liveness, resume and limits lie above it, once for all transports.

import type { GatewayReport } from '../actor/network.ts'

/** One open pipe. Frames arrive whole and in order, or the connection closes; nothing else is asked of it. */
export interface Connection<Frame = Uint8Array> {
  /** The largest frame it takes, in bytes; at least 61,440. */
  readonly maxFrame: number
  /** Bytes handed to `send` that have not left this process yet. */
  readonly buffered: number
  /** Hands over a frame. Never throws; after `close` it does nothing. The frame may not be changed by the connection. */
  send(frame: Frame, transfer?: readonly unknown[]): void
  /**
   * Called once, before which nothing is delivered: frames that arrived earlier are kept and delivered then. A frame that
   * is delivered belongs to the receiver for good: it may write on it and keep it. `close` is
   * called once, for either side's closing or a failure, and nothing after it; `drain` when `buffered` is low again. They
   * are methods: call them on `on`.
   */
  open(on: { frame(data: Frame): void; close(why: { code: number; reason: string }): void; drain?(): void }): void
  /** Ends it; frames already handed over still leave if they can. The other side's `close` hears code and reason. */
  close(code?: number, reason?: string): void
}

/** Dials. One transport may be dialled many times, one after the other. */
export interface Transport {
  readonly kind: string
  /** Rejects when it cannot connect, or when the signal aborts. */
  connect(signal: AbortSignal): Promise<Connection>
  /**
   * Calls `back` whenever the network may be there again, where the platform tells: a link that waits to dial again then does so
   * at once. The answer ends that.
   */
  whenBack?(back: () => void): () => void
}

/** What a listener knows of a caller before the first frame. */
export interface ConnectionHello {
  readonly origin?: string
  readonly address?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Accepts connections. */
export interface Listener {
  readonly kind: string
  /**
   * Rejects with ACTOR_LISTEN_FAILED when it cannot listen. `report` tells what the gateway counts, for a listener that can show
   * it; a gateway that drains goes on accepting, and closes what it accepts with 4503.
   */
  listen(
    accept: (connection: Connection, hello: ConnectionHello) => void,
    report?: () => GatewayReport
  ): Promise<{ close(): Promise<void>; readonly url?: string }>
}
