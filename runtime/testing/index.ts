// The door of `whereabouts/testing`: time by hand, probes, and the simulator that the runtime itself is tested with.

export { type Fault, FaultyNetwork, type Weather } from './faulty-network.ts'
export { ManualClock } from './manual-clock.ts'
export { type Probe, probe, type Stopped } from './probe.ts'
export { type Random, seeded } from './random.ts'
export { type Outcome, runSeed, type SeedOptions, type Shape, type Strike } from './scenario.ts'
export { type Shrunk, shrink } from './shrink.ts'
export { type VirtualClock, VirtualTime } from './virtual-time.ts'
