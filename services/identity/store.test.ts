import { randomUUID } from 'node:crypto'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { insertOperator, newAgent } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { changeStatus } from './domain/change-status.ts'
import { replaceScopes } from './domain/replace-scopes.ts'
import { type NewAgent, registerAgent } from './register-agent.ts'
import { changeAgent, expirePending } from './store.ts'

const author = { principal: { kind: 'system' }, requestId: 'request-1' } as const
const at = new Date('2026-01-15T10:30:00Z')
const domain = 'acme.example'

let database: TestDatabase
let operatorId: string

beforeAll(async () => {
  database = await testDatabase()
  ;({ id: operatorId } = await insertOperator(database.db, domain, 'active'))
})
afterAll(() => database.drop())

const insert = (part: Partial<NewAgent> = {}, maxPending = 1000) => {
  const { did, agentPublicKey: publicKey } = newAgent(domain)
  const expiresAt = new Date(at.getTime() + 1000)
  const agent = {
    did,
    publicKey,
    thumbprint: thumbprint(publicKey),
    label: '',
    operatorId,
    inception: undefined,
    isApproved: true,
  }
  return registerAgent(database.db.prisma, author, { ...agent, createdAt: at, expiresAt, ...part }, maxPending)
}

const suspend = (did: string, owner = operatorId) =>
  changeAgent(database.db.prisma, author, {
    operatorId: owner,
    name: { did },
    action: 'agent.suspend',
    decide: ({ status }) => changeStatus(status, 'suspend', at),
  })

const setScopes = (did: string, scopes: string[]) =>
  changeAgent(database.db.prisma, author, {
    operatorId,
    name: { did },
    action: 'agent.set-scopes',
    decide: (agent) => replaceScopes(agent, scopes, at),
  })

const count = (id: string) => database.db.prisma.agent.count({ where: { id } })

const reload = (id: string) => database.db.prisma.agent.findUniqueOrThrow({ where: { id } })

/**
 * Runs `meanwhile` after another transaction has updated the row of an agent but not committed. Commits that update as
 * soon as `meanwhile` waits for the row.
 */
async function whileChanged<T>(id: string, update: string, meanwhile: () => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: database.url })
  await client.connect()
  try {
    await client.query('BEGIN')
    await client.query(`UPDATE agents SET ${update}, version = version + 1 WHERE id = $1`, [id])
    const result = meanwhile()
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    await expect.poll(async () => (await client.query(waiting)).rowCount, { timeout: 10_000 }).toBe(1)
    await client.query('COMMIT')
    return await result
  } finally {
    await client.end()
  }
}

describe('changeAgent', () => {
  it('decides on the state that the previous transaction committed', async () => {
    const { id, did } = await insert()
    const refusal = await whileChanged(id, "status = 'revoked', revoked_at = now()", () => refusalOf(suspend(did)))
    expect(refusal).toBe('AGENT_REVOKED')
    expect(await reload(id)).toMatchObject({ status: 'revoked', epoch: 1, version: 2 })
  })

  it('ends tokens when the grant became wider while the call waited for the lock', async () => {
    const { id, did } = await insert()
    await whileChanged(id, "allowed_scopes = '{read,write}'", () => setScopes(did, ['read']))
    expect(await reload(id)).toMatchObject({ allowedScopes: ['read'], epoch: 2, version: 3 })
  })

  it('applies a suspension and a new grant that come at the same time', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { id, did } = await insert()
      await setScopes(did, ['read', 'write'])
      await Promise.all([suspend(did), setScopes(did, ['read'])])
      expect(await reload(id)).toMatchObject({ status: 'suspended', allowedScopes: ['read'], epoch: 3, version: 4 })
    }
  })

  it('suspends once when eight calls come at the same time', async () => {
    const { id, did } = await insert()
    await Promise.all(Array.from({ length: 8 }, () => suspend(did)))
    expect(await reload(id)).toMatchObject({ status: 'suspended', epoch: 2, version: 2 })
    expect(await database.db.prisma.auditLog.count({ where: { subject: did, action: 'agent.suspend' } })).toBe(1)
  })

  it("does not find another operator's agent", async () => {
    const { id, did } = await insert()
    const other = await insertOperator(database.db, 'other.example', 'active')
    expect(await refusalOf(suspend(did, other.id))).toBe('AGENT_NOT_FOUND')
    expect(await reload(id)).toMatchObject({ status: 'active', epoch: 1, version: 1 })
  })
})

describe('registerAgent', () => {
  it('answers OPERATOR_NOT_FOUND when the operator was removed after its look-up', async () => {
    expect(await refusalOf(insert({ operatorId: randomUUID() }))).toBe('OPERATOR_NOT_FOUND')
  })

  it('removes the pending agents beyond the limit that registrations at the same time have left', async () => {
    const { id } = await insertOperator(database.db, 'burst.example', 'active')
    await Promise.all(Array.from({ length: 8 }, () => insert({ operatorId: id, isApproved: false }, 2)))
    await insert({ operatorId: id, isApproved: false }, 2)
    expect(await database.db.prisma.agent.count({ where: { operatorId: id } })).toBe(2)
  })
})

describe('expirePending', () => {
  it('removes only expired pending agents, and writes an audit record', async () => {
    const due = await insert({ isApproved: false, expiresAt: at })
    const later = await insert({ isApproved: false, expiresAt: new Date(at.getTime() + 1) })
    const active = await insert()
    await database.db.prisma.agent.update({ where: { id: active.id }, data: { expiresAt: at } })
    expect(await expirePending(database.db.prisma, author, at)).toBe(false)
    expect([await count(due.id), await count(later.id), await count(active.id)]).toEqual([0, 1, 1])
    expect(await database.db.prisma.agentKey.count({ where: { agentId: due.id } })).toBe(0)
    const audit = await database.db.prisma.auditLog.findMany({ where: { subject: due.did, action: 'agent.expire' } })
    expect(audit).toMatchObject([{ actor: 'system', operatorId, outcome: 'done' }])
  })

  it('leaves an agent that another transaction is approving', async () => {
    const { id } = await insert({ isApproved: false, expiresAt: at })
    const client = new Client({ connectionString: database.url })
    await client.connect()
    await client.query('BEGIN')
    await client.query(`UPDATE agents SET status = 'active', expires_at = NULL WHERE id = $1`, [id])
    await expirePending(database.db.prisma, author, at)
    await client.query('COMMIT')
    await client.end()
    expect(await reload(id)).toMatchObject({ status: 'active' })
  })

  it('returns true after a full batch of 100', async () => {
    const { id } = await insertOperator(database.db, 'many.example', 'active')
    for (let index = 0; index < 101; index += 1) await insert({ operatorId: id, isApproved: false, expiresAt: at })
    expect(await expirePending(database.db.prisma, author, at)).toBe(true)
    expect(await expirePending(database.db.prisma, author, at)).toBe(false)
    expect(await database.db.prisma.agent.count({ where: { operatorId: id } })).toBe(0)
  })
})
