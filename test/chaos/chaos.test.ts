import { expect } from 'chai'
import { seeded } from '../../runtime/testing/random.ts'
import { rounds } from './rounds.ts'
import { SMALL } from './stage.ts'

const cases = {
  line: 'a thousand messages each way over a line that is cut, reset, held and slow arrive once and in order',
  pause: 'a process that is stopped inside the window loses no message, ask or watch',
  gone: 'who is out of reach beyond the window is gone once, and comes back in a new epoch',
  kill: 'a process that is killed is gone once, and the one in its place is somebody else',
  restart: 'guests of a server that comes again return spread, and are each told once'
} satisfies Partial<Record<keyof typeof rounds, string>>

describe('on real sockets and processes', function () {
  this.timeout(60_000)

  for (const [name, title] of Object.entries(cases)) {
    it(title, async () => {
      const wrong: string[] = []

      await rounds[name as keyof typeof cases]({
        random: seeded(1),
        size: SMALL,
        told() {},
        wrong: what => void wrong.push(what)
      })

      expect(wrong).to.deep.equal([])
    })
  }
})
