import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair, type SigningKey, sign } from '@auth4agent/core/keys/ed25519'
import type { TokenIdentity, TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { AgentStatus, OperatorStatus } from '../../gen/prisma/enums.ts'
import {
  AgentDirectoryService,
  type AgentSnapshot,
  type AttestAgentRequest,
  LookupAgentResponseSchema,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import {
  CreateChallengeRequestSchema,
  IssueTokenRequestSchema,
  VerifyTokenRequestSchema,
} from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { GetJsonWebKeySetRequestSchema } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import {
  IntrospectRequestSchema,
  RevokeRequestSchema,
  TokenRequestSchema,
} from '../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { RevokeTokenRequestSchema } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { AuthnSettings } from '../../services/authn/config.ts'
import { createAuthn } from '../../services/authn/index.ts'
import type { Call } from '../../services/calls/call.ts'
import { createKeys, createVerificationKeys, type KeysSecrets, type KeysSettings } from '../../services/keys/index.ts'
import { createOperatorRegistry } from '../../services/operator-registry/index.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { scaleWorkRates } from '../../services/platform/limits/rates.ts'
import { localClient } from '../../services/platform/rpc/local-client.ts'
import { checkAtDatabase, checkTrustAtDatabase, findEndedKeys } from '../../services/revocation/check-token.ts'
import { createRevocation } from '../../services/revocation/index.ts'
import { createLogStore } from '../../services/revocation/log-store.ts'
import { createStatusLists, type StatusListOptions } from '../../services/status-list/index.ts'
import type { Chaining, IdJags } from '../../services/trust/index.ts'
import { silentLog } from './database.ts'
import { anonymous, insertOperator, startIdentity, type TestOperator } from './identity.ts'
import { signCompactJws } from './jws.ts'
import { noChaining, noForeign, noIdJags } from './no-foreign.ts'

/** The issuer of every instance. */
export const ISSUER = 'http://localhost:8080'
/** The key-encryption key of every instance for which a test sets no other key. */
export const KEK = new Uint8Array(32).fill(7)
/** Settings of every instance. Times are in seconds. */
const SETTINGS: AuthnSettings & KeysSettings = {
  challengeTtlS: 300,
  defaultTtlS: 900,
  ttlS: { min: 30, max: 3600 },
  skewS: 10,
  keepRedemptionS: 600,
  assertionAudience: 'issuer',
  jwksMaxAgeS: 300,
  publishS: 320,
  rotateAfterS: 30 * 86_400,
}

/** An agent of the fixture, with its private key. */
export interface TestAgent {
  readonly id: string
  readonly did: string
  readonly key: SigningKey
  readonly operatorId: string
}

/** An agent that can hold grants. */
export interface TestHolder extends TestAgent {
  readonly publicKey: Uint8Array
}

/** A challenge in the form that a client gets. */
export interface TestChallenge {
  readonly challenge: string
  readonly nonce: string
}

type Init<S extends Parameters<typeof create>[0]> = MessageInitShape<S>
type TokenWishes = Omit<Init<typeof IssueTokenRequestSchema>, '$typeName'>

/** What the directory says about the attestation of an agent. */
export type Attestations = Partial<Pick<AgentSnapshot, 'enrolment' | 'demands' | 'findings'>>

interface InstanceOptions {
  readonly kek?: Uint8Array
  readonly secrets?: Partial<KeysSecrets>
  readonly settings?: Partial<AuthnSettings & KeysSettings>
  /** The database in which the instance looks up whether tokens have ended, if it is not `db`. */
  readonly statusDb?: Db
  /** The maximum of token records of an operator, if it is not the default. */
  readonly maxTokenRecords?: number
  /** What the trust part decides. By default there is no trust. */
  readonly chaining?: Chaining
  readonly idJags?: IdJags
  /** How many tokens an operator of another deployment may get. */
  readonly chainedRate?: Parameters<typeof createAuthn>[0]['chainedRate']
  readonly fleetRate?: Parameters<typeof createAuthn>[0]['fleetRate']
  /** Runs after each lookup in the agents' directory, before authn gets the answer. */
  readonly afterLookup?: () => Promise<void>
  /** Returns what the directory says about the attestation of an agent. */
  readonly attestationOf?: (did: string) => Attestations
  /** Appraises the evidence of an agent, in place of the directory. */
  readonly attestAgent?: (request: AttestAgentRequest) => Promise<object>
  /** Replaces options of the status lists. */
  readonly statusLists?: Partial<StatusListOptions>
  /** Runs after each look-up of several tokens, before the caller gets the answer. */
  readonly afterCheck?: () => Promise<unknown>
}

/**
 * Creates the services that issue, verify and revoke tokens, on a database and in the process of the test. The test
 * can shift their wall clock and their monotonic clock.
 */
export async function startInstance(db: Db, options: InstanceOptions = {}) {
  const clock = { offsetMs: 0, monotonicOffsetMs: 0 }
  const now = () => Date.now() + clock.offsetMs
  const operators = localClient(OperatorDirectoryService, registryOf(db).directory)
  const identity = startIdentity({ db, now, operators })
  const verificationKeys = createVerificationKeys(db.prisma, () => performance.now() + clock.monotonicOffsetMs)
  const statusPool = (options.statusDb ?? db).pool
  const store = createLogStore(statusPool, 'test')
  const { maxTokenRecords } = options
  const bound = maxTokenRecords === undefined ? {} : { maxTokenRecords }
  const passedTime = { read: async () => Date.now() }
  const revocation = createRevocation({
    db,
    issuer: ISSUER,
    verificationKeys,
    store,
    passedTime,
    onWake() {},
    replayRate: scaleWorkRates(1).replays,
    ...bound,
  })
  const tokenStatus = {
    check: async (token: TokenIdentity) => (await checkAtDatabase(statusPool, [token]))?.verdict,
    async checkAll(tokens: readonly TokenIdentity[]) {
      const ended = await checkAtDatabase(statusPool, tokens)
      await options.afterCheck?.()
      return ended
    },
    checkTrust: (basis: TrustBasis) => checkTrustAtDatabase(statusPool, basis),
    endedKeys: (kids: readonly string[]) => findEndedKeys(statusPool, kids),
  }
  const settings = { ...SETTINGS, ...options.settings }
  const secrets = {
    kek: options.kek ?? KEK,
    otherKeks: [],
    signingKey: undefined,
    pkcs11: undefined,
    ...options.secrets,
  }
  const keys = await createKeys({ db, now, settings, secrets, log: silentLog, tokenStatus, verificationKeys })
  const chaining = options.chaining ?? noChaining
  const statusLists = createStatusLists({
    pool: db.pool,
    issuer: ISSUER,
    ttlS: 60,
    signers: keys.signalSigners.statusList,
    checkHome: chaining.checkHome,
    head: () => store.head(),
    monotonic: () => performance.now() + clock.monotonicOffsetMs,
    passedTime,
    metrics: { made() {}, living() {} },
    ...options.statusLists,
  })
  const authn = createAuthn({
    db,
    redeemPool: db.pool,
    now,
    issuer: ISSUER,
    settings,
    agents: localClient(AgentDirectoryService, {
      ...identity.directory,
      async lookupAgent(request) {
        const answer = await identity.directory.lookupAgent(request)
        await options.afterLookup?.()
        const attested = options.attestationOf?.(request.did)
        const { agent, operator } = create(LookupAgentResponseSchema, answer)
        return { operator, agent: agent && { ...agent, ...attested } }
      },
      attestAgent: options.attestAgent ?? identity.directory.attestAgent,
    }),
    operators,
    verifyForeign: noForeign,
    chaining,
    idJags: options.idJags ?? noIdJags,
    tokenStatus,
    verificationKeys,
    keys,
    passedTime,
    statusPlaces: statusLists.places,
    sawEndpointAudience() {},
    onCheck() {},
    chainedRate: options.chainedRate ?? { perMinute: 60_000, burst: 60_000 },
    fleetRate: options.fleetRate ?? { perMinute: 1e6, burst: 1e6 },
  })
  const runJobs = () => Promise.all([...keys.jobs, ...authn.jobs, ...statusLists.jobs].map((job) => job.run()))
  return {
    clock,
    authn,
    keys,
    revocation,
    identity,
    statusLists,
    runJobs,
    ...callsOf(authn, keys, revocation),
    ...oauthCallsOf(authn),
  }
}

/** An instance of the services under test. */
export type TestInstance = Awaited<ReturnType<typeof startInstance>>

function callsOf(
  { module: authn }: ReturnType<typeof createAuthn>,
  { module: keys }: Awaited<ReturnType<typeof createKeys>>,
  revocation: ReturnType<typeof createRevocation>,
) {
  const challenge = async (did: string, wishes: Init<typeof CreateChallengeRequestSchema> = {}) => {
    const request = create(CreateChallengeRequestSchema, { ...wishes, did })
    const { challenge = '', nonce = '', expiresAt } = await authn.handlers.createChallenge(request, anonymous())
    return { challenge, nonce, expiresAt }
  }
  const redeem = (agent: TestAgent, made: TestChallenge, wishes: TokenWishes = {}, call: Call = anonymous()) => {
    const { challenge, nonce } = made
    const signature = signChallenge(agent, made)
    const request = create(IssueTokenRequestSchema, { did: agent.did, challenge, nonce, signature, ...wishes })
    return authn.handlers.issueToken(request, call)
  }
  return {
    challenge,
    redeem,
    /** Gets a challenge, signs it and redeems it. Returns the token. */
    async issue(agent: TestAgent, wishes: TokenWishes = {}): Promise<string> {
      const { token = '' } = await redeem(agent, await challenge(agent.did), wishes)
      return token
    },
    verify: (token: string, wanted: Init<typeof VerifyTokenRequestSchema> = {}) =>
      authn.handlers.verifyToken(create(VerifyTokenRequestSchema, { ...wanted, token }), anonymous()),
    jwks: () => keys.handlers.getJsonWebKeySet(create(GetJsonWebKeySetRequestSchema), anonymous()),
    revoke: (request: Init<typeof RevokeTokenRequestSchema>, call: Call = anonymous()) =>
      revocation.module.handlers.revokeToken(create(RevokeTokenRequestSchema, request), call),
  }
}

/** Returns the calls of OAuthService. Each of them has a fresh client assertion unless the wishes contain one. */
function oauthCallsOf({ oauth: { handlers } }: ReturnType<typeof createAuthn>) {
  return {
    oauthToken: (
      agent: TestAgent,
      wishes: Omit<Init<typeof TokenRequestSchema>, '$typeName'> = {},
      call: Call = anonymous(),
    ) =>
      handlers.token(
        create(TokenRequestSchema, { grantType: 'client_credentials', ...clientAssertion(agent), ...wishes }),
        call,
      ),
    introspect: (
      agent: TestAgent,
      token: string,
      wishes: Omit<Init<typeof IntrospectRequestSchema>, '$typeName'> = {},
    ) =>
      handlers.introspect(
        create(IntrospectRequestSchema, { token, ...clientAssertion(agent), ...wishes }),
        anonymous(),
      ),
    revokeOwn: (agent: TestAgent, token: string, wishes: Omit<Init<typeof RevokeRequestSchema>, '$typeName'> = {}) =>
      handlers.revoke(create(RevokeRequestSchema, { token, ...clientAssertion(agent), ...wishes }), anonymous()),
  }
}

/** Returns the parameters of a client authentication (RFC 7521 section 4.2), with edits of the claims. */
export function clientAssertion({ did, key }: TestAgent, claims: object = {}) {
  const exp = Math.floor(Date.now() / 1000) + 60
  const payload = { iss: did, sub: did, aud: ISSUER, exp, jti: crypto.randomUUID(), ...claims }
  return {
    clientAssertionType: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    clientAssertion: signCompactJws({ alg: 'EdDSA' }, payload, key),
  }
}

/** Signs a challenge as the agent. The signed text is the message that the protocol defines. */
export function signChallenge({ key }: TestAgent, { challenge, nonce }: TestChallenge): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(sign(key, Buffer.from(`auth4agents-challenge:${challenge}:${nonce}`)))
}

/** Inserts an active agent of an operator, or one with the given status. */
export async function insertAgent(
  db: Db,
  operator: TestOperator,
  { scopes = ['read', 'write'], status = 'active' }: { scopes?: string[]; status?: AgentStatus } = {},
): Promise<TestHolder> {
  const { publicKey, privateKey } = generateKeyPair()
  const id = uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(10)))
  const did = formatDid(operator.domain, fingerprint(publicKey))
  const keys = { create: { publicKey: Uint8Array.from(publicKey), thumbprint: thumbprint(publicKey) } }
  await db.prisma.agent.create({
    data: { id, operatorId: operator.id, did, status, allowedScopes: scopes, keys },
  })
  return { id, did, key: privateKey, publicKey, operatorId: operator.id }
}

let domains = 0

/** Inserts an operator with a new domain. */
export function freshOperator(db: Db, status: OperatorStatus = 'active'): Promise<TestOperator> {
  domains += 1
  return insertOperator(db, `acme${domains}.example`, status)
}

/** Reads every table that authn and revocation may write, except the revocation log, for a later comparison. */
export async function authnState({ prisma }: Db): Promise<object> {
  const [redemptions, challengeKeys, jwksKeys, revoked, audit, assertions, agents, operators] = await Promise.all([
    prisma.redemption.findMany({ orderBy: { challengeId: 'asc' } }),
    prisma.challengeKey.findMany({ orderBy: { slot: 'asc' } }),
    prisma.jwksKey.findMany({ orderBy: { kid: 'asc' } }),
    prisma.revokedToken.findMany({ orderBy: { jti: 'asc' } }),
    prisma.auditLog.findMany({ orderBy: { id: 'asc' } }),
    prisma.usedAssertion.findMany({ orderBy: { jti: 'asc' } }),
    prisma.agent.findMany({ orderBy: { id: 'asc' } }),
    prisma.operator.findMany({ orderBy: { id: 'asc' } }),
  ])
  return { redemptions, challengeKeys, jwksKeys, revoked, audit, assertions, agents, operators }
}

/** Creates the real operator registry, for its directory and the administrator's calls. It must not query DNS. */
function registryOf(db: Db) {
  return createOperatorRegistry({
    db,
    readDb: db,
    lookUpPool: db.pool,
    now: Date.now,
    log: silentLog,
    issuer: ISSUER,
    testDomains: false,
    async resolveTxt() {
      throw new Error('These tests must not query DNS')
    },
    settings: {
      pendingTtlMs: 3_600_000,
      takeoverDelayMs: 3_600_000,
      reverifyIntervalMs: 3_600_000,
      reverifyFailures: 3,
      maxPendingPerDomain: 3,
      maxPending: 1000,
    },
  })
}
