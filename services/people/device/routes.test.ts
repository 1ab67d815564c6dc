import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { anonymous } from '../../../test/support/identity.ts'
import { deviceCallsOf } from '../../../test/support/people/device-world.ts'
import { CLIENT, type ConsentedUser, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { storeDeviceRequest } from '../store/device-requests.ts'

const world = useUserWorld()

/** A user whose audience lets devices ask, and what a test can do. */
async function ready(owner?: 'another') {
  const user = await world().user(owner)
  const calls = deviceCallsOf(world())
  await calls.allow(user)
  return { user, ...calls }
}

/** Returns the audit of the devices and consents of a user: action, operator, and subject. */
async function auditOf({ operator, owner, subject }: ConsentedUser) {
  const { rows } = await world().database.db.pool.query(
    `SELECT action, operator_id, subject, actor = $3 AS "isUser" FROM audit_logs WHERE operator_id = ANY ($1)
       AND action = ANY ($2) ORDER BY id`,
    [[operator.id, owner.id], ['device.start', 'device.allow', 'device.refuse', 'consent.give'], subject],
  )
  const names = new Map([
    [operator.id, 'operator'],
    [owner.id, 'owner'],
  ])
  return rows.map(
    ({ action, operator_id: id, isUser }) => `${action} ${names.get(id)}${isUser === true ? ' by user' : ''}`,
  )
}

describe('a device may not ask', () => {
  it('where the owner of the audience does not let it', async () => {
    const user = await world().user()
    const calls = deviceCallsOf(world())
    expect(await refusalOf(calls.start(user))).toBe('CLIENT_NOT_ALLOWED')
  })

  it('for a scope that the resource does not have', async () => {
    const { user, start } = await ready()
    expect(await refusalOf(start(user, { scope: 'admin' }))).toBe('INVALID_SCOPE')
    expect(await refusalOf(start(user, { clientId: 'https://other.example/client.json' }))).toBe('CLIENT_NOT_ALLOWED')
  })

  it('in the name of a client whose document does not say that it is on devices', async () => {
    const { user, start } = await ready()
    await world().database.db.pool.query(`UPDATE operator_audiences SET users = users || '{"clients": "any"}'`)
    const clientId = 'https://famous.example/client.json'
    const grants = [['authorization_code', 'refresh_token'], undefined]
    for (const grant_types of grants) {
      world().published.set(clientId, { client_id: clientId, redirect_uris: ['https://famous.example/'], grant_types })
      expect(await refusalOf(start(user, { clientId }))).toBe('CLIENT_NOT_ALLOWED')
    }
  })

  it('when a thousand others wait for users of the owner', async () => {
    const { user, start } = await ready()
    const other = await ready()
    await start(user)
    await world().database.db.pool.query(
      `INSERT INTO device_requests (id, code_hash, user_code, owner_id, client_id, client_edge, client_auth,
         client_digest, audience, scopes, expires_at)
       SELECT gen_random_uuid(), sha256(n::text::bytea), 'N' || n, d.owner_id, d.client_id, d.client_edge, d.client_auth,
         d.client_digest, d.audience, d.scopes, d.expires_at
       FROM device_requests d, generate_series(1, 997) n WHERE d.audience = $1`,
      [user.audience],
    )
    const refusals = await Promise.all([0, 1, 2, 3].map(() => refusalOf(start(user))))
    expect(refusals.filter((each) => each === undefined)).toHaveLength(2)
    expect(new Set(refusals)).toEqual(new Set([undefined, 'TOO_MANY_DEVICES']))
    // Of another owner nobody waits.
    expect((await start(other.user)).userCode).toBeDefined()
  })

  it('in a way that makes the owner wait', async () => {
    const { user, start } = await ready()
    const owner = await world().database.db.pool.connect()
    await owner.query('BEGIN')
    await owner.query('SELECT 1 FROM operators WHERE id = $1 FOR UPDATE', [user.owner.id])
    expect((await start(user)).userCode).toBeDefined()
    await owner.query('ROLLBACK')
    owner.release()
  })
})

it('a request gets another code if its code is taken, and none if every one is', async () => {
  const { user, start } = await ready()
  const { userCode = '' } = await start(user)
  const taken = userCode.replace('-', '')
  const { prisma } = world().database.db
  const [first] = await prisma.deviceRequest.findMany({ where: { userCode: taken } })
  if (first === undefined) throw new Error('There is no request')
  const { ownerId, clientId, clientEdge, clientAuth, clientDigest, audience, scopes, expiresAt } = first
  const of = { ownerId, clientId, clientEdge, clientAuth, clientDigest, audience, scopes, expiresAt }
  const store = (...codes: string[]) => {
    const request = { ...of, id: randomUUID(), codeHash: Buffer.from(randomUUID()) }
    return storeDeviceRequest(prisma, anonymous(), request, () => codes.shift() ?? taken, new Date())
  }
  expect(await store(taken, 'BCDFGHJK')).toBe('BCDFGHJK')
  expect(await refusalOf(store())).toBe('UNAVAILABLE')
})

describe('the page of a device', () => {
  it('refuses a wrong code, and the sixth code of a person in a minute, also in another session', async () => {
    const user = await world().user()
    const { signIn, type } = deviceCallsOf(world())
    const cookies = [await signIn(user), await signIn(user)] as const
    for (let at = 0; at < 5; at++) {
      expect(await refusalOf(type(cookies[at % 2 === 0 ? 0 : 1], 'BBBB-BBBB'))).toBe('USER_CODE_NOT_FOUND')
    }
    for (const cookie of cookies) expect(await refusalOf(type(cookie, 'BBBB-BBBB'))).toBe('RATE_LIMITED')
  })

  it('lets nobody of another operator answer', async () => {
    const { user, start, answer, signIn } = await ready()
    const stranger = await world().user()
    const { userCode = '' } = await start(user)
    expect(await refusalOf(answer(await signIn(stranger), userCode))).toBe('USER_NOT_ALLOWED')
  })

  it('takes one answer, with the form of the page, of the session that has seen it', async () => {
    const { user, start, signIn, type, decide } = await ready('another')
    const [cookie, other] = [await signIn(user), await signIn(user)]
    const [{ userCode = '' }, { userCode: second = '' }] = [await start(user), await start(user)]
    const { form = '', id = '' } = await type(cookie, userCode)
    const { id: another = '' } = await type(cookie, second)
    const answer = { cookie, form, id, isAllowed: true }
    expect(await refusalOf(decide({ ...answer, cookie: '' }))).toBe('SESSION_ENDED')
    for (const change of [{ cookie: other }, { form: '' }, { id: another }, { id: randomUUID() }, { id: 'x' }]) {
      expect(await refusalOf(decide({ ...answer, ...change }))).toBe('FORM_EXPIRED')
    }
    await decide(answer)
    for (const isAllowed of [true, false]) {
      expect(await refusalOf(decide({ ...answer, isAllowed }))).toBe('FORM_EXPIRED')
    }
    expect(await refusalOf(type(cookie, userCode))).toBe('USER_CODE_NOT_FOUND')
  })

  it('takes one of two answers at one moment, and gives no consent by the other', async () => {
    const { user, start, signIn, type, decide } = await ready('another')
    await world().database.db.prisma.consent.deleteMany({ where: { subject: user.subject } })
    const cookie = await signIn(user)
    const { userCode = '' } = await start(user)
    const { form = '', id = '' } = await type(cookie, userCode)
    const answers = [true, false].map((isAllowed) => decide({ cookie, form, id, isAllowed }))
    const done = (await Promise.allSettled(answers)).map(({ status }) => status)
    expect(done.toSorted()).toEqual(['fulfilled', 'rejected'])
    const { status } = await world().database.db.prisma.deviceRequest.findUniqueOrThrow({ where: { id } })
    const consents = await world().database.db.prisma.consent.count({
      where: { clientId: CLIENT, audience: user.audience },
    })
    expect([status, consents]).toEqual(done[0] === 'fulfilled' ? ['allowed', 1] : ['refused', 0])
  })

  it('gives no consent if somebody answers between the page and the consent', async () => {
    const { user, start, signIn, type, decide } = await ready('another')
    const { pool, prisma } = world().database.db
    await prisma.consent.deleteMany({ where: { subject: user.subject } })
    const cookie = await signIn(user)
    const { userCode = '' } = await start(user)
    const { form = '', id = '' } = await type(cookie, userCode)
    const client = await pool.connect()
    await client.query('BEGIN')
    await client.query(`UPDATE device_requests SET status = 'refused' WHERE id = $1`, [id])
    const answer = refusalOf(decide({ cookie, form, id, isAllowed: true }))
    await new Promise((resolve) => setTimeout(resolve, 200))
    await client.query('COMMIT')
    client.release()
    expect(await answer).toBe('FORM_EXPIRED')
    expect(await prisma.consent.count({ where: { audience: user.audience } })).toBe(0)
  })

  it('is in the audit, with each request and each answer', async () => {
    const { user, start, signIn, answer } = await ready('another')
    const cookie = await signIn(user)
    const answers = [true, false]
    for (const isAllowed of answers) await answer(cookie, (await start(user)).userCode ?? '', isAllowed)
    expect(await auditOf(user)).toEqual([
      'device.start owner',
      'consent.give operator by user',
      'consent.give owner by user',
      'device.allow operator by user',
      'device.allow owner by user',
      'device.start owner',
      'device.refuse operator by user',
      'device.refuse owner by user',
    ])
  })
})
