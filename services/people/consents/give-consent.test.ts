import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { CLIENT, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { systemAuthor } from '../../ledger/ledger.ts'
import { giveConsent } from './give-consent.ts'

const world = useUserWorld()

describe('a consent to a client that authenticates in another way', () => {
  it.each([
    ['ends connections and codes of the earlier way', 'private_key_jwt', ['CODE_NOT_ACCEPTED', 'REFRESH_NOT_ACCEPTED']],
    ['leaves them when the way is the same', 'none', [undefined, undefined]],
  ])('%s', async (_, clientAuth, refusals) => {
    const user = await world().user()
    const { code, redeem, refresh, instances, database } = world()
    const { accessToken = '', refreshToken = '' } = await redeem(await code(user, { id: randomUUID() }))
    const unused = await code(user)
    const { operator, subject, audience, owner } = user
    const decision = { operatorId: operator.id, subject, epoch: 1, clientId: CLIENT, audience, ownerId: owner.id }
    const scopes = { asked: ['read', 'write'], allowed: ['read', 'write'], clientDigest: 'another', clientAuth }
    const store = { prisma: database.db.prisma, now: Date.now }
    await giveConsent(store, systemAuthor('test'), { ...decision, ...scopes })
    const wanted = { audience: [audience], scope: 'read', delegation: 'accept' }
    expect((await instances[1].verify(accessToken, wanted)).valid).toBe(refusals[0] === undefined)
    expect([await refusalOf(redeem(unused)), await refusalOf(refresh(refreshToken))]).toEqual(refusals)
  })
})

it('a session that is ended while its user decides gives no consent', async () => {
  const { operator, owner, subject, audience, consentId } = await world().user()
  const { prisma } = world().database.db
  const { id: operatorId } = operator
  await prisma.user.updateMany({ where: { subject }, data: { epoch: 2, version: 2 } })
  const decision = { operatorId, subject, epoch: 1, clientId: CLIENT, audience, ownerId: owner.id }
  const scopes = { asked: ['read'], allowed: ['read'], clientDigest: 'another', clientAuth: 'none' }
  const given = giveConsent({ prisma, now: Date.now }, systemAuthor('test'), { ...decision, ...scopes })
  expect(await refusalOf(given)).toBe('SESSION_ENDED')
  expect(await prisma.consent.findUniqueOrThrow({ where: { id: consentId } })).toMatchObject({ clientDigest: '' })
})
