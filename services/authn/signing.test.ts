import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

/** A signer whose key is in a hardware token: it may be slow and may fail. */
const signer = vi.hoisted(() => ({ sign: vi.fn<() => Promise<string>>(), refresh: async () => undefined }))
vi.mock('../keys/jwt-signer.ts', () => ({ createJwtSigner: () => signer }))

let database: TestDatabase
let instance: TestInstance
let agent: TestAgent

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
})
afterAll(() => database.drop())
beforeEach(async () => {
  agent = await insertAgent(database.db, await freshOperator(database.db))
})

const redemptions = () => database.db.prisma.redemption.count({ where: { agentId: agent.id } })

it('issueToken signs only after the challenge is redeemed, and waits for the signature', async () => {
  signer.sign.mockImplementationOnce(async () => `signed after ${await redemptions()}`)
  expect(await instance.redeem(agent, await instance.challenge(agent.did))).toMatchObject({ token: 'signed after 1' })
})

it('issueToken leaves the challenge redeemed when the signature fails', async () => {
  const made = await instance.challenge(agent.did)
  signer.sign.mockRejectedValueOnce(new Error('the HSM is away'))
  await expect(instance.redeem(agent, made)).rejects.toThrow('the HSM is away')
  expect(await refusalOf(instance.redeem(agent, made))).toBe('CHALLENGE_USED')
})
