import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AttestationTool, BASE, openAttestationTool } from '../../../../test/support/attestation-cli.ts'

const URL_CLIENT = 'https://client.example/oauth/client.json'
const client = {
  client_id: URL_CLIENT,
  kind: 'url',
  status: 'allowed',
  name: 'Example',
  put_at: '2026-12-02T18:00:00Z',
}
const answers = {
  [`PUT ${BASE}/clients`]: { client },
  [`POST ${BASE}/clients/block`]: { client: { ...client, status: 'blocked' } },
  [`GET ${BASE}/clients`]: { clients: [client], next_page_token: '' },
}

let tool: AttestationTool
beforeAll(async () => {
  tool = await openAttestationTool()
})
afterAll(() => tool[Symbol.asyncDispose]())

const ran = (line: string, given: Record<string, unknown> = answers) => tool.ran(line, [], given)

describe('client', () => {
  it('allow and block send the client id, and show the name in quotes as not verified', async () => {
    const { stdout, sent } = await ran(`client allow ${URL_CLIENT}`)
    expect(sent).toEqual([{ call: `PUT ${BASE}/clients`, body: { client_id: URL_CLIENT } }])
    expect(stdout).toContain('name, not verified: "Example"')
    const blocked = await ran(`client block ${URL_CLIENT}`)
    expect(blocked.sent).toEqual([{ call: `POST ${BASE}/clients/block`, body: { client_id: URL_CLIENT } }])
    expect(blocked.stdout).toContain('status: blocked')
  })

  it('list shows each client with its status', async () => {
    expect((await ran('client list')).stdout).toMatch(/client\.json +allowed +"Example"/)
    const nothing = { [`GET ${BASE}/clients`]: { clients: [], next_page_token: '' } }
    expect((await ran('client list', nothing)).stdout).toContain('no client is allowed or blocked')
  })
})
