import { expect, it } from 'vitest'
import { curableError } from './www-authenticate.ts'

const errorIn = (header: string, isBound: boolean) =>
  curableError(new Headers({ 'www-authenticate': header }), isBound) ?? 'none'

it.each([
  'Bearer error="invalid_token"',
  'bearer realm="x", error="invalid_token", error_description="expired"',
  'Bearer realm="x",error = "invalid_token"',
  'Bearer error=invalid_token',
  'Basic realm="x", Bearer error="invalid_token"',
  'Bearer realm="x, y", error="invalid_token"',
  'Bearer error="invalid_token", DPoP error="invalid_request"',
])('curableError finds invalid_token in %s', (header) => {
  expect(errorIn(header, false)).toBe('invalid_token')
  expect(errorIn(header, true)).toBe('invalid_token')
})

it.each([
  '',
  'Bearer',
  'Basic error="invalid_token"',
  'XBearer error="invalid_token"',
  'Bearer error="insufficient_scope"',
  'Bearer xerror="invalid_token"',
  'Bearer error_description="invalid_token"',
  'Bearer error=invalid_token_type',
  'Bearer realm="error=invalid_token"',
  'Bearer realm="x, error=\\"invalid_token\\", y"',
  'Bearer realm="unfinished, error=invalid_token',
  'Bearer error="use_dpop_nonce"',
  'DPoP error="invalid_dpop_proof"',
  'Bearer realm="x", Basic error="invalid_token"',
])('curableError finds nothing in %s', (header) => {
  expect(errorIn(header, false)).toBe('none')
  expect(errorIn(header, true)).toBe('none')
})

it.each([
  ['invalid_token', 'none', 'DPoP error="invalid_token", algs="EdDSA ES256"'],
  ['invalid_token', 'none', 'Bearer, DPoP algs="EdDSA", error="invalid_token"'],
  ['use_dpop_nonce', 'none', 'DPoP error="use_dpop_nonce", error_description="a nonce, please"'],
  ['use_dpop_nonce', 'none', 'Negotiate abc==, dpop error=use_dpop_nonce'],
  ['use_dpop_nonce', 'invalid_token', 'Bearer error="invalid_token", DPoP error="use_dpop_nonce"'],
])('curableError finds %s for a bound token, and %s for another, in %s', (bound, other, header) => {
  expect([errorIn(header, true), errorIn(header, false)]).toEqual([bound, other])
})

it('curableError needs less than a second for the longest headers that servers send', () => {
  const long = [
    `DPoP "${'\\"'.repeat(32_000)}`,
    `DPoP ${'a '.repeat(32_000)}`,
    `DPoP error${' '.repeat(64_000)}x`,
    `DPoP ${'"a" '.repeat(16_000)}`,
    `DPoP ${','.repeat(64_000)}`,
  ]
  const begin = performance.now()
  for (const header of long) expect(errorIn(header, true)).toBe('none')
  expect(performance.now() - begin).toBeLessThan(1_000)
})
