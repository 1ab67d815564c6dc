import { createHash } from 'node:crypto'
import { ISSUER } from '../deployment.ts'
import { type AgentParty, dpopProof, type Keys } from '../parties.ts'
import type { Json, ProtocolClient, Wishes } from '../protocol-client.ts'
import { expectStatus, signedChallenge } from '../story.ts'

/** Gets a token that is bound to keys (RFC 9449). */
export async function boundToken(
  client: ProtocolClient,
  baseUrl: string,
  agent: AgentParty,
  keys: Keys,
  wishes: Wishes,
): Promise<string> {
  const body = JSON.stringify(await signedChallenge(client, agent, wishes))
  const headers = { 'content-type': 'application/json', dpop: dpopProof(keys, `${ISSUER}/v1/token`) }
  const answer = await fetch(`${baseUrl}/v1/token`, { method: 'POST', headers, body })
  const answered = { status: answer.status, headers: answer.headers, body: (await answer.json()) as Json }
  return String(expectStatus(200, answered).token)
}

/** Returns the headers of a request with a bound token, and a fresh proof for the request. */
export function boundHeaders(keys: Keys, token: string, htu: string, htm = 'GET'): Record<string, string> {
  const ath = createHash('sha256').update(token).digest('base64url')
  return { authorization: `DPoP ${token}`, dpop: dpopProof(keys, htu, { htm, ath }) }
}
