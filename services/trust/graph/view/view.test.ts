import { randomBytes } from 'node:crypto'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { LookupOperatorResponseSchema } from '../../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import {
  CreateTrustViewRequestSchema,
  ExportTrustGraphRequestSchema,
  GetTrustViewRequestSchema,
  type GetTrustViewResponseSchema,
} from '../../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { adminPrincipal, operatorPrincipal } from '../../../../test/support/principals.ts'
import {
  draftBetween,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../../test/support/trust/put-statements.ts'
import type { Principal } from '../../../calls/call.ts'
import { importHmacKey } from '../../../platform/crypto/hmac.ts'
import { createFairPlaces } from '../../../platform/limits/fair-places.ts'
import type { ExportedEdge } from '../export/exported-graph.ts'
import { exportGraph } from '../export-graph.ts'
import { GRAPHS, makeGraph } from '../graph-work.ts'
import { graphRoutes } from '../routes.ts'

const ASSERTION = { jti: 'assertion-1', expiresAt: 2_000_000_000 }
const KEY = { id: 'slot-key', slot: 1, key: importHmacKey(randomBytes(32)) }
const FIVE_MINUTES_MS = 300_000

let world: TrustWorld
let cargo: TrustOperator
let acme: TrustOperator
let dock: TrustOperator
let startedAt: number

beforeAll(async () => {
  world = await startTrustWorld()
  startedAt = Date.now()
  world.clock.now = startedAt
  cargo = await world.operator('cargo.test')
  acme = await world.operator('acme.test')
  dock = await world.operator('dock.test')
  const put = async (by: TrustOperator, about: TrustOperator, visibility: 'parties' | 'public') => {
    const statement = await world.sign(by, { ...draftBetween(by, about), visibility })
    await world.as(by.id).putTrustStatement({ id: by.id, statement })
  }
  await put(cargo, acme, 'parties')
  await put(acme, dock, 'parties')
  await put(dock, cargo, 'public')
})
afterAll(() => world.drop())
beforeEach(() => {
  world.clock.now = startedAt
})

const challengeKeys = {
  current: async () => KEY,
  find: async (id: string) => (id === KEY.id ? KEY : undefined),
  rotate: async () => undefined,
}
const routes = () => graphRoutes({ ...world.deps, challengeKeys })
const as = (principal: Principal) => ({ requestId: 'request-1', principal })
const byKeyOf = ({ id, kid }: TrustOperator): Principal => {
  const principal = operatorPrincipal(id, ASSERTION)
  return { ...principal, key: { ...principal.key, kid } }
}

async function linkFor(principal: Principal, around = ''): Promise<URL> {
  const { url = '' } = await routes().createTrustView(create(CreateTrustViewRequestSchema, { around }), as(principal))
  return new URL(url)
}

const viewFor = async (principal: Principal) => (await linkFor(principal)).searchParams.get('view') ?? ''

function look(view: string, around = ''): Promise<MessageInitShape<typeof GetTrustViewResponseSchema>> {
  const request = create(GetTrustViewRequestSchema, { view, around })
  return routes().getTrustView(request, as({ kind: 'anonymous' }))
}

async function edgesOf(view: string, around = ''): Promise<string[]> {
  const { nodes = [], edges = [] } = await look(view, around)
  const labels = new Map(nodes.map(({ id = '', label = '' }) => [id, label]))
  return edges.map(({ kind, from = '', to = '' }) => `${labels.get(from)} ${kind} ${labels.get(to)}`).toSorted()
}

const CARGO = 'cargo.test lets-call acme.test'
const ACME = 'acme.test lets-call dock.test'
const PUBLIC = 'dock.test lets-call cargo.test'

/** Replaces the public statements of cargo about operators that do not exist here. */
async function addPublic(count: number, bytes: number): Promise<void> {
  await world.db.pool.query('ALTER TABLE trust_statements DISABLE TRIGGER trust_statements_no_delete')
  await world.db.pool.query("DELETE FROM trust_statements WHERE subject_domain LIKE 'operator-%'")
  await world.db.pool.query('ALTER TABLE trust_statements ENABLE TRIGGER trust_statements_no_delete')
  await world.db.pool.query(
    `INSERT INTO trust_statements SELECT (jsonb_populate_record(s, jsonb_build_object('edge_id', gen_random_uuid(),
       'jti', gen_random_uuid(), 'subject_id', gen_random_uuid(), 'subject_domain', 'operator-' || n || '.test',
       'is_public', true, 'statement', repeat('x', $3)))).*
     FROM trust_statements s, generate_series(1, $2) n WHERE s.signer_id = $1::uuid AND s.subject_id = $4::uuid`,
    [cargo.id, count, bytes, acme.id],
  )
}

function edgeWith(scopes: number): ExportedEdge {
  const names = Array.from({ length: scopes }, (_, n) => [`scope:${n}`, []] as const)
  const statement = { grants: [{ audience: 'https://api.test', scopes: Object.fromEntries(names) }], depth: 0 }
  return { id: '', kind: 'lets-call', from: '', to: '', statement: { ...statement, isPublic: true, exp: 0 } }
}

describe('CreateTrustView', () => {
  it('returns a link to the page that works for 5 minutes', async () => {
    const answer = await routes().createTrustView(
      create(CreateTrustViewRequestSchema, { around: 'acme.test' }),
      as(byKeyOf(cargo)),
    )
    expect(answer.url).toMatch(/^https:\/\/auth\.home\.test\/trust\?view=[\w.-]+&around=acme\.test$/)
    const expiresAt = answer.expiresAt
    expect(expiresAt).toBeDefined()
    const wholeSecond = Math.floor(startedAt / 1_000) * 1_000
    const view = new URL(answer.url ?? '').searchParams.get('view') ?? ''
    expect(await look(view)).toMatchObject({ viewExpiresAt: expiresAt, viewer: 'operator', viewerDomain: 'cargo.test' })
    world.clock.now = wholeSecond + FIVE_MINUTES_MS - 1
    expect(await edgesOf(view)).toEqual([CARGO, PUBLIC])
    world.clock.now += 1
    await expect(look(view)).rejects.toMatchObject({ reason: 'VIEW_EXPIRED', message: /has expired/ })
  })

  it('refuses what is no domain and no id', async () => {
    await expect(linkFor(byKeyOf(cargo), 'CARGO')).rejects.toMatchObject({ reason: 'INVALID_ARGUMENT' })
  })
})

describe('GetTrustView', () => {
  it.each<[string, () => Promise<string>, string[]]>([
    ['public statements without a link', async () => '', [PUBLIC]],
    ['what cargo may see with its link', () => viewFor(byKeyOf(cargo)), [CARGO, PUBLIC]],
    ['what acme may see with its link', () => viewFor(byKeyOf(acme)), [ACME, CARGO, PUBLIC]],
    ['everything with the link of the administrator', () => viewFor(adminPrincipal(ASSERTION)), [ACME, CARGO, PUBLIC]],
  ])('shows %s', async (_name, view, expected) => {
    expect(await edgesOf(await view())).toEqual(expected)
  })

  it('says what each statement allows, until when, and who may see it', async () => {
    const { edges = [], nodes, ...answer } = await look(await viewFor(byKeyOf(cargo)))
    expect(answer).toMatchObject({ issuer: 'https://auth.home.test', nodeCount: 3, edgeCount: 2, tooLarge: false })
    expect(answer.asOf).toEqual(timestampFromMs(startedAt))
    expect(answer.position).toMatch(/^\d+-\d+$/)
    expect(nodes).toContainEqual({
      id: cargo.id,
      label: 'cargo.test',
      type: 'operator',
      home: 'https://auth.home.test',
    })
    expect(edges.find(({ from }) => from === cargo.id)).toMatchObject({
      visibility: 'parties',
      depth: 0,
      grants: [{ audience: 'https://api.cargo.test', scopes: [{ scope: 'orders:read', values: ['read', 'list'] }] }],
    })
    expect(edges.find(({ from }) => from === dock.id)).toMatchObject({ visibility: 'public' })
  })

  it('answers everybody in the turn of the own source, and a link or a caller with a key at once', async () => {
    const ended: string[] = []
    const deps = { ...world.deps, challengeKeys, graphPlaces: createFairPlaces({ ...GRAPHS, rest: 0 }) }
    const note = async (name: string, work: Promise<unknown>) => {
      await work
      ended.push(name)
    }
    const show = (source: string, view = '') =>
      graphRoutes(deps).getTrustView(create(GetTrustViewRequestSchema, { view }), {
        ...as({ kind: 'anonymous' }),
        source,
      })
    const write = (principal: Principal) => exportGraph(deps, create(ExportTrustGraphRequestSchema), as(principal))
    const view = await viewFor(byKeyOf(cargo))
    await show('flood')
    const flood = Array.from({ length: 50 }, (_, n) => note(`flood ${n}`, show('flood')))
    const others = [note('other', show('other')), note('link', show('flood', view)), note('key', write(byKeyOf(cargo)))]
    await Promise.all([...flood, ...others])
    for (const name of ['other', 'link', 'key']) expect(ended.indexOf(name)).toBeLessThan(20)
  })

  it('charges a graph for its edges and its scopes', async () => {
    const charged: number[] = []
    const call = { ...as(adminPrincipal(ASSERTION)), charge: (units: number) => void charged.push(units) }
    const make = (edges: number, scopes: number) =>
      makeGraph(world.deps.graphPlaces, { kind: 'admin' }, call, async () => ({
        graph: { title: '', nodes: [], edges: Array.from({ length: edges }, () => edgeWith(scopes)) },
      }))
    await make(499, 0)
    await make(500, 0)
    await make(1, 28_000)
    expect(charged).toEqual([0, 1, 2])
  })

  it.each([
    ['501 statements', 500, 10],
    ['more than 256 KiB of statements', 60, 5_000],
  ])(
    'shows everybody only operators of %s, all or around one, and the administrator all',
    async (_name, count, bytes) => {
      await addPublic(count, bytes)
      const { nodes = [], edges, tooLarge } = await look('')
      expect([tooLarge, edges, nodes.length > 0]).toEqual([true, [], true])
      const all = exportGraph(world.deps, create(ExportTrustGraphRequestSchema), as({ kind: 'anonymous' }))
      await expect(all).rejects.toMatchObject({
        reason: 'INVALID_ARGUMENT',
        message: /ask for a part of it, with around/,
      })
      expect(await look('', 'operator-1.test')).toMatchObject({ tooLarge: true, edges: [] })
      expect(await look(await viewFor(adminPrincipal(ASSERTION)))).toMatchObject({ edgeCount: count + 3 })
      await addPublic(0, 0)
      expect(await look('')).toMatchObject({ tooLarge: false, edgeCount: 1 })
    },
  )

  it('shows with a link what is around another operator, and no more', async () => {
    const view = await viewFor(byKeyOf(cargo))
    expect(await edgesOf(view, 'acme.test')).toEqual([CARGO, PUBLIC])
    expect(await edgesOf(view, 'nobody.test')).toEqual([])
  })

  it('refuses the link of an operator once its key is no longer among the keys, or the operator has left', async () => {
    const view = await viewFor(byKeyOf(cargo))
    const gone = { reason: 'VIEW_EXPIRED', message: /the key that made it is no longer valid/ }
    await expect(look(await viewFor(byKeyOf({ ...cargo, kid: acme.kid })))).rejects.toMatchObject(gone)
    await world.db.prisma.operator.update({ where: { id: cargo.id }, data: { status: 'released' } })
    await expect(look(view)).rejects.toMatchObject(gone)
    await world.db.prisma.operator.update({ where: { id: cargo.id }, data: { status: 'active' } })
    expect(await edgesOf(view)).toEqual([CARGO, PUBLIC])
  })

  it('refuses the link of a key with roles once the key has expired', async () => {
    const nowS = Math.floor(startedAt / 1_000)
    const key = { kid: cargo.kid, jwk: JSON.stringify(cargo.jwk), label: 'laptop', roles: ['trust'] }
    const operator = (exp: number) =>
      create(LookupOperatorResponseSchema, {
        operator: { id: cargo.id, domain: cargo.domain, status: 'active', keys: [{ ...key, exp: BigInt(exp) }] },
      })
    const request = create(GetTrustViewRequestSchema, { view: await viewFor(byKeyOf(cargo)) })
    const asked = (exp: number) => {
      const operators = { ...world.deps.operators, lookupOperator: async () => operator(exp) }
      return graphRoutes({ ...world.deps, challengeKeys, operators }).getTrustView(request, as({ kind: 'anonymous' }))
    }
    expect(await asked(nowS + 60)).toMatchObject({ viewerDomain: 'cargo.test' })
    await expect(asked(nowS)).rejects.toMatchObject({ reason: 'VIEW_EXPIRED' })
  })

  it.each<[string, (view: string) => string]>([
    ['a word', () => 'view'],
    ['the id of another operator', (view) => view.replace(cargo.id, acme.id)],
    ['the administrator in place of the operator', (view) => view.replace(`${cargo.id}.${cargo.kid}`, 'admin')],
    ['a later end', (view) => view.replace(/\.\d+\./, '.9999999999.')],
    ['an unknown key', (view) => view.replace(KEY.id, 'other')],
  ])('refuses %s', async (_name, change) => {
    const changed = change(await viewFor(byKeyOf(cargo)))
    await expect(look(changed)).rejects.toMatchObject({ reason: 'INVALID_VIEW' })
  })

  it('shows an operator no statement about the same id at another deployment', async () => {
    const [earl, fern] = [await world.operator('earl.test'), await world.operator('fern.test')]
    const abroad = { ...draftBetween(earl, fern), subHome: 'https://other.example' }
    await world.as(earl.id).putTrustStatement({ id: earl.id, statement: await world.sign(earl, abroad) })
    const [ofSigner, ofNamesake] = [await viewFor(byKeyOf(earl)), await viewFor(byKeyOf(fern))]
    expect(await edgesOf(ofSigner)).toEqual([PUBLIC, expect.stringMatching(/^earl\.test lets-call /)])
    expect(await edgesOf(ofNamesake)).toEqual([PUBLIC])
  })

  it('shows of more than 500 operators only those with the most statements', async () => {
    await world.db.pool.query(
      `INSERT INTO trust_statements SELECT (jsonb_populate_record(s, jsonb_build_object('edge_id', gen_random_uuid(),
         'jti', gen_random_uuid(), 'subject_id', gen_random_uuid(), 'subject_domain', 'a' || n || '.test'))).*
       FROM trust_statements s, generate_series(1, 499) n WHERE s.signer_id = $1::uuid`,
      [cargo.id],
    )
    const view = await viewFor(byKeyOf(cargo))
    const { nodes = [], ...answer } = await look(view)
    expect(answer).toMatchObject({ tooLarge: true, nodeCount: 502, edgeCount: 501, edges: [] })
    expect([nodes.length, nodes[0]?.label]).toEqual([20, 'cargo.test'])
    expect(await look('')).toMatchObject({ tooLarge: false, edgeCount: 1 })
  })
})
