import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshOperator } from '../../../test/support/authn-agents.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { revocationProcesses } from '../../../test/support/revocation-processes.ts'
import { providerOf, tokenOfUser } from '../../../test/support/users.ts'
import { systemAuthor } from '../../ledger/ledger.ts'
import type { TokenStatus } from '../../revocation/index.ts'
import { peoplePolicies } from '../policy.ts'
import { disableUser, removeUser } from './users.ts'

const ROUNDS = 20

const database = await testDatabase()
const { db } = database
const { startProcess, stopAll } = revocationProcesses(database)
const author = systemAuthor('test')
const END = {
  disableUser: (operatorId: string, subject: string) =>
    disableUser(db.prisma, author, { operatorId, subject, reason: '' }, new Date()),
  removeUser: (operatorId: string, subject: string) =>
    removeUser(db.prisma, author, { operatorId, subject, reason: '' }),
}

beforeAll(() => db.prisma.deployment.create({ data: { issuer: 'https://auth.example' } }))
afterAll(async () => {
  await stopAll()
  await database.drop()
})

/** Verifies a token again and again. Returns when each valid verification began, by the monotonic clock. */
async function verifyUntil(
  stop: AbortSignal,
  tokenStatus: TokenStatus,
  token: TokenIdentity,
): Promise<readonly number[]> {
  const valid: number[] = []
  while (!stop.aborted) {
    const begun = performance.now()
    if ((await tokenStatus.check(token)) === undefined) valid.push(begun)
    // Memory answers without I/O, so the loop would let nothing else run.
    await nextTurn()
  }
  return valid
}

describe.each(['disableUser', 'removeUser'] as const)('%s', (call) => {
  it(`is followed by no valid verification, in ${ROUNDS} races with two processes that verify without a pause`, async () => {
    const processes = [await startProcess(2_000), await startProcess(2_000)] as const
    let before = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const { id: operatorId } = await freshOperator(db)
      const { subject } = await (await providerOf(db, operatorId)).signIn('alice')
      const token = await tokenOfUser(db, operatorId, subject)
      const stop = new AbortController()
      const verifying = processes.map(({ tokenStatus }) => verifyUntil(stop.signal, tokenStatus, token))
      await delay(5)
      await END[call](operatorId, subject)
      // The pipeline does the same before it answers a call whose policy has `endsTokens`.
      await processes[round % 2]?.settle()
      const returned = performance.now()
      await delay(5)
      stop.abort()
      const valid = (await Promise.all(verifying)).flat()
      before += valid.length
      expect(valid.filter((begun) => begun >= returned)).toEqual([])
    }
    expect(before).toBeGreaterThan(ROUNDS)
    expect(processes.every(({ paths }) => paths.memory > 0)).toBe(true)
  }, 60_000)

  it('returns only when log followers refuse the tokens, and a frozen operator may call it', () => {
    expect(peoplePolicies[call]).toMatchObject({ endsTokens: true, urgent: true, role: 'people' })
  })
})
