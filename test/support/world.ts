// Many systems under one clock by hand, over memory networks: the scene of tests of hubs, links, names and guests.

import type { Gateway, Link, ListenOptions, SystemOptions } from '../../runtime/index.ts'
import { type ActorRef, type ActorSystem, type ConnectOptions, createSystem } from '../../runtime/index.ts'
import type { Transport } from '../../runtime/peer/transport.ts'
import { type MemoryNetwork, memory } from '../../transports/memory.ts'
import { turn } from '../suites/any-ref/cast.ts'
import { type HandClock, handClock } from './hand-clock.ts'
import { quiet } from './quiet.ts'

export const SECRET = 'the secret of the test'
export const nodes: ListenOptions = { trust: { node: { secret: SECRET } } }
export const QUICK = { min: 10, max: 20 }

/** A way into a system: where to dial, and the wires between. */
export interface Way {
  readonly transport: Transport
  readonly network: MemoryNetwork
  readonly gateway: Gateway
}

export interface Attached {
  readonly system: ActorSystem
  readonly network: MemoryNetwork
  readonly link: Link
}

export interface World {
  readonly clock: HandClock
  make(label: string, options?: SystemOptions): ActorSystem
  door(into: ActorSystem, options: ListenOptions): Promise<Way>
  /** A system that is attached to another, by a door of its own. */
  attach(label: string, into: ActorSystem, options: ListenOptions, more?: Joining): Promise<Attached>
  /** Lets time pass, and turns meanwhile. */
  pass(time: number): Promise<void>
  /** Lets all turns happen that need no time. */
  settled(): Promise<void>
  /** Ends all systems that were made. */
  end(): Promise<void>
}

export interface Joining {
  /** The one that attaches, when it is there already. */
  readonly system?: ActorSystem
  readonly connect?: ConnectOptions
}

export function world(): World {
  const clock = handClock()
  const systems: ActorSystem[] = []

  const make = (label: string, options: SystemOptions = {}): ActorSystem => {
    const system = createSystem({ label, clock, logger: quiet, ...options })
    systems.push(system)
    return system
  }
  const door = async (into: ActorSystem, options: ListenOptions): Promise<Way> => {
    const { transport, listener, network } = memory()
    return { transport, network, gateway: await into.listen(listener, options) }
  }
  const pass = async (time: number): Promise<void> => {
    for (let passed = 0; passed < time; passed += 250) {
      clock.advance(250)
      for (let n = 0; n < 4; n++) await turn()
    }
  }
  return {
    clock,
    make,
    door,
    async attach(label, into, options, { system = make(label), connect } = {}) {
      const { transport, network } = await door(into, options)
      const credentials = options.trust === 'guest' ? {} : { secret: SECRET }
      return { system, network, link: await system.connect(transport, { ...credentials, backoff: QUICK, ...connect }) }
    },
    pass,
    async settled() {
      for (let n = 0; n < 30; n++) await turn()
    },
    async end() {
      const over = Promise.all(systems.map(system => system.shutdown({ within: 100 })))
      await pass(5_000)
      await over
    }
  }
}

/** An actor of one system as another knows it: by its address, as if it had come in a message. */
export function known<M>(ref: ActorRef<M>, by: ActorSystem): ActorRef<M> {
  return by.ref(ref.address)
}
