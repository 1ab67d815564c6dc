import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  draftBetween,
  HOME,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../../test/support/trust/put-statements.ts'
import { readBetween } from '../../decide/read-statements.ts'

const DAY_S = 86_400
/** A deployment whose host belongs to the operator `reader`. */
const THERE = 'https://auth.reader.test/a'
let world: TrustWorld
let reader: TrustOperator
let cargo: TrustOperator

beforeAll(async () => {
  world = await startTrustWorld()
  reader = await world.operator('reader.test')
  cargo = await world.operator('cargo.test')
})
afterAll(() => world.drop())

let partners = 0
async function put(by: TrustOperator, aud: readonly string[], content: { exp?: number } = {}) {
  partners += 1
  const subject = await world.operator(`partner${partners}.test`)
  const statement = await world.sign(by, { ...draftBetween(by, subject), aud }, content)
  const answer = await world.as(by.id).putTrustStatement({ id: by.id, statement })
  return answer.statement ?? expect.fail('The answer has no statement')
}

const read = (after = '', audience = THERE, by = reader) => world.as(by.id).listPublishedTrust({ audience, after })
const texts = async () => (await read()).statements.map(({ statement }) => statement).toSorted()

describe('ListPublishedTrust', () => {
  it('lists the statements in force that count at the deployment of the caller, with the epochs of their signers', async () => {
    const counting = await put(cargo, [HOME, THERE])
    await put(cargo, [HOME])
    await put(cargo, ['https://auth.reader.test'])
    const revoked = await put(cargo, [THERE])
    await world.as(cargo.id).revokeTrustStatement({ id: cargo.id, jti: revoked.jti })
    await put(cargo, [THERE], { exp: world.clock.now / 1_000 + DAY_S })
    world.clock.now += DAY_S * 1_000
    await world.db.prisma.operator.update({ where: { id: cargo.id }, data: { epoch: 7, version: { increment: 1 } } })
    const page = await read()
    expect(page.statements).toMatchObject([{ statement: counting.statement, signerEpoch: 7 }])
    expect(page.next).toBe('')
    // The end of all tokens of the deployment ends those of every epoch below.
    await world.db.prisma.deployment.updateMany({ data: { firstEpoch: 9 } })
    expect((await read()).statements).toMatchObject([{ signerEpoch: 9 }])
    await world.db.prisma.deployment.updateMany({ data: { firstEpoch: 1 } })
  })

  it.each([
    ['suspended', { status: 'suspended', suspendedAt: new Date() }],
    ['lapsed', { status: 'lapsed' }],
  ] as const)('leaves out the statements of a signer that is %s', async (_, standing) => {
    const signer = await world.operator(`signer${partners}.test`)
    const { statement } = await put(signer, [THERE])
    expect(await texts()).toContain(statement)
    await world.db.prisma.operator.update({
      where: { id: signer.id },
      data: { ...standing, version: { increment: 1 } },
    })
    expect(await texts()).not.toContain(statement)
  })

  // A frozen operator can sign nothing new, and what it signed before counts here, as its tokens do.
  it('lists the statements of a signer that is frozen, which also count here', async () => {
    const signer = await world.operator('frozen.test')
    const { statement, subject } = await put(signer, [HOME, THERE])
    const frozen = { frozenAt: new Date(), version: { increment: 1 } }
    await world.db.prisma.operator.update({ where: { id: signer.id }, data: frozen })
    expect(await texts()).toContain(statement)
    // The database compares the times of the statement with its own clock.
    await world.db.pool.query(
      "UPDATE trust_statements SET not_before = now(), expires_at = now() + interval '1 day' WHERE signer_id = $1",
      [signer.id],
    )
    expect(await readBetween(world.db.pool, signer.id, subject?.operatorId ?? '')).toHaveLength(1)
  })

  it('leaves out a statement of another deployment whose signer claims the id of an operator', async () => {
    const { jti, statement } = await put(cargo, [THERE])
    expect(await texts()).toContain(statement)
    await world.db.pool.query("UPDATE trust_statements SET home = 'https://evil.test' WHERE jti = $1", [jti])
    expect(await texts()).not.toContain(statement)
  })

  it('leaves out a statement that a newer version has replaced', async () => {
    const { statement, subject } = await put(cargo, [THERE])
    const { operatorId: id, domain } = subject ?? expect.fail('The statement has no subject')
    const draft = { ...draftBetween(cargo, { id, domain }), aud: [THERE] }
    const newer = await world.sign(cargo, draft, { version: 2, exp: world.clock.now / 1_000 + 100 * DAY_S })
    await world.as(cargo.id).putTrustStatement({ id: cargo.id, statement: newer })
    const found = await texts()
    expect([found.includes(statement), found.includes(newer)]).toEqual([false, true])
  })

  it('lists every statement once in pages of 100, in an order that does not change', async () => {
    const many = await world.operator('many.test')
    const { jti } = await put(many, [THERE])
    await world.db.pool.query(
      `INSERT INTO trust_statements SELECT (jsonb_populate_record(s, jsonb_build_object('edge_id', gen_random_uuid(),
         'jti', gen_random_uuid(), 'subject_id', gen_random_uuid(), 'statement', n::text))).*
       FROM trust_statements s, generate_series(1, 200) n WHERE s.jti = $1`,
      [jti],
    )
    const found: string[] = []
    const sizes: number[] = []
    for (let after = '', isLast = false; !isLast; ) {
      const page = await read(after)
      sizes.push(page.statements.length)
      found.push(...page.statements.map(({ statement }) => statement))
      after = page.next
      isLast = after === ''
    }
    expect(sizes.length).toBeGreaterThan(2)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100)
    expect(found.filter((text) => /^\d+$/.test(text)).toSorted()).toEqual(
      Array.from({ length: 200 }, (_, at) => `${at + 1}`).toSorted(),
    )
    expect(new Set(found).size).toBe(found.length)
  })

  it.each<readonly [string, string, () => TrustOperator]>([
    ['an operator that does not own the host', THERE, () => cargo],
    ['the owner of another host', 'https://auth.cargo.test', () => reader],
    ['a host that nobody owns', 'https://nobody.example', () => reader],
  ])('refuses %s', async (_, audience, by) => {
    await expect(read('', audience, by())).rejects.toMatchObject({
      reason: 'PERMISSION_DENIED',
      message: `Only the operator that owns the host of ${audience} may read its statements`,
    })
  })

  it('refuses the operator of a parent domain of an operator that owns the host', async () => {
    const child = await world.operator('auth.reader.test')
    await expect(read()).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' })
    expect((await read('', THERE, child)).statements.length).toBeGreaterThan(0)
  })

  it('refuses an owner that is suspended', async () => {
    const owner = await world.operator('suspended.test', 'suspended')
    await expect(read('', 'https://suspended.test', owner)).rejects.toMatchObject({ reason: 'OPERATOR_NOT_ACTIVE' })
  })

  it.each(['', '*', 'auth.reader.test', 'https://auth.reader.test/'])('refuses the audience %j', async (audience) => {
    await expect(read('', audience)).rejects.toMatchObject({
      reason: 'INVALID_ARGUMENT',
      message: 'audience must be the issuer of a deployment, such as https://auth.example',
    })
  })

  it('refuses a cursor that is not one', async () => {
    const child = await world.db.prisma.operator.findFirstOrThrow({ where: { domain: 'auth.reader.test' } })
    await expect(world.as(child.id).listPublishedTrust({ audience: THERE, after: 'x' })).rejects.toMatchObject({
      reason: 'INVALID_PAGE_TOKEN',
    })
  })
})
