import { expect } from 'chai'
import { VirtualTime } from '../../../runtime/testing/virtual-time.ts'

describe('a clock of the simulator', () => {
  it('holds what is due while its process sleeps, and runs it in order when it awakes', async () => {
    const time = new VirtualTime()
    const clock = time.clock()
    const ran: string[] = []
    clock.timer(10, () => ran.push('first'))
    clock.timer(20, () => ran.push('second'))
    clock.freeze()
    await time.runTo(100)
    expect(ran).to.deep.equal([])
    clock.thaw()
    await time.runTo(101)
    expect(ran).to.deep.equal(['first', 'second'])
  })

  it('calls a timer off that was due while its process slept', async () => {
    const time = new VirtualTime()
    const clock = time.clock()
    const ran: string[] = []
    let cancel = (): void => {}
    clock.timer(10, () => cancel())
    cancel = clock.timer(20, () => ran.push('called off'))
    clock.freeze()
    await time.runTo(100)
    clock.thaw()
    await time.runTo(101)
    expect(ran).to.deep.equal([])
  })
})
