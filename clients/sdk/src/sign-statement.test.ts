import { isUuid } from '@auth4agent/core/encoding/uuid'
import { STATEMENT_KINDS } from '@auth4agent/core/trust/statement'
import { describe, expect, it } from 'vitest'
import { verifyTrustStatement } from '../../../services/trust/statements/domain/verify-statement.ts'
import { DRAFTS, goodClaims, NOW_S, newRoot, signClaims } from '../../../test/support/trust/statements.ts'
import { type StatementContent, signTrustStatement } from './sign-statement.ts'

const root = newRoot()
const JTI = '0190aaaa-0000-7000-8000-000000000001'
const CONTENT: StatementContent = { ...DRAFTS['lets-call'], version: 3, jti: JTI, nowS: NOW_S + 0.7 }
const DAY_S = 86_400

describe('signTrustStatement', () => {
  it.each(STATEMENT_KINDS)('signs a statement of the kind %s that verifyTrustStatement reads back', async (kind) => {
    const times = { nbf: NOW_S + 60, exp: NOW_S + 120 }
    const text = await signTrustStatement(root, { ...CONTENT, ...DRAFTS[kind], kind, ...times })
    expect(verifyTrustStatement(text)).toMatchObject({
      ok: true,
      statement: { ...DRAFTS[kind], jti: JTI, version: 3, iat: NOW_S - 30, ...times },
      jwk: root.jwk,
      thumbprint: root.kid,
    })
  })

  it('chooses a new jti, nbf at once and exp after 90 days', async () => {
    const { jti: _, ...content } = CONTENT
    const read = async () => {
      const verified = verifyTrustStatement(await signTrustStatement(root, content))
      return verified.ok ? verified.statement : undefined
    }
    const [one, two] = [await read(), await read()]
    expect(one).toMatchObject({ iat: NOW_S - 30, nbf: NOW_S - 30, exp: NOW_S - 30 + 90 * DAY_S })
    expect(isUuid(one?.jti ?? '')).toBe(true)
    expect(one?.jti).not.toBe(two?.jti)
  })

  it.each([
    ['a wildcard audience', { grants: [{ audience: '*', scopes: { read: ['read'] } }] }, /^grants\[0\]\.audience of/],
    [
      'a lifetime of more than 366 days',
      { exp: NOW_S + 366 * DAY_S },
      /^exp of the statement must be at most 366 days/,
    ],
    ['version 0', { version: 0 }, /^version of the statement must be a whole number/],
    ['depth in lets-call', { depth: 1 as const }, /^depth of the statement must be left out/],
  ])('rejects %s, as a deployment would', async (_, change, message) => {
    await expect(signTrustStatement(root, { ...CONTENT, ...change })).rejects.toThrow(message)
  })

  it('rejects a key that is not Ed25519', async () => {
    const signer = { ...root, alg: 'ES256' } as const
    await expect(signTrustStatement(signer, CONTENT)).rejects.toThrow(
      new RangeError('A trust statement must be signed with an Ed25519 root key'),
    )
  })
})

describe('verifyTrustStatement', () => {
  const SIGNATURE = 'The signature of the statement must be valid under the key jwk of the header'

  it('refuses a signature by another key than jwk', async () => {
    const forged = await signClaims(newRoot(), goodClaims(), { kid: root.kid, jwk: root.jwk })
    expect(verifyTrustStatement(forged)).toEqual({ ok: false, rule: 'signature', text: SIGNATURE })
  })

  it('refuses claims that were changed after signing', async () => {
    const [header, , signature] = (await signClaims(root, goodClaims())).split('.')
    const changed = Buffer.from(JSON.stringify({ ...goodClaims(), version: 2 })).toString('base64url')
    expect(verifyTrustStatement(`${header}.${changed}.${signature}`)).toMatchObject({ rule: 'signature' })
  })

  it('refuses what the parser refuses, with its rule', async () => {
    const text = await signClaims(root, { ...goodClaims(), version: 0 })
    expect(verifyTrustStatement(text)).toMatchObject({ rule: 'version' })
  })

  it('accepts a statement under any key, because only the caller knows whose key it is', async () => {
    const stranger = newRoot()
    expect(verifyTrustStatement(await signClaims(stranger, goodClaims()))).toMatchObject({ thumbprint: stranger.kid })
  })
})
