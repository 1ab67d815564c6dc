import { parseDelegatedClaims } from '@auth4agent/core/delegation/delegated-claims'
import { parseAccessTokenClaims } from '@auth4agent/core/token/claims'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import { ACCESS_TOKEN, EXCHANGE, provenCall } from '../../../test/support/exchanges.ts'
import { payloadOf } from '../../../test/support/federation/chained-server.ts'
import { CRM, IDP, type ProviderWorld, useProviderWorld } from '../../../test/support/federation/identity-provider.ts'
import { asAdmin, asOperator, insertOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { createKeyVault } from '../../keys/key-vault.ts'
import { disableIssuer, enableIssuer } from '../../trust/issuers/store.ts'

const serve = useProviderWorld()
const API = `${CRM}/customers`
let world: ProviderWorld
let agent: TestHolder
let rule: string
let token: string

const issue = async () => (await world.redeem(agent, world.idJag(agent))).accessToken ?? ''

beforeAll(() => {
  world = serve()
})
beforeEach(async () => {
  world = serve()
  rule = await world.put()
  agent = await world.agent()
  token = await issue()
})

/** Verifies a token at a process with a proof by the agent's key, as a service that accepts delegation does. */
async function verify(text = token, wishes = {}, process: 0 | 1 = 1) {
  const call = await provenCall(agent, { method: 'GET', url: API, accessToken: text })
  const proof = { dpopProof: call.dpop?.text ?? '', httpMethod: 'GET', httpUrl: API }
  const wanted = { audience: [CRM], scope: 'read', delegation: 'accept', ...proof, ...wishes }
  return world.instances[process].verify(text, wanted)
}

async function outcome(text = token) {
  const { valid, reason } = await verify(text)
  return valid === true ? 'VALID' : reason
}

describe('a token for a user', () => {
  it('is valid only for a service that accepts delegation, and names the user, the agent and the provider', async () => {
    const answer = await verify()
    expect(answer).toMatchObject({
      valid: true,
      claims: { sub: 'user:alice', clientId: agent.did, act: { sub: agent.did }, scope: 'read write' },
      delegation: {
        principal: 'user:alice',
        actor: agent.did,
        identityProvider: IDP,
        hops: [{ did: agent.did, operatorId: world.operator.id }],
      },
    })
    expect(await verify(token, { delegation: '' })).toMatchObject({ valid: false, reason: 'DELEGATION_NOT_ACCEPTED' })
    expect(await verify(token, { dpopProof: '', httpMethod: '', httpUrl: '' })).toMatchObject({
      reason: 'PROOF_REQUIRED',
    })
    expect(await verify(token, { operators: [world.operator.id] })).toMatchObject({ valid: true })
    const stranger = 'c0000000-0000-8000-8000-000000000001'
    expect(await verify(token, { operators: [stranger] })).toMatchObject({ reason: 'OPERATOR_NOT_TRUSTED' })
    expect(await verify(token, { scope: 'admin' })).toMatchObject({ valid: false })
    expect(await verify(token, { audience: ['https://other.example'] })).toMatchObject({ valid: false })
  })

  it('is refused by readers that do not know such tokens', () => {
    const payload = JSON.parse(JSON.stringify(payloadOf(token)))
    expect(parseAccessTokenClaims(payload)).toBeUndefined()
    expect(parseDelegatedClaims(payload)).toBeUndefined()
    // Even if such a reader ignored the claim of this version.
    const { a4a_user: _, ...rest } = payload
    expect(parseDelegatedClaims(rest)).toBeUndefined()
  })

  it('is active for its operator and the owner of the audience, and not for others', async () => {
    const { database, instances } = world
    const answer = await instances[0].introspect(agent, token)
    expect(answer).toMatchObject({ active: true, sub: 'user:alice', clientId: agent.did, act: { sub: agent.did } })
    expect(Object.keys(answer)).not.toContain('edges')
    const other = await insertAgent(database.db, await insertOperator(database.db, 'nosy.example', 'active'))
    expect(await instances[0].introspect(other, token)).toEqual({ active: false })
  })

  it('gives no other token: neither by an exchange nor for another deployment', async () => {
    const subject = { grantType: EXCHANGE, subjectToken: token, subjectTokenType: ACCESS_TOKEN }
    const abroad = { requestedTokenType: 'urn:ietf:params:oauth:token-type:id-jag', audience: 'https://beta.example' }
    for (const further of [{}, abroad]) {
      const request = { ...subject, resource: [CRM], scope: 'read', ...further }
      expect(await refusalOf(world.instances[0].oauthToken(agent, request, await provenCall(agent)))).toBe(
        'EXCHANGE_THE_CHAIN',
      )
    }
  })
})

describe('a token for a user ends at every process', () => {
  type End = readonly [name: string, verdict: string, end: () => Promise<unknown>]
  const vault = createKeyVault(new Uint8Array(32).fill(7))
  const issuers = () => ({ prisma: world.database.db.prisma, now: Date.now, vault, skewMs: 0 })
  const ENDS: readonly End[] = [
    ['its rule is removed', 'TRUST_ENDED', () => world.remove(rule)],
    ['its rule allows less', 'TRUST_ENDED', () => world.put({ scope: ['read'] })],
    ['its rule names another user', 'TRUST_ENDED', () => world.put({ user: 'user:bob' })],
    [
      'its agent is suspended',
      'AGENT_TOKENS_ENDED',
      () => agentCalls(world.instances[0].identity, world.operator).suspend(agent.did),
    ],
    [
      'it is revoked by its operator',
      'TOKEN_REVOKED',
      () => world.instances[0].revoke({ token }, asOperator(world.operator)),
    ],
    ['it is revoked by its agent', 'TOKEN_REVOKED', () => world.instances[0].revokeOwn(agent, token)],
  ]

  it.each(ENDS)('when %s', async (_, verdict, end) => {
    expect(await outcome()).toBe('VALID')
    await end()
    expect(await outcome()).toBe(verdict)
    expect(await world.instances[0].introspect(await world.agent(), token)).toEqual({ active: false })
  })

  it('when its operator is suspended, and no agent of the operator gets a new one', async () => {
    const { database, operator } = world
    const set = (status: 'active' | 'suspended', epoch: number) =>
      database.db.prisma.operator.update({
        where: { id: operator.id },
        data: { status, epoch: { increment: epoch }, version: { increment: 1 } },
      })
    await set('suspended', 1)
    expect(await outcome()).toBe('OPERATOR_TOKENS_ENDED')
    expect(await refusalOf(issue())).toBe('AGENT_OPERATOR_NOT_ACTIVE')
    await set('active', 0)
    expect(await outcome()).toBe('OPERATOR_TOKENS_ENDED')
    expect(await outcome(await issue())).toBe('VALID')
  })

  it('when its identity provider is disabled, and an ID-JAG from before it was enabled again stays refused', async () => {
    const { issuerId, idJag, redeem } = world
    const before = idJag(agent)
    await disableIssuer(issuers(), asAdmin(), issuerId, '')
    expect(await outcome()).toBe('ISSUER_DISABLED')
    expect(await refusalOf(redeem(agent, before))).toBe('GRANT_NOT_ACCEPTED')
    await enableIssuer(issuers(), asAdmin(), issuerId, '')
    expect(await outcome()).toBe('ISSUER_DISABLED')
    expect(await refusalOf(redeem(agent, before))).toBe('GRANT_NOT_ACCEPTED')
    await world.database.db.prisma.issuer.update({ where: { id: issuerId }, data: { acceptedFrom: null } })
    expect(await outcome(await issue())).toBe('VALID')
  })

  it('but not when the same rule is put again, or another rule is removed', async () => {
    const other = await world.put({ sub: 'U9', user: 'user:alice' })
    expect(await world.put()).toBe(rule)
    await world.remove(other)
    expect(await outcome()).toBe('VALID')
  })
})

describe('attack 21: a token whose ground ends after its ID-JAG was judged, and before that is used,', () => {
  it.each<readonly [verdict: string, what: string, end: () => Promise<unknown>]>([
    ['TRUST_ENDED', 'the rule', () => world.remove(rule)],
    [
      'ISSUER_DISABLED',
      'the identity provider',
      () =>
        world.database.db.prisma.issuer.update({
          where: { id: world.issuerId },
          data: { generation: { increment: 1 } },
        }),
    ],
  ])('is born %s: %s', async (verdict, _, end) => {
    world.between = end
    const late = await issue()
    expect(await outcome(late)).toBe(verdict)
  })
})
