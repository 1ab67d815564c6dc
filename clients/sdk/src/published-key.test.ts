import { expect, it, vi } from 'vitest'
import { testTokenKey } from '../../../test/support/token-keys.ts'
import { importPublished } from './published-key.ts'

// Some browsers accept a signature whose R is the identity.
vi.mock('./keys/platform.ts', () => ({ platformEd25519: async () => ({ verify: async () => true }) }))

const identity = new Uint8Array(64).with(0, 1).with(40, 1)

it.each<[string, Uint8Array, boolean]>([
  ['another signature', new Uint8Array(64).fill(7), true],
  ['a signature whose R is the identity', identity, false],
  ['a signature of 63 bytes', new Uint8Array(63).fill(7), false],
  ['a signature of 65 bytes', new Uint8Array(65).fill(7), false],
])('importPublished decides about %s that a lenient platform accepts', async (_name, signature, isValid) => {
  const { kid, jwk } = testTokenKey('EdDSA')
  const key = await importPublished({ kid, alg: 'EdDSA', jwk })
  expect(await key?.verify(new Uint8Array([1]), signature)).toBe(isValid)
})
