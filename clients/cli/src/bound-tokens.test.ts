import { checkDpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { createKeyFile, createP256KeyFile } from '@auth4agent/sdk/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accessToken, knownKey } from '../../../test/support/access-tokens.ts'
import { delegatedPayload } from '../../../test/support/delegated-tokens.ts'
import { chainOf, holderDid, holderKey, OPERATOR } from '../../../test/support/grant-chains.ts'
import { signCompactJws } from '../../../test/support/jws.ts'
import { type AgentHome, createAgentHome } from '../../../test/support/sdk/agent-home.ts'

const API = 'https://api.example.com'
const ASKED = ['--scope', 'orders:read', '--aud', API]

let home: AgentHome

beforeEach(async () => {
  home = await createAgentHome()
})
afterEach(() => home[Symbol.asyncDispose]())

describe('token issue --dpop', () => {
  it("gets a token that is bound to the agent's key, and says what a request with it needs", async () => {
    const { code, stdout, stderr } = await home.tool(['token', 'issue', '--dpop', ...ASKED])
    expect(code).toBe(0)
    expect(stdout).toContain('token_type: DPoP\n')
    expect(stderr).toContain('auth4agent dpop-proof create')
    expect(home.issuer.proofs('/v1/token')).toMatchObject([
      { jkt: home.jkt, claims: { htu: `${home.issuer.url}/v1/token` } },
    ])
  })

  it('prints the type of the token in JSON, and only the token with --quiet', async () => {
    const { stdout, stderr } = await home.tool(['token', 'issue', '--dpop', '--json', ...ASKED])
    expect({ token: JSON.parse(stdout).token_type, stderr }).toEqual({ token: 'DPoP', stderr: '' })
    const quiet = await home.tool(['token', 'issue', '--dpop', '--quiet', ...ASKED])
    expect(quiet).toEqual({ code: 0, stdout: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/), stderr: '' })
  })

  it.each([
    ['token issue', []],
    ['token exec', ['--', 'true']],
  ])('is what %s suggests if the audience accepts only bound tokens', async (command, program) => {
    const required = { status: 400, body: { reason: 'DPOP_PROOF_REQUIRED', detail: 'It accepts only bound tokens' } }
    home.issuer.next('/v1/token', required)
    const { code, stderr } = await home.tool([...command.split(' '), ...ASKED, ...program])
    expect(code).toBe(1)
    expect(stderr).toContain('It accepts only bound tokens')
    expect(stderr).toContain('`auth4agent token issue --dpop`')
  })
})

describe('dpop-proof create', () => {
  const { pair } = knownKey()
  const bound = () => accessToken(pair, {}, { cnf: { jkt: home.jkt } })
  const request = ['--method', 'GET', '--url', `${API}/orders?page=1`]

  it('prints a proof for the request, the token and the nonce', async () => {
    const { code, stdout, stderr } = await home.tool([
      'dpop-proof',
      'create',
      ...request,
      '--token',
      bound(),
      '--nonce',
      'n',
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const rules = () => ({
      method: 'GET',
      url: `${API}/orders`,
      nowS: Date.now() / 1000,
      skewS: 0,
      accessToken: bound(),
    })
    expect(checkDpopProof(stdout.trim(), rules())).toMatchObject({ ok: true, jkt: home.jkt, nonce: 'n' })
    const piped = await home.tool(['dpop-proof', 'create', ...request, '--token', '-', '--json'], {
      readStdin: async () => bound(),
    })
    expect(checkDpopProof(JSON.parse(piped.stdout).dpop_proof, rules())).toMatchObject({ ok: true })
  })

  it('prints a proof for a request that carries no token', async () => {
    const url = 'https://auth.example.com/oauth/token'
    const { stdout } = await home.tool(['dpop-proof', 'create', '--method', 'POST', '--url', url])
    const [, claims = ''] = stdout.split('.')
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).not.toHaveProperty('ath')
    expect(checkDpopProof(stdout.trim(), { method: 'POST', url, nowS: Date.now() / 1000, skewS: 0 })).toMatchObject({
      ok: true,
    })
  })

  it.each([
    ['Ed25519', createKeyFile],
    ['P-256, which the agent has added', createP256KeyFile],
  ])('signs with the key of --key, of %s', async (_name, create) => {
    const file = home.path('other.key')
    const jkt = signerKid(await create(file))
    const token = accessToken(pair, {}, { cnf: { jkt } })
    expect(await home.tool(['dpop-proof', 'create', ...request, '--token', token])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('bound to another key'),
    })
    const { code, stdout } = await home.tool(['dpop-proof', 'create', ...request, '--token', token, '--key', file])
    expect(code).toBe(0)
    const rules = { method: 'GET', url: `${API}/orders`, nowS: Date.now() / 1000, skewS: 0, accessToken: token }
    expect(checkDpopProof(stdout.trim(), rules)).toMatchObject({ ok: true, jkt })
  })

  it('prints a proof for a delegated token, and refuses one that is bound to the key of another agent', async () => {
    const principal = { did: holderDid(holderKey(0)), operatorId: OPERATOR, publicKey: holderKey(0).publicKey }
    const delegated = (publicKey: Uint8Array) => {
      const actor = { did: home.did, operatorId: OPERATOR, publicKey }
      const header = { alg: 'EdDSA', typ: 'at+jwt', kid: thumbprint(pair.publicKey) }
      return signCompactJws(header, delegatedPayload([principal, actor]), pair.privateKey)
    }
    const token = delegated(home.publicKey)
    const { code, stdout, stderr } = await home.tool(['dpop-proof', 'create', ...request, '--token', token])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const rules = { method: 'GET', url: `${API}/orders`, nowS: Date.now() / 1000, skewS: 0, accessToken: token }
    expect(checkDpopProof(stdout.trim(), rules)).toMatchObject({ ok: true, jkt: home.jkt })
    const other = delegated(holderKey(1).publicKey)
    const refused = await home.tool(['dpop-proof', 'create', ...request, '--token', other])
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('bound to another key') })
  })

  it.each([
    ['a token that is not bound', 1, [...request, '--token', accessToken(pair)], 'token issue --dpop'],
    ['a chain of grants that has expired', 1, [...request, '--token', chainOf(1)], 'GRANT_EXPIRED'],
    ['a text that is no token', 2, [...request, '--token', 'a.b.c'], 'must be an access token'],
    ['a method in small letters', 2, ['--method', 'get', '--url', API], 'in capital letters'],
    ['a URL without a scheme', 2, ['--method', 'GET', '--url', 'api.example.com'], 'absolute http or https URL'],
    ['no method', 2, ['--url', API], '--method'],
  ])('refuses %s', async (_name, code, args, message) => {
    const { stdout, ...ended } = await home.tool(['dpop-proof', 'create', ...args])
    expect(ended).toMatchObject({ code, stderr: expect.stringContaining(message) })
    expect(stdout).toBe('')
  })
})

it.each([
  [['--dpop-proof', 'a.b.c']],
  [['--dpop-proof', 'a.b.c', '--method', 'GET']],
  [['--method', 'GET', '--url', API]],
])('verify refuses %j, because proof, method and URL belong together', async (args) => {
  const { code, stderr } = await home.tool(['token', 'verify', '--token', 'a.b.c', ...args])
  expect(code).toBe(2)
  expect(stderr).toContain('--dpop-proof, --method and --url must be used together')
})
