import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInstance, type TestInstance } from '../../../test/support/authn.ts'
import { authnState, freshOperator, insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { type DelegatedWish, delegatedClaims, delegatedPayload } from '../../../test/support/delegated-tokens.ts'
import { details } from '../../../test/support/grant-chains.ts'
import { ACCEPT, proofBy, SHOP } from '../../../test/support/held-chains.ts'
import type { TestOperator } from '../../../test/support/identity.ts'
import { claimsOf, insertTokenKey } from '../../../test/support/tokens.ts'

let database: TestDatabase
let instance: TestInstance
let acme: TestOperator
let partner: TestOperator
let tokens: Awaited<ReturnType<typeof insertTokenKey>>
let agents: readonly TestHolder[]
let token: string

const OTHER = 'https://other.example'
const amount = { constraint_type: 'range', max: 500 }

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  tokens = await insertTokenKey(database.db, 'retiring')
  acme = await freshOperator(database.db)
  partner = await freshOperator(database.db)
  agents = await Promise.all([acme, partner, acme].map((operator) => insertAgent(database.db, operator)))
  token = signed()
})
afterAll(() => database.drop())

const signed = (wish: DelegatedWish = {}, edits: object = {}) =>
  tokens.sign({ ...delegatedPayload(agents, wish), ...edits })
const verify = (text: string, wanted: object = {}) => instance.verify(text, { ...ACCEPT, ...wanted })
const at = (place: number): TestHolder => {
  const agent = agents[place]
  if (agent === undefined) throw new RangeError(`There is no agent ${place}`)
  return agent
}
const withProof = async (by: TestHolder, edits: object = {}) =>
  verify(token, { proofChecked: false, ...(await proofBy(by, token, edits)) })
const entries = () => delegatedPayload(agents).a4a_lineage
const nowS = () => Math.floor(Date.now() / 1000)

describe('verifyToken of a delegated token', () => {
  it('tells who acts for whom, with all claims, and writes nothing', async () => {
    const before = await authnState(database.db)
    const claims = delegatedClaims(agents)
    const answer = await verify(tokens.sign(delegatedPayload(agents, claims)))
    expect(answer).toMatchObject({
      valid: true,
      claims: {
        sub: at(0).did,
        clientId: at(2).did,
        operatorId: acme.id,
        scope: 'read',
        jti: claims.jti,
        cnf: claims.cnf,
        act: { sub: at(2).did, act: { sub: at(1).did } },
        authorizationDetails: details({ [`${SHOP}#pay`]: { amount } }),
      },
      delegation: {
        principal: at(0).did,
        actor: at(2).did,
        hops: claims.lineage.map(({ did, operatorId, id }) => ({ did, operatorId, grantId: id })),
        exp: BigInt(claims.exp),
        capabilities: [`${SHOP}#pay`, `${SHOP}#read`],
        cnf: claims.cnf,
      },
    })
    expect(await authnState(database.db)).toEqual(before)
  })

  it('with inspect checks the token itself and no call, and needs no proof', async () => {
    const inspect = { delegation: 'inspect' }
    expect(await instance.verify(token, inspect)).toMatchObject({ valid: true, delegation: { actor: at(2).did } })
    expect(await instance.verify(token, { ...inspect, actors: [acme.domain] })).toMatchObject({
      reason: 'ACTOR_NOT_TRUSTED',
      hop: 1,
    })
  })

  it('has no authorization_details if the token has none', async () => {
    const { claims } = await verify(signed({ tools: {} }))
    expect(claims?.authorizationDetails).toEqual([])
  })

  it('answers DELEGATION_NOT_ACCEPTED to a caller that does not say accept', async () => {
    for (const wanted of [{}, { proofChecked: true }, { audience: [SHOP], scope: 'read' }, await proofBy(at(2), token)])
      expect(await instance.verify(token, wanted)).toMatchObject({ valid: false, reason: 'DELEGATION_NOT_ACCEPTED' })
  })

  it('gives may_act of an ordinary token, whose subject is the caller', async () => {
    const claims = claimsOf(at(0), { aud: [SHOP], cnf: { jkt: 'x'.repeat(42) + 'w' }, may_act: { sub: at(1).did } })
    const proofs = { ...(await proofBy(at(0), tokens.sign(claims))), delegation: '' }
    expect(await instance.verify(tokens.sign(claims), proofs)).toMatchObject({ reason: 'PROOF_INVALID' })
    const { jkt } = delegatedClaims([at(0), at(0)]).cnf
    const own = tokens.sign({ ...claims, cnf: { jkt } })
    const answer = await instance.verify(own, await proofBy(at(0), own))
    expect(answer).toMatchObject({ valid: true, claims: { sub: at(0).did, mayAct: { sub: at(1).did } } })
    expect(answer.delegation).toBeUndefined()
  })

  const refused: [string, string, () => string | Promise<string>][] = [
    ['MALFORMED_TOKEN', 'whose act leaves out the middle', () => signed({}, { act: { sub: at(2).did } })],
    [
      'MALFORMED_TOKEN',
      'whose act is inverted',
      () => signed({}, { act: { sub: at(1).did, act: { sub: at(2).did } } }),
    ],
    [
      'MALFORMED_TOKEN',
      'whose lineage has another last party',
      () => signed({}, { a4a_lineage: [...entries().slice(0, 2), ...entries().slice(1, 2)] }),
    ],
    [
      'MALFORMED_TOKEN',
      'with act, but without a lineage',
      () => tokens.sign({ ...delegatedPayload(agents), a4a_lineage: undefined }),
    ],
    [
      'MALFORMED_TOKEN',
      'with a lineage, but without act',
      () => tokens.sign({ ...delegatedPayload(agents), act: undefined }),
    ],
    [
      'MALFORMED_TOKEN',
      'without cnf, a bearer token',
      () => tokens.sign({ ...delegatedPayload(agents), cnf: undefined }),
    ],
    ['MALFORMED_TOKEN', 'with details at another audience', () => signed({ tools: { [`${OTHER}#pay`]: { amount } } })],
    [
      'SIGNATURE_INVALID',
      'with the signature of another',
      () => `${token.slice(0, token.lastIndexOf('.'))}.${signed().split('.')[2]}`,
    ],
    ['WRONG_ISSUER', 'of another issuer', () => signed({ iss: OTHER })],
    [
      'UNKNOWN_KEY',
      'of a key for grants',
      async () => (await insertTokenKey(database.db, 'retiring', 'Ed25519', 'grant')).sign(delegatedPayload(agents)),
    ],
    ['TOKEN_EXPIRED', 'that has expired', () => signed({ iat: nowS() - 900, nbf: nowS() - 900, exp: nowS() - 11 })],
    ['TOKEN_NOT_YET_VALID', 'from the future', () => signed({ iat: nowS() + 60, nbf: nowS() + 60, exp: nowS() + 900 })],
  ]
  it.each(refused)('answers %s for one %s', async (reason, _, text) => {
    const answer = await verify(await text())
    expect(answer).toMatchObject({ valid: false, revoked: false, reason })
    expect([answer.hop, answer.claims, answer.delegation]).toEqual([undefined, undefined, undefined])
  })
})

describe('the demands on a delegated token', () => {
  const refused: [string, number | undefined, string, () => object][] = [
    ['CAPABILITY_MISSING', undefined, 'a scope that it does not have', () => ({ scope: 'read write' })],
    ['CAPABILITY_MISSING', undefined, 'another audience', () => ({ audience: [OTHER] })],
    ['ARGUMENTS_NEEDED', undefined, 'a constrained scope without arguments', () => ({ scope: 'pay' })],
    ['ARGUMENT_REFUSED', undefined, 'an argument over the limit', () => ({ scope: 'pay', arguments: { amount: 501 } })],
    ['OPERATOR_NOT_TRUSTED', 0, 'the operator of a later party', () => ({ operators: [partner.domain, partner.id] })],
    ['ACTOR_NOT_TRUSTED', 1, 'the domain of the first party only', () => ({ actors: [acme.domain] })],
    ['ACTOR_NOT_TRUSTED', 0, 'the domain of the second party only', () => ({ actors: [partner.domain] })],
    ['PROOF_REQUIRED', 2, 'a proof', () => ({ proofChecked: false })],
  ]
  it.each(refused)('answers %s for party %s to a caller that demands %s', async (reason, hop, _, wanted) => {
    const answer = await verify(token, wanted())
    expect(answer).toMatchObject({ valid: false, revoked: false, reason })
    expect(answer.hop).toBe(hop)
  })

  const met: [string, () => object][] = [
    ['one of several audiences', () => ({ audience: [OTHER, SHOP] })],
    ['a constrained scope with arguments', () => ({ scope: 'read pay', arguments: { amount: 500 } })],
    ['the operators of all parties', () => ({ operators: [acme.id, partner.id] })],
    ['the operator of the first party, and every actor', () => ({ operators: [acme.id], actors: ['*'] })],
    ['the domains of all parties', () => ({ actors: [acme.domain, partner.domain] })],
  ]
  it.each(met)('are met by %s', async (name, wanted) => {
    expect(await verify(token, wanted()), name).toMatchObject({ valid: true })
  })

  it('allow a scope that is constrained at one audience only there', async () => {
    const text = signed({ aud: [SHOP, OTHER], tools: { [`${SHOP}#pay`]: { amount }, [`${SHOP}#refund`]: {} } })
    const paying = { scope: 'pay', arguments: { amount: 5 } }
    expect(await verify(text, paying)).toMatchObject({ valid: true })
    expect(await verify(text, { scope: 'refund' })).toMatchObject({ valid: true })
    for (const wanted of [paying, { scope: 'refund' }])
      expect(await verify(text, { ...wanted, audience: [OTHER] })).toMatchObject({ reason: 'CAPABILITY_MISSING' })
    expect(await verify(text, { audience: [OTHER] })).toMatchObject({ valid: true })
  })
})

describe('the proof of a delegated token', () => {
  it('is accepted once if the agent that acts has signed it', async () => {
    const fields = { proofChecked: false, ...(await proofBy(at(2), token)) }
    expect(await verify(token, fields)).toMatchObject({ valid: true })
    expect(await verify(token, fields)).toMatchObject({ valid: false, reason: 'PROOF_REPLAYED' })
  })

  it.each<[string, () => Promise<unknown>]>([
    ['of the principal', () => withProof(at(0))],
    ['of a middle agent', () => withProof(at(1))],
    ['for another method', () => withProof(at(2), { method: 'GET' })],
    ['for another token', async () => verify(token, { proofChecked: false, ...(await proofBy(at(2), signed())) })],
  ])('is refused with PROOF_INVALID if it is %s', async (_, answer) => {
    expect(await answer()).toMatchObject({ valid: false, reason: 'PROOF_INVALID', hop: 2 })
  })
})
