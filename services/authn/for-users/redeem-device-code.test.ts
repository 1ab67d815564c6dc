import { describe, expect, it } from 'vitest'
import { ISSUER } from '../../../test/support/authn.ts'
import { anonymous } from '../../../test/support/identity.ts'
import { deviceCallsOf } from '../../../test/support/people/device-world.ts'
import { CLIENT, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { systemAuthor } from '../../ledger/ledger.ts'
import { DEVICE_CODE } from '../../people/index.ts'
import { disableUser, enableUser } from '../../people/store/users.ts'

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

  it('gives a connection that ends when the owner no longer lets devices ask, and no other one', async () => {
    const { deviceCode, user } = await answered()
    const { refreshToken = '' } = await redeem(deviceCode)
    const other = await world().redeem(await world().code(user))
    await world().database.db.pool.query(`UPDATE operator_audiences SET users = users - 'device'`)
    expect(await refusalOf(world().refresh(refreshToken))).toBe('CLIENT_NOT_ALLOWED')
    expect((await world().refresh(other.refreshToken ?? '')).tokenType).toBe('Bearer')
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

it('a device code gives no token after its user was disabled, also when the user is enabled again', async () => {
  const { deviceCode, user } = await answered()
  const { prisma } = world().database.db
  const named = { operatorId: user.operator.id, subject: user.subject, reason: '' }
  await disableUser(prisma, systemAuthor('test'), named, new Date())
  await enableUser(prisma, systemAuthor('test'), named)
  expect(await refusalOf(redeem(deviceCode))).toBe('CODE_NOT_ACCEPTED')
})

it('a device code gives no token after all tokens of the deployment have ended', async () => {
  const { deviceCode } = await answered()
  await world().database.db.pool.query('DELETE FROM challenge_keys')
  expect(await refusalOf(redeem(deviceCode))).toBe('CODE_NOT_ACCEPTED')
})
