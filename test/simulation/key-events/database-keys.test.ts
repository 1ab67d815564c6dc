import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { testDatabase } from '../../support/database.ts'
import { buildLog, recipe } from './build-log.ts'

const LOGS = 100
const database = await testDatabase()
afterAll(() => database.drop())

type Keys = { readonly x: string; readonly added: readonly { kid: string; jwk: object; exp?: number | null }[] }

/** Returns the keys after an event, as the function of the database computes them from the keys before it. */
async function databaseKeys(before: Keys | null, type: string, text: string): Promise<Keys | null> {
  const { rows } = await database.db.pool.query<{ keys: Keys | null }>(
    'SELECT keys_after_event($1::jsonb, $2::key_event_type, $3) AS keys',
    [before && JSON.stringify(before), type.replace('-', '_'), text],
  )
  return rows[0]?.keys ?? null
}

it(`keys_after_event and applyKeyEvent agree on each event of ${LOGS} random logs`, { timeout: 120_000 }, async () => {
  const seen = new Set<unknown>()
  await fc.assert(
    fc.asyncProperty(recipe, async (choices) => {
      const log = buildLog(choices)
      let keys: Keys | null = null
      for (const [at, { text, claims }] of log.entries()) {
        keys = await databaseKeys(keys, String(claims['type']), text)
        const replayed = replayKeyEvents(log.slice(0, at + 1).map((made) => made.text))
        if (!replayed.ok) throw new Error(replayed.demand)
        const { key, addedKeys } = replayed.state
        expect({ x: keys?.x, added: keys?.added.map(({ kid, jwk, exp }) => [kid, jwk, exp ?? undefined]) }).toEqual({
          x: key.x,
          added: addedKeys.map(({ kid, jwk, exp }) => [kid, jwk, exp]),
        })
        seen.add(claims['type'])
      }
    }),
    { numRuns: LOGS },
  )
  expect(seen.size).toBe(7)
})
