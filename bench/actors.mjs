// One system of actors, as each peer would have it written. A kit is
//   spawn(handle) -> ref    handle(message, self); `setup` of ours, the fastest way of the others
//   send(ref, message), ask(ref, message) -> promise, reply(message, value), stop(self)
//   room(ref)               a promise while the way is filling up, where the peer can tell; only ours can
//   pace                    how many messages, as a part of what a fast peer does

const kits = {
  /** The public surface of the package, and nothing else. */
  async ours() {
    const { createSystem, receive, setup } = await import('whereabouts/core')
    const system = createSystem({ label: 'bench' })
    const counter = receive(0, (total, _message) => total + 1)
    return {
      pace: 4,
      spawn(handle) {
        if (handle.length < 2) return system.spawn(setup(() => ({ receive: handle })))
        return system.spawn(setup(ctx => ({ receive: message => handle(message, ctx) })))
      },
      /** Actors that share one `receive` behavior. */
      spawnShared: () => system.spawn(counter),
      send: (ref, message) => ref.send(message),
      ask: (ref, message) => ref.ask(message),
      reply: (message, value) => message.replyTo.send(value),
      stop: self => self.stop(),
      room: ref => (ref.pressed ? ref.ready() : undefined)
    }
  },

  /**
   * No product: a growing ring for each actor, a queue of ready actors, slices of 64. About the least that a fair scheduler
   * has to do, so near the limit of plain JavaScript.
   */
  async floorMailbox() {
    const slice = 64
    const queue = new Array(2 ** 17).fill(undefined)
    const queueMask = queue.length - 1
    let first = 0
    let last = 0
    let draining = false

    class Actor {
      constructor(handle) {
        this.handle = handle
        this.slots = undefined
        this.mask = 0
        this.head = 0
        this.tail = 0
        this.queued = false
      }
    }

    const grow = actor => {
      const slots = new Array(actor.slots.length * 2).fill(undefined)
      let size = 0
      for (let at = actor.head; at !== actor.tail; at++) slots[size++] = actor.slots[at & actor.mask]
      actor.slots = slots
      actor.mask = slots.length - 1
      actor.head = 0
      actor.tail = size
    }
    const drain = () => {
      while (first !== last) {
        const actor = queue[first & queueMask]
        queue[first++ & queueMask] = undefined
        const { slots, mask } = actor
        // A ring that has grown meanwhile is another array: its rest waits for the next slice.
        for (let left = slice; left > 0 && actor.head !== actor.tail && actor.slots === slots; left--) {
          const at = actor.head++ & mask
          const message = slots[at]
          slots[at] = undefined
          actor.handle(message, actor)
        }
        if (actor.head === actor.tail) actor.queued = false
        else queue[last++ & queueMask] = actor
      }
      draining = false
    }
    const send = (actor, message) => {
      if (actor.slots === undefined) {
        actor.slots = [undefined, undefined, undefined, undefined]
        actor.mask = 3
      } else if (actor.tail - actor.head > actor.mask) grow(actor)
      actor.slots[actor.tail++ & actor.mask] = message
      if (actor.queued) return
      actor.queued = true
      queue[last++ & queueMask] = actor
      if (draining) return
      draining = true
      queueMicrotask(drain)
    }
    return { pace: 4, spawn: handle => new Actor(handle), send, stop() {}, ...handmadeAsk(send) }
  },

  /** Independent XState actors with a transition function: what is fastest of it. */
  async xstate() {
    const { createActor, fromTransition } = await import('xstate')
    const send = (actor, message) => actor.send(message)
    return {
      spawn(handle) {
        const actor = createActor(
          fromTransition((state, message, { self }) => {
            handle(message, self)
            return state
          }, 0)
        )
        return actor.start()
      },
      send,
      stop: actor => actor.stop(),
      ...handmadeAsk(send)
    }
  },

  async nact() {
    const { dispatch, query, spawn, start, stop } = await import('nact')
    const system = start()
    let names = 0
    return {
      pace: 0.25,
      spawn(handle) {
        // Names of our own: those that nact draws collide at 100,000 actors.
        const ref = spawn(system, (_state, message) => void handle(message, ref), `actor-${names++}`)
        return ref
      },
      send: dispatch,
      ask: (ref, message) => query(ref, asker => Object.assign(message, { asker }), 60_000),
      reply: (message, value) => dispatch(message.asker, value),
      stop
    }
  },

  /** A fiber that takes from an unbounded queue. */
  async effect() {
    const { Deferred, Effect, Fiber, Queue } = await import('effect')
    const send = (actor, message) => void Queue.offerUnsafe(actor.queue, message)
    return {
      pace: 0.5,
      spawn(handle) {
        const actor = { queue: Effect.runSync(Queue.unbounded()), fiber: undefined }
        const each = Effect.map(Queue.take(actor.queue), message => handle(message, actor))
        actor.fiber = Effect.runFork(Effect.forever(each, { disableYield: true }))
        return actor
      },
      send,
      ask: (actor, message) =>
        Effect.runPromise(
          Effect.suspend(() => {
            message.answer = Deferred.makeUnsafe()
            send(actor, message)
            return Deferred.await(message.answer)
          })
        ),
      reply: (message, value) => void Deferred.doneUnsafe(message.answer, Effect.succeed(value)),
      stop: actor => void Effect.runFork(Fiber.interrupt(actor.fiber))
    }
  }
}

/** For peers without an ask of their own: one promise, no deadline. */
function handmadeAsk(send) {
  return {
    ask: (ref, message) =>
      new Promise(resolve => {
        message.resolve = resolve
        send(ref, message)
      }),
    reply: (message, value) => message.resolve(value)
  }
}

export const peers = Object.keys(kits)

export function kit(peer) {
  return kits[peer]()
}
