import { expect, it } from 'vitest'
import { type UserOfAgent, useAgentWorld } from '../../../test/support/people/agent-client.ts'
import { USER_IDP } from '../../../test/support/people/user-world.ts'
import type { Standing } from './domain/standing.ts'
import { readStanding } from './standing.ts'

const { insert, query, world } = useAgentWorld()

const INSERT_ISSUER = `INSERT INTO issuers (id, issuer, kind, token_type, jwks_uri, revocation_mode, max_token_ttl, max_staleness_ms)
  VALUES (gen_random_uuid(), $1, 'oauth', 'at+jwt', '', 'introspection', 300, 5000) ON CONFLICT DO NOTHING`

/** Each value of a standing, and a change of it. `:operator` is that of the user, `:owner` that of the audience. */
const changes: Readonly<Record<Exclude<keyof Standing, 'mark'>, string>> = {
  operatorStatus: `UPDATE operators SET status = 'suspended' WHERE id = ':operator'`,
  userDomain: `UPDATE operators SET domain = 'other-' || domain WHERE id = ':operator'`,
  userStatus: `UPDATE users SET status = 'disabled' WHERE operator_id = ':operator'`,
  groups: `UPDATE users SET groups = '{other}' WHERE operator_id = ':operator'`,
  providerEdge: `UPDATE identity_providers SET edge_id = gen_random_uuid() WHERE operator_id = ':operator'`,
  providerIssuer: `UPDATE identity_providers SET issuer = 'https://other.example' WHERE operator_id = ':operator'`,
  signals: `UPDATE identity_providers SET signals = 'ssf' WHERE operator_id = ':operator'`,
  isCheckDue: `UPDATE identity_providers SET signals = 'refresh' WHERE operator_id = ':operator'`,
  onLogout: `UPDATE identity_providers SET on_logout = 'everything' WHERE operator_id = ':operator'`,
  ownerId: `UPDATE operators SET status = 'pending' WHERE id = ':owner'`,
  ownerDomain: `UPDATE operators SET domain = 'other-' || domain WHERE id = ':owner'`,
  ownerStatus: `UPDATE operators SET status = 'suspended' WHERE id = ':owner'`,
  rule: `UPDATE operator_audiences SET users = '{}' WHERE operator_id = ':owner'`,
  alg: `UPDATE operator_audiences SET token_signing_alg = 'ES256' WHERE operator_id = ':owner'`,
  dpop: `UPDATE operator_audiences SET dpop = 'required' WHERE operator_id = ':owner'`,
  tokenStatus: `UPDATE operator_audiences SET token_status = 'list' WHERE operator_id = ':owner'`,
  accessEdge: `UPDATE operator_audience_access SET ended_at = now() WHERE operator_id = ':owner'`,
  targetEdge: `UPDATE operator_user_targets SET ended_at = now() WHERE operator_id = ':operator'`,
  clientEdge: `UPDATE clients SET edge_id = gen_random_uuid() WHERE operator_id = ':owner'`,
  clientStatus: `UPDATE clients SET status = 'blocked' WHERE operator_id = ':owner'`,
  consentId: `UPDATE consents SET id = gen_random_uuid() WHERE operator_id = ':operator'`,
  consentEdge: `UPDATE consents SET edge_id = gen_random_uuid() WHERE operator_id = ':operator'`,
  capabilities: `UPDATE consents SET capabilities = '{}' WHERE operator_id = ':operator'`,
  clientDigest: `UPDATE consents SET client_digest = 'other' WHERE operator_id = ':operator'`,
  generation: `UPDATE issuers SET generation = generation + 1`,
  issuerStatus: `UPDATE issuers SET status = 'disabled'`,
  agent: `UPDATE agents SET redirect_uris = '{}' WHERE id = ':agent'`,
}

it.each(Object.entries(changes))('the mark of a standing changes with %s', async (name, change) => {
  const user = await insert('vendor')
  await query(INSERT_ISSUER, [USER_IDP])
  const before = await read(user)
  const { operator, owner, agent } = user
  await query(change.replace(':operator', operator.id).replace(':owner', owner.id).replace(':agent', agent.id))
  const after = await read(user)
  expect(valueOf(after, name)).not.toBe(valueOf(before, name))
  expect(after.mark).not.toBe(before.mark)
})

function read({ operator, subject, audience, agent }: UserOfAgent): Promise<Standing> {
  return readStanding(world().database.db.pool, { operatorId: operator.id, subject, clientId: agent.did, audience })
}

function valueOf(standing: Standing, name: string): string {
  return JSON.stringify(Object.entries(standing).find(([key]) => key === name))
}
