import { describe, expect, it } from 'vitest'
import { runCli } from '../../../../test/support/cli.ts'
import { newKeys } from '../../../../test/support/parties.ts'

const ID = '0f7e9f3c-62d1-4a55-9b60-5f3d2c1b0a99'
const RULE = '5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7'
const OPERATOR = '00000000-0000-8000-8000-000000000000'
const IDP = 'https://idp.test'
const issuer = {
  id: ID,
  issuer: IDP,
  kind: 'oauth',
  status: 'enabled',
  algorithms: ['ES256'],
  token_type: 'at+jwt',
  jwks_uri: `${IDP}/jwks`,
  revocation_mode: 'none',
  max_token_ttl: 300,
  max_staleness_ms: 5000,
  generation: 1,
  domains: [],
  keys: [],
}
const wanted = { tenant: 'T1', sub: 'U1', user: 'user:alice', operator_id: OPERATOR }
const subject = { rule: RULE, ...wanted, audience: ['https://api.test'], scope: ['read', 'write'] }
const pem = String(newKeys().privateKey.export({ format: 'pem', type: 'pkcs8' }))

async function subjects(args: readonly string[], flags: readonly string[] = ['--json']) {
  const sent: { readonly path: string; readonly body: unknown }[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const path = new URL(request.url).pathname
    if (request.method === 'GET')
      return Response.json(path === '/v1/issuers' ? { issuers: [issuer] } : { subjects: [subject] })
    sent.push({ path, body: await request.json() })
    return Response.json({ subject })
  }
  const where = ['--server', 'http://localhost:1234', '--key', '-', ...flags]
  const ran = await runCli(['issuer', ...args, ...where], { fetch, readStdin: async () => pem })
  return { ...ran, sent }
}

describe('subjects of issuers', () => {
  const rule = ['--user', 'user:alice', '--operator', OPERATOR, '--aud', 'https://api.test', '--scope', 'read,write']

  it('add sends the rule, and prints its id with --quiet', async () => {
    const { code, sent, stdout } = await subjects(['add-subject', IDP, 'U1', '--tenant', 'T1', ...rule], ['--quiet'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${RULE}\n` })
    expect(sent).toEqual([
      {
        path: `/v1/issuers/${ID}/subjects`,
        body: { ...wanted, audience: ['https://api.test'], scope: ['read', 'write'] },
      },
    ])
  })

  it('list shows each rule', async () => {
    const { code, stdout } = await subjects(['list-subjects', ID], [])
    expect(code).toBe(0)
    expect(stdout).toMatch(/RULE +TENANT +SUBJECT +USER/)
    expect(stdout).toMatch(new RegExp(`${RULE} +T1 +U1 +user:alice +${OPERATOR} +https://api.test +read write`))
  })

  it('remove sends the reason', async () => {
    const { code, sent } = await subjects(['remove-subject', IDP, RULE, '--reason', 'has left'])
    expect(code).toBe(0)
    expect(sent).toEqual([{ path: `/v1/issuers/${ID}/subjects/${RULE}/remove`, body: { reason: 'has left' } }])
  })

  it.each([
    ['no subject', ['add-subject', IDP, ...rule]],
    ['no user', ['add-subject', IDP, 'U1', ...rule.slice(2)]],
    ['no scope', ['add-subject', IDP, 'U1', ...rule.slice(0, 6)]],
    ['an id of a rule that is no UUID', ['remove-subject', IDP, 'x']],
  ])('refuses %s, and sends nothing', async (_, args) => {
    const { code, sent } = await subjects(args)
    expect({ code, sent }).toEqual({ code: 2, sent: [] })
  })
})
