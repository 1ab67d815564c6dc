import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { insertOperator, newAgent } from '../../test/support/identity.ts'
import { claimIssuer } from '../platform/db/claim-issuer.ts'
import { toApiError } from '../platform/errors/api-error.ts'
import { changeStatus, type StatusVerb } from './domain/change-status.ts'
import { registerAgent } from './register-agent.ts'
import { changeAgent } from './store.ts'

const author = { principal: { kind: 'system' }, requestId: 'request-1' } as const
const at = new Date('2026-01-15T10:30:00Z')
const expiresAt = new Date('2026-01-16T10:30:00Z')
const ISSUER = 'https://auth.example.com'
const MOST = 3

let database: TestDatabase
let operatorId: string
let number = 0

beforeAll(async () => {
  database = await testDatabase()
  await claimIssuer(database.db.prisma, ISSUER, MOST)
})
afterAll(() => database.drop())
beforeEach(async () => {
  number += 1
  ;({ id: operatorId } = await insertOperator(database.db, `acme${number}.example`, 'active'))
})

async function register(isApproved = true): Promise<string> {
  const { did, agentPublicKey: publicKey } = newAgent(`acme${number}.example`)
  const agent = { did, publicKey, thumbprint: thumbprint(publicKey), label: '', inception: undefined }
  const times = { createdAt: at, expiresAt }
  await registerAgent(database.db.prisma, author, { ...agent, ...times, operatorId, isApproved }, 100)
  return did
}
const apply = (did: string, verb: StatusVerb) =>
  changeAgent(database.db.prisma, author, {
    operatorId,
    name: { did },
    action: `agent.${verb}`,
    decide: ({ status }) => changeStatus(status, verb, at),
  })
/** Returns the reason of a refusal as the pipeline tells it. */
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => toApiError(error).reason,
  )
const counted = async () => {
  const [row] = await database.db.prisma.operatorTotal.findMany({ where: { operatorId, what: 'agents' } })
  return Number(row?.amount ?? 0)
}
const rows = () => database.db.prisma.agent.count({ where: { operatorId, status: { not: 'pending' } } })

describe('the largest number of agents of an operator', () => {
  it('refuses one more with TOO_MANY_AGENTS, and stores nothing of it', async () => {
    for (let done = 0; done < MOST; done += 1) await register()
    expect(await reasonOf(register())).toBe('TOO_MANY_AGENTS')
    expect([await rows(), await counted()]).toEqual([MOST, MOST])
  })

  it('holds exactly when eight agents are registered at the same time', async () => {
    const reasons = await Promise.all(Array.from({ length: 8 }, () => reasonOf(register())))
    expect(reasons.filter((reason) => reason === undefined)).toHaveLength(MOST)
    expect(reasons.filter((reason) => reason === 'TOO_MANY_AGENTS')).toHaveLength(8 - MOST)
    expect([await rows(), await counted()]).toEqual([MOST, MOST])
  })

  it('counts revoked agents, because they stay', async () => {
    const dids = [await register(), await register(), await register()]
    await apply(dids[0] ?? '', 'revoke')
    expect(await reasonOf(register())).toBe('TOO_MANY_AGENTS')
  })

  it('counts a pending agent when it is approved, and refuses the approval', async () => {
    const pending = [await register(false), await register(false), await register(false), await register(false)]
    expect(await counted()).toBe(0)
    for (const did of pending.slice(0, MOST)) await apply(did, 'approve')
    expect(await reasonOf(apply(pending[MOST] ?? '', 'approve'))).toBe('TOO_MANY_AGENTS')
    expect(await counted()).toBe(MOST)
  })

  it('never refuses to suspend, to revoke, or to reactivate', async () => {
    const dids = [await register(), await register(), await register()]
    const pending = await register(false)
    await apply(pending, 'revoke')
    await apply(dids[0] ?? '', 'suspend')
    await apply(dids[0] ?? '', 'reactivate')
    await apply(dids[1] ?? '', 'revoke')
    expect(await counted()).toBe(MOST + 1)
    expect(await reasonOf(register())).toBe('TOO_MANY_AGENTS')
  })

  it('is that of each operator, and follows the setting of the newest start', async () => {
    for (let done = 0; done < MOST; done += 1) await register()
    await claimIssuer(database.db.prisma, ISSUER, MOST + 1)
    await register()
    await claimIssuer(database.db.prisma, ISSUER, MOST)
    expect(await reasonOf(register())).toBe('TOO_MANY_AGENTS')
  })
})
