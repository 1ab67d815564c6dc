import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  draftBetween,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'
import { createReadAroundOwner } from './read-around-owner.ts'

type Name = 'cargo' | 'dock' | 'guild' | 'local' | 'third' | 'acme'

let world: TrustWorld
let parties: Readonly<Record<Name, TrustOperator>>

beforeAll(async () => {
  world = await startTrustWorld()
  const of = (name: Name) => world.operator(`${name}.test`)
  parties = {
    cargo: await of('cargo'),
    dock: await of('dock'),
    guild: await of('guild'),
    local: await of('local'),
    third: await of('third'),
    acme: await of('acme'),
  }
  await put('cargo', 'acme', 'lets-call')
  await put('cargo', 'third', 'blocks')
  await put('cargo', 'guild', 'accepts-members-of', 2)
  await put('dock', 'guild', 'accepts-members-of', 1)
  await put('guild', 'local', 'member')
  await put('local', 'third', 'member')
  await put('third', 'acme', 'member')
  await put('acme', 'cargo', 'lets-call')
})
afterAll(() => world.drop())

async function put(from: Name, to: Name, kind: Parameters<typeof draftBetween>[2], depth?: 1 | 2): Promise<void> {
  const [signer, subject] = [parties[from], parties[to]]
  const statement = await world.sign(signer, { ...draftBetween(signer, subject, kind), ...(depth && { depth }) })
  await world.as(signer.id).putTrustStatement({ id: signer.id, statement })
  // The column holds milliseconds, and now() rounded up to one would lie ahead.
  await world.db.pool.query("UPDATE trust_statements SET not_before = now() - interval '1 second'")
}

/** The statements that are read about an owner, as sentences. */
async function around(owner: Name, limit?: number): Promise<readonly string[]> {
  const { graph, parties: named } = await createReadAroundOwner(world.db.pool, limit)(parties[owner].id)
  const nameOf = (node: string) => named.get(node)?.domain.replace('.test', '')
  return graph.edges.map(({ from, kind, to }) => `${nameOf(from)} ${kind} ${nameOf(to)}`).toSorted()
}

it('reads no statement, but the position in the log, for an audience of nobody', async () => {
  const { graph, position } = await createReadAroundOwner(world.db.pool)('')
  expect(graph.edges).toEqual([])
  expect(position).toMatch(/^1-\d+$/)
})

it("reads the owner's statements, and members as deep as the owner accepts them", async () => {
  expect(await around('cargo')).toEqual([
    'cargo accepts-members-of guild',
    'cargo blocks third',
    'cargo lets-call acme',
    'guild member local',
    'local member third',
  ])
  expect(await around('dock')).toEqual(['dock accepts-members-of guild', 'guild member local'])
  expect(await around('guild')).toEqual(['guild member local'])
})

it.each([
  [5, 3, 5],
  [4, 2, 4],
  [3, 1, 3],
])('with room for %i statements it knows all paths of at most %i edges', async (limit, maxEdges, statements) => {
  const read = await createReadAroundOwner(world.db.pool, limit)(parties.cargo.id)
  expect([read.maxEdges, read.graph.edges.length]).toEqual([maxEdges, statements])
})

it("leaves out the groups' statements first, and none of the owner", async () => {
  expect(await around('cargo', 3)).toEqual([
    'cargo accepts-members-of guild',
    'cargo blocks third',
    'cargo lets-call acme',
  ])
})

it('says at which position of the revocation log it has read', async () => {
  const { position } = await createReadAroundOwner(world.db.pool)(parties.cargo.id)
  const { rows } = await world.db.pool.query("SELECT log_epoch || '-' || sequence AS head FROM revocation_head")
  expect([{ head: position }]).toEqual(rows)
})
