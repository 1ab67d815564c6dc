import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentCalls } from '../../test/support/agent-calls.ts'
import { startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { eventually } from '../../test/support/eventually.ts'
import type { TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

const ROUNDS = 40

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let agent: TestAgent
let calls: ReturnType<typeof agentCalls>

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
  calls = agentCalls(instance.identity, operator)
})
afterAll(() => database.drop())

const tokenOf = ({ token = '' }: { token?: string | undefined }) => token

describe('issueToken during a suspension of the agent', () => {
  it('issues only tokens that are not valid afterwards, and no token after the call of the suspension has returned', async () => {
    let overlapping = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const made = await Promise.all(Array.from({ length: 5 }, () => instance.challenge(agent.did)))
      const late = await instance.challenge(agent.did)
      const attempts = made.map((challenge) => instance.redeem(agent, challenge))
      const suspended = calls.suspend(agent.did).then(() => refusalOf(instance.redeem(agent, late)))
      const settled = await Promise.allSettled(attempts)
      expect(await suspended).toBe('AGENT_NOT_ACTIVE')
      const tokens = settled.flatMap((one) => (one.status === 'fulfilled' ? [tokenOf(one.value)] : []))
      overlapping += tokens.length
      const verdicts = await Promise.all(tokens.map((token) => instance.verify(token)))
      expect(verdicts).toMatchObject(tokens.map(() => ({ valid: false, revoked: true, reason: 'AGENT_TOKENS_ENDED' })))
      await calls.reactivate(agent.did)
      const revived = await Promise.all(tokens.map((token) => instance.verify(token)))
      expect(revived).toMatchObject(tokens.map(() => ({ valid: false, reason: 'AGENT_TOKENS_ENDED' })))
    }
    expect(overlapping).toBeGreaterThan(0)
  })

  it('issues a token with an old epoch when its statement began before the suspension and ended after it', async () => {
    const made = await instance.challenge(agent.did)
    const blocker = await database.db.pool.connect()
    try {
      // Another open redemption of the same challenge makes the statement wait after it has taken its snapshot.
      const nonce = Buffer.from(made.nonce, 'base64url').toString('hex')
      await blocker.query('BEGIN')
      await blocker.query(
        "INSERT INTO redemptions (challenge_id, jti, agent_id, key_thumbprint, keep_until) VALUES ($1, 'x', $2, 'x', now())",
        [nonce, agent.id],
      )
      const redeeming = instance.redeem(agent, made)
      await eventually(async () => {
        const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        expect((await database.db.pool.query(waiting)).rowCount).toBe(1)
      })
      await calls.suspend(agent.did)
      await blocker.query('ROLLBACK')
      const token = tokenOf(await redeeming)
      expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'AGENT_TOKENS_ENDED' })
    } finally {
      blocker.release(true)
    }
  })
})
