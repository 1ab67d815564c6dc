import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FinishSignInRequestSchema } from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { followTo, type OpenIdProvider, startOpenIdProvider } from '../../../test/support/open-id-provider.ts'
import { cookieHeader, SIGN_IN_ISSUER, signInWorld } from '../../../test/support/sign-in.ts'
import { signInRoutes } from './routes.ts'
import { startFlow } from './start-flow.ts'

const ID = randomUUID()
const CALL = { requestId: 'request', principal: { kind: 'anonymous' } } as const
let world: Awaited<ReturnType<typeof signInWorld>>
let outside: OpenIdProvider
beforeAll(async () => {
  world = await signInWorld()
  await world.db.prisma.deployment.create({ data: { issuer: SIGN_IN_ISSUER } })
  outside = await startOpenIdProvider([`${SIGN_IN_ISSUER}/people/callback/${ID}`])
  await world.provider(ID, 'work', outside.issuer)
})
afterAll(async () => {
  await outside.close()
  await world.drop()
})

/** Signs a person in at the provider, and returns the row of the user. */
async function signIn(signals: string) {
  const row = await world.db.prisma.identityProvider.update({ where: { id: ID }, data: { signals } })
  const { location, setCookie } = await startFlow(world.deps, row, { returnTo: '/people/acting', hint: '' }, '')
  const request = { providerId: ID, query: (await followTo(location)).search.slice(1), cookie: cookieHeader(setCookie) }
  const deps = { ...world.deps, limitUserCodes: { user() {}, source() {} } }
  await signInRoutes(deps).finishSignIn(create(FinishSignInRequestSchema, request), CALL)
  return world.db.prisma.user.findFirstOrThrow({ where: { operatorId: world.operator.id, sub: outside.sub } })
}

describe('the refresh token of a provider', () => {
  it('is kept sealed with the signals refresh, and each sign-in brings another one', async () => {
    const first = await signIn('refresh')
    const second = await signIn('refresh')
    const texts = await Promise.all(
      [first, second].map(({ operatorId, subject, providerToken, providerTokenKey }) =>
        world.deps.tokens.open(
          { operatorId, subject },
          { wrapped: providerToken ?? new Uint8Array(), keyId: providerTokenKey ?? '' },
        ),
      ),
    )
    expect(new Set(texts).size).toBe(2)
    for (const text of texts) {
      expect(text).toMatch(/^[\w-]{43}$/)
      expect(Buffer.from(second.providerToken ?? []).includes(text ?? '')).toBe(false)
    }
    expect(second.checkedAt?.getTime()).toBeGreaterThan(first.checkedAt?.getTime() ?? Infinity)
  })

  it('is not kept with other signals, and goes with the next sign-in after a change of the signals', async () => {
    expect((await signIn('refresh')).providerToken).not.toBeNull()
    expect(await signIn('none')).toMatchObject({ providerToken: null, providerTokenKey: null })
  })
})
