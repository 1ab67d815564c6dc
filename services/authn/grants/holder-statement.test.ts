import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { ISSUER, startInstance, type TestInstance } from '../../../test/support/authn.ts'
import { authnState, freshOperator, insertAgent, type TestAgent } from '../../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { endOf, grantCalls, readStatement } from '../../../test/support/grants.ts'
import { asAdmin, newAgent, type TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { endAllTokensOfDeployment } from '../../revocation/end-all-tokens.ts'

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let agent: TestAgent
let calls: ReturnType<typeof agentCalls>
/** Runs once, after the next look-up of an agent and before authn gets the answer. */
let meanwhile: (() => Promise<unknown>) | undefined
let lookUps = 0

beforeAll(async () => {
  database = await testDatabase()
  await database.db.prisma.deployment.create({ data: { issuer: ISSUER } })
  instance = await startInstance(database.db, {
    async afterLookup() {
      lookUps += 1
      const work = meanwhile
      meanwhile = undefined
      await work?.()
    },
  })
})
afterAll(() => database.drop())
beforeEach(async () => {
  operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
  calls = agentCalls(instance.identity, operator)
})

const ask = (did = agent.did) => grantCalls(instance).holderStatement(did)
const text = async () => (await ask()).statement ?? ''
const statementOf = async () => readStatement(database.db, (await ask()).statement ?? '')
const suspendOperator = () =>
  database.db.prisma.operator.update({
    where: { id: operator.id },
    data: { status: 'suspended', version: { increment: 1 }, epoch: { increment: 1 } },
  })
const endAll = () => endAllTokensOfDeployment(database.db.prisma, asAdmin(), '')

it('getHolderStatement states key and epochs of an active agent for an hour, and writes nothing', async () => {
  const before = await authnState(database.db)
  const answer = await ask()
  expect(await authnState(database.db)).toEqual(before)
  const { publicKey } = await database.db.prisma.agentKey.findFirstOrThrow({ where: { agentId: agent.id } })
  const statement = await readStatement(database.db, answer.statement ?? '')
  const { prisma } = database.db
  const { kid } = await prisma.jwksKey.findFirstOrThrow({ where: { purpose: 'grant', state: 'active' } })
  const { firstEpoch } = await prisma.deployment.findFirstOrThrow()
  expect(statement).toMatchObject({
    did: agent.did,
    operatorId: operator.id,
    epoch: [1, firstEpoch],
    jkt: thumbprint(publicKey),
    exp: statement.iat + 3600,
    kid,
  })
  expect(answer.publicKey).toEqual(publicKey)
  expect(answer.expiresAt).toMatchObject({ seconds: BigInt(statement.exp) })
  expect(Math.abs(statement.iat * 1000 - Date.now())).toBeLessThan(60_000)
  expect(await endOf(database.db, statement)).toBeUndefined()
})

describe('getHolderStatement refuses', () => {
  it.each([
    ['a text that is no DID', () => 'acme', 'INVALID_DID'],
    ['an unknown agent', () => newAgent(operator.domain).did, 'AGENT_NOT_FOUND'],
  ])('%s', async (_, did, reason) => {
    expect(await refusalOf(Promise.resolve(ask(did())))).toBe(reason)
  })

  it.each<[string, () => Promise<unknown>, string]>([
    ['a suspended agent', () => calls.suspend(agent.did), 'AGENT_NOT_ACTIVE'],
    ['a revoked agent', () => calls.revoke(agent.did), 'AGENT_NOT_ACTIVE'],
    ['an agent of a suspended operator', suspendOperator, 'AGENT_OPERATOR_NOT_ACTIVE'],
  ])('%s at once, although the process remembers the agent as active', async (_, end, reason) => {
    await instance.issue(agent)
    await ask()
    await end()
    expect(await refusalOf(Promise.resolve(ask()))).toBe(reason)
  })

  it('a pending agent', async () => {
    agent = await insertAgent(database.db, operator, { status: 'pending' })
    expect(await refusalOf(Promise.resolve(ask()))).toBe('AGENT_NOT_ACTIVE')
  })
})

describe('getHolderStatement bounds what a call costs', () => {
  it('signs the same facts once in ten seconds', async () => {
    const first = await text()
    expect(await text()).toBe(first)
    instance.clock.offsetMs += 10_000
    const second = await text()
    expect(second).not.toBe(first)
    // A clock that was set back must not keep a statement from the future.
    instance.clock.offsetMs -= 10_000
    expect(await text()).not.toBe(second)
  })

  it.each<[string, () => Promise<unknown>]>([
    ['the agent', () => calls.suspend(agent.did).then(() => calls.reactivate(agent.did))],
    ['the deployment', endAll],
  ])('signs again at once when the epoch of %s has changed', async (_, change) => {
    const before = await text()
    await change()
    expect(await text()).not.toBe(before)
    expect(await endOf(database.db, await statementOf())).toBeUndefined()
  })

  it('signs again at once when the agent has another key', async () => {
    const before = await statementOf()
    const { agentPublicKey: publicKey } = newAgent(operator.domain)
    await database.db.prisma.agentKey.updateMany({
      where: { agentId: agent.id },
      data: { publicKey, thumbprint: thumbprint(publicKey) },
    })
    const after = await statementOf()
    expect(after.jkt).toBe(thumbprint(publicKey))
    expect(before.jkt).not.toBe(after.jkt)
  })

  it('reads the facts once for the calls that arrive together, and again for those that arrive during the read', async () => {
    lookUps = 0
    const later: Promise<unknown>[] = []
    meanwhile = async () => void later.push(...Array.from({ length: 20 }, () => ask()))
    await Promise.all(Array.from({ length: 20 }, () => ask()))
    await Promise.all(later)
    expect([later.length, lookUps]).toEqual([20, 2])
  })

  it('answers a call that begins after a suspension by the new facts, although an older read is under way', async () => {
    const late: Promise<unknown>[] = []
    meanwhile = async () => {
      await calls.suspend(agent.did)
      late.push(refusalOf(Promise.resolve(ask())))
    }
    await ask()
    expect(await Promise.all(late)).toEqual(['AGENT_NOT_ACTIVE'])
  })
})

describe('a statement', () => {
  it('ends with a suspension, and its successor after the reactivation has the new epoch', async () => {
    const before = await statementOf()
    await calls.suspend(agent.did)
    await calls.reactivate(agent.did)
    expect(await endOf(database.db, before)).toBe('AGENT_TOKENS_ENDED')
    const after = await statementOf()
    expect(after.epoch[0]).toBe(before.epoch[0] + 1)
    expect(await endOf(database.db, after)).toBeUndefined()
  })

  it('has the first epoch of the deployment as the smallest epoch of the operator', async () => {
    const before = await statementOf()
    await endAll()
    expect(await endOf(database.db, before)).toBe('OPERATOR_TOKENS_ENDED')
    const after = await statementOf()
    expect(after.epoch[1]).toBeGreaterThan(before.epoch[1])
    expect(await endOf(database.db, after)).toBeUndefined()
  })

  it('was issued before the agent was looked up, although the look-up took a minute', async () => {
    const { clock } = instance
    let lookedUpS = 0
    meanwhile = async () => {
      lookedUpS = Date.now() / 1000
      clock.offsetMs += 60_000
    }
    const { iat, exp } = await statementOf()
    clock.offsetMs -= 60_000
    expect(iat).toBeLessThanOrEqual(lookedUpS)
    expect(exp).toBe(iat + 3600)
  })

  it.each<[string, () => Promise<unknown>]>([
    ['the agent is suspended', () => calls.suspend(agent.did)],
    ['the operator is suspended', suspendOperator],
    ['all tokens of the deployment end', endAll],
    [
      'the operator is suspended, and then all tokens of the deployment end',
      async () => {
        await suspendOperator()
        await endAll()
      },
    ],
    [
      'all tokens of the deployment end, and then the operator is suspended',
      async () => {
        await endAll()
        await suspendOperator()
      },
    ],
  ])('is never accepted when %s after the agent was looked up', async (_, change) => {
    meanwhile = change
    expect(await endOf(database.db, await statementOf())).toMatch(/_TOKENS_ENDED$/)
  })
})
