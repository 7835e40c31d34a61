import { expect } from 'chai'
import { Relays } from '../../../runtime/cluster/relays.ts'
import { turn } from '../../suites/any-ref/cast.ts'

describe('whom a guest may send to', () => {
  let asked: string[]
  let relays: Relays

  beforeEach(() => {
    asked = []
    relays = new Relays()
  })

  const answering = (answer: boolean | Promise<boolean>) => (to: string) => {
    asked.push(to)
    return answer
  }

  it('is asked once, and remembered', () => {
    for (const answer of [true, false]) {
      for (let n = 0; n < 3; n++) expect(relays.decide(String(answer), answering(answer))).to.equal(answer)
    }
    expect(asked).to.deep.equal(['true', 'false'])
    expect([relays.get('true'), relays.get('false'), relays.get('other')]).to.deep.equal([true, false, undefined])
  })

  it('is not decided while the answer is not there, and asked once all the same', async () => {
    let answer: (yes: boolean) => void = () => {}
    const late = new Promise<boolean>(resolve => {
      answer = resolve
    })
    for (let n = 0; n < 3; n++) expect(relays.decide('one', answering(late))).to.equal(undefined)
    answer(true)
    await turn()
    expect(relays.decide('one', answering(false))).to.equal(true)
    expect(asked).to.deep.equal(['one'])
  })

  it('has 256 questions open at most: the next is asked when one of them is answered', async () => {
    let answer: (yes: boolean) => void = () => {}
    const first = new Promise<boolean>(resolve => {
      answer = resolve
    })
    relays.decide('first', answering(first))
    for (let n = 1; n < 300; n++) relays.decide(`${n}`, answering(new Promise(() => {})))
    expect(asked.length).to.equal(256)
    expect(relays.size).to.equal(256)
    answer(false)
    await turn()
    expect(relays.decide('299', answering(true))).to.equal(true)
  })

  it('remembers 256 denials, the latest', () => {
    for (let n = 0; n < 1_000; n++) relays.decide(`${n}`, answering(false))
    expect(relays.size).to.equal(256)
    expect([relays.get('743'), relays.get('744'), relays.get('999')]).to.deep.equal([undefined, false, false])
  })

  it('has room for 10,000 systems, and those that are not there take none', () => {
    for (let n = 0; n < 10_000; n++) relays.decide(`${n}`, answering(true))
    expect(relays.full).to.equal(true)
    relays.forget('0')
    expect(relays.full).to.equal(false)
    expect(relays.get('0')).to.equal(undefined)
  })

  it('does not forget that a system is denied because it is gone', () => {
    relays.decide('one', answering(false))
    relays.forget('one')
    expect(relays.get('one')).to.equal(false)
  })
})
