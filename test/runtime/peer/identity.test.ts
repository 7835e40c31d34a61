import { expect } from 'chai'
import { base64url } from '../../../runtime/actor/ids.ts'
import {
  drawIdentity,
  fromBase64,
  idBytes,
  idOf,
  proofOf,
  proves,
  SECRET_BYTES,
  sameText
} from '../../../runtime/peer/identity.ts'

const secret = Uint8Array.from({ length: SECRET_BYTES }, (_, n) => n)

describe('an identity', () => {
  it('is half of the SHA-256 of its secret, as base64url', () => {
    expect(Buffer.from(idBytes(idOf(secret)) as Uint8Array).toString('hex')).to.equal(
      '630dcd2966c4336691125448bbb25b4f'
    )
  })

  it('is drawn from the entropy that is handed in', () => {
    expect(drawIdentity(() => secret)).to.deep.equal({ id: idOf(secret), secret })
  })

  it('is proved by its own secret only', () => {
    const other = secret.map(byte => byte ^ 1)
    expect(proves(base64url(secret), idOf(secret))).to.equal(true)
    expect(proves(base64url(other), idOf(secret))).to.equal(false)
    for (const none of [undefined, '', 'x', '*'.repeat(43)]) expect(proves(none, idOf(secret))).to.equal(false)
  })

  it('as text has one form for 16 bytes: others are none', () => {
    for (let n = 0; n < 256; n++) {
      const bytes = new Uint8Array(16).fill(n)
      expect([...(fromBase64(base64url(bytes), 16) ?? [])]).to.deep.equal([...bytes])
    }
    const id = base64url(new Uint8Array(16))
    for (const bad of [`${id}A`, id.slice(1), `${id.slice(0, -1)}B`, `${id.slice(0, -1)}=`, `${id.slice(0, -1)}+`]) {
      expect(idBytes(bad), bad).to.equal(undefined)
    }
  })
})

describe('a proof', () => {
  it('is another for each role, nonce, id and secret', () => {
    const proofs = [
      proofOf('s', 'dialer', ['a', 'b'], ['x', 'y']),
      proofOf('s', 'listener', ['a', 'b'], ['x', 'y']),
      proofOf('s', 'dialer', ['b', 'a'], ['x', 'y']),
      proofOf('s', 'dialer', ['a', 'b'], ['y', 'x']),
      proofOf('t', 'dialer', ['a', 'b'], ['x', 'y'])
    ]
    expect(new Set(proofs).size).to.equal(proofs.length)
  })

  it('is the same text or not, whatever the lengths', () => {
    expect(sameText('abc', 'abc')).to.equal(true)
    for (const other of ['', 'ab', 'abcd', 'abd', 'abcabc']) expect(sameText('abc', other), other).to.equal(false)
    expect(sameText('', 'a')).to.equal(false)
    expect(sameText('', '')).to.equal(true)
  })
})
