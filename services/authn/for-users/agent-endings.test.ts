import { authorityOfToken } from '@auth4agent/core/delegation/delegated-authority'
import { readDelegatedClaims } from '@auth4agent/core/delegation/delegated-token'
import { createRevocationState } from '@auth4agent/core/revocation/revocation-state'
import { describe, expect, it } from 'vitest'
import { provenCall } from '../../../test/support/exchanges.ts'
import { payloadOf } from '../../../test/support/federation/chained-server.ts'
import { asAgent, type UserOfAgent, useAgentWorld } from '../../../test/support/people/agent-client.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const { insert, redeem, refresh, connect, verdictOf, query, world } = useAgentWorld()

/** Returns the verdict of a verifier that knows the token, and follows the revocation log. */
async function offlineVerdictOf(token: string) {
  const claims = readDelegatedClaims(payloadOf(token))
  const { rows } = await query('SELECT kind, operator_id, subject, minimum_epoch FROM revocation_log ORDER BY sequence')
  const state = createRevocationState()
  for (const { kind, operator_id: operatorId, subject, minimum_epoch: minimumEpoch } of rows) {
    state.apply({ sequence: 0, kind, operatorId: operatorId ?? '', subject, minimumEpoch })
  }
  const lookups = claims === undefined ? [] : authorityOfToken({ claims, kid: 'kid' }).lookups()
  expect(lookups).toHaveLength(2)
  return lookups.map((each) => state.lookup(each.token)).find((each) => each !== undefined)
}
/** Where a verifier that follows the log has another reason than one that asks the database. */
const OFFLINE: Readonly<Record<string, string>> = { ACTOR_NOT_TRUSTED: 'TRUST_ENDED' }
const DELETE = 'DELETE FROM agents WHERE id = $1'
const SUSPEND = `UPDATE agents SET status = 'suspended', epoch = epoch + 1, version = version + 1 WHERE id = $1`

type Change = (of: UserOfAgent) => readonly [text: string, ...values: unknown[]]
/** What ends a token, and how a refresh token and a code are refused afterwards; empty if they are not. */
type Ending = readonly [name: string, verdict: string, refresh: string, code: string, change: Change]
const LISTED = 'operator_id = $1 AND client_id = $2'
const ENDINGS: readonly Ending[] = [
  [
    'the agent is suspended',
    'AGENT_TOKENS_ENDED',
    'AGENT_NOT_ACTIVE',
    'AGENT_NOT_ACTIVE',
    ({ agent }) => [SUSPEND, agent.id],
  ],
  [
    'the agent is revoked',
    'AGENT_TOKENS_ENDED',
    'AGENT_NOT_ACTIVE',
    'AGENT_NOT_ACTIVE',
    ({ agent }) => [SUSPEND.replace('suspended', 'revoked'), agent.id],
  ],
  [
    'the agent is deleted',
    'AGENT_TOKENS_ENDED',
    'AGENT_NOT_FOUND',
    'AGENT_NOT_FOUND',
    ({ agent }) => [DELETE, agent.id],
  ],
  [
    'the key of the agent is replaced',
    'AGENT_TOKENS_ENDED',
    'INVALID_SIGNATURE',
    'INVALID_SIGNATURE',
    ({ agent }) => [
      `WITH gone AS (UPDATE agent_keys SET retired_at = now() WHERE agent_id = $1)
       UPDATE agents SET epoch = epoch + 1, version = version + 1 WHERE id = $1`,
      agent.id,
    ],
  ],
  [
    'the operator of the agent is suspended',
    'OPERATOR_TOKENS_ENDED',
    'AGENT_OPERATOR_NOT_ACTIVE',
    'AGENT_OPERATOR_NOT_ACTIVE',
    ({ vendor }) => [
      `UPDATE operators SET status = 'suspended', epoch = epoch + 1, version = version + 1 WHERE id = $1`,
      vendor.id,
    ],
  ],
  [
    'the operator of the agent ends its tokens',
    'OPERATOR_TOKENS_ENDED',
    '',
    '',
    ({ vendor }) => ['UPDATE operators SET epoch = epoch + 1, version = version + 1 WHERE id = $1', vendor.id],
  ],
  [
    'the user is disabled',
    'AGENT_TOKENS_ENDED',
    'REFRESH_NOT_ACCEPTED',
    'CODE_NOT_ACCEPTED',
    ({ subject }) => [
      `UPDATE users SET status = 'disabled', epoch = epoch + 1, version = version + 1 WHERE subject = $1`,
      subject,
    ],
  ],
  [
    'the operator of the user ends its tokens',
    'OPERATOR_TOKENS_ENDED',
    '',
    '',
    ({ operator }) => ['UPDATE operators SET epoch = epoch + 1, version = version + 1 WHERE id = $1', operator.id],
  ],
  [
    'the user withdraws the consent',
    'TRUST_ENDED',
    'REFRESH_NOT_ACCEPTED',
    'CODE_NOT_ACCEPTED',
    ({ consentId }) => ['DELETE FROM consents WHERE id = $1', consentId],
  ],
  [
    'the connection ends',
    'TRUST_ENDED',
    'REFRESH_NOT_ACCEPTED',
    '',
    ({ consentId }) => ['DELETE FROM connections WHERE consent_id = $1', consentId],
  ],
  [
    'the owner blocks the agent as a client',
    'TRUST_ENDED',
    'CLIENT_NOT_ALLOWED',
    'CLIENT_NOT_ALLOWED',
    ({ owner, agent }) => [
      `UPDATE clients SET status = 'blocked', edge_id = gen_random_uuid() WHERE ${LISTED}`,
      owner.id,
      agent.did,
    ],
  ],
  [
    'the owner lets no users come any more',
    'TRUST_ENDED',
    'REFRESH_NOT_ACCEPTED',
    'CODE_NOT_ACCEPTED',
    ({ audience }) => ['UPDATE operator_audiences SET users = NULL WHERE audience = $1', audience],
  ],
  [
    'the owner lets the operator of the agent call no more',
    'ACTOR_NOT_TRUSTED',
    'AUDIENCE_NOT_ALLOWED',
    'AUDIENCE_NOT_ALLOWED',
    ({ owner, audience }) => [
      `WITH changed AS (UPDATE operator_audiences SET callers = '{}' WHERE audience = $2)
       UPDATE operators SET version = version + 1 WHERE id = $1`,
      owner.id,
      audience,
    ],
  ],
  [
    'the provider of the user is removed',
    'TRUST_ENDED',
    'REFRESH_NOT_ACCEPTED',
    'CODE_NOT_ACCEPTED',
    ({ providerId }) => ['DELETE FROM identity_providers WHERE id = $1', providerId],
  ],
]

describe('a token with which an agent acts for a user ends when', () => {
  it.each(ENDINGS)('%s: %s', async (_, verdict, onRefresh, onCode, change) => {
    const of = await insert()
    const { accessToken, refreshToken } = await connect(of)
    expect(await verdictOf(accessToken, of)).toBe('VALID')
    expect(await verdictOf(accessToken, of, 1)).toBe('VALID')
    const later = await world().code(of)
    const [text, ...values] = change(of)
    await query(text, values)
    expect(await verdictOf(accessToken, of)).toBe(verdict)
    expect(await verdictOf(accessToken, of, 1)).toBe(verdict)
    // Agents are deleted only while they are pending. An edge tells a verifier of an entry in callers that is gone.
    if (change(of)[0] !== DELETE) expect(await offlineVerdictOf(accessToken)).toBe(OFFLINE[verdict] ?? verdict)
    expect((await refusalOf(refresh(of, refreshToken))) ?? '').toBe(onRefresh)
    expect((await refusalOf(redeem(of, later))) ?? '').toBe(onCode)
  })
})

/** How a code is refused if the ending comes after the agent has proved itself, where that makes a difference. */
const IN_BETWEEN: Readonly<Record<string, string>> = {
  'the agent is suspended': 'CLIENT_NOT_ACCEPTED',
  'the agent is revoked': 'CLIENT_NOT_ACCEPTED',
  'the agent is deleted': 'CLIENT_NOT_ACCEPTED',
  'the operator of the agent is suspended': 'CLIENT_NOT_ACCEPTED',
  'the key of the agent is replaced': 'UNAVAILABLE',
  'the operator of the agent ends its tokens': 'UNAVAILABLE',
  'the user withdraws the consent': 'CONSENT_REQUIRED',
}

describe('what ends after the agent has proved itself, and before the statement that issues, counts:', () => {
  it.each(ENDINGS)('%s', async (name, _verdict, _refresh, onCode, change) => {
    const of = await insert()
    const [code, proof] = [await world().code(of), await provenCall(of.agent)]
    const ends = world()
    let times = 0
    ends.between = async () => {
      times += 1
      const [text, ...values] = change(of)
      if (times === 1) await query(text, values)
    }
    const refusal = await refusalOf(ends.redeem(code, asAgent(of), proof))
    expect(refusal ?? '').toBe(IN_BETWEEN[name] ?? onCode)
    expect(times).toBeGreaterThan(0)
  })
})
