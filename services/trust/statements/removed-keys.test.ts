import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { operatorPrincipal } from '../../../test/support/principals.ts'
import {
  draftBetween,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'
import { newRoot } from '../../../test/support/trust/statements.ts'
import { putStatement } from './put-statement.ts'

let world: TrustWorld
let acme: TrustOperator

beforeAll(async () => {
  world = await startTrustWorld()
  acme = await world.operator('acme.test')
})
afterAll(() => world.drop())

/** Inserts a manifest with these root keys. The database reads it without verifying it. */
async function setRootKeys({ id }: TrustOperator, seq: number, ...keys: readonly object[]): Promise<void> {
  const root = { threshold: 1, keys: keys.map((jwk, index) => ({ jwk, label: `person ${index}` })) }
  const payload = Buffer.from(JSON.stringify({ root })).toString('base64url')
  await world.db.prisma.operatorManifest.create({
    data: { operatorId: id, seq, manifest: `e30.${payload}.c2ln`, changesRoot: true },
  })
}

async function putBy(signer: TrustOperator): Promise<string> {
  const statement = await world.sign(signer, draftBetween(signer, acme))
  const answer = await world.as(signer.id).putTrustStatement({ id: signer.id, statement })
  return answer.statement?.edgeId ?? ''
}

const endOf = async (edge: string) =>
  (await world.db.prisma.trustStatement.findUniqueOrThrow({ where: { edgeId: edge } })).end

it('a statement ends when the manifest no longer lists the root key that signed it', async () => {
  const [cargo, dock] = [await world.operator('cargo.test'), await world.operator('dock.test')]
  const [edge, ofAnother] = [await putBy(cargo), await putBy(dock)]
  const { jwk: added } = newRoot()
  await setRootKeys(cargo, 1, cargo.jwk, added)
  expect(await endOf(edge)).toBe(null)
  expect(await world.logged()).not.toContain(edge)
  await setRootKeys(cargo, 2, added)
  expect(await endOf(edge)).toBe('revoked')
  expect(await world.logged()).toContain(edge)
  expect(await endOf(ofAnother)).toBe(null)
})

it('a statement is not stored if its signer changes after its keys were read', async () => {
  const pier = await world.operator('pier.test')
  const statement = await world.sign(pier, draftBetween(pier, acme))
  const { operators } = world.deps
  const lookupOperator: typeof operators.lookupOperator = async (request) => {
    const answer = await operators.lookupOperator(request)
    await world.db.pool.query('UPDATE operators SET version = version + 1 WHERE id = $1', [pier.id])
    return answer
  }
  const assertion = { jti: randomUUID(), expiresAt: world.clock.now / 1_000 + 60 }
  const call = { requestId: 'request-1', principal: operatorPrincipal(pier.id, assertion) }
  const deps = { ...world.deps, operators: { ...operators, lookupOperator } }
  await expect(
    putStatement(deps, { $typeName: 'auth4agent.v1.PutTrustStatementRequest', id: pier.id, statement }, call),
  ).rejects.toMatchObject({ reason: 'UNAVAILABLE' })
  expect(await world.db.prisma.trustStatement.count({ where: { signerId: pier.id } })).toBe(0)
})
