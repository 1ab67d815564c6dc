import type { FederatedDeployment } from '../../support/federation/deployments.ts'
import type { Json } from '../../support/protocol-client.ts'
import { expectStatus } from '../../support/story.ts'

/** A JWK Set for statements. */
interface StatementKeys {
  readonly keys: readonly { readonly kid: string }[]
}

/** The identifier of a deployment's authority. */
export function authorityOf({ issuer }: Pick<FederatedDeployment, 'issuer'>): string {
  return `${issuer}/federation`
}

/** Reads the keys of a deployment for statements, as people hand them over. */
export async function statementKeys({ server }: FederatedDeployment): Promise<StatementKeys> {
  const answer = await fetch(`${server.baseUrl}/.well-known/openid-federation`)
  const [, payload = ''] = (await answer.text()).split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()).jwks
}

/** Calls a method of the administrator, and returns the answer whatever it is. */
export function ask<T = Json>(at: FederatedDeployment, path: string, body: Json) {
  return at.client.signed<T>('POST', `/v1/federation/${path}`, body, at.admin)
}

/** Lets a deployment trust another one as an anchor. */
export async function pin(at: FederatedDeployment, anchor: FederatedDeployment, edits: Json = {}): Promise<Json> {
  const jwks = JSON.stringify(await statementKeys(anchor))
  return expectStatus(200, await ask(at, 'anchors', { entity_id: authorityOf(anchor), jwks, ...edits }))
}

/** Lets the authority of a deployment make statements about another deployment. */
export async function attest(anchor: FederatedDeployment, other: FederatedDeployment, edits: Json = {}): Promise<void> {
  const jwks = JSON.stringify(await statementKeys(other))
  expectStatus(200, await ask(anchor, 'subordinates', { entity_id: other.issuer, jwks, ...edits }))
}

/** Reads the anchors of a deployment. */
export async function anchors(at: FederatedDeployment): Promise<readonly Json[]> {
  const answer = await at.client.get<{ anchors: Json[] }>('/v1/federation/anchors', at.admin)
  return expectStatus(200, answer).anchors
}
