import { afterAll, beforeAll, expect, it } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { startInstance, type TestInstance } from '../../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestAgent } from '../../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { endOf, grantCalls, readGrant } from '../../../test/support/grants.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const ROUNDS = 20

let database: TestDatabase
let instance: TestInstance
let grants: ReturnType<typeof grantCalls>
let agent: TestAgent
let calls: ReturnType<typeof agentCalls>

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  grants = grantCalls(instance)
  const operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
  calls = agentCalls(instance.identity, operator)
  await calls.update(agent.did, { maxDelegationDepth: 8 })
})
afterAll(() => database.drop())

const grantOf = ({ grant = '' }: { grant?: string | undefined }) => readGrant(database.db, grant)

it.each([
  ['suspends the agent', () => calls.suspend(agent.did), () => calls.reactivate(agent.did), 'AGENT_NOT_ACTIVE'],
  [
    'takes the right to delegate away',
    () => calls.update(agent.did, { maxDelegationDepth: 0 }),
    () => calls.update(agent.did, { maxDelegationDepth: 8 }),
    'DELEGATION_NOT_ALLOWED',
  ],
])(
  'issueGrant issues no lasting grant while the operator %s, and none after the call has returned',
  async (_, end, undo, reason) => {
    let overlapping = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const made = await Promise.all(Array.from({ length: 5 }, () => instance.challenge(agent.did)))
      const late = await instance.challenge(agent.did)
      const attempts = made.map((challenge) => grants.redeemGrant(agent, challenge))
      const refused = end().then(() => refusalOf(Promise.resolve(grants.redeemGrant(agent, late))))
      const settled = await Promise.allSettled(attempts)
      expect(await refused).toBe(reason)
      const issued = settled.flatMap((one) => (one.status === 'fulfilled' ? [grantOf(one.value)] : []))
      overlapping += issued.length
      await undo()
      for (const grant of await Promise.all(issued)) expect(await endOf(database.db, grant)).toBe('AGENT_TOKENS_ENDED')
    }
    expect(overlapping).toBeGreaterThan(0)
  },
)

it('issueGrant issues a grant with an old epoch when its statement began before the suspension and ended after it', async () => {
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
    const redeeming = grants.redeemGrant(agent, made)
    await eventually(async () => {
      const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
      expect((await database.db.pool.query(waiting)).rowCount).toBe(1)
    })
    await calls.suspend(agent.did)
    await blocker.query('ROLLBACK')
    expect(await endOf(database.db, await grantOf(await redeeming))).toBe('AGENT_TOKENS_ENDED')
  } finally {
    blocker.release(true)
  }
})
