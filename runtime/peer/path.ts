// One way to move frames to a peer right now: its own connection, or a relay through a hub. A path may lose frames, never
// reorders them, and comes and goes; the association above it does not.

export interface Path {
  /** The lower the better: 0 for a connection to the peer itself, 1 through a hub. */
  readonly cost: number
  /** Bytes that wait in this process to leave by this path. */
  readonly buffered: number
  /** Hands over a frame; never throws. The association keeps the bytes and may send them again. */
  send(frame: Uint8Array): void
}
