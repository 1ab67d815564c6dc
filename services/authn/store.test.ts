import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { silentLog, type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { openPool } from '../platform/db/db.ts'
import { REDEEM_SESSION } from './redeemer.ts'
import { hasPassed, type RedeemInput, redeem } from './store.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

it('hasPassed compares a time with the clock of the database', async () => {
  const nowS = Math.floor(Date.now() / 1000)
  expect(await hasPassed(database.db, nowS - 60)).toBe(true)
  expect(await hasPassed(database.db, nowS + 60)).toBe(false)
})

/** The part of a plan in PostgreSQL's JSON that the test reads. */
interface PlanNode {
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Plans?: readonly PlanNode[]
}

/** A redemption with a DPoP proof, of an agent that does not exist. */
const WITH_PROOF: RedeemInput = {
  challengeId: randomUUID(),
  challengeExp: 0,
  challengeKeyId: '',
  publicKey: new Uint8Array(),
  addedKid: '',
  jti: randomUUID(),
  agentId: randomUUID(),
  agentVersion: 1,
  operatorId: randomUUID(),
  operatorVersion: 1,
  timeline: 1,
  owners: [],
  keepUntil: 0,
  alg: 'EdDSA',
  purpose: 'access_token',
  actor: '',
  requestId: '',
  exchange: undefined,
  dpopId: 'proof',
  dpopKeepUntil: 0,
}

it.each<{ name: string; inputs: readonly RedeemInput[]; parameters: number }>([
  { name: 'redeem', inputs: [], parameters: 17 },
  { name: 'redeem-with-parts', inputs: [WITH_PROOF], parameters: 27 },
])('$name looks up each row by its key although its plan was made over empty tables', async (statement) => {
  const pool = openPool({ url: database.url, poolSize: 1, log: silentLog, settings: REDEEM_SESSION })
  onTestFinished(() => pool.end())
  await redeem(pool, { current: 1 }, statement.inputs)
  const parameters = Array.from({ length: statement.parameters }, () => "'{}'").join(', ')
  const { rows } = await pool.query(`EXPLAIN (FORMAT JSON) EXECUTE "${statement.name}" (${parameters})`)
  const root: PlanNode = rows[0]['QUERY PLAN'][0].Plan
  const nodes = (node: PlanNode): readonly PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodes)]
  const hasParts = statement.inputs.length > 0
  const purpose = hasParts ? '(t.purpose)::key_purpose' : "'access_token'::key_purpose"
  const reads = nodes(root).filter((node) => node['Index Cond'] !== undefined)
  expect(reads.map((node) => node['Index Name'])).toContain('operators_owner')
  expect(reads.map((node) => `${node['Relation Name']}: ${node['Index Cond']}`).toSorted()).toEqual([
    ...(hasParts ? ['agent_added_keys: ((agent_id = t.agent_id) AND (thumbprint = t.added_kid))'] : []),
    'agent_keys: (agent_id = a.id)',
    'agents: (id = t.agent_id)',
    'challenge_keys: (id = t.challenge_key_id)',
    `jwks_keys: ((purpose = ${purpose}) AND (alg = t.alg))`,
    'operators: (domain = ANY (seen.domains))',
    'operators: (id = t.operator_id)',
    ...(hasParts ? ['redemptions: (challenge_id = t.challenge_id)'] : []),
    ...(hasParts ? ['used_assertions: ((issuer = t.grant_issuer) AND (jti = t.grant_jti))'] : []),
  ])
})
