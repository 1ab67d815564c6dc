import { describe, expect, it } from 'vitest'
import { explainWorld } from '../../../test/support/federation/explain-world.ts'
import { ALPHA, acmeToken } from '../../../test/support/federation/foreign-parties.ts'
import { CHANGES, GRAPHS, ISSUERS } from '../../../test/support/federation/worlds.ts'

/** The leg that must not be ok for a verdict of the verification. */
const LEGS: Readonly<Record<string, readonly string[]>> = {
  ISSUER_NOT_TRUSTED: ['identity'],
  ISSUER_DISABLED: ['identity'],
  // A question by domain is about the operator that the domain names now, whom no statement allows.
  SUBJECT_OUTSIDE_NAMESPACE: ['identity', 'permission'],
  TRUST_NOT_FOUND: ['permission', 'freshness'],
  TRUST_ENDED: ['identity', 'permission'],
  ISSUER_KEYS_UNAVAILABLE: ['freshness'],
  ISSUER_REVOCATIONS_STALE: ['freshness'],
}

describe('the explanation agrees with the verification of a token if', () => {
  for (const [issuers, options] of Object.entries(ISSUERS)) {
    for (const [graph, rows] of Object.entries(GRAPHS)) {
      it(`${issuers}; ${graph}`, async () => {
        for (const [name, change] of Object.entries(CHANGES)) {
          const world = explainWorld({ ...options, rows })
          change(world)
          const verification = await world.verify(acmeToken())
          const { allowed, legs, effectiveScopes } = await world.explain({ home: ALPHA })
          expect(allowed, name).toBe(verification.valid)
          expect(effectiveScopes, name).toEqual(verification.valid ? ['orders:read'] : [])
          const refused = legs.filter(({ ok }) => !ok)
          for (const leg of refused) expect(leg.missing, `${name}: ${leg.leg}`).toBeDefined()
          if (verification.valid) continue
          const expected = refused.filter(({ leg }) => LEGS[verification.reason]?.includes(leg))
          expect(expected, `${name}: ${verification.reason}`).not.toEqual([])
        }
      })
    }
  }
})
