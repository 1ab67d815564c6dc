import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../test/support/assertions.ts'
import {
  ACME,
  ACME_DID,
  ALPHA,
  accepts,
  acmeToken,
  alpha,
  alphaKey,
  CARGO,
  EDGES,
  GAMMA,
  GUILD,
  letsCall,
  member,
} from '../../../test/support/federation/foreign-parties.ts'
import { foreignWorld, outcome } from '../../../test/support/federation/foreign-world.ts'

const VALID = 'VALID'

type Ended = readonly [
  name: string,
  expected: string,
  kind: 'issuer' | 'edge' | 'operator' | 'agent' | 'token' | 'key',
  record: object,
  issuer?: string,
]

const ENDS: readonly Ended[] = [
  ['the issuer is disabled', 'ISSUER_DISABLED', 'issuer', { subject: ALPHA, minimumEpoch: 2 }],
  ['the issuer of the group is disabled', 'ISSUER_DISABLED', 'issuer', { subject: GAMMA, minimumEpoch: 2 }],
  ['attack 6: the DNS record names another', 'TRUST_ENDED', 'edge', { subject: EDGES.alphaAcme }],
  ["the DNS record of the group's domain names another", 'TRUST_ENDED', 'edge', { subject: EDGES.gammaGuild }],
  ['the owner revokes', 'TRUST_ENDED', 'edge', { subject: EDGES.accepts }],
  ['the membership ends here', 'TRUST_ENDED', 'edge', { subject: EDGES.member }],
  ['the owner is suspended', 'TRUST_ENDED', 'operator', { operatorId: CARGO, minimumEpoch: 2 }],
  ['the membership ends at the third deployment', 'TRUST_ENDED', 'edge', { subject: EDGES.member }, GAMMA],
  [
    'the group is suspended at its deployment',
    'TRUST_ENDED',
    'operator',
    { operatorId: GUILD, minimumEpoch: 5 },
    GAMMA,
  ],
  ['the token is revoked by its issuer', 'TOKEN_REVOKED', 'token', { operatorId: ACME, subject: 'jti-1' }, ALPHA],
  [
    'the agent is suspended by its issuer',
    'AGENT_TOKENS_ENDED',
    'agent',
    { operatorId: ACME, subject: ACME_DID, minimumEpoch: 2 },
    ALPHA,
  ],
  [
    'the operator is suspended by its issuer',
    'OPERATOR_TOKENS_ENDED',
    'operator',
    { operatorId: ACME, minimumEpoch: 3 },
    ALPHA,
  ],
  ['the key is compromised', 'UNKNOWN_KEY', 'key', { subject: alphaKey.entry.kid }, ALPHA],
]

describe('a token that was valid is refused when', () => {
  for (const [name, expected, kind, record, issuer] of ENDS) {
    it(`${name}: ${expected}`, async () => {
      const world = foreignWorld({ rows: [accepts(), member()] })
      expect(await outcome(world, acmeToken())).toBe(VALID)
      world.record(kind, record, issuer)
      expect(await outcome(world, acmeToken())).toBe(expected)
    })
  }

  it.each([
    ["its issuer's log is stale", ALPHA],
    ["attack 17: the log of the group's deployment is stale", GAMMA],
  ])('%s', async (_name, issuer) => {
    const world = foreignWorld({ rows: [accepts(), member()] })
    const log = world.logs.get(issuer)
    if (log !== undefined) log.ageMs = 5_001
    expect(await outcome(world, acmeToken())).toBe('ISSUER_REVOCATIONS_STALE')
  })

  it('its issuer has no log that is followed', async () => {
    const world = foreignWorld()
    world.logs.delete(ALPHA)
    expect(await outcome(world, acmeToken())).toBe('ISSUER_REVOCATIONS_STALE')
  })

  it('the log has forgotten records about tokens as old as it', async () => {
    const world = foreignWorld()
    const log = world.logs.get(ALPHA)
    if (log !== undefined) log.forgottenThroughS = NOW_S + 900
    expect(await outcome(world, acmeToken())).toBe('TOKEN_EXPIRED')
  })
})

it('attack 32: a foreign log that names operators and edges of others ends none of their tokens', async () => {
  const world = foreignWorld()
  world.record('operator', { operatorId: ACME, minimumEpoch: 99 }, GAMMA)
  world.record('edge', { subject: EDGES.letsCall }, ALPHA)
  expect(await outcome(world, acmeToken())).toBe(VALID)
})

it('a token is refused if its statement expires while its issuer is asked', async () => {
  const asked: { expire: () => void } = { expire: () => undefined }
  const world = foreignWorld({
    issuers: [{ ...alpha, mode: 'introspection' }],
    rows: [letsCall({ exp: NOW_S + 60 })],
    async introspect() {
      asked.expire()
      return { isActive: true, askedAt: { monotonic: 0, wall: NOW_S * 1_000 } }
    },
  })
  asked.expire = () => {
    world.clock.nowS = NOW_S + 60
  }
  expect(await outcome(world, acmeToken())).toBe('TRUST_NOT_FOUND')
})

it('an issuer that asks for introspection since is asked, and the sender proves its key once', async () => {
  const proofs: unknown[] = []
  const checkSender = (claims: unknown) => void proofs.push(claims)
  const since = { fresh: { issuers: [{ ...alpha, mode: 'introspection', generation: 2 } as const] } }
  for (const [isActive, expected] of [
    [false, 'TOKEN_REVOKED'],
    [true, VALID],
  ] as const) {
    const world = foreignWorld({
      ...since,
      introspect: async () => ({ isActive, askedAt: { monotonic: 0, wall: NOW_S * 1_000 } }),
    })
    world.record('issuer', { subject: ALPHA, minimumEpoch: 2 })
    expect(await outcome(world, acmeToken(), { checkSender })).toBe(expected)
  }
  expect(proofs).toHaveLength(2)
})

it('an issuer that was asked, and since is known by its log, is as fresh as its log', async () => {
  const world = foreignWorld({
    issuers: [{ ...alpha, mode: 'introspection' }],
    fresh: { issuers: [{ ...alpha, generation: 2 }] },
    introspect: async () => ({ isActive: true, askedAt: { monotonic: 0, wall: 1 } }),
  })
  world.record('issuer', { subject: ALPHA, minimumEpoch: 2 })
  expect(await world.verify(acmeToken())).toMatchObject({ valid: true, trust: { revocationsAsOf: NOW_S * 1_000 } })
})
