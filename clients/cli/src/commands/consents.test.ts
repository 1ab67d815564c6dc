import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AttestationTool, BASE, openAttestationTool } from '../../../../test/support/attestation-cli.ts'

const CONSENT = '8c8f5c3a-0d55-4a3f-9a53-5d0f7c7e3c0b'
const CONNECTION = '0b3c7e7f-0d5d-4a53-9a3f-0d558c8f5c3a'
const USER = 'user:9sKq0cJd1R2w3e4T5y6U7g'
const connection = { id: CONNECTION, scopes: ['read'], created_at: '2026-12-02T18:00:00Z' }
const consent = {
  id: CONSENT,
  operator_id: 'a',
  subject: USER,
  client_id: 'https://client.example/oauth/client.json',
  audience: 'https://mcp.acme.example/mcp',
  owner_id: 'a',
  capabilities: ['https://mcp.acme.example/mcp#read'],
  given_at: '2026-12-02T18:00:00Z',
  connections: [connection],
}
const answers = {
  [`GET ${BASE}/consents`]: { consents: [consent], next_page_token: '' },
  [`DELETE ${BASE}/consents/${CONSENT}`]: { consent },
  [`DELETE ${BASE}/connections/${CONNECTION}`]: { connection },
}

let tool: AttestationTool
beforeAll(async () => {
  tool = await openAttestationTool()
})
afterAll(() => tool[Symbol.asyncDispose]())

const ran = (line: string, given: Record<string, unknown> = answers) => tool.ran(line, [], given)

describe('consent', () => {
  it('list shows who lets which client do what, and the connections', async () => {
    const { stdout } = await ran('consent list')
    for (const text of [CONSENT, USER, 'client.json', 'mcp#read', CONNECTION]) expect(stdout).toContain(text)
    const nothing = { [`GET ${BASE}/consents`]: { consents: [], next_page_token: '' } }
    expect((await ran('consent list', nothing)).stdout).toContain('no user lets a client do anything')
  })

  it('withdraw says which connections have ended with it', async () => {
    const { stdout, sent } = await ran(`consent withdraw ${CONSENT}`)
    expect(sent.map(({ call }) => call)).toEqual([`DELETE ${BASE}/consents/${CONSENT}`])
    expect(stdout).toContain('consent withdrawn')
    expect(stdout).toContain(`ended: ${CONNECTION}`)
  })
})

describe('connection', () => {
  it('end names the connection', async () => {
    const { stdout, sent } = await ran(`connection end ${CONNECTION}`)
    expect(sent.map(({ call }) => call)).toEqual([`DELETE ${BASE}/connections/${CONNECTION}`])
    expect(stdout).toContain('connection ended')
  })
})
