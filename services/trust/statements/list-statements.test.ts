import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  draftBetween,
  ELSEWHERE,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'

const DAY_S = 86_400
let world: TrustWorld
let cargo: TrustOperator

beforeAll(async () => {
  world = await startTrustWorld()
  cargo = await world.operator('cargo.test')
})
afterAll(() => world.drop())

let partners = 0
async function put(content: { version?: number; exp?: number } = {}, by = cargo, about?: TrustOperator) {
  partners += 1
  const subject = about ?? (await world.operator(`partner${partners}.test`))
  const statement = await world.sign(by, draftBetween(by, subject), content)
  const answer = await world.as(by.id).putTrustStatement({ id: by.id, statement })
  return answer.statement?.jti ?? expect.fail('The answer has no statement')
}

/** Reads all pages of a list, and returns their ids and states. */
async function listed(id: string, { withEnded = false, pageSize = 0 } = {}) {
  const found: { jti: string; state: string }[] = []
  for (let pageToken = '', isLast = false; !isLast; ) {
    const page = await world.as(id).listTrustStatements({ id, withEnded, pageSize, pageToken })
    found.push(...page.statements.map(({ jti, state }) => ({ jti, state })))
    pageToken = page.nextPageToken
    isLast = pageToken === ''
  }
  return found
}

describe('ListTrustStatements', () => {
  it('lists the statements of the operator and those that name it, newest first, page by page', async () => {
    const acme = await world.operator('acme.test')
    const first = await put({}, acme)
    world.clock.now += 1_000
    const second = await put({}, cargo, acme)
    // Two of the same time: neither may be lost at the end of a page.
    const third = await put({}, acme)
    const all = await listed(acme.id)
    expect(all.map(({ jti }) => jti).toSorted()).toEqual([first, second, third].toSorted())
    expect(all.at(-1)).toEqual({ jti: first, state: 'active' })
    expect(await listed(acme.id, { pageSize: 1 })).toEqual(all)
    expect(await listed(acme.id, { pageSize: 2 })).toEqual(all)
  })

  it('lists ended statements only if the caller asks for them', async () => {
    const signer = await world.operator('signer.test')
    const subject = await world.operator('subject.test')
    const replaced = await put({}, signer, subject)
    const current = await put({ version: 2 }, signer, subject)
    const revoked = await put({}, signer)
    await world.as(signer.id).revokeTrustStatement({ id: signer.id, jti: revoked })
    const expired = await put({ exp: world.clock.now / 1_000 + DAY_S }, signer)
    world.clock.now += DAY_S * 1_000
    expect(await listed(signer.id)).toEqual([{ jti: current, state: 'active' }])
    const states = Object.fromEntries(
      (await listed(signer.id, { withEnded: true })).map(({ jti, state }) => [jti, state]),
    )
    expect(states).toEqual({ [replaced]: 'replaced', [current]: 'active', [revoked]: 'revoked', [expired]: 'expired' })
  })

  it('does not list a statement of another deployment whose signer claims the id of the operator', async () => {
    const victim = await world.operator('victim.test')
    const subject = await world.operator('innocent.test')
    const jti = await put({}, victim)
    await world.db.pool.query(
      `INSERT INTO trust_statements SELECT (jsonb_populate_record(s, jsonb_build_object('edge_id', gen_random_uuid(),
         'jti', gen_random_uuid(), 'home', $2::text, 'subject_id', $3::text))).* FROM trust_statements s WHERE jti = $1`,
      [jti, ELSEWHERE, subject.id],
    )
    expect(await listed(victim.id)).toEqual([{ jti, state: 'active' }])
    expect(await listed(subject.id)).toHaveLength(1)
  })

  it('returns an empty list for an operator without statements', async () => {
    const { id } = await world.operator('quiet.test')
    expect(await listed(id)).toEqual([])
  })

  it.each([
    'x',
    Buffer.from('1 2').toString('base64url'),
    Buffer.from('0190aaaa-0000-7000-8000-000000000001').toString('base64url'),
  ])('refuses the page token %j', async (pageToken) => {
    await expect(world.as(cargo.id).listTrustStatements({ id: cargo.id, pageToken })).rejects.toMatchObject({
      reason: 'INVALID_PAGE_TOKEN',
    })
  })

  it('refuses a page of more than 200 statements', async () => {
    await expect(world.as(cargo.id).listTrustStatements({ id: cargo.id, pageSize: 201 })).rejects.toMatchObject({
      reason: 'INVALID_ARGUMENT',
      message: 'page_size must be between 0 and 200',
    })
  })
})
