// The promises over seeds, inside `npm test`: few, for time. Thousands: `npm run simulate`.

import { expect } from 'chai'
import { type Outcome, runSeed } from '../../runtime/testing/scenario.ts'
import { plants } from '../../tools/plants.mjs'

const SEEDS = 300

describe('the simulator', () => {
  const outcomes: Outcome[] = []

  it(`breaks no promise in ${SEEDS} seeds`, async function () {
    this.timeout(120_000)
    for (let seed = 1; seed <= SEEDS; seed++) outcomes.push(await runSeed(seed))
    const broken = outcomes.filter(({ violations }) => violations.length > 0)
    expect(broken.map(({ seed, violations }) => `seed ${seed}: ${violations.join('; ')}`)).to.deep.equal([])
  })

  it('delivers a thousand messages in the median seed', () => {
    const delivered = outcomes.map(outcome => outcome.delivered).sort((a, b) => a - b)
    expect(delivered[SEEDS >> 1]).to.be.at.least(1_000)
  })

  it('strikes with every kind of fault in one seed of twenty', () => {
    const kinds = [
      'drop',
      'repeat',
      'stale',
      'delay',
      'hold',
      'cut',
      'one-way',
      'refuse',
      'half-open',
      'reorder',
      'partition',
      'pause',
      'clock-stop',
      'wall-jump',
      'crash',
      'restart',
      'slow',
      'path-switch',
      'cut-between-hubs',
      'hub-pause',
      'hub-crash',
      'hub-restart'
    ] as const
    for (const kind of kinds) {
      const struck = outcomes.filter(({ strikes }) => strikes.has(kind)).length
      expect(struck / SEEDS, kind).to.be.at.least(0.05)
    }
  })

  it('gives the same run for the same seed', async () => {
    const first = outcomes.slice(0, 5).map(({ hash }) => hash)
    const again: number[] = []
    for (let seed = 1; seed <= 5; seed++) again.push((await runSeed(seed)).hash)
    expect(again).to.deep.equal(first)
  })

  it('has a fault to plant for each trap that it must find', () => {
    expect(plants.map(({ name }) => name)).to.include.members([
      'a stale first frame opens a new epoch',
      'ack before the mailbox has it',
      'stopped overtakes the last message',
      'a repeat is accepted after a path change',
      'a frame lost in a relay is sent again by nobody',
      'credit is lost with a cut',
      'a name is granted while its owner lives',
      "a release gives up another's name",
      'a young authority grants new claims',
      'a young authority says that nobody has a name',
      'what is held is not asserted to the next authority'
    ])
  })
})
