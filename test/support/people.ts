import { randomBytes, randomUUID } from 'node:crypto'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  DisableUserRequestSchema,
  EnableUserRequestSchema,
  ListIdentityProvidersRequestSchema,
  ListUsersRequestSchema,
  type PutIdentityProviderRequest,
  PutIdentityProviderRequestSchema,
  RemoveIdentityProviderRequestSchema,
  RemoveUserRequestSchema,
  type RequiredClaimSchema,
} from '../../gen/proto/auth4agent/v1/people_pb.ts'
import { createKeyVault, type KeyVault } from '../../services/keys/key-vault.ts'
import type { PeopleOptions } from '../../services/people/config.ts'
import { createPeople } from '../../services/people/index.ts'
import { importHmacKey } from '../../services/platform/crypto/hmac.ts'
import { limitKeys } from '../../services/platform/limits/limit-keys.ts'
import { scaleWorkRates } from '../../services/platform/limits/rates.ts'
import { silentLog, testDatabase } from './database.ts'
import { asOperator, insertOperator, operatorsOf, TEST_ISSUER, type TestOperator } from './identity.ts'

type NewProvider = Partial<
  Pick<
    PutIdentityProviderRequest,
    | 'issuer'
    | 'clientId'
    | 'clientSecret'
    | 'tokenEndpointAuthMethod'
    | 'scopes'
    | 'subjectClaim'
    | 'allUsers'
    | 'groupsClaim'
    | 'signals'
    | 'onLogout'
  >
> & { readonly requiredClaims?: MessageInitShape<typeof RequiredClaimSchema>[] }

/** Returns challenge keys of which there is only one. */
export function oneChallengeKey(): PeopleOptions['challengeKeys'] {
  const key = { id: 'key_1', slot: 1, key: importHmacKey(randomBytes(32)) }
  return { current: async () => key, find: async (id) => (id === key.id ? key : undefined) }
}

/** Seals the secrets of the tests of people. */
export const peopleVault = createKeyVault(Buffer.alloc(32, 5))

/** Seals the client ids of registered clients in these tests. */
export const REGISTRATION_KEY = importHmacKey(Buffer.alloc(32, 6))

/** Returns the metadata of a provider with an issuer. */
export const metadataOf = (issuer: string) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
})

/** An issuer whose metadata names another issuer. */
export const NO_METADATA = 'https://nothing.example'

/** Answers every request for metadata as the provider of the issuer in the URL would, and notes it. */
const anyProvider = (asked: string[]): PeopleOptions['outbound'] => ({
  async get(url) {
    asked.push(url)
    const issuer =
      url === `${NO_METADATA}/.well-known/openid-configuration`
        ? 'https://other.example'
        : url.replace('/.well-known/openid-configuration', '')
    const methods = ['client_secret_basic', 'client_secret_post']
    const metadata = { ...metadataOf(issuer), token_endpoint_auth_methods_supported: methods }
    const body = Buffer.from(JSON.stringify(metadata))
    return { mediaType: 'application/json', body, maxAgeS: undefined, date: undefined }
  },
  post: () => Promise.reject(new Error('No test of people posts anything')),
  close: async () => undefined,
})

/**
 * The people part with its own database, and a clock that only the test moves. `clientOutbound` has the documents of
 * clients.
 */
export async function peopleFixture(clientOutbound?: PeopleOptions['clientOutbound']) {
  const database = await testDatabase()
  const { db } = database
  const clock = { now: Date.parse('2026-12-02T15:00:00Z') }
  const asked: string[] = []
  const people = createPeople({
    db,
    readDb: db,
    now: () => clock.now,
    passedTime: { read: async () => Date.now() },
    issuer: TEST_ISSUER,
    vault: peopleVault,
    challengeKeys: oneChallengeKey(),
    operators: operatorsOf(db),
    outbound: anyProvider(asked),
    clientOutbound: clientOutbound ?? anyProvider(asked),
    monotonic: () => clock.now,
    limitDocuments: limitKeys('read', scaleWorkRates(1).documents),
    limitUserCodes: { user() {}, source() {} },
    testDomains: false,
    countCheck() {},
    openRegistration: true,
    registrationKey: REGISTRATION_KEY,
    log: silentLog,
  })
  const { handlers, jobs } = { ...people, ...people.module }
  return {
    ...database,
    clock,
    asked,
    jobs,
    handlers,
    sweep: async () => {
      for (const job of jobs) await job.run()
    },
    operator: (domain: string) => insertOperator(db, domain, 'active'),
    /** Returns the calls of an operator, each with a new assertion. */
    callsOf: (operator: TestOperator) => ({
      put: (name: string, more: NewProvider = {}, call = asOperator(operator)) =>
        handlers.putIdentityProvider(
          create(PutIdentityProviderRequestSchema, {
            id: operator.id,
            name,
            issuer: `https://${name}.example`,
            clientId: 'client',
            clientSecret: 'secret',
            allUsers: true,
            ...more,
          }),
          call,
        ),
      list: () =>
        handlers.listIdentityProviders(create(ListIdentityProvidersRequestSchema, operator), asOperator(operator)),
      remove: (name: string) =>
        handlers.removeIdentityProvider(
          create(RemoveIdentityProviderRequestSchema, { id: operator.id, name }),
          asOperator(operator),
        ),
    }),
    /** Returns the calls of an operator about its users. */
    usersOf: (operator: TestOperator) => {
      const { id } = operator
      const named = (subject: string, reason = '') => ({ id, subject, reason })
      return {
        list: (init: MessageInitShape<typeof ListUsersRequestSchema> = {}) =>
          handlers.listUsers(create(ListUsersRequestSchema, { id, ...init }), asOperator(operator)),
        disable: (subject: string, reason = '') =>
          handlers.disableUser(create(DisableUserRequestSchema, named(subject, reason)), asOperator(operator)),
        enable: (subject: string, reason = '') =>
          handlers.enableUser(create(EnableUserRequestSchema, named(subject, reason)), asOperator(operator)),
        remove: (subject: string) =>
          handlers.removeUser(create(RemoveUserRequestSchema, { id, subject }), asOperator(operator)),
      }
    },
    async endedEdges() {
      const { rows } = await db.pool.query<{ subject: string }>(
        `SELECT subject FROM revocation_log WHERE kind = 'edge' ORDER BY sequence`,
      )
      return rows.map(({ subject }) => subject)
    },
  }
}

/** What is not usual about the row of a provider. */
interface SealedUnder {
  readonly secret?: string
  readonly id?: string
}

/** Returns the row of a provider with usual terms, without its operator. */
export function providerRow(vault: Pick<KeyVault, 'seal'>, name: string, issuer: string, more: SealedUnder = {}) {
  const { secret = 'secret', id = randomUUID() } = more
  const { wrapped, kekId } = vault.seal(Buffer.from(secret), { purpose: 'provider', id })
  const at = new Date()
  return {
    id,
    name,
    issuer,
    clientId: 'auth4agent',
    wrappedSecret: wrapped,
    kekId,
    authMethod: 'client_secret_basic',
    scopes: ['openid', 'profile', 'email'],
    subjectClaim: 'sub',
    requiredClaims: [{ name: 'hd', value: 'acme-operator.com' }],
    groupsClaim: '',
    signals: 'none',
    createdAt: at,
    updatedAt: at,
  }
}
