import { afterAll, describe, expect, it } from 'vitest'
import { authnState, type TestHolder } from '../../../test/support/authn-agents.ts'
import { startChainParties } from '../../../test/support/chain-parties.ts'
import {
  chainThrough,
  handOn,
  insertGrantKey,
  lastId,
  proofBy,
  rootFor,
  SHOP,
} from '../../../test/support/held-chains.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { claimsOf, insertTokenKey } from '../../../test/support/tokens.ts'

const { database, instance, key, acme, partner, agents, at, verify } = await startChainParties()
const chain = await chainThrough(key, agents)
afterAll(() => database.drop())

const upTo = (max: number) => ({ [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max } } })
const paying = (amount: number) => ({ scope: 'pay', arguments: { amount } })
const withProof = async (text: string, by: TestHolder, edits: object = {}, of = text) =>
  verify(text, { proofChecked: false, ...(await proofBy(by, of, edits)) })

describe('verifyToken of a chain of grants', () => {
  it('tells who acts for whom, and writes nothing', async () => {
    const before = await authnState(database.db)
    const answer = await verify(chain)
    expect(answer).toMatchObject({
      valid: true,
      delegation: {
        principal: at(0).did,
        actor: at(2).did,
        hops: agents.map(({ did, operatorId }) => ({ did, operatorId })),
        capabilities: [`${SHOP}#read`, `${SHOP}#pay`],
      },
    })
    expect(answer.delegation?.hops?.at(-1)?.grantId).toBe(lastId(chain))
    expect(answer.claims).toBeUndefined()
    expect(await authnState(database.db)).toEqual(before)
  })

  it('with inspect checks the chain itself and no call, and needs no proof', async () => {
    const inspect = { delegation: 'inspect' }
    expect(await instance.verify(chain, inspect)).toMatchObject({ valid: true, delegation: { actor: at(2).did } })
    expect(await instance.verify(`${chain}x`, inspect)).toMatchObject({ valid: false })
    const expired = await rootFor(key, at(0), { lifetime: [-900, -11] })
    expect(await instance.verify(expired, inspect)).toMatchObject({ reason: 'GRANT_EXPIRED' })
    expect(await instance.verify(chain, { ...inspect, actors: [acme.domain] })).toMatchObject({
      reason: 'ACTOR_NOT_TRUSTED',
    })
  })

  it('accepts a root grant alone: its holder acts for itself', async () => {
    const answer = await verify(await rootFor(key, at(0)))
    expect(answer).toMatchObject({ valid: true, delegation: { principal: at(0).did, actor: at(0).did } })
  })

  it('answers DELEGATION_NOT_ACCEPTED to a caller that does not say accept, even for a forged chain', async () => {
    for (const text of [chain, await rootFor(key, at(0)), `${chain}x`, '~'])
      expect(await instance.verify(text)).toMatchObject({ valid: false, reason: 'DELEGATION_NOT_ACCEPTED' })
  })

  it('still verifies access tokens for a caller that accepts chains', async () => {
    const tokens = await insertTokenKey(database.db, 'retiring')
    instance.clock.monotonicOffsetMs += 11_000
    const token = tokens.sign(claimsOf(at(0), { aud: [SHOP] }))
    expect(await verify(token, { actors: ['other.example'] })).toMatchObject({
      valid: true,
      claims: { sub: at(0).did },
    })
  })

  const forged: [string, string, number | undefined, (own: string) => string | Promise<string>][] = [
    ['ROOT_EXPECTED', 'a chain without its root', 0, (own) => own.slice(own.indexOf('~') + 1)],
    [
      'NOT_BY_HOLDER',
      'a chain without a middle grant',
      1,
      (own) =>
        own
          .split('~')
          .filter((_, i) => i !== 1)
          .join('~'),
    ],
    ['MALFORMED_GRANT', 'an empty last grant', 3, (own) => `${own}~`],
    ['CHAIN_TOO_LARGE', 'too many grants', undefined, (own) => `${own}${'~x'.repeat(9)}`],
    [
      'UNKNOWN_KEY',
      'a root of a key that signs access tokens',
      0,
      async () => {
        const tokens = await insertGrantKey(database.db, 'access_token')
        instance.clock.monotonicOffsetMs += 11_000
        return rootFor(tokens, at(0))
      },
    ],
    ['GRANT_EXPIRED', 'an expired root', 0, () => rootFor(key, at(0), { lifetime: [-900, -11] })],
    ['GRANT_NOT_YET_VALID', 'a root from the future', 0, () => rootFor(key, at(0), { lifetime: [30, 900] })],
  ]
  it.each(forged)('answers %s to %s, and names grant %s', async (reason, _, hop, text) => {
    const answer = await verify(await text(chain))
    expect(answer).toMatchObject({ valid: false, revoked: false, reason })
    expect(answer.hop).toBe(hop)
    expect(answer.delegation).toBeUndefined()
  })

  it('answers SIGNATURE_INVALID when the root is not by the key of the issuer that it names', async () => {
    const [head = '', payload = ''] = chain.split('~')[0]?.split('.') ?? []
    const other = await rootFor(key, at(0))
    expect(await verify(`${head}.${payload}.${other.split('.')[2]}`)).toMatchObject({
      reason: 'SIGNATURE_INVALID',
      hop: 0,
    })
  })
})

describe('the demands on a chain', () => {
  const refused: [string, number, string, () => object][] = [
    ['CAPABILITY_MISSING', 0, 'a scope that no grant has', () => ({ scope: 'read write' })],
    ['CAPABILITY_MISSING', 0, 'another audience', () => ({ audience: ['https://other.example'] })],
    ['ARGUMENTS_NEEDED', 0, 'a constrained scope without arguments', () => ({ scope: 'pay' })],
    ['ARGUMENT_REFUSED', 0, 'an argument over the limit', () => ({ scope: 'pay', arguments: { amount: 501 } })],
    ['ARGUMENT_REFUSED', 0, 'an unlisted argument', () => ({ scope: 'pay', arguments: { amount: 1, to: 'x' } })],
    ['OPERATOR_NOT_TRUSTED', 0, 'the operator of a later holder', () => ({ operators: [partner.domain, partner.id] })],
    ['ACTOR_NOT_TRUSTED', 1, 'the operator of the first holder only', () => ({ operators: [acme.domain] })],
    ['ACTOR_NOT_TRUSTED', 1, 'the domain of the first holder only', () => ({ actors: [acme.domain] })],
    ['ACTOR_NOT_TRUSTED', 0, 'the domain of the second holder only', () => ({ actors: [partner.domain] })],
    ['PROOF_REQUIRED', 2, 'a proof', () => ({ proofChecked: false })],
  ]
  it.each(refused)('answers %s for grant %i to a caller that demands %s', async (reason, hop, _, wanted) => {
    expect(await verify(chain, wanted())).toMatchObject({ valid: false, revoked: false, reason, hop })
  })

  it('answers ARGUMENT_REFUSED for no single grant to more than 1,000 values, also without constraints', async () => {
    const answer = await verify(chain, { arguments: { list: Array.from({ length: 1_000 }, () => 1) } })
    expect(answer).toMatchObject({ valid: false, revoked: false, reason: 'ARGUMENT_REFUSED' })
    expect(answer.hop).toBeUndefined()
  })

  const met: [string, () => object][] = [
    ['one audience 64 times', () => ({ audience: Array.from({ length: 64 }, () => SHOP) })],
    ['one of several audiences', () => ({ audience: ['https://other.example', SHOP] })],
    ['a constrained scope with arguments', () => ({ scope: 'read pay', arguments: { amount: 500 } })],
    ['the operators of all holders by id', () => ({ operators: [acme.id, partner.id] })],
    ['the operators of all holders by domain', () => ({ operators: ['x', acme.domain, partner.domain] })],
    ['the first operator, and the domains of all', () => ({ operators: [acme.id], actors: [acme.domain, partner.id] })],
    ['the first operator, and every actor', () => ({ operators: [acme.domain], actors: ['*'] })],
    ['the domains of all holders', () => ({ actors: [acme.domain, partner.domain] })],
  ]
  it.each(met)('are met by %s', async (name, wanted) => {
    // `read` is unconstrained, so it allows every argument.
    expect(await verify(chain, wanted()), name).toMatchObject({ valid: true })
  })

  it('are compared with every grant, so a root with a narrower constraint decides', async () => {
    const [first, second] = [at(0), at(2)]
    const narrow = await handOn(key, await rootFor(key, first, { tools: upTo(500) }), first, second, {
      tools: upTo(10),
    })
    expect(await verify(narrow, paying(11))).toMatchObject({ reason: 'ARGUMENT_REFUSED', hop: 1 })
    expect(await verify(narrow, paying(10))).toMatchObject({ valid: true })
  })

  const malformed: [string, object][] = [
    ['inspect and an audience', { delegation: 'inspect', scope: undefined, proofChecked: false }],
    ['inspect and a scope', { delegation: 'inspect', audience: [], proofChecked: false }],
    ['inspect and proof_checked', { delegation: 'inspect', audience: [], scope: undefined }],
    ['another word for delegation', { delegation: 'allow' }],
    ['no audience', { audience: [] }],
    ['no scope', { scope: undefined }],
    ['an empty actor', { actors: [''] }],
    ['too many actors', { actors: Array.from({ length: 65 }, String) }],
    ['two answers about the proof', { proofChecked: true, dpopProof: 'x', httpMethod: 'GET', httpUrl: SHOP }],
  ]
  it.each(malformed)('are refused with INVALID_ARGUMENT if they have %s', async (_, wanted) => {
    expect(await refusalOf(verify(chain, wanted))).toBe('INVALID_ARGUMENT')
  })
})

describe('the proof of a chain', () => {
  it('is accepted once if the last key has signed it for the whole chain', async () => {
    const fields = { proofChecked: false, ...(await proofBy(at(2), chain)) }
    expect(await verify(chain, fields)).toMatchObject({ valid: true })
    expect(await verify(chain, fields)).toMatchObject({ valid: false, reason: 'PROOF_REPLAYED' })
  })

  it.each<[string, () => Promise<unknown>]>([
    ['of the first holder', () => withProof(chain, at(0))],
    ['of a middle holder', () => withProof(chain, at(1))],
    ['for the last grant alone', () => withProof(chain, at(2), {}, chain.slice(chain.lastIndexOf('~') + 1))],
    ['for the chain above', () => withProof(chain, at(2), {}, chain.slice(0, chain.lastIndexOf('~')))],
    ['for another method', () => withProof(chain, at(2), { method: 'GET' })],
    ['for another URL', () => withProof(chain, at(2), { url: `${SHOP}/other` })],
  ])('is refused with PROOF_INVALID if it is %s', async (_, answer) => {
    expect(await answer()).toMatchObject({ valid: false, reason: 'PROOF_INVALID', hop: 2 })
  })
})
