// Where a message came from: an argument of every handler, never ambient, so that it stays right after an await.

export type Trust = 'local' | 'node' | 'guest'

/** Where the message in hand came from. */
export interface Origin {
  readonly trust: Trust
  /** What `authenticate` answered for the peer it came from; `undefined` for local mail. */
  readonly principal: unknown
  /** Aborts when the asker gave up, or when this actor stops. Made when first read. */
  readonly signal: AbortSignal
}
