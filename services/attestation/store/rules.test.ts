import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { policyCalls } from '../../../test/support/attestation-policy.ts'
import { type IdentityFixture, identityFixture, type TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

let fixture: IdentityFixture
let acme: TestOperator
let calls: ReturnType<typeof policyCalls>
beforeAll(async () => {
  fixture = await identityFixture()
})
afterAll(() => fixture.drop())
beforeEach(async () => {
  acme = await fixture.operator(`acme-${randomUUID()}.test`)
  calls = policyCalls(fixture, acme)
  await calls.putAttestor('tokens')
})

/** A condition of 4,096 characters. */
const LONG_CONDITION = `claims.tokens.label == "${'a'.repeat(4096 - 25)}"`

describe('putEnrolmentRule', () => {
  it('creates a rule, which is listed by name as it was put', async () => {
    const wide = {
      when: 'has(claims.tokens.label)',
      label: '{tokens.label}',
      scopes: ['b', 'a'],
      audiences: ['a.test'],
    }
    const limits = { tokenTtl: 60, maxAgents: 5, expireUnused: 60, endTokens: true }
    const { rule } = await calls.putRule('wide', { ...wide, ...limits })
    await calls.putRule('narrow')
    const { rules = [] } = await calls.listRules()
    expect(rules.map(({ name }) => name)).toEqual(['narrow', 'wide'])
    expect(rules[1]).toEqual(rule)
    const lists = { allOf: ['tokens'], anyOf: [], scopes: ['a', 'b'] }
    expect(rule).toEqual({ name: 'wide', ...wide, ...lists, ...limits })
  })

  it('gives a changed rule another edge under the same id, and ends the earlier edge', async () => {
    await calls.putRule('deploy')
    const before = await row()
    await calls.putRule('deploy', { scopes: ['a'] })
    const after = await row()
    expect(after.id).toBe(before.id)
    expect(after.edgeId).not.toBe(before.edgeId)
    expect(await endedEdges()).toContain(before.edgeId)
  })

  it('changes nothing when it is repeated', async () => {
    await calls.putRule('deploy')
    const before = await row()
    await calls.putRule('deploy')
    expect(await row()).toEqual(before)
    expect(await endedEdges()).not.toContain(before.edgeId)
  })

  it('refuses a rule about an attestor that the operator does not have', async () => {
    const other = policyCalls(fixture, await fixture.operator(`other-${randomUUID()}.test`))
    await other.putAttestor('theirs')
    expect(await refusalOf(calls.putRule('deploy', { allOf: ['theirs'] }))).toBe('INVALID_RULE')
    expect(await refusalOf(calls.putRule('deploy', { allOf: [], anyOf: ['tokens', 'ci'] }))).toBe('INVALID_RULE')
  })

  it('refuses a 65th rule, and still changes one of 64', async () => {
    for (let count = 0; count < 64; count += 1) await calls.putRule(`r${count}`)
    expect(await refusalOf(calls.putRule('more'))).toBe('TOO_MANY_RULES')
    expect(await refusalOf(calls.putRule('r1', { scopes: ['a'] }))).toBeUndefined()
  })

  it('refuses rules of more than 64 KiB together, and still replaces a large one by a small one', async () => {
    for (let count = 0; count < 15; count += 1) await calls.putRule(`r${count}`, { when: LONG_CONDITION })
    expect(await refusalOf(calls.putRule('more', { when: LONG_CONDITION }))).toBe('TOO_MANY_RULES')
    expect(await refusalOf(calls.putRule('r1'))).toBeUndefined()
    expect(await refusalOf(calls.putRule('more', { when: LONG_CONDITION }))).toBeUndefined()
  })

  it('raises the version of the operator, so that copies in memory are read again', async () => {
    const before = await version()
    await calls.putRule('deploy')
    expect(await version()).toBeGreaterThan(before)
  })
})

describe('deleteEnrolmentRule', () => {
  it('deletes a rule once, and ends its edge', async () => {
    await calls.putRule('deploy')
    const { edgeId } = await row()
    await calls.deleteRule('deploy')
    expect(await endedEdges()).toContain(edgeId)
    expect(await refusalOf(calls.deleteRule('deploy'))).toBe('RULE_NOT_FOUND')
  })

  it('leaves the rules of other operators', async () => {
    await calls.putRule('deploy')
    const other = policyCalls(fixture, await fixture.operator(`other-${randomUUID()}.test`))
    expect(await refusalOf(other.deleteRule('deploy'))).toBe('RULE_NOT_FOUND')
    expect((await calls.listRules()).rules).toHaveLength(1)
  })
})

describe('attestation requirements', () => {
  it('are listed by name as they were put', async () => {
    const full = { agents: [], scopes: ['deploy:*'], audiences: ['a.test'], when: 'true', level: 'bound', maxAge: 60 }
    const { requirement } = await calls.putRequirement('machine', { ...full, at: ['token'], endTokens: true })
    await calls.putRequirement('all')
    const { requirements = [] } = await calls.listRequirements()
    expect(requirements.map(({ name }) => name)).toEqual(['all', 'machine'])
    expect(requirements[1]).toEqual(requirement)
    const lists = { allOf: ['tokens'], anyOf: [], at: ['token'] }
    expect(requirement).toEqual({ name: 'machine', ...full, ...lists, endTokens: true })
  })

  it('are replaced, and deleted once', async () => {
    await calls.putRequirement('machine')
    await calls.putRequirement('machine', { maxAge: 60 })
    expect((await calls.listRequirements()).requirements).toMatchObject([{ maxAge: 60 }])
    await calls.deleteRequirement('machine')
    expect(await refusalOf(calls.deleteRequirement('machine'))).toBe('RULE_NOT_FOUND')
  })

  it('are refused for an attestor that the operator does not have', async () => {
    expect(await refusalOf(calls.putRequirement('machine', { allOf: ['tpm'] }))).toBe('INVALID_RULE')
  })

  it('are refused when there are 32', async () => {
    for (let count = 0; count < 32; count += 1) await calls.putRequirement(`r${count}`)
    expect(await refusalOf(calls.putRequirement('more'))).toBe('TOO_MANY_RULES')
    expect(await refusalOf(calls.putRequirement('r1', { maxAge: 60 }))).toBeUndefined()
  })

  it('are refused beyond 32 KiB together, and a large one can still be replaced by a small one', async () => {
    for (let count = 0; count < 7; count += 1) await calls.putRequirement(`r${count}`, { when: LONG_CONDITION })
    expect(await refusalOf(calls.putRequirement('more', { when: LONG_CONDITION }))).toBe('TOO_MANY_RULES')
    expect(await refusalOf(calls.putRequirement('r1'))).toBeUndefined()
    expect(await refusalOf(calls.putRequirement('more', { when: LONG_CONDITION }))).toBeUndefined()
  })

  it('raise the version of the operator', async () => {
    const before = await version()
    await calls.putRequirement('machine')
    expect(await version()).toBeGreaterThan(before)
  })
})

it('the audit names each rule with its attestors', async () => {
  await calls.putRule('deploy', { scopes: ['a'] })
  await calls.putRule('deploy', { scopes: ['a'] })
  await calls.putRequirement('machine', { allOf: [], anyOf: ['tokens'] })
  await calls.deleteRule('deploy')
  await calls.deleteRequirement('machine')
  const rows = await fixture.db.prisma.auditLog.findMany({ where: { operatorId: acme.id }, orderBy: { id: 'asc' } })
  expect(rows.map(({ action, subject, reason }) => `${action} ${subject}: ${reason}`)).toEqual([
    'attestor.put tokens: join-token',
    'enrolment-rule.put deploy: all of tokens; scope ["a"]',
    'attestation-requirement.put machine: one of tokens; scope []',
    'enrolment-rule.delete deploy: ',
    'attestation-requirement.delete machine: ',
  ])
})

function row() {
  const where = { operatorId_name: { operatorId: acme.id, name: 'deploy' } }
  return fixture.db.prisma.enrolmentRule.findUniqueOrThrow({ where })
}

async function endedEdges(): Promise<string[]> {
  const { rows } = await fixture.db.pool.query<{ subject: string }>(
    `SELECT subject FROM revocation_log WHERE kind = 'edge'`,
  )
  return rows.map(({ subject }) => subject)
}

async function version(): Promise<number> {
  return (await fixture.db.prisma.operator.findUniqueOrThrow({ where: { id: acme.id } })).version
}
