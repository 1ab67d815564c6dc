import { draftClaims } from '@auth4agent/core/trust/read-draft'
import type { TrustDraft } from '@auth4agent/core/trust/statement'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  draftBetween,
  ELSEWHERE,
  HOME,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'
import { type Claims, newRoot, signClaims } from '../../../test/support/trust/statements.ts'
import { edgeId } from './domain/edge-id.ts'
import { MAX_LIVE_STATEMENTS } from './store.ts'

let world: TrustWorld
let cargo: TrustOperator
let acme: TrustOperator

beforeAll(async () => {
  world = await startTrustWorld()
  cargo = await world.operator('cargo.test')
  acme = await world.operator('acme.test')
})
afterAll(() => world.drop())

let partners = 0
/** A draft about an operator that no other statement of these tests names. */
async function freshDraft(change: Partial<TrustDraft> = {}): Promise<TrustDraft> {
  partners += 1
  return { ...draftBetween(cargo, await world.operator(`partner${partners}.test`)), ...change }
}

const put = (statement: string, by = cargo) => world.as(by.id).putTrustStatement({ id: by.id, statement })

describe('PutTrustStatement', () => {
  it('stores a statement, returns it as active, and writes one audit record', async () => {
    const draft = await freshDraft({ visibility: 'public' })
    const statement = await world.sign(cargo, draft)
    const answer = (await put(statement)).statement
    expect(answer).toMatchObject({
      kind: 'lets-call',
      signer: { operatorId: cargo.id, domain: 'cargo.test', home: HOME },
      subject: { operatorId: draft.sub, domain: draft.subDomain, home: HOME },
      depth: 0,
      grants: [{ audience: 'https://api.cargo.test', scopes: [{ scope: 'orders:read', values: ['read', 'list'] }] }],
      aud: [HOME],
      visibility: 'public',
      version: 1,
      state: 'active',
      statement,
    })
    const jti = answer?.jti ?? ''
    expect(answer?.edgeId).toBe(edgeId({ home: HOME, iss: cargo.id, jti }))
    const row = await world.db.prisma.trustStatement.findFirstOrThrow({ where: { jti } })
    expect(row).toMatchObject({
      kid: cargo.kid,
      grants: draft.grants,
      issuerId: null,
      putAt: new Date(world.clock.now),
    })
    expect((await world.audit()).filter(({ subject }) => subject === jti)).toMatchObject([
      { action: 'trust.put', operatorId: cargo.id, reason: `lets-call ${draft.subDomain}, version 1` },
    ])
  })

  it('answers a repeated call with the same row, and changes nothing', async () => {
    const statement = await world.sign(cargo, await freshDraft())
    const first = await put(statement)
    const audit = await world.audit()
    world.clock.now += 1_000
    expect(await put(statement)).toEqual(first)
    expect(await world.audit()).toEqual(audit)
  })

  it('refuses another statement with the jti of an earlier one', async () => {
    const jti = '0190aaaa-0000-7000-8000-00000000000a'
    await put(await world.sign(cargo, await freshDraft(), { jti }))
    await expect(put(await world.sign(cargo, await freshDraft(), { jti }))).rejects.toMatchObject({
      reason: 'STATEMENT_CONFLICT',
      message: 'jti of the statement must be new for its signer',
    })
  })

  it('lets two operators use the same jti', async () => {
    const jti = '0190aaaa-0000-7000-8000-00000000000b'
    await put(await world.sign(cargo, await freshDraft(), { jti }))
    expect((await put(await world.sign(acme, draftBetween(acme, cargo), { jti }), acme)).statement?.jti).toBe(jti)
  })

  it.each<readonly [string, Partial<TrustDraft>, string]>([
    [
      'another operator as signer',
      { iss: '0190aaaa-0000-8000-8000-00000000000c' },
      'iss of the statement must be the op',
    ],
    ['another home', { home: ELSEWHERE }, `home of the statement must be exactly ${HOME}`],
    [
      'a parent of the domain of the signer',
      { domain: 'go.test', grants: [{ audience: 'go.test', scopes: { read: ['read'] } }] },
      'domain of the statement must be cargo.test',
    ],
    [
      'a subject of this deployment that does not exist',
      { sub: '0190aaaa-0000-8000-8000-00000000000d' },
      `sub of the statement must be an operator of ${HOME}`,
    ],
    ['the wrong domain of the subject', { subDomain: 'evil.test' }, 'sub_domain of the statement must be partner'],
  ])('refuses %s', async (_, change, detail) => {
    await expect(put(await world.sign(cargo, await freshDraft(change)))).rejects.toMatchObject({
      reason: 'INVALID_STATEMENT',
      message: expect.stringContaining(detail),
    })
  })

  it.each(['lapsed', 'suspended'] as const)('refuses a signer that is %s', async (status) => {
    const signer = await world.operator(`${status}.test`, status)
    await expect(put(await world.sign(signer, draftBetween(signer, acme)), signer)).rejects.toMatchObject({
      reason: 'OPERATOR_NOT_ACTIVE',
      message: `The operator is ${status} but must be active`,
    })
  })

  it('refuses a statement under a key of its own that is no root key of the operator', async () => {
    const stranger = newRoot()
    await expect(put(await world.sign({ signer: stranger }, await freshDraft()))).rejects.toMatchObject({
      reason: 'INVALID_STATEMENT',
      message: 'A root key of the operator must have signed the statement',
    })
  })

  it('refuses the root key of another operator of the deployment', async () => {
    await expect(put(await world.sign(acme, await freshDraft()))).rejects.toMatchObject({
      message: 'A root key of the operator must have signed the statement',
    })
  })

  it('refuses a signature by another key than the header shows', async () => {
    const claims = { ...draftClaims(await freshDraft()), ...times(), jti: '0190aaaa-0000-7000-8000-00000000000e' }
    const forged = await signClaims(newRoot(), claims, { jwk: cargo.jwk, kid: cargo.kid })
    await expect(put(forged)).rejects.toMatchObject({
      reason: 'INVALID_STATEMENT',
      message: 'The signature of the statement must be valid under the key jwk of the header',
    })
  })

  it('refuses what the parser of statements refuses, with its sentence', async () => {
    await expect(put('x')).rejects.toMatchObject({
      reason: 'INVALID_STATEMENT',
      message: 'The statement must have three parts separated by dots: header.payload.signature',
    })
  })

  it.each<readonly [string, { readonly nowS: number; readonly exp?: number }, string]>([
    ['iat beyond the clock skew', { nowS: 41 }, 'iat of the statement must not be in the future'],
    ['an exp that has passed', { nowS: -1_000, exp: 0 }, 'exp of the statement must be in the future'],
  ])('refuses %s', async (_, { nowS, exp }, detail) => {
    const second = world.clock.now / 1_000
    const content = { nowS: second + nowS, ...(exp !== undefined && { exp: second + exp }) }
    await expect(put(await world.sign(cargo, await freshDraft(), content))).rejects.toMatchObject({ message: detail })
  })

  it('accepts iat within the clock skew', async () => {
    const statement = await world.sign(cargo, await freshDraft(), { nowS: world.clock.now / 1_000 + 40 })
    expect((await put(statement)).statement?.version).toBe(1)
  })

  it('keeps a statement about an operator of another deployment waiting until its issuer is admitted', async () => {
    const draft = await freshDraft({ subHome: ELSEWHERE, sub: '0190aaaa-0000-8000-8000-000000000010' })
    const statement = await world.sign(cargo, { ...draft, subDomain: 'far.test' })
    expect((await put(statement)).statement?.state).toBe('waiting')
    expect(world.proven).toEqual([])
    await admit(ELSEWHERE)
    expect((await put(statement)).statement?.state).toBe('active')
    expect(world.proven).toEqual([['0190aaaa-0000-7000-8000-0000000000ff', 'far.test']])
    await world.db.prisma.issuer.updateMany({ data: { status: 'disabled' } })
    expect((await put(statement)).statement?.state).toBe('waiting')
    expect(world.proven).toHaveLength(1)
  })

  it('accepts chains-to an issuer that is not admitted, because its tokens are not looked at here', async () => {
    const { sub: _, subDomain: __, ...draft } = draftBetween(cargo, acme)
    const chain: TrustDraft = {
      ...draft,
      sub: '',
      subDomain: '',
      subHome: 'https://third.test',
      kind: 'chains-to',
      grants: [{ audience: '', scopes: { read: ['read'] } }],
    }
    expect((await put(await world.sign(cargo, chain))).statement).toMatchObject({
      state: 'active',
      subject: { operatorId: '', domain: '', home: 'https://third.test' },
    })
  })

  it('refuses an operator that has the largest number of statements, but not a new version of one of them', async () => {
    const full = await world.operator('full.test')
    const draft = draftBetween(full, acme)
    const last = await put(await world.sign(full, draft), full)
    await world.db.pool.query(
      `INSERT INTO trust_statements SELECT (jsonb_populate_record(s, jsonb_build_object('edge_id', gen_random_uuid(),
         'jti', gen_random_uuid(), 'subject_id', gen_random_uuid()))).*
       FROM trust_statements s, generate_series(2, $2) WHERE s.jti = $1`,
      [last.statement?.jti, MAX_LIVE_STATEMENTS],
    )
    const refused = put(await world.sign(full, draftBetween(full, cargo)), full)
    await expect(refused).rejects.toMatchObject({
      reason: 'STATEMENT_LIMIT',
      message: 'An operator may have at most 1000 statements in force',
    })
    expect((await put(await world.sign(full, draft, { version: 2 }), full)).statement?.version).toBe(2)
  })
})

const times = (): Claims => {
  const iat = world.clock.now / 1_000
  return { version: 1, iat, nbf: iat, exp: iat + 60 }
}

/** Admits an issuer, as the administrator does. */
async function admit(issuer: string): Promise<void> {
  await world.db.prisma.issuer.create({
    data: {
      id: '0190aaaa-0000-7000-8000-0000000000ff',
      issuer,
      kind: 'auth4agent',
      algorithms: ['EdDSA'],
      tokenType: 'at+jwt',
      jwksUri: `${issuer}/.well-known/jwks.json`,
      revocationMode: 'none',
      maxTokenTtl: 300,
      maxStalenessMs: 5_000,
    },
  })
}
