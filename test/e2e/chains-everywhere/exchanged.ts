import { type Deployment, ISSUER } from '../../support/deployment.ts'
import { type AgentParty, clientAssertion, dpopProof } from '../../support/parties.ts'
import { SHOP } from './hand-on.ts'

/** Exchanges a chain for a delegated token, as the holder of its last grant. Resolves with status and answer. */
export async function exchange({ server }: Deployment, chain: string, agent: AgentParty) {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: chain,
    subject_token_type: 'urn:auth4agent:token-type:grant-chain',
    resource: SHOP,
    scope: 'read',
    ...clientAssertion(agent, ISSUER),
  })
  const keys = { publicKey: agent.rawPublicKey, privateKey: agent.privateKey }
  const headers = { dpop: dpopProof(keys, `${ISSUER}/oauth/token`) }
  const answer = await fetch(new URL('/oauth/token', server.baseUrl), { method: 'POST', body: form, headers })
  const body = (await answer.json()) as { access_token?: string; reason?: string }
  return { status: answer.status, token: body.access_token ?? '', reason: body.reason ?? '' }
}
