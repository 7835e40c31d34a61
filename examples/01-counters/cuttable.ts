// Any transport, with scissors: `cut` takes the connection away from under the runtime, which is told nothing else.

import type { Connection, Transport } from 'whereabouts/transport'

export interface Scissors {
  readonly isCut: boolean
  /** Drops the live connection with all that is on its way, and refuses new ones. */
  cut(): void
  /** Lets new connections through. The runtime finds out by itself. */
  mend(): void
}

export function cuttable(transport: Transport): { transport: Transport; scissors: Scissors } {
  let isCut = false
  let sever = (): void => {}

  function severable(connection: Connection): Connection {
    let severed = false
    let closed = (_why: { code: number; reason: string }): void => {}
    sever = () => {
      if (severed) return
      severed = true
      connection.close()
      closed({ code: 1006, reason: 'somebody has cut the wire' })
    }
    return {
      maxFrame: connection.maxFrame,
      get buffered() {
        return connection.buffered
      },
      send(frame, transfer) {
        if (!severed) connection.send(frame, transfer)
      },
      open(on) {
        closed = why => on.close(why)
        connection.open({
          frame: data => {
            if (!severed) on.frame(data)
          },
          close: why => {
            if (!severed) on.close(why)
          },
          drain: () => on.drain?.()
        })
      },
      close: (code, reason) => connection.close(code, reason)
    }
  }

  return {
    transport: {
      kind: transport.kind,
      async connect(signal) {
        if (isCut) throw new Error('the wire is cut')
        return severable(await transport.connect(signal))
      }
    },
    scissors: {
      get isCut() {
        return isCut
      },
      cut() {
        isCut = true
        sever()
      },
      mend() {
        isCut = false
      }
    }
  }
}
