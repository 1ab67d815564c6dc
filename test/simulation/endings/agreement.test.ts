import { randomUUID } from 'node:crypto'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import { createRevocationState } from '@auth4agent/core/revocation/revocation-state'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { claimIssuer } from '../../../services/platform/db/claim-issuer.ts'
import { checkAtDatabase } from '../../../services/revocation/check-token.ts'
import { createLogStore } from '../../../services/revocation/log-store.ts'
import { STATUS, statusAt } from '../../../services/status-list/domain/status-bits.ts'
import { readStatuses } from '../../../services/status-list/store/read-statuses.ts'
import { recordEntries } from '../../../services/status-list/store/record-entries.ts'
import { ISSUER } from '../../support/authn.ts'
import { freshOperator, insertAgent } from '../../support/authn-agents.ts'
import { testDatabase } from '../../support/database.ts'
import { insertGrantKey } from '../../support/held-chains.ts'

const WORLDS = 30
const TOKENS = 60
const ABROAD = ['https://one.example', 'https://two.example']

const database = await testDatabase()
const { db } = database
const { pool, prisma } = db
const store = createLogStore(pool, 'test')
const query = (text: string, ...values: unknown[]) => pool.query(text, values)

/** Everything that the tokens of one world can rest on. */
interface World {
  readonly listId: string
  readonly agents: readonly { readonly id: string; readonly operatorId: string; readonly did: string }[]
  /** A user of the operator of each agent. */
  readonly users: readonly { readonly operatorId: string; readonly did: string }[]
  readonly kids: readonly string[]
  readonly edges: readonly string[]
  /** An operator of another deployment. */
  readonly stranger: string
  readonly firstEpoch: number
}
let world: World

beforeAll(() => claimIssuer(prisma, ISSUER))
afterAll(() => database.drop())

async function createWorld(): Promise<World> {
  const { firstEpoch } = await prisma.deployment.findFirstOrThrow()
  await query("UPDATE operators SET status = 'active'")
  const operators = [await freshOperator(db), await freshOperator(db)]
  const agents = await Promise.all([...operators, ...operators].map((operator) => insertAgent(db, operator)))
  const users = agents.map(({ operatorId }) => ({ operatorId, did: `user:${randomUUID()}` }))
  await prisma.user.createMany({ data: users.map(({ operatorId, did: subject }) => ({ operatorId, subject })) })
  const keys = [await insertGrantKey(db), await insertGrantKey(db)]
  const { rows } = await query(
    `INSERT INTO status_lists (id, alg, blocks, secret, timeline, first_epoch, ends_at)
     VALUES ($1, 'EdDSA', 1024, '', wal_timeline(), $2, now() + interval '1 day') RETURNING id`,
    randomUUID(),
    firstEpoch,
  )
  return {
    listId: rows[0].id,
    agents,
    users,
    kids: keys.map(({ kid }) => kid),
    edges: [randomUUID(), randomUUID()],
    stranger: randomUUID(),
    firstEpoch,
  }
}

/** The random choices of a token. An epoch of 1 is from the future. */
const token = fc.record({
  agent: fc.nat(4),
  isUser: fc.boolean(),
  kid: fc.nat(1),
  agentEpoch: fc.constantFrom(0, 0, 0, 0, 1),
  operatorEpoch: fc.constantFrom(0, 0, 0, 0, 1),
  edges: fc.subarray([0, 1]),
  rests: fc.constantFrom('', '', 'home', 'provider'),
  abroad: fc.nat(1),
})

function makeToken(chosen: typeof token extends fc.Arbitrary<infer T> ? T : never, at: number): TokenIdentity {
  const { agents, users, kids, edges, stranger, firstEpoch } = world
  const agent = (chosen.isUser ? users : agents)[chosen.agent] ?? {
    operatorId: randomUUID(),
    did: 'did:agent:nobody.example:0',
  }
  const trust = { issuer: ABROAD[chosen.abroad] ?? '', generation: 1 }
  return {
    jti: `token-${at}`,
    sub: agent.did,
    operatorId: chosen.rests === 'home' ? stranger : agent.operatorId,
    kid: kids[chosen.kid] ?? '',
    agentEpoch: 1 + chosen.agentEpoch,
    operatorEpoch: Math.max(1, firstEpoch) + chosen.operatorEpoch,
    ...(chosen.edges.length > 0 && { edges: chosen.edges.map((each) => edges[each] ?? '') }),
    ...(chosen.rests !== '' && { [chosen.rests]: trust }),
  }
}

const OPERATOR = 'UPDATE operators SET epoch = epoch + 1'
const AGENT = 'UPDATE agents SET epoch = epoch + 1'
const USER = 'UPDATE users SET epoch = epoch + 1'

/** What can end tokens. Each takes a random place, which chooses among the agents, keys, edges or tokens. */
const ENDINGS: Readonly<Record<string, (at: number, tokens: readonly TokenIdentity[]) => Promise<unknown>>> = {
  token(at, tokens) {
    const { operatorId, jti } = tokens[at % tokens.length] ?? tokens[0] ?? { operatorId: randomUUID(), jti: '' }
    return query(
      `INSERT INTO revoked_tokens (operator_id, jti, expires_at) VALUES ($1, $2, now() + interval '1 hour')
       ON CONFLICT DO NOTHING`,
      operatorId,
      jti,
    )
  },
  agent: (at) => query(`${AGENT} WHERE id = $1`, agentAt(at)?.id),
  suspendAgent: (at) => query(`${AGENT}, status = 'suspended' WHERE id = $1`, agentAt(at)?.id),
  reactivateAgent: (at) => query(`UPDATE agents SET status = 'active' WHERE id = $1`, agentAt(at)?.id),
  user: (at) => query(`${USER} WHERE subject = $1`, userAt(at)?.did),
  disableUser: (at) => query(`${USER}, status = 'disabled' WHERE subject = $1`, userAt(at)?.did),
  removeUser: (at) => query(`${USER}, status = 'removed' WHERE subject = $1`, userAt(at)?.did),
  enableUser: (at) => query(`UPDATE users SET status = 'active' WHERE subject = $1`, userAt(at)?.did),
  operator: (at) => query(`${OPERATOR} WHERE id = $1`, agentAt(at)?.operatorId),
  suspendOperator: (at) => query(`${OPERATOR}, status = 'suspended' WHERE id = $1`, agentAt(at)?.operatorId),
  key: (at) =>
    query(
      "UPDATE jwks_keys SET state = 'retired', wrapped_key = NULL, external_ref = NULL WHERE kid = $1",
      world.kids[at % 2],
    ),
  edge: (at) => query('SELECT append_ended_edges(ARRAY[$1::uuid])', world.edges[at % 2]),
  issuer: (at) => query("SELECT append_revocation('issuer', NULL, $1, 2, tokens_have_expired())", ABROAD[at % 2]),
  async deployment() {
    await query('UPDATE deployment SET first_epoch = first_epoch + 5')
    // Only a list of the new epoch reads its entries.
    await query('UPDATE status_lists SET first_epoch = (SELECT first_epoch FROM deployment)')
  },
}
const agentAt = (at: number) => world.agents[at % world.agents.length]
const userAt = (at: number) => world.users[at % world.users.length]

const NAMES = Object.keys(ENDINGS)
const place = fc.nat(TOKENS)
const choices = fc.record({
  tokens: fc.array(token, { minLength: TOKENS, maxLength: TOKENS }),
  first: place,
  endings: fc.array(fc.record({ name: fc.constantFrom(...NAMES), at: place }), { maxLength: 3 }),
})

it(`memory, verification and status list agree in ${WORLDS} random worlds on which tokens have ended`, {
  timeout: 120_000,
}, async () => {
  const seen = new Set<string>()
  let worlds = 0
  await fc.assert(
    fc.asyncProperty(choices, async ({ tokens: chosen, first, endings }) => {
      await query('TRUNCATE revocation_log, status_lists, status_entries, revoked_tokens')
      await query("UPDATE revocation_head SET compacted_through = sequence, hash = '', previous_hash = ''")
      world = await createWorld()
      const tokens = chosen.map(makeToken)
      await recordEntries(pool, tokens.map(entryOf))
      // Each kind of ending comes first in some world.
      for (const { name, at } of [{ name: NAMES[worlds % NAMES.length] ?? '', at: first }, ...endings]) {
        await ENDINGS[name]?.(at, tokens)
      }
      worlds += 1
      for (const answers of await askAll(tokens)) {
        expectAgreement(answers)
        seen.add(answers.found ?? 'valid').add(`status ${answers.status}`)
      }
    }),
    { numRuns: WORLDS, endOnFailure: true },
  )
  expect([...seen].toSorted()).toEqual([
    'AGENT_TOKENS_ENDED',
    'ISSUER_DISABLED',
    'OPERATOR_TOKENS_ENDED',
    'TOKEN_REVOKED',
    'TRUST_ENDED',
    'UNKNOWN_KEY',
    'status 0',
    'status 1',
    'status 2',
    'valid',
  ])
})

function entryOf(each: TokenIdentity, index: number) {
  const exp = Math.floor(Date.now() / 1_000) + 600
  const chained = each.home !== undefined && { chained: {} as never }
  return { listId: world.listId, index, ends: { exp, lookups: [each], ...chained } }
}

/** What each place answers about a token. */
interface Answers {
  readonly token: TokenIdentity
  readonly agent: AgentNow | undefined
  /** The verdict of the database. */
  readonly found: Verdict | undefined
  /** The verdict of a memory that has the whole log. */
  readonly remembered: Verdict | undefined
  /** The status in the list. */
  readonly status: number
}

async function askAll(tokens: readonly TokenIdentity[]): Promise<readonly Answers[]> {
  const agents = await readAgents()
  const memory = createRevocationState()
  for (const record of await store.recordsAfter(0, 1_000)) memory.apply(record)
  const list = await readStatuses(pool, world.listId)
  const found = await Promise.all(tokens.map(verdictAtDatabase))
  return tokens.map((each, index) => ({
    token: each,
    agent: agents.get(each.sub),
    found: found[index],
    remembered: memory.lookup(each),
    status: statusAt(list?.bits ?? Buffer.alloc(0), index),
  }))
}

function expectAgreement({ token: each, agent, found, remembered, status }: Answers): void {
  const hasEnded = found !== undefined
  const isValid = status === STATUS.valid
  // No token of a server has an epoch from the future, or neither an agent nor a user. The database refuses it, and no
  // list calls it valid.
  if (isAhead(each, agent)) expect([each, hasEnded, isValid]).toEqual([each, true, false])
  else if (isIssued(each)) expect([each, remembered, isValid]).toEqual([each, found, !hasEnded])
  else expect([each, remembered !== undefined && !hasEnded, isValid && hasEnded]).toEqual([each, false, false])
  if (status !== STATUS.suspended) return
  expect(agent?.suspended).toBe(true)
  if (isIssued(each)) expect(['AGENT_TOKENS_ENDED', 'OPERATOR_TOKENS_ENDED']).toContain(found)
}

/** Tells whether the epochs of a token were those of its world when it began. */
function isIssued({ agentEpoch, operatorEpoch }: TokenIdentity): boolean {
  return agentEpoch === 1 && operatorEpoch === Math.max(1, world.firstEpoch)
}

async function verdictAtDatabase(each: TokenIdentity): Promise<Verdict | undefined> {
  return (await checkAtDatabase(pool, [each])).answer?.verdict
}

interface AgentNow {
  readonly did: string
  readonly agentEpoch: number
  readonly operatorEpoch: number
  readonly suspended: boolean
}

async function readAgents(): Promise<ReadonlyMap<string, AgentNow>> {
  const { rows } = await pool.query<AgentNow>(`SELECT did, a.epoch AS "agentEpoch",
      greatest(o.epoch, (SELECT first_epoch FROM deployment)) AS "operatorEpoch",
      a.status = 'suspended' OR o.status = 'suspended' AS suspended
    FROM (
      SELECT operator_id, did, epoch, status::text FROM agents UNION ALL SELECT operator_id, subject, epoch, '' FROM users
    ) a JOIN operators o ON o.id = a.operator_id`)
  return new Map(rows.map((row) => [row.did, row]))
}

/** Tells whether a token of this deployment has an epoch from the future, or neither an agent nor a user. */
function isAhead(each: TokenIdentity, now: AgentNow | undefined): boolean {
  if (each.home !== undefined) return false
  return now === undefined || each.agentEpoch > now.agentEpoch || each.operatorEpoch > now.operatorEpoch
}
