import { afterAll, beforeAll, expect, it } from 'vitest'
import { draftBetween, startTrustWorld, type TrustWorld } from '../../../test/support/trust/put-statements.ts'
import { createKnowledge } from './knowledge.ts'

let world: TrustWorld

beforeAll(async () => {
  world = await startTrustWorld()
})
afterAll(() => world.drop())

it.each(['the copy', 'a new look'])(
  'lets a block count at once in %s, while the clock of its signer is ahead',
  async (where) => {
    // The database compares with its own clock.
    world.clock.now = Date.now()
    const name = where.replaceAll(' ', '-')
    const cargo = await world.operator(`cargo-${name}.test`)
    const acme = await world.operator(`acme-${name}.test`)
    const statement = await world.sign(cargo, draftBetween(cargo, acme, 'blocks'), {
      nbf: Math.floor(world.clock.now / 1_000) + 10,
    })
    const put = await world.as(cargo.id).putTrustStatement({ id: cargo.id, statement })
    const knowledge = createKnowledge(world.db.pool)
    await knowledge.refresh()
    const known = where === 'the copy' ? knowledge.copy : await knowledge.rereadBetween(cargo.id, acme.id)
    expect([...(known?.sources.keys() ?? [])]).toContain(put.statement?.edgeId)
  },
)
