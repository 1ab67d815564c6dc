import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import { describe, expect, it } from 'vitest'
import type { KeyState } from '../../gen/prisma/enums.ts'
import { signCompactJws } from '../../test/support/jws.ts'
import { createNonceCheck } from './passkey-nonce.ts'

const NOW_S = 1_800_000_000
const pair = generateKeyPair()
const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(pair.publicKey) } as const
const kid = jwkThumbprint(jwk)
const verifier = importTokenVerifier('Ed25519', jwk)
if (verifier === undefined) throw new TypeError('The key must be one of Ed25519')

function nonce(claims: object = {}, header: object = {}): string {
  const head = { alg: 'Ed25519', typ: 'auth4agent-passkey-nonce+jwt', kid, ...header }
  return signCompactJws(head, { iat: NOW_S, ...claims }, pair.privateKey)
}

async function isFresh(
  text: unknown,
  { nowS = NOW_S, state = 'active' }: { nowS?: number; state?: KeyState } = {},
): Promise<boolean> {
  const find = async (wanted: string) =>
    wanted === kid ? { kid, alg: 'Ed25519' as const, state, jwk, verify: verifier?.verify ?? (() => false) } : undefined
  return createNonceCheck({ grantKeys: { find, findNow: find } })(text, { nowS, skewS: 10 })
}

describe('the check of a nonce for passkeys', () => {
  it.each([0, 1, 299, 300])('accepts a nonce that is %i seconds old', async (age) => {
    expect(await isFresh(nonce(), { nowS: NOW_S + age })).toBe(true)
  })

  it('accepts a nonce of a process whose clock is ahead by the clock skew, and no more', async () => {
    expect(await isFresh(nonce({ iat: NOW_S + 10 }))).toBe(true)
    expect(await isFresh(nonce({ iat: NOW_S + 11 }))).toBe(false)
  })

  it('accepts a nonce of a key that is retiring', async () => {
    expect(await isFresh(nonce(), { state: 'retiring' })).toBe(true)
  })

  it.each(['prepared', 'retired', 'compromised'] as const)('refuses a nonce of a key that is %s', async (state) => {
    expect(await isFresh(nonce(), { state })).toBe(false)
  })

  it('refuses a nonce that is 301 seconds old', async () => {
    expect(await isFresh(nonce(), { nowS: NOW_S + 301 })).toBe(false)
  })

  const [header = '', payload = '', signature = ''] = nonce().split('.')
  it.each<readonly [string, unknown]>([
    ['nothing', undefined],
    ['an empty text', ''],
    ['a list', [nonce()]],
    ['a text that is no JWS', 'fresh'],
    ['a nonce with another signature', `${header}.${payload}.${encodeBase64url(new Uint8Array(64))}`],
    ['a nonce with other claims', `${header}.${encodeBase64url(Buffer.from(`{"iat":${NOW_S + 1}}`))}.${signature}`],
    ['a nonce without a time', nonce({ iat: undefined })],
    ['a nonce with its time as text', nonce({ iat: String(NOW_S) })],
    ['a nonce of an unknown key', nonce({}, { kid: 'other' })],
    ['a grant', nonce({}, { typ: 'aat+jwt' })],
    ['a statement about a holder', nonce({}, { typ: 'auth4agent-holder+jwt' })],
    ['an access token', nonce({}, { typ: 'at+jwt' })],
    ['a nonce without a signature', nonce({}, { alg: 'none' })],
    ['a nonce of more than 512 characters', nonce({ more: 'x'.repeat(512) })],
  ])('refuses %s', async (_name, text) => {
    expect(await isFresh(text)).toBe(false)
  })
})
