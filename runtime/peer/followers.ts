// Which peers are told when the mailbox of an actor here fills up. They come and go (peer.ts); an actor is listened to once.

import type { AnyRef, Ref } from '../actor/ref.ts'
import type { PressureFollower } from './peer-port.ts'

export class Followers {
  readonly #of = new WeakMap<AnyRef, Set<PressureFollower>>()

  follow(ref: Ref<never>, by: PressureFollower): void {
    const following = this.#of.get(ref)
    if (following !== undefined) {
      following.add(by)
      return
    }
    const followers = new Set([by])
    this.#of.set(ref, followers)
    ref.onPressure(on => {
      for (const follower of followers) follower.pressureChanged(ref, on)
    })
  }

  unfollow(ref: Ref<never>, by: PressureFollower): void {
    this.#of.get(ref)?.delete(by)
  }
}
