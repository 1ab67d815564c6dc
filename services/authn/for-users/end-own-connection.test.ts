import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { CLIENT, type ConsentedUser, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { formatRefreshToken } from '../../people/connections/refresh-token.ts'
import { importHmacKey } from '../../platform/crypto/hmac.ts'

const world = useUserWorld()
const revoke = (token: string, clientId = CLIENT, more = {}) => world().instances[0].revokeAs(clientId, token, more)

async function connect(user: ConsentedUser) {
  const { code, redeem } = world()
  const id = randomUUID()
  const { accessToken = '', refreshToken = '' } = await redeem(await code(user, { id }))
  return { id, accessToken, refreshToken }
}

async function isValid(token: string, { audience }: ConsentedUser): Promise<boolean> {
  const wanted = { audience: [audience], scope: 'read', delegation: 'accept' }
  return (await world().instances[1].verify(token, wanted)).valid === true
}

async function stateOf(
  { id, accessToken }: { readonly id: string; readonly accessToken: string },
  user: ConsentedUser,
) {
  const row = await world().database.db.prisma.connection.findUnique({ where: { id } })
  return { isThere: row !== null, isValid: await isValid(accessToken, user) }
}
const LIVES = { isThere: true, isValid: true }
const ENDED = { isThere: false, isValid: false }

describe('OAuthService.Revoke by a client', () => {
  it('ends the connection of a refresh token, and no other one', async () => {
    const user = await world().user('another')
    const [ended, other] = [await connect(user), await connect(user)]
    await revoke(ended.refreshToken)
    expect(await stateOf(ended, user)).toEqual(ENDED)
    expect(await stateOf(other, user)).toEqual(LIVES)
    expect(await refusalOf(world().refresh(ended.refreshToken))).toBe('REFRESH_NOT_ACCEPTED')
    const audit = await world().database.db.prisma.auditLog.findMany({ where: { subject: ended.id } })
    expect(audit).toHaveLength(2)
    for (const { action, actor } of audit) {
      expect({ action, actor }).toEqual({ action: 'connection.end', actor: `client:${CLIENT}` })
    }
    expect(new Set(audit.map(({ operatorId }) => operatorId))).toEqual(new Set([user.operator.id, user.owner.id]))
    // The consent stays, so the client can be connected again.
    expect(await stateOf(await connect(user), user)).toEqual(LIVES)
  })

  it('ends the connection of an access token, with all its tokens', async () => {
    const user = await world().user()
    const [ended, other] = [await connect(user), await connect(user)]
    const { accessToken = '' } = await world().refresh(ended.refreshToken)
    await revoke(accessToken)
    expect(await isValid(accessToken, user)).toBe(false)
    expect(await stateOf(ended, user)).toEqual(ENDED)
    expect(await stateOf(other, user)).toEqual(LIVES)
  })

  it('ends the connection of a refresh token that is old', async () => {
    const user = await world().user()
    const connection = await connect(user)
    await world().refresh(connection.refreshToken)
    await revoke(connection.refreshToken)
    expect(await stateOf(connection, user)).toEqual(ENDED)
  })

  it('does nothing when it is repeated', async () => {
    const user = await world().user()
    const { refreshToken, accessToken } = await connect(user)
    for (const text of [refreshToken, refreshToken, accessToken]) expect(await revoke(text)).toEqual({})
  })

  it.each<readonly [name: string, edit: (of: { accessToken: string; refreshToken: string; id: string }) => string]>([
    ['junk', () => 'junk'],
    ['the id of the connection', ({ id }) => id],
    [
      'a refresh token with another MAC',
      ({ id }) => formatRefreshToken(importHmacKey(Buffer.alloc(32)), { connection: id, n: 0 }),
    ],
    [
      'an access token with another signature',
      ({ accessToken }) => accessToken.replace(/[^.]+$/, (mac) => mac.split('').toReversed().join('')),
    ],
  ])('succeeds and ends nothing for %s', async (_, edit) => {
    const user = await world().user()
    const connection = await connect(user)
    expect(await revoke(edit(connection))).toEqual({})
    expect(await stateOf(connection, user)).toEqual(LIVES)
  })

  it('succeeds and ends nothing for tokens of another client', async () => {
    const user = await world().user()
    const connection = await connect(user)
    for (const text of [connection.refreshToken, connection.accessToken]) {
      expect(await revoke(text, 'https://other.example/client.json')).toEqual({})
    }
    expect(await stateOf(connection, user)).toEqual(LIVES)
  })

  it.each<readonly [name: string, reason: string, clientId: string, more: object]>([
    ['without a token', 'INVALID_ARGUMENT', CLIENT, { token: '' }],
    ['without a client', 'UNAUTHENTICATED', '', {}],
    ['as an agent', 'UNAUTHENTICATED', 'did:agent:acme.example:0123456789abcdef0123456789abcdef', {}],
    ['with an assertion', 'UNSUPPORTED_CLIENT_AUTHENTICATION', CLIENT, { clientAssertion: 'x' }],
  ])('is refused %s, and ends nothing', async (_, reason, clientId, more) => {
    const user = await world().user()
    const connection = await connect(user)
    expect(await refusalOf(revoke(connection.refreshToken, clientId, more))).toBe(reason)
    expect(await stateOf(connection, user)).toEqual(LIVES)
  })
})
