import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import {
  draftBetween,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'
import { pruneStatements } from './prune-statements.ts'

const DAY_MS = 86_400_000
let world: TrustWorld
let cargo: TrustOperator
let acme: TrustOperator
let number = 0

beforeAll(async () => {
  world = await startTrustWorld()
})
afterAll(() => world.drop())
beforeEach(async () => {
  number += 1
  cargo = await world.operator(`cargo${number}.test`)
  acme = await world.operator(`acme${number}.test`)
  // The triggers of the database compare with its own clock.
  world.clock.now = Date.now()
})

const put = async (version: number) => {
  const statement = await world.sign(cargo, draftBetween(cargo, acme), { version })
  await world.as(cargo.id).putTrustStatement({ id: cargo.id, statement })
}
const age = (version: number, column: 'replaced_at' | 'expires_at' | 'ended_at', days: number) =>
  world.db.pool.query(
    `UPDATE trust_statements SET ${column} = now() - $3 * interval '1 day' ${column === 'ended_at' ? `, "end" = 'revoked'` : ''}
     WHERE signer_id = $1 AND version = $2`,
    [cargo.id, version, days],
  )
const versions = async () =>
  (await world.db.prisma.trustStatement.findMany({ where: { signerId: cargo.id }, orderBy: { version: 'asc' } })).map(
    ({ version }) => version,
  )
const prune = (days: number) => pruneStatements({ db: world.db, now: () => Date.now() }, days * DAY_MS)

it('pruneStatements removes what was replaced or has expired before the retention, and nothing else', async () => {
  for (const version of [1, 2, 3, 4]) await put(version)
  await age(1, 'replaced_at', 41)
  await age(2, 'replaced_at', 39)
  await prune(40)
  expect(await versions()).toEqual([2, 3, 4])
  await age(4, 'expires_at', 41)
  await prune(40)
  expect(await versions()).toEqual([2, 3])
})

it('pruneStatements keeps the newest version of a series, so that an earlier one never counts again', async () => {
  await put(1)
  await put(2)
  await age(1, 'replaced_at', 100)
  await age(2, 'ended_at', 100)
  await prune(40)
  expect(await versions()).toEqual([2])
  await expect(put(1)).rejects.toMatchObject({ reason: 'STATEMENT_CONFLICT' })
})

it('a trigger refuses to remove a statement in the first 30 days after it was replaced', async () => {
  await put(1)
  await put(2)
  await age(1, 'replaced_at', 29)
  await expect(prune(20)).rejects.toThrow('append-only')
  expect(await versions()).toEqual([1, 2])
})
