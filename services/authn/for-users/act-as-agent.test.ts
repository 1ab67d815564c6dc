import { randomUUID } from 'node:crypto'
import { parseUserClaims } from '@auth4agent/core/delegation/user-claims'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { describe, expect, it } from 'vitest'
import { clientAssertion, insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import { provenCall } from '../../../test/support/exchanges.ts'
import { payloadOf } from '../../../test/support/federation/chained-server.ts'
import { insertUserOfAgent, type UserOfAgent } from '../../../test/support/people/agent-client.ts'
import { CLIENT, USER_IDP, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import type { Call } from '../../calls/call.ts'

const world = useUserWorld()

async function insert(whose: 'vendor' | 'owner' = 'vendor'): Promise<UserOfAgent> {
  const { user, database } = world()
  return insertUserOfAgent(database.db, await user('another'), whose)
}

interface Wishes {
  readonly as?: TestHolder
  readonly claims?: object
  readonly members?: object
  readonly call?: Call
}

const asAgent = ({ agent }: UserOfAgent, { as = agent, claims = {}, members = {} }: Wishes = {}) => ({
  clientId: as.did,
  ...clientAssertion(as, claims),
  ...members,
})

/** Redeems a code as an agent does. */
async function redeem(of: UserOfAgent, code: string, wishes: Wishes = {}) {
  const call = wishes.call ?? (await provenCall(wishes.as ?? of.agent))
  return world().redeem(code, asAgent(of, wishes), call, 1)
}

/** Refreshes as an agent does. */
async function refresh(of: UserOfAgent, refreshToken: string, wishes: Wishes = {}) {
  const call = wishes.call ?? (await provenCall(wishes.as ?? of.agent))
  return world().refresh(refreshToken, asAgent(of, wishes), call, 1)
}

async function connect(of: UserOfAgent) {
  const { accessToken = '', refreshToken = '' } = await redeem(of, await world().code(of))
  return { accessToken, refreshToken }
}

async function verdictOf(token: string, { audience }: UserOfAgent, process: 0 | 1 = 0) {
  const wanted = { audience: [audience], scope: 'read', delegation: 'accept', proofChecked: true }
  const { valid, reason } = await world().instances[process].verify(token, wanted)
  return valid === true ? 'VALID' : reason
}

const query = (text: string, values: unknown[] = []) => world().database.db.pool.query(text, values)
const SUSPEND = `UPDATE agents SET status = 'suspended', epoch = epoch + 1, version = version + 1 WHERE id = $1`

describe('an agent acts for a user', () => {
  it.each(['vendor', 'owner'] as const)('as an agent of the %s, with a token bound to its key', async (whose) => {
    const of = await insert(whose)
    const { agent, vendor } = of
    await query('UPDATE agents SET epoch = 5, version = 5 WHERE id = $1', [agent.id])
    await query('UPDATE operators SET epoch = 3, version = version + 1 WHERE id = $1', [vendor.id])
    const id = randomUUID()
    const { accessToken = '', ...answer } = await redeem(of, await world().code(of, { id }))
    expect(answer).toMatchObject({ tokenType: 'DPoP', expiresIn: 300, scope: 'read write' })
    const payload = payloadOf(accessToken)
    expect(payload).toMatchObject({
      sub: of.subject,
      aud: [of.audience],
      operator_id: vendor.id,
      client_id: agent.did,
      epoch: [5, 3],
      act: { sub: agent.did },
      cnf: { jkt: thumbprint(agent.publicKey) },
      a4a_user: { iss: USER_IDP, generation: 1, operator_id: of.operator.id, epoch: [1, 1] },
    })
    const edges = parseUserClaims(payload)?.edges ?? []
    expect(edges).toEqual(expect.arrayContaining([id, of.clientEdge]))
    // Of the callers of the audience, the token names the entry that lets the agents of another operator call.
    expect(edges).toHaveLength(whose === 'owner' ? 6 : 7)
    expect(await verdictOf(accessToken, of)).toBe('VALID')
    const audit = await world().database.db.prisma.auditLog.findMany({ where: { subject: String(payload['jti']) } })
    const operators = new Set([of.operator.id, of.owner.id, vendor.id])
    expect(new Set(audit.map(({ operatorId }) => operatorId))).toEqual(operators)
    for (const { action, actor } of audit) {
      expect({ action, actor }).toEqual({ action: 'token.for-user', actor: `agent:${agent.did}` })
    }
  })

  it('and refreshes with the same refresh token, because it is bound to the key', async () => {
    const of = await insert()
    const { refreshToken } = await connect(of)
    const again = await refresh(of, refreshToken)
    expect(again).toMatchObject({ tokenType: 'DPoP', refreshToken, scope: 'read write' })
    expect(await verdictOf(again.accessToken ?? '', of)).toBe('VALID')
    expect(await refusalOf(refresh(of, refreshToken, { members: { scope: 'read' } }))).toBeUndefined()
  })

  it('only with scopes of its own grant', async () => {
    const of = await insert()
    await query(`UPDATE agents SET allowed_scopes = '{write,other}', version = version + 1 WHERE id = $1`, [
      of.agent.id,
    ])
    expect(await redeem(of, await world().code(of))).toMatchObject({ scope: 'write' })
    await query(`UPDATE agents SET allowed_scopes = '{other}', version = version + 1 WHERE id = $1`, [of.agent.id])
    expect(await refusalOf(redeem(of, await world().code(of)))).toBe('SCOPE_NOT_ALLOWED')
  })
})

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
    ({ agent }) => ['DELETE FROM agents WHERE id = $1', agent.id],
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

describe('an agent gets no token', () => {
  it.each<readonly [name: string, reason: string, wishes: (of: UserOfAgent) => Promise<Wishes>]>([
    [
      'for the code of another agent',
      'CODE_NOT_ACCEPTED',
      async ({ vendor }) => ({ as: await insertAgent(world().database.db, vendor) }),
    ],
    [
      'without an assertion',
      'UNAUTHENTICATED',
      async () => ({ members: { clientAssertion: '', clientAssertionType: '' } }),
    ],
    [
      'with an assertion of a foreign key',
      'INVALID_SIGNATURE',
      async ({ agent }) => ({ members: clientAssertion({ ...agent, key: generateKeyPair().privateKey }) }),
    ],
    [
      'with the assertion of another agent',
      'INVALID_ASSERTION',
      async ({ vendor }) => ({ members: clientAssertion(await insertAgent(world().database.db, vendor)) }),
    ],
    [
      'without a DPoP proof',
      'DPOP_PROOF_REQUIRED',
      async ({ agent }) => ({ call: { ...(await provenCall(agent)), dpop: undefined } as never }),
    ],
    [
      'with a DPoP proof of another key',
      'INVALID_DPOP_PROOF',
      async () => {
        const { publicKey, privateKey: key } = generateKeyPair()
        return { call: await provenCall({ publicKey, key }) }
      },
    ],
    [
      'with an assertion for another resource',
      'BINDING_MISMATCH',
      async () => ({ claims: { resource: 'https://other.example/mcp' } }),
    ],
    ['with an assertion for other scopes', 'BINDING_MISMATCH', async () => ({ claims: { scope: 'read' } })],
    [
      'with another kind of term in the assertion',
      'BINDING_MISMATCH',
      async () => ({ claims: { details: 'A'.repeat(43) } }),
    ],
  ])('%s: %s', async (_, reason, wishes) => {
    const of = await insert()
    const code = await world().code(of)
    expect(await refusalOf(redeem(of, code, await wishes(of)))).toBe(reason)
    expect(await refusalOf(redeem(of, code))).toBeUndefined()
  })

  it('twice for one assertion, nor for one DPoP proof', async () => {
    const of = await insert()
    const assertion = clientAssertion(of.agent)
    const proof = await provenCall(of.agent)
    const { refreshToken = '' } = await redeem(of, await world().code(of), { members: assertion, call: proof })
    expect(await refusalOf(refresh(of, refreshToken, { members: assertion }))).toBe('ASSERTION_USED')
    expect(await refusalOf(refresh(of, refreshToken, { call: proof }))).toBe('DPOP_PROOF_USED')
    const own = { grantType: 'client_credentials', clientId: of.agent.did, ...assertion }
    expect(await refusalOf(world().token(own))).toBe('ASSERTION_USED')
    expect(await refusalOf(refresh(of, refreshToken))).toBeUndefined()
  })

  it('with the refresh token of another agent, which ends nothing', async () => {
    const [of, other] = [await insert(), await insert()]
    const { accessToken, refreshToken } = await connect(of)
    expect(await refusalOf(refresh(other, refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    expect(await verdictOf(accessToken, of)).toBe('VALID')
  })

  it('with the code of a program', async () => {
    const of = await insert()
    const user = await world().user('another')
    expect(await refusalOf(redeem(of, await world().code(user)))).toBe('CODE_NOT_ACCEPTED')
    expect(await refusalOf(redeem(of, await world().code(of), { members: { clientId: CLIENT } }))).toBe(
      'CODE_NOT_ACCEPTED',
    )
  })

  it.each<readonly [name: string, reason: string, uris: string]>([
    ['that has no redirect URIs any more', 'CLIENT_NOT_ACCEPTED', '{}'],
    ['whose redirect URIs lead to another host', 'CONSENT_REQUIRED', '{https://other.example/callback}'],
  ])('%s: %s', async (_, reason, uris) => {
    const of = await insert()
    const { refreshToken } = await connect(of)
    await query('UPDATE agents SET redirect_uris = $2, version = version + 1 WHERE id = $1', [of.agent.id, uris])
    expect(await refusalOf(refresh(of, refreshToken))).toBe(reason)
    expect(await refusalOf(redeem(of, await world().code(of)))).toBe(reason)
  })

  it('without the terms in its assertion, if its operator demands them', async () => {
    const of = await insert()
    await query('UPDATE agents SET require_bound_challenges = true, version = version + 1 WHERE id = $1', [of.agent.id])
    expect(await refusalOf(redeem(of, await world().code(of)))).toBe('BINDING_REQUIRED')
    const claims = { resource: of.audience, scope: 'read write' }
    expect(await refusalOf(redeem(of, await world().code(of), { claims }))).toBeUndefined()
  })
})

it('an agent ends its connection by its refresh token or access token, and no other one', async () => {
  const [of, other] = [await insert(), await insert()]
  for (const each of ['accessToken', 'refreshToken'] as const) {
    const [ended, lives] = [await connect(of), await connect(of)]
    const revoke = (who: UserOfAgent) =>
      world().instances[0].revokeAs(who.agent.did, ended[each], clientAssertion(who.agent))
    await revoke(other)
    expect(await verdictOf(ended.accessToken, of)).toBe('VALID')
    await revoke(of)
    expect(await verdictOf(ended.accessToken, of)).toBe('TRUST_ENDED')
    expect(await refusalOf(refresh(of, ended.refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    expect(await verdictOf(lives.accessToken, of)).toBe('VALID')
  }
})
