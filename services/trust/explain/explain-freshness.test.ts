import { describe, expect, it } from 'vitest'
import { type ExplainOptions, explainWorld } from '../../../test/support/federation/explain-world.ts'
import { ALPHA, accepts, alpha, GAMMA, member } from '../../../test/support/federation/foreign-parties.ts'

describe('the leg freshness says', () => {
  it.each<[string, ExplainOptions, (world: ReturnType<typeof explainWorld>) => void, object]>([
    ['how old the knowledge is', {}, () => undefined, { ok: true, maxStalenessMs: 5_000 }],
    [
      'whose log is stale',
      {},
      (world) => void world.logs.delete(ALPHA),
      { missing: { to: ALPHA, state: 'stale' }, cures: [{ command: `auth4agent issuer show ${ALPHA}` }] },
    ],
    [
      'that the log of a group is stale',
      { rows: [accepts(), member()] },
      (world) => void world.logs.delete(GAMMA),
      { missing: { to: GAMMA, state: 'stale' } },
    ],
    [
      'that an issuer without revocations is as old as its tokens',
      { issuers: [{ ...alpha, mode: 'none' }] },
      () => undefined,
      { ok: true, maxStalenessMs: 300_000 },
    ],
    [
      'that status lists are fetched when they are needed, and how old they may be',
      { issuers: [{ ...alpha, mode: 'status_list', maxStalenessMs: 300_000 }] },
      (world) => void world.logs.delete(ALPHA),
      { ok: true, maxStalenessMs: 300_000 },
    ],
    ['nothing about an issuer that is not admitted', { issuers: [] }, () => undefined, { ok: true, path: [] }],
  ])('%s', async (_name, options, change, expected) => {
    const world = explainWorld(options)
    change(world)
    const { legs } = await world.explain({ home: ALPHA })
    expect(legs[2]).toMatchObject(expected)
  })
})

it('the leg freshness says in whole milliseconds how current a log is, because a timestamp has no fraction of them', async () => {
  const world = explainWorld({})
  const log = world.logs.get(ALPHA)
  if (log !== undefined) log.ageMs = 0.25
  const { legs } = await world.explain({ home: ALPHA })
  expect((legs[2]?.asOf?.nanos ?? Number.NaN) % 1_000_000).toBe(0)
})
