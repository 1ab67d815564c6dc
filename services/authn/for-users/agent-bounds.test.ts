import { randomUUID } from 'node:crypto'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { beforeEach, describe, expect, it } from 'vitest'
import { bounds, finding, inMs, metDemand, RESULT, unmetDemand } from '../../../test/support/attestations.ts'
import { type Attestations, ISSUER } from '../../../test/support/authn.ts'
import { clientAssertion } from '../../../test/support/authn-agents.ts'
import { provenCall } from '../../../test/support/exchanges.ts'
import { payloadOf } from '../../../test/support/federation/chained-server.ts'
import { signCompactJws } from '../../../test/support/jws.ts'
import { type UserOfAgent, useAgentWorld } from '../../../test/support/people/agent-client.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

let attestations: Attestations = {}
beforeEach(() => {
  attestations = {}
})
const { insert, redeem, refresh, connect, verdictOf, query, world } = useAgentWorld(() => attestations)

/** Every change of an agent raises its version, and authn remembers an agent at a version. */
const changed = ({ agent }: UserOfAgent) => query('UPDATE agents SET version = version + 1 WHERE id = $1', [agent.id])

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

describe('a token with which an agent acts for a user is bounded', () => {
  it('by what its enrolment rule and the requirements of its operator say, and ends with them', async () => {
    const of = await insert()
    const [enrolment, attestor] = [randomUUID(), randomUUID()]
    attestations = {
      enrolment: bounds({ edge: enrolment, scopes: ['read', 'write'], tokenTtl: 200 }),
      demands: [metDemand({ edges: [attestor], metUntil: inMs(100_000) })],
      findings: [finding()],
    }
    const { accessToken = '', expiresIn = 0 } = await redeem(of, await world().code(of))
    const payload = payloadOf(accessToken)
    expect(payload['edges']).toEqual(expect.arrayContaining([enrolment, attestor]))
    expect(payload['attestation']).toEqual([{ ...RESULT, at: Number(RESULT.at) }])
    expect(expiresIn).toBeLessThanOrEqual(100)
    attestations = { enrolment: bounds({ edge: enrolment, scopes: ['read', 'write'], tokenTtl: 45 }) }
    await changed(of)
    expect(await redeem(of, await world().code(of))).toMatchObject({ expiresIn: 45 })
    attestations = { demands: [unmetDemand({ scopes: ['write'] })] }
    await changed(of)
    expect(await refusalOf(redeem(of, await world().code(of)))).toBe('ATTESTATION_REQUIRED')
    attestations = { enrolment: bounds({ edge: enrolment, scopes: ['read'] }) }
    await changed(of)
    expect(await refusalOf(redeem(of, await world().code(of)))).toBe('SCOPE_NOT_ALLOWED')
  })

  it('by the life of the added key that has signed, and there is none after the key is removed', async () => {
    const of = await insert()
    const { publicKey, privateKey: key } = generateKeyPair()
    const kid = thumbprint(publicKey)
    const publicJwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }
    const added = { agentId: of.agent.id, thumbprint: kid, publicJwk, label: '' }
    const expiresAt = new Date(Date.now() + 60_000)
    await world().database.db.prisma.agentAddedKey.create({ data: { ...added, expiresAt } })
    await query('UPDATE agents SET version = version + 1 WHERE id = $1', [of.agent.id])
    const by = async () => {
      const { did } = of.agent
      const claims = { iss: did, sub: did, aud: ISSUER, exp: Math.floor(Date.now() / 1_000) + 60, jti: randomUUID() }
      const clientAssertion = signCompactJws({ alg: 'EdDSA', kid }, claims, key)
      return { members: { clientAssertion }, call: await provenCall({ publicKey, key }) }
    }
    const { accessToken = '', refreshToken = '', expiresIn } = await redeem(of, await world().code(of), await by())
    expect(expiresIn).toBeLessThanOrEqual(60)
    expect(payloadOf(accessToken)['cnf']).toEqual({ jkt: kid })
    // The identity key is no proof of the key to which the connection is bound.
    expect(await refusalOf(refresh(of, refreshToken))).toBe('INVALID_DPOP_PROOF')
    expect(await refusalOf(refresh(of, refreshToken, await by()))).toBeUndefined()
    await query(
      `WITH gone AS (DELETE FROM agent_added_keys WHERE agent_id = $1)
       UPDATE agents SET epoch = epoch + 1, version = version + 1 WHERE id = $1`,
      [of.agent.id],
    )
    expect(await verdictOf(accessToken, of)).toBe('AGENT_TOKENS_ENDED')
    expect(await refusalOf(refresh(of, refreshToken, await by()))).toBe('INVALID_ASSERTION')
  })
})

it('the end of all tokens of the deployment ends those of agents for users, and later ones are valid', async () => {
  const of = await insert()
  const { accessToken } = await connect(of)
  await query('UPDATE deployment SET first_epoch = 7')
  expect(await verdictOf(accessToken, of)).toBe('OPERATOR_TOKENS_ENDED')
  const { accessToken: later } = await connect(of)
  expect(payloadOf(later)['epoch']).toEqual([1, 7])
  expect(await verdictOf(later, of)).toBe('VALID')
})
