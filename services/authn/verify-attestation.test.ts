import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestHolder } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { type DelegatedWish, delegatedPayload } from '../../test/support/delegated-tokens.ts'
import { ACCEPT, chainThrough, insertGrantKey, type TestGrantKey } from '../../test/support/held-chains.ts'
import type { TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { claimsOf, insertTokenKey } from '../../test/support/tokens.ts'

let database: TestDatabase
let instance: TestInstance
let acme: TestOperator
let partner: TestOperator
let tokens: Awaited<ReturnType<typeof insertTokenKey>>
let grantKey: TestGrantKey
let agents: readonly [TestHolder, TestHolder]

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  tokens = await insertTokenKey(database.db, 'retiring')
  grantKey = await insertGrantKey(database.db)
  acme = await freshOperator(database.db)
  partner = await freshOperator(database.db)
  agents = [await insertAgent(database.db, acme), await insertAgent(database.db, partner)]
})
afterAll(() => database.drop())

const results = (edits: object = {}) => {
  const at = Math.floor(Date.now() / 1000) - 60
  return [{ attestor: 'boot', type: 'tpm', level: 'bound', at, ...edits }] as const
}
const attested = (claims: object = {}) => tokens.sign({ ...claimsOf(agents[0]), attestation: results(), ...claims })
const ofAcme = () => [acme.domain]

describe('verifyToken with a demand on attestation', () => {
  it.each<[name: string, reason: string | undefined, demand: object]>([
    ['a result of any kind', undefined, {}],
    ['one of several types', undefined, { types: ['x509', 'tpm'] }],
    ['another type', 'ATTESTATION_REQUIRED', { types: ['x509'] }],
    ['the attestor', undefined, { attestors: ['boot'] }],
    ['another attestor', 'ATTESTATION_REQUIRED', { attestors: ['ci'] }],
    ['the level', undefined, { level: 'bound' }],
    ['a stronger level', 'ATTESTATION_REQUIRED', { level: 'hardware' }],
    ['the age', undefined, { maxAge: 3_600 }],
    ['a younger age', 'ATTESTATION_REQUIRED', { maxAge: 30 }],
    ['all of it', undefined, { types: ['tpm'], attestors: ['boot'], level: 'bearer', maxAge: 600 }],
  ])('judges a token by %s: %s', async (_, reason, attestation) => {
    const answer = await instance.verify(attested(), { operators: ofAcme(), attestation })
    expect(answer).toMatchObject(reason === undefined ? { valid: true } : { valid: false, revoked: false, reason })
  })

  it('refuses a token that states no results', async () => {
    const token = tokens.sign(claimsOf(agents[0]))
    expect(await instance.verify(token)).toMatchObject({ valid: true })
    expect(await instance.verify(token, { operators: ofAcme(), attestation: {} })).toMatchObject({
      reason: 'ATTESTATION_REQUIRED',
    })
  })

  it('tells the missing scope first, and the missing proof last', async () => {
    const demand = { operators: ofAcme(), attestation: { level: 'hardware' } }
    expect(await instance.verify(attested(), { ...demand, scope: 'write' })).toMatchObject({ reason: 'SCOPE_MISSING' })
    const bound = attested({ cnf: { jkt: thumbprint(agents[0].publicKey) } })
    expect(await instance.verify(bound, demand)).toMatchObject({ reason: 'ATTESTATION_REQUIRED' })
    expect(await instance.verify(bound, { ...demand, attestation: {} })).toMatchObject({ reason: 'PROOF_REQUIRED' })
  })

  it('refuses a token whose results are malformed, although it demands none', async () => {
    const token = attested({ attestation: results({ level: 'quantum' }) })
    expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'MALFORMED_TOKEN' })
  })

  it.each<[name: string, attestation: object]>([
    ['any kind', {}],
    ['a type', { types: ['tpm'] }],
    ['an attestor', { attestors: ['boot'] }],
    ['a level', { level: 'bound' }],
    ['an age', { maxAge: 3_600 }],
  ])('answers INVALID_ARGUMENT for a result of %s without operators', async (_, attestation) => {
    await expect(instance.verify(attested(), { attestation })).rejects.toMatchObject({
      reason: 'INVALID_ARGUMENT',
      message: expect.stringContaining('operators must be given'),
    })
  })

  it.each<[name: string, wanted: object]>([
    ['an empty type', { operators: ['a.example'], attestation: { types: [''] } }],
    ['a name of 65 characters', { operators: ['a.example'], attestation: { attestors: ['a'.repeat(65)] } }],
    ['65 types', { operators: ['a.example'], attestation: { types: Array.from({ length: 65 }, (_, at) => `t${at}`) } }],
    ['an unknown level', { operators: ['a.example'], attestation: { level: 'quantum' } }],
    ['a negative age', { operators: ['a.example'], attestation: { maxAge: -1 } }],
    ['a mere inspection', { delegation: 'inspect', attestation: {} }],
  ])('answers INVALID_ARGUMENT for %s', async (_, wanted) => {
    expect(await refusalOf(instance.verify(attested(), wanted))).toBe('INVALID_ARGUMENT')
  })
})

const delegated = (wish: DelegatedWish = {}) =>
  tokens.sign(delegatedPayload(agents, { attestation: results(), ...wish }))
const both = () => [acme.domain, partner.id]
const verifyDelegated = (text: string, wanted: object = {}) =>
  instance.verify(text, { ...ACCEPT, operators: both(), attestation: {}, ...wanted })

describe('verifyToken of delegated authority with a demand on attestation', () => {
  it('accepts a delegated token that states results of the agent that acts', async () => {
    expect(await verifyDelegated(delegated())).toMatchObject({
      valid: true,
      claims: { attestation: [{ attestor: 'boot' }] },
    })
    expect(await verifyDelegated(delegated(), { attestation: { attestors: ['boot'] } })).toMatchObject({
      valid: true,
    })
  })

  it.each<[name: string, text: () => string | Promise<string>, wanted: () => object]>([
    ['a result that does not meet it', delegated, () => ({ attestation: { level: 'hardware' } })],
    ['no results', () => tokens.sign(delegatedPayload(agents)), () => ({})],
    [
      'an agent that acts of an operator that is not demanded',
      delegated,
      () => ({ operators: ofAcme(), actors: ['*'] }),
    ],
    ['a chain of grants', () => chainThrough(grantKey, agents), () => ({})],
  ])('refuses %s', async (_, text, wanted) => {
    const answer = await verifyDelegated(await text(), wanted())
    expect(answer).toMatchObject({ valid: false, revoked: false, reason: 'ATTESTATION_REQUIRED' })
    expect(answer.hop).toBeUndefined()
  })
})
