import { sign } from 'node:crypto'
import { grantId } from '@auth4agent/core/delegation/grant-id'
import { parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { deriveGrant } from '@auth4agent/core/delegation/sign-grant'
import { type Deployment, ISSUER } from '../../support/deployment.ts'
import { detailsOf } from '../../support/grant-details.ts'
import type { AgentParty } from '../../support/parties.ts'
import { expectStatus, signedBody } from '../../support/story.ts'

/** The service that gets the chains, and what they allow there. */
export const SHOP = 'https://shop.test'
const DETAILS = detailsOf({ [`${SHOP}#read`]: {} })

/** Gets a root grant for an agent, at the first server. */
export async function rootOf({ client }: Deployment, agent: AgentParty): Promise<string> {
  const answer = expectStatus(200, await client.post('/v1/challenge', { did: agent.did }))
  const { did, challenge, nonce, signature } = signedBody(agent, answer)
  const body = { did, challenge, nonce, signature, authorization_details: DETAILS, ttl: '15m' }
  return String(expectStatus(200, await client.post('/v1/grant', body)).grant)
}

/** Fetches the statement about an agent that may hold a grant. */
export async function statementOf({ client }: Deployment, { did }: AgentParty): Promise<string> {
  return String(expectStatus(200, await client.get(`/v1/agent/${did}/holder-statement`)).statement)
}

/** Lets the last holder of a chain hand it on. Nobody asks a server. */
export function handOn(chain: string, from: AgentParty, to: AgentParty, statement: string): Promise<string> {
  const capabilities = parseCapabilities(JSON.parse(DETAILS))
  if (!capabilities.ok) throw new RangeError(capabilities.rule)
  const signer = {
    publicKey: from.rawPublicKey,
    sign: async (message: Uint8Array) => new Uint8Array(sign(null, message, from.privateKey)),
  }
  const derivation = { issuer: ISSUER, to: to.rawPublicKey, statement, capabilities: capabilities.value }
  return deriveGrant(signer, chain, derivation, Date.now() / 1000)
}

/** Returns the chain that ends with the grant at a place. */
export function upTo(chain: string, place: number): string {
  return chain
    .split('~')
    .slice(0, place + 1)
    .join('~')
}

/** Returns the id of the last grant of a chain. */
export function lastId(chain: string): string {
  const grant = chain.slice(chain.lastIndexOf('~') + 1)
  return grantId(Buffer.from(grant.slice(0, grant.lastIndexOf('.'))))
}
