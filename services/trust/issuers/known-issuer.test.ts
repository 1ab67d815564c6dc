import { generateKeyPairSync, sign } from 'node:crypto'
import { isLowS } from '@auth4agent/core/keys/low-s'
import { expect, it } from 'vitest'
import { importKeys } from './known-issuer.ts'

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const row = { kid: 'first', alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }), thumbprint: 't' }
const MESSAGE = Buffer.from('header.payload')

/** Signs until S is low or high, as wanted. */
function signature(wantsLow: boolean): Buffer {
  const made = sign('sha256', MESSAGE, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return isLowS(made) === wantsLow ? made : signature(wantsLow)
}

it.each([
  ['oauth', 'low', true],
  ['oauth', 'high', true],
  ['auth4agent', 'low', true],
  ['auth4agent', 'high', false],
] as const)('importKeys: a key of the kind %s, a signature with a %s S: %s', (kind, s, isValid) => {
  const key = importKeys([row], kind, undefined).get('first')
  expect(key?.verify(MESSAGE, signature(s === 'low'))).toBe(isValid)
})

it('importKeys of the kind oauth refuses a wrong signature', () => {
  const key = importKeys([row], 'oauth', undefined).get('first')
  expect(key?.verify(Buffer.from('header.other'), signature(true))).toBe(false)
})

it('importKeys takes the key that it had before, if nothing of it has changed', () => {
  const before = importKeys([row], 'oauth', undefined)
  expect(importKeys([row], 'oauth', before).get('first')).toBe(before.get('first'))
})
