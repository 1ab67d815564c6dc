import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../test/support/assertions.ts'
import { DOCK, type ExplainOptions, explainWorld } from '../../../test/support/federation/explain-world.ts'
import {
  ACME,
  ALPHA,
  AUDIENCE,
  accepts,
  alpha,
  BETA,
  blocks,
  CARGO,
  EDGES,
  GAMMA,
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

const otherAcme = {
  ...alpha,
  domains: new Map([...alpha.domains].map(([name, domain]) => [name, { ...domain, operatorId: BOLT }])),
}

/** Explains one leg as lines: what is missing, then each cure. */
async function linesOf(
  leg: string,
  options: ExplainOptions,
  changes: Parameters<ReturnType<typeof explainWorld>['explain']>[0] = {},
  asker?: string,
): Promise<string[]> {
  const answer = await explainWorld(options).explain(changes, asker)
  const { missing, cures } = answer.legs.find((each) => each.leg === leg) ?? expect.fail(`no leg ${leg}`)
  if (missing === undefined) return ['ok']
  const { kind, from, to, state } = missing
  return [`${from} ${kind} ${to}: ${state}`, ...cures.map(({ who, command }) => `${who}: ${command}`)]
}

const OFFER = `auth4agent trust offer ${ACME} --audience ${AUDIENCE} --map-scope read=read --home ${ALPHA} --domain acme.example`
const ended = (state: 'expired' | 'revoked') => ({
  ended: [{ ...letsCall(), isPublic: false, state }],
})
const writes = [{ audience: AUDIENCE, scopes: { write: ['orders:write'] } }]

describe('the leg identity says', () => {
  it.each<[string, ExplainOptions, { from?: string; home?: string }, string[]]>([
    [
      'that the issuer is not admitted',
      { issuers: [] },
      { home: ALPHA },
      [
        `${BETA} admits ${ALPHA}: absent`,
        `administrator: auth4agent issuer add ${ALPHA} --revocations log --acts-as OPERATOR_ID --secret FILE`,
      ],
    ],
    [
      'that the issuer is disabled',
      { issuers: [{ ...alpha, isEnabled: false }] },
      {},
      [`${BETA} admits ${ALPHA}: disabled`, `administrator: auth4agent issuer enable ${ALPHA}`],
    ],
    [
      'which record a domain without proof has to publish',
      { issuers: [{ ...alpha, domains: new Map() }], rows: [letsCall()] },
      {},
      [
        `acme.example speaks-for ${ALPHA}: unproven`,
        `acme.example: _auth4agents.acme.example TXT "v=a4a1; iss=${ALPHA}; op=${ACME}; rk=ROOT_KEY_THUMBPRINT"`,
      ],
    ],
    [
      'that the record of the domain names another operator',
      { issuers: [otherAcme], rows: [letsCall()] },
      { from: ACME },
      [
        `acme.example speaks-for ${ALPHA}: unproven`,
        `acme.example: _auth4agents.acme.example TXT "v=a4a1; iss=${ALPHA}; op=${ACME}; rk=ROOT_KEY_THUMBPRINT"`,
      ],
    ],
    [
      'that an OAuth server has another domain, which nothing cures',
      { issuers: [{ ...alpha, kind: 'oauth', domains: new Map() }] },
      { home: ALPHA },
      [`acme.example speaks-for ${ALPHA}: unproven`],
    ],
    [
      'that a domain of this deployment has no operator',
      {},
      { from: 'nobody.example' },
      [`nobody.example speaks-for ${BETA}: absent`, 'nobody.example: auth4agent operator register'],
    ],
    [
      'that an operator of this deployment is suspended',
      { dock: 'suspended' },
      { from: 'dock.example' },
      [`dock.example speaks-for ${BETA}: disabled`, `administrator: auth4agent operator reinstate ${DOCK}`],
    ],
    [
      'that the proof of an operator of this deployment has lapsed',
      { dock: 'lapsed' },
      { from: DOCK },
      [
        `dock.example speaks-for ${BETA}: unproven`,
        expect.stringMatching(
          `^dock.example: _auth4agents.dock.example TXT "v=a4a1; iss=${BETA}; op=${DOCK}; rk=[\\w-]{43}"$`,
        ),
      ],
    ],
  ])('%s', async (_name, options, changes, expected) => {
    expect(await linesOf('identity', options, changes)).toEqual(expected)
  })
})

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

describe('a yes', () => {
  it('shows who signed what and until when, to the administrator', async () => {
    const answer = await explainWorld({ rows: [accepts(), member()] }).explain()
    expect(answer).toMatchObject({ allowed: true, position: '3-8812', effectiveScopes: ['orders:read'] })
    expect(answer.legs[0]?.path).toMatchObject([
      { kind: 'admits', from: BETA, to: ALPHA },
      {
        kind: 'speaks-for',
        edgeId: EDGES.alphaAcme,
        from: 'acme.example',
        to: ALPHA,
        proof: `v=a4a1; iss=${ALPHA}; op=${ACME}; rk=${'k'.repeat(43)}`,
      },
    ])
    expect(answer.legs[1]?.path).toMatchObject([
      { kind: 'accepts-members-of', edgeId: EDGES.accepts, proof: `JWS of ${EDGES.accepts}` },
      {
        kind: 'member',
        edgeId: EDGES.member,
        from: 'guild.example',
        to: 'acme.example',
        proof: `JWS of ${EDGES.member}`,
      },
    ])
  })
})

describe('attack 30: the asker', () => {
  const DENIED = { reason: 'PERMISSION_DENIED' }

  it.each<[string, object, string, object | undefined]>([
    ['who owns the audience may ask', {}, CARGO, undefined],
    ["who is the caller's operator may ask", { from: 'dock.example' }, DOCK, undefined],
    ['may name itself by its id', { from: DOCK, home: BETA }, DOCK, undefined],
    ['may not ask about two others', {}, DOCK, DENIED],
    ['may not ask about its domain at another deployment', { from: 'dock.example', home: ALPHA }, DOCK, DENIED],
    ['may not ask about an unknown domain', { from: 'x.example' }, DOCK, DENIED],
    ['may not learn whether an operator id is known', { from: BOLT }, DOCK, DENIED],
  ])('%s', async (_name, changes, asker, refusal) => {
    const asked = explainWorld().explain(changes, asker)
    if (refusal === undefined) await asked
    else await expect(asked).rejects.toMatchObject(refusal)
  })

  it('sees only the kind of a statement between two others', async () => {
    const { legs } = await explainWorld({ rows: [accepts(), member()] }).explain({}, CARGO)
    expect(legs[1]?.path).toMatchObject([
      { kind: 'accepts-members-of', to: 'guild.example' },
      { kind: 'member', edgeId: '', from: '', to: '', proof: '' },
    ])
    expect(legs[1]?.path[1]?.expiresAt).toBeUndefined()
    expect(legs[2]?.path).toMatchObject([{ to: ALPHA }, { to: '' }])
  })

  it('sees a statement between two others that is public', async () => {
    const world = explainWorld({ rows: [accepts(), member()], public: [EDGES.member] })
    expect((await world.explain({}, CARGO)).legs[1]?.path[1]).toMatchObject({ from: 'guild.example' })
  })

  it('gets no cure that rests on a membership which it may not see', async () => {
    const options = { rows: [member()] }
    const accept = expect.stringContaining('--kind accepts-members-of')
    expect(await linesOf('permission', options)).toEqual(expect.arrayContaining([accept]))
    expect(await linesOf('permission', options, {}, CARGO)).not.toEqual(expect.arrayContaining([accept]))
  })

  it('does not learn whose log is stale behind a statement that it may not see', async () => {
    const world = explainWorld({ rows: [accepts(), member()] })
    world.logs.delete(GAMMA)
    const { legs } = await world.explain({}, CARGO)
    expect(legs[2]).toMatchObject({ ok: false, missing: { to: '', state: 'stale' }, cures: [] })
  })
})

describe('a question', () => {
  const atTwo = { issuers: [alpha, { ...gamma, domains: alpha.domains }] }

  it.each<[string, ExplainOptions, object, string, string]>([
    [
      'about a domain in capitals',
      {},
      { from: 'ACME.example' },
      'INVALID_ARGUMENT',
      'from must be a domain in A-labels or an operator id',
    ],
    ['without a caller', {}, { from: '' }, 'INVALID_ARGUMENT', 'from must be a domain in A-labels or an operator id'],
    [
      'with a home that is no issuer',
      {},
      { home: 'alpha' },
      'INVALID_ARGUMENT',
      'home must be an issuer, such as https://auth.example',
    ],
    [
      'with an audience that is none',
      {},
      { to: 'https://A.example' },
      'INVALID_AUDIENCE',
      'to must be a URL or a host name',
    ],
    ['with a wildcard scope', {}, { scope: '*' }, 'INVALID_SCOPE', 'The scope is malformed'],
    [
      'about an unknown operator id',
      {},
      { from: BOLT },
      'OPERATOR_NOT_FOUND',
      'No operator with this id is known here; from may also be its domain',
    ],
    [
      'about a domain of two issuers',
      atTwo,
      {},
      'INVALID_ARGUMENT',
      `home must be one of ${ALPHA}, ${GAMMA}, because acme.example is at each of them`,
    ],
  ])('%s is refused', async (_name, options, changes, reason, message) => {
    await expect(explainWorld(options).explain(changes)).rejects.toMatchObject({ reason, message })
  })

  it('about a domain of two issuers is answered for the one that it names', async () => {
    expect((await explainWorld({ ...atTwo, rows: [letsCall()] }).explain({ home: ALPHA })).allowed).toBe(true)
  })

  it('names the caller also by its operator id', async () => {
    expect((await explainWorld({ rows: [letsCall()] }).explain({ from: ACME })).allowed).toBe(true)
  })

  it('cannot put words of its own into a command', async () => {
    const to = "https://api.cargo.example/v1;touch$IFS'x'"
    const [, cure] = await linesOf('permission', {}, { to, scope: "a'b" })
    expect(cure).toContain(
      String.raw`--audience 'https://api.cargo.example/v1;touch$IFS'\''x'\''' --map-scope 'a'\''b=a'\''b'`,
    )
  })
})
