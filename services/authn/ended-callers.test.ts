import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startInstance, type TestInstance } from '../../test/support/authn.ts'
import { insertAgent, type TestHolder } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { eventually } from '../../test/support/eventually.ts'
import {
  endOfDelegated,
  exchangeChain,
  exchangeToken,
  provenCall,
  readDelegated,
} from '../../test/support/exchanges.ts'
import { detailsOf } from '../../test/support/grant-details.ts'
import { grantCalls, readGrant } from '../../test/support/grants.ts'
import { ACCEPT, handOn, insertGrantKey, SHOP, type TestGrantKey } from '../../test/support/held-chains.ts'
import { insertOperator, type TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

const ROUNDS = 20
const HOST = 'shop.example'
const ENDED = { valid: false, revoked: true, reason: 'TRUST_ENDED' }

let database: TestDatabase
let instance: TestInstance
let other: TestInstance
let shop: TestOperator
let acme: TestOperator
let bolt: TestOperator
let agent: TestHolder
let grantKey: TestGrantKey

beforeAll(async () => {
  database = await testDatabase()
  const { db } = database
  instance = await startInstance(db)
  other = await startInstance(db)
  grantKey = await insertGrantKey(db)
  shop = await insertOperator(db, HOST, 'active')
  acme = await insertOperator(db, 'acme.example', 'active')
  bolt = await insertOperator(db, 'bolt.example', 'active')
  agent = await insertAgent(db, acme, { scopes: ['read', 'pay'] })
  await db.prisma.agent.update({ where: { id: agent.id }, data: { maxDelegationDepth: 2 } })
  await db.prisma.operator.update({ where: { id: acme.id }, data: { delegateTo: ['bolt.example'] } })
})
afterAll(() => database.drop())
beforeEach(() => setCallers({ [SHOP]: ['acme.example', 'bolt.example'] }))

type Rules = Readonly<Record<string, readonly string[]>>

/** Sets the callers of audiences of the shop in one transaction, as the operator registry does. */
async function setCallers(rules: Rules): Promise<void> {
  const { operatorAudience } = database.db.prisma
  const rows = Object.entries(rules).map(([audience, callers]) => ({
    operatorId: shop.id,
    audience,
    callers: [...callers],
  }))
  await database.db.prisma.$transaction([
    operatorAudience.deleteMany({ where: { operatorId: shop.id } }),
    operatorAudience.createMany({ data: rows }),
  ])
}

/** Returns the id of the edge of a caller that is listed now. */
async function edgeOf(caller: string, audience = SHOP): Promise<string> {
  const where = { operatorId: shop.id, audience, caller, endedAt: null }
  return (await database.db.prisma.operatorAudienceCaller.findFirstOrThrow({ where })).edgeId
}

const payloadOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

const verdicts = (token: string) => Promise.all([instance, other].map((each) => each.verify(token)))

describe('a token', () => {
  it.each<[string, string[], Rules, readonly (readonly [caller: string, audience?: string])[]]>([
    ['for an audience of another operator names the edge of the caller', [SHOP], {}, [['acme.example']]],
    ['names the edge of * if only * is listed', [SHOP], { [SHOP]: ['*'] }, [['*']]],
    [
      'names the edge of the domain in the rule for the host, before * in the rule for the audience',
      [SHOP],
      { [SHOP]: ['*'], [HOST]: ['acme.example'] },
      [['acme.example', HOST]],
    ],
    [
      'names the edge in the rule for the exact audience, before the rule for its host',
      [SHOP],
      { [SHOP]: ['acme.example'], [HOST]: ['acme.example'] },
      [['acme.example']],
    ],
    [
      'names one edge for each audience',
      [SHOP, `${SHOP}/a`],
      { [SHOP]: ['acme.example'], [`${SHOP}/a`]: ['*'] },
      [['acme.example'], ['*', `${SHOP}/a`]],
    ],
    ['names an edge once for two audiences', [`${SHOP}/a`, `${SHOP}/b`], { [HOST]: ['*'] }, [['*', HOST]]],
  ])('%s', async (_name, audience, rules, expected) => {
    if (Object.keys(rules).length > 0) await setCallers(rules)
    const edges = await Promise.all(expected.map(([caller, at]) => edgeOf(caller, at)))
    const token = await instance.issue(agent, { audience })
    expect(payloadOf(token)['edges']).toEqual(edges)
    expect(await verdicts(token)).toMatchObject([{ valid: true }, { valid: true }])
  })

  it.each<[string, readonly string[]]>([
    ['for an audience of its own operator', ['https://acme.example/x']],
    ['for an audience without an owner', ['https://nobody.example/x']],
    ['for the issuer', []],
  ])('%s names no edge', async (_name, audience) => {
    expect(payloadOf(await instance.issue(agent, { audience: [...audience] }))).not.toHaveProperty('edges')
  })

  it.each<[string, Rules]>([
    ['the caller is no longer listed', { [SHOP]: ['bolt.example'] }],
    ['the rule is gone', {}],
    ['the caller is listed at another audience', { [`${SHOP}/a`]: ['acme.example'] }],
    ['* replaces the caller', { [SHOP]: ['*'] }],
  ])('ends when %s, and another one for its own audience stays valid', async (_name, rules) => {
    const token = await instance.issue(agent, { audience: [SHOP] })
    const both = await instance.issue(agent, { audience: [SHOP, 'https://acme.example/x'] })
    const own = await instance.issue(agent, { audience: ['https://acme.example/x'] })
    await setCallers(rules)
    for (const each of [token, both]) expect(await verdicts(each)).toMatchObject([ENDED, ENDED])
    expect(await verdicts(own)).toMatchObject([{ valid: true }, { valid: true }])
    await setCallers({ [SHOP]: ['acme.example'] })
    expect(await verdicts(token)).toMatchObject([ENDED, ENDED])
    expect(await instance.verify(await instance.issue(agent, { audience: [SHOP] }))).toMatchObject({ valid: true })
  })

  it('stays valid when another caller is removed', async () => {
    const token = await instance.issue(agent, { audience: [SHOP] })
    await setCallers({ [SHOP]: ['acme.example'] })
    expect(await verdicts(token)).toMatchObject([{ valid: true }, { valid: true }])
  })

  it('is inactive at introspection when the caller is no longer listed, and the answer never shows the edge', async () => {
    const token = await instance.issue(agent, { audience: [SHOP] })
    const resource = await insertAgent(database.db, shop)
    const active = await instance.introspect(resource, token)
    expect(active).toMatchObject({ active: true, sub: agent.did })
    expect(active).not.toHaveProperty('edges')
    await setCallers({ [SHOP]: [] })
    expect(await other.introspect(resource, token)).toMatchObject({ active: false })
  })
})

describe('a token whose issue overlaps the removal of the caller', () => {
  it('is never valid after the removal, and no token is issued after it', async () => {
    let overlapping = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      await setCallers({ [SHOP]: ['acme.example'] })
      // So both remember the owner as it is now, and the redemptions do not begin anew.
      for (const each of [instance, other]) await each.issue(agent, { audience: [SHOP] })
      const made = await Promise.all(Array.from({ length: 5 }, () => instance.challenge(agent.did)))
      const late = await other.challenge(agent.did)
      const attempts = made.map((challenge, at) =>
        (at % 2 === 0 ? instance : other).redeem(agent, challenge, { audience: [SHOP] }),
      )
      const removed = setCallers({}).then(() => refusalOf(other.redeem(agent, late, { audience: [SHOP] })))
      const settled = await Promise.allSettled(attempts)
      expect(await removed).toBe('AUDIENCE_NOT_ALLOWED')
      const tokens = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.token ?? ''] : []))
      overlapping += tokens.length
      for (const token of tokens) expect(await verdicts(token)).toMatchObject([ENDED, ENDED])
    }
    expect(overlapping).toBeGreaterThan(0)
  })

  it('has ended when its statement began before the removal and ended after it', async () => {
    const made = await instance.challenge(agent.did)
    const blocker = await database.db.pool.connect()
    try {
      // Another open redemption of the same challenge makes the statement wait after the owner was asked.
      await blocker.query('BEGIN')
      await blocker.query(
        "INSERT INTO redemptions (challenge_id, jti, agent_id, key_thumbprint, keep_until) VALUES ($1, 'x', $2, 'x', now())",
        [Buffer.from(made.nonce, 'base64url').toString('hex'), agent.id],
      )
      const redeeming = instance.redeem(agent, made, { audience: [SHOP] })
      await eventually(async () => {
        const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        expect((await database.db.pool.query(waiting)).rowCount).toBe(1)
      })
      await setCallers({})
      await blocker.query('ROLLBACK')
      const { token = '' } = await redeeming
      expect(await verdicts(token)).toMatchObject([ENDED, ENDED])
    } finally {
      blocker.release(true)
    }
  })
})

describe('delegated authority', () => {
  // As far as handOn hands on.
  const details = detailsOf({
    [`${SHOP}#read`]: {},
    [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max: 500 } },
  })

  async function chainOf(client: TestHolder): Promise<string> {
    const root = await grantCalls(instance).issueGrant(agent, { authorizationDetails: details, maxDepth: 1 })
    return handOn(grantKey, root, agent, client)
  }

  it('a grant names the edges of its audiences, and the chain and its exchanged token end with each of them', async () => {
    const client = await insertAgent(database.db, bolt)
    const chain = await chainOf(client)
    const edges = [await edgeOf('acme.example')]
    expect((await readGrant(database.db, chain.split('~')[0] ?? '')).edges).toEqual(edges)
    const { accessToken } = await exchangeChain(instance, client, chain)
    expect(readDelegated(accessToken).claims.edges).toEqual([...edges, await edgeOf('bolt.example')])
    const proven = { ...ACCEPT, audience: [SHOP] }
    expect(await instance.verify(chain, proven)).toMatchObject({ valid: true })
    await setCallers({ [SHOP]: ['bolt.example'] })
    const refused = { valid: false, reason: 'OPERATOR_NOT_TRUSTED', hop: 0 }
    for (const each of [instance, other]) expect(await each.verify(chain, proven)).toMatchObject(refused)
    expect(await endOfDelegated(database.db, accessToken)).toBe('TRUST_ENDED')
    expect(await refusalOf(exchangeChain(instance, client, chain))).toBe('AUDIENCE_NOT_ALLOWED')
    await setCallers({ [SHOP]: ['*'] })
    for (const each of [instance, other]) expect(await each.verify(chain, proven)).toMatchObject({ ...ENDED, hop: 0 })
    expect(await refusalOf(exchangeChain(instance, client, chain))).toBe('TRUST_ENDED')
  })

  it("an exchanged token and the chain end when the client's domain is no longer listed", async () => {
    const client = await insertAgent(database.db, bolt)
    const chain = await chainOf(client)
    const { accessToken } = await exchangeChain(instance, client, chain)
    await setCallers({ [SHOP]: ['acme.example'] })
    expect(await endOfDelegated(database.db, accessToken)).toBe('TRUST_ENDED')
    const refused = { valid: false, reason: 'ACTOR_NOT_TRUSTED', hop: 1 }
    expect(await instance.verify(chain, ACCEPT)).toMatchObject(refused)
  })

  it('a token that was exchanged for a token with may_act ends with the edges of both', async () => {
    const client = await insertAgent(database.db, bolt)
    for (const gone of ['acme.example', 'bolt.example']) {
      await setCallers({ [SHOP]: ['acme.example', 'bolt.example'], [`${SHOP}/a`]: ['acme.example'] })
      const made = await instance.challenge(agent.did)
      const wishes = { audience: [SHOP, `${SHOP}/a`], scope: 'read', mayAct: client.did }
      const { token = '' } = await instance.redeem(agent, made, wishes, await provenCall(agent))
      const { accessToken } = await exchangeToken(instance, client, token)
      const edges = [await edgeOf('acme.example'), await edgeOf('acme.example', `${SHOP}/a`)]
      expect(readDelegated(accessToken).claims.edges).toEqual([...edges, await edgeOf('bolt.example')])
      expect(await endOfDelegated(database.db, accessToken)).toBeUndefined()
      const left = ['acme.example', 'bolt.example'].filter((each) => each !== gone)
      await setCallers({ [SHOP]: left, [`${SHOP}/a`]: ['acme.example'] })
      expect(await endOfDelegated(database.db, accessToken)).toBe('TRUST_ENDED')
    }
  })
})
