import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import type { Json } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, type OperatorParty, provenOperator } from '../../support/story.ts'

let deployment: Deployment
let operator: OperatorParty
let agent: AgentParty

beforeAll(async () => {
  deployment = await startDeployment()
  operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  agent = await activeAgent(deployment.client, operator)
})
afterAll(() => deployment?.stop())

async function resolve(accept: string, did = agent.did): Promise<{ status: number; type: string; body: Json }> {
  const response = await fetch(`${deployment.server.baseUrl}/v1/agent/${did}`, { headers: { accept } })
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    body: (await response.json()) as Json,
  }
}

/** Checks the answer against W3C DID Resolution and DID Core, and the key in it against the agent's own key. */
describe('resolving a DID', () => {
  it('returns the agent in the form of version 1 by default', async () => {
    const { status, type, body } = await resolve('*/*')
    expect({ status, type }).toEqual({ status: 200, type: 'application/json' })
    expect(body).toMatchObject({ did: agent.did, operator_id: operator.id, agent_public_key: agent.publicKey })
  })

  it('returns a DID document whose key is a Multikey for application/did+json', async () => {
    const { status, type, body } = await resolve('application/did+json')
    expect({ status, type }).toEqual({ status: 200, type: 'application/did+json' })
    const [method] = body.verificationMethod as Json[]
    expect(body).toMatchObject({ id: agent.did, authentication: [method?.id] })
    expect(method).toMatchObject({ type: 'Multikey', controller: agent.did })
    expect(decodeMultikey(String(method?.publicKeyMultibase))).toEqual(
      Buffer.concat([Buffer.from([0xed, 0x01]), agent.rawPublicKey]),
    )
  })

  it('returns a resolution result, or its error, for application/did-resolution', async () => {
    const { status, type, body } = await resolve('application/did-resolution')
    expect({ status, type }).toEqual({ status: 200, type: 'application/did-resolution' })
    expect(body).toMatchObject({ didDocument: { id: agent.did }, didDocumentMetadata: { deactivated: false } })
    const unknown = `did:agent:agents.example.com:${'0'.repeat(32)}`
    expect(await resolve('application/did-resolution', unknown)).toMatchObject({
      status: 404,
      body: { didDocument: null, didResolutionMetadata: { error: 'notFound' } },
    })
    expect(await resolve('application/did-resolution', 'did:agent:nobody')).toMatchObject({
      status: 400,
      body: { didResolutionMetadata: { error: 'invalidDid' } },
    })
  })

  it('returns a deactivated document after the agent is revoked', async () => {
    expectStatus(200, await deployment.client.revokeAgent(operator.id, agent.did, operator))
    expect(await resolve('application/did-resolution')).toMatchObject({
      status: 410,
      body: { didDocument: { verificationMethod: [] }, didDocumentMetadata: { deactivated: true } },
    })
    expect(await resolve('application/json')).toMatchObject({ status: 200, body: { status: 'revoked' } })
  })
})

/** Decodes base58btc after its `z` without a library. */
function decodeMultikey(text: string): Buffer {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  expect(text.startsWith('z')).toBe(true)
  const value = Array.from(text.slice(1)).reduce(
    (sum, character) => sum * 58n + BigInt(alphabet.indexOf(character)),
    0n,
  )
  return Buffer.from(value.toString(16).padStart(68, '0'), 'hex')
}
