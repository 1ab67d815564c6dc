import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { anonymous } from '../../../test/support/identity.ts'
import { type Answer, answers, useRefreshWorld } from '../../../test/support/people/refresh-world.ts'
import { USER_IDP } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

const { world, asked, tokens, query, storeToken, connected, pass, passAsked, isValid, audit } = useRefreshWorld()
const { json, vouching, refusing } = answers

/** An ID token of the provider. Its signature is not checked, because the test has no key set. */
function idToken(sub: string): string {
  const nowS = Math.floor(Date.now() / 1_000)
  const claims = { iss: USER_IDP, sub, aud: 'auth4agent', iat: nowS, exp: nowS + 300 }
  const parts = [{ alg: 'RS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  return [...parts, 'AA'].join('.')
}

describe('the signals refresh', () => {
  it('ask the provider every 15 minutes, and go on with the token that it sends', async () => {
    const { user, refreshToken } = await connected()
    await pass(user, 14)
    const second = await world().refresh(refreshToken)
    expect(asked.tokens).toEqual([])
    await pass(user, 2)
    asked.answer = vouching({ refresh_token: 'second' })
    const third = await world().refresh(second.refreshToken ?? '')
    const fourth = await world().refresh(third.refreshToken ?? '')
    expect(await isValid(third.accessToken ?? '', user)).toBe(true)
    expect(asked.tokens).toEqual(['first'])
    await pass(user, 16)
    await world().refresh(fourth.refreshToken ?? '', {}, anonymous(), 1)
    expect(asked.tokens).toEqual(['first', 'second'])
    expect(asked.counted).toEqual(['vouched', 'vouched'])
    expect(await audit(user)).toEqual(['vouched again; provider work', 'vouched again; provider work'])
  })

  it('count the 15 minutes from the beginning of the question', async () => {
    const { user, refreshToken } = await connected()
    await pass(user, 16)
    asked.answer = async () => {
      await delay(500)
      return vouching()('')
    }
    await world().refresh(refreshToken)
    const { rows } = await query(
      `SELECT clock_timestamp() - checked_at > interval '500 milliseconds' AS early, asked_at FROM users
       WHERE operator_id = $1`,
      [user.operator.id],
    )
    expect(rows).toEqual([{ early: true, asked_at: null }])
  })

  it('ask when the time of the last answer is still to come, because the clock was set back', async () => {
    const { user, refreshToken } = await connected()
    await pass(user, -1)
    await world().refresh(refreshToken)
    expect(asked.tokens).toEqual(['first'])
  })

  it('keep the connection as long as the owner allows', async () => {
    const { user } = await connected()
    const { rows } = await query(
      `SELECT x.expires_at - x.created_at > interval '29 days' AS long
       FROM connections x JOIN consents s ON s.id = x.consent_id WHERE s.operator_id = $1`,
      [user.operator.id],
    )
    expect(rows).toEqual([{ long: true }])
  })

  it('sign a user out when the provider refuses: every token ends, and nothing from before is good', async () => {
    const { user, accessToken, refreshToken } = await connected()
    const early = await world().code(user)
    expect(await isValid(accessToken, user)).toBe(true)
    await pass(user, 16)
    asked.answer = refusing
    let told = 0
    const call = { ...anonymous(), hasEndedTokens: () => void (told += 1) }
    expect(await refusalOf(world().refresh(refreshToken, {}, call))).toBe('REFRESH_NOT_ACCEPTED')
    expect(told).toBe(1)
    expect(await isValid(accessToken, user)).toBe(false)
    asked.answer = vouching()
    expect(await refusalOf(world().refresh(refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    expect(await refusalOf(world().redeem(early))).toBe('CODE_NOT_ACCEPTED')
    expect(asked.tokens).toEqual(['first'])
    expect(asked.counted).toEqual(['refused'])
    expect(await audit(user)).toEqual(['refresh refused; provider work'])
    const { rows } = await query('SELECT status::text, provider_token AS token FROM users WHERE operator_id = $1', [
      user.operator.id,
    ])
    expect(rows).toEqual([{ status: 'active', token: null }])
  })

  it('ask also before a code gives a token, because a session of the browser may be old', async () => {
    const { user } = await connected()
    await pass(user, 16)
    asked.answer = refusing
    expect(await refusalOf(world().redeem(await world().code(user)))).toBe('CODE_NOT_ACCEPTED')
    expect(asked.tokens).toEqual(['first'])
  })

  it('ask when the 15 minutes end between the decision about a code and its use', async () => {
    const { user } = await connected()
    const { code, redeem } = world()
    const text = await code(user)
    let times = 0
    world().between = async () => {
      times += 1
      if (times === 1) await pass(user, 16)
    }
    await redeem(text)
    expect(asked.tokens).toEqual(['first'])
  })

  it.each<[string, Answer]>([
    ['cannot be reached', () => Promise.reject(new TypeError('no route'))],
    ['fails', json(500, {})],
    ['does not know the client any more', json(401, { error: 'invalid_client' })],
    ['has no time', json(400, { error: 'temporarily_unavailable' })],
    ['sends no token', json(200, {})],
    ['sends something else', async () => new Response('<html>', { status: 200 })],
    ['sends a refresh token that is too long', vouching({ refresh_token: 'a'.repeat(4_097) })],
    ['says who another user is', (token) => vouching({ id_token: idToken('U2') })(token)],
  ])('give no token and end nothing when the provider %s', async (_, failing) => {
    const { user, accessToken, refreshToken } = await connected()
    await pass(user, 16)
    asked.answer = failing
    expect(await refusalOf(world().refresh(refreshToken))).toBe('PROVIDER_UNAVAILABLE')
    expect(asked.tokens).toEqual(['first'])
    expect(asked.counted).toEqual(['unavailable'])
    asked.answer = vouching({ id_token: idToken('U1') })
    expect(await isValid(accessToken, user)).toBe(true)
    await passAsked(user, 6)
    expect(await refusalOf(world().refresh(refreshToken))).toBeUndefined()
    expect(asked.tokens).toEqual(['first', 'first'])
  })

  it('do not end a user who signs in while the provider refuses the earlier token', async () => {
    const { user, accessToken, refreshToken } = await connected()
    await pass(user, 16)
    asked.answer = async () => {
      await storeToken(user, 'of the sign-in')
      return refusing('')
    }
    const second = await world().refresh(refreshToken)
    expect(await isValid(accessToken, user)).toBe(true)
    expect(await audit(user)).toEqual([])
    await pass(user, 16)
    asked.answer = vouching()
    await world().refresh(second.refreshToken ?? '')
    expect(asked.tokens).toEqual(['first', 'of the sign-in'])
  })

  it('do not store the answer to an earlier token over that of a sign-in', async () => {
    const { user, refreshToken } = await connected()
    await pass(user, 16)
    asked.answer = async () => {
      await storeToken(user, 'of the sign-in')
      return vouching({ refresh_token: 'second' })('')
    }
    const second = await world().refresh(refreshToken)
    await pass(user, 16)
    asked.answer = vouching()
    await world().refresh(second.refreshToken ?? '')
    expect(asked.tokens).toEqual(['first', 'of the sign-in'])
  })

  it('store the answer also when the call has no turn any more', async () => {
    const { user, refreshToken } = await connected()
    await pass(user, 16)
    asked.answer = refusing
    const call = { ...anonymous(), inTurn: () => Promise.reject(new ApiError('DEADLINE_EXCEEDED')) }
    expect(await refusalOf(world().refresh(refreshToken, {}, call))).toBe('REFRESH_NOT_ACCEPTED')
    expect(await audit(user)).toEqual(['refresh refused; provider work'])
  })

  it.each([
    ['has none', 'provider_token = NULL'],
    ['has one under a key that is gone', `provider_token_key = 'gone'`],
    ['has that of another user', `provider_token = '\\x01'::bytea`],
  ])('sign out a user who %s', async (_, change) => {
    const { user, refreshToken } = await connected()
    await pass(user, 16)
    await query(`UPDATE users SET ${change} WHERE operator_id = $1`, [user.operator.id])
    expect(await refusalOf(world().refresh(refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    expect(asked.tokens).toEqual([])
    expect(await audit(user)).toEqual(['there is no refresh token; provider work'])
  })

  it('open a token only for its user', async () => {
    const key = { operatorId: randomUUID(), subject: 'user:a' }
    const sealed = await tokens().seal(key, 'secret')
    expect(Buffer.from(sealed.wrapped).includes('secret')).toBe(false)
    expect(await tokens().open(key, sealed)).toBe('secret')
    expect(await tokens().open({ ...key, subject: 'user:b' }, sealed)).toBeUndefined()
    expect(await tokens().open({ ...key, operatorId: randomUUID() }, sealed)).toBeUndefined()
  })
})
