import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Prisma } from '../../../gen/prisma/client.ts'
import { type IdentityFixture, identityFixture, type TestOperator } from '../../../test/support/identity.ts'

let fixture: IdentityFixture
let operator: TestOperator
let ids: { readonly attestor: string; readonly rule: string; readonly edge: string; readonly requirement: string }
let domain = 0

beforeAll(async () => {
  fixture = await identityFixture()
})
afterAll(() => fixture.drop())

beforeEach(async () => {
  domain += 1
  operator = await fixture.operator(`acme${domain}.example`)
  ids = { attestor: randomUUID(), rule: randomUUID(), edge: randomUUID(), requirement: randomUUID() }
  const { prisma } = fixture.db
  await prisma.attestor.create({ data: attestor(ids.attestor) })
  await prisma.enrolmentRule.create({ data: { ...rule(ids.rule), edgeId: ids.edge } })
  await prisma.attestationRequirement.create({ data: rule(ids.requirement) })
})

const attestor = (id: string): Prisma.AttestorUncheckedCreateInput => ({
  id,
  operatorId: operator.id,
  name: id,
  type: 'oidc',
  config: {},
  resultTtl: 60,
})
const rule = (id: string) => ({ id, operatorId: operator.id, name: id, content: {} })

const db = () => fixture.db.prisma
const CHANGES: readonly [what: string, endsEdge: 'attestor' | 'edge' | undefined, change: () => Promise<unknown>][] = [
  ['a new attestor', undefined, () => db().attestor.create({ data: attestor(randomUUID()) })],
  [
    'a changed configuration that keeps the results',
    undefined,
    () => db().attestor.update({ where: { id: ids.attestor }, data: { config: { a: 1 } } }),
  ],
  ['a deleted attestor', 'attestor', () => db().attestor.delete({ where: { id: ids.attestor } })],
  ['a new rule', undefined, () => db().enrolmentRule.create({ data: rule(randomUUID()) })],
  [
    'a rule with another edge',
    'edge',
    () => db().enrolmentRule.update({ where: { id: ids.rule }, data: { edgeId: randomUUID() } }),
  ],
  [
    'a changed rule with the same edge',
    undefined,
    () => db().enrolmentRule.update({ where: { id: ids.rule }, data: { content: { a: 1 } } }),
  ],
  ['a deleted rule', 'edge', () => db().enrolmentRule.delete({ where: { id: ids.rule } })],
  ['a new requirement', undefined, () => db().attestationRequirement.create({ data: rule(randomUUID()) })],
  [
    'a changed requirement',
    undefined,
    () => db().attestationRequirement.update({ where: { id: ids.requirement }, data: { content: { a: 1 } } }),
  ],
  ['a deleted requirement', undefined, () => db().attestationRequirement.delete({ where: { id: ids.requirement } })],
]

describe('every change of an attestor, a rule or a requirement', () => {
  it.each(CHANGES)('raises the version of the operator: %s, which ends the edge of: %s', async (_, ended, change) => {
    const { version } = await db().operator.findUniqueOrThrow({ where: { id: operator.id } })
    const before = await lastSequence()
    await change()
    expect(await db().operator.findUniqueOrThrow({ where: { id: operator.id } })).toMatchObject({
      version: version + 1,
    })
    const { rows } = await fixture.db.pool.query(
      'SELECT kind, subject, minimum_epoch FROM revocation_log WHERE sequence > $1',
      [before],
    )
    expect(rows).toEqual(ended === undefined ? [] : [{ kind: 'edge', subject: ids[ended], minimum_epoch: 0 }])
  })

  it('ends no edge when its transaction is undone', async () => {
    const before = await lastSequence()
    await expect(
      db().$transaction(async (tx) => {
        await tx.attestor.delete({ where: { id: ids.attestor } })
        throw new Error('undone')
      }),
    ).rejects.toThrow('undone')
    expect(await lastSequence()).toBe(before)
  })
})

async function lastSequence(): Promise<string> {
  const { rows } = await fixture.db.pool.query<{ sequence: string }>('SELECT sequence FROM revocation_head')
  return rows[0]?.sequence ?? ''
}

describe('the database refuses', () => {
  it.each([
    ['another id of an attestor', 'UPDATE attestors SET id = gen_random_uuid() WHERE operator_id = $1'],
    ['another type of an attestor', "UPDATE attestors SET type = 'x509' WHERE operator_id = $1"],
    ['another operator of an attestor', 'UPDATE attestors SET operator_id = $2 WHERE operator_id = $1'],
    ['another id of a rule', 'UPDATE enrolment_rules SET id = gen_random_uuid() WHERE operator_id = $1'],
    ['another operator of a rule', 'UPDATE enrolment_rules SET operator_id = $2 WHERE operator_id = $1'],
  ])('%s', async (_, statement) => {
    const { id } = await fixture.operator(`other${domain}.example`)
    const parameters = statement.includes('$2') ? [operator.id, id] : [operator.id]
    await expect(fixture.db.pool.query(statement, parameters)).rejects.toThrow('keeps its id and its operator')
  })
})
