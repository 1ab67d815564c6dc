import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../test/support/assertions.ts'
import { explainWorld } from '../../../test/support/federation/explain-world.ts'
import {
  ALPHA,
  accepts,
  acmeToken,
  alpha,
  blocks,
  CARGO,
  EDGES,
  GAMMA,
  GUILD,
  gamma,
  letsCall,
  member,
  type WorldOptions,
} from '../../../test/support/federation/foreign-world.ts'
import type { KnownIssuer } from '../knowledge/known-issuer.ts'

type World = ReturnType<typeof explainWorld>

const withAlpha = (row: Partial<KnownIssuer>) => [{ ...alpha, ...row }, gamma]
const acmeAs = (operatorId: string) =>
  new Map([...alpha.domains].map(([name, domain]) => [name, { ...domain, operatorId }]))

const ISSUERS: Readonly<Record<string, WorldOptions>> = {
  'issuers as they should be': {},
  'the issuer is not admitted': { issuers: [gamma] },
  'the issuer is disabled': { issuers: withAlpha({ isEnabled: false }) },
  'the domain is not proven': { issuers: withAlpha({ domains: new Map() }) },
  'the domain names another operator': { issuers: withAlpha({ domains: acmeAs(GUILD) }) },
  'the keys were never fetched': { issuers: withAlpha({ keysAsOf: undefined }) },
  'the keys are older than a day': { issuers: withAlpha({ keysAsOf: (NOW_S - 86_401) * 1_000 }) },
  'the trust chain of the issuer has ended': { issuers: withAlpha({ validUntil: NOW_S * 1_000 }) },
  'the trust chain of the group has ended': { issuers: [alpha, { ...gamma, validUntil: NOW_S * 1_000 }] },
  'the issuer of the group is not known': { issuers: [alpha] },
  'there is no copy': { hasCopy: false },
}

const other = [{ audience: 'https://other.cargo.example', scopes: { read: ['orders:read'] } }]
const writes = [{ audience: 'https://api.cargo.example/v1', scopes: { write: ['orders:write'] } }]
const GRAPHS: Readonly<Record<string, NonNullable<WorldOptions['rows']>>> = {
  'no statement': [],
  lets: [letsCall()],
  'lets until a second ago': [letsCall({ exp: NOW_S })],
  'lets call another audience': [letsCall({ grants: other })],
  'lets with another scope': [letsCall({ grants: writes })],
  'lets and blocks': [letsCall(), blocks()],
  accepts: [accepts()],
  membership: [member()],
  'accepts, with a member': [accepts(), member()],
  'accepts, with a member, and blocks': [accepts(), member(), blocks()],
  'accepts with another scope': [accepts({ grants: writes }), member()],
}

const CHANGES: Readonly<Record<string, (world: World) => void>> = {
  'nothing has ended': () => undefined,
  'an edge of the owner has ended': (world) => {
    world.record('edge', { subject: EDGES.letsCall })
    world.record('edge', { subject: EDGES.accepts })
  },
  "the owner's tokens have ended": (world) => world.record('operator', { operatorId: CARGO, minimumEpoch: 2 }),
  'the issuer was disabled a moment ago': (world) => world.record('issuer', { subject: ALPHA, minimumEpoch: 2 }),
  'the domain of the caller has ended': (world) => world.record('edge', { subject: EDGES.alphaAcme }),
  'the domain of the group has ended': (world) => world.record('edge', { subject: EDGES.gammaGuild }),
  'the membership has ended in the log of its deployment': (world) =>
    world.record('edge', { subject: EDGES.member }, GAMMA),
  'the group has ended in the log of its deployment': (world) =>
    world.record('operator', { operatorId: GUILD, minimumEpoch: 5 }, GAMMA),
  'the log of the caller is stale': (world) => setAge(world, ALPHA),
  'the log of the group is stale': (world) => setAge(world, GAMMA),
  'the log of the caller is not followed': (world) => void world.logs.delete(ALPHA),
  'the log of the group is not followed': (world) => void world.logs.delete(GAMMA),
}

function setAge(world: World, issuer: string): void {
  const log = world.logs.get(issuer)
  if (log !== undefined) log.ageMs = 5_001
}

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
