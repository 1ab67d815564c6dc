import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { agentCalls } from '../../test/support/agent-calls.ts'
import { ISSUER, startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { insertGrantKey } from '../../test/support/held-chains.ts'
import { asAdmin, type TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { demandLists, getList, placeOf, statusOf, verifyList } from '../../test/support/status-lists.ts'
import { claimIssuer } from '../platform/db/claim-issuer.ts'
import { endAllTokensOfDeployment } from '../revocation/end-all-tokens.ts'

const [VALID, INVALID, SUSPENDED] = [0, 1, 2]

let database: TestDatabase
let instance: TestInstance
let owner: TestOperator
let operator: TestOperator
let agent: TestAgent
let audience: string
let token: string

beforeAll(async () => {
  database = await testDatabase()
  await claimIssuer(database.db.prisma, ISSUER)
  instance = await startInstance(database.db)
  owner = await freshOperator(database.db)
  audience = `https://api.${owner.domain}`
  await demandLists(database, owner.id, audience)
})
afterAll(() => database.drop())
beforeEach(async () => {
  operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
  token = await issue()
})

const issue = () => instance.issue(agent, { audience: [audience] })
const calls = () => agentCalls(instance.identity, operator)
const updateOperator = (data: object) => database.db.prisma.operator.update({ where: { id: operator.id }, data })
const updateAgent = (data: object) => database.db.prisma.agent.update({ where: { id: agent.id }, data })
const raised = { increment: 1 }
const query = (text: string, ...values: unknown[]) => database.db.pool.query(text, values)
const kidOf = (text: string): string => JSON.parse(Buffer.from(text.split('.')[0] ?? '', 'base64url').toString()).kid

describe('a status list', () => {
  it.each<[string, number, () => Promise<unknown>]>([
    ['nothing happens', VALID, async () => undefined],
    ['the token is revoked', INVALID, () => instance.revoke({ token })],
    ['the agent is suspended', SUSPENDED, () => calls().suspend(agent.did)],
    [
      'the agent was suspended and is active again',
      INVALID,
      async () => {
        await calls().suspend(agent.did)
        await calls().reactivate(agent.did)
      },
    ],
    [
      'the token is revoked and the agent suspended',
      INVALID,
      async () => {
        await instance.revoke({ token })
        await calls().suspend(agent.did)
      },
    ],
    ['the agent is revoked', INVALID, () => updateAgent({ status: 'revoked', epoch: raised })],
    ['the epoch of the agent rises', INVALID, () => updateAgent({ epoch: raised })],
    ['the agent is deleted', INVALID, () => database.db.prisma.agent.delete({ where: { id: agent.id } })],
    ['the operator is suspended', SUSPENDED, () => updateOperator({ status: 'suspended', epoch: raised })],
    ['the epoch of the operator rises', INVALID, () => updateOperator({ epoch: raised })],
    ['the operator is deleted', INVALID, () => query('DELETE FROM operators WHERE id = $1', operator.id)],
    [
      'the audience no longer lists the caller',
      INVALID,
      async () => {
        await query('UPDATE operator_audiences SET callers = $2 WHERE audience = $1', audience, [])
        await query('UPDATE operator_audiences SET callers = $2 WHERE audience = $1', audience, ['*'])
      },
    ],
  ])('shows a token after %s as %i', async (_, status, work) => {
    const [entry] = await database.db.prisma.statusEntry.findMany({ where: { sub: agent.did } })
    expect(entry).toMatchObject({ idx: placeOf(token).idx, kid: kidOf(token), part: 0 })
    await work()
    expect(await statusOf(instance, token)).toBe(status)
    expect((await instance.verify(token, { audience: [audience] })).valid).toBe(status === VALID)
  })

  it('shows the other token of an agent as valid when one is revoked', async () => {
    const other = await issue()
    await instance.revoke({ token })
    expect([await statusOf(instance, token), await statusOf(instance, other)]).toEqual([INVALID, VALID])
  })

  it.each(['retired', 'compromised'] as const)('shows a token as invalid when its key is %s', async (state) => {
    const { kid } = await insertGrantKey(database.db)
    await query('UPDATE status_entries SET kid = $2 WHERE idx = $1', placeOf(token).idx, kid)
    expect(await statusOf(instance, token)).toBe(VALID)
    await database.db.prisma.jwksKey.update({ where: { kid }, data: { state } })
    expect(await statusOf(instance, token)).toBe(INVALID)
  })

  it('shows every place as invalid when all tokens of the deployment have ended', async () => {
    await endAllTokensOfDeployment(database.db.prisma, asAdmin(), 'restored')
    expect(await statusOf(instance, token)).toBe(INVALID)
    instance.clock.monotonicOffsetMs += 60_000
    const { token: list = '' } = await getList(instance, placeOf(token).uri)
    expect((await verifyList(instance, list)).bits).toEqual(Buffer.alloc(262_144, 0x55))
    // The challenges of before have ended too.
    expect(await refusalOf(issue())).toBe('CHALLENGE_NOT_FOUND')
    const next = await issue()
    expect(placeOf(next).uri).not.toBe(placeOf(token).uri)
    expect(await statusOf(instance, next)).toBe(VALID)
  })

  it('shows places without an entry as invalid after a promotion, because their entries may be lost', async () => {
    const lost = await issue()
    await query('DELETE FROM status_entries WHERE idx = $1', placeOf(lost).idx)
    expect(await statusOf(instance, lost)).toBe(VALID)
    await query('UPDATE status_lists SET timeline = timeline - 1')
    expect([await statusOf(instance, lost), await statusOf(instance, token)]).toEqual([INVALID, VALID])
  })

  it('does not exist while the log has a record of a kind that this version does not know', async () => {
    const insert = `INSERT INTO revocation_log (sequence, log_epoch, kind, subject, minimum_epoch, expires_at, recorded_at,
      previous_hash, hash) VALUES (9e9, 1, 'planet', 'x', 1, now() + interval '1 hour', now(), '', '')`
    await query(insert)
    expect(await refusalOf(statusOf(instance, token))).toBe('UNAVAILABLE')
    await query('DELETE FROM revocation_log WHERE sequence = 9e9')
    expect(await statusOf(instance, token)).toBe(VALID)
  })
})

it('never shows a token as valid that was issued while its agent was suspended', async () => {
  let issued = 0
  for (let round = 0; round < 10; round += 1) {
    const attempts = Array.from({ length: 4 }, () => issue())
    await calls().suspend(agent.did)
    const tokens = (await Promise.allSettled(attempts)).flatMap((each) =>
      each.status === 'fulfilled' ? [each.value] : [],
    )
    issued += tokens.length
    for (const each of tokens) expect(await statusOf(instance, each)).toBe(SUSPENDED)
    await calls().reactivate(agent.did)
    for (const each of tokens) expect(await statusOf(instance, each)).toBe(INVALID)
  }
  expect(issued).toBeGreaterThan(0)
})

describe('a token', () => {
  it('has a place as soon as one of its audiences demands it', async () => {
    const own = `https://other.${operator.domain}`
    const both = await instance.issue(agent, { audience: [own, audience] })
    expect(await statusOf(instance, both)).toBe(VALID)
    expect(() => placeOf('a.e30.c')).toThrow('no place')
    const { claims } = await instance.verify(both, { audience: [audience] })
    expect(claims?.status?.statusList).toMatchObject(placeOf(both))
    expect(() => placeOf(token)).not.toThrow()
  })

  it.each(['ES256', 'RS256', 'Ed25519'])(
    'with %s has its place in a list that the same algorithm signs',
    async (alg) => {
      const path = `${audience}/${alg}`
      await demandLists(database, owner.id, path, { tokenSigningAlg: alg })
      const signed = await instance.issue(agent, { audience: [path] })
      const { token: list = '' } = await getList(instance, placeOf(signed).uri)
      expect((await verifyList(instance, list)).alg).toBe(alg)
      expect(await statusOf(instance, signed)).toBe(VALID)
    },
  )

  it('is not issued when its entry cannot be recorded', async () => {
    await query('ALTER TABLE status_entries RENAME TO away')
    const wanted = issue()
    await expect(wanted).rejects.toThrow()
    await query('ALTER TABLE away RENAME TO status_entries')
    expect(await statusOf(instance, await issue())).toBe(VALID)
  })

  it('shows its place in the answer of introspection', async () => {
    const client = await insertAgent(database.db, owner)
    const answer = await instance.introspect(client, token)
    expect(answer.status?.statusList).toMatchObject(placeOf(token))
  })
})
