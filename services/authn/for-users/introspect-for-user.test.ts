import { describe, expect, it } from 'vitest'
import { freshOperator, insertAgent } from '../../../test/support/authn-agents.ts'
import { payloadOf } from '../../../test/support/federation/chained-server.ts'
import { CLIENT, useUserWorld } from '../../../test/support/people/user-world.ts'

const world = useUserWorld()

describe('OAuthService.Introspect of a token with which a client acts for a user', () => {
  it.each([
    ['the operator of the user', 'operator'],
    ['the owner of the audience', 'owner'],
  ] as const)('tells an agent of %s who acts for whom', async (_, side) => {
    const { user: insert, code, redeem, database, instances } = world()
    const user = await insert('another')
    const { accessToken = '' } = await redeem(await code(user))
    const agent = await insertAgent(database.db, user[side])
    const { jti, iat, exp, iss } = payloadOf(accessToken)
    expect(await instances[0].introspect(agent, accessToken)).toEqual({
      active: true,
      iss,
      sub: user.subject,
      aud: [user.audience],
      scope: 'read write',
      clientId: CLIENT,
      act: { sub: CLIENT },
      operatorId: user.operator.id,
      tokenType: 'Bearer',
      jti,
      iat: BigInt(Number(iat)),
      nbf: BigInt(Number(iat)),
      exp: BigInt(Number(exp)),
    })
  })

  it('tells an agent of another operator nothing', async () => {
    const { user: insert, code, redeem, database, instances } = world()
    const { accessToken = '' } = await redeem(await code(await insert('another')))
    const stranger = await insertAgent(database.db, await freshOperator(database.db))
    expect(await instances[0].introspect(stranger, accessToken)).toEqual({ active: false })
  })

  it('says that it is not active when its connection has ended', async () => {
    const { user: insert, code, redeem, database, instances } = world()
    const user = await insert('another')
    const { accessToken = '', refreshToken = '' } = await redeem(await code(user))
    const agent = await insertAgent(database.db, user.owner)
    await instances[0].revokeAs(CLIENT, refreshToken)
    expect(await instances[1].introspect(agent, accessToken)).toEqual({ active: false })
  })
})
