import { describe, expect, it } from 'vitest'
import { useWorld } from '../../contract/support/run-cases.ts'
import { decodeJwt, expectError, expectIssued, post, tokenForm } from './support/client.ts'
import { setAudiences } from './support/policy.ts'

const world = useWorld()
const API = 'https://api.acme-operator.com'

const request = (resource: string | readonly string[] | undefined, name: 'active' | 'ofBravo' = 'active') =>
  post(world().server.baseUrl, '/oauth/token', tokenForm(world().agents[name], { resource }))

describe('the parameter resource at /oauth/token', () => {
  it.each([
    ['one URI', API],
    ['a URI with port, path and query', `${API}:8443/orders?version=1`],
    ['two URIs', [API, `${API}/orders`]],
    ['eight URIs', Array.from({ length: 8 }, (_, at) => `${API}/${at}`)],
  ])('becomes aud exactly: %s', async (_, resource) => {
    const { access_token } = expectIssued(await request(resource))
    expect(decodeJwt(access_token).claims['aud']).toEqual([resource].flat())
  })

  it('gives the issuer as aud when it is absent', async () => {
    const { access_token } = expectIssued(await request(undefined))
    expect(decodeJwt(access_token).claims['aud']).toEqual([world().issuer])
  })

  it.each([
    ['a URI with a fragment', `${API}#orders`],
    ['a URI with an empty fragment', `${API}#`],
    ['a path', '/orders'],
    ['a reference without a scheme', '//api.acme-operator.com'],
    ['a host name', 'api.acme-operator.com'],
    ['a URI with a user', 'https://user@api.acme-operator.com'],
    ['a text with a blank', `${API}/a b`],
    ['a wildcard', '*'],
    ['nine URIs', Array.from({ length: 9 }, (_, at) => `${API}/${at}`)],
    ['a wrong URI beside a good one', [API, `${API}#orders`]],
  ])('is refused with invalid_target: %s', async (_, resource) => {
    expectError(await request(resource), 'invalid_target')
  })

  it('is refused with invalid_target when the operator of the audience allows other callers only', async () => {
    await setAudiences(world(), 'acme', [{ audience: `${API}/closed`, callers: ['friend.example'] }])
    expectError(await request(`${API}/closed`, 'ofBravo'), 'invalid_target', 'AUDIENCE_NOT_ALLOWED')
    expectIssued(await request(`${API}/closed`))
  })
})
