import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newKey, registerWithLog, type TestKey } from '../../test/support/agent-log.ts'
import { startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { eventually } from '../../test/support/eventually.ts'
import type { TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

const ROUNDS = 25

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let agent: Awaited<ReturnType<typeof registerWithLog>>

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  await instance.runJobs()
  operator = await freshOperator(database.db)
})
afterAll(() => database.drop())

beforeEach(async () => {
  agent = await registerWithLog(instance.identity, operator, Date.now)
})

const asParty = (key: TestKey) => ({ id: agent.id, did: agent.did, key: key.pair.privateKey, operatorId: operator.id })
const tokenOf = ({ token = '' }: { token?: string | undefined }) => token

describe('issueToken during a rotation of the identity key', () => {
  it('accepts no token of the old key after the rotation has returned, and refuses none of the new key', async () => {
    let old = agent.key
    let overlapping = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const key = newKey()
      const event = await agent.sign(old, { type: 'rotate', key })
      const made = await Promise.all(Array.from({ length: 6 }, () => instance.challenge(agent.did)))
      const [late, next, ...early] = made
      const [before, after] = [asParty(old), asParty(key)]
      const attempts = early.map((challenge) => instance.redeem(before, challenge))
      const rotated = agent.send(event).then(async () => ({
        refused: await refusalOf(instance.redeem(before, late ?? { challenge: '', nonce: '' })),
        token: tokenOf(await instance.redeem(after, next ?? { challenge: '', nonce: '' })),
      }))
      const settled = await Promise.allSettled(attempts)
      const { refused, token } = await rotated
      expect(refused).toBe('INVALID_SIGNATURE')
      expect(await instance.verify(token)).toMatchObject({ valid: true })
      const tokens = settled.flatMap((one) => (one.status === 'fulfilled' ? [tokenOf(one.value)] : []))
      overlapping += tokens.length
      const verdicts = await Promise.all(tokens.map((each) => instance.verify(each)))
      expect(verdicts).toMatchObject(tokens.map(() => ({ valid: false, reason: 'AGENT_TOKENS_ENDED' })))
      old = key
    }
    expect(overlapping).toBeGreaterThan(0)
    expect(await agent.state()).toMatchObject({ seq: ROUNDS, kid: old.kid })
  })

  it.each(['rotate', 'remove-key'] as const)(
    'issues a token with an old epoch when its statement began before %s and ended after it',
    async (type) => {
      const key = newKey()
      const exp = Math.floor(Date.now() / 1000) + 3600
      if (type === 'remove-key') await agent.append(agent.key, { type: 'add-key', key, label: 'laptop', exp })
      const made = await instance.challenge(agent.did)
      const [signer, kid] = type === 'remove-key' ? [asParty(key), key.kid] : [asParty(agent.key), '']
      const blocker = await database.db.pool.connect()
      try {
        // Another open redemption of the same challenge makes the statement wait after it has taken its snapshot.
        const nonce = Buffer.from(made.nonce, 'base64url').toString('hex')
        await blocker.query('BEGIN')
        await blocker.query(
          "INSERT INTO redemptions (challenge_id, jti, agent_id, key_thumbprint, keep_until) VALUES ($1, 'x', $2, 'x', now())",
          [nonce, agent.id],
        )
        const redeeming = instance.redeem(signer, made, { kid })
        await eventually(async () => {
          const waiting =
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
          expect((await database.db.pool.query(waiting)).rowCount).toBe(1)
        })
        await agent.append(agent.key, type === 'rotate' ? { type, key } : { type, kid: key.kid })
        await blocker.query('ROLLBACK')
        const token = tokenOf(await redeeming)
        expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'AGENT_TOKENS_ENDED' })
      } finally {
        blocker.release(true)
      }
    },
  )
})
