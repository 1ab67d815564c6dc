import { ClientSecretBasic, Configuration, customFetch } from 'openid-client'
import { beforeAll, beforeEach } from 'vitest'
import { createRefreshKeys } from '../../../services/people/connections/refresh-key.ts'
import { createProviderTokens, type ProviderTokens } from '../../../services/people/providers/provider-tokens.ts'
import { createCheckUser } from '../../../services/people/signals/check-user.ts'
import { silentLog } from '../database.ts'
import { type ConsentedUser, USER_IDP, useUserWorld } from './user-world.ts'

/** Answers a question to the provider. */
export type Answer = (refreshToken: string) => Promise<Response>

const json = (status: number, body: object): Answer => {
  return async () => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
}
/** How a provider answers. */
export const answers = {
  json,
  /** It vouches for the user, perhaps with another refresh token. */
  vouching: (more: object = {}) => json(200, { access_token: 'a', token_type: 'Bearer', ...more }),
  refusing: json(400, { error: 'invalid_grant' }),
}

/** What a test sees of a provider that is asked again. */
interface Asked {
  /** The refresh tokens that the provider was asked with. */
  tokens: string[]
  /** The outcomes that were counted. */
  counted: string[]
  /** Its next answers. */
  answer: Answer
}

/** A user world whose two processes ask the provider of their users again. */
export function useRefreshWorld() {
  const world = useUserWorld()
  const asked: Asked = { tokens: [], counted: [], answer: answers.vouching() }
  let sealer: ProviderTokens | undefined
  const query = (text: string, values: unknown[]) => world().database.db.pool.query(text, values)
  const tokens = () => {
    if (sealer === undefined) throw new Error('The world is not open yet')
    return sealer
  }
  const countCheck = (outcome: string) => void asked.counted.push(outcome)
  beforeAll(() => {
    const { database, instances, checks } = world()
    const metadata = { issuer: USER_IDP, token_endpoint: `${USER_IDP}/token` }
    const configuration = new Configuration(metadata, 'auth4agent', undefined, ClientSecretBasic('secret'))
    configuration[customFetch] = (_url, { body }) => {
      const token = (body instanceof URLSearchParams && body.get('refresh_token')) || ''
      asked.tokens.push(token)
      return asked.answer(token)
    }
    const { vault } = instances[0].keys
    sealer = createProviderTokens(createRefreshKeys({ prisma: database.db.prisma, vault }))
    const own = { tokens: sealer, countCheck, log: silentLog }
    const deps = { db: database.db, providerClients: async () => configuration, ...own }
    checks[0] = createCheckUser(deps)
    checks[1] = createCheckUser(deps)
  })
  beforeEach(() => {
    asked.tokens = []
    asked.counted = []
    asked.answer = answers.vouching()
  })

  /** Stores a refresh token of the provider, as a sign-in does. */
  async function storeToken({ operator, subject }: Pick<ConsentedUser, 'operator' | 'subject'>, token: string) {
    const { wrapped, keyId } = await tokens().seal({ operatorId: operator.id, subject }, token)
    await query(
      `UPDATE users SET provider_token = $2, provider_token_key = $3, checked_at = clock_timestamp(), asked_at = NULL
       WHERE subject = $1 AND operator_id = $4`,
      [subject, wrapped, keyId, operator.id],
    )
  }

  return {
    world,
    asked,
    tokens,
    query,
    storeToken,
    /** Makes a user of a provider that is asked again, with a connection. */
    connected: async () => {
      const user = await world().user()
      await query(`UPDATE identity_providers SET signals = 'refresh' WHERE id = $1`, [user.providerId])
      await storeToken(user, 'first')
      const { code, redeem } = world()
      const { accessToken = '', refreshToken = '' } = await redeem(await code(user))
      return { user, accessToken, refreshToken }
    },
    /** Lets time pass since the provider last vouched for the users of an operator. */
    pass: ({ operator }: Pick<ConsentedUser, 'operator'>, minutes: number) =>
      query(`UPDATE users SET checked_at = checked_at - $2 * interval '1 minute' WHERE operator_id = $1`, [
        operator.id,
        minutes,
      ]),
    /** Makes the question that is under way older. */
    passAsked: ({ operator }: ConsentedUser, seconds: number) =>
      query(`UPDATE users SET asked_at = asked_at - $2 * interval '1 second' WHERE operator_id = $1`, [
        operator.id,
        seconds,
      ]),
    isValid: async (token: string, { audience }: ConsentedUser): Promise<boolean> => {
      const demands = { audience: [audience], scope: 'read', delegation: 'accept' }
      return (await world().instances[1].verify(token, demands)).valid === true
    },
    /** What the audit says about the users of a provider. */
    audit: async ({ operator, providerId }: ConsentedUser): Promise<readonly string[]> => {
      const where = { operatorId: operator.id, action: 'user.signal', actor: `provider:${providerId}` }
      return (await world().database.db.prisma.auditLog.findMany({ where })).map(({ reason }) => reason)
    },
  }
}
