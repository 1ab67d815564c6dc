import { describe, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'

const ALPHA = 'https://auth.alpha.net'
const AUDIENCE = 'https://api.cargo.io/v1'
const trust = {
  issuer: ALPHA,
  edges: ['e'],
  effective_scope: 'read',
  audience: AUDIENCE,
  revocation_mode: 'log',
  revocations_as_of: '2027-01-15T08:00:00Z',
  max_staleness_ms: 5_000,
}
const claims = { iss: ALPHA, sub: 'did:agent:acme.com:1', aud: [AUDIENCE], scope: 'orders:read', jti: 'j' }
const yes = { valid: true, revoked: false, reason: '', claims, trust }
const no = (reason: string) => ({ valid: false, revoked: false, reason })

/** Verifies a token against a server with this answer. */
async function verify(answer: object, ...flags: readonly string[]) {
  const sent: unknown[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    sent.push([new URL(request.url).pathname, await request.json()])
    return Response.json(answer)
  }
  const wanted = ['--server', 'http://localhost:1234', '--token', 'a.b.c', '--foreign-issuer', ALPHA, ...flags]
  return { ...(await runCli(['token', 'verify', ...wanted], { fetch })), sent }
}

describe('token verify --foreign-issuer', () => {
  it('asks only the server, which knows the keys of other issuers', async () => {
    const { code, stdout, sent } = await verify(yes, '--aud', AUDIENCE, '--scope', 'read')
    expect(sent).toEqual([['/v1/verify', { token: 'a.b.c', issuers: [ALPHA], audience: [AUDIENCE], scope: 'read' }]])
    expect(code).toBe(0)
    expect(stdout.split('\n').slice(2)).toEqual([
      'valid: true',
      `issuer: ${ALPHA}`,
      `subject: ${claims.sub}`,
      `audience: ${AUDIENCE}`,
      'scope: orders:read',
      'scope at the audience: read',
      'revocations as of: 2027-01-15T08:00:00Z',
      '',
    ])
  })

  it('prints the claims and the whole answer for programs', async () => {
    const { stdout } = await verify(yes, '--aud', AUDIENCE, '--json')
    expect(JSON.parse(stdout)).toMatchObject({ valid: true, subject: claims.sub, revocation: 'checked', online: yes })
  })

  it.each([
    ['names the command that explains why nothing allows the call', 'TRUST_NOT_FOUND', true],
    ['names no other command for a token that is wrong itself', 'TOKEN_EXPIRED', false],
  ])('%s', async (_name, reason, isExplained) => {
    const { code, stdout } = await verify(no(reason), '--aud', AUDIENCE)
    expect(code).toBe(1)
    expect(stdout).toContain(`reason: ${reason}: `)
    expect(stdout.includes('trust explain')).toBe(isExplained)
  })

  it('says that a token from before its issuer was enabled again must be replaced', async () => {
    const { stdout } = await verify(no('ISSUER_DISABLED'), '--aud', AUDIENCE)
    expect(stdout).toContain('if the issuer is enabled again: get a new token, because older tokens stay ended')
    expect((await verify(no('TRUST_ENDED'), '--aud', AUDIENCE)).stdout).not.toContain('new token')
  })

  it('prints only the reason with --quiet', async () => {
    expect(await verify(no('ISSUER_DISABLED'), '--aud', AUDIENCE, '--quiet')).toMatchObject({
      code: 1,
      stdout: 'ISSUER_DISABLED\n',
    })
  })

  it('sends nothing without --aud, because the owner of the audience decides', async () => {
    const { code, stderr, sent } = await verify(yes)
    expect({ code, sent }).toEqual({ code: 2, sent: [] })
    expect(stderr).toContain('--foreign-issuer needs --aud')
  })
})
