import { randomUUID } from 'node:crypto'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { revocationProcesses } from '../../test/support/revocation-processes.ts'

const database = await testDatabase()
const { pool } = database.db
const { startProcess, stopAll, tokenOfNewOperator, suspend } = revocationProcesses(database)

afterEach(stopAll)
afterAll(() => database.drop())

describe('connectRevocations without NATS', () => {
  it('lets every process refuse an ended token when the call returns, without waiting for a lease', async () => {
    const processes = await Promise.all([startProcess(2_000), startProcess(2_000), startProcess(2_000, false)])
    for (let round = 0; round < 20; round += 1) {
      const token = await tokenOfNewOperator()
      for (const { tokenStatus } of processes) expect(await tokenStatus.check(token)).toBeUndefined()
      await suspend(token)
      await processes[round % 3]?.settle()
      for (const { tokenStatus } of processes) expect(await tokenStatus.check(token)).toBe('OPERATOR_TOKENS_ENDED')
    }
    const [one, two, three] = processes
    // Each process asks the database once, for an agent that it has not seen yet.
    expect(one?.paths).toEqual({ memory: 20, database: 20 })
    expect(two?.paths).toEqual({ memory: 20, database: 20 })
    expect(three?.paths).toEqual({ memory: 0, database: 40 })
    expect(processes.flatMap(({ waits }) => waits).map(({ ranOut }) => ranOut)).toEqual(Array(20).fill(0))
  })

  it('answers every check from the database when leases are off', async () => {
    const process = await startProcess(undefined)
    const token = await tokenOfNewOperator()
    await suspend(token)
    expect(await process.tokenStatus.check(token)).toBe('OPERATOR_TOKENS_ENDED')
    expect(process.paths).toEqual({ memory: 0, database: 1 })
  })

  describe.each([
    ['under a lease', 2_000],
    ['without leases', undefined],
  ])('tokenStatus.check %s', (_, leaseMs) => {
    it.each<[string, Partial<TokenIdentity>, string | undefined]>([
      ['an unchanged token', {}, undefined],
      ['an unknown agent', { sub: 'did:agent:nobody' }, 'AGENT_TOKENS_ENDED'],
      ['an unknown operator', { operatorId: randomUUID() }, 'OPERATOR_TOKENS_ENDED'],
      ["an agent's epoch from the future", { agentEpoch: 2 }, 'AGENT_TOKENS_ENDED'],
      ["an operator's epoch from the future", { operatorEpoch: 1_000 }, 'OPERATOR_TOKENS_ENDED'],
      ["an agent's epoch from the past", { agentEpoch: 0 }, 'AGENT_TOKENS_ENDED'],
      ["an operator's epoch from the past", { operatorEpoch: 0 }, 'OPERATOR_TOKENS_ENDED'],
    ])('gives %s the same verdict before and after the genuine token is checked', async (_name, forged, verdict) => {
      const { tokenStatus } = await startProcess(leaseMs)
      const token = await tokenOfNewOperator()
      expect(await tokenStatus.check({ ...token, ...forged })).toBe(verdict)
      expect(await tokenStatus.check(token)).toBeUndefined()
      expect(await tokenStatus.check({ ...token, ...forged })).toBe(verdict)
    })
  })

  describe.each([
    ['under a lease', 2_000],
    ['without leases', undefined],
  ])('tokenStatus.checkAll %s', (_, leaseMs) => {
    it.each([0, 1, 2])('names the token at index %i when its operator ends all tokens', async (index) => {
      const process = await startProcess(leaseMs)
      const tokens = [await tokenOfNewOperator(), await tokenOfNewOperator(), await tokenOfNewOperator()]
      for (let time = 0; time < 2; time += 1) expect(await process.tokenStatus.checkAll(tokens)).toBeUndefined()
      const ended = tokens[index]
      if (ended === undefined) throw new RangeError('There is no such token')
      await suspend(ended)
      await process.settle()
      expect(await process.tokenStatus.checkAll(tokens)).toEqual({ index, verdict: 'OPERATOR_TOKENS_ENDED' })
      expect(process.paths).toEqual(leaseMs === undefined ? { memory: 0, database: 3 } : { memory: 2, database: 1 })
    })

    it('asks the database about all tokens, once, if it has not confirmed one of them', async () => {
      const process = await startProcess(leaseMs)
      const [one, other] = [await tokenOfNewOperator(), await tokenOfNewOperator()]
      expect(await process.tokenStatus.check(one)).toBeUndefined()
      const forged = { ...other, agentEpoch: 2 }
      expect(await process.tokenStatus.checkAll([one, forged])).toEqual({ index: 1, verdict: 'AGENT_TOKENS_ENDED' })
      expect(process.paths).toEqual({ memory: 0, database: 2 })
      expect(await process.tokenStatus.checkAll([one, other])).toBeUndefined()
    })
  })

  it('answers from memory for an agent that the database has confirmed, until an epoch rises', async () => {
    const process = await startProcess(2_000)
    const token = await tokenOfNewOperator()
    for (let time = 0; time < 5; time += 1) expect(await process.tokenStatus.check(token)).toBeUndefined()
    expect(process.paths).toEqual({ memory: 4, database: 1 })
    await suspend(token)
    await process.settle()
    const later = { ...token, operatorEpoch: token.operatorEpoch + 1 }
    expect(await process.tokenStatus.check(token)).toBe('OPERATOR_TOKENS_ENDED')
    expect(await process.tokenStatus.check(later)).toBeUndefined()
    expect(await process.tokenStatus.check(later)).toBeUndefined()
    expect(process.paths).toEqual({ memory: 6, database: 2 })
  })

  it('waits only once for the lease of a dead log follower', async () => {
    const process = await startProcess(500)
    const token = await tokenOfNewOperator()
    await pool.query(`INSERT INTO verifiers (incarnation, name, lease_ms) VALUES ($1, 'dead', 500)`, [randomUUID()])
    await suspend(token)
    await process.settle()
    await process.settle()
    expect(process.waits.map(({ ranOut }) => ranOut)).toEqual([1, 0])
  })

  it('settles while a verification waits for a connection to the database', async () => {
    const process = await startProcess(undefined)
    const token = await tokenOfNewOperator()
    const busy = await process.checkPool.connect()
    let isAnswered = false
    const answer = process.tokenStatus.check(token).finally(() => {
      isAnswered = true
    })
    try {
      for (let wait = 0; wait < 5; wait += 1) await process.settle()
      expect(isAnswered).toBe(false)
    } finally {
      busy.release()
    }
    expect(await answer).toBeUndefined()
  })

  it.each([
    ['under a lease', 2_000],
    ['without leases', undefined],
  ])('answers no verification, %s, while the clock of the process is 320 s behind', async (_, leaseMs) => {
    let behindMs = 320_000
    const process = await startProcess(leaseMs, true, () => Date.now() - behindMs)
    const token = await tokenOfNewOperator()
    const wrong = { reason: 'UNAVAILABLE', message: expect.stringContaining('320 s behind') }
    await expect(process.tokenStatus.check(token)).rejects.toMatchObject(wrong)
    behindMs = 0
    // The lease began while the wall clock was wrong. It is still valid by the monotonic clock, but it has run out by
    // the wall clock.
    expect(await process.tokenStatus.check(token)).toBeUndefined()
  })

  it('removes its lease row when the process stops', async () => {
    await startProcess(2_000)
    await stopAll()
    expect((await pool.query('SELECT 1 FROM verifiers')).rowCount).toBe(0)
  })
})
