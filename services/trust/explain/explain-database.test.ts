import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ExplainTrustRequestSchema, ExportTrustGraphRequestSchema } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { CAUSE } from '../../../test/support/cause.ts'
import { adminPrincipal, operatorPrincipal } from '../../../test/support/principals.ts'
import {
  draftBetween,
  ELSEWHERE,
  HOME,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'
import type { Principal } from '../../calls/call.ts'
import { createKnowledge } from '../decide/knowledge.ts'
import { exportGraph } from '../graph/export-graph.ts'
import { explainTrust } from './explain-trust.ts'
import { explainRows } from './rows.ts'

const ASSERTION = { jti: 'assertion-1', expiresAt: 2_000_000_000 }
const ADMIN = adminPrincipal(ASSERTION)
const BOLT = 'b0000000-0000-8000-8000-000000000001'
const BOLT_EDGE = 'e0000000-0000-8000-8000-00000000000b'
const CLOSE = 'c0000000-0000-8000-8000-00000000000c'
let world: TrustWorld
let cargo: TrustOperator
let acme: TrustOperator
let dock: TrustOperator

beforeAll(async () => {
  world = await startTrustWorld()
  // The database compares times with its own clock.
  world.clock.now = Date.now()
  cargo = await world.operator('cargo.test')
  acme = await world.operator('acme.test')
  dock = await world.operator('dock.test')
  await world.db.pool.query(
    `INSERT INTO issuers (id, issuer, kind, algorithms, token_type, jwks_uri, revocation_mode, max_token_ttl, max_staleness_ms, keys_as_of)
     VALUES ($1, $2, 'auth4agent', '{EdDSA}', 'at+jwt', '', 'none', 300, 5000, now())`,
    [CLOSE, ELSEWHERE],
  )
})
afterAll(() => world.drop())

const boltThere = { subHome: ELSEWHERE, sub: BOLT, subDomain: 'bolt.example' }

async function put(by: TrustOperator, about: object, content: object = {}) {
  const statement = await world.sign(by, { ...draftBetween(by, dock), ...about }, content)
  const answer = await world.as(by.id).putTrustStatement({ id: by.id, statement })
  return answer.statement ?? expect.fail('The answer has no statement')
}

function prove(operatorId = BOLT) {
  return world.db.pool.query(
    `INSERT INTO issuer_domains (edge_id, issuer_id, domain, operator_id, thumbprint, proven_at)
     VALUES ($1, $2, 'bolt.example', $3, 'thumbprint', now())`,
    [BOLT_EDGE, CLOSE, operatorId],
  )
}

function ask(from: string, principal: Principal = ADMIN, to = 'https://api.cargo.test') {
  const { db, deps } = world
  const logs = { of: () => undefined }
  const tokenStatus = { checkTrust: async () => undefined }
  const asked = {
    ...deps,
    knowledge: createKnowledge({ pool: db.pool, operators: deps.operators }),
    rows: explainRows(db.pool),
    logs,
    tokenStatus,
  }
  const request = create(ExplainTrustRequestSchema, { from, to, scope: 'orders:read' })
  return explainTrust(asked, request, { ...CAUSE, principal })
}

describe('ExplainTrust with rows', () => {
  it('follows an operator of another deployment from no statement to a yes, and to its end', async () => {
    expect((await ask('bolt.example')).legs?.[0]).toMatchObject({
      ok: false,
      missing: { from: 'bolt.example', to: HOME },
    })
    const { jti, edgeId } = await put(cargo, boltThere)
    expect((await ask('bolt.example')).legs?.[0]).toMatchObject({ missing: { to: ELSEWHERE, state: 'unproven' } })
    await prove()
    const yes = await ask('bolt.example', operatorPrincipal(cargo.id, ASSERTION))
    expect(yes).toMatchObject({ allowed: true, effectiveScopes: ['list', 'read'] })
    expect(yes.position).toMatch(/^\d+-\d+$/)
    expect(yes.legs?.[0]?.path?.[1]?.proof).toBe(`v=a4a1; iss=${ELSEWHERE}; op=${BOLT}; rk=thumbprint`)
    expect(yes.legs?.[1]?.path).toMatchObject([
      {
        kind: 'lets-call',
        edgeId,
        from: 'cargo.test',
        to: 'bolt.example',
        proof: expect.stringMatching(/^ey.*\..*\./),
      },
    ])
    await world.as(cargo.id).revokeTrustStatement({ id: cargo.id, jti })
    const no = await ask(BOLT)
    expect(no.allowed).toBe(false)
    expect(no.legs?.[1]?.missing).toMatchObject({ kind: 'lets-call', to: 'bolt.example', state: 'revoked' })
    expect(no.position).not.toBe(yes.position)
    expect(no.legs?.[1]?.cures?.[0]?.draft).toMatchObject({
      iss: cargo.id,
      sub: BOLT,
      grants: [{ scopes: { 'orders:read': ['read', 'list'] } }],
    })
  })

  it('says that nobody owns the audience', async () => {
    const { legs = [] } = await ask(BOLT, ADMIN, 'https://free.example')
    expect(legs[1]?.missing).toMatchObject({ kind: 'lets-call', from: 'free.example', to: 'bolt.example' })
  })

  it('says that a statement has expired', async () => {
    await world.db.pool.query(
      "UPDATE trust_statements SET ended_at = NULL, \"end\" = NULL, not_before = now() - interval '2 days', expires_at = now() - interval '1 day'",
    )
    expect((await ask(BOLT)).legs?.[1]?.missing).toMatchObject({ state: 'expired' })
  })
})

function exported(principal: Principal, changes: { format?: string; around?: string } = {}) {
  return exportGraph(world.deps, create(ExportTrustGraphRequestSchema, changes), { requestId: 'request-1', principal })
}

/** Exports as JSON, and returns the edges as sentences. */
async function edgesOf(principal: Principal, around = ''): Promise<string[]> {
  const { document } = await exported(principal, { around })
  const graph: Record<'nodes' | 'edges', Record<string, string>[]> = JSON.parse(String(document))
  const labelOf = (node?: string) => graph.nodes.find(({ id }) => id === node)?.['label'] ?? ''
  return graph.edges.map(({ kind, from, to }) => `${labelOf(from)} ${kind} ${labelOf(to)}`).toSorted()
}

describe('ExportTrustGraph', () => {
  const ALL = [
    'acme.test lets-call dock.test',
    'acme.test member cargo.test',
    'cargo.test lets-call bolt.example',
    `${ELSEWHERE} speaks-for bolt.example`,
    `${HOME} admits ${ELSEWHERE}`,
  ]

  beforeAll(async () => {
    const member = { ...draftBetween(acme, cargo, 'member'), visibility: 'public' }
    await put(acme, member)
    await put(acme, {})
    await put(cargo, boltThere, { version: 2 })
  })

  it.each<[string, () => Principal, string[]]>([
    ['shows the administrator all', () => ADMIN, ALL],
    [
      'shows an operator its own statements and public ones',
      () => operatorPrincipal(cargo.id, ASSERTION),
      ALL.slice(1),
    ],
    ['shows an operator the statements that name it', () => operatorPrincipal(dock.id, ASSERTION), ALL.slice(0, 2)],
    ['shows others only public statements', () => ({ kind: 'anonymous' }), ALL.slice(1, 2)],
  ])('%s', async (_name, principal, expected) => {
    expect(await edgesOf(principal())).toEqual(expected)
  })

  it.each<[string, () => string, string[]]>([
    ['of a domain', () => 'bolt.example', ALL.slice(1)],
    ['of an operator id', () => dock.id, ALL.slice(0, 2)],
    ['of nobody', () => 'nobody.example', []],
  ])('shows what is within two edges %s', async (_name, around, expected) => {
    expect(await edgesOf(ADMIN, around())).toEqual(expected)
  })

  it.each([
    ['json', 'application/json', '{'],
    ['svg', 'image/svg+xml', '<svg'],
  ])('writes %s', async (format, mediaType, begin) => {
    const { document = '', ...answer } = await exported(ADMIN, { format })
    expect(answer).toEqual({ mediaType, nodes: 6, edges: 5 })
    expect(document.startsWith(begin)).toBe(true)
  })

  it.each([
    [{ format: 'dot' }, 'format must be json or svg'],
    [{ around: 'CARGO' }, 'around must be a domain in A-labels or an operator id'],
  ])('refuses %j', async (changes, message) => {
    await expect(exported(ADMIN, changes)).rejects.toMatchObject({ reason: 'INVALID_ARGUMENT', message })
  })

  it('refuses more than 500 operators, but not the part around one of them', async () => {
    await world.db.pool.query(
      `INSERT INTO trust_statements SELECT (jsonb_populate_record(s, jsonb_build_object('edge_id', gen_random_uuid(),
         'jti', gen_random_uuid(), 'subject_id', gen_random_uuid(), 'subject_domain', 'a' || n || '.test'))).*
       FROM trust_statements s, generate_series(1, 500) n WHERE s.signer_id = $1::uuid AND s.subject_id = $2::uuid`,
      [acme.id, dock.id],
    )
    await expect(exported(ADMIN)).rejects.toMatchObject({
      reason: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^The graph has 50\d nodes, and at most 500 .*, with around$/),
    })
    expect(await edgesOf(ADMIN, dock.id).catch(String)).toContain('at most 500')
    expect(await edgesOf(operatorPrincipal(dock.id, ASSERTION))).toEqual(ALL.slice(0, 2))
  })
})
