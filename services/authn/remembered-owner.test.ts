import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { insertOperator, type TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

let database: TestDatabase
let instance: TestInstance
let owner: TestOperator
let agent: TestAgent
let caller: string
let audience: string

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
})
afterAll(() => database.drop())
beforeEach(async () => {
  owner = await freshOperator(database.db)
  const operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
  caller = operator.domain
  audience = `https://api.${owner.domain}/v1`
})

/** Sets the owner's rule for the audience in one transaction. A trigger raises the owner's version. */
async function setRule(rule: {
  readonly callers?: string[]
  readonly dpop?: string
  readonly tokenSigningAlg?: string
}) {
  const { operatorAudience } = database.db.prisma
  const data = { operatorId: owner.id, audience, callers: [caller], ...rule }
  await database.db.prisma.$transaction([
    operatorAudience.deleteMany({ where: { operatorId: owner.id } }),
    operatorAudience.create({ data }),
  ])
}

const ask = (audiences = [audience]) => refusalOf(instance.issue(agent, { audience: audiences }))
const algOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).alg

describe('a remembered owner of an audience allows nothing that the owner no longer allows', () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ['the caller is no longer listed', () => setRule({ callers: ['other.test'] }), 'AUDIENCE_NOT_ALLOWED'],
    ['the audience demands DPoP', () => setRule({ dpop: 'required' }), 'DPOP_PROOF_REQUIRED'],
    [
      'another operator owns the host',
      () => insertOperator(database.db, `api.${owner.domain}`, 'active'),
      'AUDIENCE_NOT_ALLOWED',
    ],
  ])('when %s', async (_, change, reason) => {
    await setRule({})
    expect(await ask()).toBeUndefined()
    await change()
    expect(await ask()).toBe(reason)
    expect(await ask([`api.${caller}`, audience])).toBe(reason)
  })

  it('when an audience without an owner gets one', async () => {
    const free = 'https://api.later.test'
    expect(await ask([free])).toBeUndefined()
    await insertOperator(database.db, 'later.test', 'active')
    expect(await ask([free])).toBe('AUDIENCE_NOT_ALLOWED')
  })

  it('when the audience has another algorithm', async () => {
    await setRule({})
    expect(algOf(await instance.issue(agent, { audience: [audience] }))).toBe('EdDSA')
    await setRule({ tokenSigningAlg: 'ES256' })
    expect(algOf(await instance.issue(agent, { audience: [audience] }))).toBe('ES256')
  })
})

it('a remembered owner of an audience refuses nothing that the owner allows now', async () => {
  await setRule({})
  expect(await ask()).toBeUndefined()
  await setRule({ dpop: 'required' })
  expect(await ask()).toBe('DPOP_PROOF_REQUIRED')
  await setRule({})
  expect(await ask()).toBeUndefined()
  await setRule({ callers: ['other.test'] })
  expect(await ask()).toBe('AUDIENCE_NOT_ALLOWED')
  await setRule({ callers: ['*'] })
  expect(await ask()).toBeUndefined()
})
