import { describe, expect, it } from 'vitest'
import { useWorld } from '../../contract/support/run-cases.ts'
import type { AgentName } from '../../contract/support/seed.ts'
import { clientAssertion, decodeJwt, expectError, expectIssued, type Form, post, tokenForm } from './support/client.ts'

const world = useWorld()
const API = 'https://api.acme-operator.com'

/** Requests a token with claims in the assertion and parameters beside it. */
function request(claims: object, edits: Form, name: AgentName = 'active') {
  const agent = world().agents[name]
  const client_assertion = clientAssertion(agent, { claims: { ...claims } })
  return post(
    world().server.baseUrl,
    '/oauth/token',
    tokenForm(agent, { scope: undefined, ...edits, client_assertion }),
  )
}

describe('an assertion that contains scope and resource', () => {
  it.each<[string, object, Form]>([
    ['replaces absent parameters', { scope: 'write', resource: [API] }, {}],
    ['replaces empty parameters', { scope: 'write', resource: API }, { scope: '', resource: '' }],
    ['may repeat the parameters', { scope: 'write', resource: [API] }, { scope: 'write', resource: API }],
  ])('%s', async (_, claims, edits) => {
    const { scope, access_token } = expectIssued(await request(claims, edits))
    expect({ scope, aud: decodeJwt(access_token).claims['aud'] }).toEqual({ scope: 'write', aud: [API] })
  })

  it.each<[string, object, Form]>([
    ['a wider scope', { scope: 'read' }, { scope: 'read write' }],
    ['a narrower scope', { scope: 'read write' }, { scope: 'read' }],
    ['another resource', { resource: [API] }, { resource: 'https://other.example' }],
    ['one more resource', { resource: [API] }, { resource: [API, 'https://other.example'] }],
  ])('is refused beside a parameter with %s', async (_, claims, edits) => {
    expectError(await request(claims, edits), 'invalid_request', 'BINDING_MISMATCH')
  })
})

describe('an agent that requires bound requests', () => {
  const OWN = { careful: 'https://api.acme-operator.com', ofBound: 'https://api.bound-operator.com' } as const
  const AGENTS = ['careful', 'ofBound'] as const

  it.each(AGENTS)('gets a token if the assertion contains scope and resource: %s', async (name) => {
    expectIssued(await request({ scope: 'read', resource: [OWN[name]] }, {}, name))
  })

  it.each(
    AGENTS.flatMap((name) => [
      [name, 'neither'],
      [name, 'scope'],
      [name, 'resource'],
    ]) as [(typeof AGENTS)[number], string][],
  )('gets no token if the assertion contains less: %s with %s', async (name, kept) => {
    const whole = { scope: 'read', resource: OWN[name] }
    const claims = Object.fromEntries(Object.entries(whole).filter(([each]) => each === kept))
    expectError(await request(claims, whole, name), 'invalid_request', 'BINDING_REQUIRED')
  })
})

it('POST /oauth/token refuses authorization_details, because the server has no types of them', async () => {
  const authorization_details = JSON.stringify([{ type: 'x' }])
  const answer = await request({}, { authorization_details })
  expectError(answer, 'invalid_authorization_details', 'UNSUPPORTED_AUTHORIZATION_DETAILS')
})
