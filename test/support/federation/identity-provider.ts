import { randomUUID } from 'node:crypto'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { afterAll, beforeAll } from 'vitest'
import { LookupOperatorResponseSchema } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import {
  PutIssuerSubjectRequestSchema,
  RemoveIssuerSubjectRequestSchema,
} from '../../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { type Db, openDb } from '../../../services/platform/db/db.ts'
import type { JudgedIdJag } from '../../../services/trust/index.ts'
import { subjectRoutes } from '../../../services/trust/issuers/subjects/routes.ts'
import { createJudgeIdJag } from '../../../services/trust/tokens/id-jag/judge-id-jag.ts'
import { type Attestations, ISSUER, startInstance, type TestInstance } from '../authn.ts'
import { freshOperator, insertAgent, type TestHolder } from '../authn-agents.ts'
import { silentLog, type TestDatabase, testDatabase } from '../database.ts'
import { provenCall } from '../exchanges.ts'
import { asAdmin, type TestOperator } from '../identity.ts'
import { type TestTokenKey, testTokenKey } from '../token-keys.ts'
import { knowledgeOf } from '../trust/knowledge.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** The identity provider, a subject of it, and where its agents act. */
export const IDP = 'https://idp.corp.example'
export const SUB = 'U019488227'
export const CRM = 'https://api.crm.example/v1'

type Rule = Omit<MessageInitShape<typeof PutIssuerSubjectRequestSchema>, '$typeName'>
type Wishes = Parameters<TestInstance['oauthToken']>[1]
type Token = Parameters<TestInstance['oauthToken']>[2]

/** Two processes on one database that has admitted an identity provider. */
export interface ProviderWorld {
  readonly database: TestDatabase
  readonly instances: readonly [TestInstance, TestInstance]
  readonly operator: TestOperator
  /** The key with which the identity provider signs. */
  readonly key: TestTokenKey
  /** Id of its admission. */
  readonly issuerId: string
  /** Runs after an ID-JAG is judged and before it is used. */
  between: () => Promise<unknown>
  /** Inserts an agent with the scopes read, write and admin. */
  readonly agent: () => Promise<TestHolder>
  /** Signs an ID-JAG for an agent, with changed claims and header. A claim that is undefined is left out. */
  readonly idJag: (agent: TestHolder, claims?: object, header?: object, key?: TestTokenKey) => string
  /** Redeems an ID-JAG as an agent, with a client assertion and a DPoP proof, unless the wishes or the call differ. */
  readonly redeem: (agent: TestHolder, text: string, wishes?: Wishes, call?: Token, process?: 0 | 1) => Answer
  /** Puts the rule that the subject is user:alice, with changes. */
  readonly put: (rule?: Rule) => Promise<string>
  readonly remove: (rule: string) => Promise<unknown>
}

type Answer = ReturnType<TestInstance['oauthToken']>

const nothing = async (): Promise<unknown> => undefined

/**
 * Opens the world before the tests of a file, and closes it afterwards.
 *
 * @param attestationOf returns what the directory says about the attestation of an agent
 */
export function useProviderWorld(attestationOf: (did: string) => Attestations = () => ({})) {
  let database: TestDatabase
  let otherDb: Db
  let between = nothing
  let world: ProviderWorld | undefined
  beforeAll(async () => {
    database = await testDatabase()
    otherDb = openDb({ url: database.url, poolSize: 10, log: silentLog })
    await database.db.prisma.deployment.create({ data: { issuer: ISSUER } })
    const key = testTokenKey('ES256')
    const issuerId = await admit(database.db, key)
    const instances = [
      await start(database.db, () => between(), attestationOf),
      await start(otherDb, () => between(), attestationOf),
    ] as const
    const operator = await freshOperator(database.db)
    const shared = { database, instances, operator, key, issuerId }
    world = {
      ...shared,
      get between() {
        return between
      },
      set between(hook) {
        between = hook
      },
      agent: () => insertAgent(database.db, operator, { scopes: ['read', 'write', 'admin'] }),
      idJag: (agent, claims, header, by = key) => signIdJag(agent, by, claims, header),
      redeem: async (agent, text, wishes = {}, call, process = 0) =>
        instances[process].oauthToken(
          agent,
          { grantType: JWT_BEARER, assertion: text, ...wishes },
          call ?? (await provenCall(agent)),
        ),
      ...rules(shared),
    }
  })
  afterAll(async () => {
    await otherDb.close()
    await database.drop()
  })
  return (): ProviderWorld => {
    if (world === undefined) throw new Error('The world is not open yet')
    between = nothing
    return world
  }
}

/** Signs an ID-JAG that is valid now. */
function signIdJag({ did }: { readonly did: string }, key: TestTokenKey, claims = {}, header = {}): string {
  const nowS = Math.floor(Date.now() / 1_000)
  const good = {
    iss: IDP,
    sub: SUB,
    aud: ISSUER,
    client_id: did,
    resource: CRM,
    scope: 'read write',
    jti: randomUUID(),
    iat: nowS,
    exp: nowS + 300,
    email: 'alice@corp.example',
  }
  return key.sign({ typ: 'oauth-id-jag+jwt', alg: key.alg, kid: 'idp-1', ...header }, { ...good, ...claims })
}

/** Admits the identity provider by its rows. */
async function admit({ prisma }: Db, key: TestTokenKey): Promise<string> {
  const { id } = await prisma.issuer.create({
    data: {
      id: randomUUID(),
      issuer: IDP,
      kind: 'oauth',
      algorithms: ['ES256'],
      tokenType: 'at+jwt',
      jwksUri: `${IDP}/jwks`,
      revocationMode: 'none',
      maxTokenTtl: 300,
      maxStalenessMs: 5_000,
      keysAsOf: new Date(),
      keys: { create: { kid: 'idp-1', alg: key.alg, publicJwk: { ...key.jwk }, thumbprint: key.kid } },
      domains: { create: { domain: 'corp.example', operatorId: randomUUID() } },
    },
  })
  return id
}

async function start(
  db: Db,
  between: () => Promise<unknown>,
  attestationOf: (did: string) => Attestations,
): Promise<TestInstance> {
  const judge = createJudgeIdJag({
    db,
    now: Date.now,
    issuer: ISSUER,
    settings: { skewS: 10 },
    knowledge: knowledgeOf(db.pool),
  })
  return startInstance(db, {
    attestationOf,
    async judgeIdJag(...request): Promise<JudgedIdJag> {
      const judged = await judge(...request)
      await between()
      return judged
    },
  })
}

function rules({ database, operator, issuerId }: Pick<ProviderWorld, 'database' | 'operator' | 'issuerId'>) {
  const { db } = database
  const lookupOperator = async () => create(LookupOperatorResponseSchema, { operator: { id: operator.id } })
  const handlers = subjectRoutes({ db, readDb: db, now: Date.now, issuer: ISSUER, operators: { lookupOperator } })
  return {
    async put(rule: Rule = {}) {
      const usual = { id: issuerId, sub: SUB, user: 'user:alice', operatorId: operator.id, audience: [CRM] }
      const request = create(PutIssuerSubjectRequestSchema, { ...usual, scope: ['read', 'write'], ...rule })
      const { subject } = await handlers.putIssuerSubject(request, asAdmin())
      return subject?.rule ?? ''
    },
    remove: (rule: string) =>
      handlers.removeIssuerSubject(create(RemoveIssuerSubjectRequestSchema, { id: issuerId, rule }), asAdmin()),
  }
}
