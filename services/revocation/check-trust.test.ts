import { randomUUID } from 'node:crypto'
import type { TokenIdentity, TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import { trustOf } from '@auth4agent/core/token/token-identity'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { revocationProcesses } from '../../test/support/revocation-processes.ts'
import { endTrust, newTrust, type TestTrust, TRUST_ENDS } from '../../test/support/trust-records.ts'

const database = await testDatabase()
const { pool } = database.db
const { startProcess, stopAll, tokenOfNewOperator, suspend } = revocationProcesses(database)

beforeAll(() => database.db.prisma.deployment.create({ data: { issuer: 'https://auth.example' } }))
afterEach(stopAll)
afterAll(() => database.drop())

const basisOf = ({ chained: { edges, home } }: TestTrust, authors: readonly TokenIdentity[] = []): TrustBasis => ({
  issuers: [
    { issuer: `https://${randomUUID()}.example`, generation: 1 },
    { issuer: home.iss, generation: home.generation },
  ],
  edges,
  authors: authors.map(({ operatorId, operatorEpoch: epoch }) => ({ operatorId, epoch })),
})
const NOTHING: TrustBasis = { issuers: [], edges: [], authors: [] }

describe.each([
  ['under a lease', 2_000, { memory: 3, database: 0 }],
  ['without leases', undefined, { memory: 0, database: 3 }],
])('tokenStatus.checkTrust %s', (_, leaseMs, paths) => {
  it.each(TRUST_ENDS)('answers %s after a record of the kind %s', async (verdict, kind) => {
    const process = await startProcess(leaseMs)
    const [trust, other] = [newTrust(), newTrust()]
    expect(await process.tokenStatus.checkTrust(basisOf(trust))).toBeUndefined()
    await endTrust(pool, kind, trust)
    expect(await process.tokenStatus.checkTrust(basisOf(trust))).toBe(verdict)
    expect(await process.tokenStatus.checkTrust(basisOf(other))).toBeUndefined()
    expect(process.paths).toEqual(paths)
  })

  it('answers TRUST_ENDED when one of the authors has ended all its tokens, until the edges are read again', async () => {
    const process = await startProcess(leaseMs)
    const [one, other] = [await tokenOfNewOperator(), await tokenOfNewOperator()]
    const before = basisOf(newTrust(), [one, other])
    expect(await process.tokenStatus.checkTrust(before)).toBeUndefined()
    await suspend(other)
    await process.settle()
    expect(await process.tokenStatus.checkTrust(before)).toBe('TRUST_ENDED')
    const later = { ...other, operatorEpoch: other.operatorEpoch + 1 }
    expect(await process.tokenStatus.checkTrust(basisOf(newTrust(), [one, later]))).toBeUndefined()
    expect(process.paths).toEqual(paths)
  })

  it('does not take the generation of an issuer for that of an edge', async () => {
    const process = await startProcess(leaseMs)
    const trust = newTrust()
    await endTrust(pool, 'issuer', trust)
    expect(await process.tokenStatus.checkTrust({ ...NOTHING, edges: [trust.issuer] })).toBeUndefined()
    const later = [{ issuer: trust.issuer, generation: 2 }]
    expect(await process.tokenStatus.checkTrust({ ...NOTHING, issuers: later })).toBeUndefined()
    expect(await process.tokenStatus.checkTrust(NOTHING)).toBeUndefined()
  })
})

describe.each([
  ['under a lease', 2_000],
  ['without leases', undefined],
])('tokenStatus.check %s, of a token that was issued through trust,', (_, leaseMs) => {
  it.each(TRUST_ENDS)('answers %s after a record of the kind %s', async (verdict, kind) => {
    const process = await startProcess(leaseMs)
    const trust = newTrust()
    const bare = await tokenOfNewOperator()
    const token = { ...bare, ...trustOf(trust.chained) }
    for (let time = 0; time < 2; time += 1) expect(await process.tokenStatus.check(token)).toBeUndefined()
    await endTrust(pool, kind, trust)
    expect(await process.tokenStatus.check(token)).toBe(verdict)
    expect(await process.tokenStatus.checkAll([bare, token])).toEqual({ index: 1, verdict })
    expect(process.paths).toEqual(leaseMs === undefined ? { memory: 0, database: 4 } : { memory: 3, database: 1 })
  })

  it('names the first of several tokens that has ended, whatever has ended it', async () => {
    const process = await startProcess(leaseMs)
    const [trust, other] = [newTrust(), await tokenOfNewOperator()]
    const token = { ...(await tokenOfNewOperator()), ...trustOf(trust.chained) }
    await endTrust(pool, 'edge', trust)
    await suspend(other)
    await process.settle()
    const [first, second] = [
      { index: 0, verdict: 'TRUST_ENDED' },
      { index: 0, verdict: 'OPERATOR_TOKENS_ENDED' },
    ]
    expect(await process.tokenStatus.checkAll([token, other])).toEqual(first)
    expect(await process.tokenStatus.checkAll([other, token])).toEqual(second)
  })
})

describe('tokenStatus.checkTrust at the database', () => {
  it.each<[string, (author: TokenIdentity) => TokenIdentity]>([
    ['an author that does not exist', (author) => ({ ...author, operatorId: randomUUID() })],
    ['an epoch of an author from the future', (author) => ({ ...author, operatorEpoch: author.operatorEpoch + 1 })],
    ['an epoch of an author from the past', (author) => ({ ...author, operatorEpoch: author.operatorEpoch - 1 })],
  ])('answers TRUST_ENDED for %s', async (_name, change) => {
    const { tokenStatus } = await startProcess(undefined)
    const author = await tokenOfNewOperator()
    expect(await tokenStatus.checkTrust(basisOf(newTrust(), [author]))).toBeUndefined()
    expect(await tokenStatus.checkTrust(basisOf(newTrust(), [change(author)]))).toBe('TRUST_ENDED')
  })

  it('compares the epoch of an author with that of the deployment, after all tokens of the deployment ended', async () => {
    const { tokenStatus } = await startProcess(undefined)
    const author = await tokenOfNewOperator()
    await pool.query('UPDATE deployment SET first_epoch = $1', [author.operatorEpoch + 5])
    expect(await tokenStatus.checkTrust(basisOf(newTrust(), [author]))).toBe('TRUST_ENDED')
    const later = { ...author, operatorEpoch: author.operatorEpoch + 5 }
    expect(await tokenStatus.checkTrust(basisOf(newTrust(), [later]))).toBeUndefined()
    await pool.query('UPDATE deployment SET first_epoch = 1')
  })
})

it.each([
  ['under a lease', 2_000],
  ['without leases', undefined],
])('tokenStatus.checkTrust does not answer, %s, while the clock of the process is 320 s behind', async (_, leaseMs) => {
  const process = await startProcess(leaseMs, true, () => Date.now() - 320_000)
  await expect(process.tokenStatus.checkTrust(NOTHING)).rejects.toMatchObject({ reason: 'UNAVAILABLE' })
})

it.each([
  ['answers after the expiry of', "now() - interval '1 second'", true],
  ['answers 503 while the log has, beside an expired one,', 'tokens_have_expired()', false],
])('tokenStatus %s a record of a kind that this version does not know', async (_, expiresAt, answers) => {
  const { tokenStatus } = await startProcess(undefined)
  const token = await tokenOfNewOperator()
  await pool.query(`SELECT append_revocation('future', NULL, 'x', 0, ${expiresAt})`)
  for (const check of [() => tokenStatus.check(token), () => tokenStatus.checkTrust(NOTHING)]) {
    const refusal = { reason: 'UNAVAILABLE', message: expect.stringContaining('does not know') }
    if (answers) expect(await check()).toBeUndefined()
    else await expect(check()).rejects.toMatchObject(refusal)
  }
})
