import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'
import { newKeys } from '../../../../test/support/parties.ts'

const ID = '0f7e9f3c-62d1-4a55-9b60-5f3d2c1b0a99'
const OPERATOR = '00000000-0000-8000-8000-000000000000'
const BETA = 'https://beta.io/auth'
const KID = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'
const issuer = {
  id: ID,
  issuer: BETA,
  kind: 'auth4agent',
  status: 'enabled',
  algorithms: ['EdDSA'],
  token_type: 'at+jwt',
  jwks_uri: `${BETA}/.well-known/jwks.json`,
  revocation_mode: 'log',
  acts_as: OPERATOR,
  max_token_ttl: 3600,
  max_staleness_ms: 5000,
  generation: 1,
  domains: [{ domain: 'cargo.io', operator_id: OPERATOR, by: 'dns', proven_at: '2026-01-15T10:30:00Z' }],
  keys: [{ kid: KID, alg: 'EdDSA', state: 'withdrawn', first_seen_at: '2026-01-15T10:30:00Z' }],
  created_at: '2026-01-15T10:30:00Z',
  problem: 'keys: TIMEOUT',
}
const pem = String(newKeys().privateKey.export({ format: 'pem', type: 'pkcs8' }))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'issuers-'))
  await writeFile(join(folder, 'watch.pem'), pem, { mode: 0o600 })
  await writeFile(join(folder, 'secret'), 'p4ss\n', { mode: 0o600 })
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs a command against a server that has one issuer. Returns the changes that the server received. */
async function issuers(args: readonly string[], flags: readonly string[] = ['--json']) {
  const sent: { readonly path: string; readonly body: unknown }[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    if (request.method === 'GET') return Response.json({ issuers: [issuer] })
    sent.push({ path: new URL(request.url).pathname, body: await request.json() })
    return Response.json({ issuer }, { status: 201 })
  }
  const where = ['--server', 'http://localhost:1234', '--key', '-', ...flags]
  const ran = await runCli(['issuer', ...args, ...where], { fetch, readStdin: async () => pem })
  return { ...ran, sent }
}

describe('issuer add', () => {
  it('sends the key for the log as a JWK, and durations in the units of the contract', async () => {
    const { code, sent } = await issuers(
      ['add', BETA, '--revocations', 'log', '--acts-as', OPERATOR, '--secret', join(folder, 'watch.pem')].concat([
        '--max-token-ttl',
        '15m',
        '--max-staleness',
        '10s',
        '--token-alg',
        'EdDSA,ES256',
      ]),
    )
    const [{ path, body } = { path: '', body: {} }] = sent
    expect({ code, path }).toEqual({ code: 0, path: '/v1/issuers' })
    expect(body).toMatchObject({
      issuer: BETA,
      kind: 'auth4agent',
      revocation_mode: 'log',
      acts_as: OPERATOR,
      algorithms: ['EdDSA', 'ES256'],
      max_token_ttl: 900,
      max_staleness_ms: 10_000,
    })
    const secret: unknown = JSON.parse(String(Object.entries(body ?? {}).find(([name]) => name === 'secret')?.[1]))
    expect(secret).toMatchObject({ kty: 'OKP', crv: 'Ed25519' })
  })

  it('sends a client secret as it is, without the line end of its file', async () => {
    const { sent } = await issuers(
      ['add', 'https://idp.io/', '--kind', 'oauth', '--token-alg', 'RS256', '--revocations', 'introspection'].concat(
        ['--acts-as', 'alpha', '--secret', join(folder, 'secret'), '--introspection-uri', 'https://idp.io/introspect'],
        ['--subject-domain', 'idp.io'],
      ),
    )
    expect(sent[0]?.body).toMatchObject({ secret: 'p4ss', acts_as: 'alpha', domain: 'idp.io' })
  })

  it('sends where the status lists of an OAuth server are', async () => {
    const { sent } = await issuers(
      ['add', 'https://idp.io/', '--kind', 'oauth', '--token-alg', 'RS256', '--revocations', 'status_list'].concat([
        '--status-list-uri',
        'https://lists.io/idp/',
        '--max-staleness',
        '5m',
        '--subject-domain',
        'idp.io',
      ]),
    )
    expect(sent[0]?.body).toMatchObject({
      revocation_mode: 'status_list',
      status_list_uri: 'https://lists.io/idp/',
      max_staleness_ms: 300_000,
    })
  })

  it.each([
    ['no --revocations', ['add', BETA]],
    ['an unknown mode', ['add', BETA, '--revocations', 'ssf']],
    ['an unknown kind', ['add', BETA, '--revocations', 'none', '--kind', 'saml']],
    ['a lifetime that is no duration', ['add', BETA, '--revocations', 'none', '--max-token-ttl', 'long']],
    ['two uses of standard input', ['add', BETA, '--revocations', 'log', '--secret', '-']],
    ['no issuer', ['add', '--revocations', 'none']],
  ])('refuses %s, and sends nothing', async (_, args) => {
    const { code, sent } = await issuers(args)
    expect({ code, sent }).toEqual({ code: 2, sent: [] })
  })

  it('refuses a file that is no key, and does not show what is in it', async () => {
    const { code, stdout, sent } = await issuers([
      'add',
      BETA,
      '--revocations',
      'log',
      '--acts-as',
      OPERATOR,
      '--secret',
      join(folder, 'secret'),
    ])
    expect(code).toBe(4)
    expect(stdout).not.toContain('p4ss')
    expect(sent).toEqual([])
  })
})

describe('issuer list and show', () => {
  it('shows what is wrong with an issuer', async () => {
    const { code, stdout } = await issuers(['list'], [])
    expect(code).toBe(0)
    expect(stdout).toMatch(/beta\.io\/auth +auth4agent +enabled +log +keys: TIMEOUT/)
  })

  it('shows domains and keys', async () => {
    const { stdout } = await issuers(['show', BETA], [])
    expect(stdout).toMatch(/cargo\.io +0{8}-.* +dns +2026/)
    expect(stdout).toContain(`${KID}  EdDSA  withdrawn`)
  })

  it('finds an issuer only by its exact text or its id', async () => {
    expect((await issuers(['show', ID])).code).toBe(0)
    expect((await issuers(['show', `${BETA}/`])).code).toBe(4)
    expect((await issuers(['show', BETA.toUpperCase()])).code).toBe(4)
  })
})

describe('issuer disable, enable and readmit-key', () => {
  it.each([
    [['disable', BETA, '--reason', 'leaked'], `/v1/issuers/${ID}/disable`],
    [['enable', ID, '--reason', 'leaked'], `/v1/issuers/${ID}/enable`],
    [['readmit-key', BETA, KID, '--reason', 'leaked'], `/v1/issuers/${ID}/keys/${KID}/readmit`],
    [['readmit-key', BETA, 'a/b?c', '--reason', 'leaked'], `/v1/issuers/${ID}/keys/a%2Fb%3Fc/readmit`],
  ])('sends %j to %s', async (args, path) => {
    const { code, sent } = await issuers(args)
    expect(code).toBe(0)
    expect(sent).toEqual([{ path, body: { reason: 'leaked' } }])
  })
})
