import { describe, expect, it } from 'vitest'
import { anonymous } from '../../../test/support/identity.ts'
import { type ConsentedUser, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { disableUser, enableUser, removeUser } from '../store/users.ts'

const world = useUserWorld()
const named = ({ operator, subject }: ConsentedUser) => ({ operatorId: operator.id, subject, reason: '' })

describe('a refresh token from before is not good again', () => {
  it('when a user that was disabled is enabled', async () => {
    const { user: insert, code, redeem, refresh, database } = world()
    const { prisma } = database.db
    const user = await insert()
    const { refreshToken = '' } = await redeem(await code(user))
    const unused = await code(user)
    await disableUser(prisma, anonymous(), named(user), new Date())
    await enableUser(prisma, anonymous(), named(user))
    expect(await refusalOf(refresh(refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    expect(await refusalOf(redeem(unused))).toBe('CODE_NOT_ACCEPTED')
    const { id: consentId } = await prisma.consent.findFirstOrThrow({ where: { subject: user.subject } })
    expect(await refusalOf(redeem(await code({ ...user, consentId })))).toBeUndefined()
  })

  it('when a code is redeemed while its user is disabled', async () => {
    const racing = world()
    const { prisma } = racing.database.db
    const user = await racing.user()
    racing.between = async () => {
      racing.between = async () => undefined
      await disableUser(prisma, anonymous(), named(user), new Date())
      await enableUser(prisma, anonymous(), named(user))
    }
    expect(await refusalOf(racing.redeem(await racing.code(user)))).toBe('CONSENT_REQUIRED')
    expect(await prisma.connection.count({ where: { consent: { subject: user.subject } } })).toBe(0)
  })

  it('when a user that was removed signs in again', async () => {
    const { user: insert, code, redeem, refresh, database } = world()
    const { prisma, pool } = database.db
    const user = await insert()
    const { refreshToken = '' } = await redeem(await code(user))
    await removeUser(prisma, anonymous(), named(user))
    await pool.query(
      `UPDATE users SET status = 'active', removed_at = NULL, provider_id = p.id, provider_edge = p.edge_id
       FROM identity_providers p WHERE p.id = $1 AND subject = $2`,
      [user.providerId, user.subject],
    )
    expect(await refusalOf(refresh(refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
  })
})
