import { randomUUID } from 'node:crypto'
import { parseUserClaims } from '@auth4agent/core/delegation/user-claims'
import { afterEach, describe, expect, it } from 'vitest'
import { admitAny, REGISTERED } from '../../../test/support/people/registered.ts'
import { type ConsentedUser, REDIRECT, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { firstEdgeOf } from '../../people/clients/domain/client-id.ts'
import { sealClientId } from '../../people/clients/domain/registered-client.ts'
import { importHmacKey } from '../../platform/crypto/hmac.ts'

const world = useUserWorld()
const query = (text: string, values: unknown[]) => world().database.db.pool.query(text, values)
const AS_IT = { clientId: REGISTERED }

/** Connects the registered client for a user who has consented to it. */
async function connect() {
  const user = await world().user('another')
  await admitAny(world(), user)
  await query('UPDATE consents SET client_id = $2 WHERE id = $1', [user.consentId, REGISTERED])
  const id = randomUUID()
  const clientEdge = firstEdgeOf(user.owner.id, REGISTERED)
  const code = await world().code({ ...user, clientEdge }, { id })
  const { accessToken = '', refreshToken = '' } = await world().redeem(code, AS_IT)
  return { user, code, clientEdge, id, accessToken, refreshToken }
}

const isValid = async (token: string, { audience }: ConsentedUser) =>
  (await world().instances[1].verify(token, { audience: [audience], scope: 'read', delegation: 'accept' })).valid

afterEach(() => {
  world().openRegistration = true
})

describe('a registered client', () => {
  it('gets tokens that name it, and that every reader accepts: at most 512 characters of its id', async () => {
    const { user, clientEdge, id, accessToken } = await connect()
    const payload = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
    expect(payload).toMatchObject({ client_id: REGISTERED, act: { sub: REGISTERED } })
    expect(parseUserClaims(payload)).toMatchObject({ sub: user.subject, client_id: REGISTERED })
    expect(payload.edges).toEqual(expect.arrayContaining([clientEdge, id]))
    expect(await isValid(accessToken, user)).toBe(true)
  })

  it('refreshes, and revokes its connection', async () => {
    const { user, refreshToken } = await connect()
    const next = await world().refresh(refreshToken, AS_IT)
    expect(await isValid(next.accessToken ?? '', user)).toBe(true)
    await world().instances[0].revokeAs(REGISTERED, next.refreshToken ?? '')
    expect(await isValid(next.accessToken ?? '', user)).toBe(false)
    expect(await refusalOf(world().refresh(next.refreshToken ?? '', AS_IT))).toBe('REFRESH_NOT_ACCEPTED')
  })

  it('gets nothing for a code or a refresh token of another client, nor with an assertion', async () => {
    const { refreshToken } = await connect()
    const other = `reg_${'A'.repeat(64)}`
    expect(await refusalOf(world().refresh(refreshToken, { clientId: other }))).toBe('REFRESH_NOT_ACCEPTED')
    const proof = { ...AS_IT, clientAssertion: 'a.b.c', clientAssertionType: 'jwt-bearer' }
    expect(await refusalOf(world().refresh(refreshToken, proof))).toBe('UNSUPPORTED_CLIENT_AUTHENTICATION')
  })

  it('ends with all its tokens at the owner who blocks it, though the owner has never allowed it', async () => {
    const { user, code, clientEdge, accessToken, refreshToken } = await connect()
    const edge = { operatorId: user.owner.id, clientId: REGISTERED, name: '', putAt: new Date() }
    const { prisma } = world().database.db
    await prisma.client.create({ data: { ...edge, status: 'allowed', edgeId: clientEdge } })
    const where = { operatorId_clientId: { operatorId: user.owner.id, clientId: REGISTERED } }
    await prisma.client.update({ where, data: { status: 'blocked', edgeId: randomUUID() } })
    expect(await isValid(accessToken, user)).toBe(false)
    expect(await refusalOf(world().refresh(refreshToken, AS_IT))).toBe('CLIENT_NOT_ALLOWED')
    expect(await refusalOf(world().redeem(code, AS_IT))).toBe('CLIENT_NOT_ALLOWED')
  })

  it('gets no token any more while no client may register itself, and can end what it has', async () => {
    const { user, accessToken, refreshToken } = await connect()
    const code = await world().code({ ...user, clientEdge: firstEdgeOf(user.owner.id, REGISTERED) })
    world().openRegistration = false
    expect(await refusalOf(world().redeem(code, AS_IT))).toBe('CLIENT_NOT_ACCEPTED')
    expect(await refusalOf(world().refresh(refreshToken, AS_IT))).toBe('CLIENT_NOT_ACCEPTED')
    await world().instances[0].revokeAs(REGISTERED, refreshToken)
    expect(await isValid(accessToken, user)).toBe(false)
  })

  it('gets no token for a consent that names a client id of another deployment', async () => {
    const { user, refreshToken } = await connect()
    const clientId = sealClientId(importHmacKey(Buffer.alloc(32, 7)), { name: '', redirectUris: [REDIRECT] })
    await query('UPDATE consents SET client_id = $2 WHERE id = $1', [user.consentId, clientId])
    expect(await refusalOf(world().refresh(refreshToken, { clientId }))).toBe('CLIENT_NOT_ACCEPTED')
  })

  it('ends with the consent', async () => {
    const { user, accessToken, refreshToken } = await connect()
    await query('DELETE FROM consents WHERE id = $1', [user.consentId])
    expect(await isValid(accessToken, user)).toBe(false)
    expect(await refusalOf(world().refresh(refreshToken, AS_IT))).toBe('REFRESH_NOT_ACCEPTED')
  })

  it('ends at an audience whose owner admits only a list from now on', async () => {
    const { user, refreshToken } = await connect()
    const listed = `UPDATE operator_audiences SET users = jsonb_set(users, '{clients}', '"listed"') WHERE operator_id = $1`
    await query(listed, [user.owner.id])
    expect(await refusalOf(world().refresh(refreshToken, AS_IT))).toBe('CLIENT_NOT_ALLOWED')
  })
})
