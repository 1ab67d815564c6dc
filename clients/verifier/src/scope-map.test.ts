import { describe, expect, it } from 'vitest'
import { chainOutcome, newHolder, wantedWith } from '../../../test/clients/verifier/chains.ts'
import { ACME, type TestIssuer, twoIssuers } from '../../../test/clients/verifier/two-issuers.ts'
import { outcomeOf } from '../../../test/support/offline-verifier.ts'
import { createGuard } from './guard.ts'
import { protect } from './mcp.ts'

const SCOPES = { 'orders:read': ['read'], 'orders:all': ['read', 'write'] }

function setUp() {
  const { alpha, beta, newVerifier } = twoIssuers()
  const verifier = newVerifier({ issuers: [alpha.trusted(), beta.trusted({ scopes: SCOPES })] })
  return { alpha, beta, verifier }
}

describe('a scope map of an issuer', () => {
  it.each<[string, string, string, string]>([
    ['maps a scope', 'orders:read', 'read', 'VALID'],
    ['maps a scope to several', 'orders:all', 'read write', 'VALID'],
    ['joins what the scopes of one token map to', 'orders:all orders:read', 'write', 'VALID'],
    ['gives no scope that the map does not name', 'orders:read', 'write', 'SCOPE_MISSING'],
    ['does not let a scope keep its own name', 'orders:read', 'orders:read', 'SCOPE_MISSING'],
    ['refuses a token with an unmapped scope', 'orders:read orders:admin', 'read', 'TRUST_NOT_FOUND'],
    ['refuses a scope of this service that the issuer names', 'read', 'read', 'TRUST_NOT_FOUND'],
    ['has no scopes of Object.prototype', 'constructor', 'read', 'TRUST_NOT_FOUND'],
    ['maps no scope to no scope', '', 'read', 'SCOPE_MISSING'],
  ])('%s', async (_name, scope, wanted, outcome) => {
    const { beta, verifier } = setUp()
    const token = beta.newToken({ scope })
    const outcomes = [
      await outcomeOf(verifier, token, { scope: wanted }),
      await outcomeOf(verifier, token, { scope: wanted }),
    ]
    expect(outcomes).toEqual([outcome, outcome])
  })

  it('does not apply to the tokens of other issuers', async () => {
    const { alpha, verifier } = setUp()
    expect(await outcomeOf(verifier, alpha.newToken({ scope: 'orders:all' }), { scope: 'write' })).toBe('SCOPE_MISSING')
    expect(await outcomeOf(verifier, alpha.newToken({ scope: 'write' }), { scope: 'write' })).toBe('VALID')
  })

  it('leaves the claims as they are in the token, and adds effectiveScope', async () => {
    const { alpha, beta, verifier } = setUp()
    const claims = await verifier.verify(beta.newToken({ scope: 'orders:read' }))
    expect(claims).toMatchObject({ iss: beta.issuer, scope: 'orders:read', effectiveScope: 'read' })
    expect(Object.isFrozen(claims)).toBe(true)
    expect(await verifier.verify(alpha.newToken({ scope: 'read' }))).toMatchObject({ effectiveScope: 'read' })
  })

  it('names the missing scopes of this service', async () => {
    const { beta, verifier } = setUp()
    const verified = verifier.verify(beta.newToken({ scope: 'orders:read' }), { scope: 'read write' })
    await expect(verified).rejects.toThrow(/a required scope: write$/)
  })

  it('decides in guards, and gives the tools of an MCP server the scopes of this service', async () => {
    const { beta, verifier } = setUp()
    const token = beta.newToken({ scope: 'orders:read' })
    const presented = { request: {}, authorization: [`Bearer ${token}`], dpop: [], method: 'GET', target: '/' }
    const decide = (scope: string) => createGuard(verifier, { scope })(presented, undefined)
    expect(await decide('read')).toMatchObject({ claims: { effectiveScope: 'read' } })
    expect(await decide('orders:read')).toMatchObject({ status: 403 })
    const headers = { authorization: `Bearer ${token}` }
    const request = { method: 'POST', url: '/mcp', headers, rawHeaders: ['Authorization', headers.authorization] }
    const guard = protect(verifier, { resource: 'https://b.example/mcp', audience: 'https://b.example', scope: 'read' })
    await guard(request, { writeHead: () => ({ end: () => undefined }) }, () => undefined)
    expect(request).toMatchObject({ auth: { scopes: ['read'] } })
  })

  it('refuses delegated authority, whose capabilities it does not map', async () => {
    const { alpha, beta, verifier } = setUp()
    const outcome = async ({ chains, domain }: TestIssuer) => {
      const holder = newHolder(domain)
      const chain = await chains.rootFor(holder, { lifetime: [0, 200] })
      return chainOutcome(verifier, chain, await wantedWith(holder, chain))
    }
    expect(await outcome(alpha)).toBe('VALID')
    expect(await outcome(beta)).toBe('DELEGATION_NOT_ACCEPTED')
  })
})

it('a chain of an issuer without revocations lives no longer than its tokens may', async () => {
  const { alpha, newVerifier } = twoIssuers()
  const verifier = newVerifier()
  const outcome = async (seconds: number) => {
    const holder = newHolder(ACME)
    const chain = await alpha.chains.rootFor(holder, { lifetime: [0, seconds] })
    return chainOutcome(verifier, chain, await wantedWith(holder, chain))
  }
  expect(await outcome(300)).toBe('VALID')
  expect(await outcome(301)).toBe('LIFETIME_TOO_LONG at 0')
})
