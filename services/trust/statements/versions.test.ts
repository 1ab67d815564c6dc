import { randomUUID } from 'node:crypto'
import { parseTrustStatement } from '@auth4agent/core/trust/parse-statement'
import type { TrustDraft } from '@auth4agent/core/trust/statement'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { StatementContent } from '../../../clients/sdk/src/sign-statement.ts'
import {
  draftBetween,
  ELSEWHERE,
  HOME,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'
import { readBetween } from '../decide/read-statements.ts'
import { storeStatement } from './store.ts'

const DAY_S = 86_400
let world: TrustWorld
let cargo: TrustOperator
let acme: TrustOperator
let draft: TrustDraft
let number = 0

beforeAll(async () => {
  world = await startTrustWorld()
})
afterAll(() => world.drop())
beforeEach(async () => {
  number += 1
  cargo = await world.operator(`cargo${number}.test`)
  acme = await world.operator(`acme${number}.test`)
  draft = draftBetween(cargo, acme)
})

async function put(
  change: Partial<TrustDraft>,
  content: Pick<Partial<StatementContent>, 'version' | 'nbf' | 'exp' | 'jti'> = {},
) {
  const statement = await world.sign(cargo, { ...draft, ...change }, content)
  const answer = await world.as(cargo.id).putTrustStatement({ id: cargo.id, statement })
  return answer.statement ?? expect.fail('The answer has no statement')
}

const rowOf = ({ jti }: { readonly jti: string }) => world.db.prisma.trustStatement.findFirstOrThrow({ where: { jti } })
const inDays = (days: number) => world.clock.now / 1_000 + days * DAY_S

describe('a newer version of a statement', () => {
  it('takes the place of the one before, whose tokens stay valid if it allows as much', async () => {
    const before = await put({}, { exp: inDays(1) })
    const logged = await world.logged()
    const next = await put({}, { version: 2, exp: inDays(2) })
    expect(next.state).toBe('active')
    expect(await rowOf(before)).toMatchObject({ replacedAt: new Date(world.clock.now), endedAt: null, end: null })
    expect(await world.logged()).toEqual(logged)
  })

  it('ends the tokens of the one before if it allows less', async () => {
    const before = await put({}, { exp: inDays(2) })
    const logged = await world.logged()
    const grants = [{ audience: `https://api.${cargo.domain}`, scopes: { 'orders:read': ['read'] } }]
    await put({ grants }, { version: 2, exp: inDays(2) })
    expect(await rowOf(before)).toMatchObject({ endedAt: new Date(world.clock.now), end: 'narrowed' })
    expect(await world.logged()).toEqual([...logged, before.edgeId])
  })

  it('ends the tokens of all versions before if it allows less than the last one', async () => {
    const first = await put({}, { exp: inDays(1) })
    const second = await put({}, { version: 2, exp: inDays(2) })
    const logged = await world.logged()
    await put({}, { version: 3, exp: inDays(1) })
    expect((await world.logged()).slice(logged.length).toSorted()).toEqual([first.edgeId, second.edgeId].toSorted())
  })

  it.each([
    ['the same version', 3],
    ['a lower version', 2],
  ])('is refused with %s', async (_, version) => {
    await put({}, { version: 3 })
    await expect(put({}, { version })).rejects.toMatchObject({
      reason: 'STATEMENT_CONFLICT',
      message: 'version of the statement must be above 3',
    })
  })

  it('is refused with a lower version even after the higher one was revoked', async () => {
    const { jti } = await put({}, { version: 3 })
    await world.as(cargo.id).revokeTrustStatement({ id: cargo.id, jti })
    await expect(put({}, { version: 2 })).rejects.toMatchObject({ message: 'version of the statement must be above 3' })
  })

  it('may have any version above zero if the signer, the kind or the subject differs', async () => {
    await put({}, { version: 3 })
    const other = await world.operator(`other${number}.test`)
    expect(await put({ sub: other.id, subDomain: other.domain })).toMatchObject({ version: 1 })
    expect(await put({ kind: 'member', grants: [] })).toMatchObject({ version: 1 })
    const back = await world.sign(acme, draftBetween(acme, cargo))
    const answer = await world.as(acme.id).putTrustStatement({ id: acme.id, statement: back })
    expect(answer.statement?.version).toBe(1)
  })

  it('is refused if it begins later, because nothing would be in force until then', async () => {
    await put({})
    await expect(put({}, { version: 2, nbf: inDays(1) })).rejects.toMatchObject({
      reason: 'STATEMENT_CONFLICT',
      message: 'nbf of the statement must not be in the future while version 1 is in force',
    })
  })

  it('begins at once though the clock of its signer is ahead, so that one version is in force', async () => {
    await put({})
    // The iat of a statement is half a minute before the time at which it is signed.
    const text = await world.sign(cargo, draft, { version: 2, nowS: world.clock.now / 1_000 + 39 })
    const { statement } = await world.as(cargo.id).putTrustStatement({ id: cargo.id, statement: text })
    expect(statement).toMatchObject({ state: 'active' })
  })

  it('may begin later if the one before has expired', async () => {
    await put({}, { exp: inDays(1) })
    world.clock.now += DAY_S * 1_000
    expect(await put({}, { version: 2, nbf: inDays(1) })).toMatchObject({ state: 'waiting' })
  })

  it('is not hindered by a statement of another deployment whose signer claims the same id', async () => {
    const { jti } = await put({}, { version: 3 })
    await world.db.pool.query(
      `UPDATE trust_statements SET home = 'https://evil.test', edge_id = gen_random_uuid(), version = 2147483647
       WHERE jti = $1`,
      [jti],
    )
    expect(await put({}, { jti })).toMatchObject({ jti, version: 1, state: 'active' })
    const theirs = await world.db.prisma.trustStatement.findFirstOrThrow({ where: { jti, home: 'https://evil.test' } })
    expect(theirs).toMatchObject({ replacedAt: null, endedAt: null })
  })

  it('is stored once if two calls put different versions at the same time', async () => {
    const all = await Promise.allSettled([put({}, { version: 1 }), put({}, { version: 2 }), put({}, { version: 3 })])
    const refused = all.filter(({ status }) => status === 'rejected')
    for (const each of refused) expect(each).toMatchObject({ reason: { reason: 'STATEMENT_CONFLICT' } })
    const live = { signerId: cargo.id, replacedAt: null, endedAt: null }
    expect(await world.db.prisma.trustStatement.findMany({ where: live })).toMatchObject([{ version: 3 }])
  })
})

describe('a statement of the kind blocks', () => {
  it('gives the other edges of its signer that can lead to the blocked operator new ids', async () => {
    const group = await world.operator(`group${number}.test`)
    const about = { sub: group.id, subDomain: group.domain }
    const direct = await put({})
    const others = await put(about)
    const members = await put({ ...about, kind: 'accepts-members-of', depth: 1 })
    const foreign = await world.sign(acme, draftBetween(acme, group))
    const unrelated = (await world.as(acme.id).putTrustStatement({ id: acme.id, statement: foreign })).statement
    const logged = await world.logged()
    await put({ kind: 'blocks', grants: [] })
    const renamed = (await world.logged()).slice(logged.length)
    expect(renamed.toSorted()).toEqual([direct.edgeId, members.edgeId].toSorted())
    expect((await rowOf(direct)).edgeId).not.toBe(direct.edgeId)
    expect((await rowOf(members)).edgeId).not.toBe(members.edgeId)
    expect((await rowOf(others)).edgeId).toBe(others.edgeId)
    expect((await rowOf(unrelated ?? others)).edgeId).toBe(unrelated?.edgeId)
  })

  it('gives replaced versions new ids too, because decisions may still rest on them', async () => {
    const before = await put({}, { exp: inDays(1) })
    const next = await put({}, { version: 2, exp: inDays(2) })
    const logged = await world.logged()
    await put({ kind: 'blocks', grants: [] })
    expect((await world.logged()).slice(logged.length).toSorted()).toEqual([before.edgeId, next.edgeId].toSorted())
  })

  it('leaves edges alone that have ended', async () => {
    await put({})
    const next = await put({}, { version: 2 })
    await world.as(cargo.id).revokeTrustStatement({ id: cargo.id, jti: next.jti })
    const logged = await world.logged()
    await put({ kind: 'blocks', grants: [] })
    expect(await world.logged()).toEqual(logged)
  })

  it('is refused if it begins later, because copies in memory would miss that moment', async () => {
    await expect(put({ kind: 'blocks', grants: [] }, { nbf: inDays(1) })).rejects.toMatchObject({
      reason: 'INVALID_STATEMENT',
      message: 'nbf of a statement of the kind blocks must not be in the future',
    })
  })

  it('counts at once though the clock of its signer is ahead, because copies would miss its beginning', async () => {
    const { now } = world.clock
    // The database compares nbf with its own clock.
    world.clock.now = Math.floor(Date.now() / 1_000) * 1_000
    const { jti } = await put({ kind: 'blocks', grants: [] }, { nbf: world.clock.now / 1_000 + 9 })
    world.clock.now = now
    const [counting] = await readBetween(world.db.pool, cargo.id, acme.id)
    expect(counting).toMatchObject({ id: (await rowOf({ jti })).edgeId, kind: 'blocks' })
  })

  it('leaves the ids of edges of another deployment alone, because its revocation log names those', async () => {
    const { jti, edgeId } = await put({ kind: 'accepts-members-of', depth: 1 })
    await world.db.pool.query('UPDATE trust_statements SET home = $1 WHERE jti = $2', [ELSEWHERE, jti])
    const text = await world.sign(cargo, { ...draft, home: ELSEWHERE, kind: 'blocks', grants: [] })
    const parsed = parseTrustStatement(text)
    if (!parsed.ok) expect.fail(parsed.text)
    const issuerId = randomUUID()
    await world.db.pool.query(
      `INSERT INTO issuers (id, issuer, kind, token_type, jwks_uri, revocation_mode, max_token_ttl, max_staleness_ms)
       VALUES ($1, $2, 'auth4agent', 'at+jwt', '', 'none', 300, 5000)`,
      [issuerId, ELSEWHERE],
    )
    const { statement } = parsed
    const checked = { statement, text, kid: cargo.kid, at: new Date(world.clock.now), issuerId, signerEpoch: 1 }
    await world.db.prisma.$transaction((tx) => storeStatement(tx, checked))
    expect(await rowOf({ jti })).toMatchObject({ edgeId })
  })

  it('keeps the jti of a renamed edge, so that it can be revoked and not be put again', async () => {
    const { jti, statement } = await put({})
    await put({ kind: 'blocks', grants: [] })
    const again = await world.as(cargo.id).putTrustStatement({ id: cargo.id, statement })
    expect(again.statement).toMatchObject({ jti, state: 'active' })
    const revoked = await world.as(cargo.id).revokeTrustStatement({ id: cargo.id, jti })
    expect(revoked.statement).toMatchObject({ jti, state: 'revoked', edgeId: again.statement?.edgeId })
  })
})

describe('RevokeTrustStatement', () => {
  it('ends a statement with all its versions, and writes one audit record', async () => {
    const before = await put({})
    const next = await put({}, { version: 2, exp: inDays(300) })
    const logged = await world.logged()
    const revoke = () => world.as(cargo.id).revokeTrustStatement({ id: cargo.id, jti: before.jti, reason: 'left us' })
    const answer = await revoke()
    expect(answer.statement).toMatchObject({ jti: before.jti, state: 'revoked' })
    expect((await world.logged()).slice(logged.length).toSorted()).toEqual([before.edgeId, next.edgeId].toSorted())
    const records = (await world.audit()).filter(
      ({ action, subject }) => action === 'trust.revoke' && subject === before.jti,
    )
    expect(records).toMatchObject([{ operatorId: cargo.id, reason: 'left us' }])
    world.clock.now += 1_000
    expect(await revoke()).toEqual(answer)
    expect((await world.audit()).filter(({ subject }) => subject === before.jti)).toHaveLength(2)
  })

  it('leaves statements about others, and of other kinds, in force', async () => {
    const other = await world.operator(`other${number}.test`)
    const kept = [await put({ sub: other.id, subDomain: other.domain }), await put({ kind: 'member', grants: [] })]
    const { jti } = await put({})
    await world.as(cargo.id).revokeTrustStatement({ id: cargo.id, jti })
    for (const each of kept) expect(await rowOf(each)).toMatchObject({ endedAt: null })
  })

  it('changes nothing about a statement that has expired', async () => {
    const { jti } = await put({}, { exp: inDays(1) })
    world.clock.now += DAY_S * 1_000
    const logged = await world.logged()
    const answer = await world.as(cargo.id).revokeTrustStatement({ id: cargo.id, jti })
    expect(answer.statement?.state).toBe('expired')
    expect(await world.logged()).toEqual(logged)
  })

  it.each(['0190aaaa-0000-7000-8000-0000000000aa', 'no-uuid', ''])('refuses the unknown jti %j', async (jti) => {
    await expect(world.as(cargo.id).revokeTrustStatement({ id: cargo.id, jti })).rejects.toMatchObject({
      reason: 'STATEMENT_NOT_FOUND',
    })
  })

  it('refuses the statement of another operator', async () => {
    const { jti } = await put({})
    await expect(world.as(acme.id).revokeTrustStatement({ id: acme.id, jti })).rejects.toMatchObject({
      reason: 'STATEMENT_NOT_FOUND',
    })
  })

  it('lets the signer put a newer version afterwards', async () => {
    const { jti } = await put({})
    await world.as(cargo.id).revokeTrustStatement({ id: cargo.id, jti })
    expect(await put({ aud: [HOME] }, { version: 2 })).toMatchObject({ state: 'active' })
  })
})
