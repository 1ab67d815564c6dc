import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { KeyPair } from '@auth4agent/core/keys/ed25519'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Enrolments, enrolments, newKey } from '../../test/support/enrolment.ts'
import { type IdentityFixture, identityFixture, type TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { until } from '../../test/support/until.ts'

let fixture: IdentityFixture
let operator: TestOperator
let calls: Enrolments
let agent: { readonly key: KeyPair; readonly did: string }
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
  await calls.putRule({ name: 'web', allOf: ['tokens'], maxAgents: 1 })
  const key = newKey()
  const { did = '' } = await calls.enrol(await calls.attestation(key), key)
  agent = { key, did }
})

const rowOf = (did: string) => fixture.db.prisma.agent.findFirstOrThrow({ where: { did }, include: { results: true } })

/** Attests while another transaction holds the row of the agent. That transaction runs `change` before it ends. */
async function attestDuring(change: string) {
  const { key, did } = agent
  const attestation = await calls.attestation(key, { purpose: 'attest' })
  const client = await fixture.db.pool.connect()
  try {
    await client.query('BEGIN')
    await client.query('SELECT 1 FROM agents WHERE did = $1 FOR UPDATE', [did])
    const answer = refusalOf(calls.attest(did, attestation))
    const waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await until(
      () => fixture.db.pool.query(waiting),
      ({ rowCount }) => rowCount === 1,
    )
    await client.query(change)
    await client.query('COMMIT')
    return await answer
  } finally {
    client.release()
  }
}

describe('attest during another transaction', () => {
  it('refuses an agent that was suspended, with AGENT_NOT_ACTIVE', async () => {
    const change = `UPDATE agents SET status = 'suspended' WHERE did = '${agent.did}'`
    expect(await attestDuring(change)).toBe('AGENT_NOT_ACTIVE')
  })

  it('refuses evidence of an attestor that was deleted, with UNAVAILABLE', async () => {
    expect(await attestDuring(`DELETE FROM attestors WHERE operator_id = '${operator.id}'`)).toBe('UNAVAILABLE')
    expect((await rowOf(agent.did)).results).toEqual([])
  })

  it('binds the result to the key that has signed, so it does not count for a new key', async () => {
    const { id } = await rowOf(agent.did)
    const next = thumbprint(newKey().publicKey)
    await attestDuring(`UPDATE agent_keys SET retired_at = now() WHERE agent_id = '${id}';
       INSERT INTO agent_keys (agent_id, public_key, thumbprint) VALUES ('${id}', '\\x01', '${next}')`)
    const { operatorId, did, enrolmentRuleId } = await rowOf(agent.did)
    const standing = await fixture.attestation.standing({ id, did, operatorId, enrolmentRuleId, keyThumbprint: next })
    expect(standing.findings).toEqual([])
  })
})
