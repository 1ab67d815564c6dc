import { describe, expect, it } from 'vitest'
import { ISSUER } from '../../../test/support/authn.ts'
import { anonymous } from '../../../test/support/identity.ts'
import { DEVICE_CODE, deviceCallsOf } from '../../../test/support/people/device-world.ts'
import { CLIENT, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const world = useUserWorld()

const redeem = (deviceCode: string, members: object = {}, process: 0 | 1 = 0) =>
  world().token({ grantType: DEVICE_CODE, deviceCode, clientId: CLIENT, ...members }, anonymous(), process)

/** Starts a device, and lets its user answer. */
async function answered(isAllowed = true) {
  const user = await world().user('another')
  const calls = deviceCallsOf(world())
  await calls.allow(user)
  const { deviceCode = '', userCode = '' } = await calls.start(user)
  const cookie = await calls.signIn(user)
  await calls.answer(cookie, userCode, isAllowed)
  return { ...calls, user, cookie, deviceCode, userCode }
}

async function isValid(token: string, audience: string): Promise<boolean> {
  const wanted = { audience: [audience], scope: 'read', delegation: 'accept' }
  return (await world().instances[1].verify(token, wanted)).valid === true
}

describe('a device code', () => {
  it('gives a token and a refresh token when the user has allowed it', async () => {
    const user = await world().user()
    const calls = deviceCallsOf(world())
    await calls.allow(user)
    const started = await calls.start(user)
    expect(started).toEqual({
      deviceCode: expect.stringMatching(/^[\w-]{43}$/),
      userCode: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/),
      verificationUri: `${ISSUER}/people/device`,
      expiresIn: 600,
      interval: 5,
    })
    const { deviceCode = '', userCode = '' } = started
    expect(await refusalOf(redeem(deviceCode))).toBe('AUTHORIZATION_PENDING')
    const cookie = await calls.signIn(user)
    const { question } = await calls.type(cookie, userCode.toLowerCase().replace('-', ' '))
    expect(question).toMatchObject({ clientId: CLIENT, redirectHost: '', audience: user.audience })
    await calls.answer(cookie, userCode)
    await calls.pass()
    const { accessToken = '', refreshToken = '', tokenType } = await redeem(deviceCode)
    expect(tokenType).toBe('Bearer')
    expect(await isValid(accessToken, user.audience)).toBe(true)
    expect((await world().refresh(refreshToken)).refreshToken).toMatch(/^a4r_/)
    const { rows } = await world().database.db.pool.query('SELECT * FROM device_requests')
    expect(JSON.stringify(rows)).not.toContain(deviceCode)
  })

  it('is refused when the user has refused', async () => {
    const { deviceCode } = await answered(false)
    expect(await refusalOf(redeem(deviceCode))).toBe('CODE_REFUSED')
  })

  it('of another client is refused, and is not slowed down', async () => {
    const { deviceCode } = await answered()
    const other = { clientId: 'https://other.example/client.json' }
    expect(await refusalOf(redeem(deviceCode, other))).toBe('CODE_NOT_ACCEPTED')
    expect((await redeem(deviceCode)).tokenType).toBe('Bearer')
  })

  it('ends its connection when it comes a second time', async () => {
    const { deviceCode, user, pass } = await answered()
    const { accessToken = '' } = await redeem(deviceCode)
    await pass()
    expect(await refusalOf(redeem(deviceCode))).toBe('CODE_NOT_ACCEPTED')
    expect(await isValid(accessToken, user.audience)).toBe(false)
  })

  it('gives one token to a hundred requests at two processes', async () => {
    const { deviceCode, user } = await answered()
    const all = Array.from({ length: 100 }, (_, at) => redeem(deviceCode, {}, at % 2 === 0 ? 0 : 1))
    const tokens = (await Promise.allSettled(all)).flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    expect(tokens).toHaveLength(1)
    expect(await isValid(tokens[0]?.accessToken ?? '', user.audience)).toBe(true)
  })

  it('whose client asks too early makes the interval longer', async () => {
    const user = await world().user()
    const calls = deviceCallsOf(world())
    await calls.allow(user)
    const { deviceCode = '' } = await calls.start(user)
    expect(await refusalOf(redeem(deviceCode))).toBe('AUTHORIZATION_PENDING')
    for (const interval of [10, 15]) {
      await expect(redeem(deviceCode)).rejects.toMatchObject({
        reason: 'SLOW_DOWN',
        message: expect.stringContaining(`${interval} seconds`),
      })
    }
    const back = (seconds: number) =>
      world().database.db.pool.query("UPDATE device_requests SET polled_at = now() - $1 * interval '1 second'", [
        seconds,
      ])
    await back(14)
    expect(await refusalOf(redeem(deviceCode))).toBe('SLOW_DOWN')
    await back(21)
    expect(await refusalOf(redeem(deviceCode))).toBe('AUTHORIZATION_PENDING')
  })

  it('expires', async () => {
    const { deviceCode } = await answered()
    await world().database.db.pool.query('UPDATE device_requests SET expires_at = now()')
    expect(await refusalOf(redeem(deviceCode))).toBe('CODE_EXPIRED')
  })

  it.each<[string, string, string]>([
    [
      'the owner no longer lets devices ask',
      `UPDATE operator_audiences SET users = users - 'device'`,
      'CLIENT_NOT_ALLOWED',
    ],
    ['the consent is withdrawn', 'DELETE FROM consents', 'CONSENT_REQUIRED'],
    [
      'the client was blocked',
      `UPDATE clients SET status = 'blocked', edge_id = gen_random_uuid()`,
      'CLIENT_NOT_ALLOWED',
    ],
    ['the client was blocked and allowed again', 'UPDATE clients SET edge_id = gen_random_uuid()', 'CODE_NOT_ACCEPTED'],
    [
      'the user is disabled',
      `UPDATE users SET status = 'disabled', epoch = epoch + 1, version = version + 1`,
      'CODE_NOT_ACCEPTED',
    ],
  ])('gives no token after %s, also between decision and statement', async (_name, ending, refusal) => {
    const { deviceCode } = await answered()
    // Each call of world() begins anew with nothing between.
    const opened = world()
    const { token, database } = opened
    let ended = false
    opened.between = async () => {
      if (!ended) await database.db.pool.query(ending)
      ended = true
    }
    expect(await refusalOf(token({ grantType: DEVICE_CODE, deviceCode, clientId: CLIENT }))).toBe(refusal)
    expect(ended).toBe(true)
  })
})

describe('a device may not ask', () => {
  it('where the owner of the audience does not let it', async () => {
    const user = await world().user()
    const calls = deviceCallsOf(world())
    expect(await refusalOf(calls.start(user))).toBe('CLIENT_NOT_ALLOWED')
  })

  it('for a scope that the resource does not have', async () => {
    const user = await world().user()
    const calls = deviceCallsOf(world())
    await calls.allow(user)
    expect(await refusalOf(calls.start(user, { scope: 'admin' }))).toBe('INVALID_SCOPE')
    expect(await refusalOf(calls.start(user, { clientId: 'https://other.example/client.json' }))).toBe(
      'CLIENT_NOT_ALLOWED',
    )
  })

  it('when a thousand others wait for users of the owner', async () => {
    const user = await world().user()
    const calls = deviceCallsOf(world())
    await calls.allow(user)
    await calls.start(user)
    await world().database.db.pool.query(
      `INSERT INTO device_requests (id, code_hash, user_code, owner_id, client_id, client_edge, client_auth,
         client_digest, audience, scopes, expires_at)
       SELECT gen_random_uuid(), sha256(n::text::bytea), 'N' || n, d.owner_id, d.client_id, d.client_edge, d.client_auth,
         d.client_digest, d.audience, d.scopes, d.expires_at
       FROM device_requests d, generate_series(1, 999) n WHERE d.audience = $1`,
      [user.audience],
    )
    expect(await refusalOf(calls.start(user))).toBe('TOO_MANY_DEVICES')
  })
})

describe('the page of a device', () => {
  it('refuses a wrong code, and the sixth code in a minute', async () => {
    const user = await world().user()
    const calls = deviceCallsOf(world())
    const cookie = await calls.signIn(user)
    for (let at = 0; at < 5; at++) expect(await refusalOf(calls.type(cookie, 'BBBB-BBBB'))).toBe('USER_CODE_NOT_FOUND')
    expect(await refusalOf(calls.type(cookie, 'BBBB-BBBB'))).toBe('RATE_LIMITED')
  })

  it('lets nobody of another operator answer', async () => {
    const [user, stranger] = [await world().user(), await world().user()]
    const calls = deviceCallsOf(world())
    await calls.allow(user)
    const { userCode = '' } = await calls.start(user)
    expect(await refusalOf(calls.answer(await calls.signIn(stranger), userCode))).toBe('USER_NOT_ALLOWED')
  })

  it('takes one answer, with the form of the page, of the session that has seen it', async () => {
    const { user, cookie, userCode, ...calls } = await answered()
    expect(await refusalOf(calls.answer(cookie, userCode, false))).toBe('USER_CODE_NOT_FOUND')
    const { userCode: next = '' } = await calls.start(user)
    const { form = '' } = await calls.type(cookie, next)
    const other = await calls.signIn(user)
    const answer = { form, userCode: next, isAllowed: true }
    expect(await refusalOf(calls.decide({ ...answer, cookie: other }))).toBe('FORM_EXPIRED')
    expect(await refusalOf(calls.decide({ ...answer, cookie: '' }))).toBe('SESSION_ENDED')
    const refused = [{ form: '' }, { userCode: 'BBBBBBBB' }, { form: '', userCode: 'BBBBBBBB' }].map((change) =>
      calls.decide({ ...answer, cookie, ...change }),
    )
    const whys = (await Promise.allSettled(refused)).map((each) => each.status === 'rejected' && String(each.reason))
    expect(new Set(whys).size).toBe(1)
    await calls.decide({ ...answer, cookie })
    expect(await refusalOf(calls.decide({ ...answer, cookie }))).toBe('FORM_EXPIRED')
  })
})

it('a device code gives no token after all tokens of the deployment have ended', async () => {
  const { deviceCode } = await answered()
  await world().database.db.pool.query('DELETE FROM challenge_keys')
  expect(await refusalOf(redeem(deviceCode))).toBe('CODE_NOT_ACCEPTED')
})
