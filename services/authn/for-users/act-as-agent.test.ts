import { randomUUID } from 'node:crypto'
import { parseUserClaims } from '@auth4agent/core/delegation/user-claims'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { describe, expect, it } from 'vitest'
import { clientAssertion, insertAgent } from '../../../test/support/authn-agents.ts'
import { provenCall } from '../../../test/support/exchanges.ts'
import { payloadOf } from '../../../test/support/federation/chained-server.ts'
import { type AgentWishes, type UserOfAgent, useAgentWorld } from '../../../test/support/people/agent-client.ts'
import { CLIENT, USER_IDP } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const { insert, redeem, refresh, connect, verdictOf, query, world } = useAgentWorld()

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
describe('an agent gets no token', () => {
  it.each<readonly [name: string, reason: string, wishes: (of: UserOfAgent) => Promise<AgentWishes>]>([
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
