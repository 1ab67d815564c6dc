import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../test/support/assertions.ts'
import {
  ACME_DID,
  ALPHA,
  AUDIENCE,
  acmeToken,
  alpha,
  alphaKey,
  BETA,
  EDGES,
  letsCall,
} from '../../../test/support/federation/foreign-parties.ts'
import { foreignWorld, outcome, type WorldOptions } from '../../../test/support/federation/foreign-world.ts'
import type { KnownIssuer } from '../issuers/known-issuer.ts'

const id = 'd0000000-0000-8000-8000-000000000001'
const domain = { domain: 'partner.example', edgeId: EDGES.alphaAcme, operatorId: id, provenAt: undefined }
const row: KnownIssuer = {
  ...alpha,
  kind: 'oauth',
  mode: 'introspection',
  tokenType: 'JWT',
  domains: new Map([['partner.example', domain]]),
}
const rows = [letsCall({ to: `${ALPHA} partner.example ${id}` })]
const token = (claims: object = {}) => {
  const none = { operator_id: undefined, epoch: undefined, sub: 'service-7', client_id: 'service-7' }
  return acmeToken({ ...none, aud: AUDIENCE, ...claims }, { typ: 'JWT' })
}
const active = async () => ({ isActive: true, askedAt: { monotonic: 0, wall: NOW_S * 1_000 } })
const world = (introspect: NonNullable<WorldOptions['introspect']> = active) =>
  foreignWorld({ issuers: [row], rows, introspect })

describe('an issuer of the kind oauth', () => {
  it('has subjects of one domain, and its token is valid while the issuer says so', async () => {
    expect(await world().verify(token())).toMatchObject({ valid: true, claims: { sub: 'service-7', operator_id: id } })
  })

  it.each([
    ['says that the token is not active', 'TOKEN_REVOKED', async () => ({ ...(await active()), isActive: false })],
    ['cannot be asked', 'ISSUER_REVOCATIONS_STALE', async () => Promise.reject(new Error('down'))],
  ] as const)('%s: %s', async (_name, expected, introspect) => {
    expect(await outcome(world(introspect), token())).toBe(expected)
  })

  it.each([
    ['a binding by certificate', { cnf: { 'x5t#S256': alphaKey.entry.kid } }, 'MALFORMED_TOKEN'],
    ['no jti', { jti: undefined }, 'MALFORMED_TOKEN'],
    ['an actor', { act: { sub: 'other' } }, 'DELEGATION_NOT_ACCEPTED'],
    ['another issuer', { iss: BETA }, 'WRONG_ISSUER'],
  ])('refuses %s', async (_name, claims, expected) => {
    expect(await outcome(world(), token(claims))).toBe(expected)
  })

  it.each([
    ['the domain of the DID that its subject pretends to be', 'acme.example', 'OPERATOR_NOT_TRUSTED'],
    ['the pinned domain', 'partner.example', 'VALID'],
    ['the operator of the pinned domain', id, 'VALID'],
  ])('is judged by its pinned domain where the verifier demands %s', async (_name, operator, expected) => {
    const wanted = { audience: [AUDIENCE], scope: ['orders:read'], operators: [operator] }
    const verification = await world().verify(token({ sub: ACME_DID }), { wanted })
    expect(verification.valid ? 'VALID' : verification.reason).toBe(expected)
  })
})
