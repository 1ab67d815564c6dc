import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../test/support/assertions.ts'
import { DOCK, type ExplainOptions, explainWorld, linesOf } from '../../../test/support/federation/explain-world.ts'
import {
  ACME,
  ALPHA,
  AUDIENCE,
  accepts,
  alpha,
  BETA,
  blocks,
  gamma,
  letsCall,
  member,
} from '../../../test/support/federation/foreign-parties.ts'
import { foreignNode } from '../decide/read-statements.ts'

const BOLT = 'b0000000-0000-8000-8000-000000000001'
const boltAt = { domain: 'bolt.example', edgeId: 'e0000000-0000-8000-8000-00000000000b', operatorId: BOLT }
const withBolt = {
  ...alpha,
  domains: new Map([...alpha.domains, ['bolt.example', { ...boltAt, provenAt: NOW_S * 1_000 }]]),
}

const OFFER = `auth4agent trust offer ${ACME} --audience ${AUDIENCE} --map-scope read=read --home ${ALPHA} --domain acme.example`
const ended = (state: 'expired' | 'revoked') => ({
  ended: [{ ...letsCall(), isPublic: false, state }],
})
const writes = [{ audience: AUDIENCE, scopes: { write: ['orders:write'] } }]

describe('the leg permission says', () => {
  it.each<[string, ExplainOptions, object, string[]]>([
    ['that a statement is absent', {}, {}, ['cargo.example lets-call acme.example: absent', `cargo.example: ${OFFER}`]],
    [
      'that a statement has expired, and what it mapped',
      ended('expired'),
      {},
      [
        'cargo.example lets-call acme.example: expired',
        `cargo.example: ${OFFER.replace('read=read', 'read=orders:read')}`,
      ],
    ],
    [
      'that a statement was revoked',
      ended('revoked'),
      {},
      [
        'cargo.example lets-call acme.example: revoked',
        `cargo.example: ${OFFER.replace('read=read', 'read=orders:read')}`,
      ],
    ],
    [
      'that a scope is not mapped',
      { rows: [letsCall({ grants: writes })] },
      {},
      ['cargo.example lets-call acme.example: scope-unmapped', `cargo.example: ${OFFER}`],
    ],
    [
      'which statement blocks',
      { rows: [letsCall(), blocks()] },
      {},
      ['cargo.example blocks acme.example: blocked', `cargo.example: auth4agent trust revoke jti of ${blocks().id}`],
    ],
    [
      'that nobody owns the audience',
      {},
      { to: 'https://free.example' },
      ['free.example lets-call acme.example: absent', 'free.example: auth4agent operator register'],
    ],
    [
      'that the policy does not list an operator of this deployment',
      {},
      { from: 'dock.example' },
      [
        'cargo.example caller dock.example: absent',
        `cargo.example: auth4agent policy set --audience ${AUDIENCE} --add-caller dock.example`,
      ],
    ],
    [
      'that a rule of the policy lists others',
      { callers: ['other.example'] },
      { from: 'dock.example' },
      [
        'cargo.example caller dock.example: absent',
        `cargo.example: auth4agent policy set --audience ${AUDIENCE} --add-caller dock.example`,
      ],
    ],
  ])('%s', async (_name, options, changes, expected) => {
    expect(await linesOf('permission', options, changes)).toEqual(expected)
  })

  it.each([
    ['its domain is listed', ['other.example', 'dock.example'], 'dock.example'],
    ['every operator of the deployment is listed', ['*'], '*'],
  ])(
    'that an operator of this deployment may call if %s, and the entry that says so',
    async (_name, callers, entry) => {
      for (const asker of [undefined, DOCK]) {
        const answer = await explainWorld({ callers }).explain({ from: 'dock.example' }, asker)
        expect(answer).toMatchObject({ allowed: true, effectiveScopes: ['read'] })
        const proof = JSON.stringify({ audience: AUDIENCE, callers: [entry] })
        const edge = { kind: 'caller', edgeId: `edge of ${entry}`, from: 'cargo.example', to: 'dock.example', proof }
        expect(answer.legs[1]?.path).toMatchObject([edge])
      }
    },
  )

  it('nothing about * to an operator of another deployment', async () => {
    expect((await explainWorld({ callers: ['*'] }).explain()).allowed).toBe(false)
  })
})

describe('the worked example', () => {
  const bolt = foreignNode(ALPHA, 'bolt.example', BOLT)
  const rows = [
    accepts(),
    member(),
    letsCall({ from: foreignNode(ALPHA, 'acme.example', ACME), to: bolt, signerId: ACME }),
  ]

  it('refuses bolt at cargo: cargo can let it call, or guild can list it', async () => {
    const world = explainWorld({ issuers: [withBolt, gamma], rows: rows.slice(0, 2) })
    const { allowed, legs } = await world.explain({ from: 'bolt.example' })
    expect(allowed).toBe(false)
    expect(legs.map(({ leg, ok }) => [leg, ok])).toEqual([
      ['identity', true],
      ['permission', false],
      ['freshness', true],
    ])
    expect(legs[1]?.missing).toMatchObject({
      kind: 'lets-call',
      from: 'cargo.example',
      to: 'bolt.example',
      state: 'absent',
    })
    expect(
      legs[1]?.cures.map(({ who, signatures, draft }) => [who, signatures, draft?.['kind'], draft?.['sub']]),
    ).toEqual([
      ['cargo.example', 1, 'lets-call', BOLT],
      ['guild.example', 1, 'member', BOLT],
    ])
    expect(legs[1]?.cures[1]?.command).toBe(
      `auth4agent trust offer ${BOLT} --kind member --home ${ALPHA} --domain bolt.example --at ${BETA}`,
    )
  })

  it('refuses bolt at dock through acme, because lets-call never chains', async () => {
    const expected = ['cargo.example lets-call bolt.example: absent']
    const lines = await linesOf(
      'permission',
      { issuers: [withBolt], rows: [letsCall(), rows[2] ?? letsCall()] },
      { from: BOLT },
    )
    expect(lines.slice(0, 1)).toEqual(expected)
    expect(lines).toHaveLength(2)
  })
})
