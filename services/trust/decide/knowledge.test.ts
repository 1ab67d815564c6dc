import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import {
  draftBetween,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'
import { createKnowledge, type Knowledge } from './knowledge.ts'
import type { KnownGraph } from './known-graph.ts'

const AUDIENCE = { text: 'https://api.cargo.test', host: 'api.cargo.test' }

let world: TrustWorld
let cargo: TrustOperator
let acme: TrustOperator
let dock: TrustOperator
let knowledge: Knowledge
let asked: { statements: number; owner: number }
/** The id of the operator that owns the audience. */
let owns: string

beforeAll(async () => {
  world = await startTrustWorld()
  world.clock.now = Date.now()
  cargo = await world.operator('cargo.test')
  acme = await world.operator('acme.test')
  dock = await world.operator('dock.test')
  await put(acme)
})
afterAll(() => world.drop())

beforeEach(() => {
  asked = { statements: 0, owner: 0 }
  owns = cargo.id
  const { pool } = world.db
  const query: typeof pool.query = pool.query.bind(pool)
  vi.spyOn(pool, 'query').mockImplementation((...given: Parameters<typeof query>) => {
    asked.statements += JSON.stringify(given[0]).includes('trust-between') ? 1 : 0
    return query(...given)
  })
  const lookupAudienceOwner = async () => {
    asked.owner += 1
    return { operatorId: owns, rules: [] }
  }
  knowledge = createKnowledge({ pool, operators: { lookupAudienceOwner } })
  return () => void vi.restoreAllMocks()
})

async function put(subject: TrustOperator, kind: 'lets-call' | 'accepts-members-of' = 'lets-call') {
  const statement = await world.sign(cargo, draftBetween(cargo, subject, kind))
  await world.as(cargo.id).putTrustStatement({ id: cargo.id, statement })
  // The column holds milliseconds, and now() rounded up to one would lie ahead.
  await world.db.pool.query("UPDATE trust_statements SET not_before = now() - interval '1 second'")
}

/** Counts the edges between cargo and a caller. Zero is a no. */
async function edges(caller: TrustOperator, rows = knowledge.remembered): Promise<number> {
  return (await rows.statements(cargo.id, caller.id, countEdges)).count
}

const countEdges = ({ graph: { edges: found } }: KnownGraph) => ({ ok: found.length > 0, count: found.length })

it('reads the statements between two parties once, by one query', async () => {
  expect([await edges(acme), await edges(acme)]).toEqual([1, 1])
  expect(asked.statements).toBe(1)
  expect(await edges(acme, knowledge.current)).toBe(1)
  expect(asked.statements).toBe(2)
})

it('reads them again for each no, and sees what was put since', async () => {
  expect([await edges(dock), await edges(dock)]).toEqual([0, 0])
  expect(asked.statements).toBe(2)
  await put(dock)
  expect([await edges(dock), await edges(dock)]).toEqual([1, 1])
  expect(asked.statements).toBe(3)
})

it('reads nothing that the owner says about another caller', async () => {
  await put(dock, 'accepts-members-of')
  expect([await edges(acme), await edges(dock)]).toEqual([2, 2])
})

/** Asks who owns the audience. */
const owner = async (rows = knowledge.remembered) =>
  (await rows.owner(AUDIENCE, ({ operatorId }) => ({ ok: operatorId === owns, operatorId }))).operatorId

it('asks for the owner of an audience once', async () => {
  expect([await owner(), await owner()]).toEqual([cargo.id, cargo.id])
  expect(asked.owner).toBe(1)
  await owner(knowledge.current)
  expect(asked.owner).toBe(2)
})

it('never says no by a remembered owner', async () => {
  owns = ''
  expect(await owner()).toBe('')
  owns = dock.id
  expect([await owner(), await owner()]).toEqual([dock.id, dock.id])
  expect(asked.owner).toBe(2)
})

it.each([
  ['statements', 60_000, 1],
  ['the owner', 5_000, 0],
] as const)('forgets %s after %i ms', async (_what, ms, statements) => {
  await Promise.all([edges(acme), owner()])
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: Date.now() + ms })
  await Promise.all([edges(acme), owner()])
  vi.useRealTimers()
  expect(asked).toEqual({ statements: 1 + statements, owner: 2 })
})
