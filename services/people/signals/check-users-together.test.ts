import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { anonymous } from '../../../test/support/identity.ts'
import { answers, useRefreshWorld } from '../../../test/support/people/refresh-world.ts'
import type { ConsentedUser } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { until } from '../../../test/support/until.ts'

const { world, asked, query, storeToken, connected, pass, passAsked, audit } = useRefreshWorld()
const { json, vouching, refusing } = answers

/** Adds users to the operator of a user, whose tokens are their names. */
async function addUsers({ operator, providerId }: ConsentedUser, count: number) {
  const users = Array.from({ length: count }, (_, at) => ({ operator, subject: `user:${at}` }))
  for (const { subject } of users) {
    await query(
      `INSERT INTO users (operator_id, subject, provider_id, provider_edge, sub)
       SELECT operator_id, $1, id, edge_id, $1 FROM identity_providers WHERE id = $2`,
      [subject, providerId],
    )
    await storeToken({ operator, subject }, subject)
  }
  await pass({ operator }, 16)
  return users
}

const checkAll = (users: Awaited<ReturnType<typeof addUsers>>) =>
  users.map(({ operator, subject }) => refusalOf(world().checks[0]({ operatorId: operator.id, subject }, 'request')))

describe('questions at the same time', () => {
  it('are one for 20 requests at two processes', async () => {
    const { user, refreshToken } = await connected()
    await pass(user, 16)
    asked.answer = async () => {
      await delay(300)
      return vouching({ refresh_token: 'second' })('')
    }
    const each = Array.from({ length: 20 }, (_, i) =>
      refusalOf(world().refresh(refreshToken, {}, anonymous(), i % 2 ? 1 : 0)),
    )
    expect(new Set(await Promise.all(each))).toEqual(new Set([undefined]))
    expect(asked.tokens).toEqual(['first'])
  })

  it('tell each caller of a process that tokens have ended, and refuse the callers of the other process', async () => {
    const { user, refreshToken } = await connected()
    await pass(user, 16)
    asked.answer = async () => {
      await delay(300)
      return refusing('')
    }
    const told = [0, 0]
    const each = Array.from({ length: 6 }, (_, i) => {
      const process = i < 3 ? 0 : 1
      const hasEndedTokens = () => void (told[process] = (told[process] ?? 0) + 1)
      return refusalOf(world().refresh(refreshToken, {}, { ...anonymous(), hasEndedTokens }, process))
    })
    expect(new Set(await Promise.all(each))).not.toContain(undefined)
    expect(told.toSorted((one, other) => one - other)).toEqual([0, 3])
    expect(asked.tokens).toEqual(['first'])
    expect(await audit(user)).toEqual(['refresh refused; provider work'])
  })

  it('let the users of a slow provider wait for each other, and not those of another operator', async () => {
    const slow = await connected()
    const quick = await connected()
    const crowd = await addUsers(slow.user, 30)
    await pass(quick.user, 16)
    const open = { now: 0, most: 0 }
    const released = Promise.withResolvers<void>()
    asked.answer = async (token) => {
      if (token === 'first') return vouching()(token)
      open.most = Math.max(open.most, (open.now += 1))
      await released.promise
      open.now -= 1
      return vouching()(token)
    }
    const waiting = checkAll(crowd)
    await until(
      async () => open.now,
      (now) => now === 12,
      20_000,
    )
    expect(await refusalOf(world().refresh(quick.refreshToken))).toBeUndefined()
    expect(open.now).toBe(12)
    released.resolve()
    await Promise.all(waiting)
    expect(open.most).toBe(12)
  })

  it('do not begin after their callers have left', async () => {
    const { user } = await connected()
    const crowd = await addUsers(user, 40)
    asked.answer = async (token) => {
      await delay(1_600)
      return vouching()(token)
    }
    await Promise.all(checkAll(crowd))
    await delay(2_000)
    expect(asked.tokens.length).toBeLessThanOrEqual(24)
  })
})

describe('a question without an answer', () => {
  it('makes the server refuse at once, and ask nobody, for 5 seconds', async () => {
    const { user, refreshToken } = await connected()
    await pass(user, 16)
    asked.answer = json(500, {})
    expect(await refusalOf(world().refresh(refreshToken))).toBe('PROVIDER_UNAVAILABLE')
    const before = performance.now()
    expect(await refusalOf(world().refresh(refreshToken, {}, anonymous(), 1))).toBe('PROVIDER_UNAVAILABLE')
    expect(performance.now() - before).toBeLessThan(2_400)
    expect(asked.tokens).toEqual(['first'])
  })

  it('keeps a caller for 3 seconds, and the token that arrives later counts', async () => {
    const { user, refreshToken } = await connected()
    await pass(user, 16)
    asked.answer = async () => {
      await delay(5_000)
      return vouching({ refresh_token: 'late' })('')
    }
    const before = performance.now()
    expect(await refusalOf(world().refresh(refreshToken))).toBe('PROVIDER_UNAVAILABLE')
    expect(performance.now() - before).toBeLessThan(4_900)
    const { id } = user.operator
    const open = 'SELECT FROM users WHERE operator_id = $1 AND asked_at IS NOT NULL'
    await until(
      () => query(open, [id]),
      ({ rowCount }) => rowCount === 0,
    )
    expect(await refusalOf(world().refresh(refreshToken))).toBeUndefined()
    await pass(user, 16)
    asked.answer = vouching()
    await world().refresh(refreshToken)
    expect(asked.tokens).toEqual(['first', 'late'])
  })

  it('is asked again half a minute after its process has crashed', async () => {
    const { user, refreshToken } = await connected()
    await pass(user, 16)
    await query('UPDATE users SET asked_at = clock_timestamp() WHERE operator_id = $1', [user.operator.id])
    expect(await refusalOf(world().refresh(refreshToken))).toBe('PROVIDER_UNAVAILABLE')
    expect(asked.tokens).toEqual([])
    await passAsked(user, 31)
    expect(await refusalOf(world().refresh(refreshToken))).toBeUndefined()
    expect(asked.tokens).toEqual(['first'])
  })
})
