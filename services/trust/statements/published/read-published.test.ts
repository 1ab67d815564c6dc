import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { knowledgeOf } from '../../../../test/support/trust/knowledge.ts'
import {
  draftBetween,
  ELSEWHERE,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../../test/support/trust/put-statements.ts'
import { COUNTING } from '../../decide/read-statements.ts'
import { verifyTrustStatement } from '../domain/verify-statement.ts'
import { readPublished } from './read-published.ts'

interface Page {
  readonly statements: readonly unknown[]
  readonly next: string
}

let world: TrustWorld
let guild: TrustOperator
let acme: TrustOperator

beforeAll(async () => {
  world = await startTrustWorld()
  // The database has its own clock.
  world.clock.now = Date.now()
  guild = await world.operator('guild.test')
  acme = await world.operator('acme.test')
  await world.db.pool.query(
    `INSERT INTO issuers (id, issuer, kind, token_type, jwks_uri, revocation_mode, max_token_ttl, max_staleness_ms)
     VALUES ($1, $2, 'auth4agent', 'at+jwt', '', 'log', 300, 5000)`,
    [randomUUID(), ELSEWHERE],
  )
})
afterAll(() => world.drop())
beforeEach(async () => {
  await world.db.pool.query('UPDATE issuers SET statements_due_at = to_timestamp(0)')
})

/** Reads pages, the last of them again and again, and returns how many were read and what is then known. */
async function read(...pages: readonly Page[]) {
  const knowledge = knowledgeOf(world.db.pool)
  await knowledge.refresh()
  let count = 0
  await readPublished({
    ...world.deps,
    knowledge,
    log: { warn: () => undefined },
    authorize: async () => 'Bearer assertion',
    outbound: {
      async get() {
        const body = new TextEncoder().encode(JSON.stringify(pages[Math.min(count, pages.length - 1)]))
        count += 1
        return { status: 200, mediaType: 'application/json', body, maxAgeS: undefined, date: undefined }
      },
    },
  })
  const { statementsProblem: problem } = await world.db.prisma.issuer.findUniqueOrThrow({
    where: { issuer: ELSEWHERE },
  })
  return { count, problem, rows: await world.db.prisma.trustStatement.findMany({ where: { home: ELSEWHERE } }) }
}

const readAgain = async (page: Page) => {
  await world.db.pool.query('UPDATE issuers SET statements_due_at = to_timestamp(0)')
  return read(page)
}

let version = 1

async function listedAbout(subject: TrustOperator) {
  version += 1
  const draft = { ...draftBetween(guild, subject, 'member'), home: ELSEWHERE }
  const statement = await world.sign(guild, draft, { version })
  return { entry: { statement, signer_epoch: 1 }, statement }
}

async function listed() {
  const { entry, statement } = await listedAbout(acme)
  return { page: { statements: [entry], next: '' }, statement }
}

/** Stores the proof that the domain of guild belongs to the other deployment. */
async function proveGuild(text: string): Promise<void> {
  const verified = verifyTrustStatement(text)
  if (!verified.ok) throw new Error(verified.text)
  await world.db.pool.query(
    `INSERT INTO issuer_domains (issuer_id, domain, operator_id, thumbprint, proven_at)
     SELECT id, $2, $3, $4, now() FROM issuers WHERE issuer = $1 ON CONFLICT DO NOTHING`,
    [ELSEWHERE, verified.statement.domain, verified.statement.iss, verified.thumbprint],
  )
}

const records = () => world.db.prisma.auditLog.count({ where: { action: { in: ['trust.read', 'trust.unlist'] } } })

async function countingEdges(): Promise<number> {
  const text = `SELECT FROM (${COUNTING}) counting WHERE "from" LIKE $1`
  return (await world.db.pool.query(text, [`${ELSEWHERE} %`])).rowCount ?? 0
}

describe('readPublished', () => {
  it('reads on after an empty page, because the statements on it may be of operators that are not active', async () => {
    const statement = await world.sign(guild, { ...draftBetween(guild, acme, 'member'), home: ELSEWHERE })
    const last = { statements: [{ statement, signer_epoch: 1 }], next: '' }
    const { count, problem, rows } = await read({ statements: [], next: randomUUID() }, last)
    expect({ count, problem }).toEqual({ count: 2, problem: '' })
    expect(rows).toMatchObject([{ statement, unlistedAt: null }])
  })

  it('lets a statement count for half an hour after the last whole list', async () => {
    const { page, statement } = await listed()
    await proveGuild(statement)
    await read(page)
    expect(await countingEdges()).toBe(1)
    await world.db.pool.query("UPDATE issuers SET statements_as_of = now() - interval '31 minutes'")
    expect(await countingEdges()).toBe(0)
    // A list that breaks off proves nothing.
    await read({ statements: [], next: randomUUID() })
    expect(await countingEdges()).toBe(0)
    await world.db.pool.query('UPDATE issuers SET statements_due_at = to_timestamp(0)')
    await read(page)
    expect(await countingEdges()).toBe(1)
  })

  it('does not let a statement count that is no longer listed, until it is listed again', async () => {
    const { page, statement } = await listed()
    await proveGuild(statement)
    await read(page)
    await readAgain({ statements: [], next: '' })
    expect(await countingEdges()).toBe(0)
    await readAgain(page)
    expect(await countingEdges()).toBe(1)
  })

  it('writes one audit record for all changes of a list, and none without a change', async () => {
    const statements = []
    for (const name of ['one.test', 'two.test', 'three.test']) {
      const operator = await world.operator(name)
      statements.push((await listedAbout(operator)).entry)
    }
    await readAgain({ statements: [], next: '' })
    const before = await records()
    await readAgain({ statements, next: '' })
    await readAgain({ statements, next: '' })
    expect(await records()).toBe(before + 1)
    await readAgain({ statements: [], next: '' })
    expect(await records()).toBe(before + 2)
  })

  it('writes into the audit which signer has a new epoch', async () => {
    const { entry } = await listedAbout(await world.operator('four.test'))
    await readAgain({ statements: [entry], next: '' })
    await readAgain({ statements: [{ ...entry, signer_epoch: 7 }], next: '' })
    const reasons = (await world.audit()).map(({ reason }) => reason)
    expect(reasons).toContain(`1 statements, epoch of ${guild.id} is 7`)
  })

  it('stores no statement from the future, because it would take the place of an earlier version', async () => {
    version += 1
    const draft = { ...draftBetween(guild, acme, 'member'), home: ELSEWHERE }
    const statement = await world.sign(guild, draft, { version, nowS: Math.floor(world.clock.now / 1_000) + 41 })
    const { problem, rows } = await readAgain({ statements: [{ statement, signer_epoch: 1 }], next: '' })
    expect(problem).toBe('iat of a listed statement is in the future')
    expect(rows.map((row) => row.statement)).not.toContain(statement)
  })

  it('deletes a statement that has not counted for a week, but no statement of this deployment', async () => {
    const { page } = await listed()
    await read(page)
    await readAgain({ statements: [], next: '' })
    await world.db.pool.query("UPDATE trust_statements SET unlisted_at = now() - interval '8 days' WHERE home = $1", [
      ELSEWHERE,
    ])
    const { rows } = await readAgain({ statements: [], next: '' })
    expect(rows).toEqual([])
    await world
      .as(guild.id)
      .putTrustStatement({ id: guild.id, statement: await world.sign(guild, draftBetween(guild, acme)) })
    await expect(world.db.pool.query('DELETE FROM trust_statements')).rejects.toThrow(/append/)
  })

  it('stops after 100 pages', async () => {
    const { count, problem } = await read({ statements: [], next: randomUUID() })
    expect({ count, problem }).toEqual({ count: 100, problem: 'MALFORMED' })
  })

  it('refuses a page with a text that is too long for a statement', async () => {
    const page = { statements: [{ statement: 'a'.repeat(8_193), signer_epoch: 1 }], next: '' }
    expect(await read(page)).toMatchObject({ count: 1, problem: 'MALFORMED' })
  })
})
