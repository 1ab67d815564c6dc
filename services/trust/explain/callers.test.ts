import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ExplainTrustRequestSchema, ExportTrustGraphRequestSchema } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { CAUSE } from '../../../test/support/cause.ts'
import { adminPrincipal, operatorPrincipal } from '../../../test/support/principals.ts'
import {
  draftBetween,
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
const AUDIENCE = 'https://api.cargo.test'

let world: TrustWorld
let cargo: TrustOperator
let acme: TrustOperator
let dock: TrustOperator
let guild: TrustOperator

beforeAll(async () => {
  world = await startTrustWorld()
  // The database compares times with its own clock.
  world.clock.now = Date.now()
  cargo = await world.operator('cargo.test')
  acme = await world.operator('acme.test')
  dock = await world.operator('dock.test')
  guild = await world.operator('guild.test')
  await put(cargo, dock)
  await put(dock, guild)
})
afterAll(() => world.drop())

async function put(by: TrustOperator, about: TrustOperator) {
  const statement = await world.sign(by, draftBetween(by, about))
  return world.as(by.id).putTrustStatement({ id: by.id, statement })
}

/** Sets the callers of an audience of an operator in its policy. */
function setCallers({ id }: TrustOperator, audience: string, callers: string[]) {
  const key = { operatorId: id, audience }
  const rule = { where: { operatorId_audience: key }, create: { ...key, callers }, update: { callers } }
  return world.db.prisma.operatorAudience.upsert(rule)
}

async function edgeOf(caller: string): Promise<string> {
  const row = await world.db.prisma.operatorAudienceCaller.findFirstOrThrow({ where: { caller, endedAt: null } })
  return row.edgeId
}

const as = ({ id }: TrustOperator) => operatorPrincipal(id, ASSERTION)

function ask(from: string, principal: Principal = ADMIN) {
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
  return explainTrust(asked, create(ExplainTrustRequestSchema, { from, to: AUDIENCE, scope: 'orders:read' }), {
    ...CAUSE,
    principal,
  })
}

interface Drawn {
  readonly nodes: readonly Readonly<Record<string, string>>[]
  readonly edges: readonly Readonly<Record<string, string>>[]
}

async function drawn(principal: Principal, around = ''): Promise<Drawn> {
  const { document } = await exportGraph(world.deps, create(ExportTrustGraphRequestSchema, { around }), {
    requestId: 'request-1',
    principal,
  })
  return JSON.parse(String(document))
}

/** Exports the graph, and returns its edges as sentences. */
async function edgesOf(principal: Principal, around = ''): Promise<string[]> {
  const { nodes, edges } = await drawn(principal, around)
  const labelOf = (node?: string) => nodes.find(({ id }) => id === node)?.['label'] ?? ''
  return edges.map(({ kind, from, to }) => `${labelOf(from)} ${kind} ${labelOf(to)}`).toSorted()
}

describe('ExplainTrust', () => {
  it('follows an operator of this deployment from no entry to a yes, and to its end', async () => {
    const missing = { kind: 'caller', from: 'cargo.test', to: 'acme.test', state: 'absent' }
    expect((await ask('acme.test', as(acme))).legs?.[1]).toMatchObject({ ok: false, missing })
    await setCallers(cargo, AUDIENCE, ['dock.test', 'acme.test'])
    const yes = await ask('acme.test', as(acme))
    expect(yes).toMatchObject({ allowed: true, effectiveScopes: ['orders:read'] })
    const proof = JSON.stringify({ audience: AUDIENCE, callers: ['acme.test'] })
    expect(yes.legs?.[1]?.path).toMatchObject([{ kind: 'caller', edgeId: await edgeOf('acme.test'), proof }])
    await setCallers(cargo, AUDIENCE, ['dock.test'])
    const no = await ask('acme.test', as(acme))
    expect(no.legs?.[1]).toMatchObject({ ok: false, missing })
    // The end of the edge is a record of the log.
    expect(no.position).not.toBe(yes.position)
  })
})

describe('ExportTrustGraph', () => {
  const callers = [
    'cargo.test caller acme.test',
    `cargo.test caller ${HOME}`,
    'cargo.test caller nobody.example',
    'dock.test caller cargo.test',
  ]
  const all = [
    ...callers.slice(0, 3),
    'cargo.test lets-call dock.test',
    ...callers.slice(3),
    'dock.test lets-call guild.test',
  ]

  beforeEach(async () => {
    await setCallers(cargo, AUDIENCE, ['acme.test', 'nobody.example'])
    await setCallers(cargo, 'cargo.test', ['*'])
    await setCallers(dock, 'dock.test', ['cargo.test'])
  })

  it.each<[string, () => Principal, string[]]>([
    ['the administrator all', () => ADMIN, all],
    ['an owner its own list and its place in others', () => as(cargo), all.slice(0, -1)],
    ['a caller only its own place', () => as(acme), all.slice(0, 1)],
    ['an operator that no list names no caller', () => as(guild), all.slice(-1)],
    ['others nothing', () => ({ kind: 'anonymous' }), []],
  ])('shows %s', async (_name, principal, expected) => {
    expect(await edgesOf(principal())).toEqual(expected)
  })

  it.each<[string, () => string, string[]]>([
    ['of an owner', () => 'cargo.test', all],
    ['of a caller by its id', () => acme.id, all.slice(0, -1)],
    ['of a domain without an operator', () => 'nobody.example', all.slice(0, -1)],
    ['of an operator beyond a statement', () => guild.id, all.slice(3)],
    ['of nobody', () => 'free.example', []],
  ])('shows what is within two edges %s', async (_name, around, expected) => {
    expect(await edgesOf(ADMIN, around())).toEqual(expected)
  })

  it('names the audience in the note, and the edge by its id', async () => {
    const { edges } = await drawn(as(acme))
    expect(edges).toMatchObject([{ id: await edgeOf('acme.test'), kind: 'caller', note: `at ${AUDIENCE}` }])
  })

  it('leaves out a caller that is no longer listed', async () => {
    await setCallers(cargo, AUDIENCE, ['nobody.example'])
    expect(await edgesOf(as(acme))).toEqual([])
  })
})
