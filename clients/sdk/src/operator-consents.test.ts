import { describe, expect, it } from 'vitest'
import { ID, key, now, recorder, SERVER, takeAll } from '../../../test/support/sdk/recorded-operator.ts'
import { createOperator } from './operator.ts'

const CONSENT = '8c8f5c3a-0d55-4a3f-9a53-5d0f7c7e3c0b'
const connection = {
  id: '0b3c7e7f-0d5d-4a53-9a3f-0d558c8f5c3a',
  scopes: ['read'],
  created_at: '2026-12-02T18:00:00Z',
  used_at: '2026-12-02T18:05:00Z',
  expires_at: '2027-01-01T18:00:00Z',
}
const consent = {
  id: CONSENT,
  operator_id: ID,
  subject: 'user:9sKq0cJd1R2w3e4T5y6U7g',
  client_id: 'https://client.example/oauth/client.json',
  audience: 'https://mcp.acme.example/mcp',
  owner_id: ID,
  capabilities: ['https://mcp.acme.example/mcp#read'],
  given_at: '2026-12-02T18:00:00Z',
  connections: [connection],
}

function consentsWith(answer: unknown) {
  const { sent, fetch } = recorder(() => Response.json(answer))
  return { sent, consents: createOperator({ server: SERVER, operatorId: ID, key, fetch, now }).consents }
}

describe('operator.consents', () => {
  it('list yields the consents of all pages, and sends only the filters that are set', async () => {
    const { sent, consents } = consentsWith({ consents: [consent], next_page_token: '' })
    expect(await takeAll(consents.list({ clientId: consent.client_id }))).toEqual([consent])
    expect(sent.map(({ url }) => [url.pathname, [...url.searchParams]])).toEqual([
      [`/v1/operators/${ID}/consents`, [['client_id', consent.client_id]]],
    ])
  })

  it('list rejects a filter that does not exist, because it would leave nothing out', () => {
    const { consents } = consentsWith({})
    const misspelt: object = { client: 'x' }
    expect(() => consents.list(misspelt)).toThrow(TypeError)
  })

  it('withdraw and endConnection name what ends in the path', async () => {
    const { sent, consents } = consentsWith({ consent, connection })
    expect(await consents.withdraw(CONSENT)).toEqual(consent)
    expect(await consents.endConnection(connection.id)).toEqual(connection)
    expect(sent.map(({ method, url }) => [method, url.pathname])).toEqual([
      ['DELETE', `/v1/operators/${ID}/consents/${CONSENT}`],
      ['DELETE', `/v1/operators/${ID}/connections/${connection.id}`],
    ])
  })

  it('rejects an answer about a connection without an id', async () => {
    const { consents } = consentsWith({ consent: { ...consent, connections: [{ ...connection, id: 7 }] } })
    await expect(consents.withdraw(CONSENT)).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})
