import { chmod } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AttestationTool, BASE, openAttestationTool } from '../../../../test/support/attestation-cli.ts'

const provider = {
  id: '5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7',
  name: 'work',
  issuer: 'https://idp.example',
  client_id: 'a',
  token_endpoint_auth_method: 'client_secret_post',
  scopes: ['openid', 'email'],
  subject_claim: 'oid',
  required_claims: [{ name: 'tid', value: 'x=y' }],
  all_users: false,
  groups_claim: 'groups',
  signals: 'none',
}
const answers = {
  [`PUT ${BASE}/providers/work`]: { provider },
  [`GET ${BASE}/providers`]: { providers: [provider] },
  [`DELETE ${BASE}/providers/work`]: { provider },
}

let tool: AttestationTool
beforeAll(async () => {
  tool = await openAttestationTool()
  await chmod(tool.at('token'), 0o600)
})
afterAll(() => tool[Symbol.asyncDispose]())

const ran = (line: string, given: Record<string, unknown> = answers) => tool.ran(line, [], given)

describe('provider', () => {
  it('put sends what the flags say and the secret of a file, and never shows the secret', async () => {
    const { code, stdout, stderr, sent } = await ran(
      'provider put work https://idp.example --client-id a --client-secret #token --auth-method client_secret_post --scope openid,email --subject-claim oid --required-claim tid=x=y --groups-claim groups',
    )
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(sent).toEqual([
      {
        call: `PUT ${BASE}/providers/work`,
        body: {
          issuer: 'https://idp.example',
          client_id: 'a',
          client_secret: 'a.b.c',
          token_endpoint_auth_method: 'client_secret_post',
          scopes: ['openid', 'email'],
          subject_claim: 'oid',
          required_claims: [{ name: 'tid', value: 'x=y' }],
          all_users: false,
          groups_claim: 'groups',
        },
      },
    ])
    expect(stdout).toContain('users: tid=x=y')
    expect(stdout + stderr).not.toContain('a.b.c')
  })

  it('put says which URL to register at a provider that sends signals, and what they bound', async () => {
    const signals_uri = 'https://auth.example/people/providers/x/events'
    const signalling = { ...provider, signals: 'ssf', signals_bound: 'At once', signals_uri }
    const given = { [`PUT ${BASE}/providers/work`]: { provider: signalling } }
    const line = 'provider put work https://idp.example --client-id a --all-users --signals ssf'
    const { stdout, sent } = await ran(line, given)
    expect(sent[0]?.body).toMatchObject({ signals: 'ssf' })
    expect(stdout).toContain('signals: ssf: At once')
    expect(stdout).toContain(`signals to: ${signals_uri}`)
  })

  it('put leaves out what is not given', async () => {
    const { sent } = await ran('provider put work https://idp.example --client-id a --all-users')
    expect(sent[0]?.body).toEqual({
      issuer: 'https://idp.example',
      client_id: 'a',
      required_claims: [],
      all_users: true,
    })
  })

  it('put refuses a claim without a name, and a name that no server accepts', async () => {
    for (const line of ['work https://idp.example --required-claim =x', 'Work https://idp.example --all-users']) {
      expect(await ran(`provider put ${line} --client-id a`)).toMatchObject({ code: 2, sent: [] })
    }
  })

  it('list and remove show what the server says', async () => {
    expect((await ran('provider list')).stdout).toMatch(/work +https:\/\/idp\.example +a +none +tid=x=y/)
    expect((await ran('provider list', { [`GET ${BASE}/providers`]: { providers: [] } })).stdout).toContain(
      'there is no identity provider',
    )
    expect((await ran('provider remove work')).stdout).toContain('identity provider removed')
  })
})
