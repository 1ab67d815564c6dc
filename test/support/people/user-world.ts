import { randomUUID } from 'node:crypto'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll } from 'vitest'
import { TokenRequestSchema } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Call } from '../../../services/calls/call.ts'
import { sealCode } from '../../../services/people/authorize/code.ts'
import { createClientKeys } from '../../../services/people/clients/client-keys.ts'
import { createClientDocuments } from '../../../services/people/clients/documents.ts'
import { createDevices } from '../../../services/people/device/devices.ts'
import type { CheckUser } from '../../../services/people/index.ts'
import { userSubject } from '../../../services/people/users/domain/user-subject.ts'
import { type Db, openDb } from '../../../services/platform/db/db.ts'
import { OutboundError } from '../../../services/platform/outbound/outbound-error.ts'
import { type Attestations, ISSUER, startInstance, type TestInstance } from '../authn.ts'
import { freshOperator } from '../authn-agents.ts'
import { silentLog, type TestDatabase, testDatabase } from '../database.ts'
import { anonymous, type TestOperator } from '../identity.ts'
import { REGISTRATION_KEY } from '../people.ts'

/** A client that everybody may be, and where it wants its codes. */
export const CLIENT = 'https://client.example/oauth/client.json'
export const REDIRECT = 'https://client.example/callback'
export const USER_IDP = 'https://idp.acme.example'
/** Who each user is there. */
export const USER_SUB = 'U1'
const VERIFIER = 'v'.repeat(43)

/** A user with a consent for one client at one audience. */
export interface ConsentedUser {
  readonly operator: TestOperator
  readonly owner: TestOperator
  readonly subject: string
  readonly audience: string
  readonly consentId: string
  readonly clientEdge: string
  readonly providerId: string
}

interface Wishes {
  readonly scopes?: readonly string[]
  readonly id?: string
  readonly jkt?: string
  /** Unix seconds; now if it is absent. */
  readonly vouchedAtS?: number
  readonly exp?: number
}

/** Two processes on one database, and what a test can do there. */
export interface UserWorld {
  readonly database: TestDatabase
  readonly instances: readonly [TestInstance, TestInstance]
  /** Runs after a decision about a code, and before the statement that uses it. */
  between: () => Promise<unknown>
  /** Ask the identity provider of a user, one for each process. By default it vouches for everybody. */
  readonly checks: [CheckUser, CheckUser]
  /** Documents and keys of clients, by URL. A test can change them. */
  readonly published: Map<string, object>
  /** Lets time pass for the copies of documents and keys. */
  readonly passForClients: (ms: number) => void
  /** Whether clients may register themselves. */
  openRegistration: boolean
  /** The URLs that were fetched. */
  readonly fetched: string[]
  /** Makes a user of an operator with a consent to `read` and `write` at an audience of the owner. */
  readonly user: (owner?: 'itself' | 'another') => Promise<ConsentedUser>
  /** Seals a code for the consent of a user, as the page of consent does. */
  readonly code: (user: ConsentedUser, wishes?: Wishes) => Promise<string>
  /** Sends a token request to a process, as the client. */
  readonly token: (members: object, call?: Call, process?: 0 | 1) => ReturnType<TestInstance['token']>
  /** Redeems a code as the client would, with changed members. */
  readonly redeem: (code: string, members?: object, call?: Call, process?: 0 | 1) => ReturnType<TestInstance['token']>
  readonly refresh: (
    refreshToken: string,
    members?: object,
    call?: Call,
    process?: 0 | 1,
  ) => ReturnType<TestInstance['token']>
}

type ClientGet = Parameters<typeof createClientKeys>[0]['outbound']['get']

const nothing = async (): Promise<unknown> => undefined

/** Opens two processes on one database before the tests of a file, and closes them afterwards. */
export function useUserWorld(attestationOf: (did: string) => Attestations = () => ({})): () => UserWorld {
  let database: TestDatabase
  let otherDb: Db
  let between: () => Promise<unknown> = nothing
  let world: UserWorld | undefined
  const checks: [CheckUser, CheckUser] = [async () => 'again', async () => 'again']
  const published = new Map<string, object>()
  const fetched: string[] = []
  let openRegistration = true
  const get: ClientGet = async (url) => {
    fetched.push(url)
    const value = published.get(url)
    if (value === undefined) throw new OutboundError('ADDRESS_REFUSED', 'a private address')
    return { mediaType: 'application/json', body: Buffer.from(JSON.stringify(value)), maxAgeS: 60, date: undefined }
  }
  const clientKeysOf = (clock: { readonly now: number }) => {
    const deps = {
      outbound: { get },
      log: silentLog,
      monotonic: () => clock.now,
      limitDocuments() {},
      registrationKey: REGISTRATION_KEY,
      get openRegistration() {
        return openRegistration
      },
    }
    return createClientKeys(deps, createClientDocuments(deps))
  }
  const devicesOf = (db: Db) => {
    const documents = createClientDocuments({
      outbound: { get },
      log: silentLog,
      monotonic: () => 0,
      limitDocuments() {},
    })
    return createDevices({ db, documents, issuer: ISSUER, now: Date.now })
  }
  const clientClock = { now: 1_000 }
  const optionsOf = (db: Db, process: 0 | 1) => ({
    beforeCode: () => between(),
    clientKeys: clientKeysOf(clientClock),
    devices: devicesOf(db),
    checkUser: (...all: Parameters<CheckUser>) => checks[process](...all),
    attestationOf,
  })
  beforeAll(async () => {
    database = await testDatabase()
    otherDb = openDb({ url: database.url, poolSize: 10, log: silentLog })
    await database.db.prisma.deployment.create({ data: { issuer: ISSUER } })
    const instances = [
      await startInstance(database.db, optionsOf(database.db, 0)),
      await startInstance(otherDb, optionsOf(otherDb, 1)),
    ] as const
    const token = (members: object, call: Call = anonymous(), process: 0 | 1 = 0) =>
      instances[process].token(create(TokenRequestSchema, members), call)
    world = {
      database,
      instances,
      checks,
      published,
      fetched,
      get openRegistration() {
        return openRegistration
      },
      set openRegistration(isOpen) {
        openRegistration = isOpen
      },
      passForClients(ms) {
        clientClock.now += ms
      },
      get between() {
        return between
      },
      set between(hook) {
        between = hook
      },
      user: (owner = 'itself') => insertUser(database.db, owner),
      code: ({ consentId, clientEdge }, { scopes = ['read', 'write'], id = randomUUID(), jkt = '', ...wishes } = {}) =>
        sealCode(instances[0].keys, {
          id,
          consentId,
          scopes,
          clientEdge,
          vouchedAtS: wishes.vouchedAtS ?? Math.floor(Date.now() / 1_000),
          redirectUri: sha256Text(REDIRECT, 'base64url'),
          codeChallenge: sha256Text(VERIFIER, 'base64url'),
          jkt,
          exp: wishes.exp ?? Math.floor(Date.now() / 1_000) + 60,
        }),
      token,
      redeem(code, members = {}, ...rest) {
        const usual = { clientId: CLIENT, redirectUri: REDIRECT, codeVerifier: VERIFIER }
        return token({ grantType: 'authorization_code', code, ...usual, ...members }, ...rest)
      },
      refresh: (refreshToken, members = {}, ...rest) =>
        token({ grantType: 'refresh_token', refreshToken, clientId: CLIENT, ...members }, ...rest),
    }
  })
  afterAll(async () => {
    await otherDb.close()
    await database.drop()
  })
  return () => {
    if (world === undefined) throw new Error('The world is not open yet')
    between = nothing
    return world
  }
}

const scope = (name: string) => ({ name, words: `To ${name}`, groups: [], is_default: true })

async function insertUser({ prisma, ...db }: Db, owned: 'itself' | 'another'): Promise<ConsentedUser> {
  const operator = await freshOperator({ prisma, ...db })
  const owner = owned === 'itself' ? operator : await freshOperator({ prisma, ...db })
  const audience = `https://mcp.${owner.domain}/mcp`
  const users = { domains: [operator.domain], scopes: ['read', 'write'].map(scope), clients: 'listed', max_days: 30 }
  await prisma.operatorAudience.create({ data: { operatorId: owner.id, audience, callers: [], users } })
  if (owner !== operator) {
    await prisma.operator.update({ where: { id: operator.id }, data: { usersTo: [owner.domain], version: 2 } })
  }
  const provider = await insertProvider({ prisma, ...db }, operator.id)
  const person = { operatorId: operator.id, issuer: USER_IDP, tenant: '', claim: 'sub', sub: USER_SUB }
  const subject = userSubject(person)
  const vouched = { providerId: provider.id, providerEdge: provider.edgeId, sub: USER_SUB }
  await prisma.user.create({ data: { operatorId: operator.id, subject, ...vouched } })
  const listed = {
    clientId: CLIENT,
    status: 'allowed',
    edgeId: randomUUID(),
    name: 'Client',
    putAt: new Date(),
  } as const
  await prisma.client.create({ data: { operatorId: owner.id, ...listed } })
  const consentId = randomUUID()
  const capabilities = [`${audience}#read`, `${audience}#write`]
  const given = { clientId: CLIENT, audience, ownerId: owner.id, capabilities, clientDigest: '', givenAt: new Date() }
  await prisma.consent.create({ data: { id: consentId, operatorId: operator.id, subject, ...given } })
  const { edgeId: clientEdge } = listed
  return { operator, owner, subject, audience, consentId, clientEdge, providerId: provider.id }
}

function insertProvider({ prisma }: Pick<Db, 'prisma'>, operatorId: string) {
  const at = new Date()
  const usual = { authMethod: 'client_secret_basic', scopes: ['openid'], subjectClaim: 'sub', groupsClaim: '' }
  const sealed = { wrappedSecret: Buffer.alloc(1), kekId: 'k', requiredClaims: [], signals: 'none' }
  const named = { id: randomUUID(), operatorId, name: 'work', issuer: USER_IDP, clientId: 'auth4agent' }
  return prisma.identityProvider.create({ data: { ...named, ...usual, ...sealed, createdAt: at, updatedAt: at } })
}
