import { randomBytes, randomUUID } from 'node:crypto'
import { beforeAll, expect, it } from 'vitest'
import { ClientRegistrationService } from '../../gen/proto/auth4agent/v1/client_registration_pb.ts'
import { ProviderSignalService } from '../../gen/proto/auth4agent/v1/provider_signals_pb.ts'
import { SignInService } from '../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { POLICY_TABLES } from '../../services/compose/server-scopes.ts'
import { createCookies } from '../../services/people/sessions/cookies.ts'
import { beginSession, signedInUser } from '../../services/people/sessions/session.ts'
import { ISSUER } from '../support/assertions.ts'
import { cookieHeader } from '../support/sign-in.ts'
import { methods, restForm, shortName } from './support/contract.ts'
import { expectProblem } from './support/expect-error.ts'
import { sendHttp } from './support/http.ts'
import { useWorld } from './support/run-cases.ts'

const world = useWorld()
let cookie: string
beforeAll(async () => {
  const { db, operators } = world()
  const user = { operatorId: operators.acme.id, subject: `user:${randomBytes(16).toString('base64url')}`, epoch: 1 }
  const provider = await db.prisma.identityProvider.findFirstOrThrow({ where: { operatorId: user.operatorId } })
  await db.prisma.user.create({ data: { ...user, providerId: provider.id, providerEdge: provider.edgeId } })
  const deps = { db, cookies: createCookies(ISSUER), now: Date.now }
  const author = { principal: { kind: 'system' }, requestId: randomUUID() } as const
  cookie = cookieHeader([await beginSession(deps, author, user, { ...provider, redeemedAt: 'now' }, '')])
  expect(await signedInUser(deps, cookie)).toMatchObject({ subject: user.subject })
})

/** The methods that not everybody may call. */
const guarded = methods.filter(({ parent, localName }) => {
  return POLICY_TABLES.get(parent)?.[localName]?.callers?.includes('anyone') === false
})

it('a stolen session can call none of the methods that need a signature', () => {
  expect(guarded.length).toBeGreaterThan(60)
  const parents = methods.map(({ parent }) => parent)
  expect(parents).not.toContain(SignInService)
  expect(parents).not.toContain(ProviderSignalService)
  expect(parents).not.toContain(ClientRegistrationService)
})

it.each(guarded.map((method) => [shortName(method), method] as const))(
  'a stolen session is no authentication for %s',
  async (_, method) => {
    const { verb, template, body } = restForm(method)
    const path = template.replaceAll(/\{\w+\}/g, world().operators.acme.id)
    const headers = { cookie, origin: ISSUER, 'sec-fetch-site': 'same-origin' }
    const json = body === '' ? {} : { headers: { ...headers, 'content-type': 'application/json' }, body: '{}' }
    const answer = await sendHttp(world().server.baseUrl, { verb, path, headers, ...json })
    expect(answer.status).toBe(401)
    expectProblem(answer, 'UNAUTHENTICATED')
  },
)
