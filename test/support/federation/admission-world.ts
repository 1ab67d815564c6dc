import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { present } from '@auth4agent/core/platform/moment'
import type { Follower } from '@auth4agent/core/revocation/follower'
import { readAccessToken } from '@auth4agent/core/token/access-token'
import { VerificationError } from '@auth4agent/verifier'
import { create } from '@bufbuild/protobuf'
import { createCheckBound } from '../../../clients/verifier/src/bound-tokens.ts'
import { createCounts } from '../../../clients/verifier/src/metrics.ts'
import { readOptions } from '../../../clients/verifier/src/options.ts'
import { isUsable, readCopy } from '../../../clients/verifier/src/server-trust/admission-copy.ts'
import type { FollowedLog } from '../../../clients/verifier/src/server-trust/admitted.ts'
import { createForeignIssuer } from '../../../clients/verifier/src/server-trust/foreign-issuer.ts'
import { createIsLive } from '../../../clients/verifier/src/server-trust/is-live.ts'
import { readPage } from '../../../clients/verifier/src/server-trust/read-answer.ts'
import { createServerTrust } from '../../../clients/verifier/src/server-trust/server-trust.ts'
import type { VerifyOnline } from '../../../clients/verifier/src/server-trust/verify-online.ts'
import { ListAdmissionsRequestSchema, ListAdmissionsResponseSchema } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Principal } from '../../../services/calls/call.ts'
import { compileWriter } from '../../../services/jwks-gateway/rest/json-writer.ts'
import { listAdmissions } from '../../../services/trust/admissions/list-admissions.ts'
import { CAUSE } from '../cause.ts'
import { adminPrincipal } from '../principals.ts'
import { AUDIENCE, BETA, CARGO } from './foreign-parties.ts'
import { foreignWorld, type WorldOptions } from './foreign-world.ts'

const { privateKey, publicKey } = generateKeyPair()
const ADMINISTRATOR = adminPrincipal({ jti: 'assertion-1', expiresAt: 2_000_000_000 })
const writeAnswer = compileWriter(ListAdmissionsResponseSchema)
const NOTHING = { version: 0, forgottenThroughS: 0, size: 0, ready: Promise.resolve(), close: () => undefined }

/** What a verifier that does not ask the server decides: `VALID` with scopes, a reason, or that it would ask. */
interface Offline {
  readonly outcome: string
  readonly scopes: string | undefined
}

/**
 * A {@link foreignWorld} that a verifier knows by the admissions of its deployment. The system time must be that of
 * the world.
 */
export function admissionWorld(options: WorldOptions = {}) {
  const world = foreignWorld(options)
  const deps = { ...world.deps, readAroundOwner: world.readAroundOwner }
  const list = async (principal: Principal = ADMINISTRATOR, request: object = {}) => {
    const asked = create(ListAdmissionsRequestSchema, { audience: AUDIENCE, ...request })
    return create(ListAdmissionsResponseSchema, await listAdmissions(deps, asked, { ...CAUSE, principal }))
  }
  return {
    ...world,
    list,
    /** Reads the admissions now. Returns a function that verifies by them, and by what the logs say then. */
    async verifier(hooks: Hooks = {}) {
      const answer = await list()
      const page = readPage(JSON.parse(writeAnswer(answer)), BETA, new Map())
      const copy = await readCopy({ readPage: async () => page, before: undefined, skewMs: 10_000 })
      // Each verification follows the logs that are followed at its time.
      return (text: string) => offlineVerifier(world, copy, hooks)(text)
    },
  }
}

/** What a test does while a token is verified. */
interface Hooks {
  /** Called when the verifier would ask the server. */
  readonly onAsk?: (isGenuine: boolean) => void
  /** Called while a replay store is asked. Returns whether the server has refused the admissions since. */
  readonly meanwhile?: () => boolean
}

type Copy = Awaited<ReturnType<typeof readCopy>>

function offlineVerifier(world: ReturnType<typeof foreignWorld>, copy: Copy, { onAsk, meanwhile }: Hooks) {
  const revocations = {
    operatorId: CARGO,
    key: { publicKey, sign: async (message: Uint8Array) => sign(privateKey, message) },
  }
  const settings = readOptions({ issuer: BETA, audience: AUDIENCE, operators: 'any', revocations, trust: 'server' })
  const { issuers, trust: _, ...service } = settings
  const core = { ...service, ...issuers[0] }
  const own: Follower = {
    ...NOTHING,
    lookup: (token) => world.own.lookup(token),
    lookupTrust: (basis) => world.own.lookupTrust(basis),
    ageMs: () => 0,
  }
  const logs = new Map([...world.logs.keys()].map((issuer) => [issuer, logOf(world, issuer)]))
  const admissions = {
    of: (audience: string) => (audience === AUDIENCE && !isRefused && isUsable(copy, present()) ? copy : undefined),
    issuer: (issuer: string) => copy.issuers.get(issuer),
    refreshSoon: () => undefined,
    size: copy.size,
    ageMs: () => 0,
    ready: Promise.resolve(),
    close: () => undefined,
  }
  const isLive = createIsLive(admissions, settings.skewS * 1_000)
  const partOf = (issuer: string) =>
    createForeignIssuer({
      settings: { ...core, issuer, operators: [], isListed: true, onStale: 'refuse' },
      checkBound: meanwhile === undefined ? createCheckBound(settings) : waitForStore,
      isClosed: () => false,
      log: logs.get(issuer),
      logs: [...logs.values()],
      own: { follower: own, maxStalenessMs: 5_000 },
      isLive,
      counts: createCounts(),
    })
  let isRefused = false
  const waitForStore = async () => {
    isRefused = meanwhile?.() ?? false
    return undefined
  }
  const online: VerifyOnline = {
    questions: 0,
    async verify({ isGenuine }) {
      onAsk?.(isGenuine)
      throw new Error('ASK')
    },
  }
  const parts = {
    admissions,
    online,
    logs,
    isLive,
    own: { follower: own, maxStalenessMs: 5_000 },
    others: partOf(''),
    of: partOf,
    ready: async () => undefined,
    metrics: () => ({ issuers: {}, admissions: { count: 0, ageSeconds: 0, questions: 0 } }),
    close: () => undefined,
  }
  const trust = createServerTrust({ settings: core, remember: () => undefined }, parts)
  return async (text: string): Promise<Offline> => {
    try {
      const read = readAccessToken(text)
      if ('verdict' in read) return { outcome: read.verdict, scopes: undefined }
      const demands = { audience: settings.audience, scope: [], dpop: undefined }
      const { effectiveScope } = await trust.verifyNew(text, read, demands, present())
      return { outcome: 'VALID', scopes: effectiveScope }
    } catch (error) {
      if (error instanceof VerificationError) return { outcome: error.reason, scopes: undefined }
      if (error instanceof Error && error.message === 'ASK') return { outcome: 'ASK', scopes: undefined }
      throw error
    }
  }
}

function logOf(world: ReturnType<typeof foreignWorld>, issuer: string): FollowedLog {
  const follower = world.deps.logs.of(issuer)
  if (follower === undefined) throw new Error(`There is no log of ${issuer}`)
  const problems = {
    report: () => undefined,
    settle: () => undefined,
    warn: () => undefined,
    untilReady: async () => undefined,
  }
  // The program allows more than the administrator, who decides.
  return { issuer, follower, maxStalenessMs: 3_600_000, problems }
}
