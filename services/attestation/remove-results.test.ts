import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RemoveAttestationResultsRequestSchema } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { type Enrolments, enrolments, newKey } from '../../test/support/enrolment.ts'
import { asOperator, type IdentityFixture, identityFixture, type TestOperator } from '../../test/support/identity.ts'
import { until } from '../../test/support/until.ts'

let fixture: IdentityFixture
let operator: TestOperator
let calls: Enrolments
let domain = 0

beforeAll(async () => {
  fixture = await identityFixture()
})
afterAll(() => fixture.drop())

beforeEach(async () => {
  domain += 1
  operator = await fixture.operator(`acme${domain}.example`)
  calls = enrolments(fixture, operator, () => fixture.clock.now)
  await calls.insertAttestor('tokens')
  await calls.putRule({ name: 'web', allOf: ['tokens'], maxAgents: 9 })
})

async function enrolled(): Promise<string> {
  const key = newKey()
  const { did = '' } = await calls.enrol(await calls.attestation(key), key)
  return did
}

const remove = (agent: string) =>
  fixture.attestation.module.handlers.removeAttestationResults(
    create(RemoveAttestationResultsRequestSchema, { operatorId: operator.id, agent, reason: 'stolen' }),
    asOperator(operator),
  )

const rowOf = (did: string) => fixture.db.prisma.agent.findFirstOrThrow({ where: { did }, include: { results: true } })

describe('removeAttestationResults', () => {
  it('removes the results of one agent, ends its tokens, and audits the reason', async () => {
    const [did, other] = [await enrolled(), await enrolled()]
    const [before, otherBefore] = [await rowOf(did), await rowOf(other)]
    expect(await remove(did)).toEqual({ agentDid: did, removed: 1 })
    expect(await rowOf(did)).toEqual({
      ...before,
      results: [],
      version: before.version + 1,
      epoch: before.epoch + 1,
    })
    expect(await rowOf(other)).toEqual(otherBefore)
    const { rows } = await fixture.db.pool.query('SELECT kind FROM revocation_log WHERE subject = $1', [did])
    expect(rows).toEqual([{ kind: 'agent' }])
    const audit = { operatorId: operator.id, action: 'agent.remove-results' }
    expect(await fixture.db.prisma.auditLog.findMany({ where: audit })).toMatchObject([
      { subject: did, reason: 'stolen', outcome: 'done' },
    ])
  })

  it('ends the tokens of an agent that has no result any more', async () => {
    const did = await enrolled()
    const { epoch } = await rowOf(did)
    await remove(did)
    expect(await remove(did)).toEqual({ agentDid: did, removed: 0 })
    expect(await rowOf(did)).toMatchObject({ epoch: epoch + 2 })
  })

  it('waits for the row of the agent before it takes the results, as Attest does', async () => {
    const did = await enrolled()
    const { id } = await rowOf(did)
    const client = await fixture.db.pool.connect()
    try {
      await client.query('BEGIN')
      await client.query('SELECT 1 FROM agents WHERE id = $1 FOR UPDATE', [id])
      const removal = remove(did)
      const waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
      await until(
        () => fixture.db.pool.query(waiting),
        ({ rowCount }) => rowCount === 1,
      )
      const { rowCount } = await client.query(
        'SELECT 1 FROM attestation_results WHERE agent_id = $1 FOR UPDATE NOWAIT',
        [id],
      )
      expect(rowCount).toBe(1)
      await client.query('COMMIT')
      expect(await removal).toMatchObject({ removed: 1 })
    } finally {
      client.release()
    }
  })
})
