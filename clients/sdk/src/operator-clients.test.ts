import { describe, expect, it } from 'vitest'
import { ID, key, now, recorder, SERVER, takeAll } from '../../../test/support/sdk/recorded-operator.ts'
import { createOperator } from './operator.ts'

const URL_CLIENT = 'https://client.example/oauth/client.json'
const client = {
  client_id: URL_CLIENT,
  kind: 'url',
  status: 'allowed',
  name: 'Example',
  put_at: '2026-12-02T18:00:00Z',
}

function clientsWith(answer: unknown) {
  const { sent, fetch } = recorder(() => Response.json(answer))
  return { sent, clients: createOperator({ server: SERVER, operatorId: ID, key, fetch, now }).clients }
}

describe('operator.clients', () => {
  it('allow and block send the client id in the body, because it is a URL', async () => {
    const { sent, clients } = clientsWith({ client })
    expect(await clients.allow(URL_CLIENT)).toEqual(client)
    expect(await clients.block(URL_CLIENT)).toEqual(client)
    expect(sent.map(({ method, url, body }) => [method, url.pathname, body])).toEqual([
      ['PUT', `/v1/operators/${ID}/clients`, { client_id: URL_CLIENT }],
      ['POST', `/v1/operators/${ID}/clients/block`, { client_id: URL_CLIENT }],
    ])
  })

  it('list yields the clients of all pages', async () => {
    const { sent, clients } = clientsWith({ clients: [client], next_page_token: '' })
    expect(await takeAll(clients.list())).toEqual([client])
    expect(sent).toHaveLength(1)
  })

  it('rejects an answer about a client without a status', async () => {
    const { clients } = clientsWith({ client: { ...client, status: undefined } })
    await expect(clients.allow(URL_CLIENT)).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})
