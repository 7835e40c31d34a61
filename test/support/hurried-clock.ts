// The platform's time, some times as fast: what takes seconds in earnest is over in a part of one, on real sockets too.

import { type Clock, systemClock } from '../../runtime/actor/clock.ts'

export function hurriedClock(times: number): Clock {
  const clock = systemClock()
  return {
    ...clock,
    now: () => clock.now() * times,
    timer: (delay, fire) => clock.timer(delay / times, fire)
  }
}
