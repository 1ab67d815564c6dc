import { describe, expect, it } from 'vitest'
import { firstEdgeOf } from '../../clients/domain/client-id.ts'
import { decideClient } from './decide-client.ts'

const OWNER = '8c8f5c3a-0d55-4a3f-9a53-5d0f7c7e3c0b'
const EDGE = '0b3c7e7f-0d5d-4a53-9a3f-0d558c8f5c3a'
const CLIENTS = {
  url: 'https://client.example/client.json',
  registered: `reg_${'A'.repeat(64)}`,
  agent: 'did:agent:acme.example:0123456789abcdef0123456789abcdef',
}
const UNKNOWN = { ownerId: OWNER, clientStatus: null, clientEdge: null }
const of = (clientStatus: string) => ({ ...UNKNOWN, clientStatus, clientEdge: EDGE })

describe.each(Object.entries(CLIENTS))('decideClient, for a client of the kind %s', (kind, clientId) => {
  it.each(['any', 'listed'] as const)('takes the edge of one that the owner has allowed, with %s', (clients) => {
    expect(decideClient(of('allowed'), clientId, { clients })).toBe(EDGE)
  })

  it.each(['any', 'listed'] as const)('admits none that the owner has blocked, with %s', (clients) => {
    expect(decideClient(of('blocked'), clientId, { clients })).toBeUndefined()
  })

  it('admits one of which the owner has said nothing only with any, and never an agent', () => {
    expect(decideClient(UNKNOWN, clientId, { clients: 'listed' })).toBeUndefined()
    const admitted = kind === 'agent' ? undefined : firstEdgeOf(OWNER, clientId)
    expect(decideClient(UNKNOWN, clientId, { clients: 'any' })).toBe(admitted)
    expect(decideClient({ ...UNKNOWN, ownerId: null }, clientId, { clients: 'any' })).toBeUndefined()
  })
})
