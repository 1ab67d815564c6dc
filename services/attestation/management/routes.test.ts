import { randomUUID } from 'node:crypto'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { policyCalls } from '../../../test/support/attestation-policy.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { type IdentityFixture, identityFixture, newAgent, type TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

const WAITING = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`

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
})

/** Demands a role of a key that has only `agents.manage`. */
function asManager(role: string, purpose: string): never {
  throw new ApiError('ROLE_REQUIRED', `${role} ${purpose}`)
}

const changeAsManager = (name: string) => calls.putAttestor(name, { resultTtl: 60, keepResults: true }, asManager)

describe('putAttestor', () => {
  it('creates an attestor, which is listed by name', async () => {
    await calls.putAttestor('web')
    const { attestor } = await calls.putAttestor('build', { resultTtl: 60 })
    expect(attestor).toMatchObject({ name: 'build', type: 'join-token', config: {}, resultTtl: 60 })
    const { attestors = [] } = await calls.listAttestors()
    expect(attestors.map(({ name, resultTtl }) => [name, resultTtl])).toEqual([
      ['build', 60],
      ['web', 3600],
    ])
    expect(await audit()).toEqual(['attestor.put web: join-token', 'attestor.put build: join-token'])
  })

  it('replaces an attestor by one with another id, whose earlier id ends, and drops its results', async () => {
    await calls.putAttestor('tokens')
    const before = await attestorId()
    await seedResult(before)
    await calls.putAttestor('tokens', { resultTtl: 60 })
    expect(await attestorId()).not.toBe(before)
    expect(await countResults()).toBe(0)
    expect(await endedEdges()).toContain(before)
  })

  it('keeps the id and the results of an attestor if the request says so', async () => {
    await calls.putAttestor('tokens')
    const before = await attestorId()
    await seedResult(before)
    const { attestor } = await calls.putAttestor('tokens', { resultTtl: 60, keepResults: true })
    expect(attestor).toMatchObject({ resultTtl: 60 })
    expect(await attestorId()).toBe(before)
    expect(await countResults()).toBe(1)
    expect(await endedEdges()).not.toContain(before)
  })

  it('changes nothing when it is repeated', async () => {
    await calls.putAttestor('tokens')
    const before = await attestorId()
    await calls.putAttestor('tokens', { resultTtl: 3600 })
    expect(await attestorId()).toBe(before)
    expect(await audit()).toHaveLength(1)
  })

  it('raises the version of the operator, so that copies in memory are read again', async () => {
    const before = await version()
    await calls.putAttestor('tokens')
    expect(await version()).toBeGreaterThan(before)
  })

  describe('of a key that may not change requirements', () => {
    it.each([
      ['all_of', { allOf: ['tokens'] }],
      ['any_of', { allOf: [], anyOf: ['web', 'tokens'] }],
    ])('refuses to change an attestor that a requirement names in %s', async (_, terms) => {
      await calls.putAttestor('web')
      await calls.putAttestor('tokens')
      await calls.putRequirement('machine', terms)
      await expect(changeAsManager('tokens')).rejects.toThrow('policy to change an attestor that a requirement names')
      expect((await calls.listAttestors()).attestors).toMatchObject([{ resultTtl: 3600 }, { resultTtl: 3600 }])
      await calls.putAttestor('tokens', { resultTtl: 3600 }, asManager)
    })

    it('refuses to create an attestor for which a requirement waits', async () => {
      await calls.putAttestor('tokens')
      await calls.putRequirement('machine', { allOf: ['tokens'] })
      await calls.deleteAttestor('tokens')
      expect(await refusalOf(changeAsManager('tokens'))).toBe('ROLE_REQUIRED')
    })

    it('changes an attestor that only requirements of others name', async () => {
      await calls.putAttestor('web')
      await calls.putRequirement('machine', { allOf: ['web'] })
      const other = policyCalls(fixture, await fixture.operator(`other-${randomUUID()}.test`))
      await other.putAttestor('tokens')
      await other.putRequirement('machine', { allOf: ['tokens'] })
      expect(await changeAsManager('tokens')).toMatchObject({ attestor: { resultTtl: 60 } })
    })
  })

  it('refuses another type', async () => {
    const data = { operatorId: acme.id, name: 'tokens', type: 'tpm', config: {}, resultTtl: 60 }
    await fixture.db.prisma.attestor.create({ data })
    expect(await refusalOf(calls.putAttestor('tokens'))).toBe('INVALID_ATTESTOR')
  })

  it('refuses a 33rd attestor, and still replaces one of 32', async () => {
    for (let count = 0; count < 32; count += 1) await calls.putAttestor(`a${count}`)
    expect(await refusalOf(calls.putAttestor('more'))).toBe('TOO_MANY_RULES')
    expect(await refusalOf(calls.putAttestor('a1', { resultTtl: 60 }))).toBeUndefined()
  })

  it('counts an attestor that another call adds at the same time', async () => {
    for (let count = 0; count < 31; count += 1) await calls.putAttestor(`a${count}`)
    const other = await fixture.db.pool.connect()
    await other.query('BEGIN')
    await other.query(
      `INSERT INTO attestors (operator_id, name, type, config, result_ttl) VALUES ($1, 'last', 'join-token', '{}', 60)`,
      [acme.id],
    )
    const put = refusalOf(calls.putAttestor('more'))
    await eventually(async () => expect((await fixture.db.pool.query(WAITING)).rowCount).toBe(1))
    await other.query('COMMIT')
    other.release()
    expect(await put).toBe('TOO_MANY_RULES')
  })
})

describe.each(['lapsed', 'suspended'] as const)('an operator that is %s', (status) => {
  it('gives no authority away, but takes it', async () => {
    await calls.putAttestor('tokens')
    await calls.putRule('deploy')
    await calls.putRequirement('machine')
    await fixture.db.prisma.operator.update({ where: { id: acme.id }, data: { status } })
    const puts = [calls.putAttestor('more'), calls.putRule('more'), calls.putRequirement('more')]
    const all = await Promise.all([...puts, calls.createJoinToken('tokens')].map(refusalOf))
    expect(new Set(all)).toEqual(new Set(['OPERATOR_NOT_ACTIVE']))
    await calls.deleteRule('deploy')
    await calls.deleteAttestor('tokens')
  })
})

describe('deleteAttestor', () => {
  it('deletes an attestor with its results and join tokens, and ends its edge', async () => {
    await calls.putAttestor('tokens')
    await calls.createJoinToken('tokens')
    await calls.putRule('deploy')
    const id = await attestorId()
    await seedResult(id)
    expect(await calls.deleteAttestor('tokens')).toEqual({ deletedResults: 1 })
    expect(await endedEdges()).toContain(id)
    expect(await fixture.db.prisma.joinToken.count({ where: { attestorId: id } })).toBe(0)
    expect((await calls.listRules()).rules).toHaveLength(1)
    expect(await refusalOf(calls.deleteAttestor('tokens'))).toBe('ATTESTOR_NOT_FOUND')
  })

  it('does not delete the attestor of another operator', async () => {
    await calls.putAttestor('tokens')
    const other = policyCalls(fixture, await fixture.operator(`other-${randomUUID()}.test`))
    expect(await refusalOf(other.deleteAttestor('tokens'))).toBe('ATTESTOR_NOT_FOUND')
  })
})

describe('join tokens', () => {
  it('are stored by the digest of their secret, and the audit does not have it', async () => {
    await calls.putAttestor('tokens')
    const { secret = '', joinToken } = await calls.createJoinToken('tokens', { label: 'build', ttl: 60 })
    const bytes = Buffer.from(secret, 'base64url')
    expect(bytes).toHaveLength(32)
    const row = await fixture.db.prisma.joinToken.findUniqueOrThrow({ where: { id: joinToken?.id ?? '' } })
    expect(Buffer.from(row.digest).toString('hex')).toBe(sha256Text(bytes, 'hex'))
    expect(row.expiresAt.getTime()).toBe(fixture.clock.now + 60_000)
    expect((await audit()).at(-1)).toBe(`join-token.create ${row.id}: tokens; build`)
  })

  it('are listed oldest first until they expire', async () => {
    await calls.putAttestor('tokens')
    for (const [label, ttl] of [
      ['a', 0],
      ['b', 0],
      ['short', 60],
    ] as const) {
      await calls.createJoinToken('tokens', { label, ttl })
      fixture.clock.now += 1
    }
    expect(await labels()).toEqual(['a', 'b', 'short'])
    fixture.clock.now += 60_000
    expect(await labels()).toEqual(['a', 'b'])
  })

  it('can be deleted once, and only by their own attestor', async () => {
    await calls.putAttestor('tokens')
    await calls.putAttestor('others')
    const { joinToken: { id = '' } = {} } = await calls.createJoinToken('tokens')
    expect(await refusalOf(calls.deleteJoinToken('others', id))).toBe('JOIN_TOKEN_NOT_FOUND')
    await calls.deleteJoinToken('tokens', id)
    expect(await refusalOf(calls.deleteJoinToken('tokens', id))).toBe('JOIN_TOKEN_NOT_FOUND')
  })

  it('are refused when there are 1,000 that have not expired', async () => {
    await calls.putAttestor('tokens')
    const attestor = await attestorId()
    const expiresAt = new Date(fixture.clock.now + 1000)
    const rows = Array.from({ length: 1000 }, (_, index) => ({
      id: randomUUID(),
      attestorId: attestor,
      digest: Uint8Array.from(Buffer.from(sha256Text(`${acme.id} ${index}`, 'hex'), 'hex')),
      label: 'x',
      expiresAt,
    }))
    await fixture.db.prisma.joinToken.createMany({ data: rows })
    expect(await refusalOf(calls.createJoinToken('tokens'))).toBe('TOO_MANY_RULES')
    fixture.clock.now += 1000
    expect(await refusalOf(calls.createJoinToken('tokens'))).toBeUndefined()
  })

  it('exist only at attestors of their type', async () => {
    const data = { operatorId: acme.id, name: 'tpm', type: 'tpm', config: {}, resultTtl: 60 }
    await fixture.db.prisma.attestor.create({ data })
    expect(await refusalOf(calls.createJoinToken('tpm'))).toBe('INVALID_ARGUMENT')
  })
})

async function attestorId(): Promise<string> {
  const key = { operatorId: acme.id, name: 'tokens' }
  return (await fixture.db.prisma.attestor.findUniqueOrThrow({ where: { operatorId_name: key } })).id
}

async function seedResult(id: string): Promise<void> {
  const at = new Date(fixture.clock.now)
  const { did } = newAgent(acme.domain)
  const agent = { id: randomUUID(), operatorId: acme.id, did, status: 'active', createdAt: at } as const
  await fixture.db.prisma.agent.create({ data: { ...agent, allowedScopes: [] } })
  const result = { agentId: agent.id, attestorId: id, keyThumbprint: 'k', claims: {}, level: 'bearer' }
  await fixture.db.prisma.attestationResult.create({ data: { ...result, verifiedAt: at, expiresAt: at } })
}

function countResults(): Promise<number> {
  return fixture.db.prisma.attestationResult.count({ where: { agent: { operatorId: acme.id } } })
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

async function audit(): Promise<string[]> {
  const rows = await fixture.db.prisma.auditLog.findMany({ where: { operatorId: acme.id }, orderBy: { id: 'asc' } })
  return rows.map(({ action, subject, reason }) => `${action} ${subject}: ${reason}`)
}

async function labels() {
  return (await calls.listJoinTokens('tokens')).joinTokens?.map(({ label }) => label)
}
