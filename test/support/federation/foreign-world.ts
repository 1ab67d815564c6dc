import type { Follower } from '@auth4agent/core/revocation/follower'
import type { TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import { createRevocationState } from '@auth4agent/core/revocation/revocation-state'
import type { Audience } from '@auth4agent/core/token/audience'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { create } from '@bufbuild/protobuf'
import {
  AudienceRuleSchema,
  LookupAudienceOwnerResponseSchema,
} from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { buildGraph } from '../../../services/trust/decide/known-graph.ts'
import type { StatementRow } from '../../../services/trust/decide/read-statements.ts'
import { createRows, type Owner } from '../../../services/trust/decide/rows.ts'
import type { KnownIssuer } from '../../../services/trust/issuers/known-issuer.ts'
import { createForeignLists } from '../../../services/trust/issuers/revocations/foreign-lists.ts'
import type { Introspected } from '../../../services/trust/issuers/revocations/introspect.ts'
import { createGenuineForeign } from '../../../services/trust/tokens/genuine-foreign.ts'
import { createVerifyForeign, type ForeignDemands } from '../../../services/trust/tokens/verify-foreign.ts'
import { NOW_S } from '../assertions.ts'
import { ALPHA, AUDIENCE, alpha, CARGO, GAMMA, gamma, letsCall } from './foreign-parties.ts'

/** A log of another deployment. */
export interface Log {
  readonly state: ReturnType<typeof createRevocationState>
  ageMs: number
  forgottenThroughS: number
}

/** What can differ in a test. */
export interface WorldOptions {
  readonly issuers?: readonly KnownIssuer[]
  readonly rows?: readonly StatementRow[]
  /** What the database has, if it is not what the copy has. */
  readonly fresh?: { readonly issuers?: readonly KnownIssuer[]; readonly rows?: readonly StatementRow[] }
  readonly hasCopy?: boolean
  /** Up to how many edges the paths around the owner are known. */
  readonly maxEdges?: number
  readonly rules?: readonly { readonly audience: string; readonly dpop: string }[]
  readonly introspect?: () => Promise<Introspected>
  /** Returns the text of a status list. */
  readonly fetchList?: (url: string) => string | Error
}

const byIssuer = (list: readonly KnownIssuer[]) => new Map(list.map((row) => [row.issuer, row]))

/** Demands of a caller of the audience. */
export const want = (change: Partial<ForeignDemands['wanted']>) => ({
  wanted: { audience: [AUDIENCE], scope: ['orders:read'], operators: [], ...change },
})

/** Verifies a token. Returns VALID or the reason why it is not valid. */
export async function outcome(
  world: Pick<ReturnType<typeof foreignWorld>, 'verify'>,
  token: string,
  demands?: Partial<ForeignDemands>,
): Promise<string> {
  const verification = await world.verify(token, demands)
  return verification.valid ? 'VALID' : verification.reason
}

/** Everything that verifies foreign tokens at B, with rows and logs in memory. */
export function foreignWorld(options: WorldOptions = {}) {
  const { issuers = [alpha, gamma], rows = [letsCall()], fresh = {}, hasCopy = true } = options
  const clock = { nowS: NOW_S + 1 }
  const own = createRevocationState()
  const logs = new Map<string, Log>(
    [ALPHA, GAMMA].map((issuer) => [issuer, { state: createRevocationState(), ageMs: 0, forgottenThroughS: 0 }]),
  )
  const asked = { database: 0, owner: 0 }
  const copied = byIssuer(issuers)
  const freshIssuers = byIssuer(fresh.issuers ?? issuers)
  const remembered = buildGraph(rows)
  const owner = async ({ host }: { readonly host?: string }) => {
    asked.owner += 1
    const rules = (options.rules ?? []).map((rule) => create(AudienceRuleSchema, rule))
    return create(LookupAudienceOwnerResponseSchema, { operatorId: host === 'api.cargo.example' ? CARGO : '', rules })
  }
  const reads = {
    async issuer(issuer: string) {
      asked.database += 1
      return freshIssuers.get(issuer)
    },
    async statements() {
      asked.database += 1
      return buildGraph(fresh.rows ?? rows)
    },
    owner,
  }
  const owners = new Map<string, Owner>()
  const memory = {
    issuer: (issuer: string) => copied.get(issuer),
    statements: () => remembered,
    owner: (audience: string) => owners.get(audience),
  }
  const remembering = {
    ...reads,
    async owner(audience: Audience) {
      const found = await owner(audience)
      owners.set(audience.text, found)
      return found
    },
  }
  const knowledge = {
    remembered: createRows(remembering, hasCopy ? memory : undefined),
    current: createRows(reads),
    copy: { issuers: hasCopy ? copied : new Map<string, KnownIssuer>(), anchors: [] },
    refresh: async () => undefined,
    onCopy: () => undefined,
  }
  const followerOf = (issuer: string): Follower | undefined => {
    const log = logs.get(issuer)
    return (
      log && {
        version: 0,
        lookup: (token) => log.state.lookup(token),
        lookupTrust: (basis) => log.state.lookupTrust(basis),
        ageMs: () => log.ageMs,
        forgottenThroughS: log.forgottenThroughS,
        size: 0,
        ready: Promise.resolve(),
        close: () => undefined,
      }
    )
  }
  const deps = {
    knowledge,
    now: () => clock.nowS * 1_000,
    settings: { skewS: 10 },
    tokenStatus: { checkTrust: async (basis: TrustBasis): Promise<Verdict | undefined> => own.lookupTrust(basis) },
    logs: { of: followerOf, asOf: () => NOW_S * 1_000 },
    operators: { lookupAudienceOwner: owner },
  }
  const problems: unknown[] = []
  const fetchList = async (url: string) => {
    const text = options.fetchList?.(url) ?? new Error('The test expects no list')
    if (text instanceof Error) throw text
    return { mediaType: 'application/statuslist+jwt', body: Buffer.from(text), maxAgeS: undefined, date: undefined }
  }
  const lists = createForeignLists({
    outbound: { get: fetchList },
    now: deps.now,
    skewS: 10,
    log: { warn: (problem) => problems.push(problem) },
  })
  const introspect = options.introspect ?? (async () => Promise.reject(new Error('The test expects no question')))
  const verify = createVerifyForeign({
    ...deps,
    genuine: createGenuineForeign(deps.now),
    introspect,
    lists,
  })
  let sequence = 0
  return {
    /** What this deployment knows, for other parts that decide by it. */
    deps,
    /** Everything that decides about an owner, as the database has it. */
    readAroundOwner: async () => ({
      ...buildGraph(fresh.rows ?? rows),
      issuers: freshIssuers,
      position: '3-8812',
      maxEdges: options.maxEdges ?? 3,
    }),
    /** The log of this deployment. */
    own,
    clock,
    logs,
    lists,
    /** What was logged about status lists. */
    problems,
    asked,
    /** Of these all judges are made. */
    parts: deps,
    /** Changes the row of an issuer, in the copy and in the database. */
    change(row: KnownIssuer): void {
      for (const rows of [copied, freshIssuers]) rows.set(row.issuer, row)
    },
    /** Puts a record into the log of this deployment, or into that of another one. */
    record(kind: 'issuer' | 'edge' | 'operator' | 'agent' | 'token' | 'key', change: object, issuer?: string): void {
      sequence += 1
      const ending = { kind, sequence, operatorId: '', subject: '', minimumEpoch: 0, ...change }
      const state = issuer === undefined ? own : logs.get(issuer)?.state
      state?.apply(ending)
    },
    verify: (token: string, demands: Partial<ForeignDemands> = {}) =>
      verify(token, {
        issuer: ALPHA,
        ...want({}),
        checkSender: () => undefined,
        ...demands,
      }),
  }
}
