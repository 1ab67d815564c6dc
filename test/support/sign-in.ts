import { createRefreshKeys } from '../../services/people/connections/refresh-key.ts'
import { createProviderClients } from '../../services/people/providers/provider-clients.ts'
import { createProviderTokens } from '../../services/people/providers/provider-tokens.ts'
import { createCookies } from '../../services/people/sessions/cookies.ts'
import { createOutbound } from '../../services/platform/outbound/outbound.ts'
import { silentLog, testDatabase } from './database.ts'
import { insertOperator, operatorsOf } from './identity.ts'
import { CLIENT } from './open-id-provider.ts'
import { oneChallengeKey, peopleVault, providerRow } from './people.ts'

/** The issuer of the deployment in tests of sign-ins. */
export const SIGN_IN_ISSUER = 'https://auth.example'

/** A database with one operator, and what signs in its users at real providers on this machine. */
export async function signInWorld(issuer = SIGN_IN_ISSUER) {
  const database = await testDatabase()
  const { db } = database
  const outbound = createOutbound({
    allow: [],
    testDomains: true,
    outcome: () => undefined,
    now: () => performance.now(),
  })
  const clock = { ahead: 0 }
  const now = () => Date.now() + clock.ahead
  const common = { outbound, testDomains: true, log: silentLog, vault: peopleVault, now }
  const operator = await insertOperator(db, 'acme.test', 'active')
  return {
    ...database,
    clock,
    operator,
    deps: {
      ...common,
      db,
      issuer,
      challengeKeys: oneChallengeKey(),
      operators: operatorsOf(db),
      cookies: createCookies(issuer),
      documents: {
        async find(): Promise<never> {
          throw new Error('These tests have no client')
        },
      },
      providerClients: createProviderClients(common),
      tokens: createProviderTokens(createRefreshKeys({ prisma: db.prisma, vault: peopleVault })),
    },
    /** Inserts a provider of the operator, all of whose users are users of the operator. */
    provider: (
      id: string,
      name: string,
      providerIssuer: string,
      more: { readonly authMethod?: string; readonly signals?: string } = {},
    ) => {
      const row = providerRow(peopleVault, name, providerIssuer, { secret: CLIENT.secret, id })
      const data = { ...row, operatorId: operator.id, clientId: CLIENT.id, requiredClaims: [], ...more }
      return db.prisma.identityProvider.create({ data })
    },
    async drop() {
      await outbound.close()
      await database.drop()
    },
  }
}

/** Returns the Cookie header of a browser that keeps the cookies of an answer. */
export function cookieHeader(setCookie: readonly string[]): string {
  return setCookie.map((cookie) => cookie.split(';', 1)[0]).join('; ')
}
