import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ISSUER, startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestHolder } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { exchangeChain } from '../../test/support/exchanges.ts'
import { type ChainedServer, payloadOf, useChainedServer } from '../../test/support/federation/chained-server.ts'
import { ACME, ALPHA, AUDIENCE, alphaKey, EDGES } from '../../test/support/federation/foreign-parties.ts'
import { CRM, useProviderWorld } from '../../test/support/federation/identity-provider.ts'
import { chainThrough, insertGrantKey, SHOP, type TestGrantKey } from '../../test/support/held-chains.ts'
import { asAdmin, asOperator, insertOperator, type TestOperator } from '../../test/support/identity.ts'
import { demandLists, placeOf, statusOf } from '../../test/support/status-lists.ts'
import { createKeyVault } from '../keys/key-vault.ts'
import { claimIssuer } from '../platform/db/claim-issuer.ts'
import { disableIssuer } from '../trust/issuers/store.ts'

const [VALID, INVALID, SUSPENDED] = [0, 1, 2]
const raise = { epoch: { increment: 1 } }
const chained = async (server: ChainedServer) => (await server.redeem()).accessToken ?? ''

describe('a delegated token', () => {
  type Three<T> = readonly [T, T, T]
  let database: TestDatabase
  let instance: TestInstance
  let key: TestGrantKey
  let operators: Three<TestOperator>
  let holders: Three<TestHolder>
  let token: string

  beforeAll(async () => {
    database = await testDatabase()
    await claimIssuer(database.db.prisma, ISSUER)
    instance = await startInstance(database.db)
    key = await insertGrantKey(database.db)
    const shop = await insertOperator(database.db, 'shop.example', 'active')
    await demandLists(database, shop.id, SHOP)
  })
  afterAll(() => database.drop())
  beforeEach(async () => {
    const { db } = database
    operators = [await freshOperator(db), await freshOperator(db), await freshOperator(db)]
    const [a, b, c] = operators
    holders = [await insertAgent(db, a), await insertAgent(db, b), await insertAgent(db, c)]
    token = (await exchangeChain(instance, holders[2], await chainThrough(key, holders))).accessToken ?? ''
  })

  const grantId = (at: 0 | 1 | 2): string => Object(payloadOf(token)['a4a_lineage'])[at][4]
  const revoke = (jti: unknown, by: 0 | 1 | 2) => instance.revoke({ jti: String(jti) }, asOperator(operators[by]))
  const change = (at: 0 | 1 | 2, more: object = {}) =>
    database.db.prisma.agent.update({ where: { id: holders[at].id }, data: { ...raise, ...more } })

  it.each<[string, number, () => Promise<unknown>]>([
    ['nothing happens', VALID, async () => undefined],
    ['the operator of the principal revokes it', INVALID, () => revoke(payloadOf(token)['jti'], 0)],
    ['the operator that acts revokes it', INVALID, () => revoke(payloadOf(token)['jti'], 2)],
    ['the root is revoked', INVALID, () => revoke(grantId(0), 0)],
    ['the operator above revokes the grant in the middle', INVALID, () => revoke(grantId(1), 0)],
    ['the operator below revokes the grant in the middle', VALID, () => revoke(grantId(1), 2)],
    ['the tokens of the agent in the middle end', INVALID, () => change(1)],
    ['the tokens of the agent that acts end', INVALID, () => change(2)],
    [
      "the tokens of the principal's operator end",
      INVALID,
      () => database.db.prisma.operator.update({ where: { id: operators[0].id }, data: raise }),
    ],
    ['the agent in the middle is suspended', SUSPENDED, () => change(1, { status: 'suspended' })],
    [
      'the agent in the middle is suspended and the root revoked',
      INVALID,
      async () => {
        await change(1, { status: 'suspended' })
        await revoke(grantId(0), 0)
      },
    ],
  ])('after %s has the status %i', async (_, status, work) => {
    expect(await statusOf(instance, token)).toBe(VALID)
    await work()
    expect(await statusOf(instance, token)).toBe(status)
  })
})

describe('a token for a user', () => {
  const serve = useProviderWorld()
  let agent: TestHolder
  let rule: string
  let token: string

  beforeAll(async () => {
    const { database } = serve()
    const crm = await insertOperator(database.db, 'crm.example', 'active')
    await demandLists(database, crm.id, CRM)
  })
  beforeEach(async () => {
    const world = serve()
    rule = await world.put()
    agent = await world.agent()
    token = (await world.redeem(agent, world.idJag(agent))).accessToken ?? ''
  })

  it.each<[string, number, () => Promise<unknown>]>([
    ['nothing happens', VALID, async () => undefined],
    ['it is revoked', INVALID, () => serve().instances[1].revoke({ token }, asOperator(serve().operator))],
    ['the rule about the user is removed', INVALID, () => serve().remove(rule)],
    [
      'the agent is suspended',
      SUSPENDED,
      () =>
        serve().database.db.prisma.agent.update({ where: { id: agent.id }, data: { ...raise, status: 'suspended' } }),
    ],
    ['its identity provider is disabled', INVALID, () => disable()],
  ])('after %s has the status %i', async (_, status, work) => {
    const [one, two] = serve().instances
    expect(await statusOf(two, token)).toBe(VALID)
    await work()
    expect([await statusOf(one, token), await statusOf(two, token)]).toEqual([status, status])
  })

  function disable() {
    const { database, issuerId } = serve()
    const vault = createKeyVault(new Uint8Array(32).fill(7))
    const issuers = { prisma: database.db.prisma, now: Date.now, vault, skewMs: 0 }
    return disableIssuer(issuers, asAdmin(), issuerId, '')
  }
})

describe('a token for a grant of another deployment', () => {
  const serve = useChainedServer()

  beforeAll(async () => {
    const { database, owner } = serve()
    await demandLists(database, owner.id, AUDIENCE)
  })

  it.each<[Parameters<ChainedServer['world']['record']>[0], string, object, number]>([
    ['token', 'its token at home', { operatorId: ACME, subject: 'token-at-home' }, INVALID],
    ['operator', 'its operator at home', { operatorId: ACME, minimumEpoch: 8 }, INVALID],
    ['key', 'the key of its home', { subject: alphaKey.entry.kid }, SUSPENDED],
  ])('has another status after a record of the kind %s about %s', async (kind, _, ending, status) => {
    const server = serve()
    const token = await chained(server)
    expect(await statusOf(server.instances[1], token)).toBe(VALID)
    server.world.record(kind, ending, ALPHA)
    expect(await statusOf(server.instances[0], token)).toBe(status)
  })

  it('is suspended while the revocations at home are not known, and then valid again', async () => {
    const server = serve()
    const token = await chained(server)
    const log = server.world.logs.get(ALPHA)
    if (log !== undefined) log.ageMs = 5_001
    expect(await statusOf(server.instances[0], token)).toBe(SUSPENDED)
    if (log !== undefined) log.ageMs = 0
    expect(await statusOf(server.instances[0], token)).toBe(VALID)
  })

  it.each([
    ['issuer', ALPHA, 2],
    ['edge', EDGES.letsCall, 1],
  ])('is invalid after a record of the kind %s here', async (kind, subject, minimum) => {
    const server = serve()
    const token = await chained(server)
    await server.database.db.pool.query('SELECT append_revocation($1, NULL, $2, $3, tokens_have_expired())', [
      kind,
      subject,
      minimum,
    ])
    expect(await statusOf(server.instances[0], token)).toBe(INVALID)
  })

  it('is invalid after its owner revokes it', async () => {
    const server = serve()
    const token = await chained(server)
    await server.instances[1].revoke({ token })
    expect(await statusOf(server.instances[0], token)).toBe(INVALID)
    expect(placeOf(token).uri).toContain('/v1/status-lists/')
  })
})
