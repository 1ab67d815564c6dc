import type { TokenIdentity, TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import { create } from '@bufbuild/protobuf'
import {
  AgentDirectoryService,
  type AgentSnapshot,
  type AttestAgentRequest,
  LookupAgentResponseSchema,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { AuthnSettings } from '../../services/authn/config.ts'
import { createAuthn, readTimeline } from '../../services/authn/index.ts'
import { createKeys, createVerificationKeys, type KeysSecrets, type KeysSettings } from '../../services/keys/index.ts'
import { createOperatorRegistry } from '../../services/operator-registry/index.ts'
import type { CheckUser, ClientKeyFinder, Devices } from '../../services/people/index.ts'
import { createUserGrants } from '../../services/people/user-grants.ts'
import type { Db } from '../../services/platform/db/db.ts'
import type { Durability } from '../../services/platform/db/durability.ts'
import { scaleWorkRates } from '../../services/platform/limits/rates.ts'
import { localClient } from '../../services/platform/rpc/local-client.ts'
import { checkAtDatabase, checkTrustAtDatabase, findEndedKeys } from '../../services/revocation/check-token.ts'
import { createRevocation } from '../../services/revocation/index.ts'
import { createLogStore } from '../../services/revocation/log-store.ts'
import { createStatusLists, type StatusListOptions } from '../../services/status-list/index.ts'
import type { Chaining, JudgeIdJag } from '../../services/trust/index.ts'
import { callsOf, oauthCallsOf } from './authn-calls.ts'
import { silentLog } from './database.ts'
import { startIdentity } from './identity.ts'
import { noChaining, noForeign, refuseIdJag } from './no-foreign.ts'

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

/** What the directory says about the attestation of an agent. */
export type Attestations = Partial<Pick<AgentSnapshot, 'enrolment' | 'demands' | 'findings'>>

interface InstanceOptions {
  /** What commits must survive. By default nothing is demanded. */
  readonly durability?: Pick<Durability, 'demand'>
  readonly kek?: Uint8Array
  readonly secrets?: Partial<KeysSecrets>
  readonly settings?: Partial<AuthnSettings & KeysSettings>
  /** The database in which the instance looks up whether tokens have ended, if it is not `db`. */
  readonly statusDb?: Db
  /** The maximum of token records of an operator, if it is not the default. */
  readonly maxTokenRecords?: number
  /** What the trust part decides. By default there is no trust. */
  readonly chaining?: Chaining
  readonly judgeIdJag?: JudgeIdJag
  /** How many tokens an operator of another deployment may get. */
  readonly chainedRate?: Parameters<typeof createAuthn>[0]['chainedRate']
  readonly fleetRate?: Parameters<typeof createAuthn>[0]['fleetRate']
  /** Runs after each lookup in the agents' directory, before authn gets the answer. */
  readonly afterLookup?: () => Promise<void>
  /** Returns what the directory says about the attestation of an agent. */
  readonly attestationOf?: (did: string) => Attestations
  /** Appraises the evidence of an agent, in place of the directory. */
  readonly attestAgent?: (request: AttestAgentRequest) => Promise<object>
  /** Runs after a decision about a token for a user, and before the statement that issues it. */
  readonly beforeCode?: () => Promise<unknown>
  /** Finds the keys of URL clients. By default no client has one. */
  readonly clientKeys?: ClientKeyFinder
  /** Asks the identity provider of a user. By default it vouches for everybody. */
  readonly checkUser?: CheckUser
  /** Judges and finds requests of devices. By default no device may ask. */
  readonly devices?: Devices
  /** Replaces options of the status lists. */
  readonly statusLists?: Partial<StatusListOptions>
  /** Runs after each look-up of several tokens, before the caller gets the answer. */
  readonly afterCheck?: () => Promise<unknown>
}

const refuseDevice = async (): Promise<never> => {
  throw new Error('No device may ask')
}
const noDevices: Devices = { judge: refuseDevice, start: refuseDevice, poll: async () => undefined }
const noClientKeys: ClientKeyFinder = {
  findKey: async () => undefined,
  demandNone: () => undefined,
  demandOpen: () => undefined,
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
    check: async (token: TokenIdentity) => (await checkAtDatabase(statusPool, [token])).answer?.verdict,
    async checkAll(tokens: readonly TokenIdentity[]) {
      const { answer: ended } = await checkAtDatabase(statusPool, tokens)
      await options.afterCheck?.()
      return ended
    },
    checkTrust: async (basis: TrustBasis) => (await checkTrustAtDatabase(statusPool, basis)).answer,
    endedKeys: async (kids: readonly string[]) => (await findEndedKeys(statusPool, kids)).answer,
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
  const grants = createUserGrants({ db, vault: keys.vault, challengeKeys: keys.challengeKeys })
  const userGrants = {
    ...grants,
    async refreshKeyId() {
      await options.beforeCode?.()
      return grants.refreshKeyId()
    },
  }
  const authn = createAuthn({
    db,
    timeline: await readTimeline(db.pool),
    redeemPool: db.pool,
    durability: options.durability ?? { demand() {} },
    now,
    issuer: ISSUER,
    settings,
    agents: localClient(AgentDirectoryService, {
      ...identity.directory,
      async lookupAgent(request, cause) {
        const answer = await identity.directory.lookupAgent(request, cause)
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
    judgeIdJag: options.judgeIdJag ?? refuseIdJag,
    userGrants,
    clientKeys: options.clientKeys ?? noClientKeys,
    checkUser: options.checkUser ?? (async () => 'again'),
    devices: options.devices ?? noDevices,
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
    userGrants,
    revocation,
    identity,
    statusLists,
    runJobs,
    /**
     * Sets the clock of the process back, perhaps to the previous day. Then runs the jobs, which create the challenge
     * key of that day.
     */
    async setBack(ms: number) {
      clock.offsetMs = -ms
      await runJobs()
    },
    ...callsOf(authn, keys, revocation),
    ...oauthCallsOf(authn),
  }
}

/** An instance of the services under test. */
export type TestInstance = Awaited<ReturnType<typeof startInstance>>

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
