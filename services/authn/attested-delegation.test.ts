import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { agentCalls } from '../../test/support/agent-calls.ts'
import { bounds, finding, inMs, metDemand, RESULT, unmetDemand } from '../../test/support/attestations.ts'
import { type Attestations, ISSUER, startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestHolder } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import {
  ACCESS_TOKEN,
  EXCHANGE,
  exchangeChain,
  exchangeToken,
  provenCall,
  readDelegated,
} from '../../test/support/exchanges.ts'
import { detailsOf } from '../../test/support/grant-details.ts'
import { grantCalls, readGrant } from '../../test/support/grants.ts'
import { handOn, insertGrantKey, rootFor, SHOP, type TestGrantKey } from '../../test/support/held-chains.ts'
import type { TestOperator } from '../../test/support/identity.ts'
import { noChaining } from '../../test/support/no-foreign.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

const STATED = { ...RESULT, at: Number(RESULT.at) }
const BETA = 'https://beta.example/auth'
const RESOURCE = 'https://api.cargo.example/v1'

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let key: TestGrantKey
let principal: TestHolder
let client: TestHolder
/** What the directory says about each agent. */
let states: Map<string, Attestations>

const findAuthority = async () => ({ scopes: ['read'], edge: randomUUID(), exp: Date.now() / 1_000 + 7_200 })
const chainOf = async () => handOn(key, await rootFor(key, principal), principal, client)

beforeAll(async () => {
  database = await testDatabase()
  await database.db.prisma.deployment.create({ data: { issuer: ISSUER } })
  instance = await startInstance(database.db, {
    attestationOf: (did) => states.get(did) ?? {},
    chaining: { ...noChaining, findAuthority },
  })
  key = await insertGrantKey(database.db)
})
afterAll(() => database.drop())
beforeEach(async () => {
  states = new Map()
  operator = await freshOperator(database.db)
  principal = await insertAgent(database.db, operator)
  client = await insertAgent(database.db, operator)
  await agentCalls(instance.identity, operator).update(principal.did, { maxDelegationDepth: 2 })
})

describe('the first grant of a chain', () => {
  const authorizationDetails = detailsOf({ [`${SHOP}#read`]: {} })
  const issue = () => grantCalls(instance).issueGrant(principal, { authorizationDetails })

  it('ends with the rule and the results on which it rests', async () => {
    const [rule, attestor] = [randomUUID(), randomUUID()]
    const demands = [metDemand({ audiences: ['shop.example'], edges: [attestor], metUntil: inMs(100_000) })]
    states.set(principal.did, { enrolment: bounds({ edge: rule, scopes: ['read'], tokenTtl: 600 }), demands })
    const { edges, exp, iat } = await readGrant(database.db, await issue())
    expect(edges).toEqual([rule, attestor])
    expect(exp - iat).toBeLessThanOrEqual(100)
  })

  it.each<[string, string | undefined, Attestations]>([
    ['a demand on its scope', 'ATTESTATION_REQUIRED', { demands: [unmetDemand({ scopes: ['read'] })] }],
    ['a demand on its audience', 'ATTESTATION_REQUIRED', { demands: [unmetDemand({ audiences: [SHOP] })] }],
    ['a demand on another scope', undefined, { demands: [unmetDemand({ scopes: ['write'] })] }],
    ['a rule without its scope', 'SCOPE_NOT_ALLOWED', { enrolment: bounds({ edge: randomUUID() }) }],
  ])('is decided by %s: %s', async (_, reason, state) => {
    states.set(principal.did, state)
    expect(await refusalOf(issue())).toBe(reason)
  })
})

describe('an exchange', () => {
  const pay = detailsOf({ [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max: 5 } } })

  it('states the results of the agent that acts, and ends with what these rest on', async () => {
    const attestor = randomUUID()
    states.set(principal.did, { findings: [finding({ attestor: 'principal' })] })
    const demands = [metDemand({ edges: [attestor], metUntil: inMs(100_000) })]
    states.set(client.did, { demands, findings: [finding()] })
    const { accessToken = '' } = await exchangeChain(instance, client, await chainOf())
    const { attestation, edges, exp, iat } = readDelegated(accessToken).claims
    expect({ attestation, edges }).toEqual({ attestation: [STATED], edges: [attestor] })
    expect(exp - iat).toBeLessThanOrEqual(100)
    const accept = { delegation: 'accept', audience: [SHOP], scope: 'read', proofChecked: true }
    const demand = { types: ['tpm'], attestors: ['boot'], level: 'hardware' }
    const verify = (attestors: string[]) =>
      instance.verify(accessToken, { ...accept, operators: [operator.id], attestation: { ...demand, attestors } })
    expect(await verify(['boot'])).toMatchObject({ valid: true, claims: { attestation: [RESULT] } })
    expect(await verify(['principal'])).toMatchObject({ valid: false, reason: 'ATTESTATION_REQUIRED' })
    expect(await instance.introspect(client, accessToken)).toMatchObject({ active: true, attestation: [RESULT] })
  })

  it.each<[string, string | undefined, Attestations]>([
    ['a demand on the scope', 'ATTESTATION_REQUIRED', { demands: [unmetDemand({ scopes: ['read'] })] }],
    ['a demand on a scope with constraints', 'ATTESTATION_REQUIRED', { demands: [unmetDemand({ scopes: ['pay'] })] }],
    ['a demand on another scope', undefined, { demands: [unmetDemand({ scopes: ['write'] })] }],
    ['its rule without a scope', 'SCOPE_NOT_ALLOWED', { enrolment: bounds({ edge: randomUUID(), scopes: ['read'] }) }],
    ['its rule, which is gone', 'ATTESTATION_REQUIRED', { enrolment: bounds({ scopes: ['read', 'pay'] }) }],
  ])('is decided for the agent that acts by %s: %s', async (_, reason, state) => {
    states.set(client.did, state)
    const wishes = { authorizationDetails: pay }
    expect(await refusalOf(exchangeChain(instance, client, await chainOf(), wishes))).toBe(reason)
  })

  it.each([
    ['its scope', ['read'], undefined],
    ['another scope', ['write'], 'SCOPE_NOT_ALLOWED'],
  ])('of a token with may_act lets an agent act whose enrolment rule has %s', async (_, scopes, reason) => {
    const rule = randomUUID()
    states.set(client.did, { enrolment: bounds({ edge: rule, scopes }) })
    const wishes = { scope: 'read', resource: [SHOP], mayAct: client.did }
    const { accessToken = '' } = await instance.oauthToken(principal, wishes, await provenCall(principal))
    const exchange = exchangeToken(instance, client, accessToken)
    expect(await refusalOf(exchange)).toBe(reason)
    if (reason === undefined) expect(readDelegated((await exchange).accessToken).claims.edges).toContain(rule)
  })

  it('lives no longer than the rule of the agent that acts says', async () => {
    states.set(client.did, { enrolment: bounds({ edge: randomUUID(), scopes: ['read'], tokenTtl: 45 }) })
    expect(await exchangeChain(instance, client, await chainOf())).toMatchObject({ expiresIn: 45 })
  })

  it('does not ask again for what the principal had to show for its grant', async () => {
    states.set(principal.did, { demands: [unmetDemand()] })
    expect(await refusalOf(exchangeChain(instance, client, await chainOf()))).toBeUndefined()
  })

  it('refuses a token that would end with more edges than verifiers accept', async () => {
    const edges = Array.from({ length: 49 }, () => randomUUID())
    states.set(client.did, { demands: [metDemand({ edges })] })
    expect(await refusalOf(exchangeChain(instance, client, await chainOf()))).toBe('INVALID_ARGUMENT')
  })
})

describe('a grant for another deployment', () => {
  const ask = async (subjectToken: string) =>
    instance.oauthToken(principal, {
      grantType: EXCHANGE,
      subjectToken,
      subjectTokenType: ACCESS_TOKEN,
      requestedTokenType: 'urn:ietf:params:oauth:token-type:jwt',
      audience: BETA,
      resource: [RESOURCE],
      scope: 'read',
    })

  it.each<[string, string | undefined, Attestations]>([
    ['a demand that is met', undefined, { demands: [metDemand()] }],
    ['a demand on its audience', 'ATTESTATION_REQUIRED', { demands: [unmetDemand({ audiences: [RESOURCE] })] }],
    ['a demand on its scope', 'ATTESTATION_REQUIRED', { demands: [unmetDemand({ scopes: ['read'] })] }],
    ['a demand with whose results it cannot end', 'ATTESTATION_REQUIRED', { demands: [metDemand({ edges: ['e'] })] }],
    [
      'an enrolment rule, with which it cannot end',
      'ATTESTATION_REQUIRED',
      { enrolment: bounds({ edge: 'e', scopes: ['read'] }) },
    ],
  ])('is decided by %s: %s', async (_, reason, state) => {
    const token = await instance.issue(principal, { scope: 'read' })
    states.set(principal.did, state)
    // Nothing has changed in the database, so only a new look-up finds the state.
    await instance.issue(principal, { scope: 'unknown' }).catch(() => undefined)
    expect(await refusalOf(ask(token))).toBe(reason)
  })
})

describe('getHolderStatement', () => {
  it.each<[string, string | undefined, Attestations]>([
    ['no demand, but a result', undefined, { findings: [finding()] }],
    ['a demand on everything', 'ATTESTATION_REQUIRED', { demands: [unmetDemand()] }],
    ['a demand on a scope', 'ATTESTATION_REQUIRED', { demands: [unmetDemand({ scopes: ['read'] })] }],
    ['a demand that is met', 'ATTESTATION_REQUIRED', { demands: [metDemand()] }],
    ['an enrolment rule that is gone', 'ATTESTATION_REQUIRED', { enrolment: bounds() }],
    ['an enrolment rule', 'ATTESTATION_REQUIRED', { enrolment: bounds({ edge: randomUUID(), scopes: ['read'] }) }],
  ])('is decided by %s: %s', async (_, reason, state) => {
    states.set(client.did, state)
    expect(await refusalOf(grantCalls(instance).holderStatement(client.did))).toBe(reason)
  })

  it('refuses at once when the agent gets a demand, although it has signed the same facts before', async () => {
    await grantCalls(instance).holderStatement(client.did)
    states.set(client.did, { demands: [metDemand()] })
    await expect(grantCalls(instance).holderStatement(client.did)).rejects.toMatchObject({
      reason: 'ATTESTATION_REQUIRED',
      message: expect.stringContaining('must exchange a token with may_act'),
    })
  })
})
