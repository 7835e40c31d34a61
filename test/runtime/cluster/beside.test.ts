import { expect } from 'chai'
import { type ActorRef, type ActorSystem, createSystem, receive } from 'whereabouts'
import { memory } from 'whereabouts/memory'
import { quiet } from '../../support/quiet.ts'

type Hello = { type: 'hello'; replyTo: ActorRef<string> }

const SECRET = 'both sides hold this'

describe('a link beside the tree of hubs', () => {
  const systems: ActorSystem[] = []

  const system = (label: string): ActorSystem => {
    const made = createSystem({ label, logger: quiet })
    systems.push(made)
    return made
  }

  const join = async (from: ActorSystem, to: ActorSystem, as: 'below' | 'peer' = 'below') => {
    const { transport, listener } = memory()
    const gateway = await to.listen(listener, { trust: { node: { secret: SECRET } } })
    await from.connect(transport, { secret: SECRET, as })
    return gateway
  }

  afterEach(async () => {
    for (const each of systems.splice(0).reverse()) await each.shutdown()
  })

  it('does not put those who are heard by it below the one who hears them', async () => {
    const [top, one, other, far, near] = ['top', 'one', 'other', 'far', 'near'].map(system) as [
      ActorSystem,
      ActorSystem,
      ActorSystem,
      ActorSystem,
      ActorSystem
    ]
    const door = await join(one, top)
    await join(other, top)
    await join(far, one)
    await join(near, other)
    await join(far, other, 'peer')
    const echo = far.spawn(receive(undefined, (_, { replyTo }: Hello) => void replyTo.send('here')))

    const answer = await near.ref<Hello>(echo.address).ask({ type: 'hello' })
    // Whatever was announced by then has arrived before this answer.
    const home = top.spawn(receive(undefined, (_, { replyTo }: Hello) => void replyTo.send('top')))
    await far.ref<Hello>(home.address).ask({ type: 'hello' })

    expect(answer).to.equal('here')
    expect(door.report().below).to.equal(1)
  })
})
