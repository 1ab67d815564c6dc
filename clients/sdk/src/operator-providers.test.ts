import { describe, expect, it } from 'vitest'
import { ID, key, now, recorder, SERVER } from '../../../test/support/sdk/recorded-operator.ts'
import { createOperator } from './operator.ts'

const provider = {
  id: ID,
  name: 'work',
  issuer: 'https://idp.example',
  client_id: 'a',
  token_endpoint_auth_method: 'client_secret_basic',
  scopes: ['openid'],
  subject_claim: 'sub',
  required_claims: [{ name: 'hd', value: 'acme.example' }],
  all_users: false,
  signals: 'none',
}

function providersWith(answer: unknown) {
  const { sent, fetch } = recorder(() => Response.json(answer))
  return { sent, providers: createOperator({ server: SERVER, operatorId: ID, key, fetch, now }).providers }
}

describe('operator.providers', () => {
  it('put sends what is given, and nothing for what is left out', async () => {
    const { sent, providers } = providersWith({ provider })
    const given = { issuer: 'https://idp.example', client_id: 'a', client_secret: undefined, all_users: true }
    expect(await providers.put('work', given)).toEqual(provider)
    expect(sent[0]?.url.pathname).toBe(`/v1/operators/${ID}/providers/work`)
    expect(sent[0]).toMatchObject({ method: 'PUT' })
    expect(sent[0]?.body).toEqual({ issuer: 'https://idp.example', client_id: 'a', all_users: true })
  })

  it('list and remove return what the server says', async () => {
    expect(await providersWith({ providers: [provider] }).providers.list()).toEqual([provider])
    const { sent, providers } = providersWith({ provider })
    expect(await providers.remove('work')).toEqual(provider)
    expect(sent[0]).toMatchObject({ method: 'DELETE' })
  })

  it('refuses a misspelt member and a name with a slash, and sends nothing', async () => {
    const { sent, providers } = providersWith({ provider })
    const wrong = Object.assign({ required_claim: [] }, { issuer: 'https://idp.example', client_id: 'a' })
    await expect(providers.put('work', wrong)).rejects.toThrow(TypeError)
    await expect(providers.remove('work/x')).rejects.toThrow(TypeError)
    expect(sent).toEqual([])
  })

  it('rejects an answer whose claims have another form', async () => {
    const { providers } = providersWith({ providers: [{ ...provider, required_claims: [{ name: 'hd' }] }] })
    await expect(providers.list()).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})
