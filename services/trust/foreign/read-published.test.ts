import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  draftBetween,
  ELSEWHERE,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'
import { createKnowledge } from '../knowledge/knowledge.ts'
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
  await world.db.pool.query('UPDATE issuers SET statements_due_at = now()')
})

/** Reads pages, the last of them again and again, and returns how many were read and what is then known. */
async function read(...pages: readonly Page[]) {
  const knowledge = createKnowledge(world.db.pool)
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

describe('readPublished', () => {
  it('reads on after an empty page, because the statements on it may be of operators that are not active', async () => {
    const statement = await world.sign(guild, { ...draftBetween(guild, acme, 'member'), home: ELSEWHERE })
    const last = { statements: [{ statement, signer_epoch: 1 }], next: '' }
    const { count, problem, rows } = await read({ statements: [], next: randomUUID() }, last)
    expect({ count, problem }).toEqual({ count: 2, problem: '' })
    expect(rows).toMatchObject([{ statement, unlistedAt: null }])
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
