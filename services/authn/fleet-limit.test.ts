import { afterAll, expect, it } from 'vitest'
import { startInstance } from '../../test/support/authn.ts'
import { authnState, freshOperator, insertAgent } from '../../test/support/authn-agents.ts'
import { testDatabase } from '../../test/support/database.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

const database = await testDatabase()
afterAll(() => database.drop())

const TWO_AN_HOUR = { perMinute: 1 / 30, burst: 2 }

it('issueToken limits the tokens of all agents of an operator together, and a forged proof does not count', async () => {
  const operator = await freshOperator(database.db)
  const agent = await insertAgent(database.db, operator)
  const limited = await startInstance(database.db, { fleetRate: TWO_AN_HOUR })
  const other = await insertAgent(database.db, operator)
  for (let time = 0; time < 3; time += 1) {
    const made = await limited.challenge(agent.did)
    expect(await refusalOf(limited.redeem({ ...agent, key: other.key }, made))).toBe('INVALID_SIGNATURE')
  }
  await limited.redeem(agent, await limited.challenge(agent.did))
  await limited.redeem(other, await limited.challenge(other.did))
  const third = await limited.challenge(agent.did)
  const before = await authnState(database.db)
  await expect(limited.redeem(agent, third)).rejects.toMatchObject({ reason: 'RATE_LIMITED' })
  expect(await authnState(database.db)).toEqual(before)
  const stranger = await insertAgent(database.db, await freshOperator(database.db))
  await limited.redeem(stranger, await limited.challenge(stranger.did))
})
