import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { createP256KeyFile } from '@auth4agent/sdk/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AgentHome, createAgentHome } from '../../../../test/support/sdk/agent-home.ts'

const API = 'https://api.example.com'

let home: AgentHome

beforeEach(async () => {
  home = await createAgentHome()
})
afterEach(() => home[Symbol.asyncDispose]())

describe('token introspect', () => {
  const ANSWER = {
    active: true,
    sub: 'x',
    aud: [API],
    scope: 'a',
    token_type: 'DPoP',
    exp: 1_800_000_000,
    cnf: { jkt: 'k' },
  }

  it('asks as the agent, and prints the answer', async () => {
    home.issuer.next('/oauth/introspect', { body: ANSWER }, { body: ANSWER })
    const { code, stdout } = await home.tool(['token', 'introspect', '--token', 'a.b.c'])
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `token introspection\n\nactive: true\nsubject: x\naudience: [${API}]\nscope: a\ntoken_type: DPoP\nbound_to: k\nexpires_at: 2027-01-15T08:00:00Z\n`,
    })
    expect(home.issuer.seen.at(-1)).toMatchObject({ body: { token: 'a.b.c', client_id: home.did } })
    expect(JSON.parse((await home.tool(['token', 'introspect', '--token', 'a.b.c', '--json'])).stdout)).toEqual(ANSWER)
  })

  it('asks with an added key of P-256 that --key names', async () => {
    const kid = signerKid(await createP256KeyFile(home.path('laptop.pem')))
    home.issuer.next('/oauth/introspect', { body: ANSWER })
    const ran = await home.tool(['token', 'introspect', '--token', 'a.b.c', '--key', home.path('laptop.pem')])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    const [header = ''] = String(home.issuer.seen.at(-1)?.body.client_assertion).split('.')
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ alg: 'ES256', kid })
  })

  it('prints who acts for the subject of a delegated token, the agent that acts first', async () => {
    const act = { sub: 'c', act: { sub: 'b' } }
    const body = { ...ANSWER, act, may_act: { sub: 'm' }, authorization_details: [{ type: 't' }] }
    home.issuer.next('/oauth/introspect', { body })
    const { stdout } = await home.tool(['token', 'introspect', '--token', 'a.b.c'])
    expect(stdout).toContain('subject: x\nacts for it: [c b]\nmay exchange it: m\n')
    expect(stdout).toContain('details: [{"type":"t"}]\n')
  })

  it('exits with 1 for a token that is not active', async () => {
    home.issuer.next('/oauth/introspect', { body: { active: false } }, { body: { active: false } })
    expect(await home.tool(['token', 'introspect', '--token', 'a.b.c', '--quiet'])).toEqual({
      code: 1,
      stdout: 'not active\n',
      stderr: '',
    })
    expect(JSON.parse((await home.tool(['token', 'introspect', '--token', 'a.b.c', '--json'])).stdout)).toEqual({
      active: false,
    })
  })

  it('prints times that are no times, and no control characters', async () => {
    home.issuer.next('/oauth/introspect', { body: { active: true, exp: 1e300, sub: 'a\u001b[2Jb' } })
    const { code, stdout } = await home.tool(['token', 'introspect', '--token', 'a.b.c'])
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('expires_at: 1e+300') })
    expect(stdout).not.toContain('\u001b')
  })
})
